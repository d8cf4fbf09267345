"""What an inference server says about itself, in one vocabulary for all engines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

Answers = Mapping[str, bytes | None]
"""Body per path; None where the server did not answer it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """The state of one server. None is "it does not say".

    Attributes:
        names: Every name it gives its model; they tell whether this is the server we meant.
        quantization: As the engine says it.
        context_tokens: The longest one sequence may grow.
        kv_cache_ratio: How full what binds it is, 0 to 1: the pool, or the fullest slot.
    """

    names: tuple[str, ...] = ()
    quantization: str | None = None
    version: str | None = None
    context_tokens: int | None = None
    sequences: int | None = None
    kv_cache_used_tokens: int | None = None
    kv_cache_limit_tokens: int | None = None
    kv_cache_ratio: float | None = None
    running_requests: int | None = None
    waiting_requests: int | None = None
    preemptions: int | None = None

    def steady(self) -> "EngineState":
        """What it says of the model and how it was started, without what changes from moment to moment."""
        return EngineState(
            names=self.names,
            quantization=self.quantization,
            version=self.version,
            context_tokens=self.context_tokens,
            sequences=self.sequences,
        )


class EngineApi(Protocol):
    """The names each engine's module defines."""

    @property
    def DEFAULT_PORT(self) -> int:  # noqa: N802  a module's constant
        """Where the engine listens when not told otherwise."""

    @property
    def PATHS(self) -> tuple[str, ...]:  # noqa: N802  a module's constant
        """What to ask for."""

    @property
    def STEADY(self) -> tuple[str, ...]:  # noqa: N802  a module's constant
        """Those of them whose answer stays the same while the server lives."""

    def state(self, answers: Answers) -> EngineState:
        """What the answers say."""
