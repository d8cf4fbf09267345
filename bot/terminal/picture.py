"""The options as a picture: a bar per option against its capacity line, drawn as SVG, or as PNG through a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from bot.messages.words import BREAKS, LOSES, loss
from bot.messages.words import fullest as fullest_bytes
from bot.terminal.bars import PARTS, fullest
from bot.terminal.render_options import KIND
from shared.errors import BadValue
from shared.inverse.load import context_per_sequence
from shared.memory.breakdown import DeviceMemory, Verdict
from shared.planner.plan import Option, Plan
from shared.units import GIB, gib, tokens

_WIDTH: Final = 960
_ROW: Final = 66
_TOP: Final = 96
_BAR_AT: Final = 380
_BAR_WIDTH: Final = 400
_COLOURS: Final = (
    "#3b6fb6",
    "#a34fa3",
    "#cf7fd0",
    "#d9a521",
    "#8a8f98",
)  # told apart in grey too, in PARTS' order
_VERDICT: Final = {
    Verdict.FITS: ("fits", "#1f7a3a"),
    Verdict.TIGHT: ("tight", "#9a6b00"),
    Verdict.DOES_NOT_FIT: ("does not fit", "#b3261e"),
    Verdict.UNKNOWN: ("unknown", "#666666"),
}
_COST: Final = {BREAKS: "#b3261e", LOSES: "#9a6b00"}  # said in words too


def write_picture(plan: Plan, name: str) -> None:
    """Draw the plan into `name`. Raises BadValue for another kind of file or where it cannot be written."""
    file = Path(name)
    try:
        if file.suffix.lower() == ".svg":
            file.write_text(svg(plan), encoding="utf-8")
        elif file.suffix.lower() == ".png":
            file.write_bytes(png(svg(plan)))
        else:
            raise BadValue("--picture", name, "give a file that ends in .svg or .png")
    except OSError as error:
        raise BadValue("--picture", name, f"it cannot be written ({error.strerror})") from None


def svg(plan: Plan) -> str:
    """The plan as SVG: pure, the same plan always gives the same picture."""
    rows = ([plan.asked] if plan.asked and plan.asked not in plan.options else []) + list(plan.options)
    height = _TOP + _ROW * max(1, len(rows)) + 40
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="DejaVu Sans, Arial, sans-serif" role="img">',
        f"<title>{escape(plan.sentence)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        *_headline(plan.sentence),
    ]
    for place, one in enumerate(rows):
        lines += _row(one, _TOP + place * _ROW)
    lines += [*_legend(height - 18), "</svg>"]
    return "\n".join(lines) + "\n"


def png(drawing: str) -> bytes:
    """The SVG as pixels, by the Chromium that Playwright finds. Raises BadValue when there is none."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise BadValue("--picture", "png", "a PNG needs the playwright package; .svg needs nothing") from None
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=_chromium())
            page = browser.new_page(viewport={"width": _WIDTH, "height": 400}, device_scale_factor=2)
            page.set_content(f"<body style='margin:0'>{drawing}</body>")
            pixels = page.locator("svg").screenshot()
            browser.close()
            return pixels
    except Error as error:
        reason = str(error).splitlines()[0]
        raise BadValue(
            "--picture", "png", f"no browser to draw it with ({reason}); .svg needs none"
        ) from None


def _chromium() -> str | None:
    """The system's Chromium; None lets Playwright use its own."""
    return next(
        (path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None
    )


def _headline(sentence: str) -> Iterator[str]:
    """The sentence on as many as three lines."""
    words, line, lines = sentence.split(), "", []
    for word in words:
        if len(line) + len(word) > 96:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    for place, text in enumerate([*lines, line][:3]):
        yield f'<text x="20" y="{30 + place * 21}" font-size="15" font-weight="bold">{escape(text)}</text>'


def _row(one: Option, top: int) -> Iterator[str]:
    load = one.estimate.workload
    cards = " + ".join(f"{count}x {gpu.name}" if count > 1 else gpu.name for count, gpu in one.kinds)
    yield _text(20, top + 16, f"{load.model.name} {load.quantization.name}", 13, bold=True)
    where = f"{cards}, {load.engine}, {tokens(context_per_sequence(load))} context"
    yield _text(20, top + 34, where, 12)
    yield _text(20, top + 50, KIND[one.kind], 11, colour="#5b6470")
    device = fullest(one.estimate.breakdown)
    if device is None or not one.estimate.capacity_bytes:
        return
    needed, capacity = fullest_bytes(one)
    yield from _bar(device, capacity, top + 6)
    word, colour = _VERDICT[one.verdict]
    cost = loss(one)
    colour = _COST.get(cost, colour)
    yield _text(_BAR_AT + _BAR_WIDTH + 16, top + 16, word, 13, colour=colour, bold=True)
    yield _text(_BAR_AT + _BAR_WIDTH + 16, top + 33, f"{needed / GIB:,.1f} of {gib(capacity)}", 12)
    if cost:
        yield _text(_BAR_AT + _BAR_WIDTH + 16, top + 50, cost, 11, colour=colour, bold=True)


def _bar(device: DeviceMemory, capacity: int, top: int) -> Iterator[str]:
    scale = _BAR_WIDTH / max(capacity, device.total_bytes)
    yield f'<rect x="{_BAR_AT}" y="{top}" width="{capacity * scale:.1f}" height="26" fill="#eceff3"/>'
    left = float(_BAR_AT)
    for (_, field, _), colour in zip(PARTS, _COLOURS, strict=True):
        width = getattr(device, field) * scale
        if width:
            yield f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="26" fill="{colour}"/>'
        left += width
    line = _BAR_AT + capacity * scale
    yield f'<line x1="{line:.1f}" x2="{line:.1f}" y1="{top - 5}" y2="{top + 31}" stroke="#000" stroke-width="2"/>'


def _legend(top: int) -> Iterator[str]:
    left = _BAR_AT
    for (name, _, _), colour in zip(PARTS, _COLOURS, strict=True):
        yield f'<rect x="{left}" y="{top - 10}" width="11" height="11" fill="{colour}"/>'
        yield _text(left + 16, top, name, 11)
        left += 30 + 7 * len(name)
    yield _text(left, top, "| capacity", 11)


def _text(left: int, top: int, words: str, size: int, *, colour: str = "#1b1f24", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{left}" y="{top}" font-size="{size}" fill="{colour}"{weight}>{escape(words)}</text>'
