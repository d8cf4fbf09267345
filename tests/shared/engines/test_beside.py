"""LoRA adapters and drafters beside the model: bytes worked out by hand, what is refused, and the flags."""

import json
from dataclasses import replace

import pytest

from shared.engines import ENGINES
from shared.errors import UserError
from shared.memory.breakdown import DeviceMemory
from shared.memory.workload import Adapters, Speculation, Workload
from tests.shared.engines.servers import CATALOG, options

H200 = CATALOG.gpus["h200"]
# Llama 3.1 8B: 32 layers of hidden size 4096, 32 heads and 8 KV heads of 128, feed-forward 14336, 128,256 tokens
LAYERS, HIDDEN, KEYS, FED, WORDS = 32, 4096, 1024, 14_336, 128_256
ATTENTION = (HIDDEN + HIDDEN) * 2 + (HIDDEN + KEYS) * 2  # inputs and outputs of q, o, k and v
FEED_FORWARD = (HIDDEN + FED) * 3


def load(engine: str, model: str = "llama-3.1-8b", quantization: str = "BF16", **more) -> Workload:
    return Workload(
        model=CATALOG.models[model],
        quantization=CATALOG.quantizations[quantization],
        engine=engine,
        context_tokens=8192,
        **more,
    )


def device(workload: Workload, count: int = 1) -> DeviceMemory:
    return (
        ENGINES[workload.engine]
        .memory(workload, (H200,) * count, CATALOG.engines[workload.engine])
        .per_gpu[0]
    )


def test_vllms_buffers_are_two_matrices_per_adapted_one_for_every_slot():
    """create_lora_weights of 0.19.0: 4 slots of rank 64 in 16 bits; embedding and head have buffers of their own."""
    slots = 4 * 64 * 2
    attention = device(load("vllm", adapters=Adapters(count=4, rank=64, targets="attention")))
    everything = device(load("vllm", adapters=Adapters(count=4, rank=64)))

    assert attention.adapter_bytes == slots * LAYERS * ATTENTION
    assert everything.adapter_bytes == slots * (LAYERS * (ATTENTION + FEED_FORWARD) + 2 * (WORDS + HIDDEN))


def test_a_rank_of_tensor_parallel_keeps_one_half_of_each_pair_whole():
    """Column-parallel matrices cut B's outputs, row-parallel ones A's inputs (fully_sharded_loras is off)."""
    found = device(
        load("vllm", tensor_parallel=2, adapters=Adapters(count=1, rank=8, targets="attention")), 2
    )
    query, key, out = HIDDEN + HIDDEN // 2, HIDDEN + KEYS // 2, HIDDEN // 2 + HIDDEN

    assert found.adapter_bytes == 8 * 2 * LAYERS * (query + 2 * key + out)


def test_an_adapted_mixture_has_buffers_for_every_expert():
    """Qwen3 30B A3B: 128 experts of 2048 x 768 in 48 layers, beside attention of 32 and 4 heads of 128 and a router."""
    found = device(load("vllm", "qwen3-30b-a3b", adapters=Adapters(count=1, rank=8)))
    attention = (2048 + 4096) * 2 + (2048 + 512) * 2
    experts = 128 * 3 * (2048 + 768)
    outside = 2 * (151_936 + 2048)

    assert found.adapter_bytes == 8 * 2 * (48 * (attention + experts + 2048 + 128) + outside)


def test_vllm_captures_every_batch_size_with_and_without_adapters():
    adapters = Adapters(count=1, rank=16)
    plain, adapted = device(load("vllm")), device(load("vllm", adapters=adapters))
    older = load("vllm", engine_version="0.10")

    assert adapted.cuda_graph_bytes == pytest.approx(2 * plain.cuda_graph_bytes, abs=1)
    assert (
        device(load("vllm", engine_version="0.10", adapters=adapters)).cuda_graph_bytes
        == device(older).cuda_graph_bytes
    )


