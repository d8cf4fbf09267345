"""What an SGLang command line seen on a node runs: the inverse of launch."""

from collections.abc import Sequence
from typing import Final

from shared.engines.command_line import Options, after_program, options
from shared.engines.engine import SeenCommand
from shared.memory.workload import Adapters

_MODULES: Final = ("sglang.launch_server", "sglang")
_FLAGS: Final = frozenset(
    {
        "--disable-cuda-graph",
        "--enable-lora",
        "--is-embedding",
        "--trust-remote-code",
        "--enable-dp-attention",
        "--enable-torch-compile",
        "--disable-radix-cache",
        "--enable-metrics",
        "--skip-tokenizer-init",
    }
)
_DEFAULT_ADAPTERS: Final = 8  # sglang/srt/arg_groups/fields/lora.py of 0.5.23
_DRAFT_MODEL: Final = frozenset({"--speculative-draft-model-path", "--speculative-draft-model"})
_DTYPE: Final = {"bfloat16": "BF16", "float16": "F16", "half": "F16", "float32": "F32", "float": "F32"}
_METHOD: Final = {"fp8": "FP8", "bitsandbytes": "NF4", "mxfp4": "MXFP4", "awq": "AWQ", "gptq": "GPTQ"}


def process(argv: Sequence[str]) -> SeenCommand | None:
    """What the command serves, or None when it is not an SGLang server."""
    rest = after_program(argv, command=("sglang", "serve"), module=_MODULES)
    if rest is None:
        return None
    given = options([word for word in rest if word != "serve"], _FLAGS)
    cache_type = given.text("--kv-cache-dtype")
    method, dtype = given.text("--quantization"), given.text("--dtype")
    groups = given.whole("--attn-dp-size", "--attention-data-parallel-size")
    return SeenCommand(
        engine="sglang",
        model=given.text("--model-path", "--model"),
        quantization=_METHOD.get(method, method) if method else _DTYPE.get(dtype or ""),
        context_tokens=given.whole("--context-length"),
        kv_cache_type=None if cache_type == "auto" else cache_type,
        tensor_parallel=given.whole("--tp-size", "--tensor-parallel-size", "--tp"),
        pipeline_parallel=given.whole("--pp-size", "--pipeline-parallel-size", "--pp"),
        gpu_memory_utilization=given.fraction("--mem-fraction-static"),
        max_num_seqs=given.whole("--max-running-requests"),
        max_num_batched_tokens=given.whole("--chunked-prefill-size"),
        data_parallel=groups or given.whole("--dp-size", "--data-parallel-size", "--dp"),
        data_parallel_attention=groups is not None or "--enable-dp-attention" in given.values,
        expert_parallel=given.whole("--ep-size", "--expert-parallel-size", "--ep"),
        speculative_tokens=_speculative_tokens(given),
        adapters=_adapters(given),
    )


def _adapters(given: Options) -> Adapters | None:
    """The buffers made for --max-loras-per-batch adapters (8 by default), where their rank is said."""
    rank = given.whole("--max-lora-rank")
    if rank is None or not given.values.keys() & {"--enable-lora", "--lora-paths"}:
        return None
    targets = given.text("--lora-target-modules") or "all"
    return Adapters(
        count=given.whole("--max-loras-per-batch") or _DEFAULT_ADAPTERS,
        rank=rank,
        targets="all-linear" if targets in ("all", "all-linear") else "attention",
    )


def _speculative_tokens(given: Options) -> int | None:
    """Steps the checkpoint's own MTP layers go ahead; 0 where something else drafts."""
    algorithm = given.text("--speculative-algorithm", "--speculative-algo")
    if algorithm is None:
        return None
    is_own = algorithm.upper() in ("EAGLE", "NEXTN") and not given.values.keys() & _DRAFT_MODEL
    return (given.whole("--speculative-num-steps") or 0) if is_own else 0
