"""Where vLLM keeps what a vision tower feeds into the first layers of the language model."""

from typing import Final

from shared.catalog.rows import Model

_DEEPSTACK: Final = frozenset({"qwen3_vl", "qwen3_vl_moe"})
_LEVELS: Final = 3  # `deepstack_visual_indexes` of every published config of these


def deepstack_bytes(model: Model, batched_tokens: int, element_bytes: int) -> int:
    """Bytes of the buffers made with the model, one row per batched token and level; 0 without a tower.

    vllm/model_executor/models/qwen3_vl.py of 0.19.0 (`deepstack_input_embeds`). They count as weights in vLLM's log.
    """
    if model.shape.architecture not in _DEEPSTACK or not model.towers:
        return 0
    return _LEVELS * batched_tokens * model.shape.hidden_size * element_bytes