def test_sglang_makes_the_buffers_before_its_pool():
    """get_lora_A_shape and get_lora_B_shape of 0.5.23; with "all", embedding and head are allocated for both names."""
    attention = load("sglang", adapters=Adapters(count=8, rank=16, targets="attention"))
    everything = load("sglang", adapters=Adapters(count=8, rank=16))
    slots = 8 * 16 * 2
    pool = [
        ENGINES["sglang"].memory(one, (H200,), CATALOG.engines["sglang"]).server.kv_pool_bytes
        for one in (load("sglang"), attention)
    ]

    assert device(attention).adapter_bytes == slots * LAYERS * ATTENTION
    assert device(everything).adapter_bytes == slots * (
        LAYERS * (ATTENTION + FEED_FORWARD) + 4 * (WORDS + HIDDEN)
    )
    assert pool[0] - pool[1] == device(attention).adapter_bytes


def test_mtp_layers_are_weights_and_one_more_layer_of_cache():
    """DeepSeek V3's MTP layer is 11.61 GB in FP8 beside two shared matrices; its cache is a 62nd layer."""
    plain = device(load("vllm", "deepseek-v3", "FP8", sequences=8), 8)
    drafting = device(load("vllm", "deepseek-v3", "FP8", sequences=8, speculation=Speculation(tokens=1)), 8)

    assert 1.4 < drafting.draft_bytes / (1 << 30) < 1.8
    assert drafting.weights_bytes - plain.weights_bytes == drafting.draft_bytes
    assert drafting.kv_cache_bytes / plain.kv_cache_bytes == pytest.approx(62 / 61)


def test_a_draft_model_is_cut_as_the_model_is_and_shares_the_blocks():
    draft = CATALOG.models["llama-3.2-1b"]
    speculation = Speculation(tokens=5, draft=draft, quantization=CATALOG.quantizations["BF16"])
    plain = device(load("vllm", "llama-3.1-70b", "FP8"), 2)
    drafting = device(load("vllm", "llama-3.1-70b", "FP8", speculation=speculation), 2)
    alone = device(load("vllm", "llama-3.2-1b", tensor_parallel=2), 2)

    assert drafting.draft_bytes == alone.weights_bytes
    assert drafting.kv_cache_bytes == plain.kv_cache_bytes + alone.kv_cache_bytes


def test_tokens_guessed_ahead_enlarge_the_largest_captured_batch():
    """_set_cudagraph_sizes of 0.19.0: twice the sequences times tokens decoded at once, at most 512."""
    few = {"max_num_seqs": 8, "max_num_batched_tokens": 2048}
    plain = device(load("vllm", "deepseek-v3", "FP8", **few), 8)
    drafting = device(load("vllm", "deepseek-v3", "FP8", speculation=Speculation(tokens=3), **few), 8)

    assert drafting.cuda_graph_bytes / plain.cuda_graph_bytes == pytest.approx(
        11 / 5
    )  # sizes up to 64, up to 16


def test_a_hybrids_sequences_keep_a_state_for_every_token_they_may_go_back():
    plain = device(load("vllm", "qwen3-next-80b-a3b", sequences=32), 4)
    drafting = device(load("vllm", "qwen3-next-80b-a3b", sequences=32, speculation=Speculation(tokens=2)), 4)

    assert drafting.kv_cache_bytes > 1.4 * plain.kv_cache_bytes


def test_sglangs_drafter_is_loaded_before_the_pool_and_widens_every_row():
    """Logs of DeepSeek R1 on Ascend NPUs: 8.80 GiB for 61 layers and 0.14 for the drafter's one, of the same tokens."""
    asked = load("sglang", "deepseek-v3", "FP8", sequences=8, tensor_parallel=8)
    plain = ENGINES["sglang"].memory(asked, (H200,) * 8, CATALOG.engines["sglang"])
    drafting = ENGINES["sglang"].memory(
        replace(asked, speculation=Speculation(tokens=3)), (H200,) * 8, CATALOG.engines["sglang"]
    )

    assert (
        drafting.per_gpu[0].draft_bytes
        == device(load("vllm", "deepseek-v3", "FP8", speculation=Speculation(tokens=3)), 8).draft_bytes
    )
    assert drafting.per_gpu[0].kv_cache_bytes / plain.per_gpu[0].kv_cache_bytes == pytest.approx(62 / 61)
    assert plain.server.kv_pool_bytes - drafting.server.kv_pool_bytes == drafting.per_gpu[0].draft_bytes


