"""How far each term may be off: half-widths of 95 % intervals, from residuals on measured runs."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import LayerKind, Model
from shared.engines.versions import version_key
from shared.memory.workload import Workload
from shared.units import GIB, MIB

# Architectures with at least one run of known terms behind them (benchmarks/accuracy prints the residuals), or one
# peak of the same study (the second row), and the versions those runs were of.
_MEASURED: Final = frozenset(
    {
        *("llama", "qwen2", "qwen3", "qwen3_moe", "gemma2", "gemma3", "deepseek_v2", "kimi_vl", "gpt_oss"),
        *("mixtral", "phi3", "qwen2_moe", "gemma"),
    }
)
_MEASURED_FROM: Final = (0, 18)
_MEASURED_BEFORE: Final = (0, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Widths:
    """Shares of a term and bytes on top."""

    weights_share: float
    activation_share: float
    activation_bytes: int
    graphs_share: float


_WITH_RUNS: Final = _Widths(
    weights_share=0.003, activation_share=0.015, activation_bytes=24 * MIB, graphs_share=0.22
)
_OTHER_VERSION: Final = _Widths(
    weights_share=0.006, activation_share=0.06, activation_bytes=128 * MIB, graphs_share=0.5
)
_OTHER_MODEL: Final = _Widths(
    weights_share=0.01, activation_share=0.08, activation_bytes=128 * MIB, graphs_share=0.6
)
# Recurrent layers and vision towers no run was made with: what they hold in the profile run is derived.
_UNSEEN_LAYERS: Final = 400 * MIB
_UNSEEN_MOST: Final = 2 * GIB


# What no run was made with: communicators of several engines, kernels of adapters, a drafter's graphs.
_UNSEEN_ENGINES: Final = 600 * MIB
_UNSEEN_EXPERT_PARALLEL: Final = 256 * MIB
_UNSEEN_ADAPTERS: Final = 200 * MIB
_UNSEEN_DRAFTER: Final = 300 * MIB
_DRAFT_SHARE: Final = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What runs beside plain serving on one rank; none of it was ever measured.

    Attributes:
        draft_bytes: Weights of a draft model or of MTP layers.
        exchange_bytes: What sharing experts among several engines adds to the activations.
    """

    draft_bytes: int = 0
    exchange_bytes: int = 0
    adapters: bool = False
    expert_parallel: bool = False

    def errors(self) -> list[float]:
        """Half-widths of independent terms, reckoned from what could be missing."""
        return [
            _UNSEEN_ENGINES + self.exchange_bytes / 3 if self.exchange_bytes else 0,
            _UNSEEN_EXPERT_PARALLEL if self.expert_parallel else 0,
            _UNSEEN_ADAPTERS if self.adapters else 0,
            _UNSEEN_DRAFTER + self.draft_bytes * _DRAFT_SHARE if self.draft_bytes else 0,
        ]


def evidence(workload: Workload, version: str) -> str:
    """Say "measured" where runs of this architecture and version stand behind the numbers, else "derived"."""
    return "derived" if is_beside(workload) else _evidence(workload.model, version)


def is_beside(workload: Workload) -> bool:
    """Whether something runs that no measured run had."""
    several = (workload.data_parallel or 1) > 1 and workload.model.shape.experts is not None
    whole = (workload.expert_parallel or 1) > 1
    return several or whole or workload.adapters is not None or workload.speculation is not None


@lru_cache(maxsize=2048)
def _evidence(model: Model, version: str) -> str:
    known = _MEASURED_FROM <= version_key(version) < _MEASURED_BEFORE
    return "measured" if known and model.shape.architecture in _MEASURED else "derived"


@lru_cache(maxsize=2048)
def _widths(model: Model, version: str) -> _Widths:
    if model.shape.architecture not in _MEASURED:
        return _OTHER_MODEL
    return _WITH_RUNS if _evidence(model, version) == "measured" else _OTHER_VERSION


@lru_cache(maxsize=16384)
def error_bytes(
    model: Model,
    version: str,
    weights_bytes: int,
    activation_bytes: int,
    graph_bytes: int,
    outside_error: int,
    beside: Beside | None,
) -> int:
    """Half-width of the 95 % interval of one device's total; the terms' errors are independent."""
    widths = _widths(model, version)
    terms: list[float] = [
        weights_bytes * widths.weights_share,
        widths.activation_bytes + activation_bytes * widths.activation_share,
        graph_bytes * widths.graphs_share,
        outside_error,
        *(beside.errors() if beside else ()),
    ]
    towers_unseen = bool(model.towers) and widths is _OTHER_MODEL
    if LayerKind.RECURRENT in model.shape.layer_pattern or towers_unseen:
        terms.append(max(_UNSEEN_LAYERS, min(_UNSEEN_MOST, activation_bytes // 2)))
    return round(math.hypot(*terms))
