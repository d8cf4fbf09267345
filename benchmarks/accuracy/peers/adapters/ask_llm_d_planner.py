"""llm-d-planner: its capacity planner, with the parameter counts that it would fetch."""

from answering import NoAnswer, answer, published
from planner import capacity_planner
from transformers import AutoConfig


def ask(question):
    if question["engine"] != "vllm":
        raise NoAnswer("it plans for vLLM")
    published(question)
    tensor, pipeline, name = question["tensor_parallel"], question["pipeline_parallel"], question["repo"]
    try:
        config = AutoConfig.from_pretrained(question["directory"])
    except (ValueError, OSError) as error:
        raise NoAnswer(f"transformers cannot read the config: {str(error).splitlines()[0][:80]}") from error
    capacity_planner.model_params_by_dtype = lambda _model, _token=None: dict(question["stored"])
    weights = capacity_planner.per_gpu_model_memory_required(name, config, tensor, pipeline)
    rest = capacity_planner.estimate_vllm_activation_memory(config, tensor)
    rest += capacity_planner.estimate_vllm_cuda_graph_memory()
    rest += capacity_planner.estimate_vllm_non_torch_memory(tensor, pipeline)
    kv = None
    if question["kv_type"] == "auto":  # it has no option for another type
        kv = capacity_planner.kv_cache_req(name, config, question["context_tokens"]) / (tensor * pipeline)
    return {"weights": weights, "kv": kv, "rest": rest}


answer(ask)
