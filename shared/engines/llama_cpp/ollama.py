"""The commands that serve a workload with Ollama, which runs llama.cpp with settings of its own."""

from collections.abc import Sequence
from typing import Final

from shared.catalog.rows import Gpu
from shared.engines.engine import Launch
from shared.engines.llama_cpp.quantizer import PACKAGED, mix_of
from shared.errors import Refused
from shared.memory.workload import Workload

KV_CACHE_TYPES: Final = frozenset({"auto", "f16", "q8_0", "q4_0"})  # fs/ggml/ggml.go, SupportsKVCacheType


def launch(workload: Workload, gpus: Sequence[Gpu]) -> Launch:
    """`ollama serve` with the workload's settings in its environment; the notes say what to run then.

    Context and KV cache type are the server's (envconfig/config.go): every model it loads gets them.

    Raises:
        Refused: Ollama has no way to say it: it moves whole layers to the host, and has one type for keys and values.
    """
    if workload.cpu_expert_layers:
        raise Refused(
            "Ollama",
            "it moves whole layers to the host, and keeping only the experts there takes llama-server",
        )
    kinds = {workload.kv_cache_type_k.lower(), workload.kv_cache_type_v.lower()}
    if len(kinds) > 1 or not kinds <= KV_CACHE_TYPES:
        raise Refused("Ollama", "it has one KV cache type, f16, q8_0 or q4_0, and others take llama-server")
    settings = {
        "OLLAMA_CONTEXT_LENGTH": workload.context_tokens // workload.sequences,  # of each of them
        "OLLAMA_NUM_PARALLEL": workload.sequences,
    }
    argv = ["env", *(f"{name}={value}" for name, value in settings.items())]
    if workload.kv_cache_type_k != "auto":
        argv += ["OLLAMA_FLASH_ATTENTION=1", f"OLLAMA_KV_CACHE_TYPE={workload.kv_cache_type_k.lower()}"]
    if len(gpus) > 1:
        argv.append("OLLAMA_SCHED_SPREAD=1")  # else a model that fits one card is put on one
    return Launch(argv=(*argv, "ollama", "serve"), notes=(_then(workload), *_layers(workload)))


def _then(workload: Workload) -> str:
    """What pulls the weights and starts them."""
    model, mix = workload.model, mix_of(workload.quantization)
    if model.gguf_repo_id is not None and mix not in PACKAGED:
        return f"Then, in another shell: ollama run hf.co/{model.gguf_repo_id}:{mix}"
    file = f"{model.id}-{mix}.gguf"
    return (
        f"Make {file} first: convert_hf_to_gguf.py {model.repo_id}, then llama-quantize to {_recipe(mix)}. "
        f"Then a Modelfile with FROM ./{file}, ollama create {model.id} -f Modelfile, and ollama run {model.id}"
    )


def _recipe(mix: str) -> str:
    """What llama-quantize is asked for."""
    return f"{PACKAGED[mix]} with the head and the embeddings in q8_0" if mix in PACKAGED else mix


def _layers(workload: Workload) -> tuple[str, ...]:
    if workload.gpu_layers is None:
        return ()
    return (
        f"Ollama chooses how many layers go to the GPU; /set parameter num_gpu {workload.gpu_layers} says it.",
    )
