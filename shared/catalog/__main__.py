"""`python -m shared.catalog check [FILE]`: read the shipped facts and a site's own, and say what is wrong."""

import argparse
import sys
from pathlib import Path

from shared.catalog.load import BadFacts, load_catalog


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when the facts can be used, 2 with one line per problem when they cannot."""
    parser = argparse.ArgumentParser(prog="python -m shared.catalog", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check the shipped facts, and FILE on top of them")
    check.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a TOML file of a site's own rows")
    options = parser.parse_args(arguments)
    try:
        catalog = load_catalog(options.file)
    except BadFacts as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 2
    counts = (
        f"{len(catalog.models)} models",
        f"{len(catalog.gpus)} GPUs",
        f"{len(catalog.quantizations)} quantizations",
        f"{len(catalog.engines)} engines",
    )
    sys.stdout.write(f"The catalog is sound: {', '.join(counts)}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
