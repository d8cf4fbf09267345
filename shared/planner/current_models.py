"""Which models are still worth naming: those of the last two years before the facts were gone over."""

from datetime import timedelta
from functools import lru_cache
from typing import Final

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model

_CURRENT: Final = timedelta(days=730)


def current_models(catalog: Catalog) -> tuple[Model, ...]:
    """Current decoders that answer people, largest first, the newer of two equals first; all when none is dated."""
    return _current(tuple(catalog.models.values()), (catalog.as_of - _CURRENT).toordinal())


@lru_cache(maxsize=8)
def _current(models: tuple[Model, ...], since: int) -> tuple[Model, ...]:
    decoders = [model for model in models if model.shape.kind == "decoder"]
    current = [model for model in decoders if model.released and model.released.toordinal() >= since]
    return tuple(sorted(current or decoders, key=_size, reverse=True))


def _size(model: Model) -> tuple[int, int]:
    return model.parameters, model.released.toordinal() if model.released else 0
