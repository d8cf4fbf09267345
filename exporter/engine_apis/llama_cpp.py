"""llama.cpp's llama-server: /props, /slots and, with --metrics, /metrics.

Shapes seen in b4000 to b9000 (`tools/server/server-context.cpp`: `server_slot::to_json`, `handle_metrics`). Newer
builds say per slot how many tokens it holds (`n_prompt_tokens`, which grows as it generates); the metric of the KV
cache's use is gone. A slot's prompt is in /slots too: it is never kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from exporter.engine_apis.reading import json_object, json_value, samples, text, total, whole
from exporter.engine_apis.state import Answers, EngineState

DEFAULT_PORT: Final = 8080
PATHS: Final = ("/props", "/slots", "/metrics")
STEADY: Final[tuple[str, ...]] = ()

_PROCESSING: Final = "llamacpp:requests_processing"
_DEFERRED: Final = "llamacpp:requests_deferred"


def state(answers: Answers) -> EngineState:
    """What a llama-server says."""
    props = json_object(answers.get("/props"))
    listed = json_value(answers.get("/slots"))
    slots = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    found = samples(answers.get("/metrics"), (_PROCESSING, _DEFERRED))
    settings = props.get("default_generation_settings")
    context = whole(settings.get("n_ctx")) if isinstance(settings, dict) else None
    busy = [slot for slot in slots if slot.get("is_processing") is True]
    held = [_held(slot) for slot in busy]
    known = [size for size in held if size is not None]
    running = total(found, _PROCESSING)
    names = (props.get("model_alias"), props.get("model_path"))
    return EngineState(
        names=tuple(name for one in names if (name := text(one))),
        version=text(props.get("build_info")),
        context_tokens=context,
        sequences=whole(props.get("total_slots")) or len(slots) or None,
        kv_cache_used_tokens=sum(known) if slots and len(known) == len(held) else None,
        kv_cache_ratio=_fullest(busy) if slots and len(known) == len(held) else None,
        running_requests=running if running is not None or not slots else len(busy),
        waiting_requests=total(found, _DEFERRED),
    )


def _held(slot: Mapping[str, Any]) -> int | None:
    """Tokens a slot holds; None in builds that do not say."""
    return whole(slot.get("n_prompt_tokens"))


def _fullest(busy: Sequence[Mapping[str, Any]]) -> float:
    """How full the fullest slot is: a request is cut off at its own slot's end, however empty the others are."""
    return max(
        (min(1.0, (_held(slot) or 0) / size) for slot in busy if (size := whole(slot.get("n_ctx")))),
        default=0.0,
    )
