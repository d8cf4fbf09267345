"""What a text-generation-inference command line seen on a node runs: the inverse of launch."""

from collections.abc import Sequence
from typing import Final

from shared.engines.command_line import after_program, options, program_name
from shared.engines.engine import SeenCommand

_FLAGS: Final = frozenset({"--trust-remote-code", "--json-output", "--disable-custom-kernels", "-e", "--env"})
_DTYPE: Final = {"bfloat16": "BF16", "float16": "F16"}
_METHOD: Final = {
    "fp8": "FP8",
    "awq": "AWQ",
    "gptq": "GPTQ",
    "bitsandbytes": "LLM.INT8",
    "bitsandbytes-nf4": "NF4",
}


def process(argv: Sequence[str]) -> SeenCommand | None:
    """What the command serves, or None when it is neither the launcher nor one of its shards.

    The launcher starts one `text-generation-server serve MODEL …` per GPU; both are read.
    """
    given = None
    if program_name(argv) == "text-generation-launcher":
        given = options(argv[1:], _FLAGS)
    elif (rest := after_program(argv, command=("text-generation-server", "serve"), module=())) is not None:
        given = options(rest, _FLAGS)
    if given is None:
        return None
    method, dtype = given.text("--quantize"), given.text("--dtype")
    return SeenCommand(
        engine="tgi",
        model=given.text("--model-id") or (given.words[0] if given.words else None),
        quantization=_METHOD.get(method, method) if method else _DTYPE.get(dtype or ""),
        context_tokens=given.whole("--max-total-tokens"),
        kv_cache_type=given.text("--kv-cache-dtype"),
        tensor_parallel=given.whole("--num-shard"),
        gpu_memory_utilization=given.fraction("--cuda-memory-fraction"),
        max_num_seqs=given.whole("--max-concurrent-requests"),
        max_num_batched_tokens=given.whole("--max-batch-prefill-tokens"),
    )
