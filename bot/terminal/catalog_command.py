"""`fit catalog check [FILE]` and `fit catalog add REPO|PATH [--to FILE]`: a site's own facts."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from shared.catalog.load import load_catalog
from shared.catalog.rows import Model
from shared.errors import BadValue, UserError


def run_catalog(arguments: Sequence[str]) -> int:
    """Run one of the verbs. Raises UserError."""
    options = _parser().parse_args(arguments)
    if options.verb == "check":
        from shared.catalog.__main__ import main

        named = [] if options.file is None else [str(options.file)]
        return main(["check", *named]) or _check_sums(options.file)
    row = _row(options.model)
    text = _text(row)
    if options.to is None:
        print(text)
        return 0
    _add(row, text, options.to)
    print(f"{row.name} is in {options.to} as {row.id}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fit catalog", description="A site's own facts.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|add")
    check = verbs.add_parser(
        "check", help="is a file of facts sound: file, table, field, what would be right"
    )
    check.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a site's file; ours alone without")
    add = verbs.add_parser(
        "add", help="make a row of a real config", description="Make a row of a real config."
    )
    add.add_argument("model", metavar="REPO|PATH", help="org/name, its address, a folder or a GGUF file")
    add.add_argument("--to", type=Path, metavar="FILE", help="a site's facts file to add the row to")
    return parser


def _check_sums(site: Path | None) -> int:
    """Hold every parameter count against the sum over its shape; 2 where one differs and does not say why."""
    from shared.memory.parameter_sums import TOLERANCE, parameter_sums

    sums = parameter_sums(load_catalog(site).models.values())
    problems = [one.problem for one in sums if one.problem]
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 2
    agreeing = sum(one.agrees for one in sums)
    print(
        f"Parameters are the sum over the shape within {TOLERANCE:.1%} for {agreeing} models; "
        f"{len(sums) - agreeing} say in parameters_note why theirs are not."
    )
    return 0


def _row(model: str) -> Model:
    from shared.hub.look_up import look_up, look_up_local
    from shared.hub.settings import hub_settings

    path = Path(model)
    if path.exists():
        return look_up_local(path)
    settings = hub_settings(os.environ)
    if settings is None:
        raise UserError(
            "Look-ups are switched off (FITTINGROOM_HUB=off); name a folder or a GGUF file.", field="model"
        )
    return look_up(model, settings)


def _text(row: Model) -> str:
    from shared.hub.row_text import row_text

    return row_text(row)


def _add(row: Model, text: str, file: Path) -> None:
    """Put the row at the end of the file, which stays as it was unless the whole of it can be used."""
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        if f'[models."{row.id}"]' in before or f"[models.{row.id}]" in before:
            raise BadValue("--to", file, f"it has a row {row.id} already; delete that first")
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, suffix=".toml", delete=False, encoding="utf-8"
        ) as partial:
            partial.write(f"{before.rstrip()}\n\n{text}".lstrip())
        made = Path(partial.name)
        try:
            load_catalog(made)
        except UserError:
            made.unlink()
            raise
        made.replace(file)
    except OSError as error:
        raise BadValue("--to", file, f"it cannot be written ({error.strerror})") from None
