"""What llama.cpp loads beside a model: adapters, a projector, MTP layers and a draft model."""

import pytest

from shared.catalog.load import load_catalog
from shared.engines import ENGINES
from shared.errors import UserError
from shared.memory.breakdown import Breakdown
from shared.memory.workload import Adapters, Speculation, Workload

CATALOG = load_catalog()
MIB = 1 << 20


def load(model: str, quantization: str = "Q4_K_M", **more) -> Workload:
    settings = {"engine": "llama.cpp", "context_tokens": 8192} | more
    return Workload(model=CATALOG.models[model], quantization=CATALOG.quantizations[quantization], **settings)


def held(workload: Workload, gpus: int = 1) -> Breakdown:
    cards = (CATALOG.gpus["rtx-3090"],) * gpus
    return ENGINES["llama.cpp"].memory(workload, cards, CATALOG.engines["llama.cpp"])


def test_mtp_layers_agree_with_the_one_public_log():
    """Qwen3.8 27B, --spec-type draft-mtp --spec-draft-n-max 2, -ub 2048, -np 4, 8192 tokens, on an RTX 3090.

    Printed: KV cache 512.00 and 32.00 MiB, recurrent state 1795.50 (three copies), compute 568.53 and 520.06. A public
    llama.cpp log (Vulkan), record lcpp-qwen3.8-27b-ud-q4km-8k-np4-mtp-vulkan of the harvested logs.
    """
    asked = load("qwen3.8-27b", sequences=4, ubatch_tokens=2048, speculation=Speculation(tokens=2))
    device = held(asked).per_gpu[0]

    assert device.kv_cache_bytes == (512 + 32) * MIB
    assert device.recurrent_state_bytes == 1795.5 * MIB
    assert device.compute_bytes / MIB == pytest.approx(568.53 + 520.06, rel=0.08)
    assert abs(device.compute_bytes / MIB - 568.53 - 520.06) * MIB < device.uncertainty_bytes


def test_adapters_are_two_matrices_in_32_bits_beside_every_matrix():
    """Llama 3.1 8B: q, k, v, o, gate, up and down of 32 layers."""
    linear = (4096 + 4096) * 2 + (4096 + 1024) * 2 + (4096 + 14_336) * 3
    plain, adapted = (
        held(load("llama-3.1-8b")),
        held(load("llama-3.1-8b", adapters=Adapters(count=2, rank=16))),
    )

    assert adapted.per_gpu[0].adapter_bytes == 2 * 16 * 4 * 32 * linear
    assert adapted.per_gpu[0].kv_cache_bytes == plain.per_gpu[0].kv_cache_bytes
    assert adapted.evidence == "derived"


def test_adapters_lie_where_their_matrices_lie():
    adapters = Adapters(count=1, rank=16)
    whole = held(load("llama-3.1-8b", adapters=adapters)).per_gpu[0].adapter_bytes
    half = held(load("llama-3.1-8b", adapters=adapters, gpu_layers=17))
    experts = held(load("qwen3-30b-a3b", adapters=adapters, cpu_expert_layers=48))
    attention = held(load("qwen3-30b-a3b", adapters=Adapters(count=1, rank=16, targets="attention")))

    assert half.per_gpu[0].adapter_bytes == half.host.adapter_bytes == whole // 2
    assert experts.per_gpu[0].adapter_bytes == attention.per_gpu[0].adapter_bytes
    assert experts.host.adapter_bytes > 50 * experts.per_gpu[0].adapter_bytes


def test_a_draft_model_is_a_second_model_in_the_same_process():
    """Its context is the model's, its cache 16 bits whatever the model's is, and the CUDA context is there already."""
    draft = CATALOG.models["llama-3.2-1b"]
    speculation = Speculation(tokens=5, draft=draft, quantization=CATALOG.quantizations["Q8_0"])
    cache = {"kv_cache_type_k": "q8_0", "kv_cache_type_v": "q8_0"}
    plain, alone = held(load("llama-3.1-8b", **cache)), held(load("llama-3.2-1b", "Q8_0"))
    both = held(load("llama-3.1-8b", speculation=speculation, **cache)).per_gpu[0]

    assert both.draft_bytes == alone.per_gpu[0].weights_bytes
    assert both.weights_bytes == plain.per_gpu[0].weights_bytes + both.draft_bytes
    assert both.kv_cache_bytes == plain.per_gpu[0].kv_cache_bytes + alone.per_gpu[0].kv_cache_bytes
    assert both.overhead_bytes == plain.per_gpu[0].overhead_bytes


def test_a_draft_model_may_stay_on_the_host():
    draft = Speculation(tokens=5, draft=CATALOG.models["llama-3.2-1b"], gpu_layers=0)
    found = held(load("llama-3.1-8b", speculation=draft))

    assert found.per_gpu[0].draft_bytes == 0
    assert found.host.draft_bytes > 0


def test_a_projector_is_on_the_first_gpu_and_counted_once():
    plain, seeing = held(load("gemma-3-27b"), 2), held(load("gemma-3-27b", projector=True), 2)
    tower = sum(one.parameters for one in CATALOG.models["gemma-3-27b"].towers)

    assert [device.tower_bytes for device in seeing.per_gpu] == [2 * tower, 0]
    assert seeing.per_gpu[1] == plain.per_gpu[1]
    assert any("Text only" in line for line in plain.assumptions)
    assert not any("Text only" in line for line in seeing.assumptions)


@pytest.mark.parametrize(
    ("workload", "says"),
    [
        (load("llama-3.1-8b", projector=True), "no projector"),
        (load("deepseek-v3", speculation=Speculation(tokens=1)), "loads no MTP layers"),
        (load("llama-3.1-8b", speculation=Speculation(tokens=0)), "at least one token"),
        (load("llama-3.1-8b", adapters=Adapters(count=1, rank=0)), "rank 1 or more"),
        (load("llama-3.1-8b", data_parallel=2), "it has no data parallel"),
    ],
)
def test_what_it_does_not_do_is_said(workload, says):
    with pytest.raises(UserError) as refused:
        held(workload)

    assert says in refused.value.sentence


def test_the_flags_are_its_own():
    speculation = Speculation(tokens=4, draft=CATALOG.models["gemma-3-1b"], gpu_layers=0)
    asked = load("gemma-3-27b", adapters=Adapters(count=1, rank=8), speculation=speculation)
    card = (CATALOG.gpus["rtx-3090"],)
    text = ENGINES["llama.cpp"].launch(asked, card).argv
    mtp = ENGINES["llama.cpp"].launch(load("qwen3.8-27b", speculation=Speculation(tokens=2)), card).argv
    seeing = ENGINES["llama.cpp"].launch(load("gemma-3-27b", projector=True), card).argv

    assert {"--lora", "-md", "-ngld", "--no-mmproj"} <= set(text)
    assert mtp[mtp.index("--spec-type") + 1] == "draft-mtp"
    assert "--no-mmproj" not in seeing  # -hf brings the projector along
