"""What fits, as lines a person can read: one per model, then one table with every number."""

from collections.abc import Collection, Sequence

from exporter.page.markup import NOTHING, Markup, joined, tag
from shared.node_report import FitReport
from shared.units import gib, tokens

Candidate = tuple[str, str, str, int, int]


def candidate(fit: FitReport) -> Candidate:
    """What makes a candidate the same one at another place."""
    return fit.model, fit.quantization, fit.engine, fit.context_tokens, fit.sequences


def fit_lines(place: str, fits: Sequence[FitReport], *, alone: Collection[Candidate] = ()) -> Markup:
    """The candidates that fit now, those that would if the device were empty, and the whole table folded away.

    Args:
        place: A uuid or group, for stable ids.
        fits: Every candidate at this place.
        alone: Candidates that fit a single GPU now, not worth repeating for several.
    """
    if not fits:
        return NOTHING
    now = [fit for fit in fits if fit.fits_now and candidate(fit) not in alone]
    later = [fit for fit in fits if fit.fits_empty and not fit.fits_now]
    if alone:
        parts = [tag("h3", f"Fits now, and on no GPU alone: {len(now)} of {len(fits)}")]
        none = "Nothing that would not fit one GPU alone."
    else:
        parts = [tag("h3", f"Fits now: {len(now)} of {len(fits)}")]
        none = "None of the candidates fits the free memory."
    parts.append(_models(now) if now else tag("p", none, class_="quiet"))
    if later:
        parts.append(
            tag(
                "details",
                tag("summary", f"{len(later)} more would fit if it were empty"),
                _models(later),
                id=f"later-{place}",
            )
        )
    parts.append(
        tag(
            "details",
            tag("summary", "What each candidate needs"),
            _table(fits),
            id=f"needs-{place}",
            class_="needs",
        )
    )
    return joined(parts)


def _models(fits: Sequence[FitReport]) -> Markup:
    """One line per model: its name, then its quantizations by engine with the longest context that fits."""
    by_model: dict[str, dict[tuple[str, str], FitReport]] = {}
    for fit in fits:
        ways = by_model.setdefault(fit.model, {})
        best = ways.get((fit.engine, fit.quantization))
        if best is None or fit.context_tokens > best.context_tokens:
            ways[fit.engine, fit.quantization] = fit
    lines = [
        tag(
            "li",
            tag("b", model),
            tag("span", *[_chip(fit) for fit in ways.values()], class_="chips"),
            data_find=model,
        )
        for model, ways in by_model.items()
    ]
    return tag("ul", *lines, class_="models")


def _chip(fit: FitReport) -> Markup:
    spare = fit.headroom_bytes
    more = f", {gib(spare)} to spare" if spare is not None and spare >= 0 else ""
    return tag(
        "span",
        tag("b", fit.quantization),
        f" {tokens(fit.context_tokens)}",
        tag("small", f" {fit.engine}"),
        class_="chip",
        title=f"{fit.quantization} on {fit.engine} at {fit.context_tokens:,} tokens{more}",
    )


def _table(fits: Sequence[FitReport]) -> Markup:
    heads = ("Model", "Fits", "Quantization", "Engine", "Context", "Needs", "Spare now")
    rows = [
        tag(
            "tr",
            tag("th", fit.model, scope="row"),
            tag("td", _word(fit), class_=_class(fit), title=fit.refused),
            tag("td", fit.quantization),
            tag("td", fit.engine),
            tag(
                "td",
                tokens(fit.context_tokens) + (f" × {fit.sequences}" if fit.sequences > 1 else ""),
                class_="n",
            ),
            tag("td", "-" if fit.required_bytes is None else gib(fit.required_bytes), class_="n"),
            tag("td", "-" if fit.headroom_bytes is None else gib(fit.headroom_bytes), class_="n"),
            data_find=f"{fit.model} {fit.quantization} {fit.engine}",
        )
        for fit in fits
    ]
    head = tag("thead", tag("tr", *[tag("th", name, scope="col") for name in heads]))
    return tag("div", tag("table", head, tag("tbody", *rows)), class_="scroll", tabindex="0", role="region")


def _word(fit: FitReport) -> str:
    if fit.fits_now:
        return "now"
    if fit.fits_empty:
        return "if empty"
    return "refused" if fit.refused else "no"


def _class(fit: FitReport) -> str:
    return "yes" if fit.fits_now else "maybe" if fit.fits_empty else "no"
