"""The row of a family of cloud instances."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.catalog.row import Positive, Row, Source


@dataclass(frozen=True, kw_only=True)
class CloudInstances(Row):
    """Instances of one provider with GPUs of one kind; `gpus_of` is how many each has."""

    id: str  # "aws/g5"
    provider: str
    gpu: str  # id of the GPU row
    gpus_of: Mapping[str, Positive]
    source: Source
