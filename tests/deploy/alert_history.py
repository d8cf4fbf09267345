"""The alerts' own cases as the past of a real Prometheus: promtool's series notation, written into its storage."""

import itertools
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.live import prometheus
from tests.real_parts import program

STEP_SECONDS: Final = 60
_TERM = re.compile(r"(?P<start>-?[\d.]+|_)(?:(?P<step>[+-][\d.]+))?(?:x(?P<times>\d+))?")
# Recorded series that alerts look back on, in the order in which they are made of each other.
RECORDED_FIRST: Final = (
    {"fittingroom:gpu_info:node"},
    {"fittingroom:node_gpus:count", "fittingroom:loaded_model_limit_ratio:avg5m"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One alert in trouble, in a cluster and at an address of its own so that no two cases meet."""

    alert: str
    number: int
    document: dict[str, Any]

    @property
    def cluster(self) -> str:
        """Named for the alert, so that a failure says whose it is."""
        return f"of-{self.alert}"

    def labels(self) -> dict[str, str]:
        """What the alert must carry."""
        (check,) = self.document["alert_rule_test"]
        (expected,) = check["exp_alerts"]
        moved = {name: self.moved(str(value)) for name, value in expected["exp_labels"].items()}
        return {"alertname": self.alert, **moved}

    def moved(self, text: str) -> str:
        """The text with this case's own addresses."""
        return text.replace("10.0.0.", f"10.0.{self.number}.")

    def samples(self, now: int) -> Iterator[str]:
        """Its series as lines of OpenMetrics that end at the moment at which the case says that it fires."""
        (check,) = self.document["alert_rule_test"]
        length = int(check["eval_time"].removesuffix("m"))
        for one in self.document["input_series"]:
            name, _, labels = self.moved(one["series"]).partition("{")
            pairs = ",".join(re.findall(r'\w+="[^"]*"', labels))  # OpenMetrics takes no space between them
            series = f'{name}{{cluster="{self.cluster}",{pairs}}}'
            for minute, value in enumerate(itertools.islice(expanded(str(one["values"])), length + 1)):
                if value is not None:
                    yield f"{series} {value:g} {now - (length - minute) * STEP_SECONDS}"


def expanded(notation: str) -> Iterator[float | None]:
    """promtool's "1x3 0+2x5 _": one value a step, None where there is none. Raises ValueError for other words."""
    for word in notation.split():
        if word == "stale":
            yield None
            continue
        term = _TERM.fullmatch(word)
        if term is None:
            raise ValueError(f"{word!r} is not in promtool's notation as it is read here")
        for count in range(int(term["times"] or 0) + (term["start"] != "_" or not term["times"])):
            yield None if term["start"] == "_" else float(term["start"]) + count * float(term["step"] or 0)


def write_history(data: Path, cases: list[Case], rule_files: list[Path]) -> None:
    """A storage folder with the past of every case, recorded series included."""
    now = int(time.time())
    lines = [line for case in cases for line in case.samples(now)]
    data.mkdir(parents=True)
    text = data.parent / "history.om"
    text.write_text("\n".join([*sorted(lines, key=_family), "# EOF", ""]), encoding="utf-8")
    _promtool("create-blocks-from", "openmetrics", str(text), str(data))
    rules = [
        rule
        for path in rule_files
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "record" in rule
    ]
    for names in RECORDED_FIRST:
        _record(data, [rule for rule in rules if rule["record"] in names], now)


def _family(line: str) -> str:
    return line.partition("{")[0]


def _record(data: Path, rules: list[dict[str, Any]], now: int) -> None:
    """What these rules would have recorded in the last hours, computed by Prometheus itself."""
    path = data.parent / "record.yaml"
    group = {"name": "past", "interval": f"{STEP_SECONDS}s", "rules": rules}
    path.write_text(yaml.safe_dump({"groups": [group]}), encoding="utf-8")
    made = data.parent / "recorded"
    with prometheus(data.parent, {}, []) as running:
        _promtool(
            "create-blocks-from", "rules", f"--url={running.url}", f"--start={now - 7200}", f"--end={now}",
            f"--eval-interval={STEP_SECONDS}s", f"--output-dir={made}", str(path),
        )  # fmt: skip
    for block in made.iterdir():
        shutil.move(block, data / block.name)


def _promtool(*arguments: str) -> None:
    command = [program("promtool"), "tsdb", *arguments]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
