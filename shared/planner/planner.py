"""The planner: a typed question and the facts -> the plan a senior engineer would write back."""

from dataclasses import replace
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model
from shared.errors import UserError
from shared.inverse.attempt import Attempt
from shared.planner.asked import asked_of
from shared.planner.capacity import for_context, for_users
from shared.planner.case import ONE_USER, Case, case_of, check_numbers
from shared.planner.current_models import current_models
from shared.planner.fit_question import headline, ways
from shared.planner.hypothetical import hypothetical_gpu
from shared.planner.options import option
from shared.planner.owned import Owned
from shared.planner.parallelism import counts_for_usual_precisions
from shared.planner.plan import Headline, Option, OptionKind, Plan
from shared.planner.quantizations import fits_on_these_gpus
from shared.planner.ranking import MOST_OPTIONS, ranked, rest, shown
from shared.planner.readings import of_readings, readings_of
from shared.planner.sentence import fit_sentence
from shared.planner.shopping import cheapest, what_fits, which_gpu
from shared.planner.shopping_sentence import (
    capacity_sentence,
    cheapest_sentence,
    what_fits_sentence,
    which_gpu_sentence,
)
from shared.planner.slices import slice_named
from shared.planner.sources import broken, sources, warnings
from shared.planner.through_ollama import asks_for_ollama, through_ollama
from shared.question.query import Intent, Query

# A card to stand for "any" where the question names none: only its generation matters to what is tried.
_REFERENCE_GPU: Final = "h100-80gb"


def plan(query: Query, catalog: Catalog, owned: Owned = ()) -> Plan:
    """The whole answer to one question; what runs on the GPUs we own is offered before others.

    Raises:
        UserError: The question lacks what its answer needs, or names a number outside what is possible.
    """
    made = _plan(query, catalog, owned)
    return through_ollama(made) if asks_for_ollama(query) else made


def _plan(query: Query, catalog: Catalog, owned: Owned) -> Plan:
    """The plan by the kind of the question."""
    readings = readings_of(query, catalog)
    if readings:
        return of_readings(query, [plan(one, catalog, owned) for one in readings])
    gpu = slice_named(query) or query.gpu or hypothetical_gpu(query, catalog)
    match query.intent:
        case Intent.COMPARE if query.model is not None and query.other_models:
            return _comparison(query, gpu, catalog, owned)
        case Intent.CHEAPEST if query.model is not None:
            return _cheapest_plan(query, query.model, gpu, catalog, owned)
    if query.model is None and gpu is None:
        raise UserError('Name a model, a GPU, or both: for example "can Mixtral 8x7B run on A100 40GB?"')
    if query.model is None and gpu is not None:
        return _what_fits_plan(query, gpu, catalog)
    assert query.model is not None  # noqa: S101 - the two cases without a model have returned
    if gpu is None or query.intent is Intent.WHICH_GPU:
        return _which_gpu_plan(query, query.model, catalog, owned)
    case = case_of(query, query.model, gpu, owned)
    if query.intent in (Intent.MAX_CONTEXT, Intent.MAX_SEQUENCES):
        return _capacity_plan(query, case, catalog)
    return _fit_plan(query, case, catalog)


def _fit_plan(query: Query, case: Case, catalog: Catalog) -> Plan:
    """Can this model run on that GPU?"""
    literally = asked_of(case, catalog)
    asked = literally.attempt
    options = ranked(ways(case, literally, catalog), case)
    word = headline(case, asked, options)
    fits = fits_on_these_gpus(case, catalog)
    counts = () if word is Headline.YES else counts_for_usual_precisions(case, catalog)
    literal = _literal(asked, options, catalog)
    return Plan(
        query=query,
        headline=word,
        sentence=fit_sentence(case, asked, word, options, fits),
        asked=literal,
        options=shown(options),
        more=rest(options),
        on_these_gpus=fits,
        counts=counts,
        assumptions=_assumptions(case, literal),
        warnings=warnings(query, asked, options),
        sources=sources(case, options, catalog),
    )


def _literal(asked: Attempt, options: tuple[Option, ...], catalog: Catalog) -> Option | None:
    """What was asked as an option, also when it does not fit: its breakdown is shown either way."""
    known = next((one for one in options if one.estimate is asked.estimate), None)
    if known is not None or asked.estimate is None:
        return known
    return option(OptionKind.AS_ASKED, asked.estimate, catalog, reason="What was asked.")


