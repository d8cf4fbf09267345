"""What an answer folds away: every quantization, how many GPUs it takes, all commands, assumptions, sources."""

import shlex
from collections.abc import Sequence

from bot.messages.blocks import bullets, paragraph, preformatted, rich_text, run
from bot.messages.message import Block
from bot.messages.mrkdwn import clipped
from bot.messages.options import shown_options
from bot.messages.words import fit_verdict, option_name
from shared.planner.plan import Plan
from shared.units import gib, tokens


def details_blocks(plan: Plan) -> tuple[Block, ...]:
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
                *([paragraph(f"Quality: {clipped(option.quality, 200)}")] if option.quality else []),
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
        f"{fit.quantization.name:<10}{gib(fit.total_bytes):>11}  {fit_verdict(fit)}"
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
