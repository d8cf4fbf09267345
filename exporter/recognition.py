"""Which model a server runs and what it should hold, worked out once for as long as the server says the same (pure)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from exporter.engine_apis.state import EngineState
from exporter.model_match import MatchedModel, match_model
from exporter.prediction import Predicted, predict
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu
from shared.engines.engine import SeenCommand

_REMEMBERED: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The model, and a prediction per device; no predictions where we do not know enough or have no rule."""

    matched: MatchedModel
    predicted: tuple[Predicted, ...]


class Recognition:
    """Recognises servers. Nothing it goes by but what is handed in, so the same is recognised the same."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._worked_out = lru_cache(maxsize=_REMEMBERED)(self._work_out)

    def of(self, seen: SeenCommand, state: EngineState | None, rows: tuple[Gpu, ...]) -> Recognised:
        """What runs on devices of these kinds; `rows` are empty where one of them is not known."""
        return self._worked_out(seen, None if state is None else state.steady(), rows)

    def _work_out(self, seen: SeenCommand, state: EngineState | None, rows: tuple[Gpu, ...]) -> Recognised:
        matched = match_model(seen, state, self._catalog)
        return Recognised(matched=matched, predicted=predict(seen, state, matched, rows, self._catalog))
