"""The row of a published model."""

import datetime
from dataclasses import dataclass
from typing import Annotated, Literal

from shared.catalog.row import Count, Limits, Positive, Row, Source
from shared.catalog.shape import Shape


@dataclass(frozen=True, kw_only=True)
class Tower(Row):
    """A vision or audio encoder with its projector: weights held beside the language model, never quantized."""

    kind: Literal["vision", "audio"]
    parameters: Positive
    activation_bytes: Count = 0


@dataclass(frozen=True, kw_only=True)
class QuantizedRepo(Row):
    """A published checkpoint of a model in another quantization."""

    quantization: str  # id of the quantization
    repo_id: str


@dataclass(frozen=True, kw_only=True)
class Model(Row):
    """One published model: identity, shape, and what a person needs to know before pulling it."""

    id: Annotated[str, Limits(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
    name: str
    family: str
    repo_id: str
    aliases: tuple[str, ...] = ()
    parameters: Positive  # published total, all weights of the checkpoint that are loaded
    active_parameters: Positive  # per token; equals parameters for a dense model
    parameters_note: str | None = (
        None  # why the sum over the shape differs from the published count, if it does
    )
    context_tokens: Positive  # the longest context the model was made for
    native_quantization: str  # id of the quantization the checkpoint is published in
    license: str
    gated: bool
    released: datetime.date | None = None
    gguf_repo_id: str | None = None
    quantized_repos: tuple[QuantizedRepo, ...] = ()
    shape: Shape
    towers: tuple[Tower, ...] = ()
    source: Source

    def __hash__(self) -> int:
        """By id alone: cheap enough for the estimator's caches, and equal rows have equal ids."""
        return hash(self.id)
