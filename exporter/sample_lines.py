"""Samples as lines of text, the same in both formats; a set of labels is spelled once for as long as it is in use."""

from collections.abc import Iterable
from functools import lru_cache

from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

_SPELLED = 20_000  # label sets remembered; at the default series limit about 2,500 are in use


def sample_lines(samples: Iterable[Sample]) -> str:
    """`name{a="1"} 2`, a line each."""
    return "".join(
        [
            f"{sample.name}{_spelled(tuple(sample.labels.items()))} {_number(sample.value)}\n"
            for sample in samples
        ]
    )


def escaped(value: str) -> str:
    """A label's value, or help of OpenMetrics, as it is written between quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    written: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return written


@lru_cache(maxsize=_SPELLED)
def _spelled(labels: tuple[tuple[str, str], ...]) -> str:
    """`{a="1",b="2"}`, names in order; nothing for no labels."""
    if not labels:
        return ""
    return "{" + ",".join([f'{name}="{escaped(value)}"' for name, value in sorted(labels)]) + "}"
