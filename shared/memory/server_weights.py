"""What each pipeline stage of a tensor-parallel server holds in weights, per rank.

The rules are vLLM's; SGLang and text-generation-inference split the same layers the same way.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import LayerKind, Model, Quantization, QuantizationFormat, Shape
from shared.memory.checkpoint import scheme
from shared.memory.sharding import allocated_bytes, pipeline_layers, rank_weights
from shared.memory.split import Split
from shared.memory.tensors import layer_attention

# Hidden and intermediate sizes Marlin pads MXFP4 experts to:
# vllm/model_executor/layers/fused_moe/oracle/mxfp4.py of 0.19.0 (`mxfp4_round_up_hidden_size_and_intermediate_size`)
_MXFP4_PADDING: Final = (256, 128)

# Linear rope scaling stretches the table of angles; the factor is `rope_scaling.factor` of config.json.
_LINEAR_ROPE_FACTOR: Final = {"gemma3": 8}

# Positions of text, height and width (`mrope_section` of config.json): the table is made four times as long, for
# the seconds of a video. vllm/model_executor/layers/rotary_embedding/mrope.py (`cache_max_position_num`)
_SECTIONED_ROPE: Final = frozenset(
    {"qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "glm4v"}
)
_SECTIONED_ROPE_LENGTH: Final = 4

# The share of a head that is rotated, `partial_rotary_factor` of config.json, where it is not all of it.
_ROTATED_PERCENT: Final = {
    "qwen3_next": 25,
    "qwen3_5": 25,
    "qwen3_5_moe": 25,
    "glm4": 50,
    "glm4_moe": 50,
    "phi": 50,
    "gpt_neox": 25,
    "nemotron": 50,
    "stablelm": 25,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One pipeline stage: its layers, and the bytes of weights each of its ranks holds, towers included."""

    layers: tuple[int, ...]
    weights_bytes: int
    tower_bytes: int
    first: bool
    last: bool


@lru_cache(maxsize=8192)
def stages(model: Model, quantization: Quantization, split: Split, pipeline: int) -> tuple[Stage, ...]:
    """The weights of each pipeline stage on a rank that holds this share of every layer, first to last.

    Embeddings (vocabulary padded to 64) lie on the first stage, the head on the last; a tied head is the embedding
    itself unless they lie on different stages. Towers keep 16 bits and are split like the model
    (`mm_encoder_tp_mode` "weights"). Source: vllm/model_executor/models/{llama,deepseek_v2}.py of 0.19.0.
    """
    shape = model.shape
    stored = scheme(model, quantization)
    padding = _MXFP4_PADDING if quantization.format is QuantizationFormat.MXFP4 else (1, 1)
    held = rank_weights(shape, stored, split, padding)
    absorbed = absorbed_latent_bytes(shape, split.attention)
    towers = sum(tower.parameters for tower in model.towers) * stored.plain_bytes // split.attention
    parts = pipeline_layers(shape.layers, pipeline)
    result = []
    for index, layers in enumerate(parts):
        first, last = index == 0, index == pipeline - 1
        size = sum(held.layers[layer] for layer in layers) + absorbed * len(layers)
        size += rope_table_bytes(model, stored.plain_bytes)
        if first:
            size += held.embedding_bytes + towers
        if last:
            size += held.rest_bytes
            if not shape.tied_embeddings:
                size += held.output_bytes
            elif not first:
                size += held.embedding_bytes
        result.append(
            Stage(
                layers=tuple(layers),
                weights_bytes=size,
                tower_bytes=towers if first else 0,
                first=first,
                last=last,
            )
        )
    return tuple(result)


def absorbed_latent_bytes(shape: Shape, tensor: int) -> int:
    """The 16-bit copies of the latent up-projections that MLA multiplies into queries and outputs, per layer.

    vllm/model_executor/layers/attention/mla_attention.py of 0.19.0 (`process_weights_after_loading`: W_UK_T, W_UV).
    """
    latent = shape.latent
    if latent is None or shape.attention is None or LayerKind.LATENT not in shape.layer_pattern:
        return 0
    heads = max(1, shape.attention.heads // tensor)
    one = allocated_bytes(heads * latent.kv_rank * latent.nope_head_dim * 2)
    other = allocated_bytes(heads * latent.kv_rank * latent.value_head_dim * 2)
    latent_share = shape.layer_kinds().count(LayerKind.LATENT)
    return (one + other) * latent_share // shape.layers


def rope_table_bytes(model: Model, element_bytes: int) -> int:
    """The cached angles of rotary positions: one row per position the model was made for, kept on every rank.

    vllm/model_executor/layers/rotary_embedding/base.py of 0.19.0; a second table where windowed layers turn by
    another base (Gemma 3 and after).
    """
    shape = model.shape
    if shape.learned_positions:
        return 0
    if shape.latent is not None:
        return model.context_tokens * shape.latent.rope_head_dim * element_bytes
    kinds = set(shape.layer_kinds())
    rows = model.context_tokens * element_bytes
    if shape.architecture in _SECTIONED_ROPE:
        rows *= _SECTIONED_ROPE_LENGTH
    size = 0
    if LayerKind.FULL in kinds or LayerKind.CHUNKED in kinds:
        width = (
            layer_attention(shape, LayerKind.FULL).head_dim
            * _ROTATED_PERCENT.get(shape.architecture, 100)
            // 100
        )
        size += rows * width * _LINEAR_ROPE_FACTOR.get(shape.architecture, 1)
    if LayerKind.WINDOW in kinds and (not size or shape.architecture.startswith("gemma")):
        size += rows * layer_attention(shape, LayerKind.WINDOW).head_dim
    return size
