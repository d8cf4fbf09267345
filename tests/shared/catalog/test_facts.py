"""The shipped facts: enough of them, each with a source, and the numbers of one row agree with each other."""

import re

import pytest

from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.catalog.rows import Gpu, LayerKind, Model, Quantization, SourceKind
from shared.engines.llama_cpp.quantizer import PACKAGED
from shared.memory.parameter_sums import parameter_sums
from shared.memory.tensors import inventory
from shared.units import GIB, MIB

CATALOG = load_catalog()
MODELS = [pytest.param(row, id=row.id) for row in CATALOG.models.values()]
GPUS = [pytest.param(row, id=row.id) for row in CATALOG.gpus.values()]
QUANTIZATIONS = [pytest.param(row, id=row.id) for row in CATALOG.quantizations.values()]


def test_there_are_enough_rows(catalog: Catalog) -> None:
    """150 models and every family of card people own."""
    assert len(catalog.models) >= 150
    assert len(catalog.gpus) >= 189
    assert len(catalog.quantizations) >= 40
    assert set(catalog.engines) == {"llama.cpp", "vllm", "tgi", "sglang", "transformers"}


@pytest.mark.parametrize("model", MODELS)
def test_the_shape_adds_up_to_the_published_parameters(model: Model) -> None:
    """The sum over the shape and the towers is the published count within half a percent, or the row says why."""
    (found,) = parameter_sums([model])

    assert not found.problem
    assert found.off <= 0.025, "a note explains a rounding or a part left out, not another model"


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_active_in_at_most_all_its_parameters(model: Model) -> None:
    """Dense models are active whole, mixtures in part."""
    if model.shape.experts is None:
        assert model.active_parameters == model.parameters
    else:
        assert model.active_parameters < model.parameters


@pytest.mark.parametrize("model", MODELS)
def test_model_rows_say_where_they_come_from(model: Model) -> None:
    """A source that is an address, a repository that has an owner, a context that is one."""
    assert model.source.text.startswith("https://")
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.repo_id)
    assert 128 <= model.context_tokens <= 16 * 1024 * 1024
    assert model.shape.attention is None or model.shape.attention.heads % model.shape.attention.kv_heads == 0


def test_the_users_model_is_as_published(catalog: Catalog) -> None:
    """https://huggingface.co/mistralai/Mixtral-8x22B-Instruct-v0.1/blob/main/config.json."""
    model = catalog.models["mixtral-8x22b"]
    shape = model.shape

    assert (shape.layers, shape.hidden_size, shape.ffn_size) == (56, 6144, 0)
    assert shape.attention is not None
    assert (shape.attention.heads, shape.attention.kv_heads, shape.attention.head_dim) == (48, 8, 128)
    assert shape.experts is not None
    assert (shape.experts.total, shape.experts.active, shape.experts.ffn_size) == (8, 2, 16384)
    assert model.context_tokens == 65536
    assert inventory(shape).parameters == model.parameters == 140_630_071_296


def test_gemma_3_alternates_five_windows_and_one_full_layer(catalog: Catalog) -> None:
    """https://huggingface.co/google/gemma-3-27b-it/blob/main/config.json: 62 layers, of which 10 are full."""
    kinds = catalog.models["gemma-3-27b"].shape.layer_kinds()

    assert kinds[:6] == (LayerKind.WINDOW,) * 5 + (LayerKind.FULL,)
    assert kinds.count(LayerKind.FULL) == 10


@pytest.mark.parametrize("gpu", GPUS)
def test_gpu_memory_is_what_is_left_of_the_marketed_size(gpu: Gpu) -> None:
    """Usable is at most the total, the total is near the marketed size, and both are whole MiB."""
    assert gpu.memory_usable_bytes <= gpu.memory_total_bytes
    assert 0.85 <= gpu.memory_total_bytes / (gpu.memory_marketed_gb * GIB) <= 1.06
    assert gpu.memory_usable_bytes >= gpu.memory_total_bytes * (0.6 if gpu.unified_memory else 0.9)
    assert gpu.memory_total_bytes % MIB == gpu.memory_usable_bytes % MIB == 0