def _assumptions(case: Case, asked: Option | None, *, users: bool = False) -> tuple[str, ...]:
    found = list(case.assumptions)
    if users:
        found = [line for line in found if line != ONE_USER] + ["Every user's context is full at once."]
    if asked is not None:
        load = asked.estimate.workload
        if case.quantization is None:
            found.append(f"Precision was not said: {load.quantization.name}, as published.")
        version = asked.estimate.breakdown.engine_version
        found.append(f"Run by {load.engine} {version}.")
        found += asked.estimate.breakdown.assumptions
    return tuple(dict.fromkeys(found))


def _capacity_plan(query: Query, case: Case, catalog: Catalog) -> Plan:
    """How long a context, or how many users."""
    users = query.intent is Intent.MAX_SEQUENCES
    options = for_users(case, catalog) if users else for_context(case, catalog)
    asked = next((one for one in options if one.kind is OptionKind.AS_ASKED), None)
    healthy = any(one.healthy for one in options)
    word = Headline.YES if asked else Headline.WITH_CHANGES if healthy else Headline.NO
    attempted = asked_of(case, catalog).attempt
    return Plan(
        query=query,
        headline=word,
        sentence=capacity_sentence(case, tuple(options), attempted, users=users),
        asked=asked or _literal(attempted, (), catalog),
        options=shown(tuple(options)),
        more=rest(tuple(options)),
        on_these_gpus=fits_on_these_gpus(case, catalog),
        assumptions=_assumptions(case, asked, users=users),
        warnings=warnings(query, attempted, tuple(options)),
        sources=sources(case, tuple(options), catalog),
    )


def _which_gpu_plan(query: Query, model: Model, catalog: Catalog, owned: Owned) -> Plan:
    """What does this model need?"""
    case = case_of(query, model, _reference(catalog), owned)
    options = tuple(which_gpu(case, catalog))
    return Plan(
        query=query,
        headline=Headline.YES if options else Headline.NO,
        sentence=which_gpu_sentence(case, options),
        options=shown(options),
        more=rest(options),
        assumptions=case.assumptions,
        warnings=(*query.warnings, *broken(options)),
        sources=sources(case, options, catalog),
    )


def _cheapest_plan(query: Query, model: Model, gpu: Gpu | None, catalog: Catalog, owned: Owned) -> Plan:
    """The cheapest way to serve a model for N users."""
    case = case_of(query, model, gpu or _reference(catalog), owned)
    options = tuple(cheapest(case, catalog, gpu))
    return Plan(
        query=query,
        headline=Headline.YES if options else Headline.NO,
        sentence=cheapest_sentence(case, options),
        options=options[:MOST_OPTIONS],
        more=options[MOST_OPTIONS:],
        assumptions=case.assumptions,
        warnings=(*query.warnings, *broken(options)),
        sources=sources(case, options, catalog),
    )


def _what_fits_plan(query: Query, gpu: Gpu, catalog: Catalog) -> Plan:
    """What can run on this GPU?"""
    check_numbers(query, None)
    first = current_models(catalog)[0]
    like = case_of(replace(query, context_tokens=None), first, gpu)
    like = replace(
        like,
        context_tokens=query.context_tokens or like.context_tokens,
        context_said=query.context_tokens is not None,
    )
    options = tuple(what_fits(like, catalog, query.purpose))
    return Plan(
        query=query,
        headline=Headline.YES if options else Headline.NO,
        sentence=what_fits_sentence(gpu, like.gpu_count, options),
        options=options[:MOST_OPTIONS],
        more=options[MOST_OPTIONS:],
        assumptions=like.assumptions,
        warnings=(*query.warnings, *broken(options)),
        sources=sources(like, options, catalog),
    )


def _comparison(query: Query, gpu: Gpu | None, catalog: Catalog, owned: Owned) -> Plan:
    """Several models held against the same hardware, one plan each."""
    models = [query.model, *query.other_models]
    single = [
        plan(
            replace(query, intent=Intent.FIT, model=model, other_models=(), gpu=gpu, ambiguous=()),
            catalog,
            owned,
        )
        for model in models
        if model is not None
    ]
    said = [f"{one.query.model.name}: {one.sentence}" for one in single if one.query.model]
    first = single[0]
    return replace(
        first, query=query, sentence=" ".join(said), own_sentence=first.sentence, others=tuple(single[1:])
    )


def _reference(catalog: Catalog) -> Gpu:
    return catalog.gpus.get(_REFERENCE_GPU) or next(iter(catalog.gpus.values()))
