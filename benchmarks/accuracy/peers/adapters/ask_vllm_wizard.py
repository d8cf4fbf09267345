"""vllm-wizard: its planner, by repository name and then by a local config.json."""

from answering import NoAnswer, answer, published
from vllm_wizard.planning.planner import run_plan
from vllm_wizard.schemas.inputs import PlanRequest

_QUANTIZATION = {"FP8": "fp8", "INT8": "int8", "GPTQ": "gptq"}
_DTYPE = {"BF16": "bf16", "F16": "fp16", "F32": "fp32"}


def ask(question):
    if question["engine"] != "vllm":
        raise NoAnswer("it plans for vLLM")
    if question["pipeline_parallel"] > 1:
        raise NoAnswer("it has no rule for pipeline stages")
    if question["quantization"] == "GPTQ":
        published(question)
    tensor = question["tensor_parallel"]
    model = {
        "dtype": _DTYPE.get(question["quantization"], "auto"),
        "quantization": _QUANTIZATION.get(question["quantization"], "none"),
        "kv_cache_dtype": "fp8_e4m3fn" if question["kv_type"] == "fp8" else "auto",
        "max_model_len": question["context_tokens"],
    }
    hardware = {"gpu": "H100 80GB", "gpus": tensor, "vram_gb": 80, "tensor_parallel_size": tensor}
    found = None
    for name in (question["repo"], question["directory"]):
        try:
            plan = run_plan(PlanRequest(model={**model, "model": name}, hardware=hardware))
        except (ValueError, FileNotFoundError) as error:
            reason = error
        else:
            found = plan.feasibility
            break
    if found is None:
        raise NoAnswer(" ".join(str(reason).split())[:120])
    return {
        "weights": found.weights_gb,
        "kv": found.kv_cache_gb / tensor,
        "rest": found.overhead_gb / tensor,
    }


answer(ask)
