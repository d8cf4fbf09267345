"""Every inverse answer is tight: it fits, and one of the engine's steps more does not. Over the whole catalog."""

from dataclasses import replace

import pytest

from shared.catalog.load import load_catalog
from shared.errors import NoRule, Refused, UserError
from shared.estimator import estimate
from shared.inverse.context import longest_context
from shared.inverse.gpus import fewest_gpus, layouts
from shared.inverse.layers import fewest_cpu_expert_layers, most_gpu_layers
from shared.inverse.load import context_step, with_context, with_sequences
from shared.inverse.quantization import best_quantization, by_quality
from shared.inverse.sequences import most_sequences
from shared.memory.breakdown import Verdict
from shared.memory.workload import Workload

CATALOG = load_catalog()
ENGINES = tuple(CATALOG.engines)
# A laptop's card, a slice's worth, a desktop's, and three of the data centre, one of another vendor.
GPUS = ("rtx-3060-12gb", "rtx-4090", "l40s", "a100-80gb", "h200", "mi300x")
# Each model meets two of them, so that every engine meets every card many times.
PAIRS = [
    (model, GPUS[(index + turn * 3) % len(GPUS)])
    for index, model in enumerate(sorted(CATALOG.models))
    for turn in range(2)
]


def usual(model_id: str, engine: str, **changes) -> Workload:
    """Four bits where the engine takes GGUF, as published where it does not."""
    model = CATALOG.models[model_id]
    native = CATALOG.quantizations[model.native_quantization]
    row = native if engine in native.engines and engine != "llama.cpp" else None
    chosen = row or CATALOG.quantizations["Q4_K_M" if engine == "llama.cpp" else "BF16"]
    defaults = {"context_tokens": min(4096, model.context_tokens)}
    return Workload(model=model, quantization=chosen, engine=engine, **(defaults | changes))


def pairs(engine: str, every: int = 1) -> list[tuple[str, str]]:
    """Models the engine has a rule for, each with a card; of llama.cpp, whose graphs take milliseconds, fewer."""
    return [pair for pair in PAIRS[::every] if has_rule(usual(pair[0], engine))]


def has_rule(workload: Workload) -> bool:
    try:
        estimate(workload, (CATALOG.gpus["h200"],), CATALOG)
    except NoRule:
        return False
    except UserError:
        return True
    return True


def fits(workload: Workload, *gpus) -> bool:
    try:
        return estimate(workload, gpus, CATALOG).verdict is Verdict.FITS
    except UserError:
        return False


@pytest.mark.parametrize("engine", ENGINES)
def test_the_longest_context_fits_and_a_step_more_does_not(engine):
    inside = 0
    for model_id, gpu_id in pairs(engine, 7 if engine == "llama.cpp" else 1):
        load, gpu = usual(model_id, engine), CATALOG.gpus[gpu_id]
        answer = longest_context(load, (gpu,), CATALOG)
        if answer.value is None:
            assert not fits(with_context(load, context_step(load)), gpu), (model_id, gpu_id)
            continue
        assert answer.estimate.verdict is Verdict.FITS
        assert fits(replace(load, context_tokens=answer.value), gpu), (model_id, gpu_id)
        if answer.beyond is None:
            assert answer.value == load.model.context_tokens
            continue
        inside += 1
        assert answer.beyond - answer.value <= context_step(load)
        assert not fits(replace(load, context_tokens=answer.beyond), gpu), (model_id, gpu_id)
    assert inside > 5  # the edge was met, not only the ends


@pytest.mark.parametrize("engine", ENGINES)
def test_the_most_sequences_fit_and_one_more_does_not(engine):
    inside = 0
    for model_id, gpu_id in pairs(engine, 7 if engine == "llama.cpp" else 1):
        load, gpu = usual(model_id, engine), CATALOG.gpus[gpu_id]
        answer = most_sequences(load, (gpu,), CATALOG)
        if answer.value is None:
            assert not fits(load, gpu), (model_id, gpu_id)
            continue
        assert fits(with_sequences(load, answer.value, load.context_tokens), gpu), (model_id, gpu_id)
        if answer.beyond is not None:
            inside += 1
            assert answer.beyond == answer.value + 1
            assert not fits(with_sequences(load, answer.beyond, load.context_tokens), gpu), (model_id, gpu_id)
    assert inside > 5


@pytest.mark.parametrize("cards", [1, 3])
def test_the_most_layers_on_the_gpus_fit_and_no_larger_number_does(cards):
    inside = 0
    for model_id, gpu_id in pairs("llama.cpp", 16):
        load, gpus = usual(model_id, "llama.cpp"), (CATALOG.gpus[gpu_id],) * cards
        if load.model.shape.gguf_architecture is None:
            continue
        answer = most_gpu_layers(load, gpus, CATALOG)
        assert answer.value is not None
        assert fits(replace(load, gpu_layers=answer.value), *gpus)
        if answer.beyond is None:
            assert fits(replace(load, gpu_layers=None), *gpus)
            continue
        inside += 1
        every = load.model.shape.layers + load.model.shape.mtp_layers + 1
        more = [n for n in range(answer.value + 1, every + 1) if fits(replace(load, gpu_layers=n), *gpus)]
        assert more == [], (model_id, gpu_id)
    assert inside > 3


