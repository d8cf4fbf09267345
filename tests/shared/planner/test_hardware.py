"""Hardware that is not so many equal whole GPUs: slices, virtual and different GPUs, a host of known size."""

from dataclasses import replace

from shared.memory.breakdown import Verdict
from shared.planner.plan import OptionKind, Plan
from shared.planner.planner import plan
from shared.question.parse import parse_question
from shared.question.query import Query
from shared.units import GIB


def asked(text: str, catalog) -> Query:
    return parse_question(text, catalog)


def kinds(answer: Plan) -> set[OptionKind]:
    return {one.kind for one in answer.options}


def test_a_slice_is_planned_as_the_slice_and_not_as_its_card(catalog):
    query = asked("llama 3.1 8b on a 1g.10gb slice of an A100 80GB", catalog)

    answer = plan(query, catalog)

    assert answer.asked is not None
    assert answer.verdict is Verdict.DOES_NOT_FIT
    assert answer.asked.estimate.capacity_bytes[0] < 10 * GIB
    assert OptionKind.MORE_GPUS not in kinds(answer)  # slices cannot work together
    larger = next(one for one in answer.options if one.kind is OptionKind.MIG_SLICE)
    assert larger.gpu.name == "A100 80GB MIG 1g.20gb"


def test_a_virtual_gpu_has_its_profiles_share_of_the_card(catalog):
    card = catalog.gpus["a40"]
    whole = plan(Query(text="", model=catalog.models["llama-3.1-8b"], gpu=card), catalog)
    share = plan(
        Query(text="", model=catalog.models["llama-3.1-8b"], gpu=card, gpu_memory_bytes=12 * GIB), catalog
    )

    assert whole.verdict is Verdict.FITS
    assert share.verdict is Verdict.DOES_NOT_FIT
    assert share.asked is not None
    assert share.asked.estimate.capacity_bytes[0] < 12 * GIB
    assert "virtual 12 GiB" in share.sentence


def test_different_gpus_hold_together_what_neither_holds_alone(catalog):
    alone = asked("llama 3.3 70b q4_k_m on a 3090", catalog)
    together = replace(alone, gpus_beside=(catalog.gpus["rtx-4090"],))

    answer = plan(together, catalog)

    assert plan(alone, catalog).verdict is Verdict.DOES_NOT_FIT
    assert answer.verdict is Verdict.FITS
    assert answer.asked is not None
    assert [gpu.id for gpu in answer.asked.estimate.gpus] == ["rtx-3090", "rtx-4090"]
    assert "one RTX 3090 + one RTX 4090" in answer.sentence
    assert answer.asked.price is None  # nobody rents the pair
    assert any("Different GPUs" in line for line in answer.assumptions)


def test_the_speed_of_different_gpus_lies_between_two_of_either(catalog):
    model, quantization = catalog.models["llama-3.3-70b"], catalog.quantizations["Q4_K_M"]
    slow, fast = catalog.gpus["rtx-3090"], catalog.gpus["rtx-4090"]

    def rate(gpu, count, beside=()):
        query = Query(
            text="", model=model, quantization=quantization, gpu=gpu, gpu_count=count, gpus_beside=beside
        )
        one = plan(query, catalog).asked
        assert one is not None
        assert one.speed is not None
        return one.speed.tokens_per_second

    assert rate(slow, 2) < rate(slow, 1, (fast,)) < rate(fast, 2)


def test_an_offload_is_only_offered_where_the_hosts_memory_holds_it(catalog):
    text = "qwen3 235b a22b q4_k_m with a 4090"
    enough = plan(asked(f"{text} and 192GB RAM", catalog), catalog)
    too_little = plan(asked(f"{text} and 64GB RAM", catalog), catalog)

    offload = next(one for one in enough.options if one.kind is OptionKind.OFFLOAD)
    assert offload.estimate.breakdown.host.total_bytes < 192 * GIB
    assert any("of the 192" in note for note in offload.notes)
    assert OptionKind.OFFLOAD not in kinds(too_little)
    assert any("64.0 GiB of the host" in line for line in too_little.warnings)


def test_a_smaller_quantization_is_offloaded_where_only_that_goes_into_the_host(catalog):
    query = asked("llama 3.3 70b on a 3060 12gb", catalog)
    roomy = plan(query, catalog)
    tight = plan(replace(query, host_memory_bytes=26 * GIB), catalog)

    first = next(one for one in roomy.options if one.kind is OptionKind.OFFLOAD)
    second = next(one for one in tight.options if one.kind is OptionKind.OFFLOAD)
    assert first.estimate.breakdown.host.total_bytes > 26 * GIB
    assert second.estimate.breakdown.host.total_bytes <= 26 * GIB
    assert second.quantization.rank > first.quantization.rank
