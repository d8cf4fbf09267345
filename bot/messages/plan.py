"""An Answer as a Slack message: verdict first, then why, what would work, the command, our GPUs, the small print."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.answer import Answer, candidates
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
    table,
)
from bot.messages.breakdown import balance, breakdown_lines
from bot.messages.fleet import fleet_blocks, fleet_lines
from bot.messages.menus import menu_row
from bot.messages.message import Block, Message, message
from bot.messages.mrkdwn import clipped, inert
from bot.messages.words import HEADLINE, VERDICT, context, memory, option_name, read_as, speed, subject
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model, Quantization
from shared.memory.breakdown import Verdict
from shared.planner.plan import Option, Plan
from shared.units import gib, tokens

MOST_OPTIONS: Final = 6
MOST_CHOICES: Final = 5
_SAID: Final = frozenset({"Yes", "No", "With changes", "Unknown"})
TABLE_HEAD: Final = ("", "What to run", "Memory per GPU", "Context", "Tokens/s", "Quality")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a rendering needs besides the answer: who answers, with which facts, and how much is unfolded."""

    catalog: Catalog
    version: str
    details: bool = False
    private: bool = True  # one person sees it, who may share it


def plan_message(answer: Answer, frame: Frame) -> Message:
    """The whole reply, within Slack's limits for any plan."""
    plan = answer.plan
    blocks = [
        header(_headline(plan)),
        rich_text(paragraph(clipped(_without_verdict(plan.sentence), 900))),
        *_read_as(plan),
        *_choices(plan, frame),
        *_breakdown(plan),
        *_options(plan),
        *_command(plan),
        *fleet_blocks(answer),
        *_warnings(plan),
        *(_details(plan) if frame.details else ()),
        *(menu_row(plan, frame.catalog) if frame.private else ()),
        actions(_buttons(plan, frame)),
        small_print(_footer(answer, frame)),
    ]
    return message(_text(answer), blocks, plain=_without_table)


def _headline(plan: Plan) -> str:
    about = subject(plan.query)
    return f"{HEADLINE[plan.headline]}: {about}" if about else HEADLINE[plan.headline]


def _without_verdict(sentence: str) -> str:
    """The sentence without the word that the headline has said already."""
    word, colon, rest = sentence.partition(": ")
    return rest[:1].upper() + rest[1:] if colon and word in _SAID else sentence


def _read_as(plan: Plan) -> tuple[Block, ...]:
    text = read_as(plan.query)
    return (labelled("Read as", clipped(text, 600)),) if text else ()


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
            labelled(f"Which {ambiguity.field}?", f"“{ambiguity.given}” can mean any of these."),
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
    return row.name if row else choice


def _breakdown(plan: Plan) -> tuple[Block, ...]:
    if plan.asked is None:
        return ()
    title = f"{option_name(plan.asked, plan)}, {context(plan.asked)} context: "
    verdict = f"{VERDICT[plan.asked.verdict]}, {balance(plan.asked)}"
    return (
        rich_text(
            paragraph(run(title, bold=True), verdict),
            preformatted(breakdown_lines(plan.asked)),
        ),
    )


def shown_options(plan: Plan) -> tuple[Option, ...]:
    """The options of the table, in the plan's order; what was asked is above it unless it is the answer."""
    fitting = plan.asked is not None and plan.asked.verdict is Verdict.FITS
    return (candidates(plan) if fitting else plan.options)[:MOST_OPTIONS]


def _options(plan: Plan) -> tuple[Block, ...]:
    options = shown_options(plan)
    if not options:
        return ()
    rows = [
        (
            VERDICT[option.verdict],
            f"{number}. {option_name(option, plan)}",
            memory(option),
            context(option),
            speed(option),
            clipped(option.quality, 90),
        )
        for number, option in enumerate(options, start=1)
    ]
    return (rich_text(paragraph(run("What would work", bold=True))), table(TABLE_HEAD, rows))


