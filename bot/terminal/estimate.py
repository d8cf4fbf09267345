"""`fit estimate`: one estimate from flags, or a line of JSON out per line of JSON in."""

import gc
import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bot.terminal.estimate_json import estimate_json
from bot.terminal.request import FIELDS, EstimateRequest, request_of
from bot.terminal.unlisted import catalog_with
from shared.catalog.catalog import Catalog
from shared.errors import BadValue, UserError
from shared.estimator import Estimate, estimate


def run_estimate(arguments: Namespace, catalog: Catalog) -> int:
    """Answer on stdout; the exit code is 0. Raises UserError for what cannot be answered."""
    if arguments.batch is not None:
        gc.enable()  # a batch may be long
        for line in batch(_lines(arguments.batch), catalog):
            print(line)
        return 0
    asked = {name: getattr(arguments, name) for name in FIELDS if hasattr(arguments, name)}
    if arguments.solve is not None:
        from bot.terminal.solve import run_solve

        return run_solve(asked, arguments.solve, catalog, as_json=arguments.json)
    request, found = estimated(asked, catalog)
    if arguments.json:
        print(json.dumps(estimate_json(request, found), indent=2))
        return 0
    from bot.terminal.render_estimate import show_estimate

    show_estimate(request, found)
    return 0


def estimated(asked: dict[str, Any], catalog: Catalog) -> tuple[EstimateRequest, Estimate]:
    """The request and its estimate. Raises UserError."""
    facts = catalog_with(asked.get("model"), catalog)
    request = request_of(asked, facts)
    return request, estimate(request.workload, request.gpus, facts, free_bytes=request.free_bytes)


def batch(lines: Iterable[str], catalog: Catalog) -> Iterator[str]:
    """One JSON line out per line in, in order; what is wrong with a line stays on its line. Empty lines are skipped."""
    for line in lines:
        if not line.strip():
            continue
        try:
            answer = _answered(_fields(line), catalog)
        except UserError as error:
            answer = {"error": error.sentence}
        yield json.dumps(answer)


def _answered(fields: dict[str, Any], catalog: Catalog) -> dict[str, Any]:
    """An estimate, or where the line says `solve` what is solved for."""
    if "solve" not in fields:
        return estimate_json(*estimated(fields, catalog))
    from bot.terminal.solve import answer_json, solved

    return answer_json(*solved(fields, fields.pop("solve"), catalog))


def _fields(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadValue("line", line, f"it is not JSON ({error})") from None
    if not isinstance(fields, dict):
        raise BadValue("line", line, 'give an object such as {"model": "mixtral-8x7b"}')
    if "batch" in fields:
        fields["batch_size"] = fields.pop("batch")
    return fields


def _lines(name: str) -> Iterator[str]:
    """The lines of a file, or of stdin for "-"."""
    if name == "-":
        yield from sys.stdin
        return
    try:
        with Path(name).open(encoding="utf-8") as file:
            yield from file
    except OSError as error:
        raise BadValue("--batch", name, f"it cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadValue("--batch", name, "it is not UTF-8 text") from None
