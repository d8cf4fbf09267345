"""Builds everything of a release into dist/, and tries it before it says so."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from deploy.release.trial import TRIALS, Environment
from deploy.release.version import REPEATED, ROOT, repeated, version

DIST: Final = ROOT / "dist"
CHART: Final = ROOT / "deploy/helm/fittingroom"


class CannotRelease(Exception):
    """Why there is no release, in one sentence."""


def build_python(folder: Path) -> tuple[Path, Path]:
    """The wheel and the source distribution; the same bytes from the same files."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source


def build_chart(folder: Path) -> Path:
    """The chart as Helm packages it. Raises CannotRelease without a Helm."""
    if helm := shutil.which("helm"):
        command = [helm, "package", str(CHART), "--destination", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        return folder / f"fittingroom-{version()}.tgz"
    try:
        from helm_python.chart import package  # noqa: PLC0415  244 MB that only a release needs
    except ModuleNotFoundError:
        raise CannotRelease("packaging the chart takes helm, or the dependency group 'deploy'") from None
    return Path(package(CHART, destination=folder))


def write_bills(environment: Environment, extra: str, folder: Path) -> Path:
    """The bill of materials (CycloneDX) of what one image holds."""
    said = environment.run("python", str(ROOT / "deploy/images/sbom.py"), f"fittingroom-{extra}")
    path = folder / f"fittingroom-{extra}-{version()}.cdx.json"
    path.write_text(said, encoding="utf-8")
    return path


def notes() -> str:
    """What users can do now: this version's part of the changelog, or what is not released yet."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    parts = {part.split("\n", 1)[0].split(" ")[0]: part for part in text.split("\n## ")[1:]}
    for title in (version(), "Unreleased"):
        if title in parts:
            return parts[title].split("\n", 1)[1].strip() + "\n"
    raise CannotRelease(f"CHANGELOG.md has neither a part {version()} nor one Unreleased")


def write_checksums(folder: Path) -> Path:
    """SHA256SUMS in the form that `sha256sum --check` reads."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.iterdir())
    ]
    path = folder / "SHA256SUMS"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def release(folder: Path) -> None:
    """Everything, into an empty folder. Raises CannotRelease, or RuntimeError when what was built does not work."""
    stale = [path for path in REPEATED if repeated(path) != (ROOT / path).read_text(encoding="utf-8")]
    if stale:
        raise CannotRelease(
            f"{' and '.join(stale)} have another version; run python -m deploy.release.version"
        )
    wheel, source = build_python(folder)
    build_chart(folder)
    (folder / "NOTES.md").write_text(notes(), encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="fittingroom-release-") as made:
        for extra, distribution in zip(TRIALS, (wheel, source), strict=True):
            environment = Environment.made(Path(made) / extra, distribution, [extra])
            environment.try_out(extra)
            write_bills(environment, extra, folder)
    write_checksums(folder)


def main() -> int:
    """Build into dist/; the exit code is 1 with one sentence when it cannot be."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    try:
        release(DIST)
    except (CannotRelease, RuntimeError) as error:
        sys.stderr.write(f"No release: {error}\n")
        return 1
    for path in sorted(DIST.iterdir()):
        sys.stdout.write(f"{path.stat().st_size:>10,}  dist/{path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