def _without_table(block: Block) -> Sequence[Block]:
    """A table as a list, for a Slack that refuses tables."""
    if block["type"] != "table":
        return (block,)
    lines = [
        " · ".join(cell["text"] for cell in row if cell.get("text", " ") != " ") for row in block["rows"][1:]
    ]
    return (rich_text(bullets(lines)),)


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


def command_text(argv: Sequence[str]) -> str:
    """A command as a shell takes it, one option a line, so that it is read easily and pasted whole."""
    lines: list[str] = []
    for word in argv:
        quoted = shlex.quote(word)
        if lines and not (word.startswith("-") and len(lines[-1]) > 24):
            lines[-1] += f" {quoted}"
        else:
            lines.append(quoted)
    return " \\\n  ".join(lines)


def _warnings(plan: Plan) -> tuple[Block, ...]:
    warnings = [clipped(one, 300) for one in (*plan.query.warnings, *plan.warnings)][:5]
    return (rich_text(paragraph(run("Mind", bold=True)), bullets(warnings)),) if warnings else ()


def _details(plan: Plan) -> tuple[Block, ...]:
    """What is folded away: every quantization on these GPUs, GPU counts, the other commands, assumptions, sources."""
    parts = []
    if plan.on_these_gpus:
        parts += [paragraph(run("Every quantization on these GPUs", bold=True)), preformatted(_ladder(plan))]
    if plan.counts:
        parts += [paragraph(run("How many it takes", bold=True)), bullets(_counts(plan))]
    for number, option in enumerate(shown_options(plan), start=1):
        if option.command:
            title = f"Command {number}: {option_name(option, plan)}"
            parts += [
                paragraph(run(title, bold=True)),
                preformatted(clipped(command_text(option.command), 500)),
            ]
    assumed = [clipped(one, 250) for one in plan.assumptions[:8]]
    if assumed:
        parts += [paragraph(run("Assumed", bold=True)), bullets(assumed)]
    sources = [clipped(one, 200) for one in plan.sources[:6]]
    if sources:
        parts += [paragraph(run("Sources", bold=True)), bullets(sources)]
    return tuple(rich_text(part) for part in parts)


def _ladder(plan: Plan) -> str:
    lines = [
        f"{fit.quantization.name:<10}{gib(fit.total_bytes):>11}  {VERDICT[fit.verdict]}"
        + (f", to {tokens(fit.longest_context_tokens)} context" if fit.longest_context_tokens else "")
        for fit in plan.on_these_gpus[:24]
    ]
    return "\n".join(lines)


def _counts(plan: Plan) -> list[str]:
    return [
        f"{count.quantization.name} with {count.engine}: "
        + (
            f"{count.gpu_count} × {count.gpu.name}, {gib(count.per_gpu_bytes)} on each"
            if count.gpu_count
            else f"no number of {count.gpu.name} that the engine accepts"
        )
        for count in plan.counts[:8]
    ]


def _buttons(plan: Plan, frame: Frame) -> list[dict[str, object]]:
    text = canonical_text(plan.query)
    fold = (
        button("Fewer details", "fit_ask:folded", text)
        if frame.details
        else button(
            "Details", "fit_details", text, says="Show every quantization, all commands and assumptions"
        )
    )
    share = button("Share to channel", "fit_share", text, says="Post this answer for everyone in the channel")
    change = button("Change…", "fit_change", text, says="Change any part of the question in a form")
    return [fold, share, change] if frame.private else [fold]


def _footer(answer: Answer, frame: Frame) -> str:
    engine = ""
    if answer.plan.asked:
        breakdown = answer.plan.asked.estimate.breakdown
        engine = f" · {breakdown.engine} {breakdown.engine_version} ({breakdown.evidence})"
    return f"fittingroom {frame.version} · catalog of {answer.catalog_date}{engine} · sizes in GiB"


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
