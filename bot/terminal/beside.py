"""What runs beside the model in one estimate: a draft model or MTP layers, and LoRA adapters."""

from collections.abc import Mapping
from typing import Any, Final

from bot.terminal.fields import one_of, switch, text, whole
from shared.catalog.catalog import Catalog
from shared.catalog.checkpoints import find_checkpoint
from shared.catalog.names import find_quantization
from shared.catalog.rows import Quantization
from shared.errors import BadValue
from shared.memory.workload import Adapters, Speculation

_MOST_TOKENS: Final = 64
_MOST_ADAPTERS: Final = 1024
_MOST_RANK: Final = 4096
_RANK: Final = 16  # what vLLM takes and most adapters have
_GUESSED: Final = 3


def speculation_of(
    given: Mapping[str, Any], quantization: Quantization, catalog: Catalog, assumptions: list[str]
) -> Speculation | None:
    """Speculative decoding as asked; None where it is not.

    Raises:
        UserError: Both ways at once, a detail of neither, or a name nobody knows.
    """
    mtp = bool(switch(given, "mtp"))
    tokens = whole(given, "num_speculative_tokens", 1, _MOST_TOKENS)
    if "draft_model" not in given and not mtp:
        for name in ("num_speculative_tokens", "draft_quantization", "draft_gpu_layers"):
            if name in given:
                raise BadValue(name, given[name], "name a draft model too, or --mtp")
        return None
    if mtp and "draft_model" in given:
        raise BadValue("draft_model", given["draft_model"], "a draft model or --mtp, not both")
    if tokens is None:
        tokens = 1 if mtp else _GUESSED
        assumptions.append(f"How many tokens are guessed ahead was not given: {tokens}.")
    if mtp:
        return Speculation(tokens=tokens)
    found = find_checkpoint(text(given, "draft_model"), catalog)
    stored = quantization
    if "draft_quantization" in given:
        stored = find_quantization(text(given, "draft_quantization"), catalog)
    elif found.quantization is not None:
        stored = found.quantization
    else:
        assumptions.append(f"The draft model's precision was not given: {stored.name}, as the model's.")
    layers = whole(given, "draft_gpu_layers", 0, 100_000)
    return Speculation(tokens=tokens, draft=found.model, quantization=stored, gpu_layers=layers)


def adapters_of(given: Mapping[str, Any], assumptions: list[str]) -> Adapters | None:
    """LoRA adapters as asked; None where none are.

    Raises:
        BadValue: A rank or targets of no adapter, or a number that cannot be.
    """
    count = whole(given, "max_loras", 1, _MOST_ADAPTERS)
    rank = whole(given, "max_lora_rank", 1, _MOST_RANK)
    if count is None and rank is None:
        if "lora_targets" in given:
            raise BadValue("lora_targets", given["lora_targets"], "say how many adapters: --max-loras")
        return None
    if rank is None:
        rank = _RANK
        assumptions.append(f"The adapters' rank was not given: {rank}.")
    targets = one_of(given, "lora_targets", ("all-linear", "attention"), "all-linear")
    return Adapters(
        count=count or 1, rank=rank, targets="attention" if targets == "attention" else "all-linear"
    )
