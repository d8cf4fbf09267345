"""A workload as llama.cpp reads it: defaults filled in, sizes padded, and what it refuses refused."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import LayerKind, Shape
from shared.engines.versions import version_key
from shared.errors import BadValue, Refused, Unsupported
from shared.memory.gguf_types import GGUF_TYPES, UNQUANTIZED
from shared.memory.tensors import layer_attention
from shared.memory.workload import Workload
from shared.units import ceil_div, pad

ENGINE: Final = "llama.cpp"
CACHE_TYPES: Final = ("f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
MOST_SEQUENCES: Final = 256  # LLAMA_MAX_SEQ
MOST_CELLS: Final = 1 << 26  # more than any context; keeps bounds finite
CELL_PADDING: Final = 256  # llama-context.cpp: n_ctx is padded to 256
DEFAULT_BATCH: Final = 2048
DEFAULT_UBATCH: Final = 512
MIXED_INPUTS_SINCE: Final = (0, 6)  # batches of tokens and embeddings together
# Architectures whose windowed layers get a cache of their own (swa_type in src/models); the others keep all tokens.
WINDOWED: Final = frozenset(
    {"afmoe", "cohere2", "cohere2moe", "exaone4", "exaone-moe", "gemma2", "gemma3", "gemma3n", "gemma4", "gpt-oss",
     "laguna", "llama4", "mimo2", "olmo2", "plamo3", "smallthinker", "step35"}
)  # fmt: skip

# Encoders: they attend both ways within one batch, keep no cache and have no head (create_memory of llama-model.cpp).
ENCODERS: Final = frozenset(
    {"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert", "neo-bert", "eurobert",
     "gemma-embedding"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides sizes, resolved.

    Attributes:
        cells: Of a full layer's cache, per stream; `window_cells` of a windowed layer's.
        window_grows: The context is still so short that windowed layers keep all of it; `window_limit` is how many
            cells they keep at most.
        streams: Parts of the cache: 1 when unified, else one per sequence.
        tokens: Of the micro batch the compute buffers are reserved for.
        outputs: Logits rows reserved: of every slot's next token and those guessed ahead (`server_output_limits`).
        rollbacks: Older recurrent states kept per sequence, to go back where a guess was wrong (`need_n_rs_seq`).
    """

    sequences: int
    streams: int
    cells: int
    window_cells: int
    window_grows: bool
    window_limit: int
    tokens: int
    outputs: int
    rollbacks: int
    flash_attention: bool
    key_type: str
    value_type: str
    mixed_inputs: bool


