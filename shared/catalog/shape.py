"""Everything the memory of a model follows from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from shared.catalog.row import Count, Limits, Positive, Row


class LayerKind(StrEnum):
    """What one layer keeps per token or per sequence."""

    FULL = "full"  # grouped-query attention over the whole context
    WINDOW = "window"  # attention over a sliding window
    CHUNKED = "chunked"  # attention within fixed chunks (Llama 4)
    LATENT = "latent"  # multi-head latent attention: one compressed row per token
    RECURRENT = "recurrent"  # a fixed state per sequence (Mamba, gated delta net, KDA, short convolution)
    SPARSE = (
        "sparse"  # full attention that reads the blocks an indexer picks, and keeps the indexer's key too
    )
    COMPRESSED = "compressed"  # a window, and one row for every few tokens before it (DeepSeek V4)
    PARALLEL = "parallel"  # full attention and a recurrent state side by side in one layer (Falcon-H1)
    CROSS = "cross"  # attends to an image's states and to no text (Llama 3.2 Vision)
    NONE = "none"  # no attention and no state (the feed-forward-only layers of Nemotron-H)


@dataclass(frozen=True, kw_only=True)
class Attention(Row):
    """Heads of one attention layer.

    `value_head_dim` defaults to `head_dim`. `qk_norm` says how many weights the query and key norms hold:
    one per head dimension, or one per projected feature (`full`).
    """

    heads: Positive
    kv_heads: Positive
    head_dim: Positive
    value_head_dim: Positive | None = None
    qkv_bias: bool = False
    output_bias: bool = False
    qk_norm: Literal["none", "head", "full"] = "none"
    sinks: bool = False  # a learned sink per head (gpt-oss)
    output_gate: bool = False  # the query projection is twice as wide (Qwen3-Next, Qwen3.5)
    value_is_key: bool = False  # no value projection: values are the keys (full layers of Gemma 4)
    head_gate: bool = False  # one gate per head over the attention's output (Step 3.5, Laguna)
    indexer_heads: Count = 0  # of sparse layers (MiniMax M3)
    indexer_head_dim: Count = 0


@dataclass(frozen=True, kw_only=True)
class Latent(Row):
    """Multi-head latent attention (DeepSeek V2 and after). A query rank of 0 means the query is not compressed.

    The number of heads is `Shape.attention.heads`; the other fields of that row are not used by latent layers.
    """

    query_rank: Count
    kv_rank: Positive
    rope_head_dim: Positive
    nope_head_dim: Positive
    value_head_dim: Positive
    indexer_heads: Count = 0  # sparse attention's indexer (DeepSeek V3.2, GLM-5)
    indexer_head_dim: Count = 0
    indexer_topk: Count = 0
    output_gate: bool = False  # a gate over every head's output (Kimi K3)


@dataclass(frozen=True, kw_only=True)
class Compressed(Row):
    """Attention over compressed tokens (DeepSeek V4), with one key-value row that all heads share.

    `ratios` says for every layer how many tokens become one row: 0 for a window only; layers of ratio 4 overlap
    their rows and have an indexer. A further entry is that of the multi-token-prediction layer. The output goes
    through `output_groups` blocks of `output_rank`.
    """

    query_rank: Positive
    output_groups: Positive
    output_rank: Positive
    ratios: tuple[int, ...]
    indexer_heads: Positive
    indexer_head_dim: Positive
    indexer_topk: Positive


@dataclass(frozen=True, kw_only=True)
class Experts(Row):
    """A mixture of experts: `total` routed experts of `ffn_size`, `active` of them per token."""

    total: Positive
    active: Positive
    ffn_size: Positive
    shared: Count = 0
    shared_ffn_size: Count = 0  # of all shared experts together
    shared_gate: bool = False
    first_dense_layers: Count = 0
    every: Positive = 1  # every n-th layer is a mixture (Llama 4 Maverick, Jamba: 2)
    router_bias: bool = False  # a correction bias per expert
    biases: bool = False  # the experts' projections have biases (gpt-oss)
    latent_size: Count = 0  # routed experts read and write a narrower stream of this width (Nemotron 3 Super)
    latent_norm: bool = False  # a norm over that narrower stream (Kimi K3)
    dense_beside: bool = False  # a dense feed-forward runs beside the experts in the same layer (Gemma 4)


@dataclass(frozen=True, kw_only=True)
class Recurrent(Row):
    """The state a recurrent layer keeps per sequence, and the sizes its weights follow from.

    `kind` names the layer: mamba (selective scan), mamba2, gated_delta_net (Qwen3-Next), kda (Kimi Linear),
    short_convolution (LFM2). `conv_kernel` is d_conv; `inner_size` is d_inner; `state_size` is d_state;
    `groups` n_group; `heads` the number of value heads, `key_heads` of key heads where they differ.
    """

    kind: Literal["mamba", "mamba2", "gated_delta_net", "kda", "short_convolution", "rwkv"]
    conv_kernel: Count = 0
    inner_size: Count = 0
    state_size: Count = 0
    groups: Count = 0
    heads: Count = 0
    key_heads: Count = 0
    head_dim: Count = 0
    key_head_dim: Count = 0
    time_step_rank: Count = 0
    conv_bias: bool = True
    inner_norms: bool = False  # norms of the time step, B and C (Jamba)
    output_norm: bool = True  # Mamba 2's norm before its output projection; Falcon-H1 has none
    full_rank_gate: bool = False  # KDA's output gate is one matrix instead of two narrow ones (Kimi K3)


@dataclass(frozen=True, kw_only=True)
class Shape(Row):
    """Everything the memory of a model follows from.

    `layer_pattern` is repeated over the layers: ("full",) for plain attention, five "window" and one "full" for
    Gemma 3; a pattern as long as `layers` spells an irregular model out.
    """

    architecture: str  # model_type of config.json
    gguf_architecture: str | None = (
        None  # general.architecture of a GGUF file; None when llama.cpp has no loader
    )
    layers: Positive
    hidden_size: Positive
    ffn_size: Count  # of a dense layer; 0 when every layer is a mixture of experts
    vocabulary_size: Positive
    tied_embeddings: bool
    attention: Attention | None = None  # of full layers (and of window layers unless given apart)
    window_attention: Attention | None = None
    window_tokens: Count = 0  # sliding window, or chunk size of chunked layers
    layer_pattern: Annotated[tuple[LayerKind, ...], Limits(min_length=1)] = (LayerKind.FULL,)
    latent: Latent | None = None
    compressed: Compressed | None = None
    recurrent: Recurrent | None = None
    experts: Experts | None = None
    kv_heads_per_layer: tuple[int, ...] = ()  # only for models whose layers differ (searched architectures)
    ffn_size_per_layer: tuple[int, ...] = ()
    kv_shared_layers: Count = 0  # the last n layers reuse an earlier layer's cache (Gemma 3n, Gemma 4)
    ffn_gated: bool = True  # gate and up and down; False: up and down
    ffn_bias: bool = False
    norms_per_layer: Count = 2  # norm vectors of hidden_size in a layer; Gemma 2 and 3: 4; parallel blocks: 1
    norm_bias: bool = False
    final_norm: bool = True
    learned_positions: Count = 0
    output_bias: bool = False  # of the language-model head
    per_layer_embedding_size: Count = 0  # Gemma 3n and 4: a small embedding per layer, kept on the host
    embedding_norm: bool = False
    extra_embeddings: Count = 0  # rows of the embedding beyond the vocabulary (Llama 3.2 Vision)
    ngram_rows: Count = 0  # of an embedding of token pairs and triples, kept on the host (Qwen3.8 Flash Next)
    cross_tokens: Count = 0  # states of one image that cross layers keep per sequence
    residual_streams: Positive = (
        1  # copies of the residual stream a layer mixes (hyper-connections, DeepSeek V4)
    )
    residual_block: Count = 0  # every n-th layer's output is kept and attended to by later ones (Kimi K3)
    mtp_layers: Count = 0  # multi-token-prediction layers in the checkpoint, not loaded by default
    rope_frequencies: bool = False  # llama.cpp's rope_freqs tensor (Llama 3.1 and after)
    kind: Literal["decoder", "embedding"] = "decoder"

    def __post_init__(self) -> None:
        """The parts match the pattern. Raises ValueError."""
        kinds = set(self.layer_pattern)
        needs = {
            "attention": kinds - {LayerKind.RECURRENT, LayerKind.NONE},
            "latent": kinds & {LayerKind.LATENT},
            "compressed": kinds & {LayerKind.COMPRESSED},
            "recurrent": kinds & {LayerKind.RECURRENT, LayerKind.PARALLEL},
            "window_tokens": kinds & {LayerKind.WINDOW, LayerKind.CHUNKED, LayerKind.COMPRESSED},
            "cross_tokens": kinds & {LayerKind.CROSS},
        }
        for field, wanted in needs.items():
            if wanted and not getattr(self, field):
                raise ValueError(f"layer_pattern has {sorted(wanted)} layers, so {field} must be given")
        for field in ("kv_heads_per_layer", "ffn_size_per_layer"):
            given = getattr(self, field)
            if given and len(given) != self.layers:
                raise ValueError(f"{field} has {len(given)} entries for {self.layers} layers")

        if self.compressed is not None and len(self.compressed.ratios) < self.layers:
            raise ValueError(f"ratios has {len(self.compressed.ratios)} entries for {self.layers} layers")

    def layer_kinds(self) -> tuple[LayerKind, ...]:
        """The kind of every layer, first to last."""
        repeats = -(-self.layers // len(self.layer_pattern))
        return (self.layer_pattern * repeats)[: self.layers]
