"""Constants that changed by version: `name@0.17` in an engine's facts holds from 0.17 on."""

import re
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Constant, Engine
from shared.errors import BadValue

_VERSION: Final = re.compile(r"v?(\d+(?:\.\d+)*)")
_LONGEST: Final = 60


def version_key(version: str) -> tuple[int, ...]:
    """A version as numbers that compare: "v0.19.0rc1" is (0, 19, 0).

    Raises:
        BadValue: It does not begin with a number.
    """
    match = _VERSION.match(version.strip()) if len(version) <= _LONGEST else None
    if match is None:
        raise BadValue("engine_version", version, "give a version such as 0.19.0")
    return tuple(int(part) for part in match[1].split(".")[:4])


@lru_cache(maxsize=4096)
def at_version(facts: Engine, name: str, version: str) -> Constant:
    """The constant `name` as it was in `version`; versions before its first row get the first row.

    Raises:
        KeyError: The facts have no such constant.
        BadValue: The version is not one we can read.
    """
    asked = version_key(version)
    named = [key for key in facts.constants if key.rpartition("@")[0] == name]
    if not named:
        raise KeyError(name)
    by_age = sorted(named, key=lambda key: version_key(key.rpartition("@")[2]))
    held = [key for key in by_age if version_key(key.rpartition("@")[2]) <= asked]
    return facts.constants[held[-1] if held else by_age[0]]