def test_sglang_counts_a_draft_models_layers_as_wide_as_the_models():
    """pool_configurator.py of 0.5.23 assumes so: 16 layers of Llama 3.2 1B beside 80 of the 70B."""
    draft = Speculation(
        tokens=3, draft=CATALOG.models["llama-3.2-1b"], quantization=CATALOG.quantizations["BF16"]
    )
    plain = device(load("sglang", "llama-3.1-70b", "FP8", tensor_parallel=2), 2)
    drafting = device(load("sglang", "llama-3.1-70b", "FP8", tensor_parallel=2, speculation=draft), 2)

    assert drafting.kv_cache_bytes == plain.kv_cache_bytes * 96 // 80
    assert drafting.weights_bytes == plain.weights_bytes + drafting.draft_bytes


@pytest.mark.parametrize(
    ("workload", "says"),
    [
        (load("vllm", adapters=Adapters(count=1, rank=24)), "--max-lora-rank 32 holds it"),
        (load("vllm", adapters=Adapters(count=0, rank=8)), "at least one adapter"),
        (load("vllm", speculation=Speculation(tokens=1)), "no multi-token-prediction layers"),
        (
            load("vllm", speculation=Speculation(tokens=3, draft=CATALOG.models["qwen3-0.6b"])),
            "one vocabulary",
        ),
        (load("sglang", speculation=Speculation(tokens=1)), "no multi-token-prediction layers"),
        (load("sglang", "qwen3.5-27b", speculation=Speculation(tokens=1)), "recurrent states"),
        (
            load("sglang", speculation=Speculation(tokens=3, draft=CATALOG.models["qwen3-0.6b"])),
            "no common vocabulary",
        ),
        (load("tgi", speculation=Speculation(tokens=1)), "speculative decoding that I have rules for"),
        (load("tgi", adapters=Adapters(count=0, rank=8)), "at least one adapter"),
        (load("tgi", "olmo-2-7b", adapters=Adapters(count=1, rank=8)), "takes no adapters"),
        (load("transformers", adapters=Adapters(count=1, rank=0)), "at least one adapter"),
        (load("transformers", speculation=Speculation(tokens=1)), "a draft model as assistant works"),
        (
            load(
                "transformers",
                sequences=2,
                speculation=Speculation(tokens=3, draft=CATALOG.models["llama-3.2-1b"]),
            ),
            "for one sequence only",
        ),
        (
            load(
                "transformers",
                "qwen3.5-9b",
                speculation=Speculation(tokens=3, draft=CATALOG.models["qwen3.5-0.8b"]),
            ),
            "cannot go back",
        ),
    ],
)
def test_what_does_not_start_or_has_no_rule_is_said(workload, says):
    with pytest.raises(UserError) as refused:
        device(workload)

    assert says in refused.value.sentence


def test_sglang_does_not_guess_ahead_over_pipeline_stages():
    """server_args.py: "PP + speculative decoding is only supported in disaggregated prefill mode"."""
    staged = load("sglang", "deepseek-v3", "FP8", pipeline_parallel=2, speculation=Speculation(tokens=1))
    with pytest.raises(UserError, match="2 pipeline stages"):
        device(staged, 16)


def test_the_flags_are_the_engines_own():
    draft = Speculation(
        tokens=5, draft=CATALOG.models["llama-3.2-1b"], quantization=CATALOG.quantizations["BF16"]
    )
    adapters = Adapters(count=4, rank=32, targets="attention")
    vllm = ENGINES["vllm"].launch(load("vllm", adapters=adapters, speculation=draft), (H200,)).argv
    sglang = ENGINES["sglang"].launch(load("sglang", adapters=adapters, speculation=draft), (H200,)).argv
    config = json.loads(vllm[vllm.index("--speculative-config") + 1])

    assert config["model"] == CATALOG.models["llama-3.2-1b"].repo_id
    assert config["num_speculative_tokens"] == 5
    assert vllm[vllm.index("--max-loras") + 1] == "4"
    assert sglang[sglang.index("--max-loras-per-batch") + 1] == "4"
    assert sglang[sglang.index("--speculative-num-draft-tokens") + 1] == "6"
    for engine, argv in (("vllm", vllm), ("sglang", sglang)):
        assert {word for word in argv if word.startswith("--")} <= options(engine)
