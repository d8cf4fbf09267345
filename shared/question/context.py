"""How many tokens per sequence: "32k ctx", "context 8192", "at full context"."""

import re
from collections.abc import Sequence
from typing import Final

from shared.errors import UserError, shown
from shared.question.amounts import DIGITS, tokens_of
from shared.question.remaining import Remaining

LONGEST_CONTEXT: Final = 100_000_000
_FEW: Final = 128

_TOKENS: Final = rf"(?P<n>{DIGITS}) ?(?P<k>[km])?(?!\w|\.\w|-?bit|,\d| ?%)"
_NOUN: Final = (
    r"(?:ctx(?:[-_ ]?(?:size|len(?:gth)?))?|contexts?(?:[-_ ]?(?:windows?|len(?:gth)?s?|size))?|"
    r"(?:seq(?:uence)?|prompt|input|model)[-_ ]?len(?:gth)?|(?:max[-_ ])?(?:model[-_ ]|seq[-_ ])len|"
    r"token window|窗口|上下文)"
)
_LINK: Final = (
    r"(?:[ =:~(]|\b(?:of|is|at|to|up to|about|around|set to|at least|min|max|minimum|roughly|approx)\b)*"
)
_FLAG: Final = (
    r"(?:--ctx[-_]size|--context(?:[-_]?(?:length|size))?|--ctx|-c|--(?:max[-_])?model[-_]len|--max-total-tokens|max_total_tokens|"
    r"--max[-_]seq[-_]len(?:gth)?|max_model_len|max_seq_len|(?:--)?num[-_]ctx|(?:--)?n[-_]ctx|ollama_context_length|--n-ctx|--max-len|max_len)"
)
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\w-]){_FLAG}[ =:]+{_TOKENS}",
        rf"(?<![\w.$-]){_TOKENS}(?:[- ]?(?:tokens?|toks?)\b)?(?:[ -]?(?:of|long|max|total|full|的))?[ -]?{_NOUN}",
        rf"(?<![\w-]){_NOUN}{_LINK}{_TOKENS}(?:[- ]?(?:tokens?|toks?)\b)?",
        rf"(?<![\w.$-])(?P<n>{DIGITS}) ?(?P<k>[km])?[- ]?(?:tokens?|toks?)(?! ?(?:/|per|a|each) ?s)(?!\w)",
    )
)
_BARE: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\w.$/:+-])(?P<n>\d+(?:\.\d+)?)(?P<k>k)(?![\w-]|\.\d| ?(?:usd|eur|gbp|dollars?|bucks|euros?|"
        r"budget|€|\$|iops|rpm))",
        r"(?<![\w.$/:+-])(?P<n>\d+(?:\.\d+)?) (?P<k>k)(?![\w-]|\.\d)",
        # the sizes contexts come in, standing alone
        r"(?<![\w.$/:+=-])(?P<n>2048|4096|8192|16384|32768|40960|65536|131072|262144|1048576)(?P<k>)"
        r"(?![\w%]|[.,]\d|[ -]?[gm]i?b)",
    )
)
_IN_AND_OUT: Final = re.compile(
    rf"(?<![\w.$-])(?P<in>{DIGITS}) ?(?P<ik>[km])?(?: tokens?)?(?: of)?[ -](?:in(?:put)?|prompts?|"
    rf"prefill)(?: tokens?)?(?: length)?[ ,/+&]+(?:and |with |plus )?"
    rf"(?P<out>{DIGITS}) ?(?P<ok>[km])?(?: tokens?)?(?: of)?[ -](?:out(?:put)?|generat\w+|decode|"
    rf"completion|response)(?: tokens?)?"
)
_FULL: Final = re.compile(
    rf"(?:(?:at|with|using|use|uses|its|their|the|to|of|for|support|need|run|at its|at the) )?(?:full|"
    rf"entire|whole|native|complete|all of the|default)"
    rf"(?: (?:max(?:imum)?|[\w.]+))?[ -]{_NOUN}|(?:at|with|using|use|its|run|runs|to|at its|at the|"
    rf"with the|for the) (?:the |its )?(?:max(?:imum)?|longest|model)[ -]{_NOUN}"
)
_FROM_MODEL: Final = re.compile(r"(?<![\w-])(?:-c|--ctx-size)[ =]0(?![\w.])")


def read_context(question: Remaining, named: Sequence[tuple[int, int]] = ()) -> int | None:
    """Tokens per sequence, or None when not said.

    Args:
        question: What is left to read.
        named: Places of numbers that belong to a model's name ("Phi 3 Mini 128k").

    Raises:
        BadValue: No tokens, or more than LONGEST_CONTEXT.
    """
    pair = question.find(_IN_AND_OUT)
    if pair is not None:
        total = tokens_of(pair["in"], pair["ik"]) + tokens_of(pair["out"], pair["ok"])
        return _checked(question, question.take_match(pair), total, "assumed")
    said = (match for pattern in _PATTERNS if (match := question.find(pattern)) is not None)
    bare = (match for pattern in _BARE for match in question.find_all(pattern) if match.span() not in named)
    match = next(said, None) or next(bare, None)
    if match is None:
        return None
    tokens, how = tokens_of(match["n"], match["k"]), "exact"
    if match["k"] is None and 1 <= tokens <= _FEW and "tok" not in match[0]:
        # nobody plans for 32 tokens: "ctx 32" leaves the k out
        tokens, how = tokens * 1024, "assumed"
    return _checked(question, question.take_match(match), tokens, how)


def read_full_context(question: Remaining) -> str | None:
    """The words that ask for the model's own longest context ("at full context", llama.cpp's "-c 0"), or None."""
    match = question.find(_FULL) or question.find(_FROM_MODEL)
    return None if match is None else question.take_match(match)


def _checked(question: Remaining, given: str, tokens: int, how: str) -> int:
    if not 1 <= tokens <= LONGEST_CONTEXT:
        raise UserError(
            f"A context of {shown(given)} does not work: give 1 to {LONGEST_CONTEXT:,} tokens, for example 32k.",
            field="context_tokens",
        )
    question.note("context_tokens", given, tokens, how)
    return tokens
