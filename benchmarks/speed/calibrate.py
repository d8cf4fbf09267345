"""Fits the decode speed constants to published measurements and writes them to the catalog's facts.

    python -m benchmarks.speed.calibrate          # report the errors on cards the fit has not seen
    python -m benchmarks.speed.calibrate --write  # and write shared/catalog/facts/speeds/llama_cpp.toml

One row per memory class: seconds per token = weights / (efficiency x bandwidth) + KV cache / (kv_efficiency x
bandwidth) + layers x seconds_per_layer + (GPUs - 1) x hop_seconds. The errors reported, and the range every speed is
shown with, come from leaving one kind of card out at a time: no card calibrates itself.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.speed.host import host_rows
from benchmarks.speed.least_squares import fit_relative
from benchmarks.speed.measurements import Measurement, measurements
from benchmarks.speed.rows import Fit, stand_in, written
from benchmarks.speed.servers import Servers, held_against

FACTS: Final = Path(__file__).parents[2] / "shared/catalog/facts/speeds/decode.toml"

# A class with few runs cannot tell its four constants apart: those it cannot are held at what the large class of the
# same engine shows, and only the efficiency is its own.
_FEW: Final = 8
_HELD_KV_SHARE: Final = (
    0.5  # a byte of KV cache takes about twice a byte of weights wherever depth was measured
)


@dataclass(frozen=True, slots=True)
class Constants:
    """What one class's speed follows from."""

    efficiency: float
    kv_efficiency: float
    seconds_per_layer: float
    hop_seconds: float = 0.0

    def seconds(self, run: Measurement) -> float:
        """Predicted seconds per token of a run."""
        hops = 0 if run.tensor_parallel else run.gpu_count - 1
        return (
            run.weight_seconds / self.efficiency
            + run.kv_seconds / self.kv_efficiency
            + run.layers * self.seconds_per_layer
            + hops * self.hop_seconds
        )


Fitter = Callable[[Sequence[Measurement]], Constants]


def constants(runs: Sequence[Measurement], held_seconds_per_layer: float | None) -> Constants:
    """The constants of one class from its runs."""
    single = [run for run in runs if run.gpu_count == 1 or run.tensor_parallel]
    if held_seconds_per_layer is not None:
        own = [max(1e-9, run.seconds - run.layers * held_seconds_per_layer) for run in single]
        shares = [
            (run.weight_seconds + run.kv_seconds / _HELD_KV_SHARE) / left
            for run, left in zip(single, own, strict=True)
        ]
        efficiency = min(0.98, statistics.median(shares))
        found = Constants(efficiency, efficiency * _HELD_KV_SHARE, held_seconds_per_layer)
    else:
        deep = any(run.test == "tg8192" for run in single)
        columns = [
            [run.weight_seconds + (0.0 if deep else run.kv_seconds / _HELD_KV_SHARE) for run in single],
            [float(run.layers) for run in single],
            *([[run.kv_seconds for run in single]] if deep else []),
        ]
        solved = fit_relative(columns, [run.seconds for run in single])
        efficiency = min(0.98, 1 / solved[0])
        kv_efficiency = min(0.98, 1 / solved[2]) if deep else efficiency * _HELD_KV_SHARE
        found = Constants(efficiency, kv_efficiency, solved[1])
    split = [run for run in runs if run.gpu_count > 1 and not run.tensor_parallel]
    hops = [(run.seconds - found.seconds(run)) / (run.gpu_count - 1) for run in split]
    hop = max(0.0, statistics.median(hops)) if hops else 0.0
    return Constants(found.efficiency, found.kv_efficiency, found.seconds_per_layer, hop)


