"""Small safetensors and GGUF files, written as their formats say."""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

Tensors = Mapping[str, tuple[int, ...]]

QWEN3_CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 256,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}

# name -> dimensions as a safetensors file of QWEN3_CONFIG has them
QWEN3_TENSORS: Tensors = {
    "model.embed_tokens.weight": (256, 64),
    "lm_head.weight": (256, 64),
    "model.norm.weight": (64,),
    **{
        f"model.layers.{layer}.{name}.weight": shape
        for layer in range(2)
        for name, shape in {
            "input_layernorm": (64,),
            "post_attention_layernorm": (64,),
            "self_attn.q_proj": (64, 64),
            "self_attn.k_proj": (32, 64),
            "self_attn.v_proj": (32, 64),
            "self_attn.o_proj": (64, 64),
            "self_attn.q_norm": (16,),
            "self_attn.k_norm": (16,),
            "mlp.gate_proj": (128, 64),
            "mlp.up_proj": (128, 64),
            "mlp.down_proj": (64, 128),
        }.items()
    },
}
QWEN3_PARAMETERS = 106_880

QWEN3_GGUF: Tensors = {
    "token_embd.weight": (64, 256),
    "output.weight": (64, 256),
    "output_norm.weight": (64,),
    **{
        f"blk.{layer}.{name}.weight": shape
        for layer in range(2)
        for name, shape in {
            "attn_norm": (64,),
            "ffn_norm": (64,),
            "attn_q": (64, 64),
            "attn_k": (64, 32),
            "attn_v": (64, 32),
            "attn_output": (64, 64),
            "attn_q_norm": (16,),
            "attn_k_norm": (16,),
            "ffn_gate": (64, 128),
            "ffn_up": (64, 128),
            "ffn_down": (128, 64),
        }.items()
    },
}
QWEN3_METADATA: Mapping[str, Any] = {
    "general.architecture": "qwen3",
    "general.file_type": 15,
    "qwen3.block_count": 2,
    "qwen3.embedding_length": 64,
    "qwen3.feed_forward_length": 128,
    "qwen3.attention.head_count": 4,
    "qwen3.attention.head_count_kv": 2,
    "qwen3.attention.key_length": 16,
    "qwen3.context_length": 4096,
    "qwen3.rope.freq_base": 1e6,
    "tokenizer.ggml.tokens": [f"token {index}" for index in range(256)],
    "tokenizer.ggml.token_type": [1] * 256,
    "tokenizer.ggml.add_bos_token": True,
    "tokenizer.chat_template": "{{ messages }}",
}


def safetensors(tensors: Tensors, dtype: str = "BF16", data: bytes = b"") -> bytes:
    """A safetensors file whose header describes these tensors (the data may be left out: only headers are read)."""
    width = {"BF16": 2, "F16": 2, "F32": 4, "F8_E4M3": 1, "I32": 4}[dtype]
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in tensors.items():
        size = width
        for dimension in shape:
            size *= dimension
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def gguf(metadata: Mapping[str, Any], tensors: Tensors, *, version: int = 3, data: bytes = b"") -> bytes:
    """A GGUF file of these keys and tensors."""
    parts = [b"GGUF", struct.pack("<IQQ", version, len(tensors), len(metadata))]
    for key, value in metadata.items():
        parts += [_text(key), _value(value)]
    for name, shape in tensors.items():
        parts += [_text(name), struct.pack("<I", len(shape)), struct.pack(f"<{len(shape)}Q", *shape)]
        parts.append(struct.pack("<IQ", 12, 0))
    return b"".join([*parts, data])


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    return struct.pack("<I", 9) + _array(value)


def _array(values: Sequence[Any]) -> bytes:
    if values and isinstance(values[0], str):
        return struct.pack("<IQ", 8, len(values)) + b"".join(_text(value) for value in values)
    return struct.pack("<IQ", 5, len(values)) + struct.pack(f"<{len(values)}i", *values)
