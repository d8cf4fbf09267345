"""whichllm: weights by bytes per parameter or file size, KV cache by parameters."""

from answering import GIB, answer, one_gpu, published
from whichllm.engine.quantization import estimate_weight_bytes
from whichllm.engine.vram import FRAMEWORK_OVERHEAD_BYTES, estimate_kv_cache, estimate_vram
from whichllm.models.sliding_window import _resolve_sliding_window
from whichllm.models.types import GGUFVariant, ModelInfo


def ask(question):
    one_gpu(question)
    config = question["config"]
    text = config.get("text_config", config)
    mixture = any(key in text for key in ("num_experts", "n_routed_experts", "num_local_experts"))
    window, ratio = _resolve_sliding_window(config, question["repo"])
    model = ModelInfo(
        id=question["repo"],
        family_id=question["repo"],
        name=question["repo"],
        parameter_count=question["parameters"],
        parameter_count_active=question["active_parameters"] if mixture else None,
        architecture=config["model_type"],
        is_moe=mixture,
        sliding_window=window,
        sliding_window_global_ratio=ratio,
    )
    variant = None
    if question["engine"] == "llama.cpp":
        variant = GGUFVariant("model.gguf", question["quantization"], question["file_bytes"])
    else:
        published(question)
    context = question["context_tokens"]
    weights, kv = estimate_weight_bytes(model, variant), estimate_kv_cache(model, context)
    rest = estimate_vram(model, variant, context) - weights - kv
    if question["engine"] == "llama.cpp":
        rest -= FRAMEWORK_OVERHEAD_BYTES
    plain = question["kv_type"] in ("auto", "f16")  # it knows no other cache
    return {"weights": weights / GIB, "kv": kv / GIB if plain else None, "rest": rest / GIB}


answer(ask)
