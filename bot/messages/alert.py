"""An alert as a message: what is wrong where, how it has developed, what would help; and that it is over."""

import re
from collections.abc import Sequence
from typing import Final

from bot.alerts import Alert
from bot.answer import Answer
from bot.messages.blocks import (
    actions,
    bullets,
    button,
    header,
    labelled,
    paragraph,
    rich_text,
    run,
    small_print,
)
from bot.messages.fleet import room_words
from bot.messages.message import Block, Message, message
from bot.messages.mrkdwn import clipped, inert

_SEVERITY: Final = {"critical": "🔴 Critical", "warning": "🟠 Warning", "info": "🔵 Note"}
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_PLACE: Final = ("cluster", "node", "index", "name", "engine", "workload_namespace", "workload_pod")
MOST_PLACES: Final = 3


def alert_message(alert: Alert, answer: Answer | None, trend: Sequence[float]) -> Message:
    """A firing alert. `answer` is our plan for its model, None for alerts about no model."""
    severity = _SEVERITY.get(alert.labels.get("severity", ""), "🟠 Alert")
    summary = alert.annotations.get("summary") or alert.name
    blocks: list[Block] = [
        header(f"{severity}: {clipped(summary, 120)}"),
        rich_text(paragraph(clipped(_one_line(alert.annotations.get("description", "")) or summary, 900))),
        *_trend(trend),
        *_help(alert, answer),
        labelled("Where", _place(alert)),
    ]
    buttons = []
    if alert.question and answer:
        buttons.append(
            button("Plan", "fit_ask:alert", alert.question, says="Where else could this model run?")
        )
        buttons.append(button("What fits now?", "fit_ask:now", "what fits now"))
    if buttons:
        blocks.append(actions(buttons))
    blocks.append(small_print(f"{alert.name}, since {alert.starts_at:%d %B %H:%M} UTC", *_links(alert)))
    return message(inert(f"{severity}: {summary}"), blocks)


def resolved_message(alert: Alert) -> Message:
    """The same alert when it is over."""
    summary = alert.annotations.get("summary") or alert.name
    minutes = max(0, round((alert.ends_at - alert.starts_at).total_seconds() / 60))
    line = f"Over since {alert.ends_at:%d %B %H:%M} UTC, after {minutes} min."
    blocks = [
        header(f"✅ Resolved: {clipped(summary, 120)}"),
        rich_text(paragraph(line)),
        labelled("Where", _place(alert)),
    ]
    return message(inert(f"✅ Resolved: {summary}. {line}"), blocks)


def _trend(trend: Sequence[float]) -> tuple[Block, ...]:
    if len(trend) < 2:
        return ()
    bars = "".join(_LEVELS[min(7, max(0, int(value * 8)))] for value in trend)
    change = trend[-1] - trend[0]
    direction = "rising" if change > 0.02 else "falling" if change < -0.02 else "steady"
    words = f" {trend[0]:.0%} → {trend[-1]:.0%} of its limit in the last hour, {direction}"
    return (rich_text(paragraph(run(bars, code=True), words)),)


def _help(alert: Alert, answer: Answer | None) -> tuple[Block, ...]:
    lines = (
        [_one_line(alert.annotations["action"]).replace("`", "")] if alert.annotations.get("action") else []
    )
    lines += _places(alert, answer) if answer else []
    return (rich_text(paragraph(run("What would help", bold=True)), bullets(lines)),) if lines else ()


def _places(alert: Alert, answer: Answer) -> list[str]:
    """Where else there is room for it now."""
    found: list[str] = []
    for placement in answer.placements:
        for room in placement.rooms.rooms:
            here = room.node.name == alert.labels.get("node") and any(
                gpu.uuid == alert.labels.get("uuid") for gpu in room.gpus
            )
            if not here and len(found) < MOST_PLACES:
                found.append(
                    f"there is room now: {placement.option.quantization.name} with "
                    f"{placement.option.estimate.workload.engine} → {room_words(room)}"
                )
                break
    return found


def _place(alert: Alert) -> str:
    words = {
        "cluster": "cluster ",
        "index": "GPU ",
        "workload_namespace": "namespace ",
        "workload_pod": "pod ",
    }
    if alert.labels.get("engine", "").isdigit():  # vLLM numbers the engines of one server
        words["engine"] = "engine "
    parts = [f"{words.get(name, '')}{alert.labels[name]}" for name in _PLACE if alert.labels.get(name)]
    return " · ".join(parts) or "fleet"


def _links(alert: Alert) -> list[str]:
    """Addresses as plain text: an alert's annotations are not ours to turn into links."""
    return [
        alert.annotations[name] for name in ("runbook_url", "dashboard_url") if alert.annotations.get(name)
    ]


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
