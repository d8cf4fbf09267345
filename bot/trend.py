"""How near its limit a model has come over the last hour, from Prometheus."""

import math
import time
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ValidationError

from bot.fleet import FleetUnavailable
from bot.fleet_http import client, get
from shared import metric_names as names

SPAN_SECONDS: Final = 3600
STEPS: Final = 24
_LABELS: Final = ("uuid", "model", "quantization", "engine", "resource", "instance")


class _Range(BaseModel):
    values: list[tuple[float, str]]


class _Result(BaseModel):
    result: list[_Range]


class _Answer(BaseModel):
    data: _Result


async def limit_trend(url: str, labels: Mapping[str, str], deadline_seconds: float) -> tuple[float, ...]:
    """The ratio to the limit, oldest first; empty when Prometheus cannot say."""
    wanted = ",".join(f"{name}={_quoted(labels[name])}" for name in _LABELS if labels.get(name))
    if "uuid=" not in wanted or "model=" not in wanted:
        return ()
    now = time.time()
    params = {
        "query": f"max({names.LOADED_LIMIT_RATIO.name}{{{wanted}}})",
        "start": f"{now - SPAN_SECONDS:.0f}",
        "end": f"{now:.0f}",
        "step": f"{SPAN_SECONDS // STEPS}",
    }
    try:
        async with client(url, deadline_seconds) as session:
            body = await get(session, url.rstrip("/") + "/api/v1/query_range", params=params)
        found = _Answer.model_validate_json(body).data.result
    except (FleetUnavailable, ValidationError):
        return ()
    values = [float(value) for _, value in found[0].values] if found else []
    return tuple(value for value in values if math.isfinite(value))


def _quoted(value: str) -> str:
    """A label's value as PromQL quotes it: an alert's labels are not ours to trust."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
