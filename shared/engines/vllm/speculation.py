"""Speculative decoding in vLLM: what a draft model or MTP layers add to weights, cache and batch."""

from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import LayerKind, Model, Quantization
from shared.engines.vllm.cache import Page, same_cache
from shared.engines.vllm.run import SERVER
from shared.errors import BadValue, Refused, Unsupported
from shared.memory.cache_rows import cache_row_bytes
from shared.memory.checkpoint import scheme
from shared.memory.divisibility import undivided
from shared.memory.drafter_weights import draft_model_bytes, mtp_bytes
from shared.memory.server_weights import Stage
from shared.memory.sharding import rank_weights
from shared.memory.split import Split
from shared.memory.tensors import mtp_model_layer
from shared.memory.workload import Speculation, Workload


@dataclass(frozen=True, slots=True)
class Drafter:
    """What drafts: its weights on one rank, and the rows its layers add to the cache of the ranks it `is_on`."""

    weights_bytes: int = 0
    pages: tuple[Page, ...] = ()
    is_on: bool = True


NOBODY = Drafter()


def check_speculation(workload: Workload, split: Split) -> None:
    """Raise where vLLM does not start with this drafter.

    vllm/v1/spec_decode/draft_model.py of 0.19.0: the vocabularies are equal, and both models are cut alike.

    Raises:
        BadValue: Nothing is guessed ahead.
        Refused: No MTP layers, another vocabulary, or a draft model that does not divide.
        Unsupported: A draft model with recurrent layers.
    """
    speculation = workload.speculation
    if speculation is None:
        return
    model, draft = workload.model, speculation.draft
    if model.shape.compressed is not None:
        raise Unsupported(
            f"I have no rule for what drafts beside {model.name} in vLLM; without it I have one."
        )
    if speculation.tokens < 1:
        raise BadValue("num_speculative_tokens", speculation.tokens, "give at least one token")
    if draft is not None:
        _check_draft(draft, model, split)
    elif not model.shape.mtp_layers:
        raise Refused(
            SERVER.name,
            f"the checkpoint of {model.name} has no multi-token-prediction layers; a draft model works",
            field="speculation",
        )


def _check_draft(draft: Model, model: Model, split: Split) -> None:
    if draft.shape.vocabulary_size != model.shape.vocabulary_size:
        raise Refused(
            SERVER.name,
            f"draft and model must have one vocabulary; {draft.name} has {draft.shape.vocabulary_size:,} tokens and "
            f"{model.name} {model.shape.vocabulary_size:,}",
            field="speculation",
        )
    if LayerKind.RECURRENT in draft.shape.layer_pattern:
        raise Unsupported(
            f"I have no rule for {draft.name} as a draft model in vLLM: it has recurrent layers."
        )
    if reason := undivided(draft.shape, Split.even(split.attention)):
        raise Refused(
            SERVER.name,
            f"the draft model is cut as the model is, and {draft.name} has {reason}",
            field="speculation",
        )


def drafter(
    workload: Workload, stage: Stage, split: Split, pipeline: int, cache_element_bytes: int
) -> Drafter:
    """What drafts on a rank of this stage; only the last stage drafts, all know its layers of the cache."""
    speculation = workload.speculation
    if speculation is None:
        return NOBODY
    if speculation.draft is None:
        found = _mtp(workload.model, workload.quantization, split, pipeline, cache_element_bytes)
    else:
        found = _draft(speculation, workload.quantization, split.attention, cache_element_bytes)
    return found if stage.last else Drafter(pages=found.pages, is_on=False)


@lru_cache(maxsize=2048)
def _mtp(
    model: Model, quantization: Quantization, split: Split, pipeline: int, cache_element_bytes: int
) -> Drafter:
    """The MTP layers, cut like the others; embedding and head are the model's own (over a pipeline: its own embedding).

    vllm/model_executor/models/deepseek_mtp.py, vllm/v1/spec_decode/eagle.py of 0.19.0 (`_maybe_share_embeddings`).
    """
    shape = model.shape
    layer = mtp_model_layer(shape)
    kind = shape.layer_kinds()[layer]
    size = mtp_bytes(model, quantization, split)
    if pipeline > 1:
        size += rank_weights(shape, scheme(model, quantization), split).embedding_bytes
    page = (same_cache(kind), cache_row_bytes(shape, layer, kind, split.attention, cache_element_bytes))
    return Drafter(size, (page,) * shape.mtp_layers)


@lru_cache(maxsize=2048)
def _draft(
    speculation: Speculation, quantization: Quantization, tensor: int, cache_element_bytes: int
) -> Drafter:
    """A whole model of its own, cut over the same ranks, whose layers join the model's cache."""
    draft = speculation.draft
    if draft is None:
        return NOBODY
    weights = draft_model_bytes(draft, speculation.quantization or quantization, tensor)
    pages = tuple(
        (same_cache(kind), row)
        for layer, kind in enumerate(draft.shape.layer_kinds())
        if (row := cache_row_bytes(draft.shape, layer, kind, tensor, cache_element_bytes))
    )
    return Drafter(weights, pages)
