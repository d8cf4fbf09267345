"""What a vLLM command line seen on a node runs: the inverse of launch."""

import json
from collections.abc import Sequence
from typing import Final

from shared.engines.command_line import Options, after_program, options
from shared.engines.engine import SeenCommand
from shared.engines.vllm.adapters import attention_names
from shared.memory.workload import Adapters

_MODULES: Final = (
    "vllm.entrypoints.openai.api_server",
    "vllm.entrypoints.api_server",
    "vllm.entrypoints.cli.main",
)
_FLAGS: Final = frozenset(
    {
        "--enforce-eager",
        "--trust-remote-code",
        "--enable-expert-parallel",
        "--enable-prefix-caching",
        "--no-enable-prefix-caching",
        "--enable-chunked-prefill",
        "--no-enable-chunked-prefill",
        "--enable-auto-tool-choice",
        "--enable-lora",
        "--disable-log-requests",
        "--disable-log-stats",
        "--async-scheduling",
        "--headless",
        "-ep",
    }
)
_DEFAULT_RANK: Final = 16
_DTYPE: Final = {"bfloat16": "BF16", "float16": "F16", "half": "F16", "float32": "F32", "float": "F32"}
_METHOD: Final = {
    "fp8": "FP8",
    "bitsandbytes": "NF4",
    "mxfp4": "MXFP4",
    "awq": "AWQ",
    "awq_marlin": "AWQ",
    "gptq": "GPTQ",
    "gptq_marlin": "GPTQ",
}


def process(argv: Sequence[str]) -> SeenCommand | None:
    """What the command serves, or None when it is not a vLLM server.

    Both `vllm serve MODEL …` and `python -m vllm.entrypoints.openai.api_server --model MODEL …` are read.
    """
    rest = after_program(argv, command=("vllm", "serve"), module=_MODULES)
    if rest is None:
        return None
    given = options([word for word in rest if word != "serve"], _FLAGS)
    cache_type = given.text("--kv-cache-dtype")
    method = given.text("--quantization", "-q")
    dtype = given.text("--dtype")
    data, tensor = given.whole("--data-parallel-size", "-dp"), given.whole("--tensor-parallel-size", "-tp")
    whole = "--enable-expert-parallel" in given.values or "-ep" in given.values
    return SeenCommand(
        engine="vllm",
        model=given.words[0] if given.words else given.text("--model"),
        quantization=_METHOD.get(method, method) if method else _DTYPE.get(dtype or ""),
        context_tokens=given.whole("--max-model-len"),
        kv_cache_type=None if cache_type == "auto" else cache_type,
        tensor_parallel=tensor,
        pipeline_parallel=given.whole("--pipeline-parallel-size", "-pp"),
        gpu_memory_utilization=given.fraction("--gpu-memory-utilization"),
        max_num_seqs=given.whole("--max-num-seqs"),
        max_num_batched_tokens=given.whole("--max-num-batched-tokens"),
        data_parallel=data,
        expert_parallel=(tensor or 1) * (data or 1) if whole else None,
        speculative_tokens=_speculative_tokens(given.text("--speculative-config")),
        adapters=_adapters(given),
    )


def _adapters(given: Options) -> Adapters | None:
    """The buffers --enable-lora makes; vllm/config/lora.py of 0.19.0 has one of rank 16 by default."""
    if "--enable-lora" not in given.values:
        return None
    targets = given.text("--lora-target-modules") or ""
    only_attention = bool(targets) and targets in attention_names()
    return Adapters(
        count=given.whole("--max-loras") or 1,
        rank=given.whole("--max-lora-rank") or _DEFAULT_RANK,
        targets="attention" if only_attention else "all-linear",
    )


def _speculative_tokens(config: str | None) -> int | None:
    """Tokens that MTP layers guess ahead; 0 where a model of its own drafts, or the option cannot be read."""
    if config is None:
        return None
    try:
        asked = json.loads(config)
    except (json.JSONDecodeError, RecursionError):
        return 0
    tokens = asked.get("num_speculative_tokens") if isinstance(asked, dict) else None
    is_own = isinstance(asked, dict) and "model" not in asked and str(asked.get("method", "")).endswith("mtp")
    return tokens if is_own and isinstance(tokens, int) and not isinstance(tokens, bool) else 0
