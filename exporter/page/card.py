"""One device as a card: identity, bar, what is near its limit, what fits."""

from exporter.page.bar import bar
from exporter.page.fit_lines import fit_lines
from exporter.page.markup import NOTHING, Markup, joined, tag
from shared.node_report import GpuReport, LoadedModelReport
from shared.units import gib, tokens

NEAR_LIMIT_RATIO = 0.9

_DOWN = {
    "gpu_is_lost": "The GPU has fallen off the bus; it needs a reset or a reboot.",
    "reset_required": "The GPU must be reset before it can be used.",
    "missing": "The GPU was here before and is gone.",
    "parent_down": "Its GPU is down.",
    "timeout": "The driver does not answer.",
    "stale": "The last look at it is too old.",
    "driver_not_loaded": "The driver is not loaded.",
}


def card(gpu: GpuReport) -> Markup:
    """The card of a GPU or MIG instance."""
    place = gpu.uuid
    heading = f"GPU {gpu.index}" if gpu.parent_uuid is None else f"MIG {gpu.index}"
    title = tag("h2", tag("span", heading, class_="index"), f" {gpu.name or 'unknown'}", id=f"gpu-{place}")
    return tag(
        "article",
        tag("header", title, _sensors(gpu)),
        *(_body(gpu) if gpu.up else (_down(gpu),)),
        tag("p", gpu.uuid, class_="uuid"),
        class_=" ".join(["card", *(["down"] if not gpu.up else []), *(["slice"] if gpu.parent_uuid else [])]),
        aria_labelledby=f"gpu-{place}",
    )


def _body(gpu: GpuReport) -> tuple[Markup, ...]:
    if gpu.mig_enabled:
        note = tag("p", "Split by MIG: its memory is used through the instances below.", class_="quiet")
        return (note,)
    if gpu.memory is None:
        return (tag("p", "Its memory cannot be read.", class_="warn"), _models(gpu))
    kind = ""
    if gpu.memory_kind == "unified":
        kind = tag(
            "p", "Unified memory: shared with the host, free is what the host can give.", class_="quiet"
        )
    unknown = NOTHING
    if gpu.gpu is None:
        unknown = tag("p", "Not in the catalog, so we cannot say what fits.", class_="quiet")
    return (bar(gpu), Markup(kind), _models(gpu), unknown, fit_lines(gpu.uuid, gpu.fits))


def _down(gpu: GpuReport) -> Markup:
    reason = gpu.down_reason or "unknown"
    return tag(
        "p",
        tag("b", "Down. "),
        _DOWN.get(reason, "The driver cannot read it."),
        f" ({reason})",
        class_="warn",
    )


def _sensors(gpu: GpuReport) -> Markup:
    shown: list[str] = []
    if gpu.memory is not None:
        shown.append(f"{gib(gpu.memory.total_bytes)}")
    if gpu.utilization_ratio is not None:
        shown.append(f"{gpu.utilization_ratio:.0%} busy")
    if gpu.power_watts is not None:
        limit = f" of {gpu.power_limit_watts:.0f}" if gpu.power_limit_watts else ""
        shown.append(f"{gpu.power_watts:.0f}{limit} W")
    if gpu.temperature_celsius is not None:
        shown.append(f"{gpu.temperature_celsius:.0f} °C")
    pods = [f"{place.namespace}/{place.pod}" for place in gpu.workloads]
    return tag("p", " · ".join([*shown, *pods]), class_="sensors") if shown or pods else NOTHING


def _models(gpu: GpuReport) -> Markup:
    """One line per loaded model: how near its limit it is, and what our estimate said."""
    lines = [_model(model) for model in gpu.loaded_models]
    return tag("ul", *lines, class_="loaded") if lines else NOTHING


def _model(model: LoadedModelReport) -> Markup:
    name = " ".join(part for part in (model.model, model.quantization) if part)
    parts: list[Markup] = [
        tag("b", name),
        tag("span", f" on {model.engine}" if model.engine else "", class_="quiet"),
    ]
    near = model.limit_ratio is not None and model.limit_ratio >= NEAR_LIMIT_RATIO
    if model.limit_ratio is not None:
        what = "KV cache" if model.limit_resource == "kv_cache" else "memory"
        parts.append(
            tag("span", f"{what} {model.limit_ratio:.0%} full", class_="limit near" if near else "limit")
        )
    facts: list[str] = []
    if model.context_tokens:
        facts.append(f"context {tokens(model.context_tokens)}")
    if model.running_requests is not None:
        facts.append(f"{model.running_requests} running")
    if model.waiting_requests:
        facts.append(f"{model.waiting_requests} waiting")
    if model.preemptions:
        facts.append(f"{model.preemptions} preempted so far")
    if model.predicted_bytes is not None:
        off = f" ({model.prediction_error_ratio:+.1%})" if model.prediction_error_ratio is not None else ""
        facts.append(f"we predicted {gib(model.predicted_bytes)}{off}")
    facts += [f"{place.namespace}/{place.pod}" for place in model.workloads]
    if facts:
        parts.append(tag("span", " · ".join(facts), class_="quiet facts"))
    return tag("li", joined(parts), data_find=name)
