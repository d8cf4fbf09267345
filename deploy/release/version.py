"""The version is in pyproject.toml; `python -m deploy.release.version` writes it where files must repeat it."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
# Each file that cannot read pyproject.toml itself, and what stands before the version there.
REPEATED: Final = {
    "deploy/helm/fittingroom/Chart.yaml": r"^(?:version|appVersion): ",
    "deploy/images/Containerfile": r"^ARG VERSION=|fittingroom-(?:exporter|bot):",
    "deploy/compose/compose.yaml": r"image: fittingroom-(?:exporter|bot):",
}
_VERSION: Final = r"\d+\.\d+\.\d+(?:[-.]?(?:a|b|rc|alpha|beta|dev)[.\d]*)?"


def version() -> str:
    """The version of this checkout."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def repeated(path: str) -> str:
    """The file as it should be."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.sub(f"({REPEATED[path]}){_VERSION}", rf"\g<1>{version()}", text, flags=re.MULTILINE)


def main() -> int:
    """Write the version into every file that repeats it."""
    for path in REPEATED:
        (ROOT / path).write_text(repeated(path), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
