"""Laws that hold for every plan, whatever is asked."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.catalog.load import load_catalog
from shared.inverse import sequences
from shared.inverse.load import context_per_sequence
from shared.memory.breakdown import Verdict
from shared.planner.case import case_of
from shared.planner.engine_choice import engine_for
from shared.planner.fit import attempt_case
from shared.planner.plan import Headline, OptionKind
from shared.planner.planner import plan
from shared.planner.reach import at_context, longest_context, most_sequences, with_sequences
from shared.question.parse import parse_question
from shared.question.query import Intent, Query

CATALOG = load_catalog()
_CONSIDERED = {
    "datacenter": ("datacenter", "workstation"),
    "consumer": ("consumer", "workstation", "datacenter"),
}
MODELS = st.sampled_from([row for row in CATALOG.models.values() if row.shape.kind == "decoder"])
GPUS = st.sampled_from([row for row in CATALOG.gpus.values() if row.vendor in ("nvidia", "apple")])
COUNTS = st.sampled_from([None, 1, 2, 4, 8])
CONTEXTS = st.sampled_from([None, 1024, 8192, 32768])
LAWS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEEPS_THE_HARDWARE = {OptionKind.AS_ASKED, OptionKind.QUANTIZATION, OptionKind.CONTEXT, OptionKind.KV_CACHE}


@st.composite
def queries(draw):
    model = draw(MODELS)
    context = draw(CONTEXTS)
    return Query(
        text="drawn",
        model=model,
        gpu=draw(GPUS),
        gpu_count=draw(COUNTS),
        context_tokens=context if context is None or context <= model.context_tokens else None,
    )


@LAWS
@given(query=queries())
def test_every_option_shown_fits_and_says_why(query):
    answer = plan(query, CATALOG)

    for option in answer.options:
        assert option.verdict in (Verdict.FITS, Verdict.TIGHT)
        assert option.reason
        assert option.gpu_count == len(option.estimate.gpus)


@LAWS
@given(query=queries())
def test_yes_means_that_what_was_asked_fits_and_only_then(query):
    answer = plan(query, CATALOG)

    assert (answer.headline is Headline.YES) == (answer.verdict is Verdict.FITS)


@LAWS
@given(query=queries())
def test_with_changes_keeps_the_hardware_and_the_health(query):
    answer = plan(query, CATALOG)
    if answer.headline is Headline.WITH_CHANGES:
        kept = [option for option in answer.options if option.kind in KEEPS_THE_HARDWARE and option.healthy]
        assert kept
        assert all(option.gpu.id == query.gpu.id for option in kept)


@LAWS
@given(query=queries())
def test_a_tensor_parallel_count_is_one_the_engine_accepts(query):
    for option in plan(query, CATALOG).options:
        load = option.estimate.workload
        if load.tensor_parallel and load.model.shape.attention is not None:
            assert load.model.shape.attention.heads % load.tensor_parallel == 0
            assert load.tensor_parallel * (load.pipeline_parallel or 1) == option.gpu_count


@LAWS
@given(query=queries())
def test_the_same_question_gets_the_same_plan(query):
    assert plan(query, CATALOG) == plan(query, CATALOG)


@LAWS
@given(query=queries())
def test_one_step_more_than_the_longest_context_does_not_fit(query):
    answer = plan(query, CATALOG)
    if answer.asked is None or answer.verdict is not Verdict.FITS:
        return
    found = answer.asked.estimate
    longest = longest_context(found, CATALOG)

    assert longest >= context_per_sequence(found.workload) - 255
    assert at_context(found, longest, CATALOG).fits
    if longest < found.workload.model.context_tokens:
        assert not at_context(found, longest + 256, CATALOG).fits


@LAWS
@given(query=queries())
def test_one_user_more_than_the_most_does_not_fit(query):
    answer = plan(query, CATALOG)
    if answer.asked is None or answer.verdict is not Verdict.FITS:
        return
    found = answer.asked.estimate
    context = context_per_sequence(found.workload)
    most = most_sequences(found, CATALOG)
    solved = sequences.most_sequences(found.workload, found.gpus, CATALOG)

    assert with_sequences(found, most, context, CATALOG).fits
    if solved.beyond is None:  # the engine itself runs no more at once
        assert "at once" in solved.reason or "slots" in solved.reason
    else:
        assert not with_sequences(found, most + 1, context, CATALOG).fits


@pytest.mark.parametrize("intent", list(Intent))
def test_every_kind_of_question_is_answered_with_a_sentence(intent):
    models = list(CATALOG.models.values())
    named = Query(
        text="drawn",
        intent=intent,
        model=CATALOG.models["llama-3.1-8b"],
        gpu=CATALOG.gpus["rtx-4090"],
        other_models=(models[0],) if intent is Intent.COMPARE else (),
    )

    answer = plan(named, CATALOG)

    assert answer.sentence.endswith(".")
    assert answer.options


@pytest.mark.parametrize("intent", [Intent.FIT, Intent.WHAT_FITS])
def test_a_gpu_alone_is_answered_with_models_that_fit_it(intent):
    answer = plan(Query(text="drawn", intent=intent, gpu=CATALOG.gpus["rtx-4090"]), CATALOG)

    assert {option.kind for option in answer.options} == {OptionKind.OTHER_MODEL}
    assert all(option.gpu.id == "rtx-4090" and option.healthy for option in answer.options)


@pytest.mark.parametrize("intent", [Intent.FIT, Intent.WHICH_GPU])
def test_a_model_alone_is_answered_with_hardware_that_holds_it(intent):
    answer = plan(Query(text="drawn", intent=intent, model=CATALOG.models["llama-3.3-70b"]), CATALOG)

    assert answer.options
    assert {option.kind for option in answer.options} <= {OptionKind.OTHER_GPU, OptionKind.MORE_GPUS}


def test_more_users_never_cost_less_and_never_fit_where_fewer_did_not():
    query = Query(
        text="drawn",
        model=CATALOG.models["llama-3.1-8b"],
        gpu=CATALOG.gpus["rtx-4090"],
        quantization=CATALOG.quantizations["AWQ"],
    )
    few = plan(replace(query, sequences=2), CATALOG)
    many = plan(replace(query, sequences=500), CATALOG)

    assert few.asked.estimate.breakdown.total_bytes <= many.asked.estimate.breakdown.total_bytes
    assert (few.verdict, many.verdict) == (Verdict.FITS, Verdict.DOES_NOT_FIT)


@pytest.mark.parametrize(
    "text",
    [
        "can Mixtral 8x22B run on A100 40GB?",
        "llama 3.3 70b on an L4",
        "qwen3 32b on rtx 3060 12gb at 16k",
        "gpt-oss 120b on rtx 4090",
        "mistral nemo 12b q8_0 on a 3070",
        "llama 3.1 8b on a T4 for 16 users",
    ],
)
def test_another_single_card_is_offered_only_where_no_smaller_rentable_one_does(text):
    """Of the same maker and of the kinds one would consider instead; what is ours is not chosen by size."""
    query = parse_question(text, CATALOG)
    answer = plan(query, CATALOG)
    case = case_of(query, query.model, query.gpu)
    offered = [one for one in (*answer.options, *answer.more) if one.kind is OptionKind.OTHER_GPU]

    assert offered
    for one in offered:
        load = one.estimate.workload
        for price in CATALOG.prices.values():
            smaller = CATALOG.gpus[price.gpu]
            if smaller.vendor != one.gpu.vendor or smaller.segment not in _CONSIDERED[query.gpu.segment]:
                continue
            engine = engine_for(load.quantization, smaller)
            if engine and smaller.memory_marketed_gb < one.gpu.memory_marketed_gb:
                tried = attempt_case(
                    replace(case, engine=None).on(smaller), load.quantization, engine, CATALOG
                )
                assert not tried.fits or (smaller.compute_capability or (9, 9)) < (7, 5), smaller.name
