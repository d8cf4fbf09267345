"""What a llama.cpp command line seen on a node runs: the inverse of launch, and Ollama's runners too."""

import re
from collections.abc import Sequence
from typing import Final

from shared.engines.command_line import after_program, options, program_name
from shared.engines.engine import SeenCommand
from shared.engines.llama_cpp.quantizer import DEFAULT_TYPES, PACKAGED

_PROGRAMS: Final = frozenset({"llama-server", "llama-cli"})
_RUNNERS: Final = frozenset({"ollama", "ollama_llama_server"})
_FLAGS: Final = frozenset(
    {
        "--kv-unified", "-kvu", "--no-kv-unified", "-no-kvu", "--swa-full", "--no-mmap", "--mlock", "--jinja",
        "--no-jinja", "--metrics", "--slots", "--no-slots", "--props", "--embedding", "--embeddings", "--rerank",
        "--reranking", "--verbose", "-v", "--no-webui", "--no-ui", "--cont-batching", "-cb", "--no-cont-batching",
        "-nocb", "--context-shift", "--no-context-shift", "--no-kv-offload", "-nkvo", "--cpu-moe", "-cmoe",
        "--no-warmup", "--no-repack", "-nr", "--no-op-offload", "--log-disable", "--no-perf", "--check-tensors",
        "--ollama-engine", "--multiuser-cache", "--no-mmproj", "--offline", "--escape", "-e",
    }
)  # fmt: skip
# Longest first, so that "Q4_K_M" is not read as "Q4_K". Unsloth's "UD-…_L" is a mix of its own.
_MIX: Final = re.compile(
    r"(?<![A-Za-z0-9])("
    + "|".join(sorted((*DEFAULT_TYPES, "MXFP4"), key=len, reverse=True))
    + r"|(?<!UD[-_])(?:"
    + "|".join(PACKAGED)
    + r"))(?![A-Za-z0-9_])",
    re.IGNORECASE,
)


def process(argv: Sequence[str]) -> SeenCommand | None:
    """What the command serves, or None when it is not a llama.cpp program.

    `llama-server`, `llama-cli`, `python -m llama_cpp.server` and the runners that Ollama starts are read.
    """
    rest = _arguments(argv)
    if rest is None:
        return None
    given = options(rest, _FLAGS)
    model = (
        given.text("-m", "--model")
        or given.text("-hf", "-hfr", "--hf-repo")
        or given.text("--model-url", "-mu")
    )
    if model is None:
        return None
    keys = given.text("-ctk", "--cache-type-k", "--kv-cache-type")
    values = given.text("-ctv", "--cache-type-v", "--kv-cache-type")
    layers = given.text("-ngl", "--gpu-layers", "--n-gpu-layers")
    return SeenCommand(
        engine="llama.cpp",
        model=model,
        quantization=quantization_in(given.text("-hff", "--hf-file") or model),
        context_tokens=given.whole("-c", "--ctx-size", "--n-ctx"),
        kv_cache_type=keys,
        kv_cache_type_v=values if values != keys else None,
        gpu_layers=int(layers) if layers is not None and layers.isdecimal() else None,
        sequences=given.whole("-np", "--parallel"),
    )


def quantization_in(name: str) -> str | None:
    """The GGUF mix that a file name or a `repository:tag` mentions, as the catalog writes it."""
    found = _MIX.findall(name)
    return found[-1].upper() if found else None


def _arguments(argv: Sequence[str]) -> Sequence[str] | None:
    """The arguments behind the program's name; None when it is another program."""
    name = program_name(argv)
    if name in _PROGRAMS:
        return argv[1:]
    if name in _RUNNERS and "--model" in argv:
        return [word for word in argv[1:] if word != "runner"]
    return after_program(argv, command=("llama", "serve"), module=("llama_cpp.server",))
