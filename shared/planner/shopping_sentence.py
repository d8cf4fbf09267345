"""Headlines of the questions that have a number or a card for an answer."""

from shared.catalog.rows import Gpu
from shared.inverse.attempt import Attempt
from shared.inverse.load import context_per_sequence
from shared.planner.case import Case
from shared.planner.plan import Option, OptionKind
from shared.planner.sentence import cards, hardware
from shared.units import gib, tokens


def capacity_sentence(case: Case, options: tuple[Option, ...], asked: Attempt, *, users: bool) -> str:
    """How far what was asked reaches, or what reaches at all."""
    where = hardware(case.gpus)
    if not options:
        reason = f": {asked.reason.rstrip('.')}" if asked.estimate is None and asked.reason else ""
        return f"None: no healthy quantization of {case.model.name} fits {where}{reason}."
    best = options[0]
    load = best.estimate.workload
    name = f"{load.model.name} at {load.quantization.name}"
    start = "" if best.kind is OptionKind.AS_ASKED else f"Not {_asked_name(asked)}, but "
    if users:
        context = tokens(context_per_sequence(load))
        users_said = "1 user" if load.sequences == 1 else f"{load.sequences:,} users at once"
        return f"{start}{name} on {where} serves {users_said} with {context} of context each."
    return f"{start}{name} on {where} reaches {context_per_sequence(load):,} tokens of context."


def _asked_name(asked: Attempt) -> str:
    return asked.estimate.workload.quantization.name if asked.estimate else "as asked"


def which_gpu_sentence(case: Case, options: tuple[Option, ...]) -> str:
    """The least hardware per precision."""
    if not options:
        return f"Nothing we know of holds {case.model.name} with {tokens(case.context_tokens)} of context."
    said = "; ".join(f"{one.quantization.name} needs {_where(one)}" for one in options)
    return f"{case.model.name} with {tokens(case.context_tokens)} of context: {said}."


def _where(one: Option) -> str:
    where = cards(one.gpu.name, one.gpu_count)
    return f"{where}, of which we have {one.ours}" if one.ours else where


def cheapest_sentence(case: Case, options: tuple[Option, ...]) -> str:
    """The cheapest hour; our own GPUs before it."""
    if options and options[0].ours:
        ours, rented = options[0], options[1:]
        own = f"{case.model.name} at {ours.quantization.name} on {_where(ours)}: nothing to rent."
        return f"{own} Rented: {cheapest_sentence(case, rented)}" if rented else own
    if not options or options[0].price is None:
        return f"No hardware we have a price for holds {case.model.name}."
    best, price = options[0], options[0].price
    where = cards(best.gpu.name, best.gpu_count)
    users = f" for {case.sequences} users" if case.sequences > 1 else ""
    return (
        f"{case.model.name} at {best.quantization.name} on {where}{users}: "
        f"{price.usd_per_hour:.2f} USD an hour at {price.provider}, as of {price.as_of}."
    )


def what_fits_sentence(gpu: Gpu, gpu_count: int, options: tuple[Option, ...]) -> str:
    """The largest few models."""
    where = cards(gpu.name, gpu_count)
    if not options:
        return f"No model we know fits {where} at 4 bits or better ({gib(gpu.memory_usable_bytes)} each)."
    named = [f"{one.estimate.workload.model.name} ({one.quantization.name})" for one in options[:4]]
    return f"On {where}: {', '.join(named)}."
