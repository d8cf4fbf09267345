"""One weight tensor of a model: what it does and how large it is, before any quantization."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a tensor does. A bias has the role of the matrix it belongs to."""

    TOKEN_EMBEDDING = "token_embedding"  # noqa: S105 - a token of text
    POSITION_EMBEDDING = "position_embedding"
    PER_LAYER_EMBEDDING = "per_layer_embedding"  # Gemma 3n and 4: one small embedding per layer and token
    NGRAM_EMBEDDING = "ngram_embedding"
    PER_LAYER_MODEL_PROJECTION = "per_layer_model_projection"
    PER_LAYER_GATE = "per_layer_gate"
    PER_LAYER_PROJECTION = "per_layer_projection"
    OUTPUT = "output"  # the language-model head, absent when tied
    NORM = "norm"  # over hidden_size; every rank needs all of it
    QUERY = "query"
    KEY = "key"
    VALUE = "value"
    ATTENTION_OUTPUT = "attention_output"
    ATTENTION_GATE = "attention_gate"  # one per head, or one per feature
    OUTPUT_DOWN = "output_down"  # heads in groups -> a rank per group (DeepSeek V4)
    QUERY_NORM = "query_norm"
    KEY_NORM = "key_norm"
    SINKS = "sinks"
    QUERY_DOWN = "query_down"  # MLA: hidden -> query rank, the same on every rank
    QUERY_UP = "query_up"  # MLA: query rank -> heads
    QUERY_DOWN_NORM = "query_down_norm"
    KV_DOWN = "kv_down"  # MLA: hidden -> latent and rotary part
    KV_DOWN_NORM = "kv_down_norm"
    KV_UP_KEY = "kv_up_key"  # MLA: latent -> keys of every head, one matrix per head
    KV_UP_VALUE = "kv_up_value"
    INDEXER_QUERY = "indexer_query"
    INDEXER_KEY = "indexer_key"
    INDEXER_KEY_NORM = "indexer_key_norm"
    INDEXER_WEIGHTS = "indexer_weights"
    INDEXER_QUERY_NORM = "indexer_query_norm"
    COMPRESSOR_KEY = "compressor_key"  # hidden -> what is compressed (DeepSeek V4)
    COMPRESSOR_GATE = "compressor_gate"
    COMPRESSOR_POSITION = "compressor_position"
    COMPRESSOR_NORM = "compressor_norm"
    INDEXER_COMPRESSOR_KEY = "indexer_compressor_key"
    INDEXER_COMPRESSOR_GATE = "indexer_compressor_gate"
    INDEXER_COMPRESSOR_POSITION = "indexer_compressor_position"
    INDEXER_COMPRESSOR_NORM = "indexer_compressor_norm"
    STREAM_MIX = "stream_mix"  # how residual streams are read and written (hyper-connections)
    STREAM_SCALE = "stream_scale"
    RESIDUAL_QUERY = "residual_query"  # weighs the outputs of earlier blocks (Kimi K3)
    RESIDUAL_NORM = "residual_norm"
    STREAM_PROJECTION = "stream_projection"  # AltUp's streams (Gemma 3n)
    STREAM_JOIN = "stream_join"
    STREAM_ROUTER = "stream_router"
    STREAM_ROUTER_NORM = "stream_router_norm"
    STREAM_PREDICT = "stream_predict"
    STREAM_CORRECT = "stream_correct"
    STREAM_CORRECT_SCALE = "stream_correct_scale"
    DETOUR_DOWN = "detour_down"  # LAuReL (Gemma 3n)
    DETOUR_UP = "detour_up"
    DETOUR_NORM = "detour_norm"
    CROSS_GATE = "cross_gate"
    FFN_GATE = "ffn_gate"
    FFN_UP = "ffn_up"
    FFN_DOWN = "ffn_down"
    ROUTER = "router"
    ROUTER_CORRECTION = "router_correction"  # one learned offset per expert, only used to choose
    ROUTER_SCALE = "router_scale"  # Gemma 4: of the router's input
    EXPERT_SCALE = "expert_scale"  # Gemma 4: one factor per expert
    EXPERT_GATE = "expert_gate"
    EXPERT_UP = "expert_up"
    EXPERT_DOWN = "expert_down"
    EXPERT_LATENT_DOWN = "expert_latent_down"  # hidden -> the experts' own width, the same on every rank
    EXPERT_LATENT_UP = "expert_latent_up"
    SHARED_EXPERT_GATE = "shared_expert_gate"
    SHARED_EXPERT_UP = "shared_expert_up"
    SHARED_EXPERT_DOWN = "shared_expert_down"
    SHARED_EXPERT_ROUTER = "shared_expert_router"
    STATE_IN = "state_in"  # recurrent layer: hidden -> the sequence mixer's input
    STATE_GATE = "state_gate"
    STATE_OUT = "state_out"
    STATE_CONVOLUTION = "state_convolution"
    STATE_SELECT = "state_select"  # Mamba 1: inner -> time step, B and C
    STATE_TIME_STEP = "state_time_step"
    STATE_DECAY = "state_decay"  # A, or the low-rank decay of KDA
    STATE_BETA = "state_beta"
    STATE_SKIP = "state_skip"  # D
    STATE_NORM = "state_norm"
    LOW_RANK_DOWN = "low_rank_down"  # KDA's two-step projections: hidden -> one head
    LOW_RANK_UP = "low_rank_up"
    EXPERT_LATENT_NORM = "expert_latent_norm"
    MTP_PROJECTION = "mtp_projection"
    LAYER_SCALE = "layer_scale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """`matrices` matrices of `rows` outputs by `columns` inputs; a vector has one row.

    `matrices` counts experts (or heads of an MLA up-projection) stored as one tensor.
    """

    role: Role
    rows: int
    columns: int
    matrices: int = 1
    bias: bool = False

    @property
    def parameters(self) -> int:
        """How many weights it holds."""
        return self.rows * self.columns * self.matrices

    @property
    def is_vector(self) -> bool:
        """Norms, biases, sinks: never quantized."""
        return self.rows * self.matrices == 1


def matrix(role: Role, rows: int, columns: int, *, matrices: int = 1) -> Tensor:
    """A weight matrix of `rows` outputs and `columns` inputs."""
    return Tensor(role=role, rows=rows, columns=columns, matrices=matrices)


def vector(role: Role, length: int, *, bias: bool = False) -> Tensor:
    """A norm's weights, a bias, or any other single row."""
    return Tensor(role=role, rows=1, columns=length, bias=bias)


def linear(role: Role, rows: int, columns: int, *, bias: bool = False) -> tuple[Tensor, ...]:
    """A matrix, and its bias when it has one."""
    weight = matrix(role, rows, columns)
    return (weight, vector(role, rows, bias=True)) if bias else (weight,)
