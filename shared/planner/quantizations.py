"""Which quantizations are worth trying for a model, best quality first, and what each does on the asked GPUs."""

from collections.abc import Iterator
from functools import lru_cache

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model, Quantization, QuantizationFormat
from shared.inverse.quantization import is_native
from shared.planner.case import Case
from shared.planner.engine_choice import engine_for, published, runs_on, serves
from shared.planner.fit import attempt_case
from shared.planner.plan import QuantizationFit
from shared.planner.reach import longest_context

_FOUR_BIT_FORMATS = (
    QuantizationFormat.AWQ,
    QuantizationFormat.GPTQ,
    QuantizationFormat.COMPRESSED,
)
_FIVE_BITS = 5
_LARGE = 20e9
_SMALLEST_USEFUL_CONTEXT = 512


def gguf_ladder(model: Model, catalog: Catalog) -> tuple[Quantization, ...]:
    """GGUF types worth naming for this model: no type that is both larger and worse than another."""
    if model.shape.gguf_architecture is None:
        return ()
    native = catalog.quantizations.get(model.native_quantization)
    ceiling = native.bits_per_weight if native is not None else 16.0
    twin = catalog.quantizations.get("MXFP4_MOE") if model.native_quantization == "MXFP4" else None
    below = tuple(row for row in _useful_gguf_types(catalog) if row.bits_per_weight <= max(ceiling, 4.0) + 1)
    return (twin, *(row for row in below if row.bits_per_weight < ceiling)) if twin else below


def server_ladder(model: Model, gpu: Gpu, catalog: Catalog) -> tuple[Quantization, ...]:
    """What the servers would load on this card: the published precision, FP8 or INT8, and one 4-bit format."""
    if not serves(gpu):
        return ()
    native = catalog.quantizations.get(model.native_quantization)
    names = [model.native_quantization]
    if native is not None and native.id == "BF16" and not runs_on(native, gpu):
        names = ["F16"]
    if not published_small(model, catalog):
        eight = ["FP8"] if gpu.supports_fp8 or runs_on_id("FP8", gpu, catalog) else []
        names += [*eight, "INT8", four_bit_server_format(model, gpu, catalog)]
    rows = [catalog.quantizations[name] for name in dict.fromkeys(names) if name in catalog.quantizations]
    ceiling = native.bits_per_weight if native is not None else 16.0
    return tuple(
        row for row in rows if runs_on(row, gpu) and (is_native(row, model) or row.bits_per_weight < ceiling)
    )


def published_small(model: Model, catalog: Catalog) -> bool:
    """Whether the checkpoint itself is at about 4 bits (gpt-oss): another 4-bit format gains nothing."""
    native = catalog.quantizations.get(model.native_quantization)
    return native is not None and native.bits_per_weight < _FIVE_BITS


def four_bit_gguf(model: Model, catalog: Catalog) -> Quantization | None:
    """The GGUF type one would take at about 4 bits: the published experts as they are where there is such a type."""
    twin = "MXFP4_MOE" if model.native_quantization == "MXFP4" else "Q4_K_M"
    return catalog.quantizations.get(twin) if model.shape.gguf_architecture is not None else None


def runs_on_id(quantization_id: str, gpu: Gpu, catalog: Catalog) -> bool:
    """Whether the card's generation can run this quantization, which must exist."""
    row = catalog.quantizations.get(quantization_id)
    return row is not None and runs_on(row, gpu)


def four_bit_server_format(model: Model, gpu: Gpu, catalog: Catalog) -> str:
    """The 4-bit format to serve on this card: of a published checkpoint where there is one, else AWQ."""
    published_formats = {
        row.format: row.id
        for repo in model.quantized_repos
        if (row := catalog.quantizations.get(repo.quantization)) is not None
        and row.bits_per_weight < _FIVE_BITS
    }
    wanted = (QuantizationFormat.NVFP4, *_FOUR_BIT_FORMATS) if gpu.supports_fp4 else _FOUR_BIT_FORMATS
    return next((published_formats[form] for form in wanted if form in published_formats), "AWQ")


