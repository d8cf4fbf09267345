"""Alertmanager's webhook as typed values, and which channel an alert belongs to; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_ALERTS: Final = 200

Text = Annotated[str, Field(max_length=4000)]


class Alert(BaseModel):
    """One alert of a delivery. `fingerprint` names it over its whole life."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    status: Literal["firing", "resolved"]
    fingerprint: Annotated[str, Field(min_length=1, max_length=64)]
    labels: dict[str, Text]
    annotations: dict[str, Text] = {}
    starts_at: Annotated[datetime, Field(alias="startsAt")]
    ends_at: Annotated[datetime, Field(alias="endsAt")]

    @property
    def name(self) -> str:
        """The rule that fired."""
        return self.labels.get("alertname", "alert")

    @property
    def question(self) -> str:
        """The model in trouble as a question to us; empty for alerts about no model.

        Engines that Prometheus scrapes itself say `model_name`, and may number what we name by `engine`.
        """
        if self.labels.get("model_name"):
            return self.labels["model_name"]
        parts = (
            self.labels.get("model", ""),
            self.labels.get("quantization", ""),
            self.labels.get("engine", ""),
        )
        return " ".join(part for part in parts if part) if parts[0] else ""


class Delivery(BaseModel):
    """What Alertmanager posts, version 4 of its webhook."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alerts: Annotated[tuple[Alert, ...], Field(max_length=MOST_ALERTS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Alerts whose `label` has `value` go to `channel`."""

    label: str
    value: str
    channel: str

    def __str__(self) -> str:
        """As it is written in the settings."""
        return f"{self.label}={self.value}:{self.channel}"


def routes_of(text: str) -> tuple[Route, ...]:
    """Routes as "severity=critical:C123, namespace=prod:C456". Raises ValueError for anything else."""
    routes = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        label, equals, rest = part.partition("=")
        value, colon, channel = rest.rpartition(":")
        if not (equals and colon and label.strip() and value.strip() and channel.strip()):
            raise ValueError(f"'{part[:60]}' is not a route; write label=value:channel")
        routes.append(Route(label=label.strip(), value=value.strip(), channel=channel.strip()))
    return tuple(routes)


def channel_for(labels: Mapping[str, str], routes: Sequence[Route], default: str) -> str:
    """The channel of the first route that matches, else the default."""
    return next((route.channel for route in routes if labels.get(route.label) == route.value), default)
