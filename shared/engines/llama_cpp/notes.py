"""The sentences beside llama.cpp's numbers, and how well the numbers are known."""

from functools import lru_cache
from typing import Final

from shared.catalog.rows import Model
from shared.engines.llama_cpp.graph.traits import CHECKED
from shared.engines.llama_cpp.settings import CELL_PADDING, ENCODERS, Settings
from shared.engines.versions import version_key
from shared.errors import BadValue
from shared.memory.workload import Workload
from shared.units import tokens

_ENCODER_ERROR: Final = 0.05
_CHECKED_SINCE: Final = (0, 5)


@lru_cache(maxsize=256)
def _is_checked_version(version: str) -> bool:
    """Whether compute buffers were compared with this version's own allocation; earlier builds differ."""
    try:
        return not version.startswith("b") and version_key(version) >= _CHECKED_SINCE
    except BadValue:
        return False


def evidence(model: Model, version: str) -> str:
    """How this architecture is known: compared with the engine itself ("measured"), or from its source ("derived")."""
    if not _is_checked_version(version):
        return "derived"
    return "measured" if model.shape.gguf_architecture in CHECKED else "derived"


def compute_error(model: Model, version: str) -> float:
    """Half-width of the 95 % interval of a compute buffer, as a share of it."""
    if not _is_checked_version(version):
        return 0.4
    if model.shape.gguf_architecture in ENCODERS:
        return _ENCODER_ERROR
    return 0.02 if model.shape.gguf_architecture in CHECKED else 0.15


def assumptions(workload: Workload, version: str, settings: Settings) -> tuple[str, ...]:
    """What the numbers take for granted."""
    text_only = bool(workload.model.towers) and not workload.projector
    return _assumptions(version, workload.program, settings.tokens, settings.flash_attention, text_only)


@lru_cache(maxsize=1024)
def _assumptions(version: str, program: str, batch: int, flash: bool, towers: bool) -> tuple[str, ...]:
    attention = "on" if flash else "off"
    said = [f"llama.cpp {version}, {program}, micro batches of {batch} tokens, flash attention {attention}."]
    if towers:
        said.append("Text only: the vision or audio projector (--mmproj) is not loaded.")
    return tuple(said)


def beside_lines(workload: Workload) -> tuple[str, ...]:
    """What is loaded beside the model, and how little of it was measured."""
    said = []
    if workload.adapters is not None:
        count, rank = workload.adapters.count, workload.adapters.rank
        said.append(
            f"{count} LoRA adapters of rank {rank} in 32 bits, as convert_lora_to_gguf.py writes them."
        )
    if workload.speculation is not None:
        who = workload.speculation.draft.name if workload.speculation.draft else "its own MTP layers"
        said.append(
            f"Guessed ahead of each slot: {workload.speculation.tokens} by {who}, in a context of their own."
        )
    if workload.projector:
        said.append("The projector in 16 bits; its own compute buffer is a rule of thumb, 40 % of it.")
    return (*said, "Hardly any log shows this, so the interval is wider.")


def warnings(workload: Workload, settings: Settings) -> tuple[str, ...]:
    """What a reader must not miss."""
    found = []
    if workload.model.shape.gguf_architecture in ENCODERS and settings.cells > settings.tokens:
        found.append(
            f"An encoder takes an input in one micro batch: longer ones than {settings.tokens} tokens need -ub and -b."
        )
    limit = workload.model.context_tokens
    if settings.cells > limit + CELL_PADDING:
        found.append(f"{workload.model.name} was made for {tokens(limit)} tokens; this asks for more.")
    if settings.streams > 1:
        found.append(
            f"Each of the {settings.sequences} slots gets {tokens(settings.cells)} tokens of the context."
        )
    return tuple(found)
