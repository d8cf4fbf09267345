"""Verdicts, options and GPUs in the words we use for them everywhere in Slack."""

from typing import Final

from shared.errors import shown
from shared.memory.breakdown import Verdict
from shared.planner.plan import Headline, Option, OptionKind, Plan, QuantizationFit
from shared.question.query import Intent, Query, Reading
from shared.units import gib, tokens

HEADLINE: Final = {
    Headline.YES: "✅ Yes",
    Headline.WITH_CHANGES: "🟡 Yes, with changes",
    Headline.NO: "❌ No",
    Headline.UNKNOWN: "❔ Not known",
}
INTENT: Final = {
    Intent.WHAT_FITS: "🔎 What fits",
    Intent.WHICH_GPU: "🔎 Which GPU",
    Intent.MAX_CONTEXT: "🔎 Longest context",
    Intent.MAX_SEQUENCES: "🔎 How many at once",
    Intent.CHEAPEST: "🔎 Cheapest",
    Intent.COMPARE: "🔎 Compared",
}
VERDICT: Final = {
    Verdict.FITS: "✅ fits",
    Verdict.TIGHT: "🟡 tight",
    Verdict.DOES_NOT_FIT: "❌ does not fit",
    Verdict.UNKNOWN: "❔ unknown",
}


_FIELD: Final = {"gpu": "GPU", "gpu_memory_bytes": "GPU memory", "gpu_count": "number of GPUs"}


def field_word(field: str) -> str:
    """A part of a question as a person calls it: "GPU memory"."""
    return _FIELD.get(field, field)


def choice_word(field: str, choice: str) -> str:
    """One choice of an ambiguity as it can be typed back: an id, or a size."""
    return gib(int(choice)) if field == "gpu_memory_bytes" else choice


BREAKS: Final = "breaks the model"
LOSES: Final = "at a visible loss of quality"
_COST_SIGN: Final = {BREAKS: "🟠", LOSES: "🟡"}
_ROOM: Final = frozenset({Verdict.FITS, Verdict.TIGHT})


def loss(option: Option) -> str:
    """What an option that fits costs in quality, in words; empty where nothing worth a warning is lost."""
    if option.healthy or option.verdict not in _ROOM:
        return ""
    return LOSES if option.quantization.healthy else BREAKS


def costly(words: str, cost: str) -> str:
    """As in "fits, but breaks the model"."""
    return f"{words}, but {cost}" if cost == BREAKS else f"{words}, {cost}" if cost else words


def verdict(option: Option) -> str:
    """Whether it fits, and what it breaks by fitting: never a green "fits" for a model that no longer works."""
    return _signed(option.verdict, loss(option))


def fit_verdict(fit: QuantizationFit) -> str:
    """The same of a quantization of the asked model."""
    broken = fit.verdict in _ROOM and not fit.quantization.healthy
    return _signed(fit.verdict, BREAKS if broken else "")


def _signed(found: Verdict, cost: str) -> str:
    sign, _, words = VERDICT[found].partition(" ")
    return f"{_COST_SIGN.get(cost, sign)} {costly(words, cost)}"


def gpus(count: int, name: str) -> str:
    """As in "2 × A100 40GB"."""
    return f"{count} × {name}"


def subject(query: Query) -> str:
    """What the question is about: "Mixtral 8x22B on 1 × A100 40GB"."""
    model = " vs ".join(one.name for one in (query.model, *query.other_models) if one)
    return " on ".join(part for part in (model, _hardware(query)) if part)


def read_as(query: Query) -> str:
    """What we took the question for, part by part; a part that was guessed or corrected says so."""
    how = {reading.field: reading for reading in query.readings}
    return " · ".join(text + _doubt(how.get(field)) for field, text in _parts(query).items())


def doubtful(query: Query) -> dict[str, str]:
    """The parts that were guessed or corrected, by field."""
    guessed = {reading.field for reading in query.readings if _doubt(reading)}
    return {field: text for field, text in _parts(query).items() if field in guessed}


