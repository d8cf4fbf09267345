"""The list of models to hold against every GPU: a TOML file, read anew when it changes."""

import logging
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model, Quantization

log: Final = logging.getLogger("fittingroom.exporter.candidates")

_MOST_BYTES: Final = 1024**2


class CandidateRow(BaseModel):
    """One line of the file; the lists multiply: two quantizations and two contexts are four candidates."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    model: str
    quantizations: Annotated[list[str], Field(min_length=1, max_length=64)]
    engine: str
    contexts: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1, max_length=64)]
    sequences: Annotated[int, Field(gt=0)] = 1


class CandidateFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    candidates: list[CandidateRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way of running one model, with the catalog's rows in place of names."""

    model: Model
    quantization: Quantization
    engine: str
    context_tokens: int
    sequences: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateList:
    """The candidates in the file's order.

    `problems` are rows left out, each as a sentence; `reload_ok` is false while the file on disk cannot be used and
    an earlier reading of it stands in.
    """

    candidates: tuple[Candidate, ...]
    problems: tuple[str, ...] = ()
    reload_ok: bool = True


class BadCandidates(Exception):
    """A candidate file that cannot be used at all; the message says where and why."""


def parse_candidates(text: str, catalog: Catalog) -> CandidateList:
    """The candidates of a file's text; rows that name what the catalog lacks are left out and told.

    Raises:
        BadCandidates: The text is not a candidate file.
    """
    try:
        rows = CandidateFile.model_validate(tomllib.loads(text)).candidates
    except tomllib.TOMLDecodeError as error:
        raise BadCandidates(f"it is not TOML: {error}") from error
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in detail["loc"])
        raise BadCandidates(f"{place}: {detail['msg']}") from error
    found: dict[Candidate, None] = {}  # a dict keeps the order and drops repetitions
    problems: list[str] = []
    for row in rows:
        model = catalog.models.get(row.model)
        quantizations, missing = _rows_of(row, catalog)
        problems += [f"{row.model}: {what}" for what in missing]
        if model is None:
            continue
        for quantization in quantizations:
            for context in row.contexts:
                found[
                    Candidate(
                        model=model,
                        quantization=quantization,
                        engine=row.engine,
                        context_tokens=context,
                        sequences=row.sequences,
                    )
                ] = None
    return CandidateList(candidates=tuple(found), problems=tuple(problems))


def _rows_of(row: CandidateRow, catalog: Catalog) -> tuple[list[Quantization], list[str]]:
    """The quantizations a line names, and everything it names in vain."""
    missing = [] if row.model in catalog.models else ["there is no such model in the catalog"]
    if row.engine not in catalog.engines:
        return [], [*missing, f"there is no engine '{row.engine}'"]
    by_name = {one.id.casefold(): one for one in catalog.quantizations.values()}
    quantizations = [by_name[name.casefold()] for name in row.quantizations if name.casefold() in by_name]
    missing += [
        f"there is no quantization '{name}'" for name in row.quantizations if name.casefold() not in by_name
    ]
    return quantizations, missing


class CandidateSource:
    """The list in force. A changed file is taken up at the next look; a broken one leaves the last good list.

    Args:
        path: The file; None is the list we ship.
        catalog: What the names refer to.
    """

    def __init__(self, path: Path | None, catalog: Catalog) -> None:
        self._path = path
        self._catalog = catalog
        self._stamp: tuple[int, int, int] | None = None
        self._list = CandidateList(candidates=())

    def load(self) -> CandidateList:
        """The first reading.

        Raises:
            BadCandidates: The file cannot be used; at the start that is a mistake to tell, not to live with.
        """
        if self._path is None:
            text = resources.files("exporter").joinpath("candidates.toml").read_text(encoding="utf-8")
        else:
            self._stamp = _stamp(self._path)
            text = _read(self._path)
        self._list = parse_candidates(text, self._catalog)
        for problem in self._list.problems:
            log.warning("candidate left out: %s", problem)
        return self._list

    def current(self) -> CandidateList:
        """The list in force, after a look whether the file has changed."""
        if self._path is None:
            return self._list
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            before = self._list
            try:
                self.load()
            except BadCandidates as error:
                self._stamp = stamp
                log.error("the candidate file cannot be used, the last good list stays: %s", error)  # noqa: TRY400
                self._list = CandidateList(
                    candidates=before.candidates, problems=before.problems, reload_ok=False
                )
            else:
                log.info("candidate file read: %d candidates", len(self._list.candidates))
        return self._list


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file does; a Kubernetes ConfigMap swaps a link, which changes the inode."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        text = data.decode()
    except OSError as error:
        raise BadCandidates(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadCandidates(f"{path} is not UTF-8 text") from error
    if len(data) > _MOST_BYTES:
        raise BadCandidates(f"{path} is larger than 1 MiB")
    return text
