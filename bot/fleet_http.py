"""One bounded GET, with every way it can fail said as one sentence."""

import ssl
from functools import cache
from typing import Final

import httpx

from bot.fleet import FleetUnavailable

MOST_BYTES: Final = 64 * 1024**2


@cache
def _tls() -> ssl.SSLContext:
    """The system's trust; loading it takes tens of milliseconds, so once."""
    return ssl.create_default_context()


def client(url: str, timeout_seconds: float) -> httpx.AsyncClient:
    """A client for `url`; a plain http:// address never loads certificates."""
    verify = _tls() if url.startswith("https:") else False
    return httpx.AsyncClient(timeout=timeout_seconds, verify=verify)


async def get(
    session: httpx.AsyncClient,
    url: str,
    *,
    params: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    most_bytes: int = MOST_BYTES,
) -> bytes:
    """The body of a 200 answer of at most `most_bytes`; anything else is FleetUnavailable with the reason."""
    try:
        async with session.stream("GET", url, params=params, headers=headers) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > most_bytes:
                    raise FleetUnavailable(f"the answer is larger than {most_bytes // 1024**2} MiB")
    except httpx.TimeoutException:
        raise FleetUnavailable("no answer in time") from None
    except httpx.ConnectError:
        raise FleetUnavailable("nothing answers at that address") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FleetUnavailable(f"the connection failed ({type(error).__name__})") from None
    if response.status_code != httpx.codes.OK:
        raise FleetUnavailable(f"it answered HTTP {response.status_code}")
    return bytes(body)
