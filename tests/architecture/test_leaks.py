"""Nothing committed names a registry's host or a path of the machine it was written on."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOSTS = re.compile(
    r"https?://(pypi\.org/simple|files\.pythonhosted\.org|registry\.npmjs\.org|deb\.debian\.org"
    r"|proxy\.golang\.org|index\.crates\.io)"
)


def test_no_committed_file_names_a_package_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    here = Path(__file__).resolve()
    found = [
        name
        for name in listed.splitlines()
        if (path := (ROOT / name)).is_file()
        and path.resolve() != here
        and HOSTS.search(path.read_text(encoding="utf-8", errors="ignore"))
    ]

    assert found == []
