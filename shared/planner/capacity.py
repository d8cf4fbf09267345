"""The inverse questions: how long a context, how many users."""

from collections.abc import Iterator
from dataclasses import replace

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization
from shared.estimator import Estimate
from shared.inverse.load import context_per_sequence
from shared.planner.asked import asked_of
from shared.planner.case import Case
from shared.planner.crowd import unfit_for_many
from shared.planner.fit import attempt_case
from shared.planner.options import option
from shared.planner.plan import Option, OptionKind
from shared.planner.quantizations import about_four_bits_or_better, ladder
from shared.planner.reach import at_context, longest_context, most_sequences, with_sequences
from shared.units import tokens


def for_context(case: Case, catalog: Catalog) -> list[Option]:
    """The longest context of what was asked, then of quantizations and caches that reach further."""
    found: list[Option] = []
    reached = 0
    for kind, estimate in _starting_points(case, catalog):
        longest = longest_context(estimate, catalog)
        if longest <= reached:
            continue
        at_longest = at_context(estimate, longest, catalog).estimate
        if at_longest is not None:
            reason = f"Reaches {tokens(longest)} of the {tokens(case.model.context_tokens)} the model was made for."
            found.append(option(kind, at_longest, catalog, reason=reason))
            reached = longest
    return found


def for_users(case: Case, catalog: Catalog) -> list[Option]:
    """How many users at the asked context, of what was asked and then of what serves more."""
    found: list[Option] = []
    served = 0
    for kind, estimate in _starting_points(case, catalog):
        users = most_sequences(estimate, catalog)
        named = case.quantization is not None and estimate.workload.quantization.id == case.quantization.id
        if users <= served or (
            not named and unfit_for_many(case, estimate.workload.quantization, case.gpu, users)
        ):
            continue
        context = context_per_sequence(estimate.workload)
        loaded = with_sequences(estimate, users, context, catalog).estimate
        if loaded is None:
            continue
        reason = (
            f"{users:,} {'user' if users == 1 else 'users'} with {tokens(context)} each, all full at once."
        )
        found.append(option(kind, loaded, catalog, reason=reason))
        served = users
    return found


def _starting_points(case: Case, catalog: Catalog) -> Iterator[tuple[OptionKind, Estimate]]:
    """One short sequence of: what was asked, its quantized KV cache, then every healthy quantization."""
    one = replace(case, sequences=1)
    for kind, row, runs, kv in _variants(one, catalog):
        tried = attempt_case(one, row, runs, catalog, kv_cache_type=kv)
        if tried.estimate is not None:
            yield kind, tried.estimate


def _variants(case: Case, catalog: Catalog) -> Iterator[tuple[OptionKind, Quantization, str, str | None]]:
    asked = asked_of(case, catalog)
    if asked.engine is not None:
        yield OptionKind.AS_ASKED, asked.quantization, asked.engine, None
        if case.kv_cache_type is None and asked.engine in ("llama.cpp", "vllm", "sglang"):
            yield OptionKind.KV_CACHE, asked.quantization, asked.engine, "q8_0"
    for row, runs in ladder(case, catalog):
        if row.id != asked.quantization.id and about_four_bits_or_better(row, case.model, catalog):
            yield OptionKind.QUANTIZATION, row, runs, None
