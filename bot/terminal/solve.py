"""`fit estimate --solve`: the same flags asked backwards, how much fits instead of whether this much does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from bot.terminal.estimate_json import estimate_json
from bot.terminal.request import EstimateRequest, request_of
from bot.terminal.unlisted import catalog_with
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.errors import BadValue, UserError
from shared.inverse.answer import Answer, Solved
from shared.inverse.context import longest_context, tokens_per_sequence
from shared.inverse.gpus import fewest_gpus
from shared.inverse.layers import fewest_cpu_expert_layers, most_gpu_layers
from shared.inverse.quantization import best_quantization
from shared.inverse.sequences import most_sequences
from shared.memory.workload import Workload


class _Solve(Protocol):
    """An inverse question over these GPUs."""

    def __call__(
        self, workload: Workload, gpus: Sequence[Gpu], catalog: Catalog, *, free_bytes: Sequence[int] | None
    ) -> Answer: ...


_SOLVERS: Final[Mapping[Solved, _Solve]] = {
    Solved.CONTEXT: longest_context,
    Solved.SEQUENCES: most_sequences,
    Solved.GPU_LAYERS: most_gpu_layers,
    Solved.CPU_EXPERT_LAYERS: fewest_cpu_expert_layers,
    Solved.QUANTIZATION: best_quantization,
}
# What is solved for needs no value: what was filled in for it is not what the answer assumes.
_FILLED_IN: Final = {Solved.CONTEXT: "Context was not given", Solved.QUANTIZATION: "Precision was not given"}
_FLAG: Final = {
    Solved.GPU_LAYERS: "gpu_layers",
    Solved.CPU_EXPERT_LAYERS: "n_cpu_moe",
    Solved.GPUS: "gpu_count",
}


def run_solve(asked: Mapping[str, Any], solve: str, catalog: Catalog, *, as_json: bool) -> int:
    """Answer on stdout; the exit code is 0. Raises UserError for what cannot be answered."""
    request, answer = solved(asked, solve, catalog)
    if as_json:
        print(json.dumps(answer_json(request, answer), indent=2))
        return 0
    from bot.terminal.render_solve import show_answer

    show_answer(request, answer)
    return 0


def solved(asked: Mapping[str, Any], solve: Any, catalog: Catalog) -> tuple[EstimateRequest, Answer]:
    """The request as the answer would have it, and the answer.

    Raises:
        UserError: No such question, no GPU named, or what `fit estimate` refuses.
    """
    try:
        wanted = Solved(solve)
    except ValueError:
        raise BadValue("solve", solve, f"give {', '.join(Solved)}") from None
    given = {name: value for name, value in asked.items() if name != _FLAG.get(wanted)}
    facts = catalog_with(given.get("model"), catalog)
    request = request_of(given, facts)
    if not request.capacity_known:
        raise UserError("How much fits depends on the GPU: name one with --gpu.", field="gpu")
    if wanted is Solved.GPUS:
        # only what was said: one GPU is no reason for --tensor-parallel 1
        load = replace(
            request.workload,
            tensor_parallel=request.workload.tensor_parallel if given.get("tensor_parallel") else None,
        )
        request = replace(request, workload=load)
        least_free = min(request.free_bytes) if request.free_bytes is not None else None
        answer = fewest_gpus(load, request.gpus[0], facts, free_bytes=least_free)
    else:
        answer = _SOLVERS[wanted](request.workload, request.gpus, facts, free_bytes=request.free_bytes)
    said = tuple(line for line in request.assumptions if not line.startswith(_FILLED_IN.get(wanted, "\0")))
    gpus = answer.estimate.gpus if answer.estimate is not None else request.gpus
    return replace(request, assumptions=said, gpus=gpus), answer


def answer_json(request: EstimateRequest, answer: Answer) -> dict[str, Any]:
    """The whole answer of `fit estimate --solve … --json`: `answer` is null where nothing fits."""
    body: dict[str, Any] = {"solve": answer.solved.value, "answer": answer.value}
    if answer.solved is Solved.CONTEXT:
        body["tokens_per_sequence"] = tokens_per_sequence(answer) or None
    return {
        **body,
        "does_not_fit": answer.beyond,
        "reason": answer.reason,
        "estimate": estimate_json(request, answer.estimate) if answer.estimate is not None else None,
    }
