"""docs/accuracy.md: every score, every verdict, every interval, and the peers, as Markdown."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from benchmarks.accuracy import intervals, llama_cpp, peer_scores, sglang, vllm
from benchmarks.accuracy.peers.answers import facts, recorded
from benchmarks.accuracy.server_runs import LEFT_OUT, study
from benchmarks.accuracy.terms import Bar, Term, scores
from benchmarks.accuracy.verdicts import MARGINS, Judged, judged
from shared.catalog.catalog import Catalog
from shared.memory.breakdown import Verdict

_INTRODUCTION: Final = """\
# How right the estimates are

Written by `make accuracy`; do not edit. A test compares this page with what the command writes.

Each row holds the estimate against numbers that engines themselves printed or allocated. For llama.cpp: its own fit
tool's allocations for real model shapes (versions 0.5.0-dev and 0.7.0), its quantizer's file sizes, and public logs
(also of Ollama, and the weights of a fork, ik_llama.cpp).
For vLLM: a public study of 0.19 on H100, and public logs of 0.8 to 0.26 on six GPUs. For SGLang: public logs.
The evidence lies in `tests/ground_truth`, each record with its source. Errors are absolute, as shares of what was
measured or in GiB; the 95th percentile is interpolated.
"""
_VERDICTS: Final = """\

## Verdicts

Logs tell mostly of runs that started. So each measured need is also held against capacities just below and just above
it ({margins} of it), where the outcome follows from
the measurement. For llama.cpp that is a GPU with that much free (plus what we say of the driver's context, which the
recording does not have); for vLLM the budget that `--gpu-memory-utilization` gives of the same GPU, which must hold
weights, peak and one sequence of the context.

| engine | cases | n | said fits: did / did not | said tight: did / did not | said does not fit: did / did not |
|---|---|---:|---:|---:|---:|"""
_INTERVALS: Final = """\

## 95 % intervals

| engine | cases | n | measured total inside | widest use of the interval |
|---|---|---:|---:|---:|"""
_INTERVALS_NOTE: Final = """\

Asked are 93 to 99 %. In "each model left out" the constants that were measured in the study (memory outside PyTorch,
contexts, communicators, graphs) are made again without the model that is scored, so no model calibrates its own
estimate; in "its width too" the intervals are also as wide as 95 % of the other models' errors ask for (split conformal
prediction), so none calibrates its own interval.
llama.cpp's recorded buffers come out to the byte, so its intervals hold all of them: what is left of their width is the
driver's context and the CUDA pools, which no recording here has, and which would be needed to narrow it.
Of SGLang, text-generation-inference and transformers no total of an NVIDIA GPU is public here: their intervals are
derived, and their answers say so."""
_PEERS: Final = """\

## Other estimators on the same cases

Asked on {date} by `make peers`, which installs them from the package registry. They had no hub: each was given what
the hub would have told it (config.json, parameter counts, file sizes), written from our catalog's facts. A case that
an estimator cannot answer counts as no answer. "Wrong yes" is a total at or under a capacity below what was measured,
"wrong no" one above a capacity over it, over the capacities named under "Verdicts"; ours counts with its interval,
inside which it says "tight".
"""
_LIMITS: Final = """\

## What this does not show

- The tables are of the evidence the rules were written beside. Cases from elsewhere are the real test.
- llama.cpp's recorded devices stand in for CUDA ones: its context and pools are not in them, and half-offloaded models
  copy weights for large batches on CUDA only, so those compute buffers are not scored. With several devices weights
  and cache are scored. Compute buffers of logs are of builds older than the two versions named, and not scored: an
  older llama-server reserved a row of logits for every token of a batch (0.1 to 0.4 GiB more in these logs), the newer
  one a row per slot; what it came to is what is said of `llama-cli`, to 3 to 20 % over.
- "Other recipes" are files whose own log proves them not to be what their name says: Gemma 4 26B "IQ4_NL" prints 4.25
  bits per weight over the whole file where every matrix of the plain recipe has 4.5 or more, and an embedding of
  748.00 MiB, which is Q8_0; the other says "UD". What such packagers publish as a listing of tensors would settle them.
- "KV tokens" of sliding windows and hybrids are compared with what vLLM prints, by its own rule of that version.
- Weights of SGLang are printed by Ascend devices only, whose flags for redundant experts and replicated heads are not
  in the logs, and whose libraries allocate while weights load; one log of an NVIDIA GPU with its flags would settle it.
- A run of DeepSeek V4 Pro on 8 x H200 that SGLang could not start is not in the verdicts: we have no rule for its cache
  there, and say so.
- Of text-generation-inference and transformers nothing has been compared: their estimates say "derived" or "none" and
  carry wider intervals.
