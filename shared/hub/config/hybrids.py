"""Latent attention, and layers that keep a fixed state instead of a cache: each as its model code has it."""

from dataclasses import replace
from typing import Final

from shared.catalog.rows import LayerKind, Recurrent
from shared.errors import Unsupported
from shared.hub.config.mixtures import dense_layers, gated_shared
from shared.hub.config.parts import (
    Parts,
    base,
    delta_net,
    every_nth_full,
    experts,
    ffn,
    folded,
    heads,
    layer_count,
    listed_layers,
    mamba2,
    mtp,
)
from shared.hub.fields import Fields


def _delta(c: Fields, gguf: str) -> Parts:
    interval = c.whole("full_attention_interval", default=4, most=64)
    return {
        **base(c, gguf=gguf),
        **mtp(c),
        "attention": heads(c, qk_norm="head", output_gate=True),
        "recurrent": delta_net(c),
        "layer_pattern": listed_layers(c) or every_nth_full(LayerKind.RECURRENT, interval),
    }


def qwen3_next(c: Fields) -> Parts:
    """Qwen3-Next: the published checkpoint holds one prediction layer that the config does not name."""
    return {**_delta(c.with_defaults(num_nextn_predict_layers=1), "qwen3next"), **_qwen_mixture(c)}


def qwen3_5(c: Fields) -> Parts:
    """Qwen3.5 and 3.6, dense."""
    return {**_delta(c, "qwen35"), "ffn_size": ffn(c)}


def qwen3_5_moe(c: Fields) -> Parts:
    """Qwen3.5 and 3.6, mixtures."""
    return {**_delta(c, "qwen35moe"), **_qwen_mixture(c)}


def _qwen_mixture(c: Fields) -> Parts:
    return {**dense_layers(c), "experts": experts(c, **gated_shared(c))}


def granitemoehybrid(c: Fields) -> Parts:
    """Granite 4: Mamba 2 in most layers; without experts the shared one is the feed-forward."""
    kinds = listed_layers(c) or listed_layers(c, "layers_block_type") or (LayerKind.FULL,)
    mixture = c.whole("num_local_experts", default=0) > 0
    # the converter names a stack without recurrent layers after the plain architectures
    stack = "granitehybrid" if LayerKind.RECURRENT in kinds else "granitemoe" if mixture else "granite"
    parts = {**base(c, gguf=stack), "attention": heads(c), "layer_pattern": kinds}
    width = c.whole("shared_intermediate_size", default=0, most=2**24)
    if mixture:
        parts["experts"] = experts(c, **({"shared": 1, "shared_width": width} if width else {}))
    else:
        parts["ffn_size"] = width or ffn(c)
    if LayerKind.RECURRENT in kinds:
        parts["recurrent"] = mamba2(
            c,
            count="mamba_n_heads",
            width="mamba_d_head",
            state="mamba_d_state",
            groups="mamba_n_groups",
            kernel="mamba_d_conv",
        )
    return parts


_NEMOTRON: Final = {
    "M": LayerKind.RECURRENT,
    "mamba": LayerKind.RECURRENT,
    "*": LayerKind.FULL,
    "attention": LayerKind.FULL,
    "-": LayerKind.NONE,
    "mlp": LayerKind.NONE,
    "E": LayerKind.NONE,
    "moe": LayerKind.NONE,
}


def nemotron_h(c: Fields) -> Parts:
    """Nemotron-H and Nemotron 3: each layer is Mamba 2, attention, or a feed-forward (dense, or a mixture)."""
    kinds, is_mixture = _nemotron_layers(c)
    c = c.with_defaults(num_hidden_layers=len(kinds))
    if len(kinds) != layer_count(c):
        raise Unsupported(f"The config lists {len(kinds)} layers and says it has {layer_count(c)}.")
    parts = {
        **base(c, gguf="nemotron_h"),
        "ffn_size": ffn(c),
        "attention": heads(c),
        "layer_pattern": kinds,
        "recurrent": mamba2(
            c,
            count="mamba_num_heads",
            width="mamba_head_dim",
            state="ssm_state_size",
            groups="n_groups",
            kernel="conv_kernel",
        ),
        "ffn_gated": False,
        "norms_per_layer": 1,
    }
    return {**parts, **_nemotron_mixture(c)} if is_mixture else parts


def _nemotron_layers(c: Fields) -> tuple[tuple[LayerKind, ...], bool]:
    """The kind of every layer, and whether the feed-forwards are mixtures."""
    is_list = c.is_list("layers_block_type")
    listed = list(c.sequence("layers_block_type") if is_list else c.text("hybrid_override_pattern"))
    kinds = tuple(_NEMOTRON[entry] for entry in listed if isinstance(entry, str) and entry in _NEMOTRON)
    if not kinds or len(kinds) != len(listed):
        raise Unsupported("The config does not list the kind of every layer (hybrid_override_pattern).")
    is_mixture = "E" in listed or "moe" in listed
    if is_mixture and ("-" in listed or "mlp" in listed):
        raise Unsupported("The config mixes dense and expert layers, which I have no rule for.")
    return kinds, is_mixture


