"""Encoders in llama.cpp against its own fit tool: no cache, no head, one batch.

Measured with llama-fit-params and ggml-rpc-server of llama.cpp 0.7.0 (built from PyPI llama-cpp-python 0.3.36) on F16
files of these shapes, all layers on the device. The file of bge-base held its positions in 16 bits, the recipe's are in
32: they are on the host.
"""

import pytest

from shared.catalog.load import load_catalog
from shared.engines import ENGINES
from shared.memory.breakdown import Breakdown
from shared.memory.workload import Workload

CATALOG = load_catalog()
# model, micro batch, flash attention: bytes on the device of weights and compute buffer, and of the host's buffer
MEASURED = (
    ("bge-base-en", 512, True, 170_354_688, 9_966_592, 8_400_896),
    ("bge-base-en", 512, False, 170_354_688, 21_500_928, 8_925_184),
    ("nomic-embed-text-v1.5", 512, True, 226_646_016, 25_701_376, 6_828_032),
    ("nomic-embed-text-v1.5", 512, False, 226_646_016, 26_225_664, 7_352_320),
)


def estimated(
    model: str, ubatch: int, *, flash: bool | None = None, context: int = 512, gpus: int = 1
) -> Breakdown:
    workload = Workload(
        model=CATALOG.models[model],
        quantization=CATALOG.quantizations["F16"],
        engine="llama.cpp",
        context_tokens=context,
        ubatch_tokens=ubatch,
        batch_tokens=ubatch,
        flash_attention=flash,
    )
    return ENGINES["llama.cpp"].memory(workload, (CATALOG.gpus["l4"],) * gpus, CATALOG.engines["llama.cpp"])


@pytest.mark.parametrize(("model", "ubatch", "flash", "weights", "compute", "host"), MEASURED)
def test_weights_are_exact_and_buffers_within_a_thousandth(model, ubatch, flash, weights, compute, host):
    breakdown = estimated(model, ubatch, flash=flash)
    device = breakdown.per_gpu[0]

    assert device.weights_bytes == weights
    assert device.kv_cache_bytes == 0
    assert device.compute_bytes == pytest.approx(compute, rel=1e-3)
    assert breakdown.host.compute_bytes == pytest.approx(host, rel=1e-3)


def test_a_decoder_that_embeds_keeps_its_cache_and_hands_out_every_row():
    """Qwen3 Embedding 0.6B at 4,096 tokens: 308.24 and 77.06 MiB in the same tool, with a cache of 448 MiB."""
    for ubatch, mib in ((512, 308.24), (128, 77.06)):
        device = estimated("qwen3-embedding-0.6b", ubatch, context=4096).per_gpu[0]

        assert device.kv_cache_bytes == 448 << 20
        assert device.compute_bytes / (1 << 20) == pytest.approx(mib, abs=0.01)


def test_no_context_makes_an_encoder_larger_but_its_micro_batch_does():
    short, long = (
        estimated("nomic-embed-text-v1.5", 512),
        estimated("nomic-embed-text-v1.5", 512, context=2048),
    )
    wide = estimated("nomic-embed-text-v1.5", 2048, context=2048)

    assert long.per_gpu == short.per_gpu
    assert wide.per_gpu[0].compute_bytes > 4 * long.per_gpu[0].compute_bytes
    assert any("-ub" in sentence for sentence in long.warnings)
    assert not wide.warnings
