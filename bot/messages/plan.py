"""An Answer as a Slack message: verdict first, then why, what would work, the command, our GPUs, the small print."""

from dataclasses import dataclass
from typing import Any, Final

from bot.answer import Answer
from bot.canonical import canonical_text, with_choice
from bot.messages.blocks import (
    actions,
    bullets,
    button,
    header,
    labelled,
    paragraph,
    preformatted,
    rich_text,
    run,
    small_print,
)
from bot.messages.breakdown import balance, breakdown_lines, breakdown_words
from bot.messages.chart import breakdown_chart
from bot.messages.chips import read_as_blocks
from bot.messages.details import command_text, details_blocks
from bot.messages.fleet import fleet_blocks, fleet_lines
from bot.messages.menus import menu_row
from bot.messages.message import Block, Message, message
from bot.messages.mrkdwn import clipped, inert
from bot.messages.options import options_blocks, shown_options, without_table
from bot.messages.words import (
    HEADLINE,
    INTENT,
    VERDICT,
    choice_word,
    context,
    field_word,
    memory,
    option_name,
    speed,
    subject,
)
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model, Quantization
from shared.memory.breakdown import Verdict
from shared.planner.plan import Headline, Option, Plan
from shared.question.query import Intent

MOST_CHOICES: Final = 5
MOST_OTHERS: Final = 6
_VERDICTS: Final = frozenset({"Yes", "No", "With changes", "Unknown"})


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
        header(_headline(plan)),
        _said(plan),
        *read_as_blocks(plan.query, private=frame.private),
        *_choices(plan, frame),
        *_breakdown(plan, chart=chart),
        *options_blocks(plan),
        *_command(plan),
        *fleet_blocks(answer),
        *_warnings(plan),
        *(details_blocks(plan) if frame.details else ()),
        *(menu_row(plan, frame.catalog) if frame.private else ()),
        actions(_buttons(plan, frame)),
        small_print(_footer(answer, frame)),
    ]


def _headline(plan: Plan) -> str:
    about = subject(plan.query)
    asked = next((one for one in plan.query.ambiguous if f"Which {one.given}? " in plan.sentence), None)
    if asked is not None:
        return f"❔ Which {clipped(asked.given, 40)}? {about}"
    if plan.query.ambiguous:
        return f"{INTENT[Intent.COMPARE]}: {about}" if about else INTENT[Intent.COMPARE]
    word = HEADLINE[plan.headline]
    if plan.query.intent is not Intent.FIT and plan.headline in {Headline.YES, Headline.WITH_CHANGES}:
        word = INTENT.get(plan.query.intent, word)  # "Yes" is no answer to "which GPU?"
    return f"{word}: {about}" if about else word


def _without_verdict(sentence: str) -> str:
    """The sentence without the word that the headline has said already."""
    word, colon, rest = sentence.partition(": ")
    return rest[:1].upper() + rest[1:] if colon and word in _VERDICTS else sentence


def _best(plan: Plan) -> tuple[dict[str, Any], ...]:
    """What to do instead, in a line, when what was asked does not do."""
    best = next(iter(shown_options(plan)), None)
    if best is None or best.verdict is not Verdict.FITS or plan.headline is Headline.YES:
        return ()
    rate = f", {speed(best)} tokens/s" if best.speed else ""
    return (
        paragraph(
            run("Best way: ", bold=True), f"{option_name(best, plan)}, {memory(best)}{_each(best)}{rate}."
        ),
    )


def _each(option: Option) -> str:
    return " each" if option.gpu_count > 1 else ""


def _said(plan: Plan) -> Block:
    """The sentence and the best way; one line each for models compared and for readings of an ambiguous name."""
    if not plan.others:
        return rich_text(paragraph(clipped(_without_verdict(plan.sentence), 900)), *_best(plan))
    lines = [(plan.own_sentence, plan), *((other.sentence, other) for other in plan.others[:MOST_OTHERS])]
    return rich_text(bullets([clipped(sentence, 500) + _best_words(one) for sentence, one in lines]))


def _best_words(plan: Plan) -> str:
    best = next(iter(shown_options(plan)), None)
    return f" Best way: {option_name(best, plan)}, {memory(best)}{_each(best)}." if best else ""


def _choices(plan: Plan, frame: Frame) -> tuple[Block, ...]:
    """One row of buttons per ambiguity: the other readings of what was said."""
    rows: list[Block] = []
    for number, ambiguity in enumerate(plan.query.ambiguous[:3]):
        buttons = [
            button(
                _choice_name(ambiguity.field, choice, frame.catalog),
                f"fit_ask:{number}-{place}",
                with_choice(plan.query, ambiguity, choice, frame.catalog),
            )
            for place, choice in enumerate(ambiguity.choices[:MOST_CHOICES])
        ]
        rows += [
            labelled(f"Which {field_word(ambiguity.field)}?", f"“{ambiguity.given}” can mean any of these."),
            actions(buttons),
        ]
    return tuple(rows)


def _choice_name(field: str, choice: str, catalog: Catalog) -> str:
    row: Model | Gpu | Quantization | None = None
    if field == "model":
        row = catalog.models.get(choice)
    elif field == "gpu":
        row = catalog.gpus.get(choice)
    elif field == "quantization":
        row = catalog.quantizations.get(choice)
    return row.name if row else choice_word(field, choice)


def _breakdown(plan: Plan, *, chart: bool) -> tuple[Block, ...]:
    """What was asked and where its bytes go: as a chart with its numbers in a line, or as bars of text."""
    if plan.asked is None:
        return ()
    title = f"{option_name(plan.asked, plan)}, {context(plan.asked)} context: "
    verdict = f"{VERDICT[plan.asked.verdict]}, {balance(plan.asked)}"
    head = paragraph(run(title, bold=True), verdict)
    drawn = breakdown_chart(plan.asked) if chart else None
    if drawn:
        return (rich_text(head, paragraph(breakdown_words(plan.asked))), drawn)
    return (rich_text(head, preformatted(breakdown_lines(plan.asked))),)


def _command(plan: Plan) -> tuple[Block, ...]:
    best = next((option for option in shown_options(plan) if option.command), None)
    if best is None or best.command is None:
        return ()
    number = shown_options(plan).index(best) + 1
    title = f"To run {number}: {option_name(best, plan)}" if len(shown_options(plan)) > 1 else "To run it"
    notes = [clipped(note, 300) for note in best.notes[:3]]
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
    lines = [_headline(plan), _without_verdict(plan.sentence)]
    lines += [
        f"{number}. {option_name(option, plan)}: {VERDICT[option.verdict]}, {memory(option)}"
        for number, option in enumerate(shown_options(plan), start=1)
    ]
    live = fleet_lines(answer)
    if live:
        lines.append(f"On our GPUs now: {live[0]}")
    return "\n".join(inert(line) for line in lines)
