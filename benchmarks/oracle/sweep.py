"""The cases of the sweep, from sweep.toml."""

import tomllib
from pathlib import Path
from typing import Final

from benchmarks.oracle.case import Case

SWEEP: Final = Path(__file__).with_name("sweep.toml")


def cases(path: Path = SWEEP) -> tuple[Case, ...]:
    """Every setting of every model but those left out, each case once."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    every, broad, left_out = table["every"], table["every"] | table["broad"], table["left_out"]
    asked = [(model, every) for model in table["models"]["every"]]
    asked += [(model, broad) for model in table["models"]["broad"]]
    found = [
        Case(model=model, **setting)
        for model, settings in asked
        for name, setting in settings.items()
        if name not in left_out.get(model, ())
    ]
    return tuple(dict.fromkeys(found))
