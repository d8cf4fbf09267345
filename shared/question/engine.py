"""The inference engine in a question."""

import re
from typing import Final

from shared.catalog.catalog import Catalog
from shared.errors import UnknownName
from shared.question.remaining import Remaining, is_not_meant

# programs built on an engine of the catalog; a person names these more often than the engine
_BUILT_ON: Final = {
    "llama.cpp": (
        "llama.cpp", "llamacpp", "llama cpp", "llama-cpp", "llama_cpp", "llama-cpp-python", "llama-server", "llama-cli",
        "llama-bench", "llama-run", "llama-batched-bench", "llama-perplexity",
        "llama server", "ollama", "lm studio", "lmstudio", "koboldcpp", "kobold.cpp", "llamafile", "ik_llama.cpp",
        "ik_llama", "jan.ai", "gpt4all", "localai",
    ),
    "vllm": ("vllm", "v-llm", "vllm serve", "vllm.entrypoints.openai.api_server", "vllm/vllm-openai"),
    "sglang": ("sglang", "sg-lang", "sgl", "sglang.launch_server"),
    "tgi": ("tgi", "text-generation-inference", "text generation inference", "hf-tgi", "hf tgi"),
    "transformers": ("transformers", "hf transformers", "huggingface transformers", "hugging face transformers",
                     "huggingface", "hugging face", "hf", "accelerate"),
}  # fmt: skip
_UNKNOWN: Final = re.compile(
    r"(?<![\w./-])(tensorrt(?:[- ]?llm)?|trt[- ]?llm(?:-serve)?|exllama(?:v?[23])?|tabby ?api|mlx(?:[- ]lm)?|"
    r"lmdeploy|mlc(?:[- ]llm)?|"
    r"ktransformers|deepspeed(?:[- ](?:mii|fastgen))?|aphrodite|nvidia nim|openvino|max serve|ctranslate2)(?![\w-])"
)
_MANNER: Final = r"(?:(?:with|using|via|under|in|on|through|engine|backend|runtime)[ :=]+|--?engine[ =])?"


def engine_pattern(catalog: Catalog) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of every name of every engine in the catalog, longest first, and which engine each name means."""
    means = {
        name.lower(): engine.id
        for engine in catalog.engines.values()
        for name in (*_BUILT_ON.get(engine.id, ()), *engine.aliases, engine.name, engine.id)
        if name.lower() != "gguf"  # a file format; read with the quantizations
    }
    names = "|".join(re.escape(name) for name in sorted(means, key=len, reverse=True))
    return re.compile(
        rf"(?<![\w./-]){_MANNER}(?P<name>{names})(?: v?0\.\d+(?:\.\w+)*)?(?![\w/-]|\.\w)"
    ), means


def read_engine(question: Remaining, pattern: re.Pattern[str], means: dict[str, str]) -> str | None:
    """The id of the engine named, or None.

    Raises:
        UnknownName: An engine we have no rules for was named.
    """
    found: str | None = None
    named = list(question.find_all(pattern))
    meant = [
        one for one in named if not is_not_meant(question.lower[: one.start()], question.lower[one.end() :])
    ]
    for match in (one for one in named if one not in meant):
        question.take_match(match)
    for match in meant:
        engine = means[match["name"]]
        if found is None:
            found = engine
            how = "exact" if match["name"] == engine else "alias"
            question.note("engine", question.given(*match.span("name")), engine, how)
        elif engine != found:
            question.warnings.append(f"You named several engines; I answer for {found}.")
        question.take_match(match)
    if found is None and (unknown := question.find(_UNKNOWN)) is not None:
        raise UnknownName("engine", question.given(*unknown.span()), near=tuple(sorted(set(means.values()))))
    return found
