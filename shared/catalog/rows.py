"""The row types of the catalog: one class per table, frozen and strict."""

import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]


class Row(BaseModel):
    """A frozen, strict row: no unknown keys, no text where a number belongs."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class SourceKind(StrEnum):
    """How we know a fact."""

    VENDOR = "vendor"
    CONFIG = "config"
    ENGINE_SOURCE = "engine source"
    ENGINE_LOG = "engine log"
    NVML = "nvml"
    MEASURED = "measured"
    PUBLISHED = "published"
    DERIVED = "derived"
    RECALLED = "recalled"


class Source(Row):
    """Where a fact comes from: `text` is an address or a citation, `kind` how much to trust it."""

    kind: SourceKind
    text: Annotated[str, Field(min_length=3)]
    date: datetime.date | None = None


class LayerKind(StrEnum):
    """What one layer keeps per token or per sequence."""

    FULL = "full"  # grouped-query attention over the whole context
    WINDOW = "window"  # attention over a sliding window
    CHUNKED = "chunked"  # attention within fixed chunks (Llama 4)
    LATENT = "latent"  # multi-head latent attention: one compressed row per token
    RECURRENT = "recurrent"  # a fixed state per sequence (Mamba, gated delta net, KDA, short convolution)
    NONE = "none"  # no attention and no state (the feed-forward-only layers of Nemotron-H)


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
    dense_beside: bool = False  # a dense feed-forward runs beside the experts in the same layer (Gemma 4)


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
    layer_pattern: Annotated[tuple[LayerKind, ...], Field(min_length=1)] = (LayerKind.FULL,)
    latent: Latent | None = None
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
    mtp_layers: Count = 0  # multi-token-prediction layers in the checkpoint, not loaded by default
    rope_frequencies: bool = False  # llama.cpp's rope_freqs tensor (Llama 3.1 and after)
    kind: Literal["decoder", "embedding"] = "decoder"

    @model_validator(mode="after")
    def _parts_match_the_pattern(self) -> Self:
        kinds = set(self.layer_pattern)
        needs = {
            "attention": kinds - {LayerKind.RECURRENT, LayerKind.NONE},
            "latent": kinds & {LayerKind.LATENT},
            "recurrent": kinds & {LayerKind.RECURRENT},
            "window_tokens": kinds & {LayerKind.WINDOW, LayerKind.CHUNKED},
        }
        for field, wanted in needs.items():
            if wanted and not getattr(self, field):
                raise ValueError(f"layer_pattern has {sorted(wanted)} layers, so {field} must be given")
        for field in ("kv_heads_per_layer", "ffn_size_per_layer"):
            given = getattr(self, field)
            if given and len(given) != self.layers:
                raise ValueError(f"{field} has {len(given)} entries for {self.layers} layers")
        return self

    def layer_kinds(self) -> tuple[LayerKind, ...]:
        """The kind of every layer, first to last."""
        repeats = -(-self.layers // len(self.layer_pattern))
        return (self.layer_pattern * repeats)[: self.layers]


class Tower(Row):
    """A vision or audio encoder with its projector: weights held beside the language model, never quantized."""

    kind: Literal["vision", "audio"]
    parameters: Positive
    activation_bytes: Count = 0


class QuantizedRepo(Row):
    """A published checkpoint of a model in another quantization."""

    quantization: str  # id of the quantization
    repo_id: str


class Model(Row):
    """One published model: identity, shape, and what a person needs to know before pulling it."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
    name: str
    family: str
    repo_id: str
    aliases: tuple[str, ...] = ()
    parameters: Positive  # published total, all weights of the checkpoint that are loaded
    active_parameters: Positive  # per token; equals parameters for a dense model
    parameters_note: str | None = (
        None  # why the sum over the shape differs from the published count, if it does
    )
    context_tokens: Positive  # the longest context the model was made for
    native_quantization: str  # id of the quantization the checkpoint is published in
    license: str
    gated: bool
    released: datetime.date | None = None
    gguf_repo_id: str | None = None
    quantized_repos: tuple[QuantizedRepo, ...] = ()
    shape: Shape
    towers: tuple[Tower, ...] = ()
    source: Source

    def __hash__(self) -> int:
        """By id alone: cheap enough for the estimator's caches, and equal rows have equal ids."""
        return hash(self.id)


class MigProfile(Row):
    """A slice of a GPU: `memory_bytes` as NVML reports it for the instance."""

    name: str  # "3g.40gb"
    memory_bytes: Positive
    memory_measured: bool = True  # False: the slice's share of the total, less 5 percent
    count: Positive  # how many of them one GPU holds
    compute_slices: Positive


