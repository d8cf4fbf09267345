"""What a person says about watches: "watch …", "tell me when … fits", "watches"."""

import re
from dataclasses import dataclass
from typing import Final, Literal

_LIST: Final = re.compile(r"(?:my |list |show )?(?:watches|watch)", re.IGNORECASE)
_KEEP: Final = re.compile(
    r"(?:please )?(?:watch(?: for)?|(?:tell|ping|notify|alert|message) me (?:when|once|as soon as)|"
    r"let me know (?:when|once))\s+(?P<question>.+)",
    re.IGNORECASE | re.DOTALL,
)
_FREE: Final = re.compile(
    r"^(?P<hardware>.+?)\s+(?:is|are|gets?|becomes?|come)\s+(?:free|available|idle)(?:\s+for\s+(?P<model>.+))?$",
    re.IGNORECASE | re.DOTALL,
)
_FITS: Final = re.compile(
    r"\s+(?:fits?|can (?:run|fit)|has room|there is room)(?P<rest>\s+on\s+.+)?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchVerb:
    """`question` is what shall fit, in words the parser reads."""

    kind: Literal["list", "keep"]
    question: str = ""


def watch_verb_of(text: str) -> WatchVerb | None:
    """The verb, or None when the text is not about watches."""
    plain = text.strip().rstrip("?!. ")
    if _LIST.fullmatch(plain):
        return WatchVerb(kind="list")
    match = _KEEP.fullmatch(plain)
    return WatchVerb(kind="keep", question=_question(match["question"])) if match else None


def _question(text: str) -> str:
    """As in: "2x 80 GB are free for llama 3.3 70b" is "llama 3.3 70b on 2x 80 GB"."""
    free = _FREE.match(text)
    if free:
        return f"{free['model']} on {free['hardware']}" if free["model"] else free["hardware"]
    return _FITS.sub(lambda found: found["rest"] or "", text)
