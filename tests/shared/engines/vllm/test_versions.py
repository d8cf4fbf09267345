"""Rules that changed between vLLM's versions."""

from dataclasses import replace

import pytest

from shared.catalog.load import load_catalog
from shared.engines.versions import at_version, version_key
from shared.engines.vllm import memory
from shared.errors import BadValue, Unsupported
from shared.memory.breakdown import Breakdown, ServerCapacity
from shared.memory.workload import Workload
from shared.units import GIB

CATALOG = load_catalog()
FACTS = CATALOG.engines["vllm"]
H100 = CATALOG.gpus["h100-80gb"]
LLAMA = Workload(
    model=CATALOG.models["llama-3.1-8b"],
    quantization=CATALOG.quantizations["BF16"],
    engine="vllm",
    context_tokens=8192,
)


def at(version: str | None, **changes) -> Breakdown:
    return memory(replace(LLAMA, engine_version=version, **changes), (H100,), FACTS)


def server(version: str) -> ServerCapacity:
    found = at(version).server
    assert found is not None
    return found


def test_the_default_utilization_grew_in_0_20():
    assert server("0.19.0").budget_bytes / H100.memory_usable_bytes == pytest.approx(0.90, abs=1e-6)
    assert server("0.20.0").budget_bytes / H100.memory_usable_bytes == pytest.approx(0.92, abs=1e-6)


def test_cuda_graphs_count_against_the_budget_since_0_20():
    graphs = at("0.19.0").per_gpu[0].cuda_graph_bytes
    before = at("0.19.0", gpu_memory_utilization=0.9).server
    after = at("0.20.0", gpu_memory_utilization=0.9).server

    assert graphs > 0
    assert before is not None
    assert after is not None
    assert before.kv_pool_bytes - after.kv_pool_bytes == graphs


def test_the_sampler_shrank_in_0_17_when_it_stopped_sorting():
    assert at("0.16.0").per_gpu[0].activation_bytes > 2.4 * at("0.17.0").per_gpu[0].activation_bytes


def test_eager_mode_captures_no_graphs():
    assert at("0.19.0", enforce_eager=True).per_gpu[0].cuda_graph_bytes == 0


def test_the_printed_token_count_is_concurrency_times_context_since_0_21():
    new = at("0.21.0").server

    assert new is not None
    assert new.kv_pool_tokens == pytest.approx(new.max_concurrency * 8192, rel=1e-4)


def test_windows_keep_two_batches_since_0_26():
    gemma = CATALOG.models["gemma-3-27b"]
    before = at("0.25.0", model=gemma, context_tokens=65_536).per_gpu[0].kv_cache_bytes
    after = at("0.26.0", model=gemma, context_tokens=65_536).per_gpu[0].kv_cache_bytes

    assert after > before


@pytest.mark.parametrize(
    ("gpu", "sequences", "batched"),
    [
        ("h100-80gb", 1024, "8,192"),
        ("a100-80gb", 256, "2,048"),
        ("rtx-4090", 256, "2,048"),
        ("b200", 1024, "16,384"),
    ],
)
def test_the_profiled_batch_follows_the_gpu(gpu, sequences, batched):
    """Large GPUs that are not A100 profile four times the batch."""
    breakdown = memory(LLAMA, (CATALOG.gpus[gpu],), FACTS)

    assert any(f"{sequences} sequences and {batched} batched" in text for text in breakdown.assumptions)


def test_the_answer_names_the_version_it_assumes():
    assert at(None).engine_version == FACTS.version
    assert at("0.19.0").engine_version == "0.19.0"


def test_only_the_studied_versions_of_studied_models_count_as_measured():
    assert at("0.19.0").evidence == "measured"
    assert at("0.33.0").evidence == "derived"
    assert at("0.33.0").per_gpu[0].uncertainty_bytes > at("0.19.0").per_gpu[0].uncertainty_bytes


def test_versions_before_the_present_engine_are_unsupported():
    with pytest.raises(Unsupported, match=r"from 0\.8 on"):
        at("0.6.3")


@pytest.mark.parametrize("given", ["", "latest", "v", "x" * 100])
def test_a_version_that_is_none_is_one_sentence(given):
    with pytest.raises(BadValue):
        version_key(given)


def test_a_constant_holds_from_its_version_on_and_the_first_reaches_back():
    assert at_version(FACTS, "default_utilization", "0.0.1").value == 0.90
    assert at_version(FACTS, "default_utilization", "0.19.1").value == 0.90
    assert at_version(FACTS, "default_utilization", "1.0").value == 0.92
    with pytest.raises(KeyError):
        at_version(FACTS, "no_such_constant", "0.19")


def test_the_weights_activation_and_cache_of_the_readme_example():
    """Llama 3.1 8B at 0.95 on one H100, vLLM 0.19: 14.99, 1.89 and 58.11 GiB as the log prints them."""
    breakdown = at("0.19.0", gpu_memory_utilization=0.95)
    device = breakdown.per_gpu[0]

    assert breakdown.server is not None
    assert device.weights_bytes / GIB == pytest.approx(14.99, abs=0.01)
    assert device.activation_bytes / GIB == pytest.approx(1.89, abs=0.01)
    assert breakdown.server.kv_pool_bytes / GIB == pytest.approx(58.11, abs=0.1)
