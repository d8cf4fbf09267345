"""What the fake Slack remembers: messages, views, response URLs, triggers, the calls an app made."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

BOT_TOKEN = "xoxb-1-loopback-fa4eb07a"
APP_TOKEN = "xapp-1-loopback-0123456789"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BOT_USER = "UBOT"
BOT_ID = "BBOT"
TEAM = "T1"
CLIENT_ID = "1.2"
CLIENT_SECRET = "c11e47-secret-of-the-app"
ACK_DEADLINE_SECONDS = 3.0
RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 30 * 60
TRIGGER_SECONDS = 3.0


@dataclass(kw_only=True)
class Posted:
    """A message as it stands now. `seen_by` is the one person who sees it; None means everyone."""

    ts: str
    channel: str
    text: str
    blocks: list[dict[str, Any]]
    seen_by: str | None = None
    thread_ts: str | None = None
    metadata: dict[str, Any] | None = None
    versions: int = 1
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        return self.seen_by is not None


@dataclass(kw_only=True)
class ApiCall:
    """One call of the Web API."""

    method: str
    arguments: Mapping[str, Any]
    answer: Mapping[str, Any]
    at: float
    team: str = TEAM


@dataclass(kw_only=True)
class Fault:
    """The next `times` calls of `method` get this answer instead."""

    method: str
    status: int
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


@dataclass(kw_only=True)
class ResponseUrl:
    """A response URL: who asked, in answer to which message, and how often it was used."""

    user: str
    channel: str
    original: Posted | None
    uses: int = 0
    made_at: float = field(default_factory=time.monotonic)


@dataclass(kw_only=True)
class Trigger:
    """Lets an app open a view, once, within three seconds."""

    user: str
    channel: str
    made_at: float = field(default_factory=time.monotonic)
    used: bool = False


class Workspace:
    """One workspace with its state, and a bell that rings at every change."""

    def __init__(self) -> None:
        self.messages: list[Posted] = []
        self.calls: deque[ApiCall] = deque(maxlen=5000)
        self.faults: list[Fault] = []
        self.response_urls: dict[str, ResponseUrl] = {}
        self.triggers: dict[str, Trigger] = {}
        self.views: dict[str, dict[str, Any]] = {}  # open modals by view id
        self.homes: dict[str, dict[str, Any]] = {}  # home tab by user
        self.refused: list[str] = []  # everything strictly wrong that an app sent
        self.members: dict[str, set[str]] = {
            "C1": {BOT_USER, "U1", "U2"},
            "C2": {"U1"},
            "D1": {BOT_USER, "U1"},
        }
        self.tokens = {BOT_TOKEN: TEAM}  # whose each bot token is; installing adds to it
        self.codes: dict[str, str] = {}  # of installations under way: code -> team
        self.orgs: dict[str, str] = {}  # team -> the organisation that installed the app for all its teams
        self.token_lives: list[
            float
        ] = []  # seconds the next tokens live, the last for all after it; empty: for ever
        self.token_ends: dict[str, float] = {}  # when each token with an end ends
        self.refresh_tokens: dict[str, str] = {}  # each good for one new token of its team
        self.teams = {"C1": TEAM, "C2": TEAM, "D1": TEAM}  # whose each channel is
        self.slow_seconds = 0.0
        self.without_blocks: set[str] = set()  # kinds of block this workspace does not have
        self._last_ts = 0
        self._serial = itertools.count(1)
        self._changed = asyncio.Condition()

    def new_ts(self) -> str:
        """The present, as Slack writes it; never the same twice."""
        self._last_ts = max(self._last_ts + 1, int(time.time() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06}"

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._serial):06d}"

    def new_response_url(self, base: str, user: str, channel: str, original: Posted | None = None) -> str:
        key = self.new_id("R")
        self.response_urls[key] = ResponseUrl(user=user, channel=channel, original=original)
        return f"{base}/commands/{TEAM}/{key}/secret{key}"

    def new_trigger(self, user: str, channel: str) -> str:
        key = self.new_id("TR")
        self.triggers[key] = Trigger(user=user, channel=channel)
        return key

    async def ring(self) -> None:
        """Tell everyone who waits that something changed."""
        async with self._changed:
            self._changed.notify_all()

    async def until(self, found: Callable[[], Any], *, seconds: float = 40.0, what: str = "that") -> Any:
        """Wait until `found()` is true and return it; a test that waits in vain fails with what it waited for."""
        result = found()
        try:
            async with asyncio.timeout(seconds), self._changed:
                while not (result := found()):
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"waited {seconds:g} s for {what}; refused: {self.refused[-2:]}") from None
        return result

    def begin_install(self, team: str) -> str:
        """Someone of a team agrees to the installation: the code Slack sends them back with."""
        code = f"code-{team}-{next(self._serial)}"
        self.codes[code] = team
        return code

    def add_channel(self, channel: str, team: str, *members: str) -> None:
        """A channel of a team, the bot in it."""
        self.teams[channel] = team
        self.members[channel] = {BOT_USER, *members}

    def visible(self, *, channel: str | None = None, user: str | None = None) -> list[Posted]:
        """Messages that stand, as this user sees them."""
        return [
            message
            for message in self.messages
            if not message.deleted
            and (channel is None or message.channel == channel)
            and (message.seen_by is None or user is None or message.seen_by == user)
        ]

    def lacks(self, blocks: list[dict[str, Any]]) -> list[str]:
        """Blocks of kinds that this workspace does not have."""
        return [
            f"unsupported type: {block['type']}" for block in blocks if block["type"] in self.without_blocks
        ]

    def fault_for(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and fault.times > 0:
                fault.times -= 1
                return fault
        return None
