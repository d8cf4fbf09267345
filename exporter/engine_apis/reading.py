"""Numbers and texts out of JSON and metrics that strangers wrote: what is not as expected is not there."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_SAMPLE: Final = re.compile(rb"^([A-Za-z_:][A-Za-z0-9_:]*)(\{.*\})?[ \t]+(\S+)", re.MULTILINE)
_LABEL: Final = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')


def json_object(body: bytes | None) -> Mapping[str, Any]:
    """The JSON object in a body; empty where there is none."""
    found = json_value(body)
    return found if isinstance(found, dict) else {}


def json_value(body: bytes | None) -> object:
    """The JSON value in a body; None where there is none."""
    if body is None:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def whole(value: object) -> int | None:
    """The value if it is a whole number of nothing or more."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value >= 0 and value == int(value) else None


def text(value: object) -> str | None:
    """The value if it is a text of a sensible length."""
    return value if isinstance(value, str) and 0 < len(value) <= 512 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line of a metrics page."""

    labels: Mapping[str, str]
    value: float


def samples(body: bytes | None, names: Iterable[str]) -> Mapping[str, list[Sample]]:
    """The samples of the named metrics and of no other: these pages can be megabytes."""
    wanted = {name.encode(): name for name in names}
    found: dict[str, list[Sample]] = {}
    for match in _SAMPLE.finditer(body or b""):
        name = wanted.get(match[1])
        if name is None:
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        if math.isfinite(value):
            labels = dict(_LABEL.findall((match[2] or b"").decode("utf-8", "replace")))
            found.setdefault(name, []).append(Sample(labels=labels, value=value))
    return found


def total(found: Mapping[str, list[Sample]], *names: str) -> int | None:
    """The sum over the series of the first of these metrics that is there."""
    for name in names:
        if found.get(name):
            return round(sum(sample.value for sample in found[name]))
    return None
