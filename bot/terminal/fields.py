"""Single fields of a request, as a shell or JSON gives them: each becomes its type or one sentence."""

import re
from collections.abc import Mapping
from typing import Any, Final

from shared.errors import BadValue

_COUNT: Final = re.compile(r"(\d{1,9})\s*([kKmM]?)", re.ASCII)
_FACTOR: Final = {"": 1, "k": 1024, "m": 1024**2}
_YES: Final = frozenset({"true", "on", "yes", "1"})
_NO: Final = frozenset({"false", "off", "no", "0"})


def text(given: Mapping[str, Any], name: str) -> str:
    """A name."""
    value = given[name]
    if not isinstance(value, str):
        raise BadValue(name, value, "give a name in quotes")
    return value


def whole(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    """A whole number, also as people write it: "32k"."""
    if name not in given:
        return None
    value = given[name]
    match = _COUNT.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
    number = int(match[1]) * _FACTOR[match[2].lower()] if match else None
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    if number is None or not least <= number <= most:
        raise BadValue(name, value, f"give a whole number from {least} to {most:,}")
    return number


def share(given: Mapping[str, Any], name: str) -> float | None:
    """A share of a whole, above 0."""
    if name not in given:
        return None
    try:
        value = float(given[name])
    except (TypeError, ValueError):
        value = 0.0
    if not 0 < value <= 1:
        raise BadValue(name, given[name], "give a share above 0 and up to 1, such as 0.9")
    return value


def switch(given: Mapping[str, Any], name: str) -> bool | None:
    """True, false, or as llama.cpp writes it: "on", "off", "auto"."""
    value = given.get(name)
    if value is None or isinstance(value, bool):
        return value
    word = str(value).lower()
    if word == "auto":
        return None
    if word not in _YES | _NO:
        raise BadValue(name, value, "give true or false")
    return word in _YES


def one_of(given: Mapping[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    """One of a few words."""
    value = str(given.get(name, default))
    if value not in choices:
        raise BadValue(name, value, f"give {' or '.join(choices)}")
    return value


def tensor_split(given: Mapping[str, Any]) -> tuple[int, ...]:
    """Shares per GPU: "3,1" or [3, 1]."""
    value = given.get("tensor_split", ())
    parts = value.split(",") if isinstance(value, str) else list(value)
    try:
        return tuple(int(part) for part in parts)
    except (TypeError, ValueError):
        raise BadValue("tensor_split", value, "give whole shares per GPU, such as 3,1") from None
