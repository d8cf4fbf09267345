"""llama.cpp's sources: fetched by pip as part of a pinned source distribution, with the edits measuring needs."""

import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENGINES_FILE: Final = Path(__file__).with_name("engines.toml")
HOME: Final = Path(__file__).parents[2] / ".oracle"


class OracleError(Exception):
    """The oracle could not be built or asked; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedEngine:
    """One build of llama.cpp and the source distribution that carries it."""

    version: str
    commit: str
    package: str
    release: str
    folder: str

    @property
    def home(self) -> Path:
        """Where its sources and its build lie."""
        return HOME / self.version

    @property
    def sources(self) -> Path:
        """The root of llama.cpp's own tree."""
        return self.home / f"{self.package.replace('-', '_')}-{self.release}" / self.folder


@dataclass(frozen=True, slots=True)
class Edit:
    """Text that is replaced in a file of llama.cpp, as often as it must occur there."""

    file: str
    old: str
    new: str
    count: int


NOT_LOADED: Final = "failed to load model"
REFUSED: Final = "failed to create llama_context from model"
_FLUSH: Final = "common_log_flush(common_log_main());"
# llama-fit-params prints whole MiB, ends before its log has said why it refuses, and has no options for two settings
# that llama-server has. None of this changes what is allocated.
EDITS: Final = (
    Edit("common/fit.cpp", "/1024/1024);", ");", 6),
    *(
        Edit(
            "common/fit.cpp",
            f'throw std::runtime_error("{said}");',
            f'{_FLUSH} throw std::runtime_error("{said}");',
            1,
        )
        for said in (NOT_LOADED, REFUSED)
    ),
    Edit(
        "tools/fit-params/fit-params.cpp",
        "    auto cparams = common_context_params_to_llama(params);\n",
        "    auto cparams = common_context_params_to_llama(params);\n"
        '    if (getenv("ORACLE_KV_UNIFIED")) { cparams.kv_unified = atoi(getenv("ORACLE_KV_UNIFIED")); }\n'
        '    if (getenv("ORACLE_OUTPUTS")) { cparams.n_outputs_max = atoi(getenv("ORACLE_OUTPUTS")); }\n',
        1,
    ),
)


def pinned_engines() -> tuple[PinnedEngine, ...]:
    """The builds named in engines.toml."""
    table = tomllib.loads(ENGINES_FILE.read_text(encoding="utf-8"))
    return tuple(PinnedEngine(**row) for row in table["engines"])


def fetch(engine: PinnedEngine) -> None:
    """Bring the sources of this build, edited, unless they are here.

    Raises:
        OracleError: pip could not bring them, or they are not as expected.
    """
    done = engine.home / "edited"
    if done.exists():
        return
    downloads = HOME / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    archive = downloads / f"{engine.package.replace('-', '_')}-{engine.release}.tar.gz"
    if not archive.exists():
        _download(engine, downloads)
    engine.home.mkdir(exist_ok=True)
    with tarfile.open(archive) as packed:
        packed.extractall(engine.home, filter="data")
    for edit in EDITS:
        apply(edit, engine.sources)
    done.touch()


def _download(engine: PinnedEngine, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    pinned = f"{engine.package}=={engine.release}"
    done = subprocess.run(
        [*command, "--dest", str(folder), pinned], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OracleError(f"pip could not download {pinned}: {done.stderr.strip().splitlines()[-1:]}")


def apply(edit: Edit, sources: Path) -> None:
    """Make one edit.

    Raises:
        OracleError: The text is not there as often as it must be.
    """
    path = sources / edit.file
    text = path.read_text(encoding="utf-8")
    if text.count(edit.old) != edit.count:
        raise OracleError(
            f"{edit.file} holds {edit.old.strip()!r} {text.count(edit.old)} times, not {edit.count}: "
            "this llama.cpp needs other edits"
        )
    path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
