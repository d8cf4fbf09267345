"""Tokens per second: near what people measured, slower for every byte more, and never surer than the evidence."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shared.estimator import estimate
from shared.memory.workload import Workload
from shared.planner.bytes_read import bytes_read
from shared.planner.planner import plan
from shared.planner.speed import decode_speed, over_pcie
from shared.question.query import Query

RUNS = Path(__file__).parents[3] / "benchmarks/speed/data/decode_speeds.jsonl"
MODELS = {"Llama 3 8B": "llama-3-8b", "Llama 3 70B": "llama-3-70b", "gpt-oss 120B": "gpt-oss-120b"}
QUANTIZATIONS = {"Q4_K_M": "Q4_K_M", "F16": "F16", "MXFP4": "MXFP4_MOE"}
CARDS = {
    "GeForce RTX 4090": "rtx-4090",
    "GeForce RTX 3090": "rtx-3090",
    "RTX A6000": "rtx-a6000",
    "L40S": "l40s",
    "A100 PCIe 80GB": "a100-80gb-pcie",
    "H100 PCIe 80GB": "h100-80gb-pcie",
    "GB10 (DGX Spark)": "dgx-spark",
}


def _load(catalog, model="llama-3.1-8b", quantization="Q4_K_M", **changes):
    load = Workload(
        model=catalog.models[model],
        quantization=catalog.quantizations[quantization],
        engine="llama.cpp",
        context_tokens=512,
    )
    return replace(load, **changes)


def _speed(catalog, gpu="rtx-4090", count=1, **load):
    return decode_speed(estimate(_load(catalog, **load), (catalog.gpus[gpu],) * count, catalog), catalog)


def _measured():
    for line in RUNS.read_text().splitlines():
        run = json.loads(line)
        if run["model"] in MODELS and run["gpu"] in CARDS and run["test"] in ("tg512", "tg128", "tg32"):
            yield run


@pytest.mark.parametrize(
    "run",
    list(_measured()),
    ids=lambda run: f"{run['gpu_count']}x {run['gpu']} {run['model']} {run['quant']}",
)
def test_the_planner_is_near_what_was_measured_on_the_same_card(catalog, run):
    speed = _speed(
        catalog,
        gpu=CARDS[run["gpu"]],
        count=run["gpu_count"],
        model=MODELS[run["model"]],
        quantization=QUANTIZATIONS[run["quant"]],
    )

    assert speed.tokens_per_second == pytest.approx(run["tokens_per_s"], rel=0.35)
    assert speed.validated


def test_a_longer_context_is_slower(catalog):
    assert _speed(catalog, context_tokens=65536).tokens_per_second < _speed(catalog).tokens_per_second


def test_fewer_bits_are_faster(catalog):
    assert _speed(catalog).tokens_per_second > _speed(catalog, quantization="Q8_0").tokens_per_second


def test_layers_on_the_host_are_slower_the_more_there_are(catalog):
    speeds = [_speed(catalog, gpu_layers=layers).tokens_per_second for layers in (0, 16, 33)]

    assert speeds == sorted(speeds)
    assert speeds[0] < speeds[-1] / 3


def test_a_mixture_reads_its_active_experts_only(catalog):
    found = estimate(_load(catalog, model="mixtral-8x7b"), (catalog.gpus["a100-80gb"],), catalog)
    weights = sum(device.weights_bytes for device in found.breakdown.per_gpu)

    assert 0.25 * weights < bytes_read(found).gpu_weights < 0.32 * weights


def test_a_mixture_serving_many_reads_nearly_all_of_its_experts(catalog):
    found = estimate(_load(catalog, model="mixtral-8x7b"), (catalog.gpus["a100-80gb"],), catalog)
    weights = sum(device.weights_bytes for device in found.breakdown.per_gpu)

    assert bytes_read(found, at_once=32).gpu_weights > 0.98 * weights


def test_a_layer_split_adds_no_bandwidth(catalog):
    assert _speed(catalog, count=4).tokens_per_second <= _speed(catalog).tokens_per_second


def test_tensor_parallel_does(catalog):
    served = {"engine": "vllm", "quantization": "BF16", "context_tokens": 8192}
    one = _speed(catalog, gpu="a100-80gb", **served)
    four = _speed(catalog, gpu="a100-80gb", count=4, tensor_parallel=4, **served)

    assert 2 < four.tokens_per_second / one.tokens_per_second < 4


@pytest.mark.parametrize(("gpu", "validated"), [("rtx-4090", True), ("rtx-4060", False), ("h200", False)])
def test_only_a_card_that_was_measured_is_validated(catalog, gpu, validated):
    speed = _speed(catalog, gpu=gpu)

    assert speed.validated is validated
    assert speed.low < speed.tokens_per_second < speed.high


def test_a_speed_with_host_memory_in_it_is_never_validated(catalog):
    assert not _speed(catalog, gpu_layers=20).validated


def test_an_engine_nobody_measured_has_no_speed(catalog):
    assert _speed(catalog, engine="transformers", quantization="BF16") is None


def test_many_users_together_get_more_and_each_of_them_less(catalog):
    served = {"engine": "vllm", "quantization": "BF16", "context_tokens": 2048}
    speed = _speed(catalog, gpu="a100-80gb", sequences=16, **served)

    assert speed.tokens_per_second < speed.together_tokens_per_second < 16 * speed.tokens_per_second


def test_tensor_parallel_over_pcie_is_slower_than_over_nvlink_of_the_same_bandwidth(catalog):
    """Four cards without NVLink pay for every all-reduce; one card pays nothing, and neither does a layer split."""
    card = catalog.gpus["l40s"]
    linked = replace(card, id="l40s-linked", nvlink_bytes_per_second=600_000_000_000)

    def rate(gpu, count):
        query = Query(text="", model=catalog.models["llama-3.1-8b"], gpu=gpu, gpu_count=count, engine="vllm")
        one = plan(query, catalog).asked
        assert one is not None
        assert one.speed is not None
        return one.speed.tokens_per_second

    assert rate(card, 1) == rate(linked, 1)
    assert rate(card, 4) < 0.9 * rate(linked, 4)


@pytest.mark.parametrize(
    ("gpu", "parallel", "pcie"),
    [
        ("rtx-4090", 2, True),
        ("rtx-3090", 2, True),  # a bridge could be bought; who has one does better than said
        ("rtx-a6000", 2, False),
        ("rtx-a6000", 4, True),  # bridges join pairs
        ("l40s", 2, True),
        ("a100-80gb", 8, False),
        ("h100-80gb", 8, False),
    ],
)
def test_which_cards_talk_over_pcie(gpu, parallel, pcie, catalog):
    assert over_pcie(catalog.gpus[gpu], parallel) is pcie
