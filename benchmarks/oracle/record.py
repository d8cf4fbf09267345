"""The recorded sweep: one line a case, with llama.cpp's answer, in tests/ground_truth."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from benchmarks.oracle.case import Answer, Case, Held
from benchmarks.oracle.source import PinnedEngine

RECORD: Final = Path(__file__).parents[2] / "tests" / "ground_truth" / "llama_cpp_oracle.csv"
_HEADER: Final = """\
# What llama.cpp itself allocates for models of the catalog, written by `make oracle` (benchmarks/README.md says how).
# Its own llama-fit-params on sparse files of real dimensions, RPC servers in the place of GPUs. Not to be edited.
# answer: weights/cache/compute in bytes for every device, then for the host; or why llama.cpp refuses.
# Engines: {engines}
"""
_FLAGS: Final = {"": None, "yes": True, "no": False}
_CASE_FIELDS: Final = tuple(field.name for field in fields(Case))


def write(path: Path, engines: Iterable[PinnedEngine], answers: Mapping[str, Mapping[Case, Answer]]) -> None:
    """Write the answers of every engine version."""
    said = ", ".join(
        f"{engine.version} ({engine.commit}, {engine.package} {engine.release})" for engine in engines
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_HEADER.format(engines=said))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("engine", *_CASE_FIELDS, "answer"))
        for version, cases in answers.items():
            for case, answer in cases.items():
                writer.writerow((version, *map(_cell, asdict(case).values()), _said(answer)))


def read(path: Path = RECORD) -> dict[str, dict[Case, Answer]]:
    """The recorded answers by engine version."""
    found: dict[str, dict[Case, Answer]] = {}
    for row in _rows(path):
        version, text = row.pop("engine"), row.pop("answer")
        found.setdefault(version, {})[_case(row)] = _answer(text)
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _case(row: Mapping[str, str]) -> Case:
    values: dict[str, Any] = {}
    for field in fields(Case):
        text = row[field.name]
        if text in _FLAGS:
            values[field.name] = _FLAGS[text]
        else:
            values[field.name] = int(text) if text.isdecimal() else text
    return Case(**values)


def _said(answer: Answer) -> str:
    if answer.host is None:
        return f"refused: {answer.refusal}"
    return ";".join(f"{one.weights}/{one.cache}/{one.compute}" for one in (*answer.devices, answer.host))


def _answer(text: str) -> Answer:
    if text.startswith("refused: "):
        return Answer(refusal=text.removeprefix("refused: "))
    *devices, host = (Held(*map(int, part.split("/"))) for part in text.split(";"))
    return Answer(devices=tuple(devices), host=host)
