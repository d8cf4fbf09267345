"""What most architectures' configs have in common: heads, feed-forward, experts, layer lists."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from shared.catalog.rows import Attention, Experts, Latent, LayerKind, Recurrent
from shared.errors import Unsupported, shown
from shared.hub.fields import MOST_EXPERTS, MOST_LAYERS, Fields

Parts = dict[str, Any]  # fields of a Shape
Adapter = Callable[[Fields], Parts]
HeadNorm = Literal["none", "head", "full"]

_LAYER_KINDS: Final = {
    "full_attention": LayerKind.FULL,
    "attention": LayerKind.FULL,
    "sliding_attention": LayerKind.WINDOW,
    "chunked_attention": LayerKind.CHUNKED,
    "linear_attention": LayerKind.RECURRENT,
    "mamba": LayerKind.RECURRENT,
    "conv": LayerKind.RECURRENT,
}


def base(c: Fields, *, gguf: str | None, tied: bool = False) -> Parts:
    """What every decoder has. `tied` is the architecture's own default."""
    return {
        "gguf_architecture": gguf,
        "layers": layer_count(c),
        "hidden_size": c.whole("hidden_size", "n_embd", "d_model", least=1, most=2**20),
        "ffn_size": 0,
        "vocabulary_size": c.whole("vocab_size", least=1, most=2**24),
        "tied_embeddings": c.flag("tie_word_embeddings", default=tied),
    }


def layer_count(c: Fields) -> int:
    """Decoder layers."""
    return c.whole("num_hidden_layers", "n_layer", "n_layers", "num_layers", least=1, most=MOST_LAYERS)


def heads(
    c: Fields,
    *,
    qk_norm: HeadNorm = "none",
    qkv_bias: bool | None = None,
    output_bias: bool | None = None,
    **further: Any,
) -> Attention:
    """Grouped-query heads. A bias that the architecture does not fix is as `attention_bias` says."""
    count = c.whole("num_attention_heads", "n_head", "n_heads", least=1, most=4096)
    kv_heads = c.whole("num_key_value_heads", "num_kv_heads", default=count, least=1, most=4096)
    head_dim = c.whole("head_dim", "attention_head_dim", default=0, most=8192) or _head_dim(c, count)
    bias = c.flag("attention_bias", "use_bias", default=False)
    if count % kv_heads:
        raise Unsupported(
            f"The config has {count} heads and {kv_heads} key-value heads, which do not divide."
        )
    return Attention(
        heads=count,
        kv_heads=kv_heads,
        head_dim=head_dim,
        qk_norm=qk_norm,
        qkv_bias=bias if qkv_bias is None else qkv_bias,
        output_bias=bias if output_bias is None else output_bias,
        **further,
    )


def _head_dim(c: Fields, count: int) -> int:
    hidden = c.whole("hidden_size", "n_embd", "d_model", least=1)
    if hidden % count:
        raise Unsupported(f"The config's hidden_size {hidden} is not shared evenly by {count} heads.")
    return hidden // count


def ffn(c: Fields) -> int:
    """Width of a dense feed-forward."""
    return c.whole("intermediate_size", "ffn_hidden_size", least=1, most=2**24)


def experts(c: Fields, *, shared_width: int = 0, **further: Any) -> Experts:
    """A mixture by the names most configs use. `shared_width` is that of all shared experts together."""
    total = c.whole(
        "n_routed_experts", "num_experts", "num_local_experts", "moe_num_experts", least=1, most=MOST_EXPERTS
    )
    active = c.whole(
        *("num_experts_per_tok", "num_experts_per_token", "top_k_experts", "experts_per_token", "moe_k"),
        *("moe_topk", "moe_top_k"),
        least=1,
        most=total,
    )
    size = c.whole(
        "moe_intermediate_size", "expert_ffn_hidden_size", "intermediate_size", least=1, most=2**24
    )
    return Experts(total=total, active=active, ffn_size=size, shared_ffn_size=shared_width, **further)


def shared_experts(c: Fields) -> dict[str, int]:
    """Shared experts of the width of a routed one (DeepSeek and its kin)."""
    count = c.whole("n_shared_experts", "num_shared_experts", "moe_num_shared_experts", default=0, most=64)
    if not count:
        return {}
    return {"shared": count, "shared_width": count * c.whole("moe_intermediate_size", least=1, most=2**24)}


