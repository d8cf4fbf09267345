"""The whole document."""

from collections.abc import Collection

from exporter.page.card import card
from exporter.page.fit_lines import Candidate, candidate, fit_lines
from exporter.page.markup import NOTHING, Markup, joined, tag
from exporter.page.overview import overview
from shared.node_report import NODE_REPORT_PATH, GroupReport, NodeReport
from shared.units import gib

_SLOWEST_REFRESH_SECONDS = 60


def render_page(report: NodeReport) -> str:
    """The page for a report; it is complete without scripts, which only keep it fresh and filter it."""
    every = max(2, min(_SLOWEST_REFRESH_SECONDS, round(report.health.poll_interval_seconds)))
    title = f"{'Simulated node ' if report.simulated else ''}{report.node} · fittingroom"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("noscript", tag("meta", http_equiv="refresh", content=str(every))),
        tag("link", rel="stylesheet", href="/page.css"),
        tag("link", rel="icon", href="/favicon.svg", type="image/svg+xml"),
        tag("script", src="/page.js", defer=True),
        tag("title", title),
    )
    body = tag(
        "body",
        tag("a", "Skip to the GPUs", href="#node", class_="skip"),
        _top(report),
        tag("main", _main(report), id="node", data_every=str(every), tabindex="-1"),
        _foot(report),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _top(report: NodeReport) -> Markup:
    """Outside of what the script replaces: the filter keeps what was typed."""
    box = tag(
        "label",
        tag("span", "Find a model", class_="hidden"),
        tag(
            "input", type="search", id="find", placeholder="Find a model  /", autocomplete="off", hidden=True
        ),
    )
    simulated = tag("strong", "simulated", class_="badge") if report.simulated else NOTHING
    return tag("header", tag("h1", report.node, " ", simulated), box, class_="top")


def _main(report: NodeReport) -> Markup:
    cards = [card(gpu) for gpu in report.gpus]
    alone = {candidate(fit) for gpu in report.gpus for fit in gpu.fits if fit.fits_now}
    together = [_group(group, alone) for group in report.groups]
    return joined(
        [
            _summary(report),
            overview(report.gpus) if len(report.gpus) > 1 else NOTHING,
            tag("section", *cards, class_="cards", aria_label="GPUs"),
            tag("section", *together, class_="cards", aria_label="GPUs together"),
        ]
    )


def _summary(report: NodeReport) -> Markup:
    health = report.health
    whole = [gpu for gpu in report.gpus if gpu.parent_uuid is None]
    free = sum(gpu.memory.free_bytes for gpu in report.gpus if gpu.memory and not gpu.mig_enabled)
    parts: list[Markup] = []
    if report.simulated:
        parts.append(tag("p", "This node is simulated: nothing here is real hardware.", class_="note"))
    if not health.ok:
        parts.append(tag("p", health.message or "The GPUs cannot be read.", class_="warn", role="alert"))
    elif not whole:
        parts.append(tag("p", "The driver answers, and there is no GPU here.", class_="warn"))
    said = [f"{len(whole)} GPU{'s' if len(whole) != 1 else ''}"]
    if health.ok:
        said.append(f"{gib(free)} free")
    down = sum(not gpu.up for gpu in whole)
    if down:
        said.append(f"{down} down")
    if report.driver_version:
        said.append(f"driver {report.driver_version}")
    if health.series_dropped:
        said.append(f"{health.series_dropped} fit series left out at the limit")
    line = tag("span", " · ".join(said))
    taken = (
        tag("time", "", id="age", data_taken=report.taken_unix) if report.taken_unix is not None else NOTHING
    )
    parts.append(tag("p", line, taken, class_="summary"))
    if not health.process_attribution:
        reason = health.process_attribution_reason
        parts.append(tag("p", f"Models cannot be told from processes here: {reason}", class_="note"))
    return joined(parts)


def _group(group: GroupReport, alone: Collection[Candidate]) -> Markup:
    kind, _, count = group.group.rpartition("-x")
    return tag(
        "article",
        tag(
            "header",
            tag("h2", tag("span", f"{count} ×", class_="index"), f" {kind}", id=f"group-{group.group}"),
        ),
        tag("p", f"The {count} emptiest, used together by one engine.", class_="quiet"),
        fit_lines(group.group, group.fits, alone=alone),
        class_="card group",
        aria_labelledby=f"group-{group.group}",
    )


def _foot(report: NodeReport) -> Markup:
    links = [
        tag("a", "metrics", href="/metrics"),
        tag("a", "JSON", href=NODE_REPORT_PATH),
        tag("a", "health", href="/healthz"),
    ]
    versions = f"fittingroom {report.exporter_version}, facts of {report.catalog_date}"
    return tag("footer", tag("p", joined(links, " · ")), tag("p", versions))
