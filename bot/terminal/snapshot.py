"""The catalog and its names as this user's last run left them: reading them again is most of a short run's time.

The snapshot is only a copy: it begins with every facts file's size and time, our code's and Python's version, and is
not used when any differs; it is only read when nobody but this user could have written it, and whatever is wrong with
it means reading the facts.
"""

import io
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from shared.catalog.catalog import Catalog
from shared.question.names import QuestionNames, hold_names, names_of

OFF: Final = "FITTINGROOM_NO_SNAPSHOT"
_SHARED: Final = Path(__file__).parents[2] / "shared"
_PARTS: Final = ("catalog", "question")
_OTHERS_MAY: Final = 0o077
_END_OF_STATE: Final = b"\0\n"


def kept_catalog(environment: Mapping[str, str], site: Path | None) -> Catalog | None:
    """The catalog as kept, with its names ready; None when there is no snapshot of exactly these facts."""
    file = _file(environment)
    if file is None:
        return None
    try:
        if not _is_ours_alone(file.parent) or not _is_ours_alone(file):
            return None
        state, content = file.read_bytes().split(_END_OF_STATE, 1)
        if state.decode() != _state(site):
            return None
        catalog, names = pickle.loads(content)  # noqa: S301 - written by us, writable by us alone
    except (
        OSError,
        pickle.UnpicklingError,
        AttributeError,
        EOFError,
        ImportError,
        IndexError,
        TypeError,
        ValueError,
    ):
        return None
    if not isinstance(catalog, Catalog) or not isinstance(names, QuestionNames):
        return None
    hold_names(catalog, names)
    return catalog


def keep_catalog(catalog: Catalog, environment: Mapping[str, str], site: Path | None) -> None:
    """Leave a snapshot for the next run, where that is possible; it never matters when it is not."""
    file = _file(environment)
    if file is None:
        return
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours_alone(file.parent):
            return
        import tempfile

        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as partial:
            partial.write(_state(site).encode() + _END_OF_STATE + _pickled((catalog, names_of(catalog))))
        Path(partial.name).replace(file)  # whole or not at all, whoever else is writing
    except OSError:
        return


def mapping(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """A read-only mapping, by a name that a pickle can hold."""
    return MappingProxyType(content)


class _Pickler(pickle.Pickler):
    """Read-only mappings are kept as what they are made from."""

    def reducer_override(self, value: object) -> Any:
        if type(value) is MappingProxyType:
            return mapping, (dict(value),)
        return NotImplemented


def _pickled(value: object) -> bytes:
    out = io.BytesIO()
    _Pickler(out, pickle.HIGHEST_PROTOCOL).dump(value)
    return out.getvalue()


def _file(environment: Mapping[str, str]) -> Path | None:
    """Where the snapshot is kept; None when there is no home, or nobody wants one."""
    home = environment.get("XDG_CACHE_HOME") or (
        f"{environment['HOME']}/.cache" if environment.get("HOME") else ""
    )
    return Path(home) / "fittingroom" / "catalog.pickle" if home and not environment.get(OFF) else None


def _state(site: Path | None) -> str:
    """All that a snapshot depends on: Python, and size and time of every file of facts and of our code."""
    files = [
        os.path.join(folder, name)  # noqa: PTH118 - a hundred paths, on the way of every run
        for part in _PARTS
        for folder, _, names in os.walk(_SHARED / part)
        for name in names
        if name.endswith((".py", ".toml"))
    ]
    return "\n".join(
        (sys.version, *(_stamp(file) for file in sorted(files)), _stamp(str(site)) if site else "")
    )


def _stamp(file: str) -> str:
    try:
        state = os.stat(file)  # noqa: PTH116 - as above
    except OSError:
        return f"{file} is not there"
    return f"{file} {state.st_size} {state.st_mtime_ns}"


def _is_ours_alone(path: Path) -> bool:
    """Whether nobody else could have written it: a pickle runs what it holds."""
    state = path.stat()
    return state.st_uid == os.getuid() and not state.st_mode & _OTHERS_MAY
