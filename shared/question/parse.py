"""Free text to a typed query: numbers exact, family words spell-corrected, what cannot be known asked."""

from dataclasses import dataclass, replace

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model, Quantization
from shared.question.aside import set_aside_figures, set_aside_values
from shared.question.choices import read_choices
from shared.question.context import read_context, read_full_context
from shared.question.engine import read_engine
from shared.question.flags import (
    read_gpu_layers,
    read_tensor_parallel,
    set_aside_options,
    set_aside_other_numbers,
)
from shared.question.gpu import read_hardware, read_instance, refuse_unknown_gpu
from shared.question.hardware import Hardware
from shared.question.intent import asks_what_fits, intent_of, wants_longest_context
from shared.question.kv_cache_type import read_kv_cache_type
from shared.question.model import Models, contexts_in_names, read_models
from shared.question.names import QuestionNames, names_of
from shared.question.normalise import nothing_named, readable
from shared.question.own_up import ask_for_a_number, own_up
from shared.question.purpose import read_purpose
from shared.question.quantization import (
    asks_for_published_precision,
    published_quantization,
    read_quantization,
    settle_quantization,
)
from shared.question.query import Query
from shared.question.remaining import Remaining
from shared.question.repository import read_repositories
from shared.question.sequences import read_sequences
from shared.question.unknown_model import refuse_unknown_model
from shared.units import tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """How the model is to be run, as far as the question says."""

    engine: str | None
    kv_cache_type: str | None
    gpu_layers: int | None
    tensor_parallel: int | None
    sequences: int | None
    context_tokens: int | None
    full_context: str | None  # the words that ask for the model's longest context
    published_precision: str | None  # the words that ask for the weights as published


def parse_question(text: str, catalog: Catalog) -> Query:
    """What a person asked, typed.

    The order matters: what has a form of its own is read and blanked out first, so that the model is what is left.

    Raises:
        UserError: The question is empty or too long, names something we do not know, or a value that cannot be.
    """
    names = names_of(catalog)
    question = Remaining(readable(text))
    chosen = read_choices(question, catalog)
    set_aside_values(question)
    by_repository, repository_quantization = read_repositories(question, names.models, names.gpus, catalog)
    instance = read_instance(question, names.gpus, names.models.is_family)
    settings = _read_settings(question, names)
    named_quantizations = read_quantization(
        question, names.quantizations, catalog, is_packaged=repository_quantization is not None
    )
    hardware = instance or read_hardware(question, names.gpus, names.models, catalog)
    if chosen & {"gpu", "gpu_memory_bytes"}:
        hardware = replace(hardware, is_named=True)
    set_aside_options(question)
    models = read_models(question, names.models, catalog, by_repository)
    if "model" in chosen:
        models = replace(models, is_named=True)
    _refuse_unknown(question, hardware, names, catalog, is_model_named=models.is_named)
    model = models.found[0] if models.found else None
    quantization = settle_quantization(question, named_quantizations, settings.engine, model)
    purpose = None if models.is_named else read_purpose(question)
    own_up(
        question,
        models=len(models.found),
        has_gpu=hardware.is_named,
        has_quantization=quantization is not None,
    )
    query = _query(
        text, question, catalog, settings, hardware, models, quantization or repository_quantization
    )
    query = query if purpose is None else replace(query, purpose=purpose)
    return ask_for_a_number(question, query)


def _read_settings(question: Remaining, names: QuestionNames) -> _Settings:
    engine = read_engine(question, names.engine_pattern, names.engine_names)
    kv_cache_type = read_kv_cache_type(question, engine)
    gpu_layers = read_gpu_layers(question)
    tensor_parallel = read_tensor_parallel(question)
    set_aside_other_numbers(question)
    set_aside_figures(question)
    sequences = read_sequences(question)
    asks_longest = wants_longest_context(question.whole)
    return _Settings(
        engine=engine,
        kv_cache_type=kv_cache_type,
        gpu_layers=gpu_layers,
        tensor_parallel=tensor_parallel,
        sequences=sequences,
        full_context=None if asks_longest else read_full_context(question),
        context_tokens=read_context(question, contexts_in_names(question, names.models)),
        published_precision=asks_for_published_precision(question),
    )


def _refuse_unknown(
    question: Remaining, hardware: Hardware, names: QuestionNames, catalog: Catalog, *, is_model_named: bool
) -> None:
    """Refuse a question whose model or GPU has a name nobody knows, rather than answer another."""
    refuse_unknown_gpu(question, names.gpus, catalog)
    if not is_model_named and not asks_what_fits(question.whole):
        refuse_unknown_model(question, catalog)
    if not hardware.is_named and not is_model_named:
        raise nothing_named()


def _query(
    text: str,
    question: Remaining,
    catalog: Catalog,
    settings: _Settings,
    hardware: Hardware,
    models: Models,
    quantization: Quantization | None,
) -> Query:
    model = models.found[0] if models.found else None
    context = _context(question, settings, model)
    quantization = quantization or _published(question, settings, model, catalog)
    intent = intent_of(
        question.whole,
        models=max(len(models.found), int(models.is_named)),
        has_hardware=hardware.is_named,
        has_context=context is not None,
        has_sequences=settings.sequences is not None,
    )
    return Query(
        text=text,
        intent=intent,
        model=model,
        gpu=hardware.gpu,
        gpu_count=_gpu_count(question, settings, hardware),
        gpus_beside=hardware.beside,
        quantization=quantization,
        context_tokens=context,
        engine=settings.engine,
        sequences=settings.sequences,
        kv_cache_type=settings.kv_cache_type,
        gpu_memory_bytes=hardware.memory_bytes,
        host_memory_bytes=hardware.host_memory_bytes,
        gpu_layers=settings.gpu_layers,
        tensor_parallel=settings.tensor_parallel,
        other_models=models.found[1:],
        ambiguous=tuple(question.ambiguous),
        readings=tuple(question.readings),
        warnings=tuple(question.warnings),
    )


def _context(question: Remaining, settings: _Settings, model: Model | None) -> int | None:
    """Tokens per sequence; a number beyond the model's own is kept and said."""
    context = settings.context_tokens
    if context is None and settings.full_context is not None and model is not None:
        context = model.context_tokens
        question.note("context_tokens", settings.full_context, context, "alias")
    if context is not None and model is not None and context > model.context_tokens:
        question.warnings.append(
            f"{model.name} was made for {tokens(model.context_tokens)} tokens of context; "
            f"{tokens(context)} is beyond that."
        )
    return context


def _published(
    question: Remaining, settings: _Settings, model: Model | None, catalog: Catalog
) -> Quantization | None:
    """The precision the model is published in, where the question asks for that ("unquantized")."""
    if settings.published_precision is None:
        return None
    quantization = published_quantization(model, catalog)
    if quantization is not None:
        question.note("quantization", settings.published_precision, quantization.id, "assumed")
    return quantization


def _gpu_count(question: Remaining, settings: _Settings, hardware: Hardware) -> int | None:
    """The number of GPUs; tensor parallelism implies one where none is said."""
    count = hardware.count
    if count is None and settings.tensor_parallel is not None and hardware.is_named:
        count = settings.tensor_parallel
        question.note("gpu_count", f"tensor parallel {count}", count, "assumed")
    return count
