"""The fields of a config as typed, bounded values: what a stranger wrote is believed only within what can be."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.errors import Unsupported, shown

MOST: Final = 2**31  # no count in a config is larger; a vocabulary has 2**18 entries, a context 2**24 tokens
MOST_LAYERS: Final = 1024
MOST_EXPERTS: Final = 8192
DEEPEST: Final = 32
LONGEST_JSON: Final = 4 * 1024 * 1024


def read_json(text: str | bytes, what: str) -> Mapping[str, Any]:
    """A JSON object of bounded size and nesting.

    Raises:
        Unsupported: It is not one.
    """
    if len(text) > LONGEST_JSON:
        raise Unsupported(f"{what} is larger than {LONGEST_JSON // 1024**2} MiB, which no config is.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Unsupported(f"{what} is not JSON.") from None
    if not isinstance(value, dict):
        raise Unsupported(f"{what} holds no JSON object.")
    if _depth(value) > DEEPEST:
        raise Unsupported(f"{what} is nested more than {DEEPEST} deep, which no config is.")
    return value


def _depth(value: Any) -> int:
    """How deep lists and objects are nested, counted without recursion."""
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        depth += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return depth


class Fields:
    """One object of a config, each field read by the kind of value it must hold; null counts as missing."""

    def __init__(self, values: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> None:
        self._values = {
            **(defaults or {}),
            **{name: value for name, value in values.items() if value is not None},
        }

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def with_defaults(self, **defaults: Any) -> "Fields":
        """The same with values for what is missing, as the architecture's own code has them."""
        return Fields(self._values, defaults)

    def whole(self, *names: str, default: int | None = None, most: int = MOST, least: int = 0) -> int:
        """The whole number under the first of these names that is there.

        Raises:
            Unsupported: None is there and there is no default, or it is no number of the range.
        """
        name = next((name for name in names if name in self._values), None)
        if name is None:
            if default is None:
                raise Unsupported(f"The config does not say {names[0]}.")
            return default
        value = self._values[name]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Unsupported(
                f"The config's {name} is {shown(str(value)[:80])}, not a number from {least} to {most:,}."
            )
        return value

    def flag(self, *names: str, default: bool) -> bool:
        """Whether the first of these names that is there says true."""
        name = next((name for name in names if name in self._values), None)
        if name is None:
            return default
        value = self._values[name]
        if not isinstance(value, bool):
            raise Unsupported(f"The config's {name} is {shown(str(value)[:80])}, not true or false.")
        return value

    def number(self, name: str, default: float) -> float:
        """A number that need not be whole."""
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
            raise Unsupported(f"The config's {name} is {shown(str(value)[:80])}, not a number.")
        return float(value)

    def text(self, name: str, default: str = "") -> str:
        """A short text."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise Unsupported(f"The config's {name} is no text.")
        return value[:256]

    def part(self, name: str) -> "Fields":
        """The object under a name; without fields when it is missing."""
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            raise Unsupported(f"The config's {name} is no object.")
        return Fields(value)

    def sequence(self, name: str, most: int = MOST_LAYERS) -> Sequence[Any]:
        """The list under a name; empty when it is missing."""
        value = self._values.get(name, [])
        if not isinstance(value, list) or len(value) > most:
            raise Unsupported(f"The config's {name} is no list of at most {most:,} entries.")
        return value

    def whole_numbers(self, name: str, most: int = MOST_LAYERS) -> tuple[int, ...]:
        """The list of whole numbers under a name; empty when it is missing."""
        listed = self.sequence(name, most)
        if any(isinstance(one, bool) or not isinstance(one, int) for one in listed):
            raise Unsupported(f"The config's {name} lists what is no whole number.")
        return tuple(listed)

    def is_list(self, name: str) -> bool:
        """Whether a list stands under this name."""
        return isinstance(self._values.get(name), list)

    def says(self, name: str) -> bool:
        """Whether a field is there and is more than an empty or negative word."""
        return bool(self._values.get(name))

    def is_text(self, name: str) -> bool:
        """Whether a text stands under this name."""
        return isinstance(self._values.get(name), str)
