"""The command line: one option per setting, its help naming the environment variable."""

import argparse
import types
import typing
from collections.abc import Sequence
from typing import Any, Final, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from exporter.settings import ENV_PREFIX, ExporterSettings

_EPILOG: Final = """\
Every option can also be set in the environment; the option wins. Metrics are at /metrics, a page for people at /,
the same as JSON at /api/v1/node, health at /healthz and /readyz."""


class BadSettings(Exception):
    """Settings that cannot be used; the message has one line per mistake."""


def parse_settings(argv: Sequence[str]) -> ExporterSettings:
    """Settings from the command line, then the environment, then the defaults.

    Raises:
        BadSettings: A value does not work; every mistake is told.
        SystemExit: `--help`, or an option that does not exist (argparse says which).
    """
    given = {key: value for key, value in vars(_parser().parse_args(argv)).items() if value is not None}
    try:
        return ExporterSettings(**given)
    except ValidationError as error:
        raise BadSettings("\n".join(_mistake(detail) for detail in error.errors())) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m exporter",
        description="Prometheus exporter: GPU memory, the models loaded on it, and what else would fit.",
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, field in ExporterSettings.model_fields.items():
        text = f"{field.description} [{ENV_PREFIX}{name.upper()}{_default(field.default)}]".replace("%", "%%")
        option = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=text)
        else:
            parser.add_argument(option, metavar=_metavar(field.annotation), default=None, help=text)
    return parser


def _default(value: object) -> str:
    return "" if value is None or value is PydanticUndefined else f", default {value}"


def _metavar(annotation: Any) -> str:
    """What to write after the option: the choices of a Literal, else the kind of value."""
    if get_origin(annotation) is typing.Literal:
        return "{" + ",".join(get_args(annotation)) + "}"
    if get_origin(annotation) in {types.UnionType, typing.Union}:
        annotation = next(one for one in get_args(annotation) if one is not types.NoneType)
    return {"int": "N", "float": "SECONDS", "Path": "FILE"}.get(getattr(annotation, "__name__", ""), "TEXT")


def _mistake(detail: Any) -> str:
    """One mistake as a sentence that names both spellings of the setting."""
    name = str(detail["loc"][0]) if detail["loc"] else "settings"
    message = str(detail["msg"])
    where = f"--{name.replace('_', '-')} ({ENV_PREFIX}{name.upper()})"
    return f"{where}: {message[:1].lower()}{message[1:]}, not {detail.get('input')!r}."
