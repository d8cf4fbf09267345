"""`python -m bot --smoke CHANNEL`: posts one of everything to a real workspace and says what Slack took."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import aiohttp

from bot.cannot_start import CannotStart
from bot.desk import Desk
from bot.fleet import Fleet, FleetGpu, FleetNode
from bot.health import BotMetrics
from bot.messages.message import Message
from bot.messages.status import status_message
from bot.messages.watches import kept_message, metadata
from bot.outbox import Outbox
from bot.settings import BotSettings
from bot.slack_client import slack_knows_us, web_client
from bot.slack_refusals import SlackRefused
from bot.thinker import Thinker
from bot.watches import EXPIRES_AFTER, Watch
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog

REFUSED: Final = 1
PAUSE_SECONDS: Final = 1.1  # Slack takes about one message a second in a channel
QUESTIONS: Final = {
    "an answer with a table": "can Mixtral 8x22B run on A100 40GB?",
    "an ambiguous question": "mixtral 8x22b on A100",
    "what was not understood": "mixtrl 9x22b on A100 40GB",
    "help": "help",
}


async def smoke(settings: BotSettings, channel: str) -> int:
    """Post one of everything to `channel`; 0 when Slack took all of it as it was made."""
    catalog = load_catalog(settings.site_catalog)
    metrics = BotMetrics(catalog_date=str(catalog.as_of))
    async with aiohttp.ClientSession() as session:
        client = web_client(settings, metrics, session)
        if not await slack_knows_us(client, asyncio.Event()):
            raise CannotStart("Slack does not answer")
        outbox = Outbox(client=client, session=session, metrics=metrics)
        failures = 0
        thinker = Thinker(settings.site_catalog, processes=0)
        desk = Desk(catalog=catalog, reader=None, thinker=thinker, command=settings.command)
        made = {name: (await desk.reply(text)).message for name, text in QUESTIONS.items()}
        unfolded = await desk.reply(QUESTIONS["an answer with a table"], details=True)
        made["an answer unfolded"] = unfolded.message
        thinker.close()
        for name, message in (*made.items(), *_fixed(catalog)):
            failures += not await _posted(outbox, channel, name, message)
            await asyncio.sleep(PAUSE_SECONDS)
        failures += not await _told_apart(outbox, channel, catalog)
    return REFUSED if failures else 0


def _fixed(catalog: Catalog) -> Iterator[tuple[str, Message]]:
    """Messages that need no question."""
    gpu = next(one for one in catalog.gpus.values() if one.nvml_names)
    seen = FleetGpu(
        uuid="GPU-0", index="0", product=gpu.nvml_names[0], gpu_id=gpu.id, total_bytes=gpu.memory_total_bytes,
        free_bytes=gpu.memory_usable_bytes,
    )  # fmt: skip
    node = FleetNode(name="example-node", gpus=(seen,), age_seconds=1, simulated=True)
    yield "the state of a fleet", status_message(Fleet(nodes=(node,), source="an example"))
    yield "a watch", kept_message(_watch(), catalog)


def _watch() -> Watch:
    now = datetime.now(UTC)
    return Watch(
        id=f"smoke-{now:%H%M%S}",
        user="",
        question="an example",
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )


async def _posted(outbox: Outbox, channel: str, name: str, message: Message) -> bool:
    """Whether Slack took the message as made; says what it took instead."""
    before = outbox.fallbacks
    try:
        await outbox.post(channel, message)
    except SlackRefused as refused:
        return _say(name, f"REFUSED: {refused.reason}")
    if outbox.fallbacks > before:
        return _say(name, "taken, but only with older blocks (the log above says what Slack disliked)")
    _say(name, "taken")
    return True


async def _told_apart(outbox: Outbox, channel: str, catalog: Catalog) -> bool:
    """Whether a watch's message can be found again by its metadata, which is what tells it from one never sent."""
    watch = _watch()
    try:
        where, ts = await outbox.post_in(channel, kept_message(watch, catalog), metadata=metadata(watch))
        found = await outbox.history(where, float(ts) - 1)
    except SlackRefused as refused:
        return _say(
            "finding a watch's message", f"REFUSED: {refused.reason} (it matters in direct messages only)"
        )
    if not any(
        (one.get("metadata") or {}).get("event_payload", {}).get("watch") == watch.id for one in found
    ):
        return _say("finding a watch's message", "NOT FOUND by its metadata")
    _say("finding a watch's message", "found by its metadata")
    return True


def _say(name: str, outcome: str) -> bool:
    """Print a line of the report; always False, for failures."""
    print(f"{name:<28} {outcome}", flush=True)  # noqa: T201
    return False
