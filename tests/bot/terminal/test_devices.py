"""The GPUs of `fit estimate`: different ones, slices, memory shared with the host, and what others already take."""

import re

import pytest

from bot.terminal.estimate import estimated
from bot.terminal.request import request_of
from bot.terminal.solve import solved
from shared.errors import UserError
from shared.memory.breakdown import Verdict
from shared.units import GIB

LLAMA = {"model": "llama-3.1-8b", "context": 8192}
Q4 = {**LLAMA, "quantization": "q4_k_m"}


def ids(catalog, gpu, **more):
    return [one.id for one in request_of({**Q4, "gpu": gpu, **more}, catalog).gpus]


def test_different_gpus_of_one_machine_are_listed(catalog):
    assert ids(catalog, "2x RTX 4090, RTX 3090") == ["rtx-4090", "rtx-4090", "rtx-3090"]
    assert ids(catalog, "2x4090") == ["rtx-4090", "rtx-4090"]
    assert ids(catalog, "4090", gpu_count=3) == ["rtx-4090"] * 3


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"gpu": "4090, 3090", "gpu_count": 3}, "2 GPUs are named"),
        ({"gpu": "4090, 3090", "engine": "vllm", "quantization": "bf16", "tensor_parallel": 4}, "is 4 GPUs"),
        ({"gpu": "A100 80GB 5g.99gb"}, "MIG profile"),
        ({"gpu": "A100 80GB 3g.40gb", "gpu_count": 2}, "not spread over MIG slices"),
        ({"gpu": "4090", "reserved": "much"}, "GiB per GPU"),
        ({"gpu": "4090", "reserved": "1,2"}, "one for each of the 1"),
        ({"gpu": "4090", "reserved": 40}, "has less"),
    ],
)
def test_what_cannot_be_is_one_sentence(catalog, asked, says):
    with pytest.raises(UserError) as refused:
        request_of({**Q4, **asked}, catalog)

    assert says in refused.value.sentence


def test_llama_cpp_gives_each_gpu_layers_by_its_memory(catalog):
    """A card with twice the memory takes about twice the layers, and with them the weights and the cache."""
    _, found = estimated({**Q4, "gpu": "RTX 3060 12GB, RTX 3090"}, catalog)
    small, large = found.breakdown.per_gpu

    assert 1.6 < large.weights_bytes / small.weights_bytes < 2.6
    assert 1.6 < large.kv_cache_bytes / small.kv_cache_bytes < 2.6


def test_llama_cpp_gives_fewer_layers_to_the_gpu_a_desktop_is_on(catalog):
    _, even = estimated({**Q4, "gpu": "2x RTX 4090"}, catalog)
    _, taken = estimated({**Q4, "gpu": "2x RTX 4090", "reserved": "12,0"}, catalog)

    assert taken.breakdown.per_gpu[0].weights_bytes < 0.8 * even.breakdown.per_gpu[0].weights_bytes
    assert taken.capacity_bytes[0] == even.capacity_bytes[0] - 12 * GIB


def test_vllm_gives_every_rank_what_the_smallest_has_room_for(catalog):
    """All ranks get as many blocks as the one with the fewest: a larger second card brings no more."""
    asked = {**LLAMA, "quantization": "bf16", "engine": "vllm", "tensor_parallel": 2}
    _, small = estimated({**asked, "gpu": "RTX 4090, RTX 4090"}, catalog)
    _, mixed = estimated({**asked, "gpu": "RTX 4090, RTX 5090"}, catalog)

    assert mixed.breakdown.server.kv_pool_tokens <= small.breakdown.server.kv_pool_tokens
    assert mixed.capacity_bytes[1] > mixed.capacity_bytes[0]


def test_vllm_does_not_start_beside_a_desktop_that_takes_more_than_it_leaves(catalog):
    """0.92 of a 4090 is its budget; 3 GiB taken leave less than that free."""
    asked = {**LLAMA, "quantization": "fp8", "engine": "vllm", "gpu": "RTX 4090"}
    _, alone = estimated(asked, catalog)
    _, beside = estimated({**asked, "reserved": 3}, catalog)
    _, less = estimated({**asked, "reserved": 3, "gpu_memory_utilization": 0.8}, catalog)

    assert alone.verdict is Verdict.FITS
    assert beside.verdict is Verdict.DOES_NOT_FIT
    assert "will not start" in beside.breakdown.warnings[0]
    assert less.verdict is Verdict.FITS


