"""How an engine's numbers came to be: each as a formula with its values put in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What the fullest GPU's compute memory and overhead are made of, a line each, and where the values come from."""

    compute: tuple[str, ...]
    overhead: tuple[str, ...]
    sources: tuple[str, ...] = ()
