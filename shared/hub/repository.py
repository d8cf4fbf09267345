"""A repository on a hub -> what it says of its model."""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shared.errors import Unsupported, shown
from shared.hub.client import HubClient
from shared.hub.documents import Documents
from shared.hub.fields import Fields, read_json
from shared.hub.gguf.config import config_of_header, file_type_of
from shared.hub.gguf.header import read_header
from shared.hub.reference import Reference
from shared.hub.safetensors import LENGTH_BYTES, header_bytes, parameters_by_type, plain_total
from shared.hub.settings import HubSettings

Progress = Callable[[str], None]

_MOST_ABOUT_BYTES: Final = 4 * 1024 * 1024
_MOST_CONFIG_BYTES: Final = 1024 * 1024
_MOST_FILES: Final = 20_000
_MOST_PARAMETERS: Final = 2**45
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_GGUF_PREFERRED: Final = "q4_k_m"


def read_repository(
    reference: Reference, settings: HubSettings, today: datetime.date, progress: Progress
) -> Documents:
    """Everything a repository says of its model, in a few small requests; weights are never downloaded.

    Raises:
        UserError: It is not there, not ours to read, not a model we can read, or the hub is away.
    """
    with HubClient(settings, reference.repo_id) as client:
        progress(f"asking {client.place} about {reference.repo_id}")
        about = read_json(client.about(_MOST_ABOUT_BYTES), f"The answer of {client.place}")
        files = _file_names(about)
        revision = _revision(about)
        page = f"{settings.endpoint}/{reference.repo_id}/blob/{revision}"
        if reference.file is None and reference.quantization is None and "config.json" in files:
            progress("reading config.json")
            config = _config(client, revision, files)
            parameters, dtype = _stored(about, client, revision, files)
            return _documents(
                reference, about, today, f"{page}/config.json", config, parameters=parameters, dtype=dtype
            )
        file = _gguf_file(reference, files)
        progress(f"reading the header of {file}")
        header = read_header(lambda offset, count: client.part(file, revision, offset, count))
        return _documents(
            reference,
            about,
            today,
            f"{page}/{file}",
            config_of_header(header),
            parameters=0 if _is_split(file) else header.parameters,
            quantization=file_type_of(header),
        )


def _documents(
    reference: Reference,
    about: Mapping[str, Any],
    today: datetime.date,
    place: str,
    config: Mapping[str, Any],
    *,
    parameters: int,
    dtype: str | None = None,
    quantization: str | None = None,
) -> Documents:
    """What was read, with what the API says of licence and age."""
    return Documents(
        name=reference.repo_id,
        place=place,
        config=config,
        read_on=today,
        parameters=parameters,
        dtype=dtype,
        quantization=quantization,
        license=_license(about),
        gated=about.get("gated") not in (False, None),
        released=_created(about),
    )


def _file_names(about: Mapping[str, Any]) -> frozenset[str]:
    entries = Fields(about).sequence("siblings", most=_MOST_FILES)
    names = (entry.get("rfilename") for entry in entries if isinstance(entry, dict))
    return frozenset(name for name in names if isinstance(name, str) and ".." not in name and len(name) < 500)


def _revision(about: Mapping[str, Any]) -> str:
    commit = about.get("sha")
    return commit if isinstance(commit, str) and _COMMIT.fullmatch(commit) else "main"


def _license(about: Mapping[str, Any]) -> str:
    tags = about.get("tags")
    for tag in tags[:1000] if isinstance(tags, list) else ():
        if isinstance(tag, str) and tag.startswith("license:"):
            return tag.removeprefix("license:")[:60] or "unknown"
    return "unknown"


def _created(about: Mapping[str, Any]) -> datetime.date | None:
    said = about.get("createdAt")
    try:
        return datetime.date.fromisoformat(said[:10]) if isinstance(said, str) else None
    except ValueError:
        return None


def _config(client: HubClient, revision: str, files: frozenset[str]) -> Mapping[str, Any]:
    """config.json; what modelopt writes beside it about its quantization is put where others have it."""
    config = dict(read_json(client.file("config.json", revision, _MOST_CONFIG_BYTES), "config.json"))
    if "hf_quant_config.json" in files and "quantization_config" not in config:
        beside = read_json(
            client.file("hf_quant_config.json", revision, _MOST_CONFIG_BYTES), "hf_quant_config.json"
        )
        said = beside.get("quantization")
        if isinstance(said, dict):
            config["quantization_config"] = {"quant_method": "modelopt", **said}
    return config


def _stored(
    about: Mapping[str, Any], client: HubClient, revision: str, files: frozenset[str]
) -> tuple[int, str | None]:
    """Parameters the files hold and their type: as the API counts them, else from the one file's own header."""
    counted = about.get("safetensors")
    counts = counted.get("parameters") if isinstance(counted, dict) else None
    if isinstance(counts, dict) and counts:
        return plain_total({str(kind)[:16]: _count(count) for kind, count in counts.items()})
    if "model.safetensors" not in files:
        return 0, None
    start = client.part("model.safetensors", revision, 0, LENGTH_BYTES)
    header = client.part("model.safetensors", revision, LENGTH_BYTES, header_bytes(start))
    return plain_total(parameters_by_type(header))


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_PARAMETERS:
        raise Unsupported("The hub counts an impossible number of parameters.")
    return value


def _gguf_file(reference: Reference, files: frozenset[str]) -> str:
    """The GGUF file meant: the one named, the one of the quantization named, the medium 4-bit one, or the first."""
    held = sorted(name for name in files if name.lower().endswith(".gguf") and "mmproj" not in name.lower())
    if reference.file is not None:
        if reference.file in held:
            return reference.file
        raise Unsupported(f"{shown(reference.repo_id)} has no file {shown(reference.file)}.")
    if not held:
        raise Unsupported(f"{shown(reference.repo_id)} holds neither a config.json nor a GGUF file.")
    if reference.quantization is not None:
        wanted = _of_type(held, reference.quantization)
        if not wanted:
            raise Unsupported(
                f"{shown(reference.repo_id)} has no GGUF file of {shown(reference.quantization)}."
            )
        return wanted[0]
    return (_of_type(held, _GGUF_PREFERRED) or held)[0]


def _of_type(files: Sequence[str], kind: str) -> list[str]:
    return [name for name in files if re.search(rf"(?i)(?<![a-z0-9]){re.escape(kind)}(?![a-z0-9_])", name)]


def _is_split(file: str) -> bool:
    """One part of several holds only some of the tensors."""
    return re.search(r"-\d{5}-of-\d{5}\.gguf$", file) is not None
