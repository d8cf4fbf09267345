"""CUDA graphs: how many batch sizes vLLM captures, and what their memory comes to."""

from functools import lru_cache
from typing import Final

from shared.catalog.rows import Engine, LayerKind, Model
from shared.engines.versions import at_version, version_key
from shared.engines.vllm.adapters import graph_cases
from shared.engines.vllm.run import Batch
from shared.units import MIB

_LARGEST_CAPTURE: Final = 512


@lru_cache(maxsize=256)
def captured_sizes(max_num_seqs: int, batched_tokens: int, ahead_tokens: int = 0) -> int:
    """How many batch sizes are captured by default: 1, 2, 4, then every 8th below 256, then every 16th.

    vllm/config/vllm.py of 0.19.0 (`_set_cudagraph_sizes`): up to twice the tokens that all sequences decode in one
    step (one each, and those guessed ahead), at most 512.
    """
    largest = min(2 * max_num_seqs * (1 + ahead_tokens), _LARGEST_CAPTURE, batched_tokens)
    candidates = (1, 2, 4, *range(8, 256, 8), *range(256, _LARGEST_CAPTURE + 1, 16))
    return sum(1 for size in candidates if size <= largest)


@lru_cache(maxsize=8192)
def cuda_graph_bytes(model: Model, batch: Batch, layers: int, facts: Engine, version: str) -> int:
    """Memory of all captured graphs on one rank of a stage with `layers` layers, a drafter's included.

    Measured for plain serving; that adapters capture every size twice is vLLM's rule, not measured.
    """
    if batch.eager:
        return 0
    kinds = model.shape.layer_kinds()
    latent = layers * kinds.count(LayerKind.LATENT) // len(kinds)
    per_size = (
        at_version(facts, "graph_mib_per_size", version).value
        + at_version(facts, "graph_mib_per_size_and_layer", version).value * layers
        + at_version(facts, "graph_mib_per_size_and_latent_layer", version).value * latent
    )
    sizes = captured_sizes(batch.max_num_seqs, batch.batched_tokens, batch.ahead_tokens)
    return round(sizes * graph_cases(batch, version_key(version)) * per_size * MIB)
