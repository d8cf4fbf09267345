"""Families as text in either format: the same bytes as prometheus_client's, in a tenth of its time.

The library escapes every label name and value of every sample in each format anew; on a node of 8 GPUs that was nine
tenths of the exporter's CPU. Here a set of labels is spelled once for as long as it is in use, and what fits is
spelled anew only where it has changed. A test holds the result to the library's own.
"""

from collections.abc import Iterable
from functools import lru_cache

from prometheus_client.metrics_core import Metric

from exporter.fit_families import FitFamily
from exporter.sample_lines import escaped, sample_lines


def exposition(families: Iterable[Metric], *, openmetrics: bool) -> str:
    """The families as Prometheus text (0.0.4) or as OpenMetrics (1.0.0, without its end mark)."""
    text: list[str] = []
    for family in families:
        if openmetrics:
            text.append(_openmetrics_head(family.name, family.type, family.documentation, family.unit))
        else:
            text.append(_text_head(family.name, family.type, family.documentation))
        text.append(family.lines if isinstance(family, FitFamily) else sample_lines(family.samples))
    return "".join(text)


@lru_cache(maxsize=1024)
def _text_head(name: str, kind: str, documentation: str) -> str:
    if kind == "counter":
        name += "_total"
    elif kind == "info":
        name, kind = f"{name}_info", "gauge"
    written = documentation.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {written}\n# TYPE {name} {kind}\n"


@lru_cache(maxsize=1024)
def _openmetrics_head(name: str, kind: str, documentation: str, unit: str) -> str:
    head = f"# HELP {name} {escaped(documentation)}\n# TYPE {name} {kind}\n"
    return f"{head}# UNIT {name} {unit}\n" if unit else head
