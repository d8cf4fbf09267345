"""Slack's rules for each kind of block."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.block_kit_elements import ACCESSORIES, ACTIONS, INPUTS, element
from tests.fakes.block_kit_lint import Lint


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
        element(lint, f"{where}.accessory", block["accessory"], ACCESSORIES)


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
        element(lint, place, one, ACTIONS)
        if isinstance(one, Mapping) and one.get("action_id") in ids:
            lint.say(place, f"action_id {one.get('action_id')} is used twice in one block")
        ids.add(str(one.get("action_id")) if isinstance(one, Mapping) else "")


def _input(lint: Lint, where: str, block: Mapping[str, Any]) -> None:
    lint.keys(where, block, "label element", "block_id hint optional dispatch_action")
    lint.text_object(f"{where}.label", block.get("label"), 2000, plain=True)
    if "hint" in block:
        lint.text_object(f"{where}.hint", block["hint"], 2000, plain=True)
    element(lint, f"{where}.element", block.get("element"), INPUTS)


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
        check = BLOCKS.get(str(one.get("type")))
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


BLOCKS: dict[str, Callable[[Lint, str, Mapping[str, Any]], None]] = {
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
