"""What an architecture's graph does differently from the plain one, as far as memory follows from it.

Each entry was read from the architecture's file under src/models of llama.cpp at 0c1e57098.
"""

from dataclasses import dataclass
from types import MappingProxyType

from shared.catalog.rows import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How an architecture's graph departs from the plain one.

    Attributes:
        layer_norm: Mean is subtracted too (ggml_norm); that operation never works in place.
        parallel: Attention and feed-forward read the same norm; the three summands in the order they are added.
        rows_after_norm: A second norm of a parallel layer is taken of all rows, of which the wanted ones are picked.
        value_norm: Values are normed, without weights of its own.
        scaled_layers: Every layer's output is multiplied by a factor of its own.
        head_norms: Norms of whole queries and keys are taken head by head.
        post_norm: Norms come after attention and feed-forward instead of before (OLMo 2, EXAONE 4).
        rotary: Positions enter by rotation; False where they are learned or absent.
        full_rotary: Layers that see everything rotate too; False where only windowed ones do.
        selects_by_logits: Experts are chosen by the router's raw scores, so both lists live at once.
        temperature: Layers that do not rotate scale their queries by position instead, and have no query norms.
        unrotated_every: Every so many layers one does not rotate; 0 where all do.
        rotary_layer_count: Only the model with this many layers rotates at all; 0 where all do.
        scaled_embedding: Embeddings are multiplied before the first layer: all by a "constant", as part of looking
            them up; by the model's own graph ("late"); or since 0.6 row by row ("rows"), because embeddings of
            pictures are not.
        sections: Positions take four numbers a token.
        residual_first: Where the residual is the sum's first term, so that the sum is written over it: after the
            "feed_forward" or after "both" parts of a layer.
        joint_gates: Beta and alpha of a gated delta net are one matrix in the file.
        kept_hidden: The hidden state a draft model could read is kept until the end: "before_norm" or "after_norm".
        kept_since_0_6: In 0.5 it was not.
        late_rows_in_0_5: In 0.5 the wanted rows were picked after the last layer instead of within it.
    """

    layer_norm: bool = False
    parallel: tuple[str, str, str] | None = None
    rows_after_norm: bool = False
    value_norm: bool = False
    scaled_layers: bool = False
    head_norms: bool = False
    post_norm: bool = False
    rotary: bool = True
    full_rotary: bool = True
    temperature: bool = False
    unrotated_every: int = 0
    rotary_layer_count: int = 0
    scaled_embedding: str = ""
    sections: bool = False
    softmax_of_chosen: bool = False
    normed_weights: bool = True
    selects_by_logits: bool = False
    weight_before: bool = False
    residual_first: str = ""
    joint_gates: bool = False
    kept_hidden: str = ""
    kept_since_0_6: bool = False
    late_rows_in_0_5: bool = False


# Architectures whose buffers were compared with llama.cpp's own allocation (tests/ground_truth/llama_cpp_oracle.csv).
CHECKED = frozenset(
    {
        "apertus", "arcee", "baichuan", "bailingmoe2", "bloom", "chatglm", "cohere2", "command-r", "dbrx",
        "deci", "deepseek", "deepseek2", "deepseek32", "dots1", "ernie4_5", "ernie4_5-moe", "exaone", "exaone4",
        "falcon", "falcon-h1", "gemma", "gemma2", "gemma3", "gemma3n", "gemma4", "glm-dsa", "glm4", "glm4moe",
        "gpt-oss", "gptneox", "granite",
        "granitehybrid", "granitemoe", "grok", "hunyuan-dense", "hunyuan-moe", "hy_v3", "internlm2", "jamba",
        "kimi-linear", "laguna", "lfm2", "lfm2moe", "llama", "llama4", "mamba", "mimo2", "minicpm", "minicpm3",
        "minimax-m2",
        "mistral3", "mpt", "nemotron_h", "nemotron_h_moe", "olmo", "olmo2", "olmoe", "phi2", "phi3", "phimoe",
        "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen35", "qwen35moe", "qwen3moe", "qwen3next", "qwen3vl",
        "qwen3vlmoe", "seed_oss", "smollm3", "stablelm", "starcoder2", "step35",
    }
)  # fmt: skip

PLAIN = Traits()
TRAITS = MappingProxyType(
    {
        "gpt-oss": Traits(softmax_of_chosen=True, kept_hidden="before_norm", late_rows_in_0_5=True),
        "gemma": Traits(scaled_embedding="late"),
        "gemma2": Traits(scaled_embedding="late"),
        "gemma3": Traits(scaled_embedding="rows"),
        "gemma3n": Traits(scaled_embedding="rows", value_norm=True),
        "gemma4": Traits(
            scaled_embedding="rows",
            value_norm=True,
            scaled_layers=True,
            kept_hidden="after_norm",
            late_rows_in_0_5=True,
        ),
        "deepseek2": Traits(kept_hidden="after_norm"),
        "glm4moe": Traits(kept_hidden="after_norm"),
        "command-r": Traits(layer_norm=True, head_norms=True, parallel=("fed", "residual", "mixed")),
        "cohere2": Traits(layer_norm=True, parallel=("fed", "residual", "mixed"), full_rotary=False),
        "phi3": Traits(residual_first="feed_forward"),
        "phimoe": Traits(residual_first="feed_forward"),
        "phi2": Traits(layer_norm=True, parallel=("mixed", "fed", "residual")),
        "falcon": Traits(layer_norm=True, parallel=("fed", "mixed", "residual"), rows_after_norm=True),
        "bloom": Traits(layer_norm=True, rotary=False),
        "mpt": Traits(layer_norm=True, rotary=False),
        "starcoder2": Traits(layer_norm=True),
        "stablelm": Traits(layer_norm=True, head_norms=True),
        "gptneox": Traits(layer_norm=True, parallel=("fed", "residual", "mixed")),
        "dbrx": Traits(layer_norm=True),
        "olmo": Traits(layer_norm=True),
        "olmoe": Traits(normed_weights=False),
        "deepseek": Traits(normed_weights=False),
        "smollm3": Traits(unrotated_every=4),
        "olmo2": Traits(post_norm=True),
        "exaone4": Traits(post_norm=True, full_rotary=False),
        "llama4": Traits(
            weight_before=True,
            normed_weights=False,
            selects_by_logits=True,
            full_rotary=False,
            temperature=True,
        ),
        "baichuan": Traits(rotary_layer_count=32),
        "qwen2moe": Traits(normed_weights=False),
        "qwen3next": Traits(joint_gates=True, kept_hidden="after_norm", late_rows_in_0_5=True),
        "qwen35": Traits(sections=True, kept_hidden="after_norm", late_rows_in_0_5=True),
        "qwen35moe": Traits(sections=True, kept_hidden="after_norm", late_rows_in_0_5=True),
        "qwen2vl": Traits(sections=True),
        "qwen3vl": Traits(sections=True),
        "qwen3vlmoe": Traits(sections=True),
        "lfm2": Traits(residual_first="both"),
        "lfm2moe": Traits(residual_first="both"),
        "kimi-linear": Traits(rotary=False),
        "hy_v3": Traits(kept_hidden="after_norm", late_rows_in_0_5=True),
        "step35": Traits(kept_hidden="before_norm", late_rows_in_0_5=True),
        "jamba": Traits(rotary=False, normed_weights=False, residual_first="both"),
        "nemotron_h": Traits(rotary=False, kept_hidden="after_norm", late_rows_in_0_5=True),
        "nemotron_h_moe": Traits(rotary=False, kept_hidden="after_norm", late_rows_in_0_5=True),
        "granite": Traits(scaled_embedding="constant"),
        "granitemoe": Traits(scaled_embedding="constant"),
        "granitehybrid": Traits(scaled_embedding="constant", rotary=False),
        "mimo2": Traits(kept_hidden="before_norm", kept_since_0_6=True),
        "minicpm": Traits(scaled_embedding="constant"),
        "minicpm3": Traits(scaled_embedding="constant"),
    }
)


def traits(architecture: str) -> Traits:
    """The traits of a GGUF architecture; a plain pre-norm transformer where nothing else is known."""
    return TRAITS.get(architecture, PLAIN)


def rotates(shape: Shape, trait: Traits, layer: int, *, windowed: bool) -> bool:
    """Whether a layer's queries and keys are rotated by position."""
    if not trait.rotary or trait.rotary_layer_count not in (0, shape.layers):
        return False
    if trait.unrotated_every and (layer + 1) % trait.unrotated_every == 0:
        return False
    return windowed or trait.full_rotary or not shape.window_tokens
