"""llm-mem-planner: parameters and caches of models with latent attention."""

from answering import GIB, NoAnswer, answer
from llm_mem_planner import cli


def ask(question):
    config = question["config"]
    text = {key: value for key, value in config.get("text_config", config).items() if value is not None}
    if "kv_lora_rank" not in text:
        raise NoAnswer("it knows models with latent attention only")
    if question["pipeline_parallel"] > 1:
        raise NoAnswer("it has no rule for pipeline stages")
    text["torch_dtype"] = "bfloat16"
    dims = cli.load_dims(text)
    parallel = cli.Parallelism(tp=question["tensor_parallel"])
    try:
        parameters = cli.estimate_params(dims)
    except ValueError as error:  # its own refusal of a model without query compression
        raise NoAnswer(str(error)[:120]) from error
    weights = cli.estimate_weight_params_per_rank(dims, parameters, parallel).total
    tokens = question["batched_tokens"] if question["engine"] == "vllm" else 512
    peak = cli.estimate_activation_working_set(dims, parallel, tokens=tokens, act_dtype_bytes=2).peak_gib
    cache_bytes = {"auto": 2, "f16": 2, "fp8": 1, "q8_0": 34 / 32, "q4_0": 18 / 32}[question["kv_type"]]
    kv = cli.estimate_kv_cache_gib(
        dims, batch=1, seq_len=question["context_tokens"], kv_dtype_bytes=cache_bytes
    )
    if question["quantization"] not in ("BF16", "F16"):  # it knows weights by the type of their elements only
        return {"weights": None, "kv": kv, "rest": None}
    misc = cli.build_parser().get_default("misc_gib") if question["engine"] == "vllm" else 0
    return {"weights": weights * dims.dtype_bytes / GIB, "kv": kv, "rest": peak + misc}


answer(ask)
