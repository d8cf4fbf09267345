"""A workload as vLLM would run it: its own defaults filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Gpu, LayerKind, QuantizationFormat
from shared.engines.server import Parallel, Server, check_load, parallel
from shared.engines.vllm.rules import Rules
from shared.errors import BadValue, Refused, Unsupported
from shared.memory.split import Split, vllm_split
from shared.memory.workload import Adapters, Workload
from shared.units import GIB, ceil_div

SERVER: Final = Server(
    id="vllm",
    name="vLLM",
    oldest_capability=(7, 0),  # vllm/platforms/cuda.py of 0.19.0
    ranks_flag="--tensor-parallel-size",
    half_flag="--dtype half",
    context_flag="--max-model-len",
    # FalconH1ForCausalLM of 0.19.0, DeepseekV4ForCausalLM since 0.20
    ruled=frozenset({LayerKind.PARALLEL, LayerKind.COMPRESSED}),
)

_SIXTEEN_BIT: Final = frozenset({"auto", "f16", "fp16", "float16", "bf16", "bfloat16"})
_EIGHT_BIT: Final = frozenset({"fp8", "fp8_e4m3", "fp8_e5m2"})
_GB10: Final = (12, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How the model is split and how much of it runs at once; all that activations depend on.

    Attributes:
        data_parallel: Engines that share one mixture's experts; 1 for a dense model, whose engines share nothing.
        expert_parallel: Every rank of all engines holds whole experts.
        element_bytes: Bytes of one activation, and of a weight that is not quantized.
        ahead_tokens: Tokens guessed ahead of each sequence.
        adapters: LoRA adapters that run at once.
    """

    tensor_parallel: int
    pipeline_parallel: int
    data_parallel: int
    expert_parallel: bool
    max_num_seqs: int
    batched_tokens: int
    element_bytes: int
    eager: bool
    ahead_tokens: int = 0
    adapters: Adapters | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one vLLM server is started with; `cache_element_bytes` is one number of the KV cache.

    `sequences` are those of one engine; `spread` says how many engines there are.
    """

    batch: Batch
    spread: Parallel
    context_tokens: int
    sequences: int
    utilization: float
    cache_element_bytes: int


def resolve(workload: Workload, gpus: Sequence[Gpu], rules: Rules) -> Run:
    """The settings vLLM would end up with.

    Raises:
        Refused: The KV cache type is none of vLLM's, or fewer GPUs are given than the parallel sizes need.
        BadValue: A setting outside what vLLM takes.
    """
    check_load(workload)
    spread = parallel(SERVER, workload, len(gpus))
    mixture = workload.model.shape.experts is not None
    sequences, batched = _step(workload, gpus[0], rules)
    utilization = (
        rules.default_utilization
        if workload.gpu_memory_utilization is None
        else workload.gpu_memory_utilization
    )
    if not 0 < utilization <= 1:
        raise BadValue("gpu_memory_utilization", utilization, "give a fraction above 0 and at most 1")
    element_bytes = element_size(workload)
    batch = Batch(
        tensor_parallel=spread.tensor,
        pipeline_parallel=spread.pipeline,
        data_parallel=spread.data if mixture else 1,
        expert_parallel=mixture and _whole_experts(workload, spread),
        max_num_seqs=sequences,
        batched_tokens=batched,
        element_bytes=element_bytes,
        eager=workload.enforce_eager,
        ahead_tokens=workload.speculation.tokens if workload.speculation else 0,
        adapters=workload.adapters,
    )
    return Run(
        batch=batch,
        spread=spread,
        context_tokens=workload.context_tokens,
        sequences=ceil_div(workload.sequences, spread.data),
        utilization=utilization,
        cache_element_bytes=cache_element_size(workload, element_bytes),
    )


def _step(workload: Workload, gpu: Gpu, rules: Rules) -> tuple[int, int]:
    """Sequences and tokens of one step.

    Raises:
        BadValue: No sequence, or fewer tokens than sequences.
    """
    sequences, batched = default_batch(gpu, rules)
    if workload.max_num_seqs is not None:
        sequences = workload.max_num_seqs
    if workload.max_num_batched_tokens is not None:
        batched = workload.max_num_batched_tokens
    elif workload.max_num_seqs is not None:
        batched = max(batched, sequences)
    if sequences < 1 or (batched < sequences and workload.max_num_seqs is not None):
        raise BadValue("max_num_batched_tokens", batched, f"it must be at least max_num_seqs ({sequences})")
    return min(sequences, batched), batched


def split_of(workload: Workload, batch: Batch, rank: int) -> Split:
    """What rank `rank`, counted over all engines, holds of each layer."""
    return vllm_split(
        workload.model.shape,
        batch.tensor_parallel,
        batch.data_parallel,
        rank,
        expert_parallel=batch.expert_parallel,
    )


def _whole_experts(workload: Workload, spread: Parallel) -> bool:
    """Whether --enable-expert-parallel is meant, which divides experts over all ranks or over none.

    Raises:
        Refused: Another number of ranks.
    """
    ranks = spread.tensor * spread.data
    if workload.expert_parallel in (None, 1):
        return False
    if workload.expert_parallel != ranks:
        raise Refused(
            SERVER.name,
            f"--enable-expert-parallel divides the experts over tensor x data parallel, {ranks} ranks here, "
            f"not over {workload.expert_parallel}",
            field="expert_parallel",
        )
    return ranks > 1


@lru_cache(maxsize=1024)
def default_batch(gpu: Gpu, rules: Rules) -> tuple[int, int]:
    """Sequences and batched tokens of the API server on this GPU.

    https://github.com/vllm-project/vllm/blob/v0.19.0/vllm/engine/arg_utils.py (`get_batch_defaults`); GB10 counts
    as a small GPU since 0.33.
    """
    large = gpu.memory_total_bytes >= 70 * GIB and "a100" not in gpu.name.lower()
    if gpu.compute_capability == _GB10 or not large:
        return rules.small_gpu_sequences, rules.small_gpu_batched_tokens
    if gpu.memory_total_bytes >= 160 * GIB:
        return rules.large_gpu_sequences, rules.largest_gpu_batched_tokens
    return rules.large_gpu_sequences, rules.large_gpu_batched_tokens


def element_size(workload: Workload) -> int:
    """Bytes of one activation: 4 when the model runs in FP32, else 2."""
    quantization = workload.quantization
    plain = quantization.format is QuantizationFormat.PLAIN
    return 4 if plain and quantization.bits_per_weight > 16 else 2


def _compressed_element_size(given: set[str]) -> int:
    """DeepSeek V4's rows are FP8 (with some features in 16 bits), which vLLM wants to be told.

    vllm/models/deepseek_v4/attention.py of 0.22: "DeepseekV4 only supports fp8 kv-cache format for now".

    Raises:
        Unsupported: Another type.
    """
    if given - _EIGHT_BIT:
        raise Unsupported(
            "I know vLLM's cache of compressed tokens in FP8 only; --kv-cache-dtype fp8 works.",
        )
    return 1


def cache_element_size(workload: Workload, element_bytes: int) -> int:
    """Bytes of one cached number; `auto` follows the model's activations.

    Raises:
        Refused: Keys and values of different types, or a type vLLM does not have.
    """
    given = {workload.kv_cache_type_k.lower(), workload.kv_cache_type_v.lower()} - {"auto"}
    if workload.model.shape.compressed is not None:
        return _compressed_element_size(given)
    if len(given) > 1:
        raise Refused(
            SERVER.name,
            "keys and values of its KV cache have one type; --kv-cache-dtype fp8 halves both",
            field="kv_cache_type",
        )
    for name in given:
        if name in _EIGHT_BIT:
            return 1
        if name in _SIXTEEN_BIT:
            return 2
        raise Refused(
            SERVER.name,
            f"its KV cache has no type {name}; auto, float16, bfloat16, fp8, fp8_e4m3 and fp8_e5m2 work",
            field="kv_cache_type",
        )
    return element_bytes
