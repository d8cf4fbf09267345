"""The two ways Slack reaches an app, each timing how soon the app acknowledges."""

import asyncio
import itertools
import json
import time
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from tests.fakes.slack.workspace import ACK_DEADLINE_SECONDS, SIGNING_SECRET, Workspace


@dataclass(frozen=True, kw_only=True)
class Ack:
    """How the app took one delivery: after how long, and with what payload."""

    seconds: float
    payload: dict[str, Any] | None
    in_time: bool = True


class Delivery(Protocol):
    """`kind` is Slack's: slash_commands, interactive or events_api."""

    async def send(self, kind: str, payload: dict[str, Any]) -> Ack: ...


class SocketDelivery:
    """Socket Mode: the app dials in; an envelope goes to one of its connections."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.sockets: list[web.WebSocketResponse] = []
        self.connections = 0
        self.malformed: list[str] = []
        self._acks: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._serial = itertools.count(1)
        self._tickets: set[str] = set()

    def ticket(self) -> str:
        ticket = f"ticket-{next(self._serial)}"
        self._tickets.add(ticket)
        return ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=408, text="ticket expired")
        self._tickets.discard(ticket)  # good for one connection
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(
            {"type": "hello", "num_connections": len(self.sockets) + 1, "connection_info": {"app_id": "A1"}}
        )
        self.sockets.append(socket)
        self.connections += 1
        await self.workspace.ring()
        try:
            async for message in socket:
                self._take_ack(message.data)
        finally:
            self.sockets.remove(socket)
            await self.workspace.ring()
        return socket

    def _take_ack(self, data: str) -> None:
        try:
            answer = json.loads(data)
        except ValueError:
            self.malformed.append(data)
            return
        waiting = self._acks.pop(answer.get("envelope_id", ""), None)
        if waiting is None:
            self.malformed.append(data)
        elif not waiting.done():
            waiting.set_result(answer)

    async def send(self, kind: str, payload: dict[str, Any]) -> Ack:
        await self.workspace.until(lambda: self.sockets, what="the bot's socket")
        envelope = f"envelope-{next(self._serial)}"
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._acks[envelope] = waiting
        started = time.perf_counter()
        await self.sockets[-1].send_json(
            {
                "envelope_id": envelope,
                "type": kind,
                "accepts_response_payload": kind != "events_api",
                "payload": payload,
            }
        )
        try:
            answer = await asyncio.wait_for(waiting, ACK_DEADLINE_SECONDS)
        except TimeoutError:
            return Ack(seconds=time.perf_counter() - started, payload=None, in_time=False)
        return Ack(seconds=time.perf_counter() - started, payload=answer.get("payload"))

    async def refresh(self) -> None:
        """What Slack does every few hours: asks for a new connection, closes the old one a little later."""
        old = self.sockets[-1]
        count = self.connections
        await old.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})
        await self.workspace.until(lambda: self.connections > count, what="a new socket")
        await old.close()

    async def cut(self) -> None:
        """Close every connection without a word."""
        for socket in list(self.sockets):
            await socket.close(code=1011)


class HttpDelivery:
    """Signed requests to the app's own server."""

    def __init__(self, workspace: Workspace, url: str) -> None:
        self.workspace = workspace
        self.url = url

    async def send(self, kind: str, payload: dict[str, Any]) -> Ack:
        body, content_type = _body(kind, payload)
        started = time.perf_counter()
        try:
            status, text = await self.post(body, content_type)
        except TimeoutError:
            return Ack(seconds=time.perf_counter() - started, payload=None, in_time=False)
        seconds = time.perf_counter() - started
        assert status == 200, f"the app answered {status}: {text}"
        return Ack(seconds=seconds, payload=json.loads(text) if text.startswith("{") else None)

    async def post(
        self, body: str, content_type: str, *, secret: str = SIGNING_SECRET, age_seconds: int = 0
    ) -> tuple[int, str]:
        """Send a request signed with `secret`, as if `age_seconds` ago."""
        timestamp = str(int(time.time()) - age_seconds)
        signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        }
        timeout = aiohttp.ClientTimeout(total=ACK_DEADLINE_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(self.url, data=body.encode(), headers=headers) as response,
        ):
            return response.status, await response.text()


def _body(kind: str, payload: dict[str, Any]) -> tuple[str, str]:
    form = "application/x-www-form-urlencoded"
    if kind == "slash_commands":
        return urlencode(payload), form
    if kind == "interactive":
        return urlencode({"payload": json.dumps(payload)}), form
    return json.dumps(payload), "application/json"
