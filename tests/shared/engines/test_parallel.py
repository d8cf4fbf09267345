"""Data and expert parallel in vLLM and SGLang, worked out by hand from the sizes of the checkpoints."""

from dataclasses import replace

import pytest

from shared.engines import ENGINES
from shared.errors import Refused
from shared.memory.breakdown import Breakdown
from shared.memory.split import sglang_split, vllm_split
from shared.memory.workload import Workload
from tests.shared.engines.servers import CATALOG

H200 = CATALOG.gpus["h200"]
MIXTURE = CATALOG.models["qwen3-30b-a3b"]
# one routed expert of Qwen3 30B A3B: gate, up and down of 2048 x 768 in 16 bits; 128 in each of 48 layers
EXPERT = 3 * 2048 * 768 * 2
ALL_EXPERTS = 128 * 48 * EXPERT


def load(engine: str, model: str = "qwen3-30b-a3b", quantization: str = "BF16", **more) -> Workload:
    return Workload(
        model=CATALOG.models[model],
        quantization=CATALOG.quantizations[quantization],
        engine=engine,
        context_tokens=8192,
        **more,
    )


def held(workload: Workload, count: int) -> Breakdown:
    return ENGINES[workload.engine].memory(workload, (H200,) * count, CATALOG.engines[workload.engine])


def weights(workload: Workload, count: int) -> list[int]:
    return [device.weights_bytes for device in held(workload, count).per_gpu]


def test_each_copy_of_a_dense_model_is_a_whole_engine_with_its_own_cache():
    one = held(load("vllm", "qwen3-8b", sequences=4), 1)
    four = held(load("vllm", "qwen3-8b", sequences=16, data_parallel=4), 4)

    assert set(four.per_gpu) == set(one.per_gpu)
    assert four.server.kv_pool_tokens == 4 * one.server.kv_pool_tokens
    assert four.server.max_concurrency == 4 * one.server.max_concurrency


def test_experts_are_shared_among_the_copies_and_attention_is_not():
    """With data parallel 8 each rank holds an eighth of the experts and all of the rest."""
    alone = weights(load("vllm"), 1)[0]
    whole = weights(load("vllm", data_parallel=8, tensor_parallel=1, expert_parallel=8), 8)
    cut = weights(load("vllm", data_parallel=8, tensor_parallel=1), 8)

    for size in (*whole, *cut):
        assert size == pytest.approx(alone - ALL_EXPERTS * 7 // 8, rel=2e-4)


def test_whole_experts_take_what_cut_ones_do_under_tensor_parallel():
    cut = weights(load("vllm", tensor_parallel=4), 4)
    whole = weights(load("vllm", tensor_parallel=4, expert_parallel=4), 4)

    assert whole == pytest.approx(cut, rel=2e-4)


def test_the_first_ranks_hold_the_experts_that_are_left_over():
    """determine_expert_map of vLLM 0.19.0: 128 experts over 6 ranks are 22, 22, 21, 21, 21, 21."""
    held_experts = [
        vllm_split(MIXTURE.shape, 1, 6, rank, expert_parallel=True).held_experts for rank in range(6)
    ]

    assert held_experts == [22, 22, 21, 21, 21, 21]
    found = weights(load("vllm", data_parallel=6, tensor_parallel=1, expert_parallel=6), 6)
    # 6 and 3 MiB a layer, of which PyTorch's 2 MiB segments had one to spare
    assert found[0] - found[5] == 48 * (EXPERT - (1 << 20))


def test_shared_experts_are_repeated_where_both_sizes_exceed_one():
    """use_sequence_parallel_moe of vLLM 0.19.0, with the default all2all backend."""
    shape = CATALOG.models["deepseek-v3"].shape

    assert vllm_split(shape, 4, 2, 0, expert_parallel=True).shared == 1
    assert vllm_split(shape, 8, 1, 0, expert_parallel=True).shared == 8
    assert vllm_split(shape, 1, 8, 0, expert_parallel=True).shared == 1


def test_sglangs_attention_groups_each_hold_all_of_attention():
    shape = CATALOG.models["deepseek-v3"].shape
    split = sglang_split(shape, 16, 8, 4)

    assert (split.attention, split.embedding, split.head) == (4, 4, 16)
    assert (split.experts, split.held_experts) == (2, 32)


def test_sglangs_expert_groups_take_the_same_memory_as_cut_experts():
    cut = weights(load("sglang", tensor_parallel=8), 8)
    whole = weights(load("sglang", tensor_parallel=8, expert_parallel=4), 8)

    assert whole == pytest.approx(cut, rel=5e-3)


def test_attention_groups_of_a_latent_model_hold_more_tokens_together():
    """A latent row is whole on every rank: groups with a cache of their own do not repeat it."""
    tensor = held(load("sglang", "deepseek-v3", "FP8", tensor_parallel=8), 8)
    groups = held(
        load(
            "sglang", "deepseek-v3", "FP8", tensor_parallel=8, data_parallel=8, data_parallel_attention=True
        ),
        8,
    )

    assert groups.server.kv_pool_tokens > 2 * tensor.server.kv_pool_tokens


@pytest.mark.parametrize(
    ("workload", "says"),
    [
        (load("vllm", expert_parallel=3, tensor_parallel=4), "4 ranks here"),
        (load("vllm", data_parallel=4, tensor_parallel=2), "works"),
        (load("vllm", data_parallel=8), "needs at least 8 GPUs"),
        (load("sglang", tensor_parallel=4, expert_parallel=3), "--ep-size 3 does not divide"),
        (load("sglang", tensor_parallel=4, data_parallel=3, data_parallel_attention=True), "does not divide"),
        (load("tgi", data_parallel=2), "it has no data parallel"),
        (load("transformers", expert_parallel=2), "it has no expert parallel"),
        (load("llama.cpp", quantization="Q4_K_M", data_parallel=2), "it has no data parallel"),
    ],
)
def test_what_an_engine_does_not_do_is_refused_by_name(workload, says):
    with pytest.raises(Refused) as refused:
        held(workload, 4)

    assert says in refused.value.sentence


def test_what_was_not_measured_widens_the_interval_and_says_so():
    plain = held(load("vllm", data_parallel=1), 1)
    copies = held(load("vllm", data_parallel=8, tensor_parallel=1, expert_parallel=8), 8)

    assert copies.evidence == "derived"
    assert any("No measured run" in line for line in copies.assumptions)
    assert copies.per_gpu[0].uncertainty_bytes > plain.per_gpu[0].uncertainty_bytes


def test_the_commands_say_it():
    vllm = load("vllm", data_parallel=8, tensor_parallel=1, expert_parallel=8)
    sglang = load(
        "sglang", tensor_parallel=8, expert_parallel=8, data_parallel=8, data_parallel_attention=True
    )
    argv = ENGINES["vllm"].launch(vllm, (H200,) * 8).argv
    groups = ENGINES["sglang"].launch(sglang, (H200,) * 8).argv
    copies = ENGINES["sglang"].launch(
        replace(sglang, data_parallel_attention=False, tensor_parallel=1), (H200,) * 8
    )

    assert argv[argv.index("--data-parallel-size") + 1] == "8"
    assert "--enable-expert-parallel" in argv
    assert groups[groups.index("--attn-dp-size") + 1] == "8"
    assert groups[groups.index("--ep-size") + 1] == "8"
    assert copies.argv[copies.argv.index("--dp-size") + 1] == "8"
