"""Keys of GGUF files whose layers differ: hybrids, windows with heads of their own, latent attention with an indexer.

What each key holds: the load_arch_hparams of llama.cpp's src/models at 0c1e57098, and its conversion/ for how the
key follows from config.json.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.errors import Unsupported
from shared.hub.gguf.header import GgufHeader

_SIZES: Final = "attention.head_count_kv"
_WIDTHS: Final = "feed_forward_length"


class Keys:
    """The keys of one architecture in a header."""

    def __init__(self, header: GgufHeader, architecture: str) -> None:
        self._metadata = header.metadata
        self._prefix = architecture
        self.tensors: Mapping[str, tuple[int, ...]] = header.tensors
        self.layers = self._metadata.get(f"{architecture}.block_count")

    def get(self, key: str) -> Any:
        """What stands under a key; None when it is missing."""
        return self._metadata.get(f"{self._prefix}.{key}")

    def each(self, key: str) -> list[int]:
        """A whole number for every layer.

        Raises:
            Unsupported: The file says one for all of them, or not as many as it has layers.
        """
        said = self.get(key)
        if (
            not isinstance(said, list)
            or len(said) != self.layers
            or not all(type(one) is int for one in said)
        ):
            raise Unsupported(f"The GGUF file does not say {key} of every layer.")
        return said

    def share(self, key: str, by: str) -> Any:
        """One number shared evenly by another; None where they are none, so that the adapter says what is missing."""
        whole, parts = self.get(key), self.get(by)
        if type(whole) is not int or type(parts) is not int or parts < 1 or whole % parts:
            return None
        return whole // parts


Read = Callable[[Keys], dict[str, Any]]


def _delta_net(keys: Keys) -> dict[str, Any]:
    """Qwen3-Next, Qwen3.5 and 3.6: every few layers attend, the others keep a delta net's state."""
    interval = keys.get("full_attention_interval")
    return {
        "linear_conv_kernel_dim": keys.get("ssm.conv_kernel"),
        "linear_key_head_dim": keys.get("ssm.state_size"),
        "linear_num_key_heads": keys.get("ssm.group_count"),
        "linear_num_value_heads": keys.get("ssm.time_step_rank"),
        "linear_value_head_dim": keys.share("ssm.inner_size", "ssm.time_step_rank"),
        "full_attention_interval": 4 if interval is None else interval,
    }


def _lfm2(keys: Keys) -> dict[str, Any]:
    """LFM2: layers without key heads are short convolutions."""
    counts = keys.each(_SIZES)
    full = [layer for layer, count in enumerate(counts) if count]
    return {
        "full_attn_idxs": full,
        "num_key_value_heads": max(counts, default=0),
        "conv_L_cache": keys.get("shortconv.l_cache"),
        "block_auto_adjust_ff_dim": False,
        "tie_embedding": "output.weight" not in keys.tensors,
        "num_dense_layers": keys.get("leading_dense_block_count"),
    }


def _mamba2(keys: Keys, names: tuple[str, str, str, str, str]) -> dict[str, Any]:
    """Mamba 2 under an architecture's own names of heads, their width, state, groups and kernel."""
    count, width, state, groups, kernel = names
    return {
        count: keys.get("ssm.time_step_rank"),
        width: keys.share("ssm.inner_size", "ssm.time_step_rank"),
        state: keys.get("ssm.state_size"),
        groups: keys.get("ssm.group_count"),
        kernel: keys.get("ssm.conv_kernel"),
    }


def _nemotron_h(keys: Keys) -> dict[str, Any]:
    """Nemotron-H: a layer with key heads attends, one with a width is a feed-forward, the others are Mamba 2."""
    counts, widths = keys.each(_SIZES), keys.each(_WIDTHS)
    fed = "moe" if keys.get("expert_count") else "mlp"
    kinds = [
        "attention" if count else fed if width else "mamba"
        for count, width in zip(counts, widths, strict=True)
    ]
    if len({width for width in widths if width}) > 1:
        raise Unsupported("The feed-forwards of this GGUF file differ in width, which I have no rule for.")
    names = ("mamba_num_heads", "mamba_head_dim", "ssm_state_size", "n_groups", "conv_kernel")
    return {
        **_mamba2(keys, names),
        "layers_block_type": kinds,
        "num_key_value_heads": max(counts, default=0),
        "intermediate_size": max(widths, default=0),
        "moe_shared_expert_intermediate_size": keys.get("expert_shared_feed_forward_length"),
        "moe_latent_size": keys.get("moe_latent_size"),
    }


