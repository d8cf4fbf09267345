"""Which models are still worth naming: those of the last two years before the facts were gone over."""

from datetime import timedelta
from functools import lru_cache
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model

_CURRENT: Final = timedelta(days=730)
_HALF_A_YEAR: Final = 182  # days
# How words in the id of a model made for one kind of work begin: no stand-in for one that answers anything.
_SPECIALITIES: Final = (
    *("guard", "code", "math", "prover", "ocr", "reward", "medgemma", "starcoder", "pythia"),
    *("vl", "vision", "omni", "pixtral"),  # a line of its own beside one that reads text
)

_MADE_FOR: Final = {"code": ("code", "devstral", "starcoder"), "math": ("math", "prover")}


def current_models(catalog: Catalog) -> tuple[Model, ...]:
    """Current decoders that answer people, largest first, the newer of two equals first; all when none is dated."""
    return _current(tuple(catalog.models.values()), (catalog.as_of - _CURRENT).toordinal())


@lru_cache(maxsize=8)
def _current(models: tuple[Model, ...], since: int) -> tuple[Model, ...]:
    decoders = [model for model in models if model.shape.kind == "decoder" and not specialities(model)]
    current = [model for model in decoders if model.released and model.released.toordinal() >= since]
    return tuple(sorted(current or decoders, key=_size, reverse=True))


def models_for(purpose: str, catalog: Catalog) -> tuple[Model, ...]:
    """Models made for one kind of work (Query.purpose).

    The current ones, largest first, then the older, half year by half year.
    """
    since = (catalog.as_of - _CURRENT).toordinal()

    def standing(model: Model) -> tuple[bool, int, int]:
        released = model.released.toordinal() if model.released else 0
        current = released >= since
        return current, 0 if current else released // _HALF_A_YEAR, model.parameters

    made = [model for model in catalog.models.values() if _is_made_for(purpose, model)]
    return tuple(sorted(made, key=standing, reverse=True))


def _is_made_for(purpose: str, model: Model) -> bool:
    if purpose == "embedding":
        return model.shape.kind == "embedding"
    if purpose in ("vision", "audio"):
        return any(tower.kind == purpose for tower in model.towers)
    return any(word.startswith(_MADE_FOR[purpose]) for word in model.id.split("-"))


def specialities(model: Model) -> frozenset[str]:
    """What kind of work the model was made for; empty for one that answers anything."""
    words = model.id.split("-")
    return frozenset(one for one in _SPECIALITIES if any(word.startswith(one) for word in words))


def _size(model: Model) -> tuple[int, int]:
    return model.parameters, model.released.toordinal() if model.released else 0
