"""Slack's blocks as small constructors that keep Slack's limits; all text is literal unless it says mrkdwn."""

from collections.abc import Sequence
from typing import Any, Final

from bot.messages.message import Block
from bot.messages.mrkdwn import clipped, inert, literal, printable

HEADER_MOST: Final = 150
SECTION_MOST: Final = 3000
BUTTON_TEXT_MOST: Final = 75
BUTTON_VALUE_MOST: Final = 2000
ACTIONS_MOST: Final = 25
TABLE_ROWS_MOST: Final = 100
CONTEXT_MOST: Final = 1500  # Slack allows more; a person does not read more in small print


def plain_text(text: str, most: int) -> dict[str, Any]:
    """A plain_text object: literal, but for mentions, which inert takes care of."""
    return {"type": "plain_text", "text": clipped(literal(text), most), "emoji": False}


def header(text: str) -> Block:
    """The one line a busy person reads."""
    return {"type": "header", "text": plain_text(text, HEADER_MOST)}


def small_print(*lines: str) -> Block:
    """A context block of literal lines."""
    return {
        "type": "context",
        "elements": [plain_text(line, CONTEXT_MOST) for line in lines if line.strip()][:10],
    }


def labelled(label: str, text: str) -> Block:
    """A context line "*label* text"; `label` is ours, `text` anyone's."""
    shown = clipped(f"*{label}* {inert(text)}", CONTEXT_MOST)
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": shown, "verbatim": True}]}


def run(text: str, **style: bool) -> dict[str, Any]:
    """A run of literal text in a rich text, in a style such as bold=True or code=True."""
    shown = "\n".join(printable(line) for line in text.split("\n"))
    element: dict[str, Any] = {"type": "text", "text": shown}
    return element | ({"style": style} if style else {})


def paragraph(*runs: str | dict[str, Any]) -> dict[str, Any]:
    """A paragraph of a rich text."""
    return {
        "type": "rich_text_section",
        "elements": [run(one) if isinstance(one, str) else one for one in runs],
    }


def preformatted(text: str) -> dict[str, Any]:
    """Monospaced lines that can be copied, part of a rich text."""
    return {"type": "rich_text_preformatted", "elements": [run(clipped(text, SECTION_MOST))]}


def bullets(lines: Sequence[str]) -> dict[str, Any]:
    """A list, part of a rich text."""
    return {
        "type": "rich_text_list",
        "style": "bullet",
        "elements": [paragraph(clipped(line, SECTION_MOST)) for line in lines],
    }


def rich_text(*parts: dict[str, Any]) -> Block:
    """Paragraphs, lists and monospaced parts in one block."""
    return {"type": "rich_text", "elements": list(parts)}


def button(
    text: str, action_id: str, value: str, *, style: str | None = None, says: str = ""
) -> dict[str, Any]:
    """A button; `says` is what a screen reader says instead of its text."""
    element: dict[str, Any] = {
        "type": "button",
        "text": plain_text(text, BUTTON_TEXT_MOST),
        "action_id": action_id,
    }
    if value:  # Slack refuses an empty one
        element["value"] = value[:BUTTON_VALUE_MOST]
    if style:
        element["style"] = style
    if says:
        element["accessibility_label"] = clipped(literal(says), BUTTON_TEXT_MOST)
    return element


def actions(elements: Sequence[dict[str, Any]], block_id: str | None = None) -> Block:
    """A row of buttons and menus."""
    block: dict[str, Any] = {"type": "actions", "elements": list(elements)[:ACTIONS_MOST]}
    return block | ({"block_id": block_id} if block_id else {})


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> Block:
    """A table; columns in `right` are numbers and align right."""
    cells = [list(head), *(list(row) for row in rows)][:TABLE_ROWS_MOST]
    return {
        "type": "table",
        "column_settings": [
            {"align": "right" if column in right else "left", "is_wrapped": True}
            for column in range(len(head))
        ],
        "rows": [[_cell(text, bold=number == 0) for text in row] for number, row in enumerate(cells)],
    }


def _cell(text: str, *, bold: bool) -> dict[str, Any]:
    if bold:
        return {"type": "rich_text", "elements": [paragraph(run(text or " ", bold=True))]}
    return {"type": "raw_text", "text": literal(text) or " "}
