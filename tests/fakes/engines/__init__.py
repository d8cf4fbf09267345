"""What inference servers answer, per path; each shape says where and in which version it was seen."""

import json
from collections.abc import Mapping

Shape = Mapping[str, str]
"""Body per path."""


def vllm(model: str, *, usage: float = 0.5, waiting: int = 0, blocks: int = 1000) -> Shape:
    """vLLM 0.29: vllm/v1/metrics/loggers.py, entrypoints/openai; cache_config_info as a public log has it."""
    labels = f'engine="0",model_name="{model}"'
    config = (
        f'block_size="16",cache_dtype="auto",engine="0",gpu_memory_utilization="0.9",'
        f'kv_cache_max_concurrency="2.58",kv_cache_size_tokens="{blocks * 16}",num_gpu_blocks="{blocks}"'
    )
    metrics = f"""\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{{{labels}}} 3.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{{{labels}}} {waiting}.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{{{labels}}} {usage}
# TYPE vllm:num_preemptions_total counter
vllm:num_preemptions_total{{{labels}}} 7.0
# TYPE vllm:num_preemptions_created gauge
vllm:num_preemptions_created{{{labels}}} 1.7e+09
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{{{config}}} 1.0
"""
    served = {
        "id": model,
        "object": "model",
        "owned_by": "vllm",
        "root": model,
        "parent": None,
        "max_model_len": 16384,
    }
    models = {"object": "list", "data": [served]}
    return {"/v1/models": json.dumps(models), "/version": '{"version":"0.29.0"}', "/metrics": metrics}


def vllm_old(model: str) -> Shape:
    """vLLM 0.8: the usage metric had another name, and the pool was told in blocks alone."""
    metrics = (
        f'vllm:gpu_cache_usage_perc{{model_name="{model}"}} 0.25\n'
        'vllm:cache_config_info{block_size="16",num_gpu_blocks="400"} 1.0\n'
    )
    return {"/v1/models": json.dumps({"data": [{"id": model}]}), "/metrics": metrics}


def sglang(model: str) -> Shape:
    """SGLang 0.5: srt/entrypoints/http_server.py and srt/metrics/collector.py, two tensor-parallel ranks."""
    ranks = [f'model_name="{model}",engine_type="unified",tp_rank="{rank}",pp_rank="0"' for rank in (0, 1)]
    values = {
        "token_usage": 0.42, "num_used_tokens": 123859, "max_total_num_tokens": 294902, "num_running_reqs": 4,
        "num_queue_reqs": 2,
    }  # fmt: skip
    metrics = "".join(
        f"sglang:{name}{{{rank}}} {value}\n" for name, value in values.items() for rank in ranks
    )
    info = {"model_path": model, "tokenizer_path": model, "is_generation": True}
    server = {"model_path": model, "served_model_name": model, "context_length": 32768, "version": "0.5.3",
              "max_total_num_tokens": 294902, "quantization": None, "internal_states": [{}]}  # fmt: skip
    return {"/get_model_info": json.dumps(info), "/server_info": json.dumps(server), "/metrics": metrics}


def tgi(model: str) -> Shape:
    """TGI 2.x: router/src/lib.rs, struct Info; its metrics as the router names them."""
    info = {"model_id": model, "model_sha": "0e9e39f2", "max_concurrent_requests": 128, "max_total_tokens": 4096,
            "max_batch_total_tokens": 16000, "version": "2.4.1", "sha": None, "docker_label": None}  # fmt: skip
    metrics = "tgi_queue_size 5\ntgi_batch_current_size 6\ntgi_batch_current_max_tokens 15200\n"
    return {"/info": json.dumps(info), "/metrics": metrics}


def llama_cpp(path: str, *, held: tuple[int, ...] = (4000, 100)) -> Shape:
    """llama-server of 2026: tools/server/server-context.cpp, server_slot::to_json and the /props handler."""
    slots = [
        {"id": number, "n_ctx": 4096, "speculative": False, "is_processing": True, "id_task": number,
         "n_prompt_tokens": size, "n_prompt_tokens_processed": size, "n_prompt_tokens_cache": 0,
         "params": {"temperature": 0.8}, "next_token": [{"has_next_token": True, "n_remain": -1, "n_decoded": 9}],
         "prompt": "a secret"}
        for number, size in enumerate(held)
    ]  # fmt: skip
    slots.append({"id": len(held), "n_ctx": 4096, "speculative": False, "is_processing": False})
    props = {"default_generation_settings": {"n_ctx": 4096, "params": {}}, "total_slots": len(slots),
             "model_alias": "chat", "model_path": path, "build_info": "b8123-0c1e57098"}  # fmt: skip
    metrics = "llamacpp:requests_processing 2\nllamacpp:requests_deferred 3\n"
    return {"/props": json.dumps(props), "/slots": json.dumps(slots), "/metrics": metrics}


def ollama(*names: str) -> Shape:
    """Ollama 0.33: api/types.go, ProcessModelResponse."""
    models = [
        {"name": name, "model": name, "size": 6_654_289_920, "digest": "365c0bd3c000", "size_vram": 6_654_289_920,
         "details": {"format": "gguf", "family": "qwen3", "parameter_size": "8.2B", "quantization_level": "Q4_K_M"},
         "expires_at": "2026-11-23T10:00:00Z", "context_length": 8192}
        for name in names
    ]  # fmt: skip
    return {"/api/ps": json.dumps({"models": models}), "/api/version": '{"version":"0.33.0"}'}