@pytest.mark.parametrize("cards", [1, 2])
def test_the_fewest_expert_layers_on_the_host_fit_and_no_smaller_number_does(cards):
    inside = 0
    mixtures = [pair for pair in pairs("llama.cpp") if CATALOG.models[pair[0]].shape.experts is not None]
    for model_id, gpu_id in mixtures[::6]:
        load, gpus = usual(model_id, "llama.cpp"), (CATALOG.gpus[gpu_id],) * cards
        if load.model.shape.gguf_architecture is None:
            continue
        answer = fewest_cpu_expert_layers(load, gpus, CATALOG)
        if answer.value is None:
            assert not fits(replace(load, cpu_expert_layers=load.model.shape.layers), *gpus)
            continue
        assert fits(replace(load, cpu_expert_layers=answer.value), *gpus)
        inside += answer.value > 0
        fewer = [n for n in range(answer.value) if fits(replace(load, cpu_expert_layers=n), *gpus)]
        assert fewer == [], (model_id, gpu_id)
    assert inside > 3


@pytest.mark.parametrize("engine", ENGINES)
def test_the_best_quantization_fits_and_no_better_one_does(engine):
    for model_id, gpu_id in pairs(engine, 7 if engine == "llama.cpp" else 1):
        load, gpu = usual(model_id, engine), CATALOG.gpus[gpu_id]
        answer = best_quantization(load, (gpu,), CATALOG)
        order = [row.id for row in by_quality(load.model, engine, CATALOG)]
        better = order if answer.value is None else order[: order.index(answer.value)]
        assert not any(fits(replace(load, quantization=CATALOG.quantizations[one]), gpu) for one in better)
        if answer.value is not None:
            assert fits(replace(load, quantization=CATALOG.quantizations[answer.value]), gpu)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_fewest_gpus_hold_it_and_no_fewer_do_in_any_layout(engine):
    several = 0
    for model_id, gpu_id in pairs(engine, 9 if engine == "llama.cpp" else 3):
        load, gpu = usual(model_id, engine), CATALOG.gpus[gpu_id]
        answer = fewest_gpus(load, gpu, CATALOG, most=16)
        counts = range(1, answer.value or 17)
        for count in counts:
            assert not any(fits(layout, *(gpu,) * count) for layout in layouts(load, count))
        if answer.value is not None:
            several += answer.value > 1
            assert len(answer.estimate.gpus) == answer.value
            assert answer.estimate.verdict is Verdict.FITS
    assert several > 3


def test_a_quantization_is_never_better_than_the_published_precision():
    for model in CATALOG.models.values():
        native = CATALOG.quantizations[model.native_quantization]
        for engine in ENGINES:
            rows = by_quality(model, engine, CATALOG)
            ids = [row.id for row in rows]
            if engine in native.engines:
                assert ids[0] == native.id
            smaller = [row for row in rows if row.bits_per_weight < native.bits_per_weight]
            assert [row.rank for row in smaller] == sorted(row.rank for row in smaller)


def test_vllm_serves_no_more_at_once_than_it_is_told_to():
    load = usual("qwen3-0.6b", "vllm", context_tokens=128)
    answer = most_sequences(load, (CATALOG.gpus["rtx-4090"],), CATALOG)
    told = most_sequences(replace(load, max_num_seqs=12), (CATALOG.gpus["rtx-4090"],), CATALOG)

    assert answer.value == 256
    assert "--max-num-seqs" in answer.reason
    assert (told.value, told.beyond) == (12, None)


def test_a_cache_that_llama_cpp_expands_may_have_keys_and_values_of_two_types():
    """MiniCPM3's latent rows are expanded before the cache, so what latent attention forbids is allowed."""
    load = usual("minicpm3-4b", "llama.cpp", kv_cache_type_k="q8_0", kv_cache_type_v="f16")

    assert longest_context(load, (CATALOG.gpus["rtx-3060-12gb"],), CATALOG).value > 4096


def test_what_is_free_now_is_what_counts():
    load, gpu = usual("llama-3.1-8b", "llama.cpp"), CATALOG.gpus["rtx-4090"]
    empty = longest_context(load, (gpu,), CATALOG)
    half_full = longest_context(load, (gpu,), CATALOG, free_bytes=(8 * 1024**3,))

    assert half_full.value < empty.value
    assert half_full.estimate.capacity_bytes == (8 * 1024**3,)


@pytest.mark.parametrize("solve", [most_gpu_layers, fewest_cpu_expert_layers])
def test_only_llama_cpp_keeps_layers_on_the_host(solve):
    with pytest.raises(Refused, match="llama"):
        solve(usual("mixtral-8x7b", "vllm"), (CATALOG.gpus["h200"],), CATALOG)


def test_a_model_without_experts_has_none_to_keep_on_the_host():
    with pytest.raises(Refused, match="no experts"):
        fewest_cpu_expert_layers(usual("llama-3.1-8b", "llama.cpp"), (CATALOG.gpus["h200"],), CATALOG)


def test_without_a_rule_the_question_is_not_answered_with_no():
    without = next(name for name in sorted(CATALOG.models) if not has_rule(usual(name, "llama.cpp")))
    load, gpus = usual(without, "llama.cpp"), (CATALOG.gpus["rtx-4090"],)

    for solve in (longest_context, most_sequences, most_gpu_layers, best_quantization):
        with pytest.raises(NoRule, match="no rule"):
            solve(load, gpus, CATALOG)


def test_without_a_gpu_the_question_asks_for_one():
    with pytest.raises(UserError, match="name one"):
        longest_context(usual("llama-3.1-8b", "llama.cpp"), (), CATALOG)
