"""Every number of an estimate comes with its formula and its values, and they are the estimate's own."""

import json
import re

import pytest

from bot.terminal.command import main
from shared.engines.llama_cpp.cache import as_cached
from shared.engines.llama_cpp.compute import compute_bytes, reservation
from shared.engines.llama_cpp.peak import at_peak
from shared.engines.llama_cpp.place import placement
from shared.engines.llama_cpp.quantizer import mix_of
from shared.engines.llama_cpp.settings import resolve
from shared.engines.llama_cpp.weights import digest
from shared.planner.planner import plan
from shared.planner.why import reasons
from shared.question.parse import parse_question

QUESTIONS = (
    "llama 3.1 8b q4_k_m on rtx 4090",
    "mixtral 8x7b q4_k_m on 2x rtx 3090 for 4 users at 16k",
    "gemma 3 27b q4_k_m on rtx 3090",
    "qwen3 30b a3b on M4 Max 64GB",
    "deepseek v2 lite q4_k_m on rtx 4090",
    "llama 3.3 70b fp8 on 2x H100",
    "gpt-oss 120b on H100 80GB",
    "qwen2.5-vl 7b on L4",
    "sglang qwen3 32b on 2x H100",
    "serve llama 3.1 8b with TGI on an L40S",
    "qwen2.5 3b with transformers on a T4",
)


def estimate_of(text, catalog):
    asked = plan(parse_question(text, catalog), catalog).asked
    assert asked is not None
    return asked.estimate


@pytest.mark.parametrize("text", QUESTIONS)
def test_every_number_has_a_formula_with_numbers_in_it_and_every_fact_a_source(text, catalog):
    found = {reason.name: reason for reason in reasons(estimate_of(text, catalog), catalog)}

    assert found.keys() >= {"weights", "KV cache", "compute", "overhead", "can be had", "verdict"}
    for reason in found.values():
        assert reason.value
        assert any(re.search(r"\d", line) for line in reason.formula), reason
        assert reason.sources or reason.name in ("verdict", "together"), reason


@pytest.mark.parametrize("text", QUESTIONS[:5])
def test_what_lies_in_a_compute_buffer_at_its_fullest_is_what_the_allocator_says(text, catalog):
    estimate = estimate_of(text, catalog)
    load = estimate.workload
    mix, settings = mix_of(load.quantization), resolve(load, catalog.engines["llama.cpp"].version)
    placed = placement(load, estimate.gpus, digest(load.model, mix).layer_count)
    asked = reservation(as_cached(load.model), mix, settings, placed, takes_over=True)

    for place, size in compute_bytes(asked, settings.cells).items():
        peak = at_peak(asked, settings.cells, place)
        assert peak.size_bytes == size
        assert 0 < sum(tensor.size_bytes for tensor in peak.tensors) <= size


@pytest.mark.parametrize("text", [QUESTIONS[0], QUESTIONS[5]])
def test_the_parts_of_the_compute_memory_are_named_and_add_up(text, catalog):
    estimate = estimate_of(text, catalog)
    compute = next(one for one in reasons(estimate, catalog) if one.name == "compute")
    words = " ".join(compute.formula)

    device = max(estimate.breakdown.per_gpu, key=lambda one: one.compute_bytes)
    if estimate.workload.engine == "llama.cpp":
        parts = [
            int(found.replace(",", ""))
            for found in re.findall(r"= ([\d,]+) bytes(?: |$)", " \n".join(compute.formula) + " ")
        ]
        rest = [
            int(found.replace(",", "")) for found in re.findall(r"([\d,]+) bytes of (?:gaps|smaller)", words)
        ]
        assert sum(parts) + sum(rest) == device.compute_bytes
        assert "tokens" in words
    else:
        assert f"{device.activation_bytes:,} bytes of activations" in words
        assert "sampler" in words
        assert f"{device.cuda_graph_bytes:,} bytes of CUDA graphs" in words
        assert "captured batch sizes" in words


def test_speed_prefill_and_price_are_explained_too(catalog):
    found = {one.name: one for one in reasons(estimate_of(QUESTIONS[1], catalog), catalog)}

    assert "hops" in " ".join(found["speed"].formula)
    assert "operations" in " ".join(found["prefill"].formula)
    assert "sequences share one step" in found["together"].formula[0]
    assert "USD" in found["price"].formula[0]
    assert re.search(r"as of \d{4}-\d\d-\d\d", found["price"].formula[0])


def test_the_same_stands_in_the_json(capsys):
    assert main(["why", "llama 3.1 8b q4_k_m on rtx 4090", "--json"]) == 0

    printed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert any("tokens" in line for line in printed["compute"]["formula"])
    assert printed["price"]["sources"]
