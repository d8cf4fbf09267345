"""The measured decode speeds as rows of a linear model: what one token read, and how long it took."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).parent / "data"
_GIB: Final = 1024**3

# Tokens in the KV cache at the middle of the test: "tg8192" starts empty and ends with 8,192.
_MEAN_DEPTH: Final = {
    "tg32": 16,
    "tg128": 64,
    "tg512": 256,
    "tg8192": 4096,
    "tg32@d32768": 32768,
    "1024 in, 128 out": 1088,
}
_UNKNOWN_DEPTH: Final = 256  # "generation", "eval rate", "batch 1": short answers to short prompts
_TOKEN_BYTES: Final = {  # of one weight of the embedding table
    "F16": 2.0,
    "BF16": 2.0,
    "Q8_0": 1.0625,
    "INT8": 2.0,
    "AWQ": 2.0,
    "GPTQ": 2.0,
    "FP8": 2.0,
    "Q4_0": 0.5625,
    "Q6_K": 0.8203,
    "MXFP4": 2.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One published run. Seconds are per token; `weight_seconds` and `kv_seconds` are bytes over peak bandwidth."""

    memory_class: str
    engine: str
    gpu: str
    gpu_count: int
    tensor_parallel: bool
    over_pcie: bool
    model: str
    quant: str
    test: str
    layers: int
    weight_seconds: float
    kv_seconds: float
    seconds: float
    source: str


def measurements() -> Iterator[Measurement]:
    """Every run whose model's shape and weights are known."""
    models = tomllib.loads((DATA / "models.toml").read_text())
    for line in (DATA / "decode_speeds.jsonl").read_text().splitlines():
        run = json.loads(line)
        model = models.get(run["model"])
        weights = _weights_bytes(run, model) if model else None
        if model and weights:
            yield _measurement(run, model, weights)


def _measurement(run: dict[str, Any], model: dict[str, Any], weights: float) -> Measurement:
    bandwidth = run["peak_bandwidth_gb_s"] * 1e9
    depth = _MEAN_DEPTH.get(run["test"], _UNKNOWN_DEPTH)
    tensor_parallel = run["engine"].endswith(" TP")
    shares = run["gpu_count"] if tensor_parallel else 1
    return Measurement(
        memory_class=memory_class(run["gpu"]),
        engine=_engine(run["engine"]),
        gpu=run["gpu"],
        gpu_count=run["gpu_count"],
        tensor_parallel=tensor_parallel,
        over_pcie="PCIe" in run["test"],
        model=run["model"],
        quant=run["quant"],
        test=run["test"],
        layers=model["layers"],
        weight_seconds=read_bytes(weights, run["quant"], model) / bandwidth / shares,
        kv_seconds=model["kv_bytes_per_token"] * depth / bandwidth / shares,
        seconds=1 / run["tokens_per_s"],
        source=run["source"],
    )


def _engine(said: str) -> str:
    return next((name for name in ("gpt-fast", "vLLM") if said.startswith(name)), "llama.cpp").lower()


def _weights_bytes(run: dict[str, Any], model: dict[str, Any]) -> float | None:
    """The size of the weights as published, or for gpt-fast from the parameters its README names."""
    if run["weights_gib"]:
        return float(run["weights_gib"]) * _GIB
    parameters = model.get("parameters")
    bytes_per_weight = {"BF16": 2.0, "INT8": 1.0, "INT4 g32": 0.625}.get(run["quant"])
    if parameters is None or bytes_per_weight is None:
        return None
    edges = 2 * model["embedding"]  # gpt-fast keeps the embedding and quantizes the head with the rest
    return float((parameters - edges) * bytes_per_weight + edges / 2 * (2.0 + bytes_per_weight))


def read_bytes(weights: float, quant: str, model: dict[str, Any]) -> float:
    """What one token reads: all but the embedding table and the experts that are not chosen."""
    read: float = weights - model["embedding"] * _TOKEN_BYTES.get(quant.split(maxsplit=1)[0], 0.5625)
    experts = model.get("experts")
    if experts:
        idle = 1 - experts["active"] / experts["total"]
        read -= experts["parameters"] * experts["bits"] / 8 * idle
    return read


def memory_class(gpu: str) -> str:
    """The class of cards that behave alike; the planner has the same rule over catalog rows."""
    if gpu.startswith("Apple"):
        return "apple"
    if "Strix Halo" in gpu:
        return "amd-unified"
    if "GB10" in gpu:
        return "nvidia-unified"
    if gpu.startswith("Radeon"):
        return "amd-gddr"
    if gpu.startswith("Instinct"):
        return "amd-hbm"
    return "nvidia-hbm" if gpu.startswith(("A100", "H100")) else "nvidia-gddr"