def _nemotron_mixture(c: Fields) -> Parts:
    """Experts, in Nemotron 3 Super and Ultra of a narrower stream."""
    shared = c.whole("n_shared_experts", default=0, most=64)
    width = shared * c.whole("moe_shared_expert_intermediate_size", default=0, most=2**24)
    narrow = c.whole("moe_latent_size", default=0, most=2**16)
    return {
        "gguf_architecture": "nemotron_h_moe",
        "experts": experts(c, shared=shared, shared_width=width, router_bias=True, latent_size=narrow),
    }


def jamba(c: Fields) -> Parts:
    """Jamba: attention in one layer of a few, experts in every other."""
    period = c.whole("attn_layer_period", default=8, least=1, most=64)
    offset = c.whole("attn_layer_offset", default=4, most=period - 1)
    kinds = [
        LayerKind.FULL if layer % period == offset else LayerKind.RECURRENT for layer in range(layer_count(c))
    ]
    every = c.whole("expert_layer_period", default=2, least=1, most=64)
    has_experts = c.whole("num_experts", default=16) > 1
    if has_experts and c.whole("expert_layer_offset", default=1) != every - 1:
        raise Unsupported(
            "This Jamba has its experts in other layers than published ones, which I have no rule for."
        )
    recurrent = _mamba(
        c, state="mamba_d_state", kernel="mamba_d_conv", expand="mamba_expand", rank="mamba_dt_rank"
    )
    return {
        **base(c, gguf="jamba"),
        "ffn_size": ffn(c),
        "attention": heads(c),
        "layer_pattern": folded(kinds),
        "recurrent": replace(recurrent, inner_norms=True),
        "experts": experts(c, every=every) if has_experts else None,
    }


def mamba(c: Fields) -> Parts:
    """Mamba and Falcon Mamba: no attention at all; the width of the state is said, or a multiple of the model's."""
    tied = c.text("model_type") != "falcon_mamba"
    row = _mamba(c, state="state_size", kernel="conv_kernel", expand="expand", rank="time_step_rank")
    inner = c.whole("intermediate_size", default=row.inner_size, least=1, most=2**24)
    return {
        **base(c, gguf="mamba", tied=tied),
        "layer_pattern": (LayerKind.RECURRENT,),
        "recurrent": replace(row, inner_size=inner),
        "norms_per_layer": 1,
    }


def _mamba(c: Fields, *, state: str, kernel: str, expand: str, rank: str) -> Recurrent:
    hidden = c.whole("hidden_size", "d_model", least=1)
    automatic = -(-hidden // 16)  # what "auto" stands for
    return Recurrent(
        kind="mamba",
        conv_kernel=c.whole(kernel, default=4, least=1, most=64),
        inner_size=c.whole(expand, default=2, least=1, most=64) * hidden,
        state_size=c.whole(state, default=16, least=1, most=2**16),
        time_step_rank=automatic
        if c.is_text(rank)
        else c.whole(rank, default=automatic, least=1, most=2**16),
        conv_bias=c.flag("use_conv_bias", "mamba_conv_bias", default=True),
    )


def lfm2(c: Fields) -> Parts:
    """LFM2: short convolutions with a few layers of attention; its feed-forward's width is rounded as it says."""
    full = c.sequence("full_attn_idxs")
    kinds = (
        [LayerKind.FULL if layer in full else LayerKind.RECURRENT for layer in range(layer_count(c))]
        if full
        else []
    )
    hidden = c.whole("hidden_size", "block_dim", least=1)
    return {
        **base(c, gguf="lfm2", tied=c.flag("tie_embedding", default=True)),
        "ffn_size": _rounded_width(c),
        "attention": heads(c, qk_norm="head"),
        "layer_pattern": listed_layers(c) or tuple(kinds),
        "recurrent": Recurrent(
            kind="short_convolution",
            conv_kernel=c.whole("conv_L_cache", default=3, least=1, most=64),
            inner_size=hidden,
            conv_bias=c.flag("conv_bias", default=False),
        ),
    }


def _rounded_width(c: Fields) -> int:
    width = c.whole("intermediate_size", "block_ff_dim", least=1, most=2**24)
    if not c.flag("block_auto_adjust_ff_dim", default=True):
        return width
    width = int(c.number("block_ffn_dim_multiplier", 1.0) * int(2 * width / 3))
    multiple = c.whole("block_multiple_of", default=256, least=1, most=2**16)
    return -(-width // multiple) * multiple


def lfm2_moe(c: Fields) -> Parts:
    """LFM2's mixtures: a few dense layers first."""
    first = c.whole("num_dense_layers", default=0, most=layer_count(c) - 1)
    return {
        **lfm2(c),
        "gguf_architecture": "lfm2moe",
        "ffn_size": ffn(c),
        "experts": experts(c, first_dense_layers=first, router_bias=c.flag("use_expert_bias", default=True)),
    }