class Gpu(Row):
    """One GPU model (a memory size is part of the identity: A100 40GB and A100 80GB are two rows)."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
    name: str  # "A100 40GB"
    vendor: Literal["nvidia", "amd", "apple", "intel"]
    family: (
        str  # what a person says without the memory size: "A100"; rows of one family are each other's choices
    )
    aliases: tuple[str, ...] = ()
    nvml_names: tuple[str, ...] = ()  # product names as NVML prints them
    segment: Literal["datacenter", "workstation", "consumer", "laptop", "embedded", "apu"]
    architecture: str
    compute_capability: tuple[int, int] | None = None
    memory_marketed_gb: Positive
    memory_total_bytes: Positive  # as NVML reports it
    memory_usable_bytes: Positive  # what CUDA can really allocate on an empty GPU (the CUDA total)
    memory_usable_measured: bool  # False: total less a typical driver reserve
    unified_memory: bool = False
    bandwidth_bytes_per_second: Positive
    memory_type: str
    tflops_fp16: float | None = None  # dense tensor rates
    tflops_fp8: float | None = None
    tflops_fp4: float | None = None
    tflops_int8: float | None = None
    nvlink_bytes_per_second: Count = 0  # both directions together, as vendors state it
    pcie_bytes_per_second: Count = 0  # one direction
    supports_bf16: bool = True
    supports_fp8: bool = False
    supports_fp4: bool = False
    mig_profiles: tuple[MigProfile, ...] = ()
    launched: int | None = None
    confidence: Literal["seen", "vendor", "derived", "recalled"]
    source: Source
    memory_source: Source
    bandwidth_source: Source

    def __hash__(self) -> int:
        """By id alone, as for Model."""
        return hash(self.id)


class QuantizationFormat(StrEnum):
    """How a quantization is stored, which decides what engines load it and which weights it leaves alone."""

    PLAIN = "plain"  # FP32, FP16, BF16: no quantization
    GGUF = "gguf"
    FP8 = "fp8"
    INT8 = "int8"
    AWQ = "awq"
    GPTQ = "gptq"
    COMPRESSED = "compressed-tensors"
    BITSANDBYTES = "bitsandbytes"
    MXFP4 = "mxfp4"
    NVFP4 = "nvfp4"
    EXL = "exl"


class Quality(Row):
    """What a quantization costs, measured on one model: perplexity increase and divergence from 16 bits."""

    measured_on: str
    perplexity_increase: float | None = None  # in percent of the unquantized perplexity
    kl_divergence: float | None = None
    recovery_percent: float | None = None  # benchmark score kept, for formats measured that way
    note: str | None = None
    source: Source


class Quantization(Row):
    """One way of storing weights.

    `bits_per_weight` is the nominal size of a quantized weight with its scales; a GGUF mix's real size comes
    from the quantizer's choice per tensor. `default_bits` is for planning a model whose tensors are unknown.
    """

    id: str  # "Q4_K_M", "BF16", "AWQ"
    name: str
    format: QuantizationFormat
    aliases: tuple[str, ...] = ()
    bits_per_weight: Annotated[float, Field(gt=0, le=32)]
    group_size: Count = 0
    rank: Positive  # order of quality, 1 is best; equal ranks are equally good
    healthy: bool  # False below about 3 bits, where models visibly break
    engines: tuple[str, ...]
    min_compute_capability: tuple[int, int] | None = None
    native_compute_capability: tuple[int, int] | None = (
        None  # below it weights are stored so, computed in 16 bits
    )
    needs_imatrix: bool = False
    quality: tuple[Quality, ...] = ()
    quality_note: str  # one sentence for a person
    source: Source

    def __hash__(self) -> int:
        """By id alone, as for Model."""
        return hash(self.id)


class Constant(Row):
    """A calibrated or looked-up number of an engine, with its evidence."""

    value: float
    unit: str
    samples: Count = 0
    error: float | None = None  # half-width of the 95 % interval, in the same unit
    source: Source


class Engine(Row):
    """An inference engine at a named version: defaults and calibrated numbers; the rules are code."""

    id: str  # "llama.cpp", "vllm", "tgi", "sglang", "transformers"
    name: str
    version: str
    aliases: tuple[str, ...] = ()
    constants: dict[str, Constant]
    source: Source

    def __hash__(self) -> int:
        """By id and version, as for Model."""
        return hash((self.id, self.version))


class DecodeSpeed(Row):
    """How one engine turns a card's bandwidth into tokens.

    Seconds per token = weights read / (efficiency x bandwidth) + KV cache read / (kv_efficiency x bandwidth)
    + layers x seconds_per_layer + hop_seconds for every further GPU of a layer split.

    `memory_class` groups the cards that behave alike ("nvidia-gddr", "nvidia-hbm", "apple", "host", …). `low` and
    `high` are the 5th and 95th percentile of measured over predicted speed on cards the fit has not seen.
    `measured_on` holds the ids of the GPUs measured; on any other the speed is said as not validated.
    `bandwidth_bytes_per_second` is only given for host memory, whose bandwidth no GPU row says.
    """

    id: str  # "llama.cpp/nvidia-gddr"
    engine: str
    memory_class: str
    efficiency: Annotated[float, Field(gt=0, le=1)]
    kv_efficiency: Annotated[float, Field(gt=0, le=1)]
    seconds_per_layer: Annotated[float, Field(ge=0)]
    hop_seconds: Annotated[float, Field(ge=0)] = 0.0
    low: Annotated[float, Field(gt=0)]
    high: Annotated[float, Field(gt=0)]
    samples: Count = 0
    measured_on: tuple[str, ...] = ()
    bandwidth_bytes_per_second: Count = 0
    source: Source


class CloudPrice(Row):
    """What one GPU costs by the hour, as one provider asked on one day; `gpus_per_instance` is how they are sold."""

    id: str  # "aws/p4d.24xlarge"
    gpu: str  # id of the GPU row
    provider: str
    instance: str
    gpus_per_instance: Positive
    usd_per_gpu_hour: Annotated[float, Field(gt=0)]
    kind: str  # "on-demand", "spot", "community", …
    region: str | None = None
    as_of: datetime.date
    source: Source
