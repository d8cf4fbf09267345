"""Ollama: /api/ps and /api/version.

Shape seen in 0.5 to 0.33 (`api/types.go` ProcessModelResponse). It names every loaded model, not which runner process
holds which: only where one model is loaded is the answer about ours.
"""

from typing import Final

from exporter.engine_apis.reading import json_object, text, whole
from exporter.engine_apis.state import Answers, EngineState

DEFAULT_PORT: Final = 11434
PATHS: Final = ("/api/ps", "/api/version")
STEADY: Final[tuple[str, ...]] = ("/api/version",)


def state(answers: Answers) -> EngineState:
    """What an Ollama server says, as far as it is about one model."""
    version = text(json_object(answers.get("/api/version")).get("version"))
    listed = json_object(answers.get("/api/ps")).get("models")
    models = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if len(models) != 1:
        return EngineState(version=version)
    details = models[0].get("details")
    return EngineState(
        names=tuple(name for key in ("name", "model") if (name := text(models[0].get(key)))),
        quantization=text(details.get("quantization_level")) if isinstance(details, dict) else None,
        version=version,
        context_tokens=whole(models[0].get("context_length")),
    )
