"""What a channel takes for granted: its GPUs, engine and context fill in what a question leaves open; pure."""

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from shared.question.query import Intent, Query, Reading

_VERB: Final = re.compile(r"(?:channel )?defaults?(?:\s+(?P<rest>.+))?", re.IGNORECASE | re.DOTALL)
_NONE: Final = frozenset({"none", "clear", "off", "reset", "delete", "remove"})
_ASKS_FOR_HARDWARE: Final = re.compile(
    r"\b(?:which|what)\b.{0,20}\b(?:gpu|card|hardware|machine)|\bneed\b|\brequire", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultsVerb:
    """`question` is what shall be taken for granted, in the words of a question."""

    kind: Literal["show", "set", "clear"]
    question: str = ""


def defaults_verb_of(text: str) -> DefaultsVerb | None:
    """The verb, or None when the text is not about defaults."""
    match = _VERB.fullmatch(text.strip().rstrip("?!. "))
    if match is None:
        return None
    rest = (match["rest"] or "").strip()
    if not rest:
        return DefaultsVerb(kind="show")
    return DefaultsVerb(kind="clear") if rest.casefold() in _NONE else DefaultsVerb(kind="set", question=rest)


def with_defaults(query: Query, defaults: Query) -> Query:
    """`query` with what it leaves open filled in, each part read as assumed; what is said always wins."""
    filled: dict[str, object] = {}
    names_hardware = query.gpu or query.gpu_memory_bytes or any(one.field == "gpu" for one in query.ambiguous)
    takes_hardware = query.intent in {Intent.FIT, Intent.WHICH_GPU, Intent.MAX_CONTEXT, Intent.MAX_SEQUENCES}
    if not names_hardware and takes_hardware and not _ASKS_FOR_HARDWARE.search(query.text) and defaults.gpu:
        filled |= {
            "gpu": defaults.gpu,
            "gpu_count": query.gpu_count or defaults.gpu_count,
            "gpus_beside": defaults.gpus_beside,
        }
        if query.intent is Intent.WHICH_GPU:
            filled["intent"] = Intent.FIT
    for field in ("engine", "context_tokens", "kv_cache_type", "sequences"):
        if getattr(query, field) is None and getattr(defaults, field) is not None:
            filled[field] = getattr(defaults, field)
    readings = tuple(
        Reading(
            field=field,
            given="this channel's defaults",
            value=str(getattr(value, "id", value)),
            how="assumed",
        )
        for field, value in filled.items()
        if field not in {"intent", "gpu_count", "gpus_beside"} and value is not None
    )
    return replace(query, **filled, readings=(*query.readings, *readings))  # type: ignore[arg-type]
