"""Every link in the documentation leads somewhere: to a file, and to a heading of it; and every page is linked."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.chart import ROOT

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Every committed or new page."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).exists()]


PAGES = pages()


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def links(page: Path) -> Iterator[str]:
    for target in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """The headings' anchors as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(there), target


def test_every_page_of_the_documentation_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        todo += [
            (page.parent / target.partition("#")[0]).resolve()
            for target in links(page)
            if not target.startswith("#")
        ]
    documentation = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}

    assert {str(page.relative_to(ROOT)) for page in documentation - seen} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    """`deploy/compose/compose.yaml` and its like, in text and in commands."""
    named = re.findall(
        r"(?<![\w/.-])((?:deploy|docs|bot|exporter|shared|tests|benchmarks)/[\w./-]+\.(?:py|toml|ya?ml|md|json|txt))\b",
        page.read_text(encoding="utf-8"),
    )

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_picture_is_small_and_shown() -> None:
    """`make pictures` takes them; what is shown nowhere is dead weight."""
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    pictures = list((ROOT / "docs/pictures").iterdir())

    assert pictures
    for picture in pictures:
        assert picture.stat().st_size <= 150_000, picture.name
        assert f"pictures/{picture.name}" in shown, picture.name
