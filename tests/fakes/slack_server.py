"""A loopback Slack: one workspace with a Web API, response URLs, sockets and signed HTTP, driven by what people do."""

from collections.abc import Mapping
from typing import Any, Self

from aiohttp import web

from tests.fakes.slack.delivery import Ack, Delivery, HttpDelivery, SocketDelivery
from tests.fakes.slack.payloads import in_event, in_form, in_interaction, person
from tests.fakes.slack.response_urls import ResponseUrls
from tests.fakes.slack.web_api import WebApi
from tests.fakes.slack.workspace import BOT_USER, TEAM, Fault, Posted, Workspace


class FakeSlack:
    """Use as an async context manager; `mode` says how it reaches the app under test."""

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.socket = SocketDelivery(self.workspace)
        self.http: HttpDelivery | None = None
        self.base = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=4 * 1024**2)
        api = WebApi(self.workspace, self._socket_url)
        app.router.add_post("/api/{method}", api.handle)
        app.router.add_get("/link", self.socket.handle)
        app.router.add_post("/commands/{team}/{key}/{secret}", ResponseUrls(self.workspace).handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.socket.cut()
        if self._runner:
            await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        return f"{self.base}/api/"

    def _socket_url(self) -> str:
        return f"{self.base.replace('http', 'ws', 1)}/link?ticket={self.socket.ticket()}&app_id=A1"

    def deliver_to(self, url: str) -> None:
        """Reach the app by signed HTTP at `url` instead of by socket."""
        self.http = HttpDelivery(self.workspace, url)

    @property
    def delivery(self) -> Delivery:
        return self.http or self.socket

    def fail_next(
        self, method: str, status: int, *, times: int = 1, body: str = "{}", **headers: str
    ) -> None:
        """The next calls of a method ("response_url" too) fail; retry_after="1" becomes the Retry-After header."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        self.workspace.faults.append(
            Fault(method=method, status=status, body=body, headers=named, times=times)
        )

    # --- what people do ---

    async def command(self, line: str, *, user: str = "U1", channel: str = "C1", team: str = TEAM) -> Ack:
        """Type a slash command."""
        name, _, text = line.partition(" ")
        payload = {
            "token": "legacy", "channel_id": channel, "channel_name": "gpu",
            "user_id": user, "user_name": user.lower(), "command": name, "text": text, "api_app_id": "A1",
            "trigger_id": self.workspace.new_trigger(user, channel),
            "response_url": self.workspace.new_response_url(self.base, user, channel),
        }  # fmt: skip
        ack = await self.delivery.send("slash_commands", payload | in_form(self.workspace, team))
        self._show_ack(ack, user, channel)
        return ack

    async def mention(
        self,
        text: str,
        *,
        user: str = "U1",
        channel: str = "C1",
        thread: str | None = None,
        event_id: str = "",
    ) -> Ack:
        """Mention the bot in a channel."""
        event = {"type": "app_mention", "user": user, "text": f"<@{BOT_USER}> {text}", "channel": channel}
        return await self._event(event, thread, event_id)

    async def dm(
        self, text: str, *, user: str = "U1", thread: str | None = None, team: str = TEAM, **more: Any
    ) -> Ack:
        """Write the bot a direct message."""
        event = {"type": "message", "channel_type": "im", "user": user, "text": text, "channel": "D1", **more}
        return await self._event(event, thread, "", team=team)

    async def _event(
        self, event: dict[str, Any], thread: str | None, event_id: str, *, team: str = TEAM
    ) -> Ack:
        ts = self.workspace.new_ts()
        event |= {"ts": ts, "event_ts": ts} | ({"thread_ts": thread} if thread else {})
        payload = {
            "token": "legacy", "api_app_id": "A1", "event": event, "type": "event_callback",
            "event_id": event_id or self.workspace.new_id("Ev"), "event_time": 1_700_000_000,
        }  # fmt: skip
        return await self.delivery.send("events_api", payload | in_event(self.workspace, team))

    async def click(self, message: Posted, label: str, *, user: str = "U1", team: str = TEAM) -> Ack:
        """Press the button that says `label`."""
        action = find_button(message.blocks, label)
        return await self.act(message, {**action, "type": "button", "action_ts": "1.0"}, user=user, team=team)

    async def select(self, message: Posted, action_id: str, value: str, *, user: str = "U1") -> Ack:
        """Choose an option of a menu."""
        menu = find_element(message.blocks, action_id)
        chosen = next(option for option in menu["options"] if option["value"] == value)
        action = {
            "type": menu["type"],
            "action_id": action_id,
            "block_id": menu["block_id"],
            "selected_option": chosen,
        }
        return await self.act(message, action, user=user)

    async def act(
        self, message: Posted, action: Mapping[str, Any], *, user: str = "U1", team: str = TEAM
    ) -> Ack:
        """Send a block action of a message."""
        container = {
            "type": "message", "message_ts": message.ts, "channel_id": message.channel,
            "is_ephemeral": message.ephemeral,
        }  # fmt: skip
        payload: dict[str, Any] = {
            "type": "block_actions", "user": person(user, team), "api_app_id": "A1", "token": "legacy",
            "container": container,
            "trigger_id": self.workspace.new_trigger(user, message.channel),
            "channel": {"id": message.channel, "name": "gpu"}, "actions": [dict(action)],
            "response_url": self.workspace.new_response_url(self.base, user, message.channel, message),
            "state": {"values": {}},
        }  # fmt: skip
        if not message.ephemeral:
            payload["message"] = {"ts": message.ts, "text": message.text, "blocks": message.blocks}
        return await self.delivery.send("interactive", payload | in_interaction(self.workspace, team))

    async def interactive(self, payload: dict[str, Any], *, user: str = "U1") -> Ack:
        """Any other interaction: a submitted view, a shortcut, a suggestion."""
        base = {"user": person(user, TEAM), "api_app_id": "A1", "token": "legacy"}
        whole = base | in_interaction(self.workspace, TEAM) | payload
        return await self.delivery.send("interactive", whole)

    async def event(self, event: dict[str, Any], *, team: str = TEAM) -> Ack:
        """Any other event."""
        return await self._event(dict(event), None, "", team=team)

    def _show_ack(self, ack: Ack, user: str, channel: str) -> None:
        """A message in the acknowledgement of a command is shown like one from a response URL."""
        if ack.payload and (ack.payload.get("text") or ack.payload.get("blocks")):
            url = self.workspace.response_urls[next(reversed(self.workspace.response_urls))]
            ResponseUrls(self.workspace).take(url, ack.payload)

    # --- what people see ---

    async def answer(
        self, *, user: str = "U1", channel: str = "C1", after: int = 0, seconds: float = 40.0
    ) -> Posted:
        """The newest message this person sees in the channel, once there are more than `after`."""

        def newest() -> Posted | None:
            seen = self.workspace.visible(channel=channel, user=user)
            return seen[-1] if len(seen) > after else None

        message: Posted = await self.workspace.until(newest, seconds=seconds, what=f"an answer in {channel}")
        return message

    async def ask(self, line: str, *, user: str = "U1", channel: str = "C1") -> Posted:
        """Type a command and wait for its answer."""
        before = len(self.workspace.visible(channel=channel, user=user))
        await self.command(line, user=user, channel=channel)
        return await self.answer(user=user, channel=channel, after=before)

    async def ask_in(self, line: str, team: str, *, user: str, channel: str = "C1") -> Posted:
        """The same in another workspace."""
        before = len(self.workspace.visible(channel=channel, user=user))
        await self.command(line, user=user, channel=channel, team=team)
        return await self.answer(user=user, channel=channel, after=before)

    async def changed(self, message: Posted, versions: int) -> Posted:
        """Wait until the message has been replaced."""
        await self.workspace.until(lambda: message.versions > versions, what="the message to change")
        return message


def find_button(blocks: Any, label: str) -> dict[str, Any]:
    """The button whose text starts with `label`."""
    found = [
        one for one in elements(blocks) if one["type"] == "button" and one["text"]["text"].startswith(label)
    ]
    if not found:
        labels = [one["text"]["text"] for one in elements(blocks) if one["type"] == "button"]
        raise AssertionError(f"no button says {label!r}; there are {labels}")
    return found[0]


def find_element(blocks: Any, action_id: str) -> dict[str, Any]:
    """The element with this action id."""
    found = next((one for one in elements(blocks) if one.get("action_id") == action_id), None)
    assert found is not None, (
        f"no element {action_id}; there are {[one.get('action_id') for one in elements(blocks)]}"
    )
    return found


def elements(blocks: Any) -> list[dict[str, Any]]:
    """Every interactive element, with the id of its block."""
    found = []
    for number, block in enumerate(blocks):
        inner = [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]
        inner += [block["element"]] if "element" in block else []
        block_id = block.get("block_id", f"b{number}")
        found += [{**one, "block_id": block_id} for one in inner if "action_id" in one]
        found += elements(block.get("child_blocks", []))
    return found


def all_text(blocks: Any) -> str:
    """Every word a person sees in the blocks."""
    if isinstance(blocks, Mapping):
        own = blocks.get("text")
        inner = [
            all_text(value) for key, value in blocks.items() if not (key == "text" and isinstance(own, str))
        ]
        return "\n".join(part for part in [own if isinstance(own, str) else "", *inner] if part)
    if isinstance(blocks, list | tuple):
        return "\n".join(part for part in (all_text(one) for one in blocks) if part)
    return ""
