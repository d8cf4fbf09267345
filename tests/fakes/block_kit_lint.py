"""Problems found in blocks, and the checks that every part shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


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
