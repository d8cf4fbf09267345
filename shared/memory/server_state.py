"""The state a recurrent layer keeps per sequence in a server, in vLLM's and SGLang's layout."""

from functools import lru_cache
from typing import Final

from shared.catalog.rows import Shape
from shared.errors import Unsupported
from shared.units import ceil_div

_CONVOLUTION_BYTES: Final = 2  # in the model's own type (`mamba_cache_dtype` auto)
# Delta nets keep their state in fp32 (`mamba_ssm_dtype` of their config.json); Mamba's follows the model's type
# unless its config.json says otherwise.
_STATE_BYTES: Final = {"gated_delta_net": 4, "kda": 4, "mamba": 2, "mamba2": 2, "short_convolution": 2}


@lru_cache(maxsize=2048)
def state_page_bytes(shape: Shape, tensor: int, ahead_tokens: int = 0) -> int:
    """Bytes of one layer's convolution and recurrent state for one sequence on one rank.

    Tokens guessed ahead lengthen the convolution's history, so that it can go back.
    vllm/model_executor/layers/mamba/mamba_utils.py of 0.19.0 (`MambaStateShapeCalculator`).

    Raises:
        Unsupported: RWKV layers.
    """
    row = shape.recurrent
    if row is None:
        return 0
    taps = max(0, row.conv_kernel - 1) + (ahead_tokens if row.conv_kernel else 0)
    state_bytes = _STATE_BYTES.get(row.kind)
    if state_bytes is None:
        raise Unsupported(
            f"I have no rule for the state of {row.kind} layers in a server; llama.cpp runs them."
        )
    match row.kind:
        case "mamba":
            channels, numbers = row.inner_size, row.inner_size * row.state_size
        case "mamba2":
            groups = row.groups if row.groups % tensor == 0 else tensor
            channels = row.inner_size + 2 * groups * row.state_size
            numbers = row.inner_size * row.state_size
        case "short_convolution":
            channels, numbers = shape.hidden_size, 0
        case _:
            keys = (row.key_heads or row.heads) * (row.key_head_dim or row.head_dim)
            channels = 2 * keys + row.heads * row.head_dim
            numbers = row.heads * row.head_dim * (row.key_head_dim or row.head_dim)
    return ceil_div(channels, tensor) * taps * _CONVOLUTION_BYTES + ceil_div(numbers, tensor) * state_bytes
