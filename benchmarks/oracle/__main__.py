"""`make oracle`: builds llama.cpp, asks it what it allocates, records the answers, and fails where ours differ."""

import argparse
import sys
from collections.abc import Iterable, Sequence

from benchmarks.oracle.build import build
from benchmarks.oracle.case import Answer, Case
from benchmarks.oracle.compare import all_pairs, summary
from benchmarks.oracle.measure import Oracle
from benchmarks.oracle.record import RECORD, write
from benchmarks.oracle.source import HOME, OracleError, PinnedEngine, fetch, pinned_engines
from benchmarks.oracle.sweep import cases
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every number agrees, 1 when some do not, 2 when the engine could not be asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", help="only these models; the record stays as it is")
    parser.add_argument("--engine", action="append", help="only these versions; the record stays as it is")
    chosen = parser.parse_args(arguments)
    catalog = load_catalog()
    engines = [one for one in pinned_engines() if chosen.engine is None or one.version in chosen.engine]
    asked = [case for case in cases() if chosen.model is None or case.model in chosen.model]
    if not engines or not asked:
        print("no engine or no case of that name: engines.toml and sweep.toml list them", file=sys.stderr)
        return 2
    try:
        answers = {engine.version: measured(engine, asked, catalog) for engine in engines}
    except OracleError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.model is None and chosen.engine is None:
        write(RECORD, engines, answers)
    found = list(all_pairs(answers, catalog))
    print(*summary(found), sep="\n")
    wrong = [pair for pair in found if not pair.agrees]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


def measured(engine: PinnedEngine, asked: Iterable[Case], catalog: Catalog) -> dict[Case, Answer]:
    """The engine's answers, building it first where need be."""
    fetch(engine)
    programs = build(engine)
    with Oracle(programs, HOME / "files", catalog) as oracle:
        return {case: oracle.ask(case) for case in asked}


if __name__ == "__main__":
    sys.exit(main())
