"""Flags and lines of JSON become the same workload; what cannot be is one sentence with what would work."""

import pytest

from bot.terminal.request import request_of
from shared.errors import UserError

NAMED = {"model": "mixtral-8x7b", "quantization": "q4_k_m", "gpu": "H200"}


def test_names_are_taken_as_a_person_types_them(catalog):
    request = request_of(NAMED, catalog)

    assert request.workload.model.id == "mixtral-8x7b"
    assert request.workload.quantization.id == "Q4_K_M"
    assert request.workload.engine == "llama.cpp"
    assert [gpu.id for gpu in request.gpus] == ["h200"]


def test_text_from_a_shell_and_numbers_from_json_mean_the_same(catalog):
    typed = request_of({**NAMED, "context": "32k", "sequences": "4", "gpu_layers": "20"}, catalog)
    given = request_of({**NAMED, "context": 32768, "sequences": 4, "gpu_layers": 20}, catalog)

    assert typed == given


def test_both_halves_of_the_kv_cache_can_be_named_at_once(catalog):
    load = request_of({**NAMED, "kv_cache_type": "q8_0/f16"}, catalog).workload

    assert (load.kv_cache_type_k, load.kv_cache_type_v) == ("q8_0", "f16")


def test_one_kv_cache_type_holds_for_both_halves(catalog):
    load = request_of({**NAMED, "kv_cache_type": "q8_0"}, catalog).workload

    assert (load.kv_cache_type_k, load.kv_cache_type_v) == ("q8_0", "q8_0")


def test_tensor_parallel_says_how_many_gpus(catalog):
    request = request_of({"model": "mixtral-8x7b", "gpu": "H200", "tensor_parallel": 4}, catalog)

    assert len(request.gpus) == 4
    assert request.workload.tensor_parallel == 4


def test_a_server_with_several_gpus_shares_every_layer_unless_told_otherwise(catalog):
    request = request_of({"model": "mixtral-8x7b", "gpu": "H200", "engine": "vllm", "gpu_count": 2}, catalog)

    assert request.workload.tensor_parallel == 2


def test_no_gpu_and_no_layers_on_one_is_host_memory_alone(catalog):
    request = request_of({"model": "mixtral-8x7b", "quantization": "q4_k_m", "gpu_layers": 0}, catalog)

    assert request.gpus == ()


def test_no_gpu_is_bytes_without_a_capacity(catalog):
    request = request_of({"model": "mixtral-8x7b", "quantization": "q4_k_m"}, catalog)

    assert len(request.gpus) == 1
    assert not request.capacity_known


def test_what_was_left_out_is_said_to_be_assumed(catalog):
    said = " ".join(request_of({"model": "mixtral-8x7b", "gpu": "H200"}, catalog).assumptions)

    assert "BF16" in said
    assert "8k of the model's 32k" in said


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"gpu": "H200"}, "Name a model"),
        ({**NAMED, "gpu_count": 0}, "from 1 to 1,024"),
        ({**NAMED, "gpu_count": 10_000}, "from 1 to 1,024"),
        ({**NAMED, "gpu_count": 2, "tensor_parallel": 4}, "is 4 GPUs"),
        ({**NAMED, "context": "many"}, "whole number"),
        ({**NAMED, "context": -1}, "whole number"),
        ({**NAMED, "context": True}, "whole number"),
        ({**NAMED, "contexts": 4096}, "the fields are"),
        ({**NAMED, "flash_attention": "perhaps"}, "true or false"),
        ({**NAMED, "gpu_memory_utilization": 1.5}, "up to 1"),
        ({**NAMED, "kv_cache_type": "q8_0/f16/f16"}, "q8_0/f16"),
        ({**NAMED, "split_mode": "heads"}, "layer or row or none"),
        ({**NAMED, "engine": "vllm"}, "is run by llama.cpp"),
        ({**NAMED, "model": "mixtrl-8x7"}, "Did you mean"),
        ({**NAMED, "model": 7}, "in quotes"),
        ({**NAMED, "tensor_split": "a,b"}, "whole shares"),
    ],
)
def test_what_cannot_be_is_one_sentence_with_what_would_work(catalog, asked, says):
    with pytest.raises(UserError) as refused:
        request_of(asked, catalog)

    assert says in refused.value.sentence
    assert "\n" not in refused.value.sentence
