"""Settings people paste from a command line: GPU layers and tensor parallelism."""

import re
from typing import Final

from shared.errors import UserError
from shared.question.amounts import COUNT, count_of
from shared.question.remaining import Remaining

MOST_LAYERS: Final = 1_000
MOST_GPUS: Final = 1_024

_GPU_LAYERS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\w-])(?:-ngl|--n-gpu-layers|--gpu-layers|--num-gpu-layers|--gpulayers|"
        r"n[-_]gpu[-_]layers|gpu[-_ ]layers|num_gpu|ngl)"
        r"[ =:]+(?P<n>\d{1,6}|all|-1|max)(?![\w.])",
        r"(?<![\w.-])(?P<n>\d{1,6})(?: of \d+|/\d+)? layers (?:(?:are|is|be|being|get|loaded|put|kept|"
        r"left|offloaded|sent) )*"
        r"(?:on|onto|to|in|into|offloaded to) (?:the |my |a )?(?:gpu|vram|card|graphics)",
        r"(?<![\w-])offload(?:ing|ed)?(?: only| just| about)? (?P<n>\d{1,6})(?:/\d+)? layers",
        r"(?<![\w-])(?P<n>\d{1,6}) (?:layers offload(?:ed)?|offloaded layers|gpu layers)",
    )
)
_TENSOR_PARALLEL: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\w-])(?:--?tensor[-_ ]parallel(?:[-_ ]?size|ism)?|tensor[-_ ]parallel(?:[-_ ]?(?:size|ism|degree))?|"
        rf"-tp|--tp(?:-size)?|tp[-_ ]?size|--num-shard|tp)(?: (?:of|at|is|over|across))?[ =:]*(?P<n>{COUNT})(?![\w.])",
        rf"(?<![\w.-])(?P<n>{COUNT})[- ]?(?:way )?(?:tp|tensor[- ]parallel(?:ism)?)(?!\w)",
    )
)
_OTHER_FLAGS: Final = re.compile(
    r"(?<![\w-])(?:(?:--n-cpu-moe|-ncmoe)[ =]\d+|(?:-ot|--override-tensor)[ =]\S+|(?:-pp|"
    r"--pipeline-parallel-size|pipeline[- ]parallel(?:ism)?(?:[-_ ]size)?|pp)[ =:]*\d{1,4}(?![\w.])|"
    r"(?:(?:--?)?gpu-memory-utilization|gpu_memory_utilization|gpu[ -]mem(?:ory)? util(?:ization)?|"
    r"mem[-_]fraction[-_]static)[ =:]+\d*\.?\d+|"
    r"(?:--?ubatch-size|-ub|--batch-size|-b|--threads|-t|--port|--seed|--temp)[ =:]+\d+|"
    r"-fa(?: (?:on|off|1|0))?|--flash-attn(?: (?:on|off|1|0))?|--mlock|--no-mmap|--enforce-eager|--trust-remote-code|"
    r"\d+[- ]?cores?(?!\w)|"
    r"\d+(?:\.\d+)? ?(?:t/s|tok/s|toks?/s(?:ec)?|tokens?[ /](?:per )?s(?:ec(?:ond)?s?)?|tps|gb/s|gbps|"
    r"tb/s|mhz|ghz|watts?)(?!\w)|\d+(?:w|[ ]w(?=[ ]*(?:[,.;:)?!]|$)))(?!\w))"
)
_PROCESSOR: Final = re.compile(
    r"(?<![\w-])(?:dual |2x )?(?:(?:amd )?(?:ryzen(?![ -]ai[ -]max)(?: (?:ai|pro|threadripper))*(?: \d)?|"
    r"threadripper(?: pro)?|epyc)(?: [\w-]*\d[\w-]*)?"
    r"|(?:intel )?(?:core )?i[3579][- ]\d{4,5}[a-z]{0,2}|core ultra \d(?: \d{3}[a-z]{0,2})?|"
    r"xeon(?: (?:gold|silver|platinum|w|e\d?))?[ -]?[\w-]*)(?!\w)"
)
_OPTION: Final = re.compile(
    r"(?<![\w-])(?:--[a-z][\w-]*=?|-[a-z]{1,4}(?![\w-])=?|[a-z]+(?:_[a-z]+){1,6}=\S*)"
)


def read_gpu_layers(question: Remaining) -> int | None:
    """An explicit number of layers on the GPU, or None when not said ("all" is what an engine does anyway)."""
    match = _first(question, _GPU_LAYERS)
    if match is None:
        return None
    given = question.take_match(match)
    if not match["n"].isdecimal():
        return None
    layers = int(match["n"])
    if layers > MOST_LAYERS:
        sentence = f"No model has {layers:,} layers to put on a GPU: give a number from 0 to {MOST_LAYERS:,}."
        raise UserError(sentence, field="gpu_layers")
    question.note("gpu_layers", given, layers, "exact")
    return layers


def read_tensor_parallel(question: Remaining) -> int | None:
    """An explicit tensor-parallel count, or None when not said."""
    match = _first(question, _TENSOR_PARALLEL)
    if match is None:
        return None
    given = question.take_match(match)
    count = count_of(match["n"])
    if not 1 <= count <= MOST_GPUS:
        sentence = (
            f"I cannot plan tensor parallelism over {count:,} GPUs: give a number from 1 to {MOST_GPUS:,}."
        )
        raise UserError(sentence, field="tensor_parallel")
    question.note("tensor_parallel", given, count, "exact")
    return count


def set_aside_other_numbers(question: Remaining) -> None:
    """Blank out numbers that belong to settings a plan does not take, and speeds; say so where it matters."""
    for match in question.find_all(_OTHER_FLAGS):
        given = question.take_match(match)
        if "pipeline" in match[0] or match[0].startswith(("pp", "-pp")):
            question.warnings.append(f"I do not plan pipeline parallelism, so '{given}' is left out.")
        elif "moe" in match[0] or match[0].startswith(("-ot", "--over")):
            question.warnings.append(f"I place layers and experts myself, so '{given}' is left out.")
    for match in question.find_all(_PROCESSOR):
        question.take_match(match)


def set_aside_options(question: Remaining) -> None:
    """Blank out options ("--model-path", "-m", "OLLAMA_DEBUG=1"), which are no names of models."""
    for match in question.find_all(_OPTION):
        question.take_match(match)


def _first(question: Remaining, patterns: tuple[re.Pattern[str], ...]) -> re.Match[str] | None:
    return next((match for pattern in patterns if (match := question.find(pattern)) is not None), None)