def resolve(workload: Workload, version: str) -> Settings:
    """The settings of a workload under this version of llama.cpp.

    Raises:
        BadValue: A setting that llama.cpp does not have.
        Refused: A combination that llama.cpp refuses to start with.
    """
    sequences = workload.sequences
    if not 1 <= sequences <= MOST_SEQUENCES:
        raise BadValue("sequences", sequences, f"llama.cpp serves 1 to {MOST_SEQUENCES} sequences at once")
    if workload.context_tokens < 1:
        raise BadValue("context", workload.context_tokens, "give at least one token")
    shape = workload.model.shape
    key_type, value_type = _cache_type(workload.kv_cache_type_k), _cache_type(workload.kv_cache_type_v)
    flash = workload.flash_attention is not False and shape.gguf_architecture != "grok"
    _refuse(shape, key_type, value_type, flash)
    unified = bool(workload.kv_unified) or sequences == 1
    context = pad(workload.context_tokens, CELL_PADDING)
    cells = context if unified else pad(max(1, context // sequences), CELL_PADDING)
    batch = min(workload.context_tokens, workload.batch_tokens or DEFAULT_BATCH)
    ubatch = min(batch, workload.ubatch_tokens or DEFAULT_UBATCH)
    limit = _window_limit(workload, ubatch, sequences if unified else 1)
    window_cells = min(cells, limit)
    tokens = min(cells if unified else cells * sequences, ubatch)
    ahead = _ahead_tokens(workload)
    return Settings(
        sequences=sequences,
        streams=1 if unified else sequences,
        cells=cells,
        window_cells=window_cells,
        window_grows=window_cells == cells,
        window_limit=limit,
        tokens=ceil_div(tokens, sequences) * sequences,
        outputs=min(tokens, batch if hands_out_all(workload) else sequences * (1 + ahead)),
        rollbacks=ahead if ahead and workload.speculation and workload.speculation.draft is None else 0,
        flash_attention=flash,
        key_type=key_type,
        value_type=value_type,
        mixed_inputs=mixes_inputs(version),
    )


def _window_limit(workload: Workload, ubatch: int, sharing: int) -> int:
    """Cells a windowed layer keeps at most, with so many sequences sharing them; no limit where it has no own cache."""
    shape = workload.model.shape
    if not shape.window_tokens or workload.swa_full or shape.gguf_architecture not in WINDOWED:
        return MOST_CELLS
    return pad(shape.window_tokens * sharing + ubatch, CELL_PADDING)


def _ahead_tokens(workload: Workload) -> int:
    """Tokens guessed ahead of each slot; 0 where none are."""
    if workload.speculation is None:
        return 0
    tokens = workload.speculation.tokens
    if tokens < 1:
        raise BadValue("num_speculative_tokens", tokens, "give at least one token")
    return tokens


def hands_out_all(workload: Workload) -> bool:
    """Whether every token of a batch is an output, as in all programs but a server that generates.

    `server_output_limits` of tools/server/server-context.cpp: with --embedding all of them are.
    """
    return workload.program != "llama-server" or workload.model.shape.kind == "embedding"


@lru_cache(maxsize=256)
def mixes_inputs(version: str) -> bool:
    """Whether this version takes tokens and embeddings in one batch; build numbers ("b9000") are all older."""
    return not version.startswith("b") and version_key(version) >= MIXED_INPUTS_SINCE


def _cache_type(given: str) -> str:
    """A cache type as llama.cpp names it; "auto" is its default."""
    kind = "f16" if given == "auto" else given.lower()
    if kind not in CACHE_TYPES:
        raise BadValue(
            "kv_cache_type", given, f"llama.cpp has {', '.join(CACHE_TYPES[:-1])} and {CACHE_TYPES[-1]}"
        )
    return kind


@lru_cache(maxsize=4096)
def _refuse(shape: Shape, key_type: str, value_type: str, flash: bool) -> None:
    """What llama_init_from_model refuses.

    https://github.com/ggml-org/llama.cpp/blob/0c1e57098/src/llama-context.cpp
    """
    if shape.gguf_architecture is None:
        raise Unsupported(
            f"I know no loader of llama.cpp for this {shape.architecture} model; vLLM or transformers may run it."
        )
    if LayerKind.LATENT in shape.layer_pattern and key_type != value_type:
        raise Refused(
            ENGINE,
            f"latent attention keeps keys and values in one row, so their types cannot differ ({key_type} and "
            f"{value_type}); give both the same",
            field="kv_cache_type",
        )
    if value_type not in UNQUANTIZED and not flash:
        raise Refused(
            ENGINE,
            f"a quantized V cache ({value_type}) needs flash attention; turn it on or keep V in f16",
            field="kv_cache_type",
        )
    for kind in dict.fromkeys(shape.layer_pattern):
        _refuse_broken_blocks(shape, kind, key_type, value_type, flash)


def _refuse_broken_blocks(shape: Shape, kind: LayerKind, key_type: str, value_type: str, flash: bool) -> None:
    """With flash attention a quantized cache needs heads of whole blocks."""
    if not flash or kind in (LayerKind.RECURRENT, LayerKind.NONE):
        return
    if kind is LayerKind.LATENT and shape.latent is not None:
        widths = (shape.latent.kv_rank + shape.latent.rope_head_dim, shape.latent.kv_rank)
    else:
        attention = layer_attention(shape, kind)
        widths = (attention.head_dim, attention.value_head_dim or attention.head_dim)
    for width, cache_type in zip(widths, (key_type, value_type), strict=True):
        block = GGUF_TYPES[cache_type].weights
        if width % block:
            raise Refused(
                ENGINE,
                f"a head of {width} numbers is not whole {cache_type} blocks of {block}; use f16",
                field="kv_cache_type",
            )
