"""Choices written out in a question, as the stable text form has them: "gpu?=a100-40gb|a100-80gb"."""

import re
from typing import Final

from shared.catalog.catalog import Catalog
from shared.errors import UnknownName
from shared.question.query import Ambiguity
from shared.question.remaining import Remaining

_CHOICES: Final = re.compile(
    r"(?<!\w)(?P<field>model|gpu|quantization|gpu_memory_bytes)\?=(?P<choices>[\w.-]+(?:\|[\w.-]+)+)"
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
        ids = {
            "model": catalog.models,
            "gpu": catalog.gpus,
            "quantization": catalog.quantizations,
            "gpu_memory_bytes": {
                choice: None for choice in match["choices"].split("|") if choice.isdecimal()
            },
        }[field]
        known = {row_id.lower(): row_id for row_id in ids}
        choices = []
        for choice in match["choices"].split("|"):
            if choice not in known:
                raise UnknownName(field, choice)
            choices.append(known[choice])
        question.ambiguous.append(Ambiguity(field=field, given=given, choices=tuple(choices)))
        fields.add(field)
    return frozenset(fields)
