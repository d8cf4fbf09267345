"""Which of vLLM's rules hold in a version: the engine row's constants, resolved."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Engine
from shared.engines.versions import at_version, version_key
from shared.errors import Unsupported

_OLDEST: Final = (0, 8)  # the first version whose default engine is the present one ("V1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """vLLM at one version. Meanings, units and sources are beside each constant in the engine's facts."""

    version: str
    default_utilization: float
    small_gpu_sequences: int
    small_gpu_batched_tokens: int
    large_gpu_sequences: int
    large_gpu_batched_tokens: int
    largest_gpu_batched_tokens: int
    sampler_bytes_per_logit: int
    topk_buffer_rows: int
    experts_workspace_kept: bool
    pipeline_stage_hidden_states: int
    vision_bytes_per_token: int
    vision_bytes_of: tuple[tuple[str, int], ...]  # by architecture, where a run shows it
    vision_tokens_of: tuple[tuple[str, int], ...]  # of the largest image, where it exceeds a batch
    graphs_in_budget: bool
    tokens_are_concurrency: bool
    batches_in_flight: int
    state_pages: int
    packed_pages: bool


@lru_cache(maxsize=64)
def rules_at(facts: Engine, version: str | None) -> Rules:
    """Resolve vLLM's rules at `version` ("0.19", "0.19.0", "v0.19.1"); None is the version the facts describe.

    Raises:
        BadValue: The version is not one we can read.
        Unsupported: The version is older than the rules reach back.
    """
    version = version or facts.version
    if version_key(version) < _OLDEST:
        raise Unsupported(f"I know vLLM's memory rules from 0.8 on, not those of {version}.")

    def number(name: str) -> int:
        return int(at_version(facts, name, version).value)

    return Rules(
        version=version,
        default_utilization=at_version(facts, "default_utilization", version).value,
        small_gpu_sequences=number("small_gpu_sequences"),
        small_gpu_batched_tokens=number("small_gpu_batched_tokens"),
        large_gpu_sequences=number("large_gpu_sequences"),
        large_gpu_batched_tokens=number("large_gpu_batched_tokens"),
        largest_gpu_batched_tokens=number("largest_gpu_batched_tokens"),
        sampler_bytes_per_logit=number("sampler_bytes_per_logit"),
        topk_buffer_rows=number("topk_buffer_rows"),
        experts_workspace_kept=bool(number("experts_workspace_kept")),
        pipeline_stage_hidden_states=number("pipeline_stage_hidden_states"),
        vision_bytes_per_token=number("vision_bytes_per_token"),
        vision_bytes_of=_by_architecture(facts, "vision_bytes_per_token."),
        vision_tokens_of=_by_architecture(facts, "vision_tokens."),
        graphs_in_budget=bool(number("graphs_in_budget")),
        tokens_are_concurrency=bool(number("tokens_are_concurrency")),
        batches_in_flight=number("batches_in_flight"),
        state_pages=number("state_pages"),
        packed_pages=bool(number("packed_pages")),
    )


def _by_architecture(facts: Engine, prefix: str) -> tuple[tuple[str, int], ...]:
    """The constants of this name that are given for one architecture each."""
    return tuple(
        (name.rpartition("@")[0].removeprefix(prefix), int(constant.value))
        for name, constant in facts.constants.items()
        if name.startswith(prefix)
    )
