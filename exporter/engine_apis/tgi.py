"""Text Generation Inference: /info and /metrics.

Shapes seen in TGI 1.0 to 3.3 (`router/src/lib.rs` struct Info, `router/src/infer`). What binds it is the token
budget of the running batch: `tgi_batch_current_max_tokens` of `max_batch_total_tokens`, which 3.x no longer tells.
"""

from typing import Final

from exporter.engine_apis.reading import json_object, samples, text, total, whole
from exporter.engine_apis.state import Answers, EngineState

DEFAULT_PORT: Final = 3000
PATHS: Final = ("/info", "/metrics")
STEADY: Final[tuple[str, ...]] = ("/info",)

_METRICS: Final = ("tgi_batch_current_max_tokens", "tgi_batch_current_size", "tgi_queue_size")


def state(answers: Answers) -> EngineState:
    """What a TGI server says."""
    info = json_object(answers.get("/info"))
    found = samples(answers.get("/metrics"), _METRICS)
    used, limit = total(found, "tgi_batch_current_max_tokens"), whole(info.get("max_batch_total_tokens"))
    return EngineState(
        names=tuple(name for one in (info.get("model_id"),) if (name := text(one))),
        version=text(info.get("version")),
        context_tokens=whole(info.get("max_total_tokens")),
        kv_cache_used_tokens=used,
        kv_cache_limit_tokens=limit,
        kv_cache_ratio=min(1.0, used / limit) if used is not None and limit else None,
        running_requests=total(found, "tgi_batch_current_size"),
        waiting_requests=total(found, "tgi_queue_size"),
    )
