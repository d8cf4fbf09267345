"""Slack's rules for what can be pressed, chosen or typed into."""

from collections.abc import Mapping
from typing import Any

from tests.fakes.block_kit_lint import Lint

SELECTS = {"static_select", "external_select", "conversations_select", "channels_select", "users_select"}
ACTIONS = {"button", "overflow", "datepicker", "checkboxes", "radio_buttons"} | SELECTS
ACCESSORIES = ACTIONS | {"image"}
INPUTS = SELECTS | {"plain_text_input", "number_input", "checkboxes", "radio_buttons", "datepicker"}


def element(lint: Lint, where: str, part: Any, allowed: set[str]) -> None:
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
    elif kind in SELECTS:
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
