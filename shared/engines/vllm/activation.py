"""The peak of vLLM's profile run: what it keeps back for activations.

The profile runs the model once over `max_num_batched_tokens` dummy tokens, then samples for `max_num_seqs` sequences
at once. Whichever of the two holds more is the peak; with large vocabularies it is the sampler.
Source: vllm/v1/worker/gpu_model_runner.py of 0.19.0 (`profile_run`, `_dummy_run`, `_dummy_sampler_run`).
"""

from functools import lru_cache
from typing import Final

from shared.catalog.rows import LayerKind, Model, Quantization, QuantizationFormat, Shape
from shared.engines.vllm.rules import Rules
from shared.engines.vllm.run import Batch
from shared.units import MIB, ceil_div

# cuBLAS keeps one workspace in PyTorch's memory: aten/src/ATen/cuda/CublasHandlePool.cpp
_CUBLAS_WORKSPACE: Final = 32 * MIB
_CUBLAS_WORKSPACE_BEFORE_HOPPER: Final = 8320 * 1024

# MLA reserves the up-projection of this many cached tokens while it profiles:
# vllm/model_executor/layers/attention/mla_attention.py of 0.19.0 (`determine_chunked_prefill_workspace_size`)
_MLA_WORKSPACE_TOKENS: Final = 64 * 1024


@lru_cache(maxsize=16384)
def activation_bytes(
    model: Model, quantization: Quantization, batch: Batch, rules: Rules, *, hopper: bool, last: bool
) -> int:
    """The profiled peak on one rank of a stage; only the last stage samples."""
    shape = model.shape
    kept = _CUBLAS_WORKSPACE if hopper else _CUBLAS_WORKSPACE_BEFORE_HOPPER
    workspace = experts_workspace_bytes(shape, batch)
    hidden = batch.batched_tokens * shape.hidden_size * batch.element_bytes
    embeddings, pixels = vision_bytes(model, batch, rules)
    forward = forward_bytes(shape, batch) + workspace + embeddings
    if not last:
        return kept + forward + rules.pipeline_stage_hidden_states * hidden
    if shape.kind == "embedding":
        return kept + forward
    sampler = hidden + sampler_bytes(shape, batch, rules) + embeddings + pixels
    if rules.experts_workspace_kept and quantization.format is not QuantizationFormat.MXFP4:
        sampler += workspace
    return kept + max(forward, sampler)


def sampler_bytes(shape: Shape, batch: Batch, rules: Rules) -> int:
    """Logits in the model's type and everything the sampler makes of them, for all sequences at once.

    vllm/v1/sample/sampler.py and ops/topk_topp_sampler.py: since 0.17 fp32 logits, probabilities and noise beside
    the model's own logits, and the top-k kernel's buffer; before, a sort with its indices.
    """
    rows, vocabulary = batch.max_num_seqs, shape.vocabulary_size
    logits = rows * vocabulary * (batch.element_bytes + rules.sampler_bytes_per_logit)
    buffer = min(rules.topk_buffer_rows, rows) * vocabulary * 4
    sampled_hidden = 2 * rows * shape.hidden_size * batch.element_bytes
    return logits + buffer + sampled_hidden


def experts_workspace_bytes(shape: Shape, batch: Batch) -> int:
    """The two buffers the fused experts work in; vLLM's workspace manager never frees them.

    vllm/model_executor/layers/fused_moe/fused_moe.py of 0.19.0 (`TritonExperts.workspace_shapes`; Marlin's are alike).
    """
    experts = shape.experts
    if experts is None:
        return 0
    inner = ceil_div(experts.ffn_size, batch.tensor_parallel)
    fused = 2 * inner if shape.ffn_gated else inner
    per_choice = max(inner, shape.hidden_size) + max(fused, shape.hidden_size)
    return batch.batched_tokens * experts.active * per_choice * batch.element_bytes


def forward_bytes(shape: Shape, batch: Batch) -> int:
    """The most one layer holds at once: gate and up projections with their product, beside the residual stream."""
    widest = max(_dense_width(shape), _attention_width(shape), _state_width(shape))
    per_token = ceil_div(widest, batch.tensor_parallel) + shape.hidden_size
    size = batch.batched_tokens * per_token * batch.element_bytes
    if shape.latent is not None and shape.attention is not None:
        heads = max(1, shape.attention.heads // batch.tensor_parallel)
        width = shape.latent.nope_head_dim + shape.latent.value_head_dim
        size = max(size, _MLA_WORKSPACE_TOKENS * heads * width * batch.element_bytes)
    return size


def _dense_width(shape: Shape) -> int:
    inner = max(shape.ffn_size, *shape.ffn_size_per_layer, 0)
    if shape.experts is not None:
        inner = max(inner, shape.experts.shared_ffn_size)
    return (3 if shape.ffn_gated else 2) * inner


def _attention_width(shape: Shape) -> int:
    """Queries, keys and values, and the attention's output."""
    attention = shape.attention
    return 2 * (attention.heads + attention.kv_heads) * attention.head_dim if attention else 0


def _state_width(shape: Shape) -> int:
    """A recurrent layer's projections, their convolution and the scan's states; not measured."""
    row = shape.recurrent
    if row is None or LayerKind.RECURRENT not in shape.layer_pattern:
        return 0
    inner = row.inner_size or row.heads * row.head_dim
    keys = (row.key_heads or row.heads) * (row.key_head_dim or row.head_dim) + row.groups * row.state_size
    return 6 * inner + 4 * keys


def vision_bytes(model: Model, batch: Batch, rules: Rules) -> tuple[int, int]:
    """What profiling with as many images as one batch takes keeps: their embeddings, and the dummy images."""
    tower = next((tower for tower in model.towers if tower.kind == "vision"), None)
    if tower is None:
        return 0, 0
    architecture = model.shape.architecture
    pixels = dict(rules.vision_bytes_of).get(architecture, rules.vision_bytes_per_token)
    tokens = max(batch.batched_tokens, dict(rules.vision_tokens_of).get(architecture, 0))
    return tokens * model.shape.hidden_size * batch.element_bytes, tokens * pixels
