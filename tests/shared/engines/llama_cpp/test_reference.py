"""Weights, KV cache and refusals are llama.cpp's to the byte; compute buffers too where one device holds the model."""

from collections.abc import Sequence
from statistics import median, quantiles

import pytest

from shared.engines.llama_cpp.quantizer import bytes_by_type, mix_of, stored_tensors
from shared.errors import Refused
from shared.estimator import estimate
from shared.memory.breakdown import Breakdown, DeviceMemory
from tests.shared.engines.llama_cpp.reference import ROUNDING_BYTES, Case, Held, cases, catalog, rows

VERSIONS = ("0.5.0-dev", "0.7.0")


def breakdown(case: Case) -> Breakdown:
    return estimate(case.workload, case.gpus, catalog()).breakdown


def wrong(name: str, devices: Sequence[DeviceMemory], held: Sequence[Held]) -> list[str]:
    """What differs from the recording by more than its rounding, summed over these devices."""
    rounding = ROUNDING_BYTES * len(held)
    weights = sum(device.weights_bytes for device in devices), sum(one.weights for one in held)
    cache = (
        sum(device.kv_cache_bytes + device.recurrent_state_bytes for device in devices),
        sum(one.kv for one in held),
    )
    pairs = {"weights": weights, "KV cache": cache}
    return [
        f"{name}: {what} {ours}, recorded {theirs:.0f}"
        for what, (ours, theirs) in pairs.items()
        if abs(ours - theirs) > rounding
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_weights_and_kv_cache_are_exact_on_the_devices_and_the_host(version: str) -> None:
    found: list[str] = []
    for case in cases():
        if case.version != version or case.error:
            continue
        ours = breakdown(case)
        assert case.host is not None
        assert len(ours.per_gpu) == len(case.devices)
        found += wrong(case.name, ours.per_gpu, case.devices) + wrong(
            f"{case.name} host", [ours.host], [case.host]
        )

    assert found == []


@pytest.mark.parametrize("version", VERSIONS)
def test_each_device_of_several_holds_its_layers(version: str) -> None:
    """But for a tie: the recorded split followed each device's free memory of the moment, which decides the devices'
    order and the side of a layer that lies on a boundary."""
    split = [case for case in cases() if case.version == version and len(case.devices) > 1]
    exact = 0
    for case in split:
        ours = sorted(device.weights_bytes for device in breakdown(case).per_gpu)
        theirs = sorted(device.weights for device in case.devices)
        layer = max(theirs) * len(theirs) / case.workload.model.shape.layers
        off = max(abs(one - held) for one, held in zip(ours, theirs, strict=True))
        assert off <= 1.6 * layer, case.name
        exact += off <= ROUNDING_BYTES

    assert exact >= 0.95 * len(split)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_llama_cpp_refuses_is_refused_with_the_reason(version: str) -> None:
    refused = [case for case in cases() if case.version == version and case.error]

    for case in refused:
        with pytest.raises(Refused) as caught:
            breakdown(case)
        word = "flash attention" if "flash_attn" in case.error else "types cannot differ"
        assert word in caught.value.sentence.lower(), (case.error, caught.value.sentence)
    assert len(refused) > 300


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("placement", ["cpu", "offload"])
def test_compute_buffers_are_within_the_bar_of_the_named_version(version: str, placement: str) -> None:
    """The bar is 3 % at the median and 10 % at the 95th percentile."""
    errors = []
    for case in cases():
        if (case.version, case.placement) != (version, placement) or case.error:
            continue
        ours = breakdown(case)
        device, held = (ours.host, case.host) if placement == "cpu" else (ours.per_gpu[0], case.devices[0])
        assert held is not None
        errors.append(abs(device.compute_bytes - held.compute) / held.compute)

    assert len(errors) > 500
    assert median(errors) <= 0.03
    assert quantiles(errors, n=20)[-1] <= 0.10


def test_the_quantizers_files_are_exact_for_every_mix() -> None:
    facts = catalog()
    found = []
    for row in rows("llama_cpp_weights.csv"):
        stored = stored_tensors(
            facts.models[row["model"]].shape, mix_of(facts.quantizations[row["quantization"]])
        )
        size = sum(bytes_by_type(stored).values())
        if size != int(row["weights_bytes"]):
            found.append(f"{row['model']} {row['quantization']}: {size}, recorded {row['weights_bytes']}")

    assert found == []


def test_a_half_offloaded_model_takes_at_least_what_the_device_without_copies_takes() -> None:
    """CUDA copies the host's weights over for large batches; the recording's devices do not, so it is a lower bound."""
    for case in cases():
        if case.placement != "half_layers" or case.error:
            continue
        device = breakdown(case).per_gpu[0]

        assert device.compute_bytes >= 0.9 * case.devices[0].compute, case.name
