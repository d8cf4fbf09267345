"""Layers whose memory in an engine we have no rule for: the model is refused there, with what its weights take."""

from typing import Final

from shared.catalog.rows import LayerKind, Model, Shape
from shared.errors import NoRule
from shared.units import gib

_WORDS: Final = {
    LayerKind.SPARSE: "attention to blocks that an indexer picks",
    LayerKind.COMPRESSED: "attention to compressed tokens",
    LayerKind.PARALLEL: "attention and Mamba side by side",
    LayerKind.CROSS: "layers that attend to an image",
}


def refuse_uncommon(
    engine: str, model: Model, weights_bytes: int, *, ruled: frozenset[LayerKind] = frozenset()
) -> None:
    """Raise where the model has layers that this engine's rules do not count.

    Args:
        engine: Its name as a person says it.
        model: The model.
        weights_bytes: What its weights take; they follow from the shape in any engine.
        ruled: Uncommon kinds of layers that the engine's rules do count.

    Raises:
        NoRule: There are such layers.
    """
    parts = _uncommon(model.shape, ruled)
    if parts:
        raise NoRule(
            f"I have no rule for {engine}'s memory of {model.name} ({' and '.join(parts)}); "
            f"its weights alone take {gib(weights_bytes)}.",
            weights_bytes=weights_bytes,
        )


def _uncommon(shape: Shape, ruled: frozenset[LayerKind]) -> tuple[str, ...]:
    kinds = set(shape.layer_pattern) - ruled
    parts = [words for kind, words in _WORDS.items() if kind in kinds]
    if shape.ngram_rows:
        parts.append("an embedding of token pairs and triples")
    if shape.residual_block:
        parts.append("outputs of earlier layers that are kept")
    return tuple(parts)
