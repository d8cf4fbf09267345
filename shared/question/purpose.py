"""What a model is wanted for, in a question that names none: "best coding model for 12 GB"."""

import re
from typing import Final

from shared.question.remaining import Remaining

# What the catalog can tell of a model; the rest of what people want models for, no fact of ours ranks.
_KNOWN: Final = {
    "code": r"cod(?:e|er|ers|ing)|programming|autocomplete|software development",
    "math": r"math(?:s|ematics)?|theorem proving",
    "embedding": r"embeddings?|embedders?|semantic search",
    "vision": r"vision|images?|pictures?|photos?|screenshots?|multi-?modal|vlms?|visual",
    "audio": r"audio|speech|voice",
}
_PURPOSES: Final = {name: re.compile(rf"(?<![\w-])(?:{words})(?![\w-])") for name, words in _KNOWN.items()}
_NOT_WEIGHED: Final = re.compile(
    r"(?<![\w-])(role-?play(?:ing)?|erp|creative writing|story ?telling|writing|translat(?:ion|ing|e)|reasoning|"
    r"agentic|tool calling|function calling|summari[sz](?:ation|ing|e)|rag)(?![\w-])"
)


def read_purpose(question: Remaining) -> str | None:
    """The first kind of work named that the catalog knows models for; of others it says that they were not weighed."""
    other = question.find(_NOT_WEIGHED)
    if other is not None:
        question.warnings.append(
            f"I rank by size and health; which model is best at {question.given(*other.span())} I cannot tell."
        )
    found = [(match.start(), name, match) for name, one in _PURPOSES.items() if (match := question.find(one))]
    if not found:
        return None
    _, name, match = min(found, key=lambda one: one[0])
    question.note("purpose", question.take_match(match), name, "exact")
    return name
