"""What kind of answer a question wants."""

import re
from typing import Final

from shared.question.query import Intent

_PEOPLE: Final = (
    r"(?:users?|people|persons?|requests?|sessions?|sequences?|clients?|conversations?|chats?|streams?|devs|developers|"
    r"engineers|employees|colleagues|customers|students|agents?|slots|queries|generations)"
)
_CONTEXT: Final = r"(?:context|ctx|seq(?:uence)?[ -]?len(?:gth)?)"
_MAX_CONTEXT: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^\W*max(?:imum)?[ -]+(?:possible |usable )?{_CONTEXT}",
        rf"\b(?:what|whats|what's|which|show|give me|find|calculate|compute|estimate|get|longest|is|"
        rf"the)\b(?:\W+(?:is|the|would be|be|me|my|are))*"
        rf"\W+(?:max(?:imum)?|longest|largest|biggest|highest|greatest)(?:\W+(?:possible|usable|available|"
        rf"safe|model))*[ -]{_CONTEXT}",
        rf"\bhow (?:much|long|large|big|many)(?: of)?(?: an?| the|"
        rf" my)?(?: max(?:imum)?)?(?: tokens?(?: of)?)?[ -]{_CONTEXT}",
        rf"\bhow (?:long|large|big|high|far)\b[^.?!\d]{{0,25}}\b(?:push|stretch|extend|raise|take|set|go|get)\w*"
        rf"(?: (?:the|my|a|its|up|with|in|on))* {_CONTEXT}",
        rf"\bhow (?:long|large|big|high|far|much)\b[^.?!\d]{{0,25}}\b(?:the|my|a|its) {_CONTEXT}",
        r"\bhow many tokens?(?! ?(?:/|per|a) ?s)\b(?! (?:would|do|does|will) (?:i|it) (?:get|generate|produce))",
        rf"\bwhat {_CONTEXT}(?: (?:window|length|size|limit))?\b(?: (?:can|could|will|would|do|does|is|fits))",
        rf"\b(?:longest|largest|biggest|highest) (?:possible |usable )?{_CONTEXT}",
        rf"\b{_CONTEXT}(?: (?:window|length|size))? (?:limit|can i (?:get|use|run|fit|have|set|reach)|"
        rf"is possible|will fit|fits)\b",
        rf"\bmax(?:imum)?[ -]{_CONTEXT}(?: (?:window|length|size))? "
        r"(?:for|of|on|with|in|under|using|i can|possible|that)\b",
        rf"(?:^|[,:;.(-] ?)max(?:imum)?[ -]{_CONTEXT}(?: (?:window|length|size|len))?\W*$",
        rf"\bmax(?:imum)?[ -]{_CONTEXT}(?: (?:window|length|size|len))?\?",
        r"contexto máximo|máximo contexto|contexte max(?:imum|imal)?\b|maximale[rn]? kontext|"
        r"максимальн\w+ контекст|最大コンテキスト|何トークン|최대 컨텍스트",
        r"多(?:长|大|少)(?:的)?上下文|最大上下文|上下文(?:最大|最多)?(?:能|可以|可)?(?:开|到|设|跑|支持)?(?:多长|多大|多少)",
    )
)
_AT_MAX_CONTEXT: Final = re.compile(
    rf"\b(?:at|with|using|use|its)(?: (?:the|its|a|their))* (?:max(?:imum)?|longest|full)[ -]{_CONTEXT}"
)
_MAX_SEQUENCES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bhow many (?:\w+ ){{0,2}}?{_PEOPLE}\b",
        rf"\b{_PEOPLE}\b[^?!]*\bhow many\?",
        r"\b(?:max(?:imum)?|highest|largest|biggest|what)(?: possible| number of|"
        r" amount of)?[ -](?:the )?(?:concurren(?:cy|t)|parallel|simultaneous|batch|users|num seqs)\b",
        r"\bhow (?:much|high|large|big)(?: a| of a)? (?:concurrency|batch|parallelism)\b",
        rf"\b(?:max(?:imum)?)[ -](?:number of )?{_PEOPLE}\b",
        r"\b(?:concurrency|users?|batch(?: size)?) (?:limit|ceiling|cap)\b|\blimit (?:of|on) concurren",
        rf"^\W*(?:concurrent|simultaneous|parallel) {_PEOPLE}\b",
        r"多少(?:个)?(?:并发|用户|人)",
    )
)
_CHEAPEST: Final = re.compile(
    r"\b(?:cheapest|cheaply|cheap way|lowest[- ](?:cost|price|budget)|least (?:expensive|money|costly)|"
    r"most (?:affordable|economical|"
    r"cost[- ](?:effective|efficient)|inexpensive)|cost[- ](?:effective|efficient)|best (?:value|price|"
    r"bang)|bang for|as cheap as|"
    r"lowest hourly|minimum (?:cost|spend|budget)|min cost|最便宜)\b|最便宜"
)
_PRICE: Final = re.compile(
    r"\b(?:prices?|costs?|expensive|tco|how much money|per hour)\b|"
    r"[$€£]\d[\d.,]* ?(?:/|per|an?) ?(?:h|hr|hour|mo|month)\b|"
    r"\b(?:budget|cheap)(?: \w+)? (?:gpus?|cards?|options?|builds?|setups?|rigs?)\b"
)
_WHAT_FITS: Final = re.compile(
    r"\b(?:what|which|wich|wat|any|best|biggest|largest|smartest|strongest|good|list|recommend\w*|suggest\w*|what's|whats|other)\b"
    r"[^.?!]{0,40}\b(?:models?|llms?|run|fits?|runs|can i|use|host|load|weights)\b"
    r"|what-fits|\bwhat (?:can|could|will|would|should|fits|runs|do|works)\b|\bmodels? (?:for|that|which|to)\b"
    r"|(?:什么|哪些|哪个)(?:\w*)模型|qu[eé] modelos?|quels? mod[eè]les?|welche modelle|que modelos"
)


def wants_longest_context(text: str) -> bool:
    """Whether the longest context is asked for, not given ("at max context")."""
    text = _AT_MAX_CONTEXT.sub(" ", text)
    return "max-context" in text or any(pattern.search(text) for pattern in _MAX_CONTEXT)


def wants_most_sequences(text: str) -> bool:
    """Whether the number of users is asked for, not given."""
    return "max-users" in text or any(pattern.search(text) for pattern in _MAX_SEQUENCES)


def asks_what_fits(text: str) -> bool:
    """Whether the question asks for models ("what can I run on …")."""
    return _WHAT_FITS.search(text) is not None


def intent_of(
    text: str, *, models: int, has_hardware: bool, has_context: bool, has_sequences: bool
) -> Intent:
    """The kind of a question in lower case, given what was named in it."""
    if models == 0:
        return Intent.CHEAPEST if _CHEAPEST.search(text) and not has_hardware else Intent.WHAT_FITS
    if not has_context and wants_longest_context(text):
        return Intent.MAX_CONTEXT
    if not has_sequences and wants_most_sequences(text):
        return Intent.MAX_SEQUENCES
    if _CHEAPEST.search(text) or (not has_hardware and _PRICE.search(text)):
        return Intent.CHEAPEST
    if models > 1:
        return Intent.COMPARE
    return Intent.FIT if has_hardware else Intent.WHICH_GPU
