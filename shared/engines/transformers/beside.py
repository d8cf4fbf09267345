"""What transformers holds beside the model: PEFT's adapters, and an assistant that guesses ahead."""

from collections.abc import Iterator
from dataclasses import replace

from shared.catalog.rows import LayerKind
from shared.errors import BadValue, Refused
from shared.memory.adapter_weights import numbers_without_experts
from shared.memory.breakdown import Breakdown, DeviceMemory
from shared.memory.workload import Adapters, Workload
from shared.units import MIB

NAME = "transformers"
# PEFT casts 16-bit adapters to fp32 (`autocast_adapter_dtype`, peft/tuners/tuners_utils.py)
_ADAPTER_NUMBER = 4
_UNSEEN_ADAPTERS = 200 * MIB  # products of the adapted matrices; no run printed them
_UNSEEN_ASSISTANT = 300 * MIB


def check_beside(workload: Workload) -> None:
    """Raise where transformers would.

    generation/utils.py: "assisted generate is only supported for batch_size = 1", and for models without a state.

    Raises:
        BadValue: Less than one adapter, rank or guessed token.
        Refused: No assistant, several sequences, or recurrent layers.
    """
    adapters, speculation = workload.adapters, workload.speculation
    if adapters is not None and (adapters.count < 1 or adapters.rank < 1):
        raise BadValue("adapters", adapters.count, "give at least one adapter of rank 1 or more")
    if speculation is None:
        return
    if speculation.tokens < 1:
        raise BadValue("num_speculative_tokens", speculation.tokens, "give at least one token")
    reason = ""
    if speculation.draft is None:
        reason = "it runs no multi-token-prediction layers; a draft model as assistant works"
    elif workload.sequences > 1:
        reason = (
            f"an assistant guesses for one sequence only, not for {workload.sequences}; vLLM does for more"
        )
    elif {LayerKind.RECURRENT, LayerKind.PARALLEL} & set(workload.model.shape.layer_pattern):
        reason = f"no assistant works beside {workload.model.name}, whose state cannot go back; vLLM's can"
    if reason:
        raise Refused(NAME, reason, field="speculation")


def adapter_bytes(adapters: Adapters | None, workload: Workload, layers: tuple[int, ...]) -> int:
    """Adapters of these layers, where the layers lie; fused experts are no linear modules and have none."""
    if adapters is None:
        return 0
    numbers = numbers_without_experts(workload.model.shape, layers, adapters.targets)
    return adapters.count * adapters.rank * numbers * _ADAPTER_NUMBER


def adapters_error(workload: Workload) -> int:
    """Half-width of the 95 % interval that adapters add."""
    return _UNSEEN_ADAPTERS if workload.adapters is not None else 0


def assistant_of(workload: Workload) -> Workload | None:
    """The assistant as a workload of its own: the same context, one sequence."""
    speculation = workload.speculation
    if speculation is None or speculation.draft is None:
        return None
    return replace(
        workload,
        model=speculation.draft,
        quantization=speculation.quantization or workload.quantization,
        speculation=None,
        adapters=None,
    )


def with_assistant(plain: Breakdown, assistant: Breakdown) -> Breakdown:
    """The assistant on the model's first device, in the same process; the two never compute at once."""
    own = assistant.per_gpu[0] if assistant.per_gpu else assistant.host
    if not plain.per_gpu:
        return replace(plain, host=_beside(plain.host, own))
    return replace(plain, per_gpu=(_beside(plain.per_gpu[0], own), *plain.per_gpu[1:]))


def beside_lines(workload: Workload) -> Iterator[str]:
    """The sentences on what is beside."""
    if workload.adapters is not None:
        yield f"{workload.adapters.count} adapters of rank {workload.adapters.rank} in fp32, as PEFT loads them."
    if workload.speculation is not None and workload.speculation.draft is not None:
        yield f"Guessed ahead: {workload.speculation.tokens} by {workload.speculation.draft.name} on the first device."


def _beside(device: DeviceMemory, own: DeviceMemory) -> DeviceMemory:
    error = (device.uncertainty_bytes**2 + own.uncertainty_bytes**2 + _UNSEEN_ASSISTANT**2) ** 0.5
    larger = max(device, own, key=lambda one: one.compute_bytes)
    return replace(
        device,
        weights_bytes=device.weights_bytes + own.weights_bytes,
        draft_bytes=own.weights_bytes,
        kv_cache_bytes=device.kv_cache_bytes + own.kv_cache_bytes,
        recurrent_state_bytes=device.recurrent_state_bytes + own.recurrent_state_bytes,
        compute_bytes=larger.compute_bytes,
        activation_bytes=larger.activation_bytes,
        uncertainty_bytes=round(error),
    )