def about_four_bits_or_better(quantization: Quantization, model: Model, catalog: Catalog) -> bool:
    """Whether a model stays healthy in it: as published, or no worse than the plainest 4-bit type."""
    if is_native(quantization, model):
        return True
    plainest = catalog.quantizations.get("Q4_0")
    return quantization.rank <= plainest.rank if plainest is not None else quantization.bits_per_weight >= 4


def ladder(case: Case, catalog: Catalog) -> Iterator[tuple[Quantization, str]]:
    """Every quantization worth trying for this case with its engine, best quality first."""
    rows = {
        row.id: row
        for row in (*server_ladder(case.model, case.gpu, catalog), *gguf_ladder(case.model, catalog))
    }
    native, _ = published(case.model, case.gpu, catalog, case.engine)
    rows.setdefault(native.id, native)
    for row in sorted(rows.values(), key=lambda row: (not is_native(row, case.model), row.rank)):
        engine = engine_for(row, case.gpu, case.engine)
        if engine is not None:
            yield row, engine


def surely_too_large(case: Case, quantization: Quantization) -> bool:
    """Whether the nominal size alone is out of reach, so that no estimate need be made.

    Small models keep a large embedding table on the host; of large ones a file at 4 bits and up is nearly its
    nominal size, and one of a lower type up to a sixth smaller.
    """
    least = 0.75
    if case.model.parameters >= _LARGE:
        least = 0.94 if quantization.bits_per_weight >= 4 else 0.8
    nominal = case.model.parameters * quantization.bits_per_weight / 8
    return nominal * least > sum(gpu.memory_usable_bytes for gpu in case.gpus)


def fits_on_these_gpus(case: Case, catalog: Catalog) -> tuple[QuantizationFit, ...]:
    """What each quantization does on the asked GPUs as they are, best quality first.

    Of those that are far too large only the ones everybody knows are there.
    """
    found = []
    for quantization, engine in ladder(case, catalog):
        if surely_too_large(case, quantization) and not _is_landmark(quantization, case):
            continue
        tried = attempt_case(case, quantization, engine, catalog)
        if tried.estimate is None:
            continue
        estimate = tried.estimate
        longest = 0
        if tried.may_fit or attempt_case(case, quantization, engine, catalog, context_tokens=512).fits:
            longest = longest_context(estimate, catalog)
        found.append(
            QuantizationFit(
                quantization=quantization,
                engine=engine,
                weights_bytes=sum(device.weights_bytes for device in estimate.breakdown.per_gpu),
                total_bytes=estimate.breakdown.total_bytes,
                verdict=estimate.verdict,
                longest_context_tokens=longest if longest >= _SMALLEST_USEFUL_CONTEXT else 0,
            )
        )
    return tuple(found)


def _is_landmark(quantization: Quantization, case: Case) -> bool:
    asked = case.quantization is not None and quantization.id == case.quantization.id
    return (
        asked or is_native(quantization, case.model) or quantization.id in ("FP8", "Q8_0", "Q4_K_M", "Q3_K_M")
    )


@lru_cache(maxsize=8)
def _useful_types(rows: tuple[Quantization, ...]) -> tuple[Quantization, ...]:
    useful: list[Quantization] = []
    for row in sorted(rows, key=lambda row: (row.rank, row.bits_per_weight)):
        if all(row.bits_per_weight < better.bits_per_weight for better in useful):
            useful.append(row)
    return tuple(useful)


def _useful_gguf_types(catalog: Catalog) -> tuple[Quantization, ...]:
    return _useful_types(
        tuple(
            row
            for row in catalog.quantizations.values()
            if row.format is QuantizationFormat.GGUF and row.id != "MXFP4_MOE" and not row.only_as_trained
        )
    )
