"""Layers of two kinds at once, and layers beside the text: Falcon-H1, Llama 3.2 Vision, searched Llamas."""

from dataclasses import replace
from typing import Final

from shared.catalog.rows import LayerKind
from shared.errors import Unsupported
from shared.hub.config.dense import llama
from shared.hub.config.parts import Parts, base, ffn, heads, layer_count, mamba2
from shared.hub.fields import Fields

# One image in four tiles of 1,601 states (Llama 3.2 Vision: 560 pixels, patches of 14, and one for the class).
_IMAGE_STATES: Final = 4 * 1601
_CROSS_EMBEDDINGS: Final = 8  # rows behind the vocabulary (MllamaTextModel of transformers 5.23)
_FFN_MULTIPLE: Final = 256


def falcon_h1(c: Fields) -> Parts:
    """Falcon-H1: attention and Mamba 2 side by side in every layer (falcon_h1 of transformers 5.23)."""
    width = c.whole("mamba_d_ssm", default=0, most=2**24)
    width = width or c.whole("mamba_expand", default=2, most=64) * c.whole("hidden_size", least=1)
    count = c.whole("mamba_n_heads", least=1, most=2**16)
    if width % count:
        raise Unsupported(f"The config's mamba_d_ssm {width} is not shared evenly by {count} heads.")
    sized = Fields(
        {
            "count": count,
            "width": width // count,
            "state": c.whole("mamba_d_state", least=1),
            "groups": c.whole("mamba_n_groups", default=1, least=1),
            "kernel": c.whole("mamba_d_conv", default=4, least=1),
            "mamba_conv_bias": c.flag("mamba_conv_bias", default=True),
        }
    )
    row = mamba2(sized, count="count", width="width", state="state", groups="groups", kernel="kernel")
    return {
        **base(c, gguf="falcon-h1"),
        "ffn_size": ffn(c),
        "attention": heads(c),
        "recurrent": replace(row, output_norm=c.flag("mamba_rms_norm", default=False)),
        "layer_pattern": (LayerKind.PARALLEL,),
    }


def llama_vision(c: Fields) -> Parts:
    """Llama 3.2 Vision: Llama's layers, between them some that attend to the image only."""
    crossing = set(c.whole_numbers("cross_attention_layers"))
    kinds = tuple(LayerKind.CROSS if layer in crossing else LayerKind.FULL for layer in range(layer_count(c)))
    if kinds.count(LayerKind.CROSS) != len(crossing):
        raise Unsupported("The config's cross_attention_layers lists layers that are not there.")
    return {
        **llama(c),
        "gguf_architecture": None,
        "layer_pattern": kinds,
        "cross_tokens": _IMAGE_STATES if crossing else 0,
        "extra_embeddings": _CROSS_EMBEDDINGS,
    }


def searched_llama(c: Fields) -> Parts:
    """Llama-Nemotron, found by search: every layer has its own key-value heads and feed-forward, or none.

    DeciLMForCausalLM as its repository's modeling_decilm.py has it.
    """
    kv_heads, widths = [], []
    count = c.whole("num_attention_heads", least=1, most=4096)
    blocks = [Fields(block) for block in c.sequence("block_configs") if isinstance(block, dict)]
    if len(blocks) != layer_count(c):
        raise Unsupported("The config does not describe every layer (block_configs).")
    for block in blocks:
        attention, fed = block.part("attention"), block.part("ffn")
        if any(part.flag("replace_with_linear", default=False) for part in (attention, fed)):
            raise Unsupported("The config has layers that are one matrix, which I have no rule for.")
        grouped = attention.whole("n_heads_in_group", default=0, most=count)
        is_none = attention.flag("no_op", default=False)
        if not is_none and (not grouped or count % grouped):
            raise Unsupported("The config does not say how many heads of a layer share a key.")
        kv_heads.append(0 if is_none else count // grouped)
        widths.append(0 if fed.flag("no_op", default=False) else _fed_width(c, fed.number("ffn_mult", 0.0)))
    attended = max(kv_heads)
    return {
        **base(c, gguf="deci"),
        "attention": heads(c.with_defaults(num_key_value_heads=attended or count)),
        "layer_pattern": tuple(LayerKind.FULL if one else LayerKind.NONE for one in kv_heads),
        "kv_heads_per_layer": tuple(kv_heads),
        "ffn_size_per_layer": tuple(widths),
        "ffn_size": max(widths),
        "rope_frequencies": True,
    }


def _fed_width(c: Fields, multiple: float) -> int:
    width = int(2 * multiple * c.whole("hidden_size", least=1, most=2**20) / 3)
    return -(-width // _FFN_MULTIPLE) * _FFN_MULTIPLE
