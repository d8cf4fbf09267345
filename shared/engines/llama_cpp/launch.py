"""The command that serves a workload with llama.cpp."""

from collections.abc import Sequence
from typing import Final

from shared.catalog.rows import Gpu, Model, Quantization
from shared.engines.engine import Launch
from shared.engines.llama_cpp.quantizer import PACKAGED, mix_of
from shared.memory.workload import Workload

_ALL_LAYERS: Final = 999  # more than any model has


def launch(workload: Workload, gpus: Sequence[Gpu]) -> Launch:
    """`llama-server …` (or `llama-cli …`) with the workload's settings; what was left to the engine is left out."""
    model, mix = workload.model, mix_of(workload.quantization)
    source, notes = _source(model, workload.quantization, mix)
    argv = [workload.program, *source, "-c", str(workload.context_tokens)]
    if gpus:
        argv += ["-ngl", str(_ALL_LAYERS if workload.gpu_layers is None else workload.gpu_layers)]
    else:
        argv += ["-ngl", "0"]
    if workload.program == "llama-server":
        argv += ["-np", str(workload.sequences)]
        if workload.sequences > 1 and workload.kv_unified:
            argv.append("--kv-unified")
    if workload.flash_attention is not None:
        argv += ["-fa", "on" if workload.flash_attention else "off"]
    for name, kind in (("-ctk", workload.kv_cache_type_k), ("-ctv", workload.kv_cache_type_v)):
        if kind != "auto":
            argv += [name, kind.lower()]
    if workload.batch_tokens is not None:
        argv += ["-b", str(workload.batch_tokens)]
    if workload.ubatch_tokens is not None:
        argv += ["-ub", str(workload.ubatch_tokens)]
    if workload.cpu_expert_layers:
        argv += ["--n-cpu-moe", str(workload.cpu_expert_layers)]
    if model.shape.kind == "embedding" and workload.program == "llama-server":
        argv.append("--embedding")
    if workload.swa_full:
        argv.append("--swa-full")
    beside, more = _beside(workload, from_hub=source[0] == "-hf")
    return Launch(argv=(*argv, *_split(workload, gpus), *beside), notes=(*notes, *more))


def _beside(workload: Workload, *, from_hub: bool) -> tuple[list[str], tuple[str, ...]]:
    """Adapters, projector and what drafts, with what a reader must fill in."""
    argv: list[str] = []
    notes: tuple[str, ...] = ()
    if workload.adapters is not None:
        for number in range(1, workload.adapters.count + 1):
            argv += ["--lora", f"path/to/adapter-{number}.gguf"]
        notes += ("Put the files of your adapters in place of path/to/adapter-….gguf.",)
    if workload.projector and not from_hub:  # -hf brings it along
        argv += ["--mmproj", f"path/to/mmproj-{workload.model.id}.gguf"]
        notes += ("Put the projector's file in place of path/to/mmproj-….gguf.",)
    elif workload.model.towers and not workload.projector and from_hub:
        argv.append("--no-mmproj")
    speculation = workload.speculation
    if speculation is not None and speculation.draft is None:
        argv += ["--spec-type", "draft-mtp", "--spec-draft-n-max", str(speculation.tokens)]
    elif speculation is not None and speculation.draft is not None:
        quantization = speculation.quantization or workload.quantization
        argv += ["-md", f"{speculation.draft.id}-{mix_of(quantization)}.gguf"]
        argv += ["--spec-draft-n-max", str(speculation.tokens)]
        if speculation.gpu_layers is not None:
            argv += ["-ngld", str(speculation.gpu_layers)]
    return argv, notes


def _split(workload: Workload, gpus: Sequence[Gpu]) -> list[str]:
    """How several GPUs share the layers."""
    if len(gpus) < 2:
        return []
    split = [] if workload.split_mode == "layer" else ["-sm", workload.split_mode]
    if workload.tensor_split:
        split += ["-ts", ",".join(str(share) for share in workload.tensor_split)]
    return split


def _source(model: Model, quantization: Quantization, mix: str) -> tuple[list[str], tuple[str, ...]]:
    """Where the weights come from: a repository of GGUF files, or a file to make first."""
    for repo in model.quantized_repos:
        if repo.quantization == quantization.id and model.gguf_repo_id is None:
            return ["-hf", repo.repo_id], _licence(model)
    file = f"{model.id}-{mix}.gguf"
    if mix in PACKAGED:
        kept = "--output-tensor-type q8_0 --token-embedding-type q8_0"
        made = f"Take {file} from a packager such as bartowski, or make it: llama-quantize {kept} to {PACKAGED[mix]}."
        return ["-m", file], (made, *_licence(model))
    if model.gguf_repo_id is not None:
        return ["-hf", f"{model.gguf_repo_id}:{mix}"], _licence(model)
    made = f"Make {file} first: convert_hf_to_gguf.py {model.repo_id}, then llama-quantize to {mix}."
    return ["-m", file], (made, *_licence(model))


def _licence(model: Model) -> tuple[str, ...]:
    return (f"{model.repo_id} asks you to accept its licence first.",) if model.gated else ()
