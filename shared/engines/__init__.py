"""The engines we know, each a package with the same functions, imported when its rules are first asked for."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final, cast

from shared.engines.engine import EngineModule

_PACKAGES: Final = {
    "llama.cpp": "llama_cpp",
    "vllm": "vllm",
    "sglang": "sglang",
    "tgi": "tgi",
    "transformers": "transformers",
}


class _Engines(Mapping[str, EngineModule]):
    """Name -> package. A question about one engine does not pay for reading the rules of the other four."""

    def __getitem__(self, name: str) -> EngineModule:
        return cast("EngineModule", import_module(f"{__name__}.{_PACKAGES[name]}"))

    def __iter__(self) -> Iterator[str]:
        return iter(_PACKAGES)

    def __len__(self) -> int:
        return len(_PACKAGES)


ENGINES: Final[Mapping[str, EngineModule]] = _Engines()
