"""The frozen plan: verdict first, then where every byte goes, then the options in order."""

from dataclasses import dataclass
from enum import StrEnum

from shared.catalog.rows import Gpu, Quantization
from shared.estimator import Estimate
from shared.memory.breakdown import Verdict
from shared.question.query import Query


class OptionKind(StrEnum):
    """How an option differs from what was asked."""

    AS_ASKED = "as_asked"
    QUANTIZATION = "quantization"
    CONTEXT = "context"
    KV_CACHE = "kv_cache"
    MORE_GPUS = "more_gpus"
    OFFLOAD = "offload"
    OTHER_GPU = "other_gpu"
    OTHER_MODEL = "other_model"
    MIG_SLICE = "mig_slice"


class Headline(StrEnum):
    """The answer in one word."""

    YES = "yes"
    WITH_CHANGES = "with_changes"  # on the named hardware, a host of named memory too, the model kept healthy
    NO = "no"  # only with a ruinous quantization, offload, or other hardware
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """An estimate of single-stream decode speed, always with its range."""

    tokens_per_second: float
    low: float
    high: float
    validated: bool  # False where no measurement on this kind of card stands behind it
    prefill_tokens_per_second: float | None = None  # how fast a prompt is read
    together_tokens_per_second: float | None = (
        None  # of all the asked sequences at once, where there are several
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A dated cloud price of the GPUs of one option."""

    usd_per_hour: float
    provider: str
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to run it. `command` is ready to paste; `reason` says why it ranks where it does.

    `ours` says how many of its GPUs we have ("8 on 2 nodes"); empty where they would have to be found or rented, and
    where nobody said what we have. Where the GPUs differ, `gpu` is the first of `gpu_count`.
    """

    kind: OptionKind
    estimate: Estimate
    gpu: Gpu
    gpu_count: int
    quality: str
    healthy: bool
    command: tuple[str, ...] | None = None
    speed: Speed | None = None
    price: Price | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()
    ours: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether this option fits."""
        return self.estimate.verdict

    @property
    def quantization(self) -> Quantization:
        """The quantization this option runs."""
        return self.estimate.workload.quantization

    @property
    def kinds(self) -> tuple[tuple[int, Gpu], ...]:
        """How many of which GPU, in the engine's order; most options have one kind."""
        counts: dict[Gpu, int] = {}
        for gpu in self.estimate.gpus:
            counts[gpu] = counts.get(gpu, 0) + 1
        return tuple((count, gpu) for gpu, count in counts.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationFit:
    """One quantization on the asked GPUs as they are: what its weights take and the longest context left."""

    quantization: Quantization
    engine: str
    weights_bytes: int
    total_bytes: int
    verdict: Verdict
    longest_context_tokens: int  # 0 when the weights alone do not fit


@dataclass(frozen=True, slots=True, kw_only=True)
class CountFit:
    """How many of one GPU a quantization needs; None when no count the engine accepts is enough.

    `gpu_count` is the first that may do, and `verdict` says how sure that is; `sure_count` the first that fits at
    the upper end of the error bar.
    """

    quantization: Quantization
    engine: str
    gpu: Gpu
    gpu_count: int | None
    per_gpu_bytes: int
    verdict: Verdict = Verdict.FITS
    sure_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole answer to one query.

    Attributes:
        asked: What was literally asked, at the published precision where none was named; None for questions
            that name no model or no GPU.
        sentence: The headline as a sentence, verdict first.
        options: What would work, best first; at most six, of as many kinds as there are.
        more: The rest, in the same order, for who asks.
        on_these_gpus: What each quantization does on the asked GPUs, best quality first.
        counts: How many of that GPU the usual precisions need.
        others: The same question for the other choices of an ambiguity, or the other models of a comparison.
        own_sentence: What `sentence` says of this plan alone; empty where there are no others.
        asks: The words of the question that stand for several things, of which one was meant.
    """

    query: Query
    headline: Headline
    sentence: str
    asked: Option | None = None
    options: tuple[Option, ...] = ()
    more: tuple[Option, ...] = ()
    on_these_gpus: tuple[QuantizationFit, ...] = ()
    counts: tuple[CountFit, ...] = ()
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    others: tuple["Plan", ...] = ()
    own_sentence: str = ""
    asks: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict on what was literally asked."""
        return self.asked.verdict if self.asked else Verdict.UNKNOWN
