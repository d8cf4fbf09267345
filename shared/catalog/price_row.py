"""The row of what a GPU costs by the hour."""

import datetime
from dataclasses import dataclass
from typing import Annotated

from shared.catalog.row import Limits, Positive, Row, Source


@dataclass(frozen=True, kw_only=True)
class CloudPrice(Row):
    """What one GPU costs by the hour, as one provider asked on one day; `gpus_per_instance` is how they are sold."""

    id: str  # "aws/p4d.24xlarge"
    gpu: str  # id of the GPU row
    provider: str
    instance: str
    gpus_per_instance: Positive
    usd_per_gpu_hour: Annotated[float, Limits(gt=0)]
    kind: str  # "on-demand", "spot", "community", …
    region: str | None = None
    as_of: datetime.date
    source: Source
