"""Whether GPUs named side by side are one machine's ("a 4090 and a 3090") or a choice ("4090 or 3090")."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from shared.question.amounts import WORD
from shared.question.gpu_mention import GpuMention

_SIZE: Final = r"(?:[ (]*(?:with |w/ ?)?\d{1,4} ?gi?bs?(?: (?:of )?(?:v?ram|memory))?\)?)?"
_JOINED: Final = re.compile(
    rf"^s?{_SIZE}(?: (?:gpus?|cards?))?,? ?(?:\+|&|plus|along ?with|alongside|together with|paired with|"
    rf"combined with|next to|in addition to|"
    r", ?(?=\d{1,2} ?x )|"
    rf"and (?:an?|one|another|the other|my|{WORD}|\d{{1,2}} ?x?|x ?\d{{1,2}})(?= ))"
)
_A_CHOICE: Final = re.compile(
    r"(?<!\w)(?:or|vs\.?|versus|compare[ds]?|comparing|either|better|"
    r"(?:difference|choose|choosing|decide|deciding|torn|choice) between)(?!\w)"
)


def are_together(question: str, mentions: Sequence[GpuMention]) -> bool:
    """Whether every GPU is joined to the one before it, and nothing in the question makes them a choice.

    A bare "and" is not enough: "on A100 and H100" asks twice, "an A100 and an H100" counts what is there.
    """
    if len(mentions) < 2 or is_a_choice(question):
        return False
    return all(_JOINED.match(question[one.end : other.start]) for one, other in pairwise(mentions))


def is_a_choice(question: str) -> bool:
    """Whether a question holds things against each other: "or", "vs", "which is better"."""
    return _A_CHOICE.search(question) is not None
