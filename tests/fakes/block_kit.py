"""A strict reader of Block Kit: every rule Slack documents for the blocks we send, and the undocumented total of text.

Rules and numbers: Slack's Block Kit reference (docs.slack.dev/reference/block-kit), with the total of text in a message
as measured by metabase #79908 (13,202 characters refused) and bolt-js #2509 (13,172 refused).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_TEXT = 12_000

_MENTION = re.compile(r"<[!@#][^>]*>")


@dataclass
class Lint:
    """Problems found so far, each with the path of where it is."""

    surface: str = "message"
    problems: list[str] = field(default_factory=list)

    def say(self, where: str, what: str) -> None:
        self.problems.append(f"{where}: {what}")

    def keys(self, where: str, part: Mapping[str, Any], required: str, optional: str = "") -> None:
        """Exactly these keys: Slack refuses a missing one and one it does not know."""
        must, may = set(required.split()) | {"type"}, set(optional.split())
        for name in sorted(must - set(part)):
            self.say(where, f"{name} is missing")
        for name in sorted(set(part) - must - may):
            self.say(where, f"{name} is not a property of a {part.get('type')}")

    def text(self, where: str, value: Any, most: int, *, least: int = 1) -> None:
        if not isinstance(value, str):
            self.say(where, "is not text")
        elif not least <= len(value) <= most:
            self.say(where, f"has {len(value)} characters, {least} to {most} are allowed")

    def items(self, where: str, value: Any, most: int, *, least: int = 1) -> Sequence[Any]:
        if not isinstance(value, list | tuple):
            self.say(where, "is not a list")
            return ()
        if not least <= len(value) <= most:
            self.say(where, f"has {len(value)} entries, {least} to {most} are allowed")
        return value

    def text_object(self, where: str, part: Any, most: int, *, plain: bool = False) -> None:
        if not isinstance(part, Mapping):
            self.say(where, "is not a text object")
            return
        kind = part.get("type")
        if kind == "plain_text":
            self.keys(where, part, "text", "emoji")
        elif kind == "mrkdwn" and not plain:
            self.keys(where, part, "text", "verbatim")
        else:
            self.say(where, f"is a {kind} text object")
        self.text(f"{where}.text", part.get("text"), most)


def problems(blocks: Any, *, surface: str = "message") -> list[str]:
    """What Slack would refuse in these blocks; empty when nothing."""
    lint = Lint(surface=surface)
    most = MESSAGE_BLOCKS if surface == "message" else VIEW_BLOCKS
    parts = lint.items("blocks", blocks, most)
    seen: set[str] = set()
    action_ids: set[str] = set()
    for number, block in enumerate(parts):
        where = f"blocks[{number}]"
        if not isinstance(block, Mapping):
            lint.say(where, "is not a block")
            continue
        check = _BLOCKS.get(str(block.get("type")))
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


# --- blocks ---


def _section(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "", "text fields accessory block_id expand")
    if "text" not in block and "fields" not in block:
        lint.say(where, "needs text or fields")
    if "text" in block:
        lint.text_object(f"{where}.text", block["text"], 3000)
    if "fields" in block:
        for number, one in enumerate(lint.items(f"{where}.fields", block["fields"], 10)):
            lint.text_object(f"{where}.fields[{number}]", one, 2000)
    if "accessory" in block:
        _element(lint, f"{where}.accessory", block["accessory"], _ACCESSORIES)


def _header(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "text", "block_id level")
    lint.text_object(f"{where}.text", block.get("text"), 150, plain=True)


def _divider(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "", "block_id")


def _context(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "elements", "block_id")
    for number, one in enumerate(lint.items(f"{where}.elements", block.get("elements"), 10)):
        if isinstance(one, Mapping) and one.get("type") == "image":
            lint.text(f"{where}.elements[{number}].alt_text", one.get("alt_text"), 2000)
        else:
            lint.text_object(f"{where}.elements[{number}]", one, 2000)


def _actions(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "elements", "block_id")
    ids: set[str] = set()
    for number, one in enumerate(lint.items(f"{where}.elements", block.get("elements"), 25)):
        place = f"{where}.elements[{number}]"
        _element(lint, place, one, _ACTIONS)
        if isinstance(one, Mapping) and one.get("action_id") in ids:
            lint.say(place, f"action_id {one.get('action_id')} is used twice in one block")
        ids.add(str(one.get("action_id")) if isinstance(one, Mapping) else "")


def _input(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "label element", "block_id hint optional dispatch_action")
    lint.text_object(f"{where}.label", block.get("label"), 2000, plain=True)
    if "hint" in block:
        lint.text_object(f"{where}.hint", block["hint"], 2000, plain=True)
    _element(lint, f"{where}.element", block.get("element"), _INPUTS)


def _rich_text(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "elements", "block_id")
    for number, one in enumerate(lint.items(f"{where}.elements", block.get("elements"), 1000)):
        _rich_part(lint, f"{where}.elements[{number}]", one)


def _rich_part(lint: Lint, where: str, part: Any) -> None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "rich_text_list":
        lint.keys(where, part, "elements style", "indent border offset")
        if part.get("style") not in {"bullet", "ordered"}:
            lint.say(where, "style is bullet or ordered")
        for number, one in enumerate(lint.items(f"{where}.elements", part.get("elements"), 1000)):
            if not isinstance(one, Mapping) or one.get("type") != "rich_text_section":
                lint.say(f"{where}.elements[{number}]", "a list holds rich_text_section only")
            else:
                _rich_part(lint, f"{where}.elements[{number}]", one)
    elif kind in {"rich_text_section", "rich_text_quote", "rich_text_preformatted"}:
        lint.keys(where, part, "elements", "border language" if kind == "rich_text_preformatted" else "")
        for number, one in enumerate(lint.items(f"{where}.elements", part.get("elements"), 1000)):
            _rich_element(
                lint, f"{where}.elements[{number}]", one, formatted=kind != "rich_text_preformatted"
            )
    else:
        lint.say(where, f"{kind} is not part of a rich text")


def _rich_element(lint: Lint, where: str, part: Any, *, formatted: bool) -> None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "text":
        lint.keys(where, part, "text", "style")
        lint.text(f"{where}.text", part.get("text"), 3000)
    elif kind == "link":
        lint.keys(where, part, "url", "text style unsafe")
        lint.text(f"{where}.url", part.get("url"), 3000)
    elif kind == "emoji":
        lint.keys(where, part, "name", "unicode skin_tone")
    elif kind in {"user", "usergroup", "broadcast", "channel", "team", "date", "color"}:
        return
    else:
        lint.say(where, f"{kind} is not an element of rich text")
    styles = {"bold", "italic", "strike", "code", "underline"}
    if "style" in part and (not formatted or not set(part["style"]) <= styles):
        lint.say(where, f"style {part['style']} does not belong here")


def _table(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "rows", "block_id column_settings")
    _message_only(lint, where)
    rows = lint.items(f"{where}.rows", block.get("rows"), 100)
    widths = {len(row) for row in rows if isinstance(row, list | tuple)}
    if len(widths) > 1:
        lint.say(where, f"rows have different numbers of cells: {sorted(widths)}")
    for number, row in enumerate(rows):
        for column, cell in enumerate(lint.items(f"{where}.rows[{number}]", row, 20)):
            place = f"{where}.rows[{number}][{column}]"
            if isinstance(cell, Mapping) and cell.get("type") == "raw_text":
                lint.keys(place, cell, "text")
                lint.text(f"{place}.text", cell.get("text"), 3000)
            elif isinstance(cell, Mapping) and cell.get("type") == "rich_text":
                _rich_text(lint, place, cell)
            else:
                lint.say(place, "a cell is raw_text or rich_text")
    for number, one in enumerate(
        lint.items(f"{where}.column_settings", block.get("column_settings", []), 20, least=0)
    ):
        if set(one) - {"align", "is_wrapped"} or one.get("align", "left") not in {"left", "center", "right"}:
            lint.say(f"{where}.column_settings[{number}]", f"{one} is not a column setting")


def _data_visualization(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "title chart", "block_id")
    _message_only(lint, where)
    lint.text(f"{where}.title", block.get("title"), 50)
    chart = block.get("chart")
    if not isinstance(chart, Mapping) or chart.get("type") not in {"bar", "line", "area", "pie"}:
        lint.say(where, "chart is a bar, line, area or pie")
        return
    lint.keys(f"{where}.chart", chart, "series axis_config" if chart["type"] != "pie" else "segments")
    if chart["type"] == "pie":
        for number, one in enumerate(lint.items(f"{where}.chart.segments", chart.get("segments"), 6)):
            lint.text(f"{where}.chart.segments[{number}].label", one.get("label"), 20)
        return
    _axis_chart(lint, f"{where}.chart", chart)


def _axis_chart(lint: Lint, where: str, chart: Mapping[str, Any]) -> None:
    axis = chart.get("axis_config") or {}
    if set(axis) - {"categories", "x_label", "y_label"}:
        lint.say(f"{where}.axis_config", f"{sorted(axis)} are not all axis settings")
    categories = list(lint.items(f"{where}.axis_config.categories", axis.get("categories"), 20))
    for number, one in enumerate(categories):
        lint.text(f"{where}.axis_config.categories[{number}]", one, 20)
    for name in ("x_label", "y_label"):
        if name in axis:
            lint.text(f"{where}.axis_config.{name}", axis[name], 50)
    for number, series in enumerate(lint.items(f"{where}.series", chart.get("series"), 6)):
        lint.text(f"{where}.series[{number}].name", series.get("name"), 20)
        labels = [point.get("label") for point in series.get("data", [])]
        if labels != categories:
            lint.say(f"{where}.series[{number}]", "needs one value for each category, in order")
        if not all(isinstance(point.get("value"), int | float) for point in series.get("data", [])):
            lint.say(f"{where}.series[{number}]", "values are numbers")


def _container(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(
        where, block, "title child_blocks", "block_id subtitle is_collapsible default_collapsed width icon"
    )
    lint.text_object(f"{where}.title", block.get("title"), 150, plain=True)
    for number, one in enumerate(lint.items(f"{where}.child_blocks", block.get("child_blocks"), 10)):
        check = _BLOCKS.get(str(one.get("type")))
        if check is None or check is _container:
            lint.say(f"{where}.child_blocks[{number}]", f"{one.get('type')} cannot be in a container")
        else:
            check(lint, f"{where}.child_blocks[{number}]", one)


def _image(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "alt_text", "image_url slack_file title block_id")
    lint.text(f"{where}.alt_text", block.get("alt_text"), 2000)


def _message_only(lint: Lint, where: str) -> None:
    if lint.surface == "modal":
        lint.say(where, "is not allowed in a modal")


_BLOCKS: dict[str, Callable[[Lint, str, Mapping[str, Any]], None]] = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "rich_text": _rich_text,
    "table": _table,
    "data_visualization": _data_visualization,
    "container": _container,
    "image": _image,
}


# --- elements ---

_SELECTS = {"static_select", "external_select", "conversations_select", "channels_select", "users_select"}
_ACTIONS = {"button", "overflow", "datepicker", "checkboxes", "radio_buttons"} | _SELECTS
_ACCESSORIES = _ACTIONS | {"image"}
_INPUTS = _SELECTS | {"plain_text_input", "number_input", "checkboxes", "radio_buttons", "datepicker"}


def _element(lint: Lint, where: str, part: Any, allowed: set[str]) -> None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind not in allowed:
        lint.say(where, f"{kind} cannot be here")
        return
    if kind != "image":
        lint.text(f"{where}.action_id", part.get("action_id"), 255)
    if "confirm" in part:
        _confirm(lint, f"{where}.confirm", part["confirm"])
    if kind == "button":
        _button(lint, where, part)
    elif kind in _SELECTS:
        _select(lint, where, part)
    elif kind == "overflow":
        lint.keys(where, part, "action_id options", "confirm")
        _options(lint, f"{where}.options", part.get("options"), 5)
    elif kind in {"plain_text_input", "number_input"}:
        _text_input(lint, where, part)
    elif kind in {"checkboxes", "radio_buttons"}:
        lint.keys(where, part, "action_id options", "initial_option initial_options confirm focus_on_load")
        _options(lint, f"{where}.options", part.get("options"), 10)


def _button(lint: Lint, where: str, part: Mapping[str, Any]) -> None:
    lint.keys(where, part, "text action_id", "value url style confirm accessibility_label")
    lint.text_object(f"{where}.text", part.get("text"), 75, plain=True)
    if "value" in part:
        lint.text(f"{where}.value", part["value"], 2000)
    if "url" in part:
        lint.text(f"{where}.url", part["url"], 3000)
    if part.get("style", "primary") not in {"primary", "danger"}:
        lint.say(where, "style is primary or danger")
    if "accessibility_label" in part:
        lint.text(f"{where}.accessibility_label", part["accessibility_label"], 75)


def _select(lint: Lint, where: str, part: Mapping[str, Any]) -> None:
    optional = "placeholder initial_option confirm focus_on_load"
    if part["type"] == "static_select":
        if ("options" in part) == ("option_groups" in part):
            lint.say(where, "needs either options or option_groups")
        optional += " options option_groups"
        if "options" in part:
            _options(lint, f"{where}.options", part["options"], 100)
        for number, group in enumerate(part.get("option_groups", [])):
            lint.text_object(f"{where}.option_groups[{number}].label", group.get("label"), 75, plain=True)
            _options(lint, f"{where}.option_groups[{number}].options", group.get("options"), 100)
    elif part["type"] == "external_select":
        optional += " min_query_length"
    else:
        optional += (
            " initial_conversation initial_channel initial_user default_to_current_conversation filter"
        )
        optional += " response_url_enabled"
    lint.keys(where, part, "action_id", optional)
    if "placeholder" in part:
        lint.text_object(f"{where}.placeholder", part["placeholder"], 150, plain=True)
    if "initial_option" in part:
        _option(lint, f"{where}.initial_option", part["initial_option"])
        every = [*part.get("options", ())]
        if part["type"] == "static_select" and every and part["initial_option"] not in every:
            lint.say(where, "initial_option is not one of the options, letter by letter")


def _text_input(lint: Lint, where: str, part: Mapping[str, Any]) -> None:
    optional = "placeholder initial_value focus_on_load dispatch_action_config"
    if part["type"] == "plain_text_input":
        lint.keys(where, part, "action_id", optional + " multiline min_length max_length")
        if "initial_value" in part and len(part["initial_value"]) > 3000:
            lint.say(where, "initial_value is too long")
    else:
        lint.keys(where, part, "action_id is_decimal_allowed", optional + " min_value max_value")
    if "placeholder" in part:
        lint.text_object(f"{where}.placeholder", part["placeholder"], 150, plain=True)


def _options(lint: Lint, where: str, options: Any, most: int) -> None:
    for number, one in enumerate(lint.items(where, options, most)):
        _option(lint, f"{where}[{number}]", one)


def _option(lint: Lint, where: str, one: Any) -> None:
    if not isinstance(one, Mapping) or set(one) - {"text", "value", "description", "url"}:
        lint.say(where, "is not an option")
        return
    lint.text_object(f"{where}.text", one.get("text"), 75, plain=True)
    lint.text(f"{where}.value", one.get("value"), 150)
    if "description" in one:
        lint.text_object(f"{where}.description", one["description"], 75, plain=True)


def _confirm(lint: Lint, where: str, part: Any) -> None:
    for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        lint.text_object(f"{where}.{name}", part.get(name), most, plain=name != "text")


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
