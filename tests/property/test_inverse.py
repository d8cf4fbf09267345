"""The inverse answers are tight whatever is asked: the answer fits, and one step more does not."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.errors import UserError
from shared.inverse.context import longest_context
from shared.inverse.gpus import fewest_gpus, layouts
from shared.inverse.layers import fewest_cpu_expert_layers, most_gpu_layers, offloadable_layers
from shared.inverse.load import context_per_sequence, context_step, with_sequences
from shared.inverse.quantization import best_quantization, by_quality
from shared.inverse.sequences import most_sequences
from shared.memory.breakdown import Verdict
from tests.property.spaces import CATALOG, MIXTURES, SLOW_LAW, Case, cases, tried

# Free memory as a share of what the case needs at its fullest, so that the edge lies inside more often than not.
SHARES = st.floats(0.3, 1.3)


def fits(case: Case, free: tuple[int, ...] | None, **changes: object) -> bool:
    found = tried(replace(case.workload, **changes), case.gpus, free)
    return found is not None and found.verdict is Verdict.FITS


def free_of(case: Case, share: float) -> tuple[int, ...]:
    """What is free on each card: a share of what the fullest would need."""
    found = tried(replace(case.workload, gpu_layers=None, cpu_expert_layers=0), case.gpus)
    assume(found is not None)
    need = max(device.total_bytes for device in found.breakdown.per_gpu)
    return (int(need * share),) * len(case.gpus)


@SLOW_LAW
@given(cases(), SHARES)
def test_the_longest_context_is_tight(case, share):
    free = free_of(case, share)
    answer = longest_context(case.workload, case.gpus, CATALOG, free_bytes=free)

    assert answer.value is None or fits(case, free, context_tokens=answer.value)
    assert answer.beyond is None or not fits(case, free, context_tokens=answer.beyond)
    if answer.value is not None and answer.beyond is not None:
        slots = case.workload.sequences if case.workload.engine == "llama.cpp" else 1
        assert 0 < answer.beyond - answer.value <= context_step(case.workload) * slots


@SLOW_LAW
@given(cases(), SHARES)
def test_the_most_sequences_are_tight(case, share):
    context = context_per_sequence(case.workload)
    assume(context > 0)
    free = free_of(case, share)
    answer = most_sequences(case.workload, case.gpus, CATALOG, free_bytes=free)
    for value, good in ((answer.value, True), (answer.beyond, False)):
        if value is not None:
            found = tried(with_sequences(case.workload, value, context), case.gpus, free)
            assert (found is not None and found.verdict is Verdict.FITS) is good
    assert answer.beyond in (None, (answer.value or 0) + 1)


@SLOW_LAW
@given(cases(("llama.cpp",), most_gpus=4), SHARES, st.integers(0, 20))
def test_the_most_layers_are_the_most(case, share, further):
    assume(case.workload.model.shape.gguf_architecture is not None)
    free = free_of(case, share)
    answer = most_gpu_layers(case.workload, case.gpus, CATALOG, free_bytes=free)

    assert answer.value is None or fits(case, free, gpu_layers=answer.value)
    more = (answer.value if answer.value is not None else -1) + 1 + further
    if more <= offloadable_layers(case.workload):
        assert not fits(case, free, gpu_layers=more)


@SLOW_LAW
@given(cases(("llama.cpp",), most_gpus=4, models=MIXTURES), SHARES, st.integers(0, 20))
def test_the_fewest_experts_on_the_host_are_the_fewest(case, share, further):
    shape = case.workload.model.shape
    assume(shape.gguf_architecture is not None)
    free = free_of(case, share)
    answer = fewest_cpu_expert_layers(case.workload, case.gpus, CATALOG, free_bytes=free)

    assert answer.value is None or fits(case, free, cpu_expert_layers=answer.value)
    fewer = (answer.value if answer.value is not None else shape.layers + 1) - 1 - further
    if fewer >= 0:
        assert not fits(case, free, cpu_expert_layers=fewer)


@SLOW_LAW
@given(cases(), SHARES)
def test_no_better_quantization_fits(case, share):
    free = free_of(case, share)
    answer = best_quantization(case.workload, case.gpus, CATALOG, free_bytes=free)
    order = by_quality(case.workload.model, case.workload.engine, CATALOG)
    ids = [row.id for row in order]
    better = order if answer.value is None else order[: ids.index(answer.value)]

    assert answer.value is None or fits(case, free, quantization=CATALOG.quantizations[answer.value])
    assert not any(fits(case, free, quantization=row) for row in better[-3:])


@SLOW_LAW
@given(cases(most_gpus=1))
def test_no_fewer_gpus_hold_it(case):
    card = case.gpus[0]
    load = replace(case.workload, tensor_parallel=None, pipeline_parallel=None)
    try:
        answer = fewest_gpus(load, card, CATALOG, most=12)
    except UserError:
        return
    if answer.value is not None:
        assert answer.estimate.verdict is Verdict.FITS
        assert len(answer.estimate.gpus) == answer.value
    for layout in layouts(load, (answer.value or 13) - 1) if answer.value != 1 else ():
        found = tried(layout, (card,) * ((answer.value or 13) - 1))
        assert found is None or found.verdict is not Verdict.FITS
