"""What a vLLM command line seen on a node runs: the inverse of launch."""

from collections.abc import Sequence
from typing import Final

from shared.engines.command_line import after_program, options
from shared.engines.engine import SeenCommand

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
    return SeenCommand(
        engine="vllm",
        model=given.words[0] if given.words else given.text("--model"),
        quantization=_METHOD.get(method, method) if method else _DTYPE.get(dtype or ""),
        context_tokens=given.whole("--max-model-len"),
        kv_cache_type=None if cache_type == "auto" else cache_type,
        tensor_parallel=given.whole("--tensor-parallel-size", "-tp"),
        pipeline_parallel=given.whole("--pipeline-parallel-size", "-pp"),
        gpu_memory_utilization=given.fraction("--gpu-memory-utilization"),
        max_num_seqs=given.whole("--max-num-seqs"),
        max_num_batched_tokens=given.whole("--max-num-batched-tokens"),
    )
