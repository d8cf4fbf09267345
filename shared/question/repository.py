"""Models named by repository: "Qwen/Qwen3-8B", "TheBloke/Mixtral-8x7B-Instruct-v0.1-GPTQ"."""

import re
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.checkpoints import Checkpoint, find_checkpoint
from shared.catalog.names import find_model
from shared.catalog.rows import Model, Quantization
from shared.errors import UserError
from shared.question.atoms import key_of
from shared.question.gpu_names import GpuNames
from shared.question.model import resolve
from shared.question.model_mention import model_mentions
from shared.question.model_names import ModelNames
from shared.question.model_tokens import WORD, tokens_in
from shared.question.quantization_names import without_quantizations
from shared.question.remaining import Remaining
from shared.question.unlisted import UnlistedRepository
from shared.question.vocabulary import NOISE

_REPOSITORY: Final = re.compile(
    r"(?<![\w/.-])(?P<org>[a-z0-9][\w.-]{0,95})/(?P<name>[a-z0-9][\w.-]{0,94}\w)(?![\w/])"
)


def read_repositories(
    question: Remaining, models: ModelNames, gpus: GpuNames, catalog: Catalog
) -> tuple[tuple[Model, ...], Quantization | None]:
    """The models named by repository, and the quantization that comes with a quantized repository.

    A repository of someone else's that is plainly a repackaged model of the catalog loses its owner's name only, so
    that the rest is read like any name.

    Raises:
        UnlistedRepository: No row is published there.
    """
    found: dict[str, Model] = {}
    quantization: Quantization | None = None
    for match in question.find_all(_REPOSITORY):
        known = models.repositories.get(match[0])
        if known is not None:
            model, quantization_id = known
            given = question.take_match(match)
            found[model.id] = model
            question.note("model", given, model.id, "exact")
            if quantization_id is not None:
                quantization = catalog.quantizations[quantization_id]
                question.note("quantization", given, quantization_id, "exact")
        elif _is_repository(match["org"], match["name"], models, gpus):
            if resolve(without_quantizations(match["name"]), models) is not None:
                question.take(match.start("org"), match.start("name"))
                continue
            given = question.given(*match.span())
            checkpoint = _repackaged(match[0], catalog)
            if checkpoint is None:
                raise _unlisted(given, match["name"], catalog)
            question.take_match(match)
            found[checkpoint.model.id] = checkpoint.model
            question.note("model", given, checkpoint.model.id, checkpoint.how)
            if checkpoint.quantization is not None:
                quantization = checkpoint.quantization
                question.note("quantization", given, quantization.id, "alias")
    return tuple(found.values()), quantization


def _repackaged(repository: str, catalog: Catalog) -> Checkpoint | None:
    """The checkpoint a repository's name describes, with all its words about quantization understood; else None."""
    try:
        checkpoint = find_checkpoint(repository, catalog)
    except UserError:
        return None
    return None if checkpoint.said and checkpoint.quantization is None else checkpoint


def _is_repository(org: str, name: str, models: ModelNames, gpus: GpuNames) -> bool:
    """Whether "a/b" is a repository and not two things with a slash between them ("8b/70b", "A100/H100", "and/or")."""
    if not re.search(r"[a-z]{2}", name) or not re.search(r"[a-z]", org):
        return False
    has_parts = re.search(r"[-_\d]", name) is not None
    if org in models.owners:
        return has_parts or not model_mentions(name, models)  # "qwen/llama" are two families
    if not has_parts:
        return False
    if any(gpus.answers(key_of(part)) for part in (org, name)) or model_mentions(org, models):
        return False
    words = {token.text for token in tokens_in(without_quantizations(f"{org} {name}")) if token.kind == WORD}
    return any(word not in NOISE and len(word) > 1 for word in words)


def _unlisted(given: str, name: str, catalog: Catalog) -> UnlistedRepository:
    near: tuple[str, ...] = ()
    try:
        near = (find_model(without_quantizations(name), catalog).name,)
    except UserError as error:
        near = error.suggestions[:3]
    return UnlistedRepository(given, near=near)