- vLLM logs that are not scored, and why:"""


def page(catalog: Catalog) -> str:
    """The page as Markdown."""
    return "\n".join(_lines(catalog)) + "\n"


def engines(catalog: Catalog) -> Iterator[tuple[str, Iterable[Term], Mapping[str, Bar | None]]]:
    """Every engine that has evidence, with its comparisons and what is asked of them."""
    yield "llama.cpp", tuple(llama_cpp.terms(catalog)), llama_cpp.BARS
    yield "vLLM", tuple(vllm.terms(catalog)), vllm.BARS
    yield "SGLang", tuple(sglang.terms(catalog)), sglang.BARS


def _lines(catalog: Catalog) -> Iterator[str]:
    yield _INTRODUCTION
    yield "| engine | component | n | median | p95 | asked (median / p95) | met | worst |"
    yield "|---|---|---:|---:|---:|---|---|---|"
    for engine, terms, bars in engines(catalog):
        yield from _scores(engine, terms, bars)
    refused, of = llama_cpp.refusals(catalog)
    yield f"\nOf {of} combinations that llama.cpp refuses, {refused} are refused with the reason."
    yield from _verdicts(tuple(judged(catalog)))
    yield from _intervals(catalog)
    yield from _peers(catalog)
    yield _LIMITS
    by_reason: dict[str, list[str]] = {}
    for name, reason in LEFT_OUT.items():
        by_reason.setdefault(reason, []).append(f"`{name}`")
    for reason, names in by_reason.items():
        yield f"  - {reason}: {', '.join(names)}"


def _scores(engine: str, found: Iterable[Term], bars: Mapping[str, Bar | None]) -> Iterator[str]:
    for row in scores(found, bars):
        said = row.bar.said if row.bar is not None else "{:.2%}".format
        asked = f"{said(row.bar.median)} / {said(row.bar.p95)}" if row.bar is not None else "-"
        met = "-" if row.bar is None else "yes" if row.met else "no"
        floor = row.bar.median if row.bar is not None else 0
        worst = f"{said(row.worst)}: {row.worst_case}" if row.worst > floor else "-"
        errors = f"{said(row.median)} | {said(row.p95)}"
        yield f"| {engine} | {row.component} | {row.count} | {errors} | {asked} | {met} | {worst} |"


def _verdicts(found: tuple[Judged, ...]) -> Iterator[str]:
    yield _VERDICTS.format(margins=", ".join(f"{margin:.2f}" for margin in MARGINS))
    counted = Counter((one.engine, one.evidence, one.said, one.fitted) for one in found)
    for engine, evidence in dict.fromkeys((one.engine, one.evidence) for one in found):
        cells = []
        for said in (Verdict.FITS, Verdict.TIGHT, Verdict.DOES_NOT_FIT):
            did, did_not = (counted[engine, evidence, said, fitted] for fitted in (True, False))
            cells.append(f"{did} / {did_not}")
        count = sum(one.engine == engine and one.evidence == evidence for one in found)
        yield f"| {engine} | {evidence} | {count} | {' | '.join(cells)} |"
    wrong_yes = sum(one.said is Verdict.FITS and not one.fitted for one in found)
    fitted = [one for one in found if one.fitted]
    wrong_no = sum(one.said is Verdict.DOES_NOT_FIT for one in fitted)
    yield f"\nSaid `fits` and it did not: {wrong_yes} (asked: 0). Said `does_not_fit` and it did:"
    yield f"{wrong_no} of {len(fitted)} that fitted, {wrong_no / len(fitted):.2%} (asked: under 2 %)."


def _intervals(catalog: Catalog) -> Iterator[str]:
    yield _INTERVALS
    tables = (
        ("llama.cpp", "recorded totals of one device", intervals.llama_cpp(catalog)),
        ("vLLM", "study, as shipped", intervals.vllm_study(study(catalog), catalog)),
        ("vLLM", "study, each model left out", intervals.vllm_left_out(catalog)),
        ("vLLM", "study, each model left out, its width too", intervals.vllm_left_out_widths(catalog)),
        ("vLLM", "logs of other versions, GPUs and models", intervals.vllm_logs(catalog)),
    )
    for engine, name, found in tables:
        rows = tuple(found)
        inside = sum(row.holds for row in rows)
        widest = max(abs(row.error_gib) / row.half_width_gib for row in rows)
        yield (
            f"| {engine} | {name} | {len(rows)} | {inside} ({inside / len(rows):.1%}) | {widest:.0%} of its half |"
        )
    yield _INTERVALS_NOTE


def _peers(catalog: Catalog) -> Iterator[str]:
    answers = tuple(recorded())
    yield _PEERS.format(date=answers[0].date)
    versions = {answer.peer: answer.version for answer in answers}
    for name, peer in facts()["peers"].items():
        yield f"- [{name} {versions[name]}]({peer['source']}): {peer['asked']}."
    for name, peer in facts()["left_out"].items():
        yield f"- not asked: {name}: {peer['reason']}."
    cases = tuple(peer_scores.cases_beside(catalog))
    for engine, components in (
        ("vLLM", (peer_scores.WEIGHTS, peer_scores.CACHE, peer_scores.BESIDE)),
        ("llama.cpp", (peer_scores.WEIGHTS, peer_scores.CACHE, peer_scores.TOTAL)),
    ):
        own = tuple(case for case in cases if case.engine == engine)
        yield f"\n### {engine}\n"
        yield "| component | estimator | answered | median | p95 | worst |"
        yield "|---|---|---:|---:|---:|---|"
        for component in components:
            for row in peer_scores.scores(own, component):
                errors = f"{row.median:.2%} | {row.p95:.2%} | {row.worst:.0%}: {row.worst_case}"
                yield f"| {component} | {row.estimator} | {row.answered} of {row.asked} | {errors} |"
        yield "\n| verdicts of | totals | wrong yes | wrong no |"
        yield "|---|---:|---:|---:|"
        for said in peer_scores.verdicts(own):
            wrong = f"{said.fits_and_did_not:.1%} | {said.no_and_did:.1%}"
            yield f"| {said.estimator} | {said.answers} | {wrong} |"
