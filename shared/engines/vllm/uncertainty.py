"""How far each term may be off: half-widths of 95 % intervals, from residuals on measured runs."""

import math
from functools import lru_cache
from typing import Final

from shared.catalog.rows import LayerKind, Model
from shared.units import GIB, MIB

# Architectures with at least one run of known terms behind them; the residuals are printed by benchmarks/accuracy.
MEASURED: Final = frozenset(
    {"llama", "qwen2", "qwen3", "qwen3_moe", "gemma2", "gemma3", "deepseek_v2", "kimi_vl", "gpt_oss"}
)

_WEIGHTS_MEASURED: Final = 0.006  # of the weights: the largest residual of the measured runs
_WEIGHTS_OTHER: Final = 0.02
_ACTIVATION: Final = 96 * MIB
_ACTIVATION_SHARE: Final = 0.06
_ACTIVATION_OTHER: Final = 400 * MIB  # recurrent layers and vision towers without a run behind them
_GRAPHS_SHARE: Final = 0.45
_GRAPHS_FLOOR: Final = 64 * MIB


@lru_cache(maxsize=16384)
def error_bytes(
    model: Model, weights_bytes: int, activation_bytes: int, graph_bytes: int, outside_error_bytes: int
) -> int:
    """Half-width of the 95 % interval of one device's total; the terms' errors are independent."""
    shape = model.shape
    measured = shape.architecture in MEASURED
    terms: list[float] = [
        weights_bytes * (_WEIGHTS_MEASURED if measured else _WEIGHTS_OTHER),
        _ACTIVATION + activation_bytes * _ACTIVATION_SHARE,
        _GRAPHS_FLOOR + graph_bytes * _GRAPHS_SHARE if graph_bytes else 0,
        outside_error_bytes,
    ]
    unseen = LayerKind.RECURRENT in shape.layer_pattern or (model.towers and not measured)
    if unseen:
        terms.append(max(_ACTIVATION_OTHER, min(2 * GIB, activation_bytes // 2)))
    return round(math.hypot(*terms))
