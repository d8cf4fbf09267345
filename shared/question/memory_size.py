"""Memory sizes in a question, each with what it measures: a card, all cards, the host, or nothing of ours."""

# ruff: noqa: RUF001 - sizes are said in Russian too

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import zip_longest
from typing import Final

from shared.question.remaining import Remaining
from shared.units import GIB

CARD: Final = "card"  # said to be a GPU's memory
HOST: Final = "host"
PLAIN: Final = "plain"  # not said whose

_GIB_OF_UNIT: Final = {
    **dict.fromkeys("gгギ", Decimal(1)),
    "t": Decimal(1024),
    "m": Decimal(1) / 1024,
    "b": Decimal(1) / GIB,
}
_KINDS: Final = (
    r"(?:(?:of|video|graphics|total|combined|free|available|dedicated|shared|unified|system|host|cpu|main|gpu|normal|"
    r"regular|physical|l?p?ddr[345][\w-]*|gddr\w*|hbm\w*)[ -])*"
)
_WHAT: Final = (
    r"(?:v-?ram|ram|memory|mem|l?p?ddr[345]\w*|gddr\w*|hbm\w*|dram|显存|内存|ssd|nvme|hdd|disk|storage|files?|gguf|"
    r"weights|checkpoint|download|total|combined)"
)
_SIZE: Final = re.compile(
    r"(?<![\w.$])(?:(?<![-/])\d{1,2} ?(?:-|to) ?)?(?P<n>\d{1,16}(?:\.\d{1,3})?)[ -]?(?P<unit>gi?bs?|gigs?|gigas?|"
    r"gigabytes?|гб|гиг(?:а|ов|абайт\w*)?|ギガ|go(?= ?(?:de |d'|v?ram|[,.;:?!)]|$))|g|mi?b|ti?b|bytes)"
    rf"(?P<after>(?:[ -]?{_KINDS}{_WHAT})?)(?![\w/]|\.\d)"
    r"|(?<![\w-])--?(?:gpu-)?(?:memory|vram|mem)[ =](?P<flag>\d{1,5}(?:\.\d{1,3})?)g?(?![\w.])"
)
_NOT_OURS: Final = re.compile(r"ssd|nvme|hdd|disk|storage|file|gguf|weights|checkpoint|download")
_CARD_AFTER: Final = re.compile(r"v-?ram|video|graphics|gpu|dedicated|gddr|hbm|显存")
_HOST_AFTER: Final = re.compile(r"(?<!unified )\bram|ddr|dram|(?:system|host|cpu|main) mem|内存")
_LEADS: Final = r"(?: (?:is|of|size|limit|budget|with|around|about))*[ :=~]*$"
_HOST_BEFORE: Final = re.compile(rf"(?:\bram|\bl?p?ddr[345]\w*|(?:system|host|cpu|main) memory|内存){_LEADS}")
_CARD_BEFORE: Final = re.compile(rf"(?:v-?ram|gpu mem(?:ory)?|显存){_LEADS}")
_A_SIZE_BEFORE: Final = re.compile(
    rf"\d ?g(?:i?b|igs?)?[ -](?:of )?(?:v-?ram|ram|system memory|gpu memory|显存|内存){_LEADS}"
)
_ALL_AFTER: Final = re.compile(
    r"^\)? ?(?:in )?(?:total|combined|altogether|overall|together|across|between|pooled|aggregate)\b"
)
_ALL_BEFORE: Final = re.compile(
    r"(?:total(?:ing|ling)?|combined|altogether|together|pool(?:ed)?)(?: (?:of|is|v-?ram|memory|gpu))*[ :=~]*$"
)


_OR: Final = re.compile(r"\)?,? ?(?:or|vs\.?|versus|/)(?: the| an?)? ?\(?")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySize:
    """One size as said: its place, how much, whose (CARD, HOST or PLAIN), and whether of all cards together."""

    start: int
    end: int
    gib: Decimal
    kind: str
    of_all: bool

    @property
    def size_bytes(self) -> int:
        """Bytes. A marketed "24 GB" card holds 24 GiB, so GB of GPU memory are read as GiB."""
        return round(self.gib * GIB)


def memory_sizes(question: Remaining) -> list[MemorySize]:
    """Every memory size in what is left, in order; sizes of files and disks are taken out of the question."""
    sizes = []
    for match in question.find_all(_SIZE):
        if match["flag"]:
            gib, kind, of_all = Decimal(match["flag"]), CARD, False
        elif _NOT_OURS.search(match["after"]):
            question.take_match(match)
            continue
        else:
            gib = Decimal(match["n"]) * _GIB_OF_UNIT[match["unit"][0]]
            before = question.lower[max(0, match.start() - 40) : match.start()]
            following = question.lower[match.end() : match.end() + 20]
            kind = _kind(before, match["after"])
            of_all = (
                "total" in match["after"]
                or "combined" in match["after"]
                or _ALL_AFTER.search(following) is not None
                or _ALL_BEFORE.search(before) is not None
            )
        sizes.append(MemorySize(start=match.start(), end=match.end(), gib=gib, kind=kind, of_all=of_all))
    return [
        replace(size, kind=after.kind) if size.kind == PLAIN and are_a_choice(question, size, after) else size
        for size, after in zip_longest(sizes, sizes[1:])
    ]


def are_a_choice(question: Remaining, size: MemorySize, after: MemorySize | None) -> bool:
    """Whether a size stands before another as its alternative: "16gb or 24gb of vram"."""
    return after is not None and _OR.fullmatch(question.whole[size.end : after.start]) is not None


def _kind(before: str, after: str) -> str:
    """Whose memory it is: the words behind it say it, or else the words before, unless they end another size."""
    if _CARD_AFTER.search(after):
        return CARD
    if _HOST_AFTER.search(after):
        return HOST
    if _A_SIZE_BEFORE.search(before):
        return PLAIN
    if _CARD_BEFORE.search(before):
        return CARD
    return HOST if _HOST_BEFORE.search(before) else PLAIN
