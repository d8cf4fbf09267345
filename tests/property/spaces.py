"""The whole input space: every model, quantization, card and setting, for all five engines."""

import os
from dataclasses import dataclass
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from shared.catalog.load import load_catalog
from shared.catalog.rows import Gpu, Model
from shared.errors import BadValue, Refused, Unsupported
from shared.estimator import Estimate, estimate
from shared.memory.workload import Adapters, Speculation, Workload
from shared.planner.alternatives import slice_of

# How long each law is looked at: briefly in every run, as long as asked by hand (PROPERTY_EXAMPLES=20000).
_ASKED: Final = os.environ.get("PROPERTY_EXAMPLES")


def _law(examples: int) -> settings:
    return settings(
        deadline=None,
        max_examples=int(_ASKED or examples),
        derandomize=_ASKED is None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


LAW: Final = _law(80)
SLOW_LAW: Final = _law(25)  # each example is dozens of estimates

CATALOG = load_catalog()
ENGINES = ("llama.cpp", "vllm", "sglang", "tgi", "transformers")
RESERVING = ("vllm", "sglang", "tgi")
MODELS = tuple(CATALOG.models[name] for name in sorted(CATALOG.models))
MIXTURES = tuple(model for model in MODELS if model.shape.experts is not None)
WHOLE_GPUS = tuple(CATALOG.gpus[name] for name in sorted(CATALOG.gpus))
SLICES = tuple(slice_of(gpu, profile) for gpu in WHOLE_GPUS for profile in gpu.mig_profiles)
# Cards the servers run on: most draws of the others end in a refusal, which one law is enough to look at.
SERVING = tuple(gpu for gpu in WHOLE_GPUS if gpu.compute_capability and gpu.compute_capability >= (8, 0))
CACHE_TYPES = {
    "llama.cpp": ("auto", "f16", "bf16", "f32", "q8_0", "q5_1", "q4_0", "iq4_nl"),
    "vllm": ("auto", "fp8", "bfloat16"),
    "sglang": ("auto", "fp8_e4m3", "bfloat16"),
    "tgi": ("auto", "fp8_e5m2"),
    "transformers": ("auto",),
}
LOADED = {
    engine: tuple(row for row in CATALOG.quantizations.values() if engine in row.engines)
    for engine in ENGINES
}


@dataclass(frozen=True, slots=True)
class Case:
    """A workload and the cards it is put on."""

    workload: Workload
    gpus: tuple[Gpu, ...]

    def __repr__(self) -> str:
        load = self.workload
        changed = {
            name: value
            for name in type(load).__dataclass_fields__
            if name not in ("model", "quantization") and (value := getattr(load, name)) is not None
        }
        return f"{load.model.id} {load.quantization.id} on {[gpu.id for gpu in self.gpus]} {changed}"


@st.composite
def cards(draw, engine: str, most: int = 8) -> tuple[Gpu, ...]:
    """One card, several alike, slices of one, or cards of different kinds."""
    pool = WHOLE_GPUS if engine == "llama.cpp" else SERVING
    kind = draw(st.sampled_from(("alike", "alike", "slices", "mixed")))
    if kind == "mixed":
        return tuple(draw(st.lists(st.sampled_from(pool), min_size=1, max_size=min(4, most))))
    one = draw(st.sampled_from(SLICES if kind == "slices" else pool))
    return (one,) * draw(st.sampled_from([count for count in (1, 1, 2, 3, 4, 8) if count <= most]))


@st.composite
def cases(
    draw, engines: tuple[str, ...] = ENGINES, most_gpus: int = 8, models: tuple[Model, ...] = MODELS
) -> Case:
    """Any workload on any cards; what the engine refuses is left to the law that is about refusals."""
    engine = draw(st.sampled_from(engines))
    model = draw(st.sampled_from(models))
    gpus = draw(cards(engine, most_gpus))
    settings = draw(_LLAMA_CPP if engine == "llama.cpp" else _SERVED if engine in RESERVING else st.just({}))
    if engine in RESERVING:
        settings = settings | draw(_parallel(engine, len(gpus)))
    settings = settings | draw(_beside(engine))
    key = draw(st.sampled_from(CACHE_TYPES[engine]))
    value = draw(st.sampled_from((key, *CACHE_TYPES[engine]))) if engine == "llama.cpp" else key
    return Case(
        Workload(
            model=model,
            quantization=draw(st.sampled_from(LOADED[engine])),
            engine=engine,
            context_tokens=draw(st.integers(1, model.context_tokens)),
            sequences=draw(st.one_of(st.just(1), st.integers(1, 256))),
            kv_cache_type_k=key,
            kv_cache_type_v=value,
            **settings,
        ),
        gpus,
    )


_MAYBE = st.one_of(st.none(), st.booleans())
_LLAMA_CPP = st.fixed_dictionaries(
    {
        "gpu_layers": st.one_of(st.none(), st.integers(0, 130)),
        "cpu_expert_layers": st.one_of(st.just(0), st.integers(0, 100)),
        "batch_tokens": st.one_of(st.none(), st.integers(1, 8192)),
        "ubatch_tokens": st.one_of(st.none(), st.integers(1, 4096)),
        "flash_attention": _MAYBE,
        "kv_unified": _MAYBE,
        "swa_full": st.booleans(),
        "program": st.sampled_from(("llama-server", "llama-cli")),
        "split_mode": st.sampled_from(("layer", "layer", "row", "none")),
        "engine_version": st.sampled_from((None, "0.5.0", "b4000")),
    }
)
_SERVED = st.fixed_dictionaries(
    {
        "gpu_memory_utilization": st.one_of(st.none(), st.floats(0.05, 0.99)),
        "max_num_seqs": st.one_of(st.none(), st.integers(1, 1024)),
        "max_num_batched_tokens": st.one_of(st.none(), st.integers(1024, 32_768)),
        "enforce_eager": st.booleans(),
    }
)


_DRAFTS = tuple(CATALOG.models[name] for name in ("qwen3-0.6b", "llama-3.2-1b", "gemma-3-1b"))
_SPECULATION = st.builds(
    Speculation,
    tokens=st.integers(1, 8),
    draft=st.one_of(st.none(), st.sampled_from(_DRAFTS)),  # none: the model's own MTP layers
)
_ADAPTERS = st.builds(
    Adapters,
    count=st.integers(1, 8),
    rank=st.integers(1, 128),
    targets=st.sampled_from(("all-linear", "attention")),
)


def _beside(engine: str) -> st.SearchStrategy[dict[str, object]]:
    """What may run beside the model; usually nothing."""
    speculation = _SPECULATION if engine in ("llama.cpp", "vllm", "transformers") else st.none()
    return st.one_of(
        st.just({}),
        st.just({}),
        st.builds(lambda found: {"speculation": found}, speculation),
        st.builds(lambda found: {"adapters": found}, _ADAPTERS),
        st.just({"projector": True} if engine == "llama.cpp" else {}),
    )


def _parallel(engine: str, count: int) -> st.SearchStrategy[dict[str, int | None]]:
    """Parallel sizes that use all the cards, or none said."""
    if engine == "tgi":
        return st.just({})
    ways = [
        {"tensor_parallel": tensor, "pipeline_parallel": count // tensor}
        for tensor in range(1, count + 1)
        if count % tensor == 0
    ]
    ways += [
        {"tensor_parallel": 1, "data_parallel": count},
        {"tensor_parallel": count, "expert_parallel": count},
    ]
    return st.sampled_from([{}, *ways])


def tried(
    workload: Workload, gpus: tuple[Gpu, ...], free_bytes: tuple[int, ...] | None = None
) -> Estimate | None:
    """The estimate, or None where the engine or we say no."""
    try:
        return estimate(workload, gpus, CATALOG, free_bytes=free_bytes)
    except (Refused, Unsupported, BadValue):
        return None
