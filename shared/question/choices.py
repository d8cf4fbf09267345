"""Choices written out in a question, as buttons carry them: "gpu?=a100-40gb|a100-80gb", "gpu?=a100-80gb@1|l40s@2"."""

import re
from typing import Final

from shared.catalog.catalog import Catalog
from shared.errors import UnknownName
from shared.question.flags import MOST_GPUS
from shared.question.query import Ambiguity
from shared.question.remaining import Remaining

_CHOICES: Final = re.compile(
    r"(?<!\w)(?P<field>model|gpu|quantization|gpu_count|gpu_memory_bytes)\?=(?P<choices>[\w.-]+(?:@\d+)?(?:\|[\w.-]+(?:@\d+)?)+)"
)


def read_choices(question: Remaining, catalog: Catalog) -> frozenset[str]:
    """Record the choices a question leaves open in so many words, and return the fields they are of.

    Raises:
        UnknownName: A choice that is no id of the catalog.
    """
    fields = set()
    for match in question.find_all(_CHOICES):
        given = question.take_match(match)
        field = match["field"]
        numbers = {part: None for part in re.split(r"[|@]", match["choices"]) if part.isdecimal()}
        rows = {"model": catalog.models, "gpu": catalog.gpus, "quantization": catalog.quantizations}
        ids = rows.get(field, numbers)
        known = {row_id.lower(): row_id for row_id in ids}
        choices, counts = [], []
        for part in match["choices"].split("|"):
            choice, _, count = part.partition("@")
            if choice not in known:
                raise UnknownName(field, choice)
            choices.append(known[choice])
            counts += [min(int(count), MOST_GPUS)] if count else []
        question.ambiguous.append(
            Ambiguity(field=field, given=given, choices=tuple(choices), counts=_of_all(counts, choices))
        )
        fields.add(field)
    return frozenset(fields)


def _of_all(counts: list[int], choices: list[str]) -> tuple[int, ...]:
    """A count for each choice; none where one lacks it."""
    return tuple(max(1, count) for count in counts) if len(counts) == len(choices) else ()
