"""Which published checkpoint holds a model in a quantization, for a launch command."""

from dataclasses import dataclass

from shared.catalog.rows import Model, Quantization, QuantizationFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What to name on the command line; `as_published` is False where the engine itself must quantize or cast."""

    name: str
    as_published: bool
    notes: tuple[str, ...] = ()


def checkpoint(model: Model, quantization: Quantization, *, on_the_fly: frozenset[str]) -> Checkpoint:
    """The repository with these weights.

    Args:
        model: The model.
        quantization: The quantization wanted.
        on_the_fly: Ids of quantizations the engine makes itself from 16-bit weights while it loads them.

    Returns:
        The model's own repository, a published quantized one, or a path to fill in with a note that says so.
    """
    licence = (f"{model.repo_id} is gated: accept its licence ({model.license}) and set HF_TOKEN.",)
    notes = licence if model.gated else ()
    published = next(
        (row.repo_id for row in model.quantized_repos if row.quantization == quantization.id), None
    )
    if published is not None:
        return Checkpoint(name=published, as_published=True)
    if quantization.id == model.native_quantization:
        return Checkpoint(name=model.repo_id, as_published=True, notes=notes)
    sixteen_bit = model.native_quantization in ("BF16", "F16", "F32")
    if sixteen_bit and (quantization.format is QuantizationFormat.PLAIN or quantization.id in on_the_fly):
        return Checkpoint(name=model.repo_id, as_published=False, notes=notes)
    fill_in = f"path/to/{model.repo_id.rpartition('/')[2]}-{quantization.id}"
    missing = (
        f"I know no {quantization.id} checkpoint of {model.name}: put the name of one in place of {fill_in}."
    )
    return Checkpoint(name=fill_in, as_published=True, notes=(missing,))
