"""One instant query of Prometheus' HTTP API: PromQL in, series out, every failure one sentence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import httpx
from pydantic import TypeAdapter, ValidationError

from bot.fleet import FleetUnavailable
from bot.fleet_http import get

Labels = Mapping[str, str]

# Packing megabytes costs a Prometheus beside us more than sending them: a fifth of a look at 8,000 GPUs.
_PLAIN: Final = {"Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels, and when it was what."""

    metric: dict[str, str]
    value: tuple[float, float]  # when, what; a number as text, "NaN" and "+Inf" included

    @property
    def whole(self) -> int | None:
        """The value as a whole number; None for NaN and the infinities, which Prometheus may well return."""
        return int(self.value[1]) if math.isfinite(self.value[1]) else None


@dataclass(frozen=True, slots=True)
class _Result:
    result: list[Series]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: Literal["success"]
    data: _Result


_ANSWER: Final = TypeAdapter(_Answer)


async def ask(session: httpx.AsyncClient, url: str, query: str) -> list[Series]:
    """What `query` gives now at the Prometheus of address `url`. Raises FleetUnavailable."""
    address = url.rstrip("/") + "/api/v1/query"
    body = await get(session, address, params={"query": query}, headers=_PLAIN)
    try:
        return _ANSWER.validate_json(body).data.result
    except ValidationError:
        raise FleetUnavailable("its answer is not a query result") from None
