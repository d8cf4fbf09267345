"""The peak of vLLM's profile run: what it keeps back for activations.

The profile runs the model once over `max_num_batched_tokens` dummy tokens, then samples for `max_num_seqs` sequences
at once. Whichever of the two holds more is the peak; with large vocabularies it is the sampler.
Source: vllm/v1/worker/gpu_model_runner.py of 0.19.0 (`profile_run`, `_dummy_run`, `_dummy_sampler_run`).
"""

from functools import lru_cache
from typing import Final

from shared.catalog.rows import Model, Quantization, QuantizationFormat, Shape
from shared.engines.vllm.compressed_cache import indexer_key_bytes
from shared.engines.vllm.rules import Rules
from shared.engines.vllm.run import Batch
from shared.memory.compressed_tensors import OVERLAPPING
from shared.memory.forward import experts_workspace_bytes, forward_bytes
from shared.units import MIB

# cuBLAS keeps one workspace in PyTorch's memory: aten/src/ATen/cuda/CublasHandlePool.cpp
_CUBLAS_WORKSPACE: Final = 32 * MIB
_CUBLAS_WORKSPACE_BEFORE_HOPPER: Final = 8320 * 1024
_REJECTION_BYTES: Final = 4 * 4  # fp32 numbers per logit
_GATHERED_CONTEXTS: Final = 40


@lru_cache(maxsize=16384)
def activation_bytes(
    model: Model,
    quantization: Quantization,
    batch: Batch,
    rules: Rules,
    *,
    hopper: bool,
    last: bool,
    indexer_bytes: int = 0,
) -> int:
    """The profiled peak on one rank of a stage; only the last stage samples.

    `indexer_bytes` lie in the same workspace as what the experts work in, one after the other.
    """
    shape = model.shape
    kept = _CUBLAS_WORKSPACE if hopper else _CUBLAS_WORKSPACE_BEFORE_HOPPER
    size = (batch.batched_tokens, batch.tensor_parallel, batch.element_bytes)
    workspace = max(_experts_bytes(shape, batch), indexer_bytes)
    hidden = batch.batched_tokens * shape.hidden_size * batch.element_bytes
    embeddings, pixels = vision_bytes(model, batch, rules)
    forward = forward_bytes(shape, *size) + workspace + embeddings + (shape.residual_streams - 1) * hidden
    if not last:
        return kept + forward + rules.pipeline_stage_hidden_states * hidden
    if shape.kind == "embedding":
        return kept + forward
    sampler = hidden + sampler_bytes(shape, batch, rules) + embeddings + pixels
    if rules.experts_workspace_kept and quantization.format is not QuantizationFormat.MXFP4:
        sampler += workspace
    return kept + max(forward, sampler)


def _experts_bytes(shape: Shape, batch: Batch) -> int:
    """What the experts of one rank work in: the tokens of all engines, gathered before and scattered after.

    vllm/model_executor/layers/fused_moe/prepare_finalize and modular_kernel.py of 0.19.0, with the default
    `all2all_backend` "allgather_reducescatter". An expert is whole under expert parallel, else cut over all ranks.
    """
    tokens = batch.batched_tokens * batch.data_parallel
    cut = 1 if batch.expert_parallel else batch.tensor_parallel * batch.data_parallel
    size = experts_workspace_bytes(shape, tokens, cut, batch.element_bytes)
    return size + gathered_bytes(shape, batch)


def indexer_bytes(shape: Shape, context_tokens: int) -> int:
    """The room in which a sparse indexer gathers keys: 40 contexts of them, or of rows that stand for several tokens.

    vllm/v1/attention/backends/mla/indexer.py (`get_max_prefill_buffer_size`) and
    vllm/model_executor/layers/sparse_attn_indexer.py of 0.19.0; vllm/models/deepseek_v4/attention.py of 0.22.
    """
    if shape.compressed is not None:
        width, tokens = shape.compressed.indexer_head_dim, context_tokens // OVERLAPPING
    elif shape.latent is not None and shape.latent.indexer_heads:
        width, tokens = shape.latent.indexer_head_dim, context_tokens
    else:
        return 0
    return _GATHERED_CONTEXTS * tokens * indexer_key_bytes(width)


def shared_experts_bytes(shape: Shape, batch: Batch) -> int:
    """What sharing the experts among several engines adds to the activations of a rank; never measured."""
    if batch.data_parallel == 1 or shape.experts is None:
        return 0
    alone = experts_workspace_bytes(shape, batch.batched_tokens, batch.tensor_parallel, batch.element_bytes)
    return max(gathered_bytes(shape, batch), _experts_bytes(shape, batch) - alone)


def gathered_bytes(shape: Shape, batch: Batch) -> int:
    """Hidden states of all engines before and after the experts, where several engines share them."""
    if batch.data_parallel == 1 or shape.experts is None:
        return 0
    return 2 * batch.data_parallel * batch.batched_tokens * shape.hidden_size * batch.element_bytes


def sampler_bytes(shape: Shape, batch: Batch, rules: Rules) -> int:
    """Logits in the model's type and everything the sampler makes of them, for all sequences at once.

    vllm/v1/sample/sampler.py and ops/topk_topp_sampler.py: since 0.17 fp32 logits, probabilities and noise beside
    the model's own logits, and the top-k kernel's buffer; before, a sort with its indices. With tokens guessed ahead
    the profile also rejects one per sequence (vllm/v1/sample/rejection_sampler.py of 0.19.0): two rows of logits and
    a copy of one in the model's type, and fp32 logits, their clone, probabilities and noise.
    """
    rows, vocabulary = batch.max_num_seqs, shape.vocabulary_size
    per_logit = batch.element_bytes + rules.sampler_bytes_per_logit
    if batch.ahead_tokens:
        per_logit = max(per_logit, 3 * batch.element_bytes + _REJECTION_BYTES)
    logits = rows * vocabulary * per_logit
    buffer = min(rules.topk_buffer_rows, rows) * vocabulary * 4
    sampled_hidden = 2 * rows * shape.hidden_size * batch.element_bytes
    return logits + buffer + sampled_hidden


def vision_bytes(model: Model, batch: Batch, rules: Rules) -> tuple[int, int]:
    """What profiling with as many images as one batch takes keeps: their embeddings, and the dummy images."""
    tower = next((tower for tower in model.towers if tower.kind == "vision"), None)
    if tower is None:
        return 0, 0
    architecture = model.shape.architecture
    pixels = dict(rules.vision_bytes_of).get(architecture, rules.vision_bytes_per_token)
    tokens = max(batch.batched_tokens, dict(rules.vision_tokens_of).get(architecture, 0))
    return tokens * model.shape.hidden_size * batch.element_bytes, tokens * pixels
