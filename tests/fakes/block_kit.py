"""A strict reader of Block Kit: every rule Slack documents for the blocks we send, and the undocumented total of text.

Rules and numbers: Slack's Block Kit reference (docs.slack.dev/reference/block-kit), with the total of text in a message
as measured by metabase #79908 (13,202 characters refused) and bolt-js #2509 (13,172 refused).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.block_kit_blocks import BLOCKS
from tests.fakes.block_kit_lint import Lint

MESSAGEBLOCKS = 50
VIEWBLOCKS = 100
MESSAGE_TEXT = 12_000

_MENTION = re.compile(r"<[!@#][^>]*>")


def problems(blocks: Any, *, surface: str = "message") -> list[str]:
    """What Slack would refuse in these blocks; empty when nothing."""
    lint = Lint(surface=surface)
    most = MESSAGEBLOCKS if surface == "message" else VIEWBLOCKS
    parts = lint.items("blocks", blocks, most)
    seen: set[str] = set()
    action_ids: set[str] = set()
    for number, block in enumerate(parts):
        where = f"blocks[{number}]"
        if not isinstance(block, Mapping):
            lint.say(where, "is not a block")
            continue
        check = BLOCKS.get(str(block.get("type")))
        if check is None:
            lint.say(where, f"unsupported type: {block.get('type')}")
            continue
        check(lint, where, block)
        if "block_id" in block:
            lint.text(f"{where}.block_id", block["block_id"], 255)
            if block["block_id"] in seen:
                lint.say(where, f"block_id {block['block_id']} is used twice")
            seen.add(block["block_id"])
        for action_id in _action_ids(block):
            if action_id in action_ids and surface != "message":
                lint.say(where, f"action_id {action_id} is used twice in a view")
            action_ids.add(action_id)
    _check_whole(lint, parts)
    return lint.problems


def _check_whole(lint: Lint, blocks: Sequence[Any]) -> None:
    kinds = [block.get("type") for block in blocks if isinstance(block, Mapping)]
    if kinds.count("table") > 1:
        lint.say("blocks", "only one table is allowed in a message")
    if kinds.count("data_visualization") > 2:
        lint.say("blocks", "only two charts are allowed in a message")
    total = text_characters(blocks)
    if lint.surface == "message" and total > MESSAGE_TEXT:
        lint.say("blocks", f"msg_blocks_too_long: {total} characters in all, {MESSAGE_TEXT} are safe")


def text_characters(part: Any) -> int:
    """Characters of every text anywhere in the blocks."""
    if isinstance(part, Mapping):
        return sum(
            len(value)
            if key in {"text", "caption", "title"} and isinstance(value, str)
            else text_characters(value)
            for key, value in part.items()
        )
    if isinstance(part, list | tuple):
        return sum(text_characters(item) for item in part)
    return 0


def pings(part: Any) -> list[str]:
    """Every mention that would reach someone: in mrkdwn, in the fallback text, or as a rich text element."""
    found: list[str] = []
    if isinstance(part, str):
        return _MENTION.findall(part)
    if isinstance(part, Mapping):
        if part.get("type") in {"user", "usergroup", "broadcast", "channel", "team"}:
            found.append(str(part["type"]))
        literal = part.get("type") in {"text", "raw_text"}
        for key, value in part.items():
            if not (literal and key == "text") and key not in {"value", "private_metadata"}:
                found += pings(value)
    elif isinstance(part, list | tuple):
        for item in part:
            found += pings(item)
    return found


def _action_ids(part: Any) -> list[str]:
    if isinstance(part, Mapping):
        own = [part["action_id"]] if isinstance(part.get("action_id"), str) else []
        return own + [found for value in part.values() for found in _action_ids(value)]
    if isinstance(part, list | tuple):
        return [found for item in part for found in _action_ids(item)]
    return []


def view_problems(view: Mapping[str, Any]) -> list[str]:
    """What Slack would refuse in a modal or a home tab."""
    kind = view.get("type")
    found = problems(view.get("blocks"), surface="modal" if kind == "modal" else "home")
    lint = Lint()
    if kind == "modal":
        lint.keys("view", view, "title blocks", "submit close private_metadata callback_id clear_on_close "
                  "notify_on_close external_id submit_disabled")  # fmt: skip
        for name in ("title", "submit", "close"):
            if name in view:
                lint.text_object(f"view.{name}", view[name], 24, plain=True)
        if any(block.get("type") == "input" for block in view.get("blocks", ())) and "submit" not in view:
            lint.say("view", "a modal with inputs needs submit")
    elif kind == "home":
        lint.keys("view", view, "blocks", "private_metadata callback_id external_id")
    else:
        lint.say("view", f"{kind} is not a kind of view")
    if len(view.get("private_metadata", "")) > 3000:
        lint.say("view.private_metadata", "has more than 3000 characters")
    return found + lint.problems
