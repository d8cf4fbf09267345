"""The order of the options: best quality that fits what was named, then least hardware, then speed, then cost."""

from collections.abc import Iterable
from typing import Final

from shared.inverse.load import context_per_sequence
from shared.inverse.quantization import is_native
from shared.memory.breakdown import Verdict
from shared.planner.case import Case
from shared.planner.plan import Option, OptionKind
from shared.planner.workloads import GPUS_PER_NODE

MOST_OPTIONS: Final = 6
_ON_THE_NAMED_HARDWARE: Final = frozenset({OptionKind.QUANTIZATION, OptionKind.CONTEXT, OptionKind.KV_CACHE})
_BEYOND: Final = (
    OptionKind.MORE_GPUS,
    OptionKind.OTHER_GPU,
    OptionKind.OFFLOAD,
    OptionKind.OTHER_MODEL,
    OptionKind.MIG_SLICE,
)


def ranked(options: Iterable[Option], case: Case) -> tuple[Option, ...]:
    """The options worth showing, best first: nothing that does not fit, nothing another beats in every way."""
    fitting = [one for one in options if one.verdict in (Verdict.FITS, Verdict.TIGHT)]
    kept = [one for one in fitting if not any(_beats(other, one) for other in fitting if other is not one)]
    return tuple(sorted(kept, key=lambda one: _rank(one, case)))


def shown(options: tuple[Option, ...]) -> tuple[Option, ...]:
    """At most six, and of each kind the best before the second best of any."""
    seen: dict[OptionKind, int] = {}
    turns = []
    for place, one in enumerate(options):
        turn = seen.get(one.kind, 0)
        seen[one.kind] = turn + 1
        turns.append((turn, place))
    chosen = sorted(turns)[:MOST_OPTIONS]
    return tuple(options[place] for _, place in sorted(chosen, key=lambda turn: turn[1]))


def rest(options: tuple[Option, ...]) -> tuple[Option, ...]:
    """What `shown` leaves out."""
    kept = shown(options)
    return tuple(one for one in options if not any(one is other for other in kept))


def _rank(one: Option, case: Case) -> tuple[float, ...]:
    """Smaller is better. A quantization that breaks the model ranks below everything healthy, wherever it fits."""
    speed = one.speed.tokens_per_second if one.speed else 0.0
    cost = one.price.usd_per_hour if one.price else 1e9
    return (
        _group(one, case),
        one.verdict is not Verdict.FITS,
        quality_step(one) if one.kind in _ON_THE_NAMED_HARDWARE else 0,
        one.gpu_count * one.gpu.memory_marketed_gb if one.kind not in _ON_THE_NAMED_HARDWARE else 0,
        -one.estimate.workload.model.parameters if one.kind is OptionKind.OTHER_MODEL else 0,
        -speed,
        cost,
        abs(context_per_sequence(one.estimate.workload) - case.context_tokens),
    )


def quality_step(one: Option) -> int:
    """Quality as one can tell it apart: as published, 8 bits, 5 to 6, 4, 3, and what breaks."""
    if is_native(one.quantization, one.estimate.workload.model):
        return 0
    if not one.healthy:
        return 4 if one.quantization.healthy else 5
    return next(
        step for step, bits in ((1, 7.9), (2, 5.5), (3, 0)) if one.quantization.bits_per_weight >= bits
    )


def _group(one: Option, case: Case) -> float:
    if one.kind is OptionKind.AS_ASKED:
        return 0
    if not one.healthy:
        return 4 + len(_BEYOND)
    if one.kind in _ON_THE_NAMED_HARDWARE:
        return 1
    if one.kind is OptionKind.OFFLOAD and case.host_memory_bytes:
        return 1.25  # the host was named to be used
    if one.ours:
        return 1.5  # nothing has to be found first
    if one.kind is OptionKind.MORE_GPUS and one.gpu_count > GPUS_PER_NODE:
        return 2 + _BEYOND.index(OptionKind.OFFLOAD)  # several nodes are another kind of project
    return 2 + _BEYOND.index(one.kind)


def _beats(better: Option, one: Option) -> bool:
    """Whether `better` needs no more of the same hardware and is at least as good in quality, context and speed."""
    if OptionKind.AS_ASKED in (one.kind, better.kind) or better.kind is not one.kind:
        return False
    mine, other = one.estimate.workload, better.estimate.workload
    if mine.model.id != other.model.id or one.gpu.id != better.gpu.id:
        return False
    at_least = (
        better.gpu_count <= one.gpu_count,
        better.quantization.rank <= one.quantization.rank,
        context_per_sequence(other) >= context_per_sequence(mine),
        _speed(better) >= _speed(one),
    )
    more = (
        better.gpu_count < one.gpu_count,
        better.quantization.rank < one.quantization.rank,
        context_per_sequence(other) > context_per_sequence(mine),
        _speed(better) > _speed(one),
    )
    return all(at_least) and any(more)


def _speed(one: Option) -> float:
    return one.speed.tokens_per_second if one.speed else 0.0
