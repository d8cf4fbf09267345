# ruff: noqa: E501  the lines of a page are as long as they are
"""Writes docs/configuration.md from the settings themselves: `python -m deploy.configuration` after a change of one."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.settings import BotSettings
from exporter.settings import ENV_PREFIX, ExporterSettings

PAGE: Final = Path(__file__).parents[1] / "docs/configuration.md"
_INTRODUCTION: Final = """\
# Configuration

Generated from the settings by `python -m deploy.configuration`; a test holds it to what is committed. The names are a promise: we add, we deprecate, we
do not rename.

Every setting is an environment variable. The bot's and the exporter's are options as well, and the option wins; secrets come from the environment only,
so that no process list shows them. An empty variable counts as not set. A value that cannot be used stops the start with one sentence that names it;
`--check-config` prints what is in force, secrets masked, and exits. The chart's values are in [its own table](../deploy/helm/fittingroom/README.md).
"""
_TERMINAL: Final = """\
## The terminal: `fit` and `make run`

`fit` has no options for these; it reads the environment of the shell.

| variable | default | meaning |
| --- | --- | --- |
| `PROMETHEUS_URL` | none | Prometheus that scrapes the exporters: answers then say which of your GPUs has the room now. |
| `FITTINGROOM_EXPORTER_URLS` | none | Exporters to ask when there is no Prometheus, separated by commas. |
| `FITTINGROOM_SITE_CATALOG` | none | TOML file of models, GPUs, quantizations and engines to add to [the catalog](catalog.md). |
| `FITTINGROOM_HUB` | on | `off`: models nobody listed are not looked up. |
| `FITTINGROOM_HUB_CACHE` | `~/.cache/fittingroom/hub` | Where looked-up models are kept for a week. |
| `HF_ENDPOINT`, `HF_TOKEN` | huggingface.co, none | The hub or a mirror of it, and the token for gated and private models. |
| `HF_HUB_OFFLINE` | off | `1`: only what is kept is used, however old. |
| `FITTINGROOM_NO_SNAPSHOT` | off | Set: the catalog is read from its files each time, and nothing is kept in the user's cache folder. |
| `XDG_CACHE_HOME` | `~/.cache` | Where the two caches are. |
"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join(
        [
            _INTRODUCTION,
            "## The bot: `python -m bot`\n",
            *_table((_option(name, field), str(field.validation_alias), field) for name, field in _bot()),
            "\n## The exporter: `python -m exporter`\n",
            *_table(
                (_option(name, field), f"{ENV_PREFIX}{name.upper()}", field)
                for name, field in ExporterSettings.model_fields.items()
            ),
            f"\n{_TERMINAL}",
        ]
    )


def _bot() -> Iterator[tuple[str, FieldInfo]]:
    yield from BotSettings.model_fields.items()


def _table(rows: Iterator[tuple[str, str, FieldInfo]]) -> Iterator[str]:
    yield "| variable | option | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for option, variable, field in rows:
        meaning = f"{field.description or ''} {_values(field)}".strip().replace("|", "\\|")
        yield f"| `{variable}` | {option} | {_default(field)} | {meaning} |"


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


def _option(name: str, field: FieldInfo) -> str:
    return "secret" if _is_secret(field) else f"`--{name.replace('_', '-')}`"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None or value in ((), ""):
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    shown = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if isinstance(value, float):
        shown = f"{value:g}"
    return f"`{shown.replace(str(Path.home()), '~')}`"


def _values(field: FieldInfo) -> str:
    """What may be written, where that is not everything: a choice or a range."""
    annotation: Any = field.annotation
    if get_origin(annotation) in {types.UnionType, Union}:
        annotation = next(one for one in get_args(annotation) if one is not types.NoneType)
    if get_origin(annotation) is Literal:
        return "One of " + ", ".join(f"`{one}`" for one in get_args(annotation)) + "."
    low = next(
        (one.ge if isinstance(one, Ge) else one.gt for one in field.metadata if isinstance(one, Ge | Gt)),
        None,
    )
    high = next(
        (one.le if isinstance(one, Le) else one.lt for one in field.metadata if isinstance(one, Le | Lt)),
        None,
    )
    above = "above " if any(isinstance(one, Gt) for one in field.metadata) else ""
    if low is None and high is None:
        return ""
    if high is None:
        return f"At least {above}{low}." if not above else f"Above {low}."
    return f"From {above}{low} to {high}."


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
