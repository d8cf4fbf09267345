"""Writes the table of values into the chart's README: `python -m deploy.values_table` after a change of values.yaml."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

CHART: Final = Path(__file__).parent / "helm/fittingroom"
_BEGIN: Final = "<!-- values: begin -->"
_END: Final = "<!-- values: end -->"


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """Each documented key's dotted path and what its comment says."""
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        content = line.strip()
        if content.startswith("# -- "):
            comment = [content.removeprefix("# -- ")]
        elif content.startswith("#") and comment:
            comment.append(content.lstrip("# "))
        elif found := re.match(r"( *)([A-Za-z]\w*):", line):
            indent, key = len(found.group(1)), found.group(2)
            path = [(depth, name) for depth, name in path if depth < indent] + [(indent, key)]
            if comment:
                yield ".".join(name for _, name in path), " ".join(comment)
            comment = []


def table() -> str:
    """The table: value, default, meaning."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    lines = ["| value | default | meaning |", "| --- | --- | --- |"]
    for path, meaning in _comments(text):
        default: Any = values
        for key in path.split("."):
            default = default[key]
        lines.append(f"| `{path}` | `{json.dumps(default)}` | {meaning} |")
    return "\n".join(lines)


def readme(text: str) -> str:
    """The README with its table made anew."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


def main() -> int:
    """Write it."""
    path = CHART / "README.md"
    path.write_text(readme(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