def test_what_is_taken_of_a_gpu_leaves_a_shorter_context(catalog):
    _, less = solved({**Q4, "gpu": "RTX 4090", "reserved": 16}, "context", catalog)
    _, most = solved({**Q4, "gpu": "RTX 4090"}, "context", catalog)

    assert less.value < most.value


def test_solving_for_vllm_beside_others_says_which_share_starts_and_what_has_room_in_it(catalog):
    """Its usual share of the card is not free; the share it names is, and the answer there is that of an empty card."""
    asked = {**LLAMA, "quantization": "fp8", "engine": "vllm", "gpu": "RTX 4090"}
    _, nothing = solved({**asked, "reserved": 3}, "context", catalog)
    named = float(re.search(r"--gpu-memory-utilization ([0-9.]+) would start", nothing.reason)[1])
    _, beside = solved({**asked, "reserved": 3, "gpu_memory_utilization": named}, "context", catalog)
    _, more = solved({**asked, "reserved": 3, "gpu_memory_utilization": named + 0.03}, "context", catalog)
    _, alone = solved({**asked, "gpu_memory_utilization": named}, "context", catalog)

    assert nothing.value is None
    assert "will not start" in nothing.reason
    assert beside.value == alone.value > 0
    assert more.value is None


def test_the_fewest_gpus_are_counted_with_what_is_taken_of_each(catalog):
    _, empty = solved({**Q4, "model": "llama-3.3-70b", "gpu": "RTX 4090"}, "gpus", catalog)
    _, taken = solved({**Q4, "model": "llama-3.3-70b", "gpu": "RTX 4090", "reserved": 8}, "gpus", catalog)

    assert taken.value > empty.value


def test_sglangs_pool_shrinks_by_what_others_take(catalog):
    asked = {**LLAMA, "quantization": "fp8", "engine": "sglang", "gpu": "RTX 4090"}
    _, alone = estimated(asked, catalog)
    _, beside = estimated({**asked, "reserved": 3}, catalog)

    assert beside.breakdown.server.kv_pool_tokens < 0.8 * alone.breakdown.server.kv_pool_tokens


def test_a_slice_has_its_own_memory(catalog):
    request, found = estimated(
        {**LLAMA, "quantization": "bf16", "engine": "vllm", "gpu": "A100 80GB 3g.40gb"}, catalog
    )

    assert "3g.40gb" in request.gpus[0].name
    assert 38 * GIB < found.capacity_bytes[0] < 40 * GIB
    assert found.verdict is Verdict.FITS


def test_copies_of_an_engine_take_a_slice_each(catalog):
    asked = {
        **LLAMA,
        "quantization": "bf16",
        "engine": "vllm",
        "gpu": "A100 80GB 3g.40gb",
        "data_parallel": 2,
    }
    _, one = estimated({name: value for name, value in asked.items() if name != "data_parallel"}, catalog)
    _, two = estimated(asked, catalog)

    assert two.breakdown.per_gpu == one.breakdown.per_gpu * 2
    assert two.breakdown.server.kv_pool_tokens == 2 * one.breakdown.server.kv_pool_tokens


def test_on_shared_memory_what_lies_on_the_host_counts_too(catalog):
    """Llama 3.1 8B keeps 0.98 GiB of embeddings on the host, which a Jetson and a GB10 take from the same memory."""
    for gpu in ("Jetson AGX Orin 64GB", "DGX Spark"):
        _, found = estimated({**LLAMA, "quantization": "bf16", "engine": "llama.cpp", "gpu": gpu}, catalog)
        room = found.capacity_bytes[0] - found.breakdown.per_gpu[0].total_bytes

        assert found.slack_bytes == room - found.breakdown.host.total_bytes


def test_apples_and_strix_halos_host_part_has_memory_the_gpu_may_not_take(catalog):
    for gpu in ("M4 Max 128GB", "Strix Halo"):
        _, found = estimated({**LLAMA, "quantization": "bf16", "engine": "llama.cpp", "gpu": gpu}, catalog)

        assert found.slack_bytes == found.capacity_bytes[0] - found.breakdown.per_gpu[0].total_bytes
