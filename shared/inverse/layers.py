"""The most of a model that llama.cpp can keep on the GPUs: whole layers, or the experts of layers."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import Refused
from shared.inverse.answer import Answer, Solved, why_not
from shared.inverse.attempt import Attempt
from shared.inverse.held import missing_altogether, missing_somewhere
from shared.inverse.load import LLAMA_CPP
from shared.inverse.question import Question, question
from shared.inverse.search import last_by_pieces, last_within
from shared.memory.workload import Workload


def most_gpu_layers(
    workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, *, free_bytes: Sequence[int] | None = None
) -> Answer:
    """The largest `-ngl` that fits, counted as llama.cpp does: MTP layers and the output layer are layers too.

    The need of the fullest GPU may fall with one layer more: with all layers on the GPUs no host weights are copied
    to them, and on several GPUs a layer moves every boundary. What the GPUs hold together only grows, so halving finds
    the most they could hold, and every number from there down is tried.

    Raises:
        UserError: No GPU, another engine than llama.cpp, or no rule for the model in it.
    """
    asked = _question(workload, gpus, catalog, free_bytes)
    most = offloadable_layers(workload)

    def at(layers: int) -> Attempt:
        return asked.attempted(replace(workload, gpu_layers=layers))

    found = _edge(at, lambda layers: missing_altogether(asked, replace(workload, gpu_layers=layers)), most)
    if found is None:
        return asked.answer(Solved.GPU_LAYERS, None, at(0), why_not("Not even -ngl 0", at(0)), 0, at(0))
    if found == most:
        reason = f"All {most} layers are on the GPUs, the output layer among them."
        return asked.answer(Solved.GPU_LAYERS, found, at(found), reason)
    reason = why_not(f"-ngl {found + 1}", at(found + 1))
    return asked.answer(Solved.GPU_LAYERS, found, at(found), reason, found + 1, at(found + 1))


def offloadable_layers(workload: Workload) -> int:
    """The `-ngl` that puts everything on the GPUs: the layers of the file, MTP layers included, and the output layer.

    Raises:
        UserError: llama.cpp has no loader for the model, or these are no weights of its.
    """
    from shared.engines.llama_cpp.quantizer import mix_of  # noqa: PLC0415 - read when asked
    from shared.engines.llama_cpp.weights import digest  # noqa: PLC0415 - read when asked

    return digest(workload.model, mix_of(workload.quantization)).layer_count + 1


def fewest_cpu_expert_layers(
    workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, *, free_bytes: Sequence[int] | None = None
) -> Answer:
    """The smallest `--n-cpu-moe` that fits: the experts of that many first layers stay on the host.

    Found as `most_gpu_layers` is, for the same reasons.

    Raises:
        UserError: No GPU, another engine than llama.cpp, or a model without experts or without a rule in it.
    """
    asked = _question(workload, gpus, catalog, free_bytes)
    if workload.model.shape.experts is None:
        raise Refused(LLAMA_CPP, f"{workload.model.name} has no experts to keep on the host", field="model")
    most = workload.model.shape.layers

    def load(on_gpus: int) -> Workload:
        return replace(workload, cpu_expert_layers=most - on_gpus)

    def at(on_gpus: int) -> Attempt:
        return asked.attempted(load(on_gpus))

    on_gpus = _edge(at, lambda number: missing_somewhere(asked, load(number)), most)
    solved = Solved.CPU_EXPERT_LAYERS
    if on_gpus is None:
        reason = why_not("With the experts of all layers on the host, it", at(0))
        return asked.answer(solved, None, at(0), reason, most, at(0))
    found = most - on_gpus
    if found == 0:
        return asked.answer(solved, 0, at(most), "All experts are on the GPUs.")
    reason = why_not(f"--n-cpu-moe {found - 1}", at(on_gpus + 1))
    return asked.answer(solved, found, at(on_gpus), reason, found - 1, at(on_gpus + 1))


def _edge(at: Callable[[int], Attempt], surely_missing: Callable[[int], int], most: int) -> int | None:
    """The largest number that fits; None where not even 0 does. `surely_missing` is a bound that only grows."""
    possible = last_within(surely_missing, most)
    found = last_by_pieces(lambda number: at(number).missing_bytes, possible, lambda number: number)
    return found if found or at(0).fits else None


def _question(
    workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, free_bytes: Sequence[int] | None
) -> Question:
    if workload.engine != LLAMA_CPP:
        raise Refused(
            catalog.engines[workload.engine].name,
            "it keeps whole models on the GPUs; llama.cpp takes -ngl and --n-cpu-moe",
            field="engine",
        )
    return question(workload, gpus, catalog, free_bytes)
