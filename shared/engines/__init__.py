"""The engines we know, each a package with the same functions."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.engines import llama_cpp, sglang, tgi, transformers, vllm
from shared.engines.engine import EngineModule

ENGINES: Mapping[str, EngineModule] = MappingProxyType(
    {"llama.cpp": llama_cpp, "vllm": vllm, "sglang": sglang, "tgi": tgi, "transformers": transformers}
)
