"""What was literally asked: the named quantization or the published precision, its engine, and what came of it."""

from dataclasses import dataclass

from shared.catalog.catalog import Catalog
from shared.catalog.rows import Quantization
from shared.inverse.attempt import Attempt
from shared.planner.case import Case
from shared.planner.engine_choice import engine_for, published
from shared.planner.fit import attempt_case


@dataclass(frozen=True, slots=True)
class Asked:
    """The literal question. `engine` is None where nothing that was named runs this quantization."""

    quantization: Quantization
    engine: str | None
    attempt: Attempt


def asked_of(case: Case, catalog: Catalog) -> Asked:
    """The literal question, tried with every setting of the engine at its default."""
    if case.quantization is None:
        quantization, native_engine = published(case.model, case.gpu, catalog, case.engine)
        engine: str | None = native_engine
    else:
        quantization = case.quantization
        engine = engine_for(quantization, case.gpu, case.engine)
    if engine is None:
        runs = " or ".join(catalog.engines[name].name for name in quantization.engines)
        where = f"with {catalog.engines[case.engine].name}" if case.engine else f"on {case.gpu.name}"
        reason = f"{quantization.name} does not run {where}; {f'it needs {runs}' if runs else 'no engine we know does'}"
        return Asked(quantization, None, Attempt(None, f"{reason}."))
    return Asked(quantization, engine, attempt_case(case, quantization, engine, catalog, literally=True))
