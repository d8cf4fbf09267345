"""hf-mem: weights from the header, and the KV cache of its --experimental option."""

import math
import warnings

from answering import GIB, NoAnswer, answer, one_gpu, published
from hf_mem.gguf.kv_cache import compute_gguf_kv_cache_size
from hf_mem.safetensors.kv_cache import compute_safetensors_kv_cache_size, resolve_kv_cache_dtype
from hf_mem.safetensors.metadata import parse_safetensors_metadata

_GGUF_TYPES = {"f16": "F16", "q8_0": "Q8_0", "q4_0": "Q4_0", "f32": "F32", "bf16": "BF16"}


def ask(question):
    one_gpu(question)
    if question["engine"] == "llama.cpp":
        kind = _GGUF_TYPES.get(question["kv_type"])
        if kind is None:
            raise NoAnswer(f"it has no KV cache of type {question['kv_type']}")
        kv = compute_gguf_kv_cache_size(question["gguf"], kv_cache_dtype=kind)
        return {"weights": question["file_bytes"] / GIB, "kv": kv / GIB, "rest": None}
    published(question)
    tensors = {
        f"stored.{dtype}": {"dtype": dtype, "shape": [count], "data_offsets": [0, 0]}
        for dtype, count in question["stored"].items()
        if count
    }
    metadata = parse_safetensors_metadata(raw_metadata={"Transformer": tensors})
    config = question["config"]
    text = dict(config.get("text_config", config))
    for key in ("torch_dtype", "quantization_config"):
        if key in config:
            text.setdefault(key, config[key])
    kv = None
    try:
        dtype = resolve_kv_cache_dtype(text, question["kv_type"], metadata, question["repo"])
        kv = compute_safetensors_kv_cache_size(text, dtype, question["context_tokens"]) / GIB
    except RuntimeError:  # its own refusal: the cache's type cannot be resolved
        kv = None
    assert math.isfinite(metadata.bytes_count)
    return {"weights": metadata.bytes_count / GIB, "kv": kv, "rest": None}


warnings.simplefilter("ignore")
answer(ask)
