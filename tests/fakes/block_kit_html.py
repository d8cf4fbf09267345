"""Block Kit as a page, near enough to Slack's own look to judge a message by eye."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

_STYLE = """
body{margin:0;padding:16px;background:#fff;font:15px/1.46 Lato,'Noto Sans','DejaVu Sans',sans-serif;color:#1d1c1d}
body.dark{background:#1a1d21;color:#d1d2d3}
.message{width:680px;padding:8px 20px 8px 64px;position:relative}
.message.narrow{width:340px;padding-left:20px}
.who{font-weight:900}.who small{font-weight:400;color:#616061;margin-left:8px}
.only{color:#616061;font-size:13px}
h1{font-size:18px;line-height:1.33;margin:8px 0}
.context{color:#616061;font-size:13px;margin:4px 0}.context span{margin-right:8px}
.rich{margin:8px 0}.rich p{margin:0}.rich ul{margin:0;padding-left:22px}
pre{background:#f8f8f8;border:1px solid #ddd;border-radius:4px;padding:8px;margin:4px 0;
 font:12px/1.5 Monaco,Menlo,'DejaVu Sans Mono',monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.dark pre{background:#222529;border-color:#35373b}.dark .context,.dark .only{color:#ababad}
.actions{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}
button,.select{font:700 13px/1.4 inherit;border:1px solid #bbb;border-radius:4px;background:#fff;padding:5px 12px;
 color:inherit}
.dark button,.dark .select{background:#1a1d21}
button.primary{background:#007a5a;color:#fff;border-color:#007a5a}button.danger{background:#e01e5a;color:#fff}
table{border-collapse:collapse;font-size:13px;margin:8px 0;width:100%}
td{border:1px solid #ddd;padding:4px 8px;vertical-align:top}td p{margin:0}.dark td{border-color:#35373b}
hr{border:0;border-top:1px solid #ddd}.container{border:1px solid #ddd;border-radius:6px;padding:4px 12px;margin:8px 0}
.bars{font-size:12px;margin:8px 0}.bars div{display:flex;align-items:center}
.bars i{display:block;height:12px;margin-right:4px}
"""


def page(
    messages: Sequence[tuple[str, Sequence[Mapping[str, Any]]]], *, dark: bool = False, narrow: bool = False
) -> str:
    """An HTML page with these messages, each a note on who sees it and its blocks."""
    shape = " narrow" if narrow else ""
    body = "".join(
        f'<div class="message{shape}"><div class="who">fittingroom<small>10:24</small></div>'
        f'<div class="only">{html.escape(note)}</div>{"".join(_block(one) for one in blocks)}</div>'
        for note, blocks in messages
    )
    return f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style><body class={'dark' if dark else 'light'}>{body}"


def _block(block: Mapping[str, Any]) -> str:
    kind = block["type"]
    if kind == "header":
        return f"<h1>{_text(block['text'])}</h1>"
    if kind == "section":
        fields = "".join(f"<div>{_text(one)}</div>" for one in block.get("fields", ()))
        side = _element(block["accessory"]) if "accessory" in block else ""
        return f'<div class="rich">{_text(block["text"]) if "text" in block else ""}{fields}{side}</div>'
    if kind == "context":
        return (
            '<div class="context">'
            + "".join(f"<span>{_text(one)}</span>" for one in block["elements"])
            + "</div>"
        )
    if kind == "actions":
        return '<div class="actions">' + "".join(_element(one) for one in block["elements"]) + "</div>"
    if kind == "rich_text":
        return '<div class="rich">' + "".join(_rich(one) for one in block["elements"]) + "</div>"
    if kind == "table":
        return (
            "<table>"
            + "".join(_row(row, block.get("column_settings", [])) for row in block["rows"])
            + "</table>"
        )
    if kind == "input":
        return f'<div class="rich"><b>{_text(block["label"])}</b><br>{_element(block["element"])}</div>'
    if kind == "container":
        inner = (
            "" if block.get("default_collapsed") else "".join(_block(one) for one in block["child_blocks"])
        )
        arrow = "▸" if block.get("default_collapsed") else "▾"
        return f'<div class="container"><b>{arrow} {_text(block["title"])}</b>{inner}</div>'
    if kind == "data_visualization":
        return _chart(block)
    return "<hr>" if kind == "divider" else f"<p>[{kind}]</p>"


def _row(row: Sequence[Mapping[str, Any]], settings: Sequence[Mapping[str, Any]]) -> str:
    cells = ""
    for number, cell in enumerate(row):
        align = settings[number].get("align", "left") if number < len(settings) else "left"
        inner = html.escape(cell["text"]) if cell["type"] == "raw_text" else _block(cell)
        cells += f'<td style="text-align:{align}">{inner}</td>'
    return f"<tr>{cells}</tr>"


def _rich(part: Mapping[str, Any]) -> str:
    inner = [_run(one) if one["type"] != "rich_text_section" else _rich(one) for one in part["elements"]]
    if part["type"] == "rich_text_list":
        return "<ul>" + "".join(f"<li>{one}</li>" for one in inner) + "</ul>"
    if part["type"] == "rich_text_preformatted":
        return f"<pre>{''.join(inner)}</pre>"
    return f"<p>{''.join(inner)}</p>"


def _run(run: Mapping[str, Any]) -> str:
    shown = html.escape(str(run.get("text") or run.get("url") or run["type"]))
    for style, tag in (("bold", "b"), ("italic", "i"), ("code", "code"), ("strike", "s")):
        if run.get("style", {}).get(style):
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _element(part: Mapping[str, Any]) -> str:
    if part["type"] == "button":
        return f'<button class="{part.get("style", "")}">{_text(part["text"])}</button>'
    chosen = part.get("initial_option", {}).get("text") or part.get("placeholder")
    return f'<span class="select">{_text(chosen) if chosen else "…"} ▾</span>'


def _chart(block: Mapping[str, Any]) -> str:
    chart = block["chart"]
    colours = ("#36c5f0", "#2eb67d", "#ecb22e", "#e01e5a", "#4a154b", "#888")
    top = max((point["value"] for series in chart["series"] for point in series["data"]), default=1) or 1
    rows = "".join(
        f'<div><i style="width:{300 * point["value"] / top:.0f}px;background:{colours[number]}"></i>'
        f"{html.escape(point['label'])} {html.escape(series['name'])} {point['value']}</div>"
        for number, series in enumerate(chart["series"])
        for point in series["data"]
    )
    return f'<div class="bars"><b>{html.escape(block["title"])}</b>{rows}</div>'


def _text(part: Mapping[str, Any]) -> str:
    shown = html.escape(html.unescape(part["text"]))
    if part["type"] == "mrkdwn":
        bold, _, rest = shown.partition("*")[2].partition("*") if shown.startswith("*") else ("", "", shown)
        return f"<b>{bold}</b>{rest}" if bold else shown
    return shown