def _parts(query: Query) -> dict[str, str]:
    parts = {
        "model": " vs ".join(one.name for one in (query.model, *query.other_models) if one),
        "quantization": query.quantization.name if query.quantization else "",
        "gpu": _hardware(query),
        "context_tokens": f"{tokens(query.context_tokens)} context" if query.context_tokens else "",
        "kv_cache_type": f"KV cache {query.kv_cache_type}" if query.kv_cache_type else "",
        "sequences": f"{query.sequences} at once" if query.sequences else "",
        "gpu_layers": f"{query.gpu_layers} layers on the GPU" if query.gpu_layers is not None else "",
        "tensor_parallel": f"tensor parallel {query.tensor_parallel}" if query.tensor_parallel else "",
        "engine": query.engine or "",
        "purpose": f"for {query.purpose}" if query.purpose else "",
    }
    return {field: text for field, text in parts.items() if text}


def _doubt(reading: Reading | None) -> str:
    if reading is None or reading.how in {"exact", "alias"}:
        return ""
    return " (assumed)" if reading.how == "assumed" else f" (from {shown(reading.given)})"


def _hardware(query: Query) -> str:
    if query.gpu:
        beside = "".join(f" + {gpu.name}" for gpu in query.gpus_beside)
        return gpus(query.gpu_count or 1, query.gpu.name) + beside
    if query.gpu_memory_bytes:
        return gpus(query.gpu_count or 1, f"{gib(query.gpu_memory_bytes, digits=0)} GPU")
    return ""


def option_name(option: Option, plan: Plan) -> str:
    """An option in a few words: what differs from the question is said, what does not is not."""
    workload = option.estimate.workload
    asked = plan.query
    parts = [
        option.quantization.name,
        " + ".join(gpus(count, gpu.name) for count, gpu in option.kinds) or "no GPU",
    ]
    if asked.model is None or workload.model.id != asked.model.id:
        parts.insert(0, workload.model.name)
    if option.ours:
        parts.append("ours")
    if option.kind is OptionKind.KV_CACHE:
        parts.append(f"KV cache {workload.kv_cache_type_k}")
    if option.kind is OptionKind.OFFLOAD:
        parts.append(offload_words(option))
    return " · ".join(part for part in parts if part)


def offload_words(option: Option) -> str:
    """Which part stays on the GPU."""
    workload = option.estimate.workload
    if workload.cpu_expert_layers:
        return f"experts of {workload.cpu_expert_layers} layers on the CPU"
    if workload.gpu_layers is not None:
        layers = workload.model.shape.layers
        return f"{min(workload.gpu_layers, layers)} of {layers} layers on the GPU"
    return "partly on the CPU"


def memory(option: Option) -> str:
    """What the fullest GPU holds of what it can give: "38.1 of 39.4 GiB"."""
    estimate = option.estimate
    if not estimate.capacity_bytes:
        return gib(estimate.breakdown.host.total_bytes) + " host"
    needed, capacity = fullest(option)
    return f"{needed / 1024**3:,.1f} of {gib(capacity)}"


def fullest(option: Option) -> tuple[int, int]:
    """Bytes needed and bytes there on the GPU with the least room."""
    held = [
        (device.total_bytes, capacity)
        for device, capacity in zip(
            option.estimate.breakdown.per_gpu, option.estimate.capacity_bytes, strict=True
        )
    ]
    return max(held, key=lambda pair: pair[0] - pair[1])


def context(option: Option) -> str:
    """The context of one sequence, and how many sequences when more than one."""
    workload = option.estimate.workload
    many = f" × {workload.sequences}" if workload.sequences > 1 else ""
    return tokens(workload.context_tokens) + many


def speed(option: Option) -> str:
    """Tokens per second with its range; an unvalidated estimate says so."""
    if option.speed is None:
        return "unknown"
    guess = "" if option.speed.validated else "?"
    return f"~{_rate(option.speed.tokens_per_second)}{guess} ({_rate(option.speed.low)}-{_rate(option.speed.high)})"


def _rate(tokens_per_second: float) -> str:
    return f"{tokens_per_second:.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}"


def age(seconds: float) -> str:
    """How old a reading is."""
    if seconds == float("inf"):
        return "of unknown age"
    if seconds < 120:
        return f"{seconds:.0f} s old"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min old"
    return f"{seconds / 3600:.0f} h old"