def _granite(keys: Keys) -> dict[str, Any]:
    """Granite 4: a layer without key heads is Mamba 2."""
    counts = keys.each(_SIZES)
    names = ("mamba_n_heads", "mamba_d_head", "mamba_d_state", "mamba_n_groups", "mamba_d_conv")
    return {
        **_mamba2(keys, names),
        "layer_types": ["attention" if count else "mamba" for count in counts],
        "num_key_value_heads": max(counts, default=0),
        "num_local_experts": keys.get("expert_count"),
        "shared_intermediate_size": keys.get("expert_shared_feed_forward_length"),
    }


def _falcon_h1(keys: Keys) -> dict[str, Any]:
    """Falcon-H1: attention and Mamba 2 in every layer."""
    names = ("mamba_n_heads", "mamba_d_head", "mamba_d_state", "mamba_n_groups", "mamba_d_conv")
    return {
        **_mamba2(keys, names),
        "mamba_d_ssm": keys.get("ssm.inner_size"),
        "mamba_rms_norm": "blk.0.ssm_norm.weight" in keys.tensors,
    }


def _laguna(keys: Keys) -> dict[str, Any]:
    """Laguna: heads of every layer, every fourth of which attends to everything where there are windows."""
    said = keys.get("attention.head_count")
    counts = [said] * len(_dense_first(keys)) if type(said) is int else keys.each("attention.head_count")
    has_windows = bool(keys.get("attention.sliding_window"))
    listed = keys.get("attention.sliding_window_pattern")
    if not isinstance(listed, list):
        listed = [has_windows and layer % 4 != 0 for layer in range(len(counts))]
    gate = keys.tensors.get("blk.0.attn_gate.weight")
    return {
        "num_attention_heads": counts[0] if counts else 0,
        "num_attention_heads_per_layer": counts,
        "layer_types": ["sliding_attention" if one else "full_attention" for one in listed],
        "gating": "per-head" if gate is None or gate[1:] == (counts[0],) else "per-element",
        "mlp_layer_types": _dense_first(keys),
    }


def _dense_first(keys: Keys) -> list[str]:
    layers, dense = keys.layers, keys.get("leading_dense_block_count") or 0
    if type(layers) is not int or type(dense) is not int or not 0 <= dense <= layers <= 1024:
        raise Unsupported("The GGUF file has more dense layers than layers.")
    return ["dense"] * dense + ["sparse"] * (layers - dense)


def _indexed(keys: Keys) -> dict[str, Any]:
    """DeepSeek V3.2 and GLM-5: the indexer beside latent attention."""
    return {
        "index_n_heads": keys.get("attention.indexer.head_count"),
        "index_head_dim": keys.get("attention.indexer.key_length"),
        "index_topk": keys.get("attention.indexer.top_k"),
    }


# general.architecture -> (model_type of config.json, keys whose layers may differ, what they say)
HYBRIDS: Final[Mapping[str, tuple[str, frozenset[str], Read]]] = {
    "qwen3next": ("qwen3_next", frozenset(), _delta_net),
    "qwen35": ("qwen3_5", frozenset(), _delta_net),
    "qwen35moe": ("qwen3_5_moe", frozenset(), _delta_net),
    "lfm2": ("lfm2", frozenset({_SIZES}), _lfm2),
    "lfm2moe": ("lfm2_moe", frozenset({_SIZES}), _lfm2),
    "nemotron_h": ("nemotron_h", frozenset({_SIZES, _WIDTHS}), _nemotron_h),
    "nemotron_h_moe": ("nemotron_h", frozenset({_SIZES, _WIDTHS}), _nemotron_h),
    "granitehybrid": ("granitemoehybrid", frozenset({_SIZES}), _granite),
    "falcon-h1": ("falcon_h1", frozenset(), _falcon_h1),
    "laguna": ("laguna", frozenset({"attention.head_count"}), _laguna),
    "deepseek32": ("deepseek_v32", frozenset(), _indexed),
    "glm-dsa": ("glm_moe_dsa", frozenset(), _indexed),
}


def hybrid_fields(header: GgufHeader, architecture: str) -> dict[str, Any]:
    """What only such a file says; empty for any other.

    Raises:
        Unsupported: A layer's size is missing, or layers differ in what we take to be alike.
    """
    if architecture not in HYBRIDS:
        return {}
    fields = HYBRIDS[architecture][2](Keys(header, architecture))
    return {name: value for name, value in fields.items() if value is not None}
