"""aiconfigurator: its memory model for vLLM on an H100."""

import logging

from aiconfigurator_core.sdk.memory import KVCacheEstimator
from aiconfigurator_core.sdk.perf_database import get_latest_database_version
from answering import GIB, NoAnswer, answer

VERSION = get_latest_database_version("h100_sxm", "vllm")
_MODES = {"FP8": "fp8", "INT8": "sq"}


def ask(question):
    if question["engine"] != "vllm":
        raise NoAnswer("it plans for vLLM, SGLang and TensorRT-LLM")
    quantization = question["quantization"]
    if quantization not in ("BF16", *_MODES):
        raise NoAnswer(f"it has no weights of type {quantization}")
    mixture = question["active_parameters"] != question["parameters"]
    try:
        found = KVCacheEstimator.from_request(
            question["directory"],
            "h100_sxm",
            "vllm",
            VERSION,
            max_num_tokens=question["batched_tokens"],
            max_batch_size=1,
            tp_size=question["tensor_parallel"],
            pp_size=question["pipeline_parallel"],
            moe_tp_size=question["tensor_parallel"] if mixture else None,
            gemm_quant_mode=_MODES.get(quantization),
            kvcache_quant_mode="fp8" if question["kv_type"] == "fp8" else "bfloat16",
        ).breakdown
    except Exception as error:  # whatever it raises is its way of saying no
        raise NoAnswer(f"{type(error).__name__}: {' '.join(str(error).split())[:90]}") from error
    rest = sum(found[name] for name in ("activations_bytes", "runtime_overhead_bytes", "comm_overhead_bytes"))
    kv = found["kv_size_per_token_bytes"] * question["context_tokens"]
    return {"weights": found["weights_bytes"] / GIB, "kv": kv / GIB, "rest": rest / GIB}


logging.disable(logging.CRITICAL)
answer(ask)
