"""What llama.cpp loads beside a model: LoRA adapters, a projector, and what drafts tokens ahead."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.catalog.rows import Model
from shared.engines.llama_cpp.cache import cache_digest
from shared.engines.llama_cpp.place import Placement
from shared.engines.llama_cpp.quantizer import stored_tensors
from shared.engines.llama_cpp.settings import ENGINE, Settings
from shared.engines.llama_cpp.weights import is_loaded_nevertheless
from shared.errors import BadValue, Refused
from shared.memory.adapter_weights import expert_numbers, numbers_per_rank
from shared.memory.breakdown import Breakdown, DeviceMemory
from shared.memory.placement import HOST
from shared.memory.split import Split
from shared.memory.tensors import inventory, mtp_model_layer
from shared.memory.workload import Workload
from shared.units import pad

_ADAPTER_NUMBER: Final = 4  # convert_lora_to_gguf.py writes 32 bits unless told otherwise
_TOWER_NUMBER: Final = 2  # projectors are published in 16 bits
_NUMBER: Final = 4
_TOWER_COMPUTE_PERCENT: Final = (
    40  # https://github.com/unslothai/unsloth counts 1.4 times the projector's file
)
_ALIGNMENT: Final = 32
# Architectures whose MTP layers llama.cpp loads and whose files hold them (`load_mtp` in src/models).
MTP: Final = frozenset(
    {"qwen35", "qwen35moe", "qwen3next", "glm4moe", "glm-dsa", "deepseek32", "step35", "mimo2", "nemotron-h", "hy_v3",
     "cohere2moe"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """More bytes in one place; `uncertainty_bytes` is independent of what else is there."""

    adapter_bytes: int = 0
    draft_bytes: int = 0
    tower_bytes: int = 0
    kv_cache_bytes: int = 0
    recurrent_state_bytes: int = 0
    compute_bytes: int = 0
    uncertainty_bytes: int = 0

    def on(self, device: DeviceMemory) -> DeviceMemory:
        """The device with this added."""
        weights = self.adapter_bytes + self.draft_bytes + self.tower_bytes
        error = (device.uncertainty_bytes**2 + self.uncertainty_bytes**2) ** 0.5
        return replace(
            device,
            weights_bytes=device.weights_bytes + weights,
            kv_cache_bytes=device.kv_cache_bytes + self.kv_cache_bytes,
            recurrent_state_bytes=device.recurrent_state_bytes + self.recurrent_state_bytes,
            compute_bytes=device.compute_bytes + self.compute_bytes,
            adapter_bytes=device.adapter_bytes + self.adapter_bytes,
            draft_bytes=device.draft_bytes + self.draft_bytes,
            tower_bytes=device.tower_bytes + self.tower_bytes,
            uncertainty_bytes=round(error),
        )


def adapters(workload: Workload, settings: Settings, placed: Placement) -> dict[int, Extra]:
    """Every adapter's tensors, each where the matrix it adapts lies.

    src/llama-adapter.cpp at 0c1e57098 (`llama_adapter_lora_init_impl`). Applying them adds a product of the widest
    matrix's rows to the graph; how much of it falls into holes of the compute buffer is not measured.

    Raises:
        BadValue: No adapter or no rank.
    """
    asked = workload.adapters
    if asked is None:
        return {}
    if asked.count < 1 or asked.rank < 1:
        raise BadValue("adapters", asked.count, "give at least one adapter of rank 1 or more")
    shape, whole = workload.model.shape, Split.even(1)
    one = asked.count * asked.rank * _ADAPTER_NUMBER
    sizes: dict[int, int] = {}
    for layer, place in enumerate(placed.places[:-1]):
        size = one * numbers_per_rank(shape, (layer,), whole, asked.targets)
        moved = 0
        if place != HOST and layer < placed.expert_layers_on_host and asked.targets == "all-linear":
            moved = one * expert_numbers(shape, (layer,), whole)
        sizes[place] = sizes.get(place, 0) + size - moved
        sizes[HOST] = sizes.get(HOST, 0) + moved
    product = settings.tokens * (_widest_rows(workload.model) + asked.rank) * _NUMBER
    return {
        place: Extra(
            adapter_bytes=size,
            compute_bytes=product if place in placed.places else 0,
            uncertainty_bytes=product,
        )
        for place, size in sizes.items()
        if size
    }


def projector(workload: Workload, gpus: int) -> dict[int, Extra]:
    """The vision and audio towers, on the first GPU, with a buffer of their own that is a rule of thumb.

    Raises:
        Refused: The model has no tower.
    """
    if not workload.projector:
        return {}
    size = sum(tower.parameters for tower in workload.model.towers) * _TOWER_NUMBER
    if not size:
        raise Refused(
            ENGINE, f"{workload.model.name} has no projector to load; leave --mmproj out", field="mmproj"
        )
    compute = size * _TOWER_COMPUTE_PERCENT // 100
    place = 0 if gpus else HOST
    return {place: Extra(tower_bytes=size, compute_bytes=compute, uncertainty_bytes=compute)}


def mtp(
    workload: Workload, mix: str, settings: Settings, placed: Placement, compute: int
) -> dict[int, Extra]:
    """The file's MTP layers with the output layer, and a context of their own: their cache, and a graph beside.

    The graph is reckoned as large as the model's own in that place (520 MiB beside 569 in the one public log).

    Raises:
        Refused: llama.cpp loads no MTP layers of this model.
    """
    speculation = workload.speculation
    if speculation is None or speculation.draft is not None:
        return {}
    shape = workload.model.shape
    if not shape.mtp_layers or shape.gguf_architecture not in MTP:
        raise Refused(
            ENGINE,
            f"it loads no MTP layers of {workload.model.name}; a draft model works",
            field="speculation",
        )
    size = sum(
        pad(item.size_bytes, _ALIGNMENT)
        for item in stored_tensors(shape, mix)
        if item.tensor.layer >= shape.layers and not is_loaded_nevertheless(item.tensor, shape)
    )
    layer = mtp_model_layer(shape)
    digest = cache_digest(workload.model, "f16", "f16", settings.flash_attention)
    cache = digest.bytes_between(layer, layer + 1, settings) * shape.mtp_layers
    extra = Extra(
        draft_bytes=size, kv_cache_bytes=cache, compute_bytes=compute, uncertainty_bytes=compute * 3 // 10
    )
    return {placed.places[-1]: extra}


def drafted(draft: Breakdown) -> dict[int, Extra]:
    """A draft model in the same process: all it holds but the context, which is there already."""
    places = dict(enumerate(draft.per_gpu)) | {HOST: draft.host}
    return {
        place: Extra(
            draft_bytes=device.weights_bytes,
            kv_cache_bytes=device.kv_cache_bytes,
            recurrent_state_bytes=device.recurrent_state_bytes,
            compute_bytes=device.compute_bytes,
            uncertainty_bytes=device.compute_bytes // 10,
        )
        for place, device in places.items()
    }


def with_extras(breakdown: Breakdown, extras: Sequence[dict[int, Extra]], lines: Sequence[str]) -> Breakdown:
    """The breakdown with everything that is beside the model."""
    devices, host = list(breakdown.per_gpu), breakdown.host
    for extra in extras:
        for place, more in extra.items():
            if place == HOST:
                host = more.on(host)
            else:
                devices[place] = more.on(devices[place])
    return replace(
        breakdown,
        per_gpu=tuple(devices),
        host=host,
        assumptions=(*breakdown.assumptions, *lines),
        evidence="derived",
    )


def _widest_rows(model: Model) -> int:
    groups = inventory(model.shape).groups
    return max(tensor.rows for group in groups for tensor in group.tensors if not tensor.is_vector)
