"""An estimate becomes an option: with its quality, speed, price and command."""

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Model, Quantization
from shared.engines import ENGINES
from shared.errors import Refused, Unsupported
from shared.estimator import Estimate
from shared.inverse.quantization import is_native
from shared.planner.plan import Option, OptionKind
from shared.planner.prices import cheapest_price
from shared.planner.quantizations import about_four_bits_or_better
from shared.planner.speed import decode_speed


def option(
    kind: OptionKind, estimate: Estimate, catalog: Catalog, *, reason: str = "", notes: tuple[str, ...] = ()
) -> Option:
    """The option this estimate describes."""
    load = estimate.workload
    gpu = estimate.gpus[0]
    command, launch_notes = _command(estimate)
    return Option(
        kind=kind,
        estimate=estimate,
        gpu=gpu,
        gpu_count=len(estimate.gpus),
        quality=quality(load.quantization, load.model),
        healthy=about_four_bits_or_better(load.quantization, load.model, catalog),
        command=command,
        speed=decode_speed(estimate, catalog),
        price=cheapest_price(gpu, len(estimate.gpus), catalog) if len(set(estimate.gpus)) == 1 else None,
        reason=reason,
        notes=(*notes, *launch_notes),
    )


def quality(quantization: Quantization, model: Model) -> str:
    """What the quantization costs, with the measurement behind it where there is one."""
    if is_native(quantization, model):
        return "As published: no loss."
    measured = next((row for row in quantization.quality if row.perplexity_increase is not None), None)
    if measured is not None:
        lost = measured.perplexity_increase or 0.0
        increase = f"{lost:.2g}" if lost < 10 else f"{lost:,.0f}"
        return f"{quantization.quality_note} Perplexity +{increase} % on {measured.measured_on}."
    kept = next((row for row in quantization.quality if row.recovery_percent is not None), None)
    if kept is not None:
        return f"{quantization.quality_note} Keeps {kept.recovery_percent:.1f} % of the scores on {kept.measured_on}."
    return quantization.quality_note


def _command(estimate: Estimate) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The command to paste and what must be known before; None where the engine has none for it."""
    try:
        launch = ENGINES[estimate.workload.engine].launch(estimate.workload, estimate.gpus)
    except (Refused, Unsupported) as error:
        return None, (error.sentence,)
    return launch.argv, launch.notes
