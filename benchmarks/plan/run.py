"""How long a plan takes: in process over the reference questions, and as a whole process beside the peers.

    python -m benchmarks.plan.run                 # ours alone
    python -m benchmarks.plan.run --llmfit PATH   # with llmfit's binary (pip install llmfit), in the same run

Each command is run several times in turn with the others, so that a busy machine is unfair to none; the median counts.
"""

import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

REFERENCE = Path(__file__).parents[2] / "tests/shared/planner/reference"
OURS = 'fit "…"'
PEER = "llmfit plan"
SEED = "can Mixtral 8x22B run on A100 40GB?"

# A build machine may forbid Python to keep its bytecode; a user's keeps it, and so compiles nothing at a second run.
_AS_A_USER = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llmfit", help="llmfit's binary, to be timed in the same run")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="another program, timed beside them",
    )
    parser.add_argument("--rounds", type=int, default=15, help="runs of each command")
    options = parser.parse_args(arguments)
    in_process()
    fit = str(Path(sys.executable).with_name("fit"))
    commands = {OURS: [fit, SEED], f"{OURS} --json": [fit, SEED, "--json"]}
    if options.llmfit:
        model = "mistralai/Mixtral-8x22B-Instruct-v0.1"
        where = [options.llmfit, "--memory", "40G", "--ram", "128G"]
        commands[PEER] = [*where, "plan", model, "--context", "8192", "--quant", "Q4_K_M", "--json"]
    for name, _, command in (one.partition("=") for one in options.peer):
        commands[name] = shlex.split(command)
    as_processes(commands, options.rounds)
    return 0


def in_process() -> None:
    """The median plan over the reference set, parsing apart."""
    from shared.catalog.load import load_catalog
    from shared.planner.planner import plan
    from shared.question.parse import parse_question

    catalog = load_catalog()
    texts = [
        question["text"]
        for file in sorted(REFERENCE.glob("*.toml"))
        for question in tomllib.loads(file.read_text())["question"]
        if "refused" not in question
    ]
    queries = [parse_question(text, catalog) for text in texts]
    for query in queries:  # once to fill the caches, as a process that answers all day has them
        plan(query, catalog)
    taken = []
    for text, query in zip(texts, queries, strict=True):
        best = min(_timed(lambda query=query: plan(query, catalog)) for _ in range(3))
        taken.append((best, text))
    taken.sort()
    milliseconds = [1e3 * seconds for seconds, _ in taken]
    slowest = ", ".join(f"{1e3 * seconds:.0f} ms {text!r}" for seconds, text in taken[-3:])
    print(
        f"plan in process, {len(taken)} questions: median {statistics.median(milliseconds):.1f} ms, slowest {slowest}"
    )
    parsed = statistics.median(
        1e3 * _timed(lambda text=text: parse_question(text, catalog)) for text in texts
    )
    print(f"parsing a question: median {parsed:.2f} ms")


def as_processes(commands: dict[str, list[str]], rounds: int) -> None:
    """Wall time, CPU time and peak memory of whole processes, in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    cpu: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        subprocess.run(command, capture_output=True, check=True, env=_AS_A_USER)
    for _ in range(rounds):
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            started = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True, env=_AS_A_USER)
            seconds[name].append(time.perf_counter() - started)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    for name in commands:
        wall, used = 1e3 * statistics.median(seconds[name]), 1e3 * statistics.median(cpu[name])
        print(f"{name:<16} {wall:6.0f} ms wall, {used:6.0f} ms CPU (median of {rounds})")
    if PEER in seconds:
        # each round ran both, so the ratio of a round is not moved by what else the machine did in another
        ratios = sorted(mine / theirs for mine, theirs in zip(seconds[OURS], seconds[PEER], strict=True))
        low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
        print(
            f"{OURS} takes {statistics.median(ratios):.2f} times {PEER} ({low:.2f} to {high:.2f} in 8 of 10 rounds)"
        )


def _timed(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
