"""Every mistake a person can make, as a class that holds the facts and can say its one sentence."""

from collections.abc import Sequence


def _choices(names: Sequence[str]) -> str:
    """Names as prose: A, B or C."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"


class UserError(Exception):
    """Something a person asked that we cannot answer as asked.

    Attributes:
        sentence: What was not understood and what would work, in one sentence.
        suggestions: Names or values to offer instead, best first; may be empty.
        field: Which part of the question is meant ("model", "gpu", "context", …), for buttons and JSON.
    """

    field: str = "question"

    def __init__(self, sentence: str, *, suggestions: Sequence[str] = (), field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.suggestions = tuple(suggestions)
        if field is not None:
            self.field = field


class UnknownName(UserError):
    """A model, GPU, quantization or engine we have no row for."""

    def __init__(self, kind: str, given: str, *, near: Sequence[str] = ()) -> None:
        hint = f" Did you mean {_choices(near)}?" if near else ""
        super().__init__(f"I don't know the {kind} {shown(given)}.{hint}", suggestions=near, field=kind)
        self.given = given


class AmbiguousName(UserError):
    """A name that several rows answer to; we never toss a coin."""

    def __init__(self, kind: str, given: str, choices: Sequence[str]) -> None:
        super().__init__(
            f"{shown(given)} could be {_choices(choices)}: which one?", suggestions=choices, field=kind
        )
        self.given = given


class BadValue(UserError):
    """A value outside what is possible."""

    def __init__(self, field: str, given: object, would_work: str) -> None:
        super().__init__(f"{field} {shown(str(given))} does not work: {would_work}.", field=field)


class Refused(UserError):
    """The engine itself refuses this combination; the sentence says why and what would work."""

    def __init__(self, engine: str, reason: str, *, field: str = "engine") -> None:
        super().__init__(f"{engine} refuses this: {reason}.", field=field)
        self.engine = engine
        self.reason = reason


class Unsupported(UserError):
    """Something we have no rule for, said instead of guessed."""


class NoRule(Unsupported):
    """A model that an engine may well run and whose memory there we cannot derive; its weights we can."""

    def __init__(self, sentence: str, *, weights_bytes: int) -> None:
        super().__init__(sentence, field="model")
        self.weights_bytes = weights_bytes


_LONGEST_ECHO = 60


def shown(text: str) -> str:
    """What a person typed, quoted, printable and bounded, safe to put in a sentence."""
    printable = "".join(char if char.isprintable() else " " for char in text).strip()
    if len(printable) > _LONGEST_ECHO:
        printable = printable[: _LONGEST_ECHO - 1] + "…"
    return f"'{printable}'"
