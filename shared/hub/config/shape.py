"""config.json -> Shape: the architecture's own adapter, or the sentence that there is none; never a guess."""

from collections.abc import Mapping
from typing import Any, Final

from shared.catalog.rows import Shape
from shared.catalog.validated import checked, first_problem
from shared.errors import Unsupported, shown
from shared.hub.config import (
    dense,
    gated,
    gemma,
    hybrids,
    latent,
    layer_norm,
    mixtures,
    side_by_side,
    sparse,
)
from shared.hub.config.parts import Adapter
from shared.hub.fields import Fields

ADAPTERS: Final[Mapping[str, Adapter]] = {
    **dict.fromkeys(("llama", "yi", "aquila"), dense.llama),
    "exaone": dense.exaone,
    "mistral": dense.mistral,
    "ministral3": dense.ministral3,
    "qwen2": dense.qwen2,
    **dict.fromkeys(("qwen2_vl", "qwen2_vl_text", "qwen2_5_vl", "qwen2_5_vl_text"), dense.qwen2_vl),
    "qwen3": dense.qwen3,
    **dict.fromkeys(("qwen3_vl", "qwen3_vl_text"), dense.qwen3_vl),
    "mimo": dense.mimo,
    "phi3": dense.phi3,
    "cohere": dense.cohere,
    "cohere2": dense.cohere2,
    "granite": dense.granite,
    "olmo2": dense.olmo2,
    "olmo3": dense.olmo3,
    "starcoder2": layer_norm.starcoder2,
    "stablelm": layer_norm.stablelm,
    "falcon": layer_norm.falcon,
    **dict.fromkeys(("internlm2", "internlm3"), dense.internlm),
    "smollm3": dense.smollm3,
    "seed_oss": dense.seed_oss,
    "glm": dense.glm,
    **dict.fromkeys(("glm4", "glm4v_text"), dense.glm4),
    "hunyuan_v1_dense": dense.hunyuan,
    "ernie4_5": dense.ernie,
    "exaone4": dense.exaone4,
    "gpt_neox": layer_norm.gpt_neox,
    "apertus": dense.ungated("apertus", head_norms=True),
    "arcee": dense.ungated("arcee", head_norms=False),
    "gemma": gemma.gemma,
    "gemma2": gemma.gemma2,
    **dict.fromkeys(("gemma3", "gemma3_text"), gemma.gemma3),
    **dict.fromkeys(("gemma3n", "gemma3n_text"), gemma.gemma3n),
    **dict.fromkeys(("gemma4", "gemma4_text"), gemma.gemma4),
    "mixtral": mixtures.mixtral,
    "qwen2_moe": mixtures.qwen2_moe,
    "qwen3_moe": mixtures.qwen3_moe,
    **dict.fromkeys(("qwen3_vl_moe", "qwen3_vl_moe_text"), mixtures.qwen3_vl_moe),
    "gpt_oss": mixtures.gpt_oss,
    "glm4_moe": mixtures.glm4_moe,
    "minimax_m2": mixtures.minimax_m2,
    "mimo_v2_flash": mixtures.mimo_v2,
    "olmoe": mixtures.olmoe,
    "granitemoe": mixtures.granitemoe,
    "phimoe": mixtures.phimoe,
    "dots1": mixtures.dots1,
    "bailing_moe": mixtures.bailing_moe,
    "bailing_moe_v2": mixtures.bailing_moe,
    **dict.fromkeys(("llama4", "llama4_text"), mixtures.llama4),
    "deepseek": latent.deepseek_moe,
    **dict.fromkeys(
        ("deepseek_v2", "deepseek_v3", "deepseek_v32", "kimi_k2", "glm4_moe_lite", "glm_moe_dsa"),
        latent.deepseek,
    ),
    "qwen3_next": hybrids.qwen3_next,
    **dict.fromkeys(("qwen3_5", "qwen3_5_text"), hybrids.qwen3_5),
    **dict.fromkeys(("qwen3_5_moe", "qwen3_5_moe_text"), hybrids.qwen3_5_moe),
    "granitemoehybrid": hybrids.granitemoehybrid,
    "nemotron_h": hybrids.nemotron_h,
    "jamba": hybrids.jamba,
    **dict.fromkeys(("mamba", "falcon_mamba"), hybrids.mamba),
    "kimi_linear": latent.kimi_linear,
    "lfm2": hybrids.lfm2,
    "lfm2_moe": hybrids.lfm2_moe,
    **dict.fromkeys(("deepseek_v4", "deepseek_ref"), sparse.deepseek_v4),
    **dict.fromkeys(("minimax_m3", "minimax_m3_vl", "minimax_m3_vl_text"), sparse.minimax_m3),
    **dict.fromkeys(("step3p5", "step3p7", "step3p7_text"), gated.step),
    "laguna": gated.laguna,
    "falcon_h1": side_by_side.falcon_h1,
    **dict.fromkeys(("mllama", "mllama_text_model"), side_by_side.llama_vision),
    "nemotron-nas": side_by_side.searched_llama,
}

