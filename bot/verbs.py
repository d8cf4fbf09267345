"""Questions about our own GPUs, told apart from questions about models: "status", "what fits now", "who is using …"."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from bot.fleet import Fleet, FleetGpu, FleetNode

Kind = Literal["status", "fits_now", "who", "on_node"]

_NOW: Final = r"(?:\s+(?:right\s+)?now|\s+at\s+the\s+moment)?"
_FREE: Final = r"(?:free|available|idle|unused)"
_STATUS: Final = re.compile(
    r"(?:(?:show|list)(?:\s+me)?\s+)?(?:(?:the|our|all)\s+)*(?:status|fleet|gpus|nodes)"
    r"(?:\s+(?:of|on)\s+(?P<place>\S+))?"
    rf"|(?:what|which)\s+(?:gpus?|cards?|nodes?)\s+(?:do\s+we\s+have|have\s+we\s+got|are)(?:\s+{_FREE})?{_NOW}"
    rf"|(?:(?:are\s+there\s+|do\s+we\s+have\s+)?any\s+)?{_FREE}\s+gpus?{_NOW}"
    rf"|(?:are\s+)?(?:there\s+)?(?:any|our)\s+gpus?\s+{_FREE}{_NOW}",
    re.IGNORECASE,
)
_FITS_NOW: Final = re.compile(
    r"what(?:\s+can)?\s+(?:fits?|runs?)(?:(?:\s+right)?\s+now|(?=\s+on\s))(?:\s+on\s+(?P<place>\S+))?",
    re.IGNORECASE,
)
_WHO: Final = re.compile(
    r"(?:who(?:'s|\s+is)?|what(?:'s|\s+is)?)\s+(?:using|on|running\s+on|in)\s+(?P<place>\S+(?:\s+gpu[\s-]*\d+)?)",
    re.IGNORECASE,
)
_ON_NODE: Final = re.compile(r"on\s+(?P<place>\S+)(?:\s+(?P<question>.+))?", re.IGNORECASE | re.DOTALL)
_GPU: Final = re.compile(r"(?:(?P<node>.+?)[:/\s]+)?gpu[\s:-]*(?P<index>\d+(?::\d+)?)", re.IGNORECASE)
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A question about the fleet. `place` is a node or a GPU as the person named it; `question` what to ask of it."""

    kind: Kind
    place: str = ""
    question: str = ""


def verb_of(text: str) -> Verb | None:
    """The verb, or None for a question about models, which is the parser's."""
    plain = text.strip().rstrip("?!. ")
    if len(plain) > _LONGEST:
        return None
    kinds: tuple[tuple[Kind, re.Pattern[str]], ...] = (
        ("status", _STATUS),
        ("fits_now", _FITS_NOW),
        ("who", _WHO),
    )
    for kind, pattern in kinds:
        match = pattern.fullmatch(plain)
        if match:
            return Verb(kind=kind, place=match["place"] or "")
    match = _ON_NODE.fullmatch(plain)
    if match:
        return Verb(kind="on_node", place=match["place"], question=match["question"] or "")
    return None


def nodes_named(fleet: Fleet, place: str) -> tuple[FleetNode, ...]:
    """Nodes of this name, or of a name that begins so ("node-7" for node-7.example.com)."""
    wanted = place.casefold()
    exact = tuple(node for node in fleet.nodes if node.name.casefold() == wanted)
    return exact or tuple(node for node in fleet.nodes if node.name.casefold().split(".")[0] == wanted)


def gpus_named(fleet: Fleet, place: str) -> tuple[tuple[FleetNode, FleetGpu], ...]:
    """GPUs meant by "gpu-3", "node-7:gpu-3", a UUID, or all of a node."""
    match = _GPU.fullmatch(place.strip())
    if match:
        nodes = nodes_named(fleet, match["node"]) if match["node"] else fleet.nodes
        return tuple((node, gpu) for node in nodes for gpu in node.gpus if gpu.index == match["index"])
    by_uuid = tuple((node, gpu) for node, gpu in fleet.gpus() if gpu.uuid.casefold() == place.casefold())
    return by_uuid or tuple((node, gpu) for node in nodes_named(fleet, place) for gpu in node.gpus)
