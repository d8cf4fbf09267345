"""How far an estimate reaches: the longest context and the most users of the same layout."""

from shared.catalog.catalog import Catalog
from shared.estimator import Estimate
from shared.inverse import context, sequences
from shared.inverse.attempt import Attempt, attempt
from shared.inverse.load import with_context
from shared.inverse.load import with_sequences as load_with_sequences


def longest_context(found: Estimate, catalog: Catalog, most_tokens: int | None = None) -> int:
    """Tokens per sequence of the longest context that fits this layout, up to the model's own; 0 when none does."""
    answer = context.longest_context(found.workload, found.gpus, catalog, most_tokens=most_tokens)
    return context.tokens_per_sequence(answer)


def most_sequences(found: Estimate, catalog: Catalog) -> int:
    """How many sequences of the asked context fit at once."""
    answer = sequences.most_sequences(found.workload, found.gpus, catalog)
    return int(answer.value or 0)


def at_context(found: Estimate, context_tokens: int, catalog: Catalog) -> Attempt:
    """The same workload, laid out the same way, with another context per sequence."""
    return attempt(with_context(found.workload, context_tokens), found.gpus, catalog)


def with_sequences(found: Estimate, count: int, context_tokens: int, catalog: Catalog) -> Attempt:
    """The same workload for `count` users of this context each."""
    return attempt(load_with_sequences(found.workload, count, context_tokens), found.gpus, catalog)
