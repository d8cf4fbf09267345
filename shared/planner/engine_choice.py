"""Which engine a person would run a quantization with on a card, and what a model's published precision is there."""

from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, LayerKind, Model, Quantization, QuantizationFormat
from shared.errors import BadValue

# The oldest NVIDIA generation vLLM's wheels still run on (Volta).
_SERVER_CAPABILITY: Final = (7, 0)
_SERVERS: Final = ("vllm", "sglang", "tgi")
_WITH_BITSANDBYTES: Final = ("sglang", "transformers")  # vLLM has dropped it
_SERVER_SEGMENTS: Final = ("datacenter", "workstation")


def serves(gpu: Gpu) -> bool:
    """Whether the servers with tensor parallelism run on this card at all."""
    if gpu.vendor == "nvidia":
        return gpu.compute_capability is None or gpu.compute_capability >= _SERVER_CAPABILITY
    return gpu.vendor == "amd" and gpu.segment == "datacenter"


def runs_on(quantization: Quantization, gpu: Gpu) -> bool:
    """Whether the card's generation has what the quantization needs."""
    if quantization.min_compute_capability is None or gpu.compute_capability is None:
        return True
    return gpu.compute_capability >= quantization.min_compute_capability


def engine_for(quantization: Quantization, gpu: Gpu, named: str | None = None) -> str | None:
    """The engine for this quantization on this card; None when nothing we know runs it there."""
    if named is not None:
        return named if named in quantization.engines else None
    if quantization.format is QuantizationFormat.GGUF:
        return "llama.cpp"
    plain = quantization.format is QuantizationFormat.PLAIN
    if plain and (not serves(gpu) or gpu.segment not in _SERVER_SEGMENTS):
        return "llama.cpp" if "llama.cpp" in quantization.engines else None
    if not serves(gpu) or not runs_on(quantization, gpu):
        return None
    servers = _WITH_BITSANDBYTES if quantization.format is QuantizationFormat.BITSANDBYTES else _SERVERS
    return next((engine for engine in servers if engine in quantization.engines), None)


def published(model: Model, gpu: Gpu, catalog: Catalog, named_engine: str | None) -> tuple[Quantization, str]:
    """The published precision as this card can run it, and the engine.

    Where the card cannot, the nearest that keeps the quality: FP16 for BF16, the same experts in a GGUF for MXFP4,
    Q8_0 for FP8.
    """
    stand_ins = {"BF16": ("F16",), "MXFP4": ("MXFP4_MOE",), "FP8": ("Q8_0",)}
    native = model.native_quantization
    tried = [native, *stand_ins.get(native, ())]
    if native == "MXFP4" and gpu.segment not in _SERVER_SEGMENTS:
        tried.reverse()  # at home the same experts run from a GGUF
    for quantization_id in (*tried, "F16", "Q8_0"):
        quantization = catalog.quantizations.get(quantization_id)
        if quantization is None:
            continue
        engine = engine_for(quantization, gpu, named_engine)
        if engine == "llama.cpp" and named_engine is None and model.shape.gguf_architecture is None:
            engine = _without_gguf(model, gpu)
        lacks_bf16 = quantization.id == "BF16" and not runs_on(quantization, gpu)
        if engine is not None and not (lacks_bf16 and engine != "llama.cpp"):
            return quantization, engine
    raise BadValue(
        "engine", named_engine or gpu.name, f"no engine we know runs {model.name} at {native} there"
    )


def _without_gguf(model: Model, gpu: Gpu) -> str:
    """The engine at home for a model llama.cpp has no loader for."""
    crosses = LayerKind.CROSS in model.shape.layer_pattern  # vLLM took these out in 0.11
    return "vllm" if serves(gpu) and not crosses else "transformers"