@pytest.mark.parametrize("gpu", GPUS)
def test_gpu_rows_say_how_each_number_is_known(gpu: Gpu) -> None:
    """Bandwidth and memory have sources of their own; what is only recalled does not pass for seen."""
    assert gpu.bandwidth_source.text
    if gpu.confidence == "seen":
        assert gpu.memory_source.kind in {SourceKind.NVML, SourceKind.ENGINE_LOG, SourceKind.MEASURED}
    else:
        assert gpu.memory_source.kind in {SourceKind.DERIVED, SourceKind.RECALLED}


@pytest.mark.parametrize("gpu", GPUS)
def test_mig_slices_fit_their_gpu(gpu: Gpu) -> None:
    """All slices of one profile together hold no more than the card."""
    for profile in gpu.mig_profiles:
        assert profile.count * profile.memory_bytes <= gpu.memory_total_bytes
        assert profile.count * profile.compute_slices <= 7


def test_the_users_gpu_is_as_nvml_and_vllm_see_it(catalog: Catalog) -> None:
    """NVML: 40960 MiB; vLLM prints a CUDA total of 39.38 GiB and up; the datasheet says 1,555 GB/s."""
    gpu = catalog.gpus["a100-40gb"]

    assert gpu.memory_total_bytes == 40960 * MIB
    assert 39.3 * GIB <= gpu.memory_usable_bytes <= 39.6 * GIB
    assert gpu.bandwidth_bytes_per_second == 1_555_000_000_000
    assert {profile.name for profile in gpu.mig_profiles} >= {"1g.5gb", "2g.10gb", "3g.20gb", "7g.40gb"}


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_quantization_rows_are_whole(quantization: Quantization) -> None:
    """A sentence for a person, and a source for every measurement."""
    assert quantization.quality_note.endswith(".")
    assert all(measurement.source.text for measurement in quantization.quality)
    assert (quantization.format.value == "gguf") <= ("llama.cpp" in quantization.engines)


def test_better_ranks_mean_less_divergence_measured_on_the_same_model(catalog: Catalog) -> None:
    """Ranks of the GGUF types follow the divergence measured on Llama-3-8B."""
    measured = [
        (row.rank, row.quality[0].kl_divergence, row.id)
        for row in catalog.quantizations.values()
        if row.quality and row.quality[0].kl_divergence is not None
    ]
    by_rank = sorted(measured)

    assert len(measured) >= 25
    assert [row[1] for row in by_rank] == sorted(row[1] for row in measured)


def test_ruinous_quantizations_are_not_healthy(catalog: Catalog) -> None:
    """Below about three bits models visibly break."""
    for row in catalog.quantizations.values():
        if row.bits_per_weight < 2.9:
            assert not row.healthy, row.id
        if row.bits_per_weight >= 3.5 and row.id not in PACKAGED:
            assert row.healthy, row.id


def test_a_packagers_mix_is_as_good_as_the_one_it_is_made_of(catalog: Catalog) -> None:
    """Better embeddings do not heal the layers; and nothing larger and no better is ever suggested."""
    for mix, made_of in PACKAGED.items():
        row, base = catalog.quantizations[mix], catalog.quantizations[made_of]

        assert (row.rank, row.healthy) == (base.rank, base.healthy)
        assert row.bits_per_weight > base.bits_per_weight


def test_every_gguf_type_llama_cpp_quantizes_to_is_here(catalog: Catalog) -> None:
    """The list of https://github.com/ggml-org/llama.cpp/blob/master/tools/quantize/quantize.cpp."""
    types = (
        "Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 IQ2_XXS IQ2_XS IQ2_S IQ2_M IQ1_S IQ1_M TQ1_0 TQ2_0 Q2_K Q2_K_S IQ3_XXS IQ3_S IQ3_M "
        "IQ3_XS Q3_K_S Q3_K_M Q3_K_L IQ4_NL IQ4_XS Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K MXFP4_MOE F16 BF16 F32 Q1_0 Q2_0"
    )

    assert set(types.split()) <= set(catalog.quantizations)
    assert all("llama.cpp" in catalog.quantizations[name].engines for name in types.split())