def latent(c: Fields) -> Parts:
    """Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434) with V3.2's indexer where there is one."""
    row = Latent(
        query_rank=c.whole("q_lora_rank", default=0, most=2**16),
        kv_rank=c.whole("kv_lora_rank", least=1, most=2**16),
        rope_head_dim=c.whole("qk_rope_head_dim", least=1, most=8192),
        nope_head_dim=c.whole("qk_nope_head_dim", least=1, most=8192),
        value_head_dim=c.whole("v_head_dim", least=1, most=8192),
        indexer_heads=c.whole("index_n_heads", default=0, most=4096),
        indexer_head_dim=c.whole("index_head_dim", default=0, most=8192),
        indexer_topk=c.whole("index_topk", default=0),
    )
    count = c.whole("num_attention_heads", least=1, most=4096)
    attention = Attention(
        heads=count,
        kv_heads=count,
        head_dim=row.nope_head_dim + row.rope_head_dim,
        value_head_dim=row.value_head_dim,
    )
    return {"latent": row, "attention": attention, "layer_pattern": (LayerKind.LATENT,)}


def listed_layers(c: Fields, name: str = "layer_types") -> tuple[LayerKind, ...]:
    """The kind of every layer where the config lists them; empty where it does not."""
    if not c.is_list(name):
        return ()
    kinds = []
    for entry in c.sequence(name):
        kind = _LAYER_KINDS.get(entry) if isinstance(entry, str) else None
        if kind is None:
            raise Unsupported(
                f"The config has layers of kind {shown(str(entry)[:80])}, which I have no rule for."
            )
        kinds.append(kind)
    if len(kinds) != layer_count(c):
        raise Unsupported(f"The config lists {len(kinds)} layers and says it has {layer_count(c)}.")
    return folded(kinds)


def every_nth_full(other: LayerKind, interval: int) -> tuple[LayerKind, ...]:
    """`interval` - 1 layers of one kind, then a full one."""
    if not 1 <= interval <= MOST_LAYERS:
        raise Unsupported(f"The config repeats its layers every {interval}, which cannot be.")
    return (*(other,) * (interval - 1), LayerKind.FULL)


def folded(kinds: Sequence[LayerKind]) -> tuple[LayerKind, ...]:
    """The shortest pattern of at most twelve layers that repeats into `kinds`; `kinds` itself if there is none."""
    for length in range(1, min(12, len(kinds)) + 1):
        if all(kind is kinds[index % length] for index, kind in enumerate(kinds)):
            return tuple(kinds[:length])
    return tuple(kinds)


def delta_net(c: Fields) -> Recurrent:
    """Gated delta net (Qwen3-Next and after)."""
    key_heads = c.whole("linear_num_key_heads", least=1, most=4096)
    value_heads = c.whole("linear_num_value_heads", least=1, most=4096)
    key_dim = c.whole("linear_key_head_dim", least=1, most=8192)
    value_dim = c.whole("linear_value_head_dim", least=1, most=8192)
    return Recurrent(
        kind="gated_delta_net",
        conv_kernel=c.whole("linear_conv_kernel_dim", least=1, most=64),
        inner_size=value_heads * value_dim,
        state_size=key_dim,
        groups=key_heads,
        heads=value_heads,
        key_heads=key_heads,
        head_dim=value_dim,
        key_head_dim=key_dim,
        conv_bias=False,
    )


def mamba2(c: Fields, *, count: str, width: str, state: str, groups: str, kernel: str) -> Recurrent:
    """Mamba 2 (arXiv 2405.21060) under the names this architecture uses."""
    mamba_heads = c.whole(count, least=1, most=2**16)
    head_dim = c.whole(width, least=1, most=8192)
    return Recurrent(
        kind="mamba2",
        conv_kernel=c.whole(kernel, least=1, most=64),
        inner_size=mamba_heads * head_dim,
        state_size=c.whole(state, least=1, most=2**16),
        groups=c.whole(groups, least=1, most=4096),
        heads=mamba_heads,
        head_dim=head_dim,
        conv_bias=c.flag("mamba_conv_bias", "use_conv_bias", default=True),
    )


def mtp(c: Fields) -> Mapping[str, int]:
    """Multi-token-prediction layers in the checkpoint."""
    return {"mtp_layers": c.whole("num_nextn_predict_layers", "mtp_num_hidden_layers", default=0, most=64)}
