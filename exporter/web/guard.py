"""Who may come in: the web config in force, and basic auth checked without holding up others."""

import asyncio
import base64
import binascii
import hmac
import logging
import os
import secrets
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

import bcrypt

from exporter.web.config_file import BadWebConfig, WebConfig, read_web_config, tls_context
from exporter.web.message import Request, Response

log: Final = logging.getLogger("fittingroom.exporter.web")

# Checked when the user does not exist, so that the time of an answer does not tell who does.
_NOBODY: Final = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(10))
_REMEMBERED: Final = 128
_CHECKS_AT_ONCE: Final = 2
_OPEN_PATHS: Final = frozenset({"/healthz", "/-/healthy", "/readyz", "/-/ready"})  # probes carry no password
_LONGEST_PASSWORD_BYTES: Final = 72  # bcrypt reads no further


class Guard:
    """The web config file in force; a broken edit leaves the last good one.

    Users, headers, certificate and key are taken up as they change; other TLS settings are those of the start.

    Raises:
        BadWebConfig: The file cannot be used at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.config = read_web_config(path)
        tls = self.config.tls_server_config
        self.tls: ssl.SSLContext | None = tls_context(tls, path.parent) if tls is not None else None
        self._stamp = self._stamps(self.config)
        self._known: OrderedDict[bytes, bool] = OrderedDict()
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)
        self._pepper = secrets.token_bytes(32)
        if self.tls is not None:
            self.tls.sni_callback = self._renew  # called at each handshake, before a certificate is chosen

    def guarded(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The answer, for those who may have it."""

        async def guarded_answer(request: Request) -> Response:
            self.refresh()
            asked = self.config.basic_auth_users and request.path not in _OPEN_PATHS
            if asked and not await self._may_enter(request.headers.get("authorization", "")):
                return Response(
                    body=b"401 Unauthorized\n",
                    status=HTTPStatus.UNAUTHORIZED,
                    headers=(("WWW-Authenticate", 'Basic realm="fittingroom", charset="UTF-8"'),),
                )
            response = await answer(request)
            headers = tuple(self.config.http_server_config.headers.items())
            return Response(
                body=response.body,
                status=response.status,
                content_type=response.content_type,
                headers=(*response.headers, *headers),
            )

        return guarded_answer

    def refresh(self) -> None:
        """Take up the file, or a certificate, that has changed since. TLS cannot be turned on or off this way."""
        stamp = self._stamps(self.config)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            config = read_web_config(self._path)
            if self.tls is not None and config.tls_server_config is not None:
                self.tls = tls_context(config.tls_server_config, self._path.parent)
                self.tls.sni_callback = self._renew
        except BadWebConfig as error:
            log.error("the web config cannot be used, the last good one stays: %s", error)  # noqa: TRY400
            return
        self.config = config
        self._stamp = self._stamps(config)
        self._known.clear()
        log.info("web config read")

    def _renew(self, connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        """Give this handshake the certificate in force, not that of the start."""
        self.refresh()
        if self.tls is not None:
            connection.context = self.tls

    def _stamps(self, config: WebConfig) -> tuple[tuple[int, int, int] | None, ...]:
        tls = config.tls_server_config
        files = [self._path]
        if tls is not None:
            files += [
                self._path.parent / one for one in (tls.cert_file, tls.key_file, tls.client_ca_file) if one
            ]
        return tuple(_stamp(file) for file in files)

    async def _may_enter(self, header: str) -> bool:
        """Whether the header names a user and their password.

        What was found once is remembered: bcrypt takes a tenth of a second by design, and a scraper comes every few
        seconds. Few are checked at a time, so that guessing does not take the whole machine.
        """
        given = _credentials(header)
        if given is None:
            return False
        user, password = given
        stored = self.config.basic_auth_users.get(user)
        key = hmac.digest(self._pepper, f"{user}\0{stored}\0".encode() + password, sha256)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        hashed = stored.encode() if stored is not None else _NOBODY
        async with self._checks:
            right = await asyncio.to_thread(bcrypt.checkpw, password[:_LONGEST_PASSWORD_BYTES], hashed)
        self._known[key] = right and stored is not None
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return self._known[key]


def _credentials(header: str) -> tuple[str, bytes] | None:
    """User and password of a Basic authorization header."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116  half the time of Path.stat, and this is done for every request
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
