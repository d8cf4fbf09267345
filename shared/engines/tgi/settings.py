"""What text-generation-inference runs, and its KV cache types."""

from typing import Final

from shared.catalog.rows import LayerKind, Model, Quantization, QuantizationFormat
from shared.engines.server import Server
from shared.errors import Refused, Unsupported
from shared.memory.workload import Workload

SERVER: Final = Server(
    id="tgi",
    name="TGI",
    oldest_capability=(7, 5),
    ranks_flag="--num-shard",
    half_flag="--dtype float16",
    context_flag="--max-total-tokens",
)

# Architectures with a loader of its own: server/text_generation_server/models/__init__.py. Others run through its
# transformers fallback, on the same paged cache.
NATIVE: Final = frozenset(
    {
        "llama", "mistral", "mixtral", "qwen2", "qwen2_vl", "qwen2_5_vl", "gemma", "gemma2", "gemma3", "gemma3_text",
        "phi", "phi3", "phimoe", "falcon", "starcoder2", "cohere", "dbrx", "baichuan", "deepseek_v2", "deepseek_v3",
        "granite", "gpt_neox", "llama4",
    }
)  # fmt: skip

FLAG: Final = {
    "fp8": "fp8_e4m3fn",
    "fp8_e4m3": "fp8_e4m3fn",
    "fp8_e4m3fn": "fp8_e4m3fn",
    "fp8_e5m2": "fp8_e5m2",
}
_SIXTEEN_BIT: Final = frozenset({"auto", "f16", "fp16", "float16", "bf16", "bfloat16"})


def refuse_model(model: Model, quantization: Quantization, tensor: int, pipeline: int) -> None:
    """Raise for what this server cannot run whatever the GPU.

    Raises:
        Unsupported: Recurrent layers or encoders.
        Refused: Pipeline parallel, or EXL2 over several GPUs.
    """
    if LayerKind.RECURRENT in model.shape.layer_pattern or model.shape.kind == "embedding":
        raise Unsupported(f"TGI has no paged cache for {model.name}'s layers that I know of; vLLM runs them.")
    if pipeline > 1:
        raise Refused(
            SERVER.name,
            "it has no pipeline parallel; --num-shard splits every layer",
            field="pipeline_parallel",
        )
    if quantization.format is QuantizationFormat.EXL and tensor > 1:
        raise Refused(
            SERVER.name, "EXL2 weights do not split over GPUs; --num-shard 1 works", field="tensor_parallel"
        )


def cache_element_bytes(workload: Workload) -> int:
    """Bytes of one cached number: --kv-cache-dtype of the launcher's reference.

    Raises:
        Refused: Keys and values of unlike types, or a type TGI does not have.
    """
    given = {workload.kv_cache_type_k.lower(), workload.kv_cache_type_v.lower()} - {"auto"}
    if len(given) > 1 or given - _SIXTEEN_BIT - FLAG.keys():
        raise Refused(
            SERVER.name,
            f"its KV cache has no type {' / '.join(sorted(given))}; leave it out for 16 bits, or fp8_e4m3fn, fp8_e5m2",
            field="kv_cache_type",
        )
    return 1 if given & FLAG.keys() else 2
