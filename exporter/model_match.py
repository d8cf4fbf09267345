"""What a server calls its model -> the catalog's rows, or the name as it is (pure)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from exporter.engine_apis.state import EngineState
from shared.catalog.catalog import Catalog
from shared.catalog.names import find_model, find_quantization
from shared.catalog.packaging import unpacked
from shared.catalog.rows import Model, Quantization
from shared.engines.engine import SeenCommand
from shared.errors import UserError

_LONGEST_LABEL: Final = 120
_SPLIT: Final = re.compile(r"-\d{5}-of-\d{5}$")
_GGUF_TYPE: Final = re.compile(
    r"[-._:](?:UD-|i1-)?((?:I?Q|TQ)\d[0-9A-Z_]*|BF16|F16|F32|MXFP4(?:_MOE)?)$", re.IGNORECASE
)
_GGUF_ENDING: Final = re.compile(r"[-_.]gguf$", re.IGNORECASE)
_HUB_FOLDER: Final = re.compile(r"models--([^/]+?)--([^/]+)")
_BLOB: Final = re.compile(r"sha256[-:][0-9a-f]{64}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedModel:
    """A loaded model by the catalog's ids where it knows them, else by the server's own words."""

    name: str
    quantization_name: str
    model: Model | None = None
    quantization: Quantization | None = None


def match_model(seen: SeenCommand, state: EngineState | None, catalog: Catalog) -> MatchedModel:
    """The model and quantization of a server. The command line's name comes first: an API may serve an alias."""
    texts = [seen.model or "", *(state.names if state else ())]
    spellings = [_spelling(text) for text in texts if text and not _BLOB.search(text)]
    model = next((row for name, _ in spellings if (row := _model(name, catalog)) is not None), None)
    said = (state.quantization if state else None) or seen.quantization
    in_name = next((quantization for _, quantization in spellings if quantization), None)
    quantization = _quantization(said, catalog) or _quantization(in_name, catalog)
    if quantization is None and model is not None and said is None and in_name is None:
        quantization = _of_repository(model, texts, catalog)
    name = model.id if model else (spellings[0][0] if spellings else "unknown")
    return MatchedModel(
        name=_label(name),
        quantization_name=quantization.id if quantization else _label(said or in_name or ""),
        model=model,
        quantization=quantization,
    )


def same_model(seen: SeenCommand, state: EngineState) -> bool:
    """Whether a server that answered is the one whose command line we read.

    In a container of its own network the port we read may belong to somebody else out here.
    """
    if not state.names:
        return True
    if seen.model is None or _BLOB.search(seen.model):
        return True
    wanted = {_plain(seen.model), _plain(_spelling(seen.model)[0])}
    given = {form for name in state.names for form in (_plain(name), _plain(_spelling(name)[0]))}
    return bool(wanted & given)


def _plain(text: str) -> str:
    return text.rstrip("/").rpartition("/")[2].lower()


@lru_cache(maxsize=1024)  # servers keep their names from one look to the next
def _spelling(text: str) -> tuple[str, str | None]:
    """A path, repository or tag as a name to look up, and what its ending says of the quantization."""
    hub = _HUB_FOLDER.search(text)
    if hub and not text.lower().endswith(".gguf"):
        text = f"{hub[1]}/{hub[2]}"
    if text.lower().endswith(".gguf"):
        text = _SPLIT.sub("", text.rpartition("/")[2][: -len(".gguf")])
    elif text.startswith(("/", ".", "~")):
        text = text.rstrip("/").rpartition("/")[2]
    text = text.removesuffix(":latest")
    kind = _GGUF_TYPE.search(text)
    if kind:
        return text[: kind.start()], kind[1].upper()
    return text, unpacked(text).quantization or None


def _model(name: str, catalog: Catalog) -> Model | None:
    """The row of this name; a name that several rows answer to, or none, is none."""
    bare = _GGUF_ENDING.sub("", name.rpartition("/")[2])
    for text in (name, bare, bare.replace(":", "-")):
        try:
            return find_model(text, catalog)
        except UserError:
            continue
    return None


def _quantization(name: str | None, catalog: Catalog) -> Quantization | None:
    if not name:
        return None
    try:
        return find_quantization(name, catalog)
    except UserError:
        return None


def _of_repository(model: Model, texts: list[str], catalog: Catalog) -> Quantization | None:
    """The quantization a known repository is published in."""
    lower = {text.lower() for text in texts}
    for repo in model.quantized_repos:
        if repo.repo_id.lower() in lower:
            return catalog.quantizations.get(repo.quantization)
    return catalog.quantizations.get(model.native_quantization)


def _label(text: str) -> str:
    """Short and printable enough for a label's value."""
    return "".join(char if char.isprintable() else " " for char in text)[:_LONGEST_LABEL]
