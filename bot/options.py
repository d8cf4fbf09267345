"""The command line of `python -m bot`, made from the settings: one option per setting, each with its variable."""

import argparse
from collections.abc import Sequence
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from bot.redaction import without_password
from bot.settings import BotSettings

_EPILOG: Final = "Secrets come from the environment only, so that no process list shows them."


def parser() -> argparse.ArgumentParser:
    """The parser with every option and, in its help, every environment variable."""
    made = argparse.ArgumentParser(
        prog="python -m bot",
        description="The Slack bot of fittingroom: can this model run on that GPU?",
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--check-config", action="store_true", help="print the settings in force, secrets masked"
    )
    made.add_argument(
        "--smoke",
        metavar="CHANNEL",
        help="post one of everything to this channel, say what Slack took, and exit; 1 when something was refused",
    )
    secrets = made.add_argument_group("secrets, by environment variable only")
    described = []
    for name, field in BotSettings.model_fields.items():
        if _is_secret(field):
            described.append(f"{field.validation_alias}: {field.description}")
        else:
            made.add_argument(
                "--" + name.replace("_", "-"),
                dest=name,
                metavar=_metavar(field),
                help=f"{field.description} [{field.validation_alias}; default: {_default(field)}]".replace(
                    "%", "%%"
                ),
            )
    secrets.description = "\n".join(described)
    return made


def read_settings(arguments: dict[str, Any]) -> BotSettings:
    """The settings, options before environment. Raises ValueError with one sentence per mistake."""
    given = {
        name: value
        for name, value in arguments.items()
        if value is not None and name in BotSettings.model_fields
    }
    try:
        return BotSettings(**given)
    except ValidationError as error:
        # the input is left out: it may be a secret in the wrong variable
        sentences = [
            f"{_place(one['loc'])}: {_reason(one['msg'])}" for one in error.errors(include_input=False)
        ]
        raise ValueError("; ".join(sentences)) from None


def masked(settings: BotSettings) -> str:
    """The settings in force, one a line as environment variables, secrets masked."""
    lines = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            shown = "********"
        elif isinstance(value, tuple):
            shown = ",".join(without_password(str(one)) for one in value)
        else:
            shown = "" if value is None else without_password(str(value))
        lines.append(f"{field.validation_alias}={shown}")
    return "\n".join(lines)


def _place(location: Sequence[int | str]) -> str:
    name = str(location[0]) if location else "settings"
    field = BotSettings.model_fields.get(name)
    return str(field.validation_alias) if field else name


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")[:1].lower() + message.removeprefix("Value error, ")[1:]


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


def _metavar(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return "{" + ",".join(get_args(field.annotation)) + "}"
    return "NUMBER" if field.annotation in (int, float) else "TEXT"


def _default(field: FieldInfo) -> str:
    return "none" if field.default in (None, ()) else str(field.default)