def unseen_ratios(runs: Sequence[Measurement], fitter: Fitter) -> list[tuple[Measurement, float]]:
    """Measured over predicted speed of every run, predicted by a fit that saw no card of its kind."""
    ratios = []
    for card in sorted({run.gpu for run in runs}):
        rest = [run for run in runs if run.gpu != card]
        if any(run.gpu_count == 1 for run in rest):
            found = fitter(rest)
            ratios += [(run, found.seconds(run) / run.seconds) for run in runs if run.gpu == card]
    return ratios


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _fit_class(
    engine: str, memory_class: str, runs: list[Measurement], held: float | None
) -> tuple[Fit, list[float]]:
    def fitter(some: Sequence[Measurement]) -> Constants:
        return constants(some, held)

    found = fitter(runs)
    ratios = [ratio for _, ratio in unseen_ratios(runs, fitter)]
    spread = ratios or [found.seconds(run) / run.seconds for run in runs]
    low, high = quantile(spread, 0.05), quantile(spread, 0.95)
    fit = Fit(
        engine=engine,
        memory_class=memory_class,
        efficiency=found.efficiency,
        kv_efficiency=found.kv_efficiency,
        seconds_per_layer=found.seconds_per_layer,
        hop_seconds=found.hop_seconds,
        low=min(low, 0.8),
        high=max(high, 1.1),
        samples=len(runs),
        cards=tuple(sorted({run.gpu for run in runs})),
        seen=bool(ratios),
    )
    return fit, ratios


def _report(fit: Fit, ratios: list[float]) -> None:
    held_back = "no second card to hold back"
    if ratios:
        errors = [abs(ratio - 1) for ratio in ratios]
        held_back = f"unseen cards: median {statistics.median(errors):6.1%}  p90 {quantile(errors, 0.9):6.1%}"
    print(
        f"{fit.engine:>10} {fit.memory_class:<15} n={fit.samples:<4} efficiency {fit.efficiency:.3f}  "
        f"KV {fit.kv_efficiency:.3f}  {fit.seconds_per_layer * 1e6:5.0f} us/layer  hop {fit.hop_seconds * 1e3:.2f} ms  "
        f"{held_back}"
    )


def _servers(runs: Sequence[Measurement], fits: Sequence[Fit]) -> Servers:
    """The servers' runs against what stands in for them, reported."""
    by_class = {(fit.engine, fit.memory_class): fit for fit in fits}
    stand_ins = {name: stand_in(by_class, name) for name in ("nvidia-hbm", "amd-hbm", "nvidia-gddr")}
    predicted = {
        name: Constants(fit.efficiency, fit.kv_efficiency, fit.seconds_per_layer).seconds
        for name, fit in stand_ins.items()
    }
    found = held_against([run for run in runs if run.engine == "vllm"], predicted)
    errors = sorted(abs(ratio - 1) for ratios in found.ratios.values() for ratio in ratios)
    print(
        f"vLLM, on constants of other engines: n={len(errors)}  median {statistics.median(errors):.1%}  "
        f"worst {errors[-1]:.1%}; a hop over PCIe {found.pcie_hop_seconds * 1e6:.1f} us (n={found.pcie_runs})"
    )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, report, and write when asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write the constants into the catalog's facts")
    options = parser.parse_args(arguments)
    runs = list(measurements())
    classes: dict[tuple[str, str], list[Measurement]] = {}
    for run in runs:
        if run.engine != "vllm":  # held against, not fitted
            classes.setdefault((run.engine, run.memory_class), []).append(run)
    big = constants(classes["llama.cpp", "nvidia-gddr"], None)
    fits, every = [], []
    for (engine, memory_class), of_class in sorted(classes.items()):
        few = len(of_class) < _FEW or len({run.gpu for run in of_class}) < 3
        held = big.seconds_per_layer if few and engine == "llama.cpp" else None
        fit, ratios = _fit_class(engine, memory_class, of_class, held)
        _report(fit, ratios)
        fits.append(fit)
        every += [abs(ratio - 1) for ratio in ratios]
    print(
        f"all unseen cards: n={len(every)}  median {statistics.median(every):.1%}  p90 {quantile(every, 0.9):.1%}"
    )
    servers = _servers(runs, fits)
    hosts = host_rows(big.efficiency, big.seconds_per_layer)
    if options.write:
        FACTS.write_text(written(fits, hosts, servers))
        print(f"wrote {FACTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
