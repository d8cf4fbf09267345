"""One look-up's requests to a hub: bounded in size and in time, all together; nothing is ever executed or written."""

import time
from collections.abc import Mapping
from importlib.metadata import version
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlsplit

import httpx

from shared.errors import Unsupported
from shared.hub.refusals import away, gated, not_there
from shared.hub.settings import HubSettings

_MOST_REDIRECTS: Final = 5
_CONNECT_SECONDS: Final = 5.0
_LIBRARY: Final = "fittingroom"


class HubClient:
    """Requests about one repository."""

    def __init__(self, settings: HubSettings, repo_id: str) -> None:
        self.place = urlsplit(settings.endpoint).hostname or settings.endpoint
        self._settings = settings
        self._repo_id = repo_id
        self._deadline = time.monotonic() + settings.timeout_seconds
        self._client = httpx.Client(
            headers=_headers(settings.token),
            follow_redirects=True,
            max_redirects=_MOST_REDIRECTS,
            timeout=settings.timeout_seconds,
            event_hooks={"response": [self._refuse_downgrade]},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def about(self, most_bytes: int) -> bytes:
        """What the hub's API says of the repository."""
        return self._get(f"{self._settings.endpoint}/api/models/{quote(self._repo_id)}", {}, most_bytes)

    def file(self, name: str, revision: str, most_bytes: int) -> bytes:
        """A small file, whole."""
        return self._get(self._url(name, revision), {}, most_bytes)

    def part(self, name: str, revision: str, offset: int, count: int) -> bytes:
        """At most `count` bytes of a large file from `offset`; fewer at its end."""
        asked = {"Range": f"bytes={offset}-{offset + count - 1}"}
        return self._get(self._url(name, revision), asked, count, is_part=True)

    def _url(self, name: str, revision: str) -> str:
        return _file_address(self._repo_id, name, revision, self._settings.endpoint)

    def _get(self, url: str, headers: Mapping[str, str], most_bytes: int, *, is_part: bool = False) -> bytes:
        try:
            with self._client.stream("GET", url, headers=dict(headers), timeout=self._limits()) as response:
                self._refuse(response, is_part=is_part)
                return self._body(response, most_bytes, is_part=is_part)
        except httpx.TooManyRedirects:
            raise away(self.place, "it redirects without end") from None
        except httpx.TimeoutException:
            raise away(self.place, "no answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise away(self.place, type(error).__name__) from None

    def _body(self, response: httpx.Response, most_bytes: int, *, is_part: bool) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > most_bytes:
                if is_part:
                    break  # a server that ignores the range: its start is what was asked first
                raise Unsupported(
                    f"{self.place} answers with more than {most_bytes // 1024} KiB, which no config is."
                )
            self._left()
        return bytes(content[:most_bytes])

    def _refuse(self, response: httpx.Response, *, is_part: bool) -> None:
        """Raise for an answer that is none."""
        status = response.status_code
        if status in (401, 403):
            reason = response.headers.get("x-error-code", "")
            if reason == "RepoNotFound" or (status == 401 and reason != "GatedRepo"):
                raise not_there(self._repo_id, self.place)
            raise gated(self._repo_id, self.place, has_token=self._settings.token is not None)
        if status == 404:
            if response.headers.get("x-error-code") == "EntryNotFound":
                raise away(self.place, "a file that it lists is missing")
            raise not_there(self._repo_id, self.place)
        if status == 416 and is_part:
            raise Unsupported("The file on the hub is shorter than its own header says.")
        if status == 429:
            raise away(self.place, "it limits how often we may ask")
        if status not in (200, 206):
            raise away(self.place, f"status {status}")
        if is_part and status == 200 and not response.request.headers.get("range", "").startswith("bytes=0-"):
            raise away(self.place, "it does not send parts of files")

    def _refuse_downgrade(self, response: httpx.Response) -> None:
        """A token or an answer never travels in the clear where the hub was asked over TLS."""
        target = response.headers.get("location", "")
        if (
            response.is_redirect
            and self._settings.endpoint.startswith("https:")
            and target.startswith("http:")
        ):
            raise away(self.place, "it redirects to an unencrypted address")

    def _limits(self) -> httpx.Timeout:
        left = self._left()
        return httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS))

    def _left(self) -> float:
        """Seconds left of this look-up."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise away(self.place, "no answer in time")
        return left


def _headers(token: str | None) -> dict[str, str]:
    """The hub's own headers; huggingface_hub takes 0.3 s to import, which only a look-up should cost."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined] # noqa: PLC0415

    headers: dict[str, str] = build_hf_headers(
        token=token or False, library_name=_LIBRARY, library_version=version(_LIBRARY)
    )
    return headers


def _file_address(repo_id: str, name: str, revision: str, endpoint: str) -> str:
    from huggingface_hub import hf_hub_url  # noqa: PLC0415 - as above

    return hf_hub_url(repo_id, name, revision=revision, endpoint=endpoint)
