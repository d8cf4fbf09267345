"""Windows with heads of their own, and a gate per head over the attention's output (Step 3.5, Laguna)."""

from collections.abc import Sequence
from dataclasses import replace

from shared.catalog.rows import Attention, LayerKind
from shared.errors import Unsupported, shown
from shared.hub.config.parts import Parts, base, experts, ffn, heads, layer_count, listed_layers, mtp
from shared.hub.fields import Fields


def step(c: Fields) -> Parts:
    """Step 3.5 and 3.7 Flash (step3p7/modeling_step3p7.py of transformers 5.23)."""
    kinds = listed_layers(_without_prediction(c))
    if not kinds:
        raise Unsupported("The config does not list the kind of every layer (layer_types).")
    other = c.part("attention_other_setting")
    count = c.whole("num_sliding_attention_heads", default=0) or other.whole("num_attention_heads", default=0)
    attention = heads(
        c.with_defaults(num_key_value_heads=c.whole("num_attention_groups", "num_key_value_heads", least=1)),
        qk_norm="head",
        head_gate=True,
    )
    width = c.whole("share_expert_dim", "share_expert_dims", default=0, most=2**24)
    c = c.with_defaults(
        num_experts=c.whole("moe_num_experts", "n_routed_experts", "num_experts", least=1),
        num_experts_per_tok=c.whole("moe_top_k", "num_experts_per_tok", least=1),
    )
    return {
        **base(c, gguf="step35"),
        **mtp(c),
        "ffn_size": ffn(c),
        "attention": attention,
        **_windowed(attention, count or attention.heads),
        "window_tokens": c.whole("sliding_window", least=1),
        "layer_pattern": kinds,
        "experts": experts(
            c, first_dense_layers=_first_mixture(c), router_bias=True, shared=1, shared_width=width
        ),
    }


def _without_prediction(c: Fields) -> Fields:
    """The layer list less the entries of prediction layers that stand behind it."""
    if not c.is_list("layer_types"):
        return Fields({"num_hidden_layers": layer_count(c)})
    return Fields(
        {
            "num_hidden_layers": layer_count(c),
            "layer_types": list(c.sequence("layer_types"))[: layer_count(c)],
        }
    )


def _first_mixture(c: Fields) -> int:
    """How many dense layers come first: listed (moe_layers_enum), or three."""
    if c.is_text("moe_layers_enum"):
        first = c.text("moe_layers_enum").split(",")[0].strip()
        if not first.isdecimal():
            raise Unsupported("The config's moe_layers_enum does not list layers.")
        return min(int(first), layer_count(c) - 1)
    return c.whole("first_k_dense_replace", default=3, most=layer_count(c) - 1)


def laguna(c: Fields) -> Parts:
    """Poolside's Laguna (laguna/modeling_laguna.py of transformers 5.23): the first layer is dense."""
    kinds = listed_layers(c) or (LayerKind.FULL,)
    counts = c.sequence("num_attention_heads_per_layer")
    gate = c.text("gating", "per-head") if c.is_text("gating") else "per-head"
    if gate not in ("per-head", "per-element"):
        raise Unsupported(f"This Laguna has a gate {shown(gate)}, which I have no rule for.")
    attention = heads(c, qk_norm="head", head_gate=gate == "per-head", output_gate=gate == "per-element")
    parts = {
        **base(c, gguf="laguna"),
        "ffn_size": ffn(c),
        "attention": attention,
        "layer_pattern": kinds,
        "experts": experts(
            c,
            first_dense_layers=_dense_first(c),
            router_bias=True,
            shared=1,
            shared_width=c.whole("shared_expert_intermediate_size", least=1, most=2**24),
        ),
    }
    if LayerKind.WINDOW in kinds:
        parts["window_tokens"] = c.whole("sliding_window", least=1)
        parts |= _by_kind(attention, kinds, counts)
    return parts


def _dense_first(c: Fields) -> int:
    """Dense layers, which must come before all mixtures."""
    if not c.is_list("mlp_layer_types"):
        return 1
    listed = list(c.sequence("mlp_layer_types"))
    dense = listed.count("dense")
    if listed != ["dense"] * dense + ["sparse"] * (len(listed) - dense) or len(listed) != layer_count(c):
        raise Unsupported("The config's mlp_layer_types do not list dense layers first.")
    return dense


def _by_kind(attention: Attention, kinds: Sequence[LayerKind], counts: Sequence[object]) -> Parts:
    """Heads of full and of window layers, where the config lists them layer by layer."""
    if not counts:
        return {}
    heads_of: dict[LayerKind, set[int]] = {LayerKind.FULL: set(), LayerKind.WINDOW: set()}
    for layer, count in enumerate(counts):
        if isinstance(count, bool) or not isinstance(count, int) or not 0 < count <= 4096:
            raise Unsupported("The config's num_attention_heads_per_layer lists what is no number of heads.")
        heads_of.setdefault(kinds[layer % len(kinds)], set()).add(count)
    if len(heads_of[LayerKind.WINDOW]) != 1 or heads_of[LayerKind.FULL] - {attention.heads}:
        raise Unsupported(
            "This Laguna has layers of one kind with different heads, which I have no rule for."
        )
    return _windowed(attention, heads_of[LayerKind.WINDOW].pop())


def _windowed(attention: Attention, count: int) -> Parts:
    """The heads of window layers, where they are others."""
    if count == attention.heads:
        return {}
    if count % attention.kv_heads:
        raise Unsupported(
            f"The config has {count} heads in windows and {attention.kv_heads} key-value heads."
        )
    return {"window_attention": replace(attention, heads=count)}
