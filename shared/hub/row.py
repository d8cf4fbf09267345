"""What was read of a model becomes a row of the catalog, its sum held against the published count (pure)."""

import re
from typing import Final

from shared.catalog.rows import Experts, Model, Shape, Source, SourceKind, Tower
from shared.catalog.validated import checked, first_problem
from shared.errors import Unsupported, shown
from shared.hub.config.quantization import quantization_of_config
from shared.hub.config.shape import shape_of_config, text_part
from shared.hub.documents import Documents
from shared.memory.tensor import Role
from shared.memory.tensors import inventory

_NO_CONTEXT: Final = (
    2048  # what an architecture without learned or rotary limits is planned for when it says none
)
_CLOSE: Final = 0.005  # the catalog's own tolerance between a shape's sum and the published count
_TOO_FAR: Final = 0.05  # beyond it the adapter has read another model
_ROUTED: Final = frozenset({Role.EXPERT_UP, Role.EXPERT_DOWN, Role.EXPERT_GATE})
_CONTEXT: Final = (
    "max_position_embeddings",
    "max_sequence_length",
    "seq_length",
    "n_positions",
    "max_seq_len",
)


def model_row(read: Documents) -> Model:
    """The row of a model nobody listed.

    Raises:
        Unsupported: Its architecture has no adapter, its config cannot be, or its shape does not add up to the
            parameters its files hold.
    """
    shape = shape_of_config(read.config)
    fields, has_towers = text_part(read.config)
    summed = inventory(shape).parameters
    towers, note = _beside(read.name, shape, read.parameters, has_towers=has_towers)
    parameters = summed + sum(tower.parameters for tower in towers)
    short = read.name.rpartition("/")[2]
    try:
        row = Model(
            id=_slug(read.name.replace("/", "-")),
            name=short,
            family=_slug(re.split(r"[-_.\d]", short)[0] or short),
            repo_id=read.name,
            parameters=parameters,
            active_parameters=parameters - _inactive(shape),
            parameters_note=note,
            context_tokens=fields.whole(*_CONTEXT, default=_NO_CONTEXT, least=1),
            native_quantization=read.quantization or quantization_of_config(read.config, read.dtype),
            license=read.license,
            gated=read.gated,
            released=read.released,
            shape=shape,
            towers=towers,
            source=Source(kind=SourceKind.CONFIG, text=read.place, date=read.read_on),
        )
        return checked(row)
    except ValueError as error:
        raise Unsupported(f"{shown(read.name)} cannot be made a row: {first_problem(error)}.") from None


def _beside(name: str, shape: Shape, total: int, *, has_towers: bool) -> tuple[tuple[Tower, ...], str | None]:
    """The encoders beside the decoder as what is left of the published count, and what is to be said of the sum."""
    if not total:
        what = ", without its image or sound encoder" if has_towers else ""
        return (), f"the sum over the shape{what}; the files do not say how many parameters they hold"
    sums = inventory(shape)
    left = total - sums.parameters
    with_mtp = left - sums.mtp_parameters
    if has_towers and left > 0:
        rest = with_mtp if with_mtp > 0 else left
        return (Tower(kind="vision", parameters=rest),), "the encoders are what the published count leaves"
    embeddings = shape.vocabulary_size * shape.hidden_size  # a tied head may be stored twice
    off = min(abs(left), abs(with_mtp), abs(left - embeddings)) / total
    if off > _TOO_FAR:
        raise Unsupported(
            f"{shown(name)} holds {total:,} parameters and its config adds up to {sums.parameters:,}, "
            "so I have read it wrongly and say no more."
        )
    return (), f"its files hold {total:,}" if abs(left) / total > _CLOSE else None


def _inactive(shape: Shape) -> int:
    """Weights of the experts a token does not pass through."""
    experts = shape.experts
    if experts is None:
        return 0
    routed = sum(
        tensor.parameters * len(group.layers)
        for group in inventory(shape).groups
        for tensor in group.tensors
        if tensor.role in _ROUTED
    )
    return routed * _left_out(experts) // experts.total


def _left_out(experts: Experts) -> int:
    return experts.total - experts.active


def _slug(text: str) -> str:
    """Lower-case letters, digits, dots and hyphens, as ids are."""
    slug = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")
    if not slug:
        raise Unsupported(f"{shown(text)} has no letter or digit to make a name of.")
    return slug
