"""Sharing out: more GPUs never need less together, and more room never makes a fit a misfit."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.memory.breakdown import Verdict
from tests.property.spaces import LAW, RESERVING, cases, tried

ORDER = {Verdict.DOES_NOT_FIT: 0, Verdict.TIGHT: 1, Verdict.FITS: 2}


@LAW
@given(cases(RESERVING, most_gpus=1), st.sampled_from((2, 3, 4, 8)), st.booleans())
def test_a_server_on_more_gpus_never_needs_less_in_total(case, count, pipeline):
    card = case.gpus[:1]
    sizes = {"pipeline_parallel" if pipeline else "tensor_parallel": count}
    one = tried(replace(case.workload, tensor_parallel=1, pipeline_parallel=1), card)
    many = tried(
        replace(case.workload, **({"tensor_parallel": 1, "pipeline_parallel": 1} | sizes)), card * count
    )
    assume(one is not None and many is not None)

    assert many.breakdown.total_bytes >= one.breakdown.total_bytes


@LAW
@given(cases(("llama.cpp", "transformers"), most_gpus=1), st.integers(1, 7), st.integers(1, 4))
def test_layers_over_more_gpus_never_need_less_in_total(case, count, more):
    load = replace(case.workload, gpu_layers=None)
    few = tried(load, case.gpus[:1] * count)
    many = tried(load, case.gpus[:1] * (count + more))
    assume(few is not None and many is not None)

    assert many.breakdown.total_bytes >= few.breakdown.total_bytes


@LAW
@given(cases(), st.lists(st.integers(0, 2 * 10**11), min_size=8, max_size=8), st.integers(0, 10**11))
def test_more_free_memory_never_turns_a_fit_into_a_misfit(case, free, more):
    now = tuple(free[: len(case.gpus)])
    later = tuple(size + more for size in now)
    tight, roomy = tried(case.workload, case.gpus, now), tried(case.workload, case.gpus, later)
    assume(tight is not None and roomy is not None)

    assert ORDER[roomy.verdict] >= ORDER[tight.verdict]
    assert roomy.breakdown.total_bytes == tight.breakdown.total_bytes


@LAW
@given(cases(), st.integers(1, 10**11))
def test_a_larger_card_of_the_same_kind_never_turns_a_fit_into_a_misfit(case, more):
    larger = tuple(
        replace(gpu, id=f"{gpu.id}+", memory_usable_bytes=gpu.memory_usable_bytes + more) for gpu in case.gpus
    )
    small, large = tried(case.workload, case.gpus), tried(case.workload, larger)
    assume(small is not None and large is not None)

    assert ORDER[large.verdict] >= ORDER[small.verdict]
