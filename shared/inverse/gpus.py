"""The fewest GPUs of one kind that hold a workload."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.inverse.answer import Answer, Solved, why_not
from shared.inverse.attempt import Attempt, attempt_by_rule
from shared.memory.workload import Workload

MOST_GPUS: Final = 64
_PER_NODE: Final = 8  # tensor parallel is tried within a node first
_LAYER_SPLITS: Final = ("llama.cpp", "transformers")  # any number of GPUs, layers spread over all of them


def layouts(workload: Workload, count: int) -> Iterator[Workload]:
    """Every way the engine could share a workload over exactly this many GPUs, the one a person would try first first.

    Parallel sizes the workload says are kept. Tensor parallel within a node comes before pipeline stages.
    """
    if workload.engine in _LAYER_SPLITS:
        yield replace(workload, tensor_split=())
        return
    copies = 1 if workload.data_parallel_attention else workload.data_parallel or 1
    each, left_over = divmod(count, copies)
    tensors = [] if left_over else [tensor for tensor in range(each, 0, -1) if each % tensor == 0]
    for tensor in sorted(tensors, key=lambda tensor: tensor > _PER_NODE):
        pipeline = each // tensor
        if workload.tensor_parallel not in (None, tensor) or workload.pipeline_parallel not in (
            None,
            pipeline,
        ):
            continue
        yield replace(workload, tensor_parallel=tensor, pipeline_parallel=pipeline)


def fewest_gpus(
    workload: Workload, gpu: Gpu, catalog: Catalog, *, most: int = MOST_GPUS, free_bytes: int | None = None
) -> Answer:
    """The smallest number of this GPU that holds the workload in any layout its engine accepts.

    What one GPU must hold may rise with their number (a stage more of a pipeline can be the one with the head), and an
    engine refuses counts that do not divide the model, so there is nothing to halve: counts are tried upwards, each in
    all its layouts, and the first that fits is the fewest. `beyond` is the next smaller count the engine accepts.
    `free_bytes` is of each GPU; left out, they are empty.

    Raises:
        UserError: No such engine, or no rule for the model in it.
    """
    smaller: tuple[int, Attempt] | None = None
    refused = ""
    for count in range(1, most + 1):
        nearest: Attempt | None = None
        free = None if free_bytes is None else (free_bytes,) * count
        for layout in layouts(workload, count):
            made = attempt_by_rule(layout, (gpu,) * count, catalog, free)
            if made.fits:
                return _answer(count, made, smaller, refused)
            nearest = _nearer(made, nearest)
            refused = refused or made.reason
        if nearest is not None:
            smaller = (count, nearest)
    return _answer(None, None, smaller, refused)


def _nearer(one: Attempt, other: Attempt | None) -> Attempt | None:
    """The one that is less over; a refusal is none."""
    if one.estimate is None:
        return other
    if other is None or other.estimate is None:
        return one
    return max(
        (one, other),
        key=lambda made: made.estimate.slack_bytes - made.estimate.uncertainty_bytes if made.estimate else 0,
    )


def _answer(
    count: int | None, made: Attempt | None, smaller: tuple[int, Attempt] | None, refused: str
) -> Answer:
    if smaller is not None:
        reason = why_not(f"On {smaller[0]} it", smaller[1])
    else:
        reason = "One is the least." if count == 1 else refused
    return Answer(
        solved=Solved.GPUS,
        value=count,
        estimate=made.estimate if made is not None else None,
        beyond=smaller[0] if smaller else None,
        beyond_estimate=smaller[1].estimate if smaller else None,
        reason=reason,
    )
