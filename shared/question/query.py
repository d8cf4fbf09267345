"""What was asked, as we understood it."""

from dataclasses import dataclass
from enum import StrEnum

from shared.catalog.rows import Gpu, Model, Quantization


class Intent(StrEnum):
    """The kind of question."""

    FIT = "fit"  # can this model run on that GPU?
    WHAT_FITS = "what_fits"  # what can run on this GPU? (no model named)
    WHICH_GPU = "which_gpu"  # what does this model need? (no GPU named)
    MAX_CONTEXT = "max_context"
    MAX_SEQUENCES = "max_sequences"
    CHEAPEST = "cheapest"
    COMPARE = "compare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguity:
    """A part of the question that several rows answer to: `choices` are ids (or values), most likely first.

    `counts` says how many GPUs each choice is of where they differ ("an A6000 or 2x 4090"), and is empty elsewhere.
    """

    field: str
    given: str
    choices: tuple[str, ...]
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one part was read: `given` is the person's text, `value` what we took it for.

    `how` is "exact", "alias", "corrected" (spelling) or "assumed" (not said, or said loosely).
    """

    field: str
    given: str
    value: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question, typed. None means not said.

    Attributes:
        context_tokens: Tokens per sequence.
        sequences: Users or requests at once.
        kv_cache_type: The type both halves of the KV cache are to have.
        gpu_memory_bytes: Memory of hypothetical hardware ("a GPU with 36 GB") when no GPU is named; of each GPU
            where there are several. Beside a named GPU it is the size of the MIG slice asked about.
        gpus_beside: Other GPUs of the same machine ("a 4090 and a 3090"), one entry per GPU, after the `gpu_count` of
            `gpu`. Not a choice between GPUs: that is an ambiguity.
        host_memory_bytes: Memory of the machine itself, where the question says it ("and 64 GB RAM").
        other_models: Further models of a comparison.
        purpose: What a model is wanted for where none is named: "code", "math", "embedding", "vision" or "audio".
        gpu_layers: An explicit `-ngl`.
    """

    text: str
    intent: Intent = Intent.FIT
    model: Model | None = None
    gpu: Gpu | None = None
    gpu_count: int | None = None
    gpus_beside: tuple[Gpu, ...] = ()
    quantization: Quantization | None = None
    context_tokens: int | None = None
    engine: str | None = None
    sequences: int | None = None
    kv_cache_type: str | None = None
    gpu_memory_bytes: int | None = None
    host_memory_bytes: int | None = None
    gpu_layers: int | None = None
    tensor_parallel: int | None = None
    other_models: tuple[Model, ...] = ()
    purpose: str | None = None
    ambiguous: tuple[Ambiguity, ...] = ()
    readings: tuple[Reading, ...] = ()
    warnings: tuple[str, ...] = ()
