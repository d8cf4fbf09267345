"""What a Python command line that loads a model with transformers runs: the inverse of launch."""

import re
from collections.abc import Sequence
from typing import Final

from shared.engines.command_line import after_program, options, program_name
from shared.engines.engine import SeenCommand

_LOADED: Final = re.compile(r"AutoModel\w*\.from_pretrained\(\s*['\"]([^'\"]{1,200})['\"]([^\n]*)")
_DTYPE: Final = re.compile(r"dtype=['\"]?(?:torch\.)?(bfloat16|float16|float32)")
_LENGTH: Final = re.compile(r"max_length=(\d{1,9})")
_TYPES: Final = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}


def process(argv: Sequence[str]) -> SeenCommand | None:
    """What the command loads, or None when it does not say.

    Read are `python -c` with `from_pretrained`, and `transformers serve MODEL` or `transformers chat MODEL`; a script
    in a file does not tell its model on its command line.
    """
    for verb in ("serve", "chat"):
        rest = after_program(argv, command=("transformers", verb), module=())
        if rest is not None:
            given = options(rest, frozenset())
            return SeenCommand(engine="transformers", model=given.words[0] if given.words else None)
    if not program_name(argv).startswith("python") or "-c" not in argv[:-1]:
        return None
    script = argv[argv.index("-c") + 1]
    loaded = _LOADED.search(script)
    if loaded is None:
        return None
    dtype, length = _DTYPE.search(loaded[2]), _LENGTH.search(script)
    quantization = _TYPES[dtype[1]] if dtype else None
    if "load_in_4bit" in loaded[2]:
        quantization = "NF4"
    elif "load_in_8bit" in loaded[2]:
        quantization = "LLM.INT8"
    return SeenCommand(
        engine="transformers",
        model=loaded[1],
        quantization=quantization,
        context_tokens=int(length[1]) if length else None,
        speculative_tokens=0 if "assistant_model=" in script else None,
    )
