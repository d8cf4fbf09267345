"""Numbers and texts out of JSON and metrics that strangers wrote: what is not as expected is not there."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

_REST: Final = re.compile(rb"(\{.*\})?[ \t]+(\S+)")
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
    found: dict[str, list[Sample]] = {}
    for name in names:
        for labels, value in _lines_of(name.encode(), body or b""):
            if math.isfinite(value):
                found.setdefault(name, []).append(Sample(labels=labels, value=value))
    return found


def _lines_of(name: bytes, body: bytes) -> Iterator[tuple[Mapping[str, str], float]]:
    """Labels and value of each line of a metric; looked for as bytes, which is many times faster than line by line."""
    at = body.find(name)
    while at >= 0:
        starts_a_line = at == 0 or body[at - 1 : at] == b"\n"
        match = _REST.match(body, at + len(name)) if starts_a_line else None
        if match is not None:
            yield _labels(match[1] or b""), _number(match[2])
        at = body.find(name, at + len(name))


def _number(written: bytes) -> float:
    try:
        return float(written)
    except ValueError:
        return math.nan


@lru_cache(maxsize=1024)  # a server's labels stay the same from one look to the next
def _labels(written: bytes) -> Mapping[str, str]:
    return MappingProxyType(dict(_LABEL.findall(written.decode("utf-8", "replace"))))


def total(found: Mapping[str, list[Sample]], *names: str) -> int | None:
    """The sum over the series of the first of these metrics that is there."""
    for name in names:
        if found.get(name):
            return round(sum(sample.value for sample in found[name]))
    return None
