"""SGLang's defaults for a GPU: prefill chunk, largest decode batch, and the share of memory it takes."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Engine, Gpu, LayerKind, Model
from shared.engines.server import Parallel, Server
from shared.engines.versions import at_version
from shared.units import GIB, MIB

SERVER: Final = Server(
    id="sglang",
    name="SGLang",
    oldest_capability=(7, 5),
    ranks_flag="--tp-size",
    half_flag="--dtype half",
    context_flag="--context-length",
    ruled=frozenset({LayerKind.PARALLEL}),  # sglang/srt/models/falcon_h1.py
)

# NVML total in MiB below which a tier holds: prefill chunk, largest captured decode batch under and from 4 ranks.
# sglang/srt/arg_groups/memory_hook.py of 0.5.23 (`handle_gpu_memory_settings`)
_TIERS: Final = (
    (20 * 1024, 2048, 8, 8),
    (35 * 1024, 4096, 48, 160),
    (60 * 1024, 4096, 32, 160),
    (90 * 1024, 8192, 256, 512),
    (160 * 1024, 8192, 256, 512),
)
_LARGEST: Final = (16384, 512, 512)

_LATENT_PREFILL_GRAPHS: Final = 8192
_WIDE_BATCH: Final = 300
_LEAST_ACTIVATION_TOKENS: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What SGLang settles on for one GPU and model.

    Attributes:
        fraction: `--mem-fraction-static`, of what is free before the weights are loaded.
        graph_bytes: What it reckons CUDA graphs take.
        padding_bytes: What it keeps back beside for the padding that data-parallel attention needs.
    """

    chunk_tokens: int
    decode_batch: int
    fraction: float
    graph_bytes: int
    padding_bytes: int


@lru_cache(maxsize=4096)
def defaults(model: Model, gpu: Gpu, spread: Parallel, facts: Engine, version: str) -> Defaults:
    """The defaults of the launch server; a vision tower's own deduction is left out (see the assumptions).

    Data-parallel attention divides the chunk among its groups and reserves more for graphs
    (sglang/srt/arg_groups/parallel_hook.py and memory_hook.py of 0.5.23, `reserve_for_graph_mb`).
    """
    total_mib = gpu.memory_total_bytes // MIB
    chunk, batch = _tier(total_mib, spread.tensor)
    groups = spread.attention_data
    latent = LayerKind.LATENT in model.shape.layer_pattern

    def number(name: str) -> float:
        return at_version(facts, name, version).value

    graphs = batch * number("decode_graph_mib_per_sequence")
    if latent:
        graphs += number("prefill_graph_latent_mib")
    else:
        graphs += prefill_sizes(chunk) * number("prefill_graph_mib_per_size")
    reserved = number("reserve_mib") + max(chunk, _LEAST_ACTIVATION_TOKENS) * number("reserve_mib_per_token")
    wide = "_wide" if batch > _WIDE_BATCH else ""
    padding = batch * groups * number(f"attention_groups{wide}_graph_mib") if groups > 1 else 0.0
    reserved += spread.engine_ranks * number("reserve_parallel_mib") + graphs + padding
    if gpu.memory_total_bytes > 60 * GIB:
        reserved = max(reserved, number("reserve_least_mib"))
    return Defaults(
        chunk_tokens=chunk // groups,
        decode_batch=batch,
        fraction=max(0.0, round((total_mib - reserved) / total_mib, 3)),
        graph_bytes=round(graphs * MIB),
        padding_bytes=round(padding * MIB),
    )


def _tier(total_mib: int, tensor: int) -> tuple[int, int]:
    """Prefill chunk and largest decode batch."""
    for below, chunk, batch, batch_of_many in _TIERS:
        if total_mib < below:
            return chunk, batch if tensor < 4 else batch_of_many
    chunk, batch, batch_of_many = _LARGEST
    return chunk, batch if tensor < 4 else batch_of_many


@lru_cache(maxsize=64)
def prefill_sizes(largest: int) -> int:
    """How many prefill sizes are captured: sglang/srt/arg_groups/cuda_graph_hook.py of 0.5.23."""
    sizes = (
        *range(4, 33, 4),
        *range(48, 257, 16),
        *range(288, 513, 32),
        *range(576, 1025, 64),
        *range(1280, 4097, 256),
        *range(4608, largest + 1, 512),
    )
    return sum(1 for size in sizes if size <= largest)
