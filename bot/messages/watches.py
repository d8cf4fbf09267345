"""What we say about watches: kept, refused, listed, and the message that was waited for."""

from collections.abc import Sequence
from typing import Any, Final

from bot.answer import Answer, Placement
from bot.messages.blocks import actions, button, header, paragraph, preformatted, rich_text, run, small_print
from bot.messages.details import command_text
from bot.messages.fleet import room_words
from bot.messages.message import Block, Message, message
from bot.messages.mrkdwn import inert
from bot.messages.words import age, option_name, read_as
from bot.watches import EXPIRES_AFTER, Watch
from shared.catalog.catalog import Catalog
from shared.errors import UserError
from shared.question.parse import parse_question

EVENT_TYPE: Final = "fittingroom_watch"
MOST_LISTED: Final = 10


def _said(sentence: str, *blocks: Block) -> Message:
    return message(inert(sentence), [rich_text(paragraph(sentence)), *blocks])


def kept_message(watch: Watch, catalog: Catalog) -> Message:
    """The promise, made after the watch is on disk."""
    sentence = (
        f"I will write to you when there is room for {_what(watch, catalog)}. "
        f"I look all the time, for {EXPIRES_AFTER.days} days at most."
    )
    return _said(sentence, actions([_stop(watch)]))


def already_fits_message(placement: Placement, answer: Answer) -> Message:
    """No need to wait."""
    where = room_words(placement.rooms.rooms[0])
    return _said(f"It fits right now: {option_name(placement.option, answer.plan)} → {where}.")


def never_fits_message(answer: Answer) -> Message:
    """No use to wait: it would not fit an empty GPU either."""
    return _said(f"There is nothing to wait for, it would not fit when empty either. {answer.plan.sentence}")


def sentence_message(sentence: str) -> Message:
    """Any one sentence."""
    return _said(sentence)


def list_message(watches: Sequence[Watch], catalog: Catalog) -> Message:
    """A person's watches, each with its buttons."""
    if not watches:
        return _said("You have no watches.")
    text = "\n".join(inert(f"{_what(watch, catalog)} ({_state(watch)})") for watch in watches)
    return message(text, [header("Your watches"), *watch_blocks(watches, catalog)])


def watch_blocks(watches: Sequence[Watch], catalog: Catalog) -> tuple[Block, ...]:
    """Two blocks per watch."""
    blocks: list[Block] = []
    for watch in watches[:MOST_LISTED]:
        blocks += [
            rich_text(paragraph(run(_what(watch, catalog), bold=True), f" · {_state(watch)}")),
            actions(
                [
                    _stop(watch),
                    _snooze(watch, "Not for an hour"),
                    button("Plan", "fit_ask:watch", watch.question),
                ]
            ),
        ]
    return tuple(blocks)


def room_message(watch: Watch, answer: Answer, placement: Placement, catalog: Catalog) -> Message:
    """What was waited for."""
    what, where = _what(watch, catalog), room_words(placement.rooms.rooms[0])
    fleet = answer.fleet
    look = f", seen {age(getattr(fleet, 'age_seconds', float('inf'))).replace(' old', ' ago')}"
    lines = [f"{option_name(placement.option, answer.plan)} → {where}{look}"]
    blocks: list[Block] = [
        header(f"🔔 There is room: {what}"),
        rich_text(
            paragraph(run(lines[0])),
            *([preformatted(command_text(placement.option.command))] if placement.option.command else []),
        ),
        actions(
            [button("Plan", "fit_ask:watch", watch.question), _snooze(watch, "Tell me again after an hour")]
        ),
        small_print("This watch has ended."),
    ]
    return message("\n".join(inert(line) for line in (f"There is room: {what}", *lines)), blocks)


def expired_message(watch: Watch, catalog: Catalog) -> Message:
    """The wait was in vain."""
    sentence = (
        f"In {EXPIRES_AFTER.days} days there was no room for {_what(watch, catalog)}; I have stopped looking."
    )
    return _said(sentence, actions([_snooze(watch, "Look for longer")]))


def stopped_message(watch: Watch, catalog: Catalog) -> Message:
    """Stopped, with the way back."""
    return _said(f"Stopped: {_what(watch, catalog)}.", actions([_snooze(watch, "Watch again")]))


def snoozed_message(watch: Watch, catalog: Catalog) -> Message:
    """Quiet for an hour."""
    return _said(f"I will look again for {_what(watch, catalog)} in an hour.", actions([_stop(watch)]))


def metadata(watch: Watch) -> dict[str, Any]:
    """Names the message in Slack, so that after a crash we can see whether it has left."""
    return {"event_type": EVENT_TYPE, "event_payload": {"watch": watch.id, "round": watch.round}}


def is_about(found: dict[str, Any], watch: Watch) -> bool:
    """Whether a message of a channel's history is this round's message of the watch."""
    held = found.get("metadata") or {}
    payload = held.get("event_payload") or {}
    same = payload.get("watch") == watch.id and str(payload.get("round")) == str(watch.round)
    return bool(held.get("event_type") == EVENT_TYPE and same)


def _what(watch: Watch, catalog: Catalog) -> str:
    """What is waited for in a person's words; the question itself where it can no longer be read."""
    try:
        return read_as(parse_question(watch.question, catalog)) or watch.question
    except UserError:
        return watch.question


def _state(watch: Watch) -> str:
    if watch.snoozed_until and watch.fits_since is None:
        return f"until {watch.expires_at:%d %B}, not before {watch.snoozed_until:%H:%M} UTC"
    return f"until {watch.expires_at:%d %B}"


def _stop(watch: Watch) -> dict[str, Any]:
    return button("Stop", f"fit_watch_stop:{watch.id}", watch.id, says="Stop this watch")


def _snooze(watch: Watch, text: str) -> dict[str, Any]:
    return button(text, f"fit_watch_snooze:{watch.id}", watch.id)
