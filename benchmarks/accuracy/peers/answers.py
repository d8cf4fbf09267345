"""What the peers said of the cases, as recorded: the page is written from it without installing them."""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RECORDED: Final = Path(__file__).parents[3] / "tests" / "ground_truth" / "peer_answers.csv"
FACTS: Final = Path(__file__).with_name("peers.toml")
REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")
ADAPTERS: Final = Path(__file__).with_name("adapters")
GO_SUMS: Final = tuple(sorted(ADAPTERS.glob("*/go.sum")))  # of the peers that are Go modules
COLUMNS: Final = ("peer", "version", "date", "case", "weights_gib", "kv_gib", "rest_gib", "no_answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """GiB per GPU as a peer reckons them; None where it does not, all None where it has no answer.

    `kv_gib` is one sequence of the asked context, `rest_gib` all that is neither weights nor cache.
    """

    peer: str
    version: str
    date: str
    case: str
    weights_gib: float | None
    kv_gib: float | None
    rest_gib: float | None
    no_answer: str

    @property
    def without_cache_gib(self) -> float | None:
        """All but the KV cache, where the peer counts more than the weights."""
        if self.weights_gib is None or self.rest_gib is None:
            return None
        return self.weights_gib + self.rest_gib

    @property
    def total_gib(self) -> float | None:
        """Everything, where the peer counts everything."""
        if self.without_cache_gib is None or self.kv_gib is None:
            return None
        return self.without_cache_gib + self.kv_gib


def facts() -> dict[str, Any]:
    """Which peers there are, how each is asked, and which were left out and why."""
    return tomllib.loads(FACTS.read_text(encoding="utf-8"))


def versions() -> dict[str, str]:
    """The pinned version of each peer."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    for sums in GO_SUMS:
        line = sums.with_name("go.mod").read_text(encoding="utf-8").partition("require ")[2].lstrip("( \t\n")
        module, version = line.split()[:2]
        pins[module.rpartition("/")[2]] = version.removeprefix("v")
    return {name: pins[name] for name in facts()["peers"]}


def recorded() -> Iterator[Answer]:
    """Every recorded answer, by peer in the order of the facts."""
    with RECORDED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sizes = {name: float(row[name]) if row[name] else None for name in COLUMNS[4:7]}
            texts = {name: row[name] for name in ("peer", "version", "date", "case", "no_answer")}
            yield Answer(**texts, **sizes)


def record(answers: Mapping[str, Mapping[str, Any]], versions: Mapping[str, str], date: str) -> None:
    """Write what each peer said, to a KiB."""
    with RECORDED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for peer, said in answers.items():
            for case, answer in said.items():
                sizes = [answer.get(name) for name in ("weights", "kv", "rest")]
                rounded = ["" if size is None else f"{size:.6f}" for size in sizes]
                writer.writerow([peer, versions[peer], date, case, *rounded, answer.get("none", "")])
