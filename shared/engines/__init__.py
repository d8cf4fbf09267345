"""The engines we know, each a package with the same functions."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.engines import vllm
from shared.engines.engine import EngineModule

ENGINES: Mapping[str, EngineModule] = MappingProxyType({"vllm": vllm})
