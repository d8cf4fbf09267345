"""`make accuracy`: scores the estimator on the recorded evidence, prints it, and writes docs/accuracy.md."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.accuracy import llama_cpp, vllm
from benchmarks.accuracy.terms import Bar, Term, report, scores
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
_INTRODUCTION = """\
# How right the estimates are

Written by `make accuracy`; do not edit. A test compares this page with what the command writes.

Each row holds the estimate against numbers that engines themselves printed or allocated: for llama.cpp its
own fit tool's allocations for real
model shapes (versions 0.5.0-dev and 0.7.0), its quantizer's file sizes, and public logs; for vLLM a public
study of 0.19 on H100 and public logs.
The evidence lies in `tests/ground_truth`, each record with its source. Errors are absolute, as shares of what
was measured or in GiB.
"""
_LIMITS = """\
## What this does not show

- The tables are of the evidence the rules were written beside. Cases from elsewhere are the real test.
- llama.cpp's recorded devices stand in for CUDA ones: its context and pools are not in them, and
  half-offloaded models copy weights for large batches on CUDA only, so those compute buffers are not scored.
- Log records scored are whole offloads of the named recipe; one printed file used a recipe of its own
  packager (the worst row of "weights, logs").
- Of SGLang only the pool of two public logs has been compared, of text-generation-inference and transformers
  nothing: their estimates say "derived" or "none" and carry wider intervals.
- No other estimator was run beside ours here; the rule of thumb stands in the vLLM table.
"""


def page(catalog: Catalog) -> str:
    """The page as Markdown."""
    return "\n".join(_lines(catalog)) + "\n"


def _lines(catalog: Catalog) -> Iterator[str]:
    yield _INTRODUCTION
    yield "## llama.cpp\n"
    yield from _table(tuple(llama_cpp.terms(catalog)), llama_cpp.BARS)
    refused, of = llama_cpp.refusals(catalog)
    yield f"\nOf {of} combinations that llama.cpp refuses, {refused} are refused with the reason.\n"
    yield "## vLLM\n"
    yield from _table(tuple(vllm.terms(catalog)), vllm.BARS)
    inside, count = vllm.coverage(catalog)
    said = ", ".join(f"{verdict} {number}" for verdict, number in sorted(vllm.verdicts(catalog).items()))
    yield f"\nMeasured totals inside our 95 % interval: {inside} of {count}. Verdicts on runs that started: {said}.\n"
    yield _LIMITS.rstrip()


def _table(found: tuple[Term, ...], bars: Mapping[str, Bar]) -> Iterator[str]:
    yield "| component | n | median | p95 | asked (median / p95) | met | worst |"
    yield "|---|---:|---:|---:|---|---|---|"
    for row in scores(found, bars):
        asked = f"{row.bar.said(row.bar.median)} / {row.bar.said(row.bar.p95)}"
        errors = f"{row.bar.said(row.median)} | {row.bar.said(row.p95)}"
        worst = f"{row.bar.said(row.worst)}: {row.worst_case}" if row.worst > row.bar.median else "-"
        yield f"| {row.component} | {row.count} | {errors} | {asked} | {'yes' if row.met else 'no'} | {worst} |"


def main() -> None:
    """Print both tables and write the page."""
    catalog = load_catalog()
    for name, terms, bars in (
        ("llama.cpp", llama_cpp.terms(catalog), llama_cpp.BARS),
        ("vLLM", vllm.terms(catalog), vllm.BARS),
    ):
        print(name)
        for line in report(terms, bars):
            print(line)
    PAGE.write_text(page(catalog), encoding="utf-8")
    print(f"written: {PAGE.name}")


if __name__ == "__main__":
    main()
