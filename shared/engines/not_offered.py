"""What an engine has not, refused in its name, so that nothing asked for is left out in silence."""

from collections.abc import Mapping
from typing import Final

from shared.errors import Refused
from shared.memory.workload import Workload

# What may be asked beside the model, and who has it (with rules of ours).
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "data_parallel": ("data parallel", "vLLM and SGLang have it; or start the server once per GPU"),
    "data_parallel_attention": ("data-parallel attention", "SGLang has it"),
    "expert_parallel": ("expert parallel", "vLLM and SGLang have it"),
    "speculation": (
        "speculative decoding that I have rules for",
        "vLLM, SGLang, llama.cpp and transformers have it",
    ),
}


def refuse_not_offered(name: str, workload: Workload, *, offered: frozenset[str] = frozenset()) -> None:
    """Raise where a workload asks for something this engine has not.

    Args:
        name: The engine, as the sentence calls it.
        workload: What is asked.
        offered: The fields the engine has.

    Raises:
        Refused: It asks for another.
    """
    if _is_plain(workload):  # nearly always
        return
    for field, (words, who) in _WORDS.items():
        value = getattr(workload, field)
        is_asked = value is not None and value is not False and value != 1
        if is_asked and field not in offered:
            raise Refused(name, f"it has no {words}; {who}", field=field)


def _is_plain(workload: Workload) -> bool:
    """Whether nothing beside the model is asked for."""
    return (
        workload.speculation is None
        and workload.adapters is None
        and not workload.data_parallel_attention
        and (workload.data_parallel or 1) == 1
        and (workload.expert_parallel or 1) == 1
    )
