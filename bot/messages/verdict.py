"""The verdict of a plan in words: the headline, the sentence under it, and the best way where what was asked fails."""

from typing import Any, Final

from bot.messages.blocks import bullets, paragraph, rich_text, run
from bot.messages.message import Block
from bot.messages.mrkdwn import clipped
from bot.messages.options import shown_options
from bot.messages.words import BREAKS, HEADLINE, INTENT, LOSES, loss, memory, option_name, speed, subject
from shared.memory.breakdown import Verdict
from shared.planner.plan import Headline, Option, Plan
from shared.question.query import Intent

MOST_OTHERS: Final = 6
_LONG: Final = 300
_WAYS: Final = 2
_VERDICTS: Final = frozenset({"Yes", "No", "With changes", "Unknown"})
_COSTLY: Final = {BREAKS: f"🟠 It fits, but {BREAKS}", LOSES: f"🟡 Yes, {LOSES}"}


def headline(plan: Plan) -> str:
    """The one line a busy person reads; a quantization that breaks the model is no plain yes."""
    about = subject(plan.query)
    if plan.asks:
        return f"❔ Which {clipped(plan.asks[0], 40)}? {about}"
    if plan.query.ambiguous:
        return f"{INTENT[Intent.COMPARE]}: {about}" if about else INTENT[Intent.COMPARE]
    word = HEADLINE[plan.headline]
    if plan.headline is Headline.YES and plan.asked:
        word = _COSTLY.get(loss(plan.asked), word)
    if plan.query.intent is not Intent.FIT and plan.headline in {Headline.YES, Headline.WITH_CHANGES}:
        word = INTENT.get(plan.query.intent, word)  # "Yes" is no answer to "which GPU?"
    return f"{word}: {about}" if about else word


def said(plan: Plan) -> Block:
    """The sentence and the best way; one line each for models compared and for readings of an ambiguous name."""
    if not plan.others:
        return rich_text(paragraph(_short(without_verdict(plan.sentence))), *_best(plan))
    return rich_text(
        bullets([clipped(one.own_sentence or one.sentence, 500) + _best_words(one) for one in each(plan)])
    )


def _short(sentence: str) -> str:
    """A sentence that lists many ways keeps the first two: the table has the others."""
    ways = sentence.split("; ")
    if len(sentence) <= _LONG or len(ways) <= _WAYS:
        return clipped(sentence, 900)
    return f"{'; '.join(ways[:_WAYS])}. More ways below."


def each(plan: Plan) -> tuple[Plan, ...]:
    """The plans of a comparison or of an ambiguous name, the first of them `plan` itself."""
    return (plan, *plan.others[:MOST_OTHERS])


def without_verdict(sentence: str) -> str:
    """The sentence without the word that the headline has said already."""
    word, colon, rest = sentence.partition(": ")
    is_verdict = word in _VERDICTS or word.startswith("Yes, but ")
    return rest[:1].upper() + rest[1:] if colon and is_verdict else sentence


def best_option(plan: Plan) -> Option | None:
    """What to do: the first option that fits and keeps the model whole, else the first that fits, else the first."""
    options = shown_options(plan)
    fitting = [one for one in options if one.verdict is Verdict.FITS]
    whole = [one for one in fitting if not loss(one)]
    return next(iter((*whole, *fitting, *options)), None)


def _best(plan: Plan) -> tuple[dict[str, Any], ...]:
    """What to do instead, in a line, when what was asked does not do."""
    best = best_option(plan)
    if best is None or best.verdict is not Verdict.FITS or loss(best) or plan.headline is Headline.YES:
        return ()
    rate = f", {speed(best)} tokens/s" if best.speed else ""
    words = f"{option_name(best, plan)}, {memory(best)}{_on_each(best)}{rate}."
    return (paragraph(run("Best way: ", bold=True), words),)


def _best_words(plan: Plan) -> str:
    best = best_option(plan)
    if best is None or best.verdict is not Verdict.FITS or loss(best):
        return ""
    return f" Best way: {option_name(best, plan)}, {memory(best)}{_on_each(best)}."


def _on_each(option: Option) -> str:
    return " each" if option.gpu_count > 1 else ""
