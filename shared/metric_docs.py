"""`docs/metrics.md`, written from the metrics' contract: `python -m shared.metric_docs > docs/metrics.md`."""

import sys
from collections.abc import Iterator

from shared import metric_names
from shared.metric_names import METRICS, Metric

_INTRODUCTION = """\
# Metrics

Generated from `shared/metric_names.py` by `python -m shared.metric_docs`; a test holds it to what is committed.

Names, labels and units are a promise: we add, we deprecate, we do not rename.

- Sizes are bytes, ratios run from 0 to 1. A value that cannot be read is absent, never 0 and never the last good one.
- The exporter looks at the GPUs on a timer and a scrape shows the last look;
  `fittingroom_exporter_snapshot_age_seconds` says how old it is. When a look fails, the data disappears,
  `fittingroom_gpu_up` turns 0 and the exporter's own metrics stay.
- Series of a device carry its `uuid` alone. Names, the catalog's id, MIG profile and parent come by joining:

      fittingroom_gpu_memory_free_bytes * on (uuid) group_left (name, gpu, index) fittingroom_gpu_info

- A GPU with MIG on has no free and no usable memory of its own: that, and what fits, is said of its instances.
- A device once seen stays in `fittingroom_gpu_up` until the exporter restarts, so that a lost GPU is seen to be lost.

Which GPUs could take Llama 3.1 8B in Q4_K_M with 8k of context now, the roomiest first:

    sort_desc(fittingroom_fit_headroom_bytes{model="llama-3.1-8b", quantization="Q4_K_M", context="8192"}
      * on (uuid) group_left (name, index) fittingroom_gpu_info >= 0)

What is near its limit, for engines that fill the GPU at their start as for those that grow:

    fittingroom_loaded_model_limit_ratio > 0.9
"""


def metrics_page() -> str:
    """The whole page as Markdown."""
    return "\n".join((_INTRODUCTION, *_sections()))


def _sections() -> Iterator[str]:
    for title, stem in (
        ("Devices", "gpu"),
        ("What fits", "fit"),
        ("What fits on several GPUs together", "group"),
        ("Loaded models", "loaded_model"),
        ("The exporter itself", "exporter"),
        ("The bot", "bot"),
        ("Both", "build"),
    ):
        yield f"## {title}\n"
        yield "| metric | kind | labels | meaning |\n| --- | --- | --- | --- |"
        yield from (_row(metric) for metric in METRICS if _stem(metric) == stem)
        yield ""


def _stem(metric: Metric) -> str:
    name = metric.name.removeprefix(metric_names.PREFIX)
    return next(
        stem
        for stem in ("loaded_model", "gpu", "fit", "group", "exporter", "bot", "build")
        if name.startswith(stem)
    )


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |"


if __name__ == "__main__":
    sys.stdout.write(metrics_page())
