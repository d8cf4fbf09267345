"""The flags of `fit estimate` for what runs beside a model, and for copies of an engine."""

import pytest

from bot.terminal.arguments import parser
from bot.terminal.estimate import estimated
from bot.terminal.estimate_json import estimate_json
from bot.terminal.render_estimate import breakdown_table
from bot.terminal.request import FIELDS, request_of
from shared.errors import UserError
from shared.memory.workload import Adapters, Speculation

LLAMA = {"model": "llama-3.1-8b", "engine": "vllm", "gpu": "H100 80GB", "context": 8192}
MIXTURE = {"model": "qwen3-30b-a3b", "gpu": "H100 80GB", "context": 8192}


def load(catalog, asked):
    return request_of(asked, catalog).workload


def test_a_shells_flags_become_the_same_workload_as_json(catalog):
    line = (
        "estimate --model llama-3.1-70b --engine vllm --quantization fp8 --gpu H200 --tensor-parallel 2 "
        "--draft-model llama-3.2-1b --draft-quantization bf16 --num-speculative-tokens 5 --max-loras 4 "
        "--max-lora-rank 32 --lora-targets attention --data-parallel 2"
    )
    options = parser().parse_args(line.split())
    typed = load(catalog, {name: getattr(options, name) for name in FIELDS if hasattr(options, name)})

    draft, bf16 = catalog.models["llama-3.2-1b"], catalog.quantizations["BF16"]
    assert typed.speculation == Speculation(tokens=5, draft=draft, quantization=bf16)
    assert typed.adapters == Adapters(count=4, rank=32, targets="attention")
    assert (typed.tensor_parallel, typed.data_parallel) == (2, 2)


def test_copies_take_a_gpu_each_and_experts_all_ranks_unless_told(catalog):
    vllm = request_of({**MIXTURE, "engine": "vllm", "data_parallel": 4, "expert_parallel": "all"}, catalog)
    groups = {"tensor_parallel": 8, "data_parallel": 8, "data_parallel_attention": True}
    sglang = request_of({**MIXTURE, "engine": "sglang", **groups, "expert_parallel": 4}, catalog)

    assert (len(vllm.gpus), vllm.workload.tensor_parallel, vllm.workload.expert_parallel) == (4, 1, 4)
    assert (len(sglang.gpus), sglang.workload.expert_parallel) == (8, 4)


def test_copies_and_a_count_leave_the_rest_to_tensor_parallel(catalog):
    found = request_of({**MIXTURE, "engine": "vllm", "data_parallel": 2, "gpu_count": 8}, catalog)

    assert (len(found.gpus), found.workload.tensor_parallel) == (8, 4)


def test_what_was_filled_in_is_said(catalog):
    said = request_of({**LLAMA, "draft_model": "llama-3.2-1b", "max_loras": 2}, catalog).assumptions

    assert any("guessed ahead was not given: 3" in line for line in said)
    assert any("draft model's precision" in line for line in said)
    assert any("rank was not given: 16" in line for line in said)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"num_speculative_tokens": 3}, "name a draft model too"),
        ({"mtp": True, "draft_model": "llama-3.2-1b"}, "not both"),
        ({"draft_model": "lama-3.2-1"}, "Did you mean"),
        ({"lora_targets": "attention"}, "--max-loras"),
        ({"max_loras": 2, "lora_targets": "some"}, "all-linear or attention"),
        ({"data_parallel_attention": True}, "--data-parallel 8"),
        ({"expert_parallel": "many"}, "whole number"),
    ],
)
def test_half_a_wish_is_one_sentence(catalog, asked, says):
    with pytest.raises(UserError) as refused:
        request_of({**LLAMA, **asked}, catalog)

    assert says in refused.value.sentence


def test_every_part_is_in_the_json_and_in_the_table(catalog):
    asked = {**LLAMA, "max_loras": 2, "draft_model": "llama-3.2-1b", "draft_quantization": "bf16"}
    request, found = estimated(asked, catalog)
    device = estimate_json(request, found)["per_gpu"][0]
    rows = list(breakdown_table(found).columns[0].cells)

    assert device["adapter_bytes"] > 0
    assert device["draft_bytes"] > 2 << 30
    assert device["weights_bytes"] > device["adapter_bytes"] + device["draft_bytes"]
    assert {"  adapters", "  draft"} <= set(rows)


def test_a_projector_is_asked_for_by_its_own_flag(catalog):
    asked = {"model": "gemma-3-27b", "quantization": "q4_k_m", "gpu": "RTX 4090", "mmproj": True}
    _, found = estimated(asked, catalog)

    assert found.breakdown.per_gpu[0].tower_bytes > 700 << 20