# Parts of an architecture that no adapter here counts; a config that has one is another model than its type says.
_UNKNOWN_PARTS: Final = frozenset(
    {
        "moe_latent_size",
        "latent_moe_use_norm",
        "routed_expert_hidden_size",
        "mla_use_output_gate",
        "use_full_rank_gate",
        "attn_res_block_size",
        "sparse_attention_config",
        "compress_ratios",
        "block_configs",
        "cross_attention_layers",
    }
)
_K3: Final = frozenset(
    {"attn_res_block_size", "use_full_rank_gate", "latent_moe_use_norm", "routed_expert_hidden_size"}
)
_COUNTED: Final = {
    "nemotron_h": frozenset({"moe_latent_size"}),
    "kimi_linear": _K3 | {"mla_use_output_gate"},
    **dict.fromkeys(("deepseek_v4", "deepseek_ref"), frozenset({"compress_ratios"})),
    **dict.fromkeys(
        ("minimax_m3", "minimax_m3_vl", "minimax_m3_vl_text"), frozenset({"sparse_attention_config"})
    ),
    **dict.fromkeys(("mllama", "mllama_text_model"), frozenset({"cross_attention_layers"})),
    "nemotron-nas": frozenset({"block_configs"}),
}
_NESTED: Final = ("text_config", "llm_config", "language_config")
_OUTER: Final = ("tie_word_embeddings",)


def text_part(config: Mapping[str, Any]) -> tuple[Fields, bool]:
    """The decoder's own fields, and whether something else (an image or sound encoder) stands beside it."""
    for name in _NESTED:
        inner = config.get(name)
        if isinstance(inner, dict):
            # what the wrapper says of the whole model holds for the decoder unless it says otherwise
            outer = {key: config[key] for key in _OUTER if config.get(key) is not None}
            return Fields(inner, outer), True
    return Fields(config), "vision_config" in config or "audio_config" in config


def shape_of_config(config: Mapping[str, Any]) -> Shape:
    """The shape a config describes.

    Raises:
        Unsupported: There is no adapter for its architecture, a field is missing or cannot be, or the config has a
            part that no adapter counts.
    """
    fields, is_nested = text_part(config)
    kind = fields.text("model_type") or Fields(config).text("model_type")
    adapter = ADAPTERS.get(kind)
    if adapter is None:
        named = shown(kind) if kind else "no model_type"
        raise Unsupported(f"I have no rule for the architecture {named}, so its memory would be a guess.")
    linear = fields.part("linear_attn_config")
    for name in sorted(_UNKNOWN_PARTS - _COUNTED.get(kind, frozenset())):
        if fields.says(name) or linear.says(name):
            raise Unsupported(f"The config of this {kind} has {name}, which I have no rule for.")
    parts = {"architecture": _outer_kind(config, kind, is_nested=is_nested), **adapter(fields)}
    try:
        return checked(Shape(**parts))
    except ValueError as error:
        raise Unsupported(f"The config of this {kind} cannot be: {first_problem(error)}.") from None


def _outer_kind(config: Mapping[str, Any], kind: str, *, is_nested: bool) -> str:
    """The architecture's name: of the wrapper where the decoder is only its text part ("gemma3", not "gemma3_text")."""
    outer = config.get("model_type")
    if is_nested and isinstance(outer, str) and outer in ADAPTERS:
        return outer
    return kind
