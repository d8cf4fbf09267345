"""The cases of the sweep, from sweep.toml."""

import tomllib
from pathlib import Path
from typing import Final

from benchmarks.oracle.case import Case

SWEEP: Final = Path(__file__).with_name("sweep.toml")


def cases(path: Path = SWEEP) -> tuple[Case, ...]:
    """Every setting of every model, each case once."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    every, broad = table["every"].values(), table["broad"].values()
    found = [Case(model=model, **setting) for model in table["models"]["every"] for setting in every]
    found += [
        Case(model=model, **setting) for model in table["models"]["broad"] for setting in (*every, *broad)
    ]
    return tuple(dict.fromkeys(found))
