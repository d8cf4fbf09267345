"""Adapters and an assistant beside the model in text-generation-inference and transformers."""

from shared.engines import ENGINES
from shared.memory.workload import Adapters, Speculation
from tests.shared.engines.servers import CATALOG, options
from tests.shared.engines.test_beside import ATTENTION, FEED_FORWARD, H200, LAYERS, device, load


def test_tgi_pads_the_rank_and_cuts_both_halves_of_a_pair():
    """pad_rank: 4 becomes 8 a shard, 24 becomes 32; every pair is cut over the shards."""
    one = device(load("tgi", adapters=Adapters(count=3, rank=4, targets="attention")))
    two = device(load("tgi", tensor_parallel=2, adapters=Adapters(count=3, rank=4, targets="attention")), 2)
    wide = device(load("tgi", adapters=Adapters(count=1, rank=24)))

    assert one.adapter_bytes == 3 * 8 * LAYERS * ATTENTION * 2
    assert two.adapter_bytes == 3 * 16 * LAYERS * ATTENTION * 2 // 2
    assert wide.adapter_bytes == 32 * LAYERS * (ATTENTION + FEED_FORWARD) * 2
    assert wide.weights_bytes == device(load("tgi")).weights_bytes + wide.adapter_bytes


def test_peft_keeps_adapters_in_fp32_where_their_layers_lie():
    asked = load("transformers", adapters=Adapters(count=2, rank=16))
    found = ENGINES["transformers"].memory(asked, (H200,) * 2, CATALOG.engines["transformers"]).per_gpu

    assert sum(one.adapter_bytes for one in found) == 2 * 16 * LAYERS * (ATTENTION + FEED_FORWARD) * 4
    assert all(one.adapter_bytes for one in found)
    assert found[0].uncertainty_bytes > device(load("transformers"), 2).uncertainty_bytes


def test_transformers_keeps_an_assistant_and_its_cache_on_the_first_device():
    """Llama 3.2 1B beside the 8B: 16 layers of 8 KV heads of 64 for 8,192 tokens in 16 bits."""
    draft = Speculation(
        tokens=5, draft=CATALOG.models["llama-3.2-1b"], quantization=CATALOG.quantizations["BF16"]
    )
    plain, guessed = device(load("transformers")), device(load("transformers", speculation=draft))
    alone = device(load("transformers", "llama-3.2-1b"))

    assert guessed.draft_bytes == alone.weights_bytes == guessed.weights_bytes - plain.weights_bytes
    assert guessed.kv_cache_bytes - plain.kv_cache_bytes == 16 * 8 * 64 * 2 * 2 * 8192
    assert guessed.compute_bytes == plain.compute_bytes
    assert guessed.overhead_bytes == plain.overhead_bytes


def test_the_script_of_transformers_loads_what_is_beside_and_is_read_back():
    draft = Speculation(tokens=5, draft=CATALOG.models["llama-3.2-1b"])
    module = ENGINES["transformers"]
    argv = module.launch(
        load("transformers", speculation=draft, adapters=Adapters(count=2, rank=8)), (H200,)
    ).argv
    seen = module.process(argv)
    compile(argv[2], "script", "exec")

    assert argv[2].count("load_adapter(") == 2
    assert "assistant_model=assistant" in argv[2]
    assert seen is not None
    assert (seen.model, seen.speculative_tokens) == (CATALOG.models["llama-3.1-8b"].repo_id, 0)


def test_tgis_adapters_are_named_at_start():
    launched = ENGINES["tgi"].launch(load("tgi", adapters=Adapters(count=2, rank=8)), (H200,))

    assert launched.argv[launched.argv.index("--lora-adapters") + 1] == "adapter-0,adapter-1"
    assert {word for word in launched.argv if word.startswith("--")} <= options("tgi")
