"""A plan as JSON: the keys scripts rely on."""

import shlex
from typing import Any

from bot.answer import Answer, Placement
from bot.fleet import Fleet, FleetUnavailable, LiveFleet
from bot.terminal.breakdown_json import breakdown_json
from shared.inverse.load import context_per_sequence
from shared.planner.plan import CountFit, Option, Plan, Price, QuantizationFit, Speed
from shared.question.query import Query


def plan_json(answer: Answer) -> dict[str, Any]:
    """The whole answer of `fit ask --json`."""
    return {
        **_plan(answer.plan),
        "fleet": _fleet(answer.fleet),
        "placements": [_placement(placement) for placement in answer.placements],
        "catalog_date": answer.catalog_date.isoformat(),
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "query": _query(plan.query),
        "verdict": plan.verdict.value,
        "answer": plan.headline.value,
        "sentence": plan.sentence,
        "asked": option_json(plan.asked) if plan.asked else None,
        "breakdown": breakdown_json(plan.asked.estimate) if plan.asked else None,
        "options": [option_json(one) for one in plan.options],
        "more_options": [option_json(one) for one in plan.more],
        "on_these_gpus": [_quantization_fit(fit) for fit in plan.on_these_gpus],
        "counts": [_count_fit(fit) for fit in plan.counts],
        "assumptions": list(plan.assumptions),
        "warnings": list(plan.warnings),
        "sources": list(plan.sources),
        "others": [_plan(other) for other in plan.others],
    }


def _query(query: Query) -> dict[str, Any]:
    return {
        "text": query.text,
        "intent": query.intent.value,
        "model": query.model.id if query.model else None,
        "gpu": query.gpu.id if query.gpu else None,
        "gpu_count": query.gpu_count,
        "gpus_beside": [gpu.id for gpu in query.gpus_beside],
        "host_memory_bytes": query.host_memory_bytes,
        "quantization": query.quantization.id if query.quantization else None,
        "context": query.context_tokens,
        "engine": query.engine,
        "sequences": query.sequences,
        "kv_cache_type": query.kv_cache_type,
        "gpu_memory_bytes": query.gpu_memory_bytes,
        "purpose": query.purpose,
        "other_models": [model.id for model in query.other_models],
        "ambiguous": [
            {"field": one.field, "given": one.given, "choices": list(one.choices)} for one in query.ambiguous
        ],
        "read_as": [
            {"field": one.field, "given": one.given, "value": one.value, "how": one.how}
            for one in query.readings
        ],
    }


def option_json(one: Option) -> dict[str, Any]:
    """One option; `per_gpu_bytes` is what the fullest GPU holds."""
    estimate = one.estimate
    load = estimate.workload
    return {
        "kind": one.kind.value,
        "model": load.model.id,
        "quantization": load.quantization.id,
        "engine": load.engine,
        "gpu": one.gpu.id,
        "gpu_count": one.gpu_count,
        "gpus": [gpu.id for gpu in estimate.gpus],
        "context": context_per_sequence(load),
        "sequences": load.sequences,
        "kv_cache_type": load.kv_cache_type_k if load.kv_cache_type_k != "auto" else None,
        "tensor_parallel": load.tensor_parallel,
        "pipeline_parallel": load.pipeline_parallel,
        "gpu_layers": load.gpu_layers,
        "n_cpu_moe": load.cpu_expert_layers or None,
        "per_gpu_bytes": max((device.total_bytes for device in estimate.breakdown.per_gpu), default=0),
        "per_gpu_capacity_bytes": min(estimate.capacity_bytes, default=0),
        "host_bytes": estimate.breakdown.host.total_bytes,
        "headroom_bytes": estimate.slack_bytes,
        "uncertainty_bytes": estimate.uncertainty_bytes,
        "verdict": one.verdict.value,
        "tokens_per_second": round(one.speed.tokens_per_second, 1) if one.speed else None,
        "speed": _speed(one.speed),
        "quality": one.quality,
        "healthy": one.healthy,
        "price": _price(one.price),
        "ours": one.ours or None,
        "command": shlex.join(one.command) if one.command else None,
        "reason": one.reason,
        "notes": list(one.notes),
    }


def _speed(speed: Speed | None) -> dict[str, Any] | None:
    if speed is None:
        return None
    prefill, together = speed.prefill_tokens_per_second, speed.together_tokens_per_second
    return {
        "low": round(speed.low, 1),
        "high": round(speed.high, 1),
        "validated": speed.validated,
        "prefill_tokens_per_second": round(prefill) if prefill else None,
        "together_tokens_per_second": round(together, 1) if together else None,
    }


def _price(price: Price | None) -> dict[str, Any] | None:
    if price is None:
        return None
    return {"usd_per_hour": price.usd_per_hour, "provider": price.provider, "as_of": price.as_of}


def _quantization_fit(fit: QuantizationFit) -> dict[str, Any]:
    return {
        "quantization": fit.quantization.id,
        "engine": fit.engine,
        "weights_bytes": fit.weights_bytes,
        "total_bytes": fit.total_bytes,
        "verdict": fit.verdict.value,
        "longest_context": fit.longest_context_tokens,
    }


def _count_fit(fit: CountFit) -> dict[str, Any]:
    return {
        "quantization": fit.quantization.id,
        "engine": fit.engine,
        "gpu": fit.gpu.id,
        "gpu_count": fit.gpu_count,
        "per_gpu_bytes": fit.per_gpu_bytes,
        "verdict": fit.verdict.value,
        "sure_count": fit.sure_count,
    }


def _fleet(fleet: LiveFleet) -> dict[str, Any] | None:
    if fleet is None:
        return None
    if isinstance(fleet, FleetUnavailable):
        return {"known": False, "reason": fleet.reason}
    assert isinstance(fleet, Fleet)  # noqa: S101 - the third of three
    return {
        "known": True,
        "source": fleet.source,
        "age_seconds": round(fleet.age_seconds, 1),
        "simulated": fleet.simulated,
        "gpus": sum(1 for _ in fleet.gpus()),
        "problems": list(fleet.problems),
    }


def _placement(placement: Placement) -> dict[str, Any]:
    return {
        "kind": placement.option.kind.value,
        "quantization": placement.option.quantization.id,
        "rooms": [
            {
                "node": room.node.name,
                "gpus": [gpu.index or gpu.uuid for gpu in room.gpus],
                "gpu": room.gpu.id,
                "free_bytes": room.free_bytes,
                "spare_bytes": room.spare_bytes,
                "simulated": room.node.simulated,
            }
            for room in placement.rooms.rooms
        ],
    }
