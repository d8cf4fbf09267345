"""`make accuracy`: scores the estimator on the recorded evidence, prints it, and writes docs/accuracy.md."""

from pathlib import Path
from typing import Final

from benchmarks.accuracy.page import engines, page
from benchmarks.accuracy.terms import report
from shared.catalog.load import load_catalog

PAGE: Final = Path(__file__).parents[2] / "docs" / "accuracy.md"


def main() -> None:
    """Print the engines' tables and write the page."""
    catalog = load_catalog()
    for name, terms, bars in engines(catalog):
        print(name)
        for line in report(terms, bars):
            print(line)
    PAGE.write_text(page(catalog), encoding="utf-8")
    print(f"written: {PAGE.name}")


if __name__ == "__main__":
    main()
