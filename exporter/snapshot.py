"""The latest look turned into what is served: the node's report, and the facts about the looking itself."""

from dataclasses import dataclass

from exporter.tally import Counts
from shared.node_report import NodeReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What answers: the program, the estimator in it, and the date of the facts."""

    program: str
    estimator: str
    catalog: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Data and health of one look. Data (`report.gpus`) is that of this look or none; it is never an older one's.

    `report.health.last_success_unix` may be older than `report.taken_unix`, which is None when this look failed.
    """

    report: NodeReport
    counts: Counts
    versions: Versions
    pod_resources_up: bool | None = None
    candidates_unsupported: int = 0
    candidates_reload_ok: bool = True
    series_limit: int = 0
