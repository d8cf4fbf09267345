"""What an SGLang command line seen on a node runs: the inverse of launch."""

from collections.abc import Sequence
from typing import Final

from shared.engines.command_line import after_program, options
from shared.engines.engine import SeenCommand

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
    )
