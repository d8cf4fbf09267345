"""An Answer as a Slack message: verdict first, then why, what would work, the command, our GPUs, the small print."""

from dataclasses import dataclass

from bot.answer import Answer
from bot.canonical import canonical_text
from bot.messages.blocks import (
    actions,
    bullets,
    button,
    header,
    paragraph,
    preformatted,
    rich_text,
    run,
    small_print,
)
from bot.messages.breakdown import balance, breakdown_lines, breakdown_words
from bot.messages.chart import breakdown_chart
from bot.messages.chips import read_as_blocks
from bot.messages.choices import choices
from bot.messages.comparison import comparison_blocks, is_comparison
from bot.messages.details import command_text, details_blocks
from bot.messages.fleet import fleet_blocks, fleet_lines
from bot.messages.menus import menu_row
from bot.messages.message import Block, Message, message
from bot.messages.mrkdwn import clipped, inert
from bot.messages.options import options_blocks, shown_options, without_table
from bot.messages.verdict import best_option, each, headline, said, without_verdict
from bot.messages.words import context, memory, option_name, verdict
from shared.catalog.catalog import Catalog
from shared.planner.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a rendering needs besides the answer: who answers, with which facts, and how much is unfolded."""

    catalog: Catalog
    version: str
    details: bool = False
    private: bool = True  # one person sees it, who may share it


def plan_message(answer: Answer, frame: Frame) -> Message:
    """The whole reply, within Slack's limits for any plan."""
    blocks, chartless = (_blocks(answer, frame, chart=chart) for chart in (True, False))
    return message(_text(answer), blocks, plain=without_table, chartless=chartless)


def _blocks(answer: Answer, frame: Frame, *, chart: bool) -> list[Block]:
    plan = answer.plan
    return [
        header(headline(plan)),
        said(plan),
        *read_as_blocks(plan.query, private=frame.private),
        *choices(plan, frame.catalog),
        *_numbers(plan, chart=chart),
        *fleet_blocks(answer),
        *_warnings(plan),
        *(details_blocks(plan) if frame.details else ()),
        *(menu_row(plan, frame.catalog) if frame.private else ()),
        actions(_buttons(plan, frame)),
        small_print(_footer(answer, frame)),
    ]


def _numbers(plan: Plan, *, chart: bool) -> tuple[Block, ...]:
    """Where the bytes go, what would work and how to start it; of models compared, each the best way."""
    if is_comparison(plan):
        return comparison_blocks(plan, chart=chart)
    return (*_breakdown(plan, chart=chart), *options_blocks(plan), *_command(plan))


def _breakdown(plan: Plan, *, chart: bool) -> tuple[Block, ...]:
    """What was asked and where its bytes go: as a chart with its numbers in a line, or as bars of text."""
    if plan.asked is None:
        return ()
    title = f"{option_name(plan.asked, plan)}, {context(plan.asked)} context: "
    head = paragraph(run(title, bold=True), f"{verdict(plan.asked)}, {balance(plan.asked)}")
    drawn = breakdown_chart(plan.asked) if chart else None
    if drawn:
        return (rich_text(head, paragraph(breakdown_words(plan.asked))), drawn)
    return (rich_text(head, preformatted(breakdown_lines(plan.asked))),)


def _command(plan: Plan) -> tuple[Block, ...]:
    best = best_option(plan)
    if best is None or best.command is None:
        best = next((option for option in shown_options(plan) if option.command), None)
    if best is None or best.command is None:
        return ()
    number = shown_options(plan).index(best) + 1
    title = f"To run {number}: {option_name(best, plan)}" if len(shown_options(plan)) > 1 else "To run it"
    said = {warning.partition(" ")[0] for warning in plan.warnings}  # of a repository, such as its licence
    notes = [clipped(note, 300) for note in best.notes if note.partition(" ")[0] not in said][:3]
    return (
        rich_text(
            paragraph(run(title, bold=True)),
            preformatted(command_text(best.command)),
            *([bullets(notes)] if notes else []),
        ),
    )


def _warnings(plan: Plan) -> tuple[Block, ...]:
    warnings = [clipped(one, 300) for one in (*plan.query.warnings, *plan.warnings)][:5]
    return (rich_text(paragraph(run("Mind", bold=True)), bullets(warnings)),) if warnings else ()


def _buttons(plan: Plan, frame: Frame) -> list[dict[str, object]]:
    text = canonical_text(plan.query)
    fold = (
        button("Fewer details", "fit_ask:folded", text)
        if frame.details
        else button(
            "Details", "fit_details", text, says="Show every quantization, all commands and assumptions"
        )
    )
    why = button("Why?", "fit_ask:why", f"why {text}", says="Show every number as its formula, with sources")
    share = button("Share to channel", "fit_share", text, says="Post this answer for everyone in the channel")
    change = button("Change…", "fit_change", text, says="Change any part of the question in a form")
    return [fold, why, share, change] if frame.private else [fold, why]


def _footer(answer: Answer, frame: Frame) -> str:
    guessed = any(option.speed and not option.speed.validated for option in shown_options(answer.plan))
    unmeasured = " · ? no measurement of such a card stands behind this speed" if guessed else ""
    engine = ""
    if answer.plan.asked:
        breakdown = answer.plan.asked.estimate.breakdown
        engine = f" · {breakdown.engine} {breakdown.engine_version} ({breakdown.evidence})"
    return (
        f"fittingroom {frame.version} · catalog of {answer.catalog_date}{engine} · sizes in GiB{unmeasured}"
    )


def _text(answer: Answer) -> str:
    """The fallback: the headline, the sentence, the options and our GPUs in plain words."""
    plan = answer.plan
    lines = [headline(plan)]
    if plan.others:
        lines += [one.own_sentence or one.sentence for one in each(plan)]
    else:
        lines.append(without_verdict(plan.sentence))
    if not is_comparison(plan):
        lines += [
            f"{number}. {option_name(option, plan)}: {verdict(option)}, {memory(option)}"
            for number, option in enumerate(shown_options(plan), start=1)
        ]
    live = fleet_lines(answer)
    if live:
        lines.append(f"On our GPUs now: {live[0]}")
    return "\n".join(inert(line) for line in lines)
