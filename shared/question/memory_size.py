"""Memory sizes in a question, each with what it measures: a card, all cards, the host, or nothing of ours."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared.question.remaining import Remaining
from shared.units import GIB

_UNIT_GIB: Final = {
    "t": Decimal(1024), "g": Decimal(1), "m": Decimal(1) / 1024,
}  # fmt: skip
_SIZE: Final = re.compile(
    r"(?<![\w.$])(?P<n>\d{1,7}(?:\.\d{1,3})?)[ -]?(?P<unit>gibs?|gbs?|gigs?|gigabytes?|gig|g|mib|mb|tib|tb)"
    r"(?P<after>[ -]?(?:of )?(?:video |graphics |total |combined |free |available |dedicated |shared |unified |system |"
    r"host |cpu |main |gpu |normal |regular |ddr[345][\w-]* |lpddr[345]x? |physical )*"
    r"(?:v-?ram|ram|memory|mem|ddr[345]\w*|dram|显存|内存|ssd|nvme|hdd|disk|storage|file|gguf|weights|checkpoint|download|total|combined)?)"
    r"(?![\w/]|\.\d)"
)
_HOST_AFTER: Final = re.compile(
    r"(?<!v)(?<!v-)(?<!gpu )(?<!video )(?<!unified )(?<!graphics )\bram|ddr|dram|(?:system|host|cpu|main) mem|内存"
)
_HOST_BEFORE: Final = re.compile(
    r"(?:(?<!v)\bram|system memory|host memory|cpu memory|内存)(?: (?:is|of|:|=|size|with))*[ :=]*$"
)
_CARD_BEFORE: Final = re.compile(
    r"(?:v-?ram|gpu mem(?:ory)?|显存)(?: (?:is|of|limit|size|budget|with))*[ :=~]*$"
)
_NOT_OURS: Final = re.compile(r"ssd|nvme|hdd|disk|storage|file|gguf|weights|checkpoint|download")
_CARD_AFTER: Final = re.compile(r"v-?ram|video|graphics|gpu|dedicated|显存")
_ALL_AFTER: Final = re.compile(
    r"^\)? ?(?:in )?(?:total|combined|altogether|overall|together|across|between|pooled|aggregate)\b"
)
_ALL_BEFORE: Final = re.compile(
    r"(?:total(?:ing|ling)?|combined|altogether|together|pool(?:ed)?)(?: (?:of|is|v-?ram|memory|gpu))*[ :=~]*$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySize:
    """One size as said. `kind` is "card" (said to be GPU memory), "host", or "plain" (not said)."""

    start: int
    end: int
    gib: Decimal
    kind: str
    of_all: bool  # of all cards together

    @property
    def size_bytes(self) -> int:
        """Bytes. A marketed "24 GB" card holds 24 GiB, so GB of GPU memory are read as GiB."""
        return int(self.gib * GIB)


def memory_sizes(question: Remaining) -> list[MemorySize]:
    """Every memory size in what is left, in order; sizes of files and disks are taken out of the question."""
    sizes = []
    for match in question.find_all(_SIZE):
        before = question.lower[max(0, match.start() - 40) : match.start()]
        following = question.lower[match.end() : match.end() + 20]
        after = match["after"]
        if _NOT_OURS.search(after):
            question.take_match(match)
            continue
        if _CARD_AFTER.search(after) or _CARD_BEFORE.search(before):
            kind = "card"
        elif _HOST_AFTER.search(after) or _HOST_BEFORE.search(before):
            kind = "host"
        else:
            kind = "plain"
        of_all = (
            "total" in after or "combined" in after
            or _ALL_AFTER.search(following) is not None or _ALL_BEFORE.search(before) is not None
        )  # fmt: skip
        gib = Decimal(match["n"]) * _UNIT_GIB[match["unit"][0]]
        sizes.append(MemorySize(start=match.start(), end=match.end(), gib=gib, kind=kind, of_all=of_all))
    return sizes
