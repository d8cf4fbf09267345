"""What inference servers say about themselves: one module per engine, pure; and one reader."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from exporter.engine_apis import llama_cpp, ollama, sglang, tgi, vllm
from exporter.engine_apis.state import EngineApi

APIS: Final[Mapping[str, EngineApi]] = MappingProxyType(
    {"vllm": vllm, "sglang": sglang, "tgi": tgi, "llama.cpp": llama_cpp, "ollama": ollama}
)
