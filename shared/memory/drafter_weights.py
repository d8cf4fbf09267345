"""What drafts tokens ahead, as one rank of a server holds it: MTP layers of the checkpoint, or a model of its own."""

from functools import lru_cache

from shared.catalog.rows import LayerKind, Model, Quantization
from shared.memory.checkpoint import scheme
from shared.memory.server_weights import absorbed_latent_bytes, stages
from shared.memory.sharding import tensors_bytes
from shared.memory.split import Split
from shared.memory.tensors import inventory, kv_heads, mtp_model_layer


@lru_cache(maxsize=2048)
def mtp_bytes(model: Model, quantization: Quantization, split: Split) -> int:
    """The model's MTP layers, cut like its others, without embedding and head, which are the model's own.

    vllm/model_executor/models/deepseek_mtp.py of 0.19.0; sglang/srt/models/deepseek_nextn.py of 0.5.23.
    """
    shape = model.shape
    layer = mtp_model_layer(shape)
    kind = shape.layer_kinds()[layer]
    stored = scheme(model, quantization)
    size = tensors_bytes(inventory(shape).mtp, kv_heads(shape, kind, layer), stored, split)
    if kind is LayerKind.LATENT:
        size += absorbed_latent_bytes(shape, split.attention)
    return size * shape.mtp_layers


def draft_model_bytes(draft: Model, quantization: Quantization, tensor: int) -> int:
    """A draft model, cut over the same ranks."""
    return stages(draft, quantization, Split.even(tensor), 1)[0].weights_bytes
