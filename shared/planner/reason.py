"""A number with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One number: what it is, its value, the formula with the values put in, and where they come from."""

    name: str
    value: str
    formula: tuple[str, ...]
    sources: tuple[str, ...] = ()
