"""What the tests of the servers share: the catalog, workloads over all of it, and their commands' options."""

import tomllib
from importlib import resources

from hypothesis import strategies as st

from shared.catalog.load import load_catalog
from shared.catalog.rows import Gpu
from shared.memory.workload import Workload

CATALOG = load_catalog()
MODELS = sorted(CATALOG.models)


def options(engine: str) -> frozenset[str]:
    """The options of the engine's program, from the list beside its rules."""
    text = resources.files(f"shared.engines.{engine}").joinpath("options.toml").read_text()
    return frozenset(tomllib.loads(text)["options"])


def served(engine: str) -> list[str]:
    """Quantizations the engine loads."""
    return sorted(row.id for row in CATALOG.quantizations.values() if engine in row.engines)


def workloads(engine: str, cache_types: tuple[str, ...] = ("auto", "fp8")) -> st.SearchStrategy[Workload]:
    return st.builds(
        Workload,
        model=st.sampled_from(MODELS).map(CATALOG.models.__getitem__),
        quantization=st.sampled_from(served(engine)).map(CATALOG.quantizations.__getitem__),
        engine=st.just(engine),
        context_tokens=st.integers(1, 131_072),
        sequences=st.integers(1, 256),
        kv_cache_type_k=st.sampled_from(cache_types),
        gpu_memory_utilization=st.one_of(st.none(), st.floats(0.05, 0.99)),
        max_num_seqs=st.one_of(st.none(), st.integers(1, 512)),
        max_num_batched_tokens=st.one_of(st.none(), st.integers(512, 16_384)),
        enforce_eager=st.booleans(),
    )


def gpus() -> st.SearchStrategy[tuple[Gpu, ...]]:
    nvidia = sorted(gpu.id for gpu in CATALOG.gpus.values() if gpu.vendor == "nvidia")
    return st.tuples(st.sampled_from(nvidia), st.sampled_from([1, 2, 4, 8])).map(
        lambda pick: (CATALOG.gpus[pick[0]],) * pick[1]
    )
