"""`fit explain MODEL`: what is known of one model, what follows from it, and where each fact comes from."""

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from typing import Final

from bot.terminal.listings import as_dict
from bot.terminal.unlisted import catalog_with
from shared.catalog.catalog import Catalog
from shared.catalog.names import find_model
from shared.catalog.rows import Model, Shape
from shared.memory.parameter_lines import parameter_lines
from shared.units import gib, tokens

# layers that keep something else per token than keys and values of the heads, or nothing
_KEEP_OTHERWISE: Final = frozenset({"latent", "compressed", "recurrent", "none"})


def run_explain(options: Namespace, catalog: Catalog) -> int:
    """Print one model's row in words, or as JSON."""
    catalog = catalog_with(options.model, catalog)
    model = find_model(options.model, catalog)
    if options.json:
        print(json.dumps({**as_dict(model), "parameter_sum": _sum_as_json(model)}, indent=2))
        return 0
    for name, value in _facts(model, catalog):
        print(f"{name:<22} {value}")
    return 0


def _facts(model: Model, catalog: Catalog) -> Iterator[tuple[str, str]]:
    shape = model.shape
    yield model.name, model.repo_id
    active = (
        ""
        if model.active_parameters == model.parameters
        else f", {model.active_parameters:,} active per token"
    )
    yield "parameters", f"{model.parameters:,}{active}"
    yield from _sum(model)
    native = catalog.quantizations[model.native_quantization]
    size = gib(round(model.parameters * native.bits_per_weight / 8))
    yield "published as", f"{native.name}, about {size} of weights"
    yield "context", f"{model.context_tokens:,} tokens ({tokens(model.context_tokens)})"
    yield "licence", f"{model.license}{', gated: accept it before you pull' if model.gated else ''}"
    yield from _shape(shape)
    if model.gguf_repo_id:
        yield "GGUF files", model.gguf_repo_id
    for repo in model.quantized_repos:
        yield repo.quantization, repo.repo_id
    date = f", {model.source.date.isoformat()}" if model.source.date else ""
    yield "source", f"{model.source.text} ({model.source.kind.value}{date})"


def _sum(model: Model) -> Iterator[tuple[str, str]]:
    """The sum over the shape, one line for each part of each kind of layer."""
    lines = parameter_lines(model)
    for line in lines:
        times = "" if line.layers is None else f"{line.layers} x {line.each:,}"
        yield "", f"{line.parameters:>19,}  {line.part}{f' ({times})' if times else ''}"
    yield "sum over the tensors", f"{sum(line.parameters for line in lines):,}{_note(model)}"


def _sum_as_json(model: Model) -> list[dict[str, str | int]]:
    return [
        {
            "part": line.part,
            "layers": 1 if line.layers is None else line.layers,
            "parameters_each": line.each,
            "parameters": line.parameters,
        }
        for line in parameter_lines(model)
    ]


def _note(model: Model) -> str:
    return f" ({model.parameters_note})" if model.parameters_note else ""


def _shape(shape: Shape) -> Iterator[tuple[str, str]]:
    kinds = Counter(kind.value for kind in shape.layer_kinds())
    yield "layers", f"{shape.layers} ({', '.join(f'{count} {kind}' for kind, count in kinds.items())})"
    yield (
        "hidden size",
        f"{shape.hidden_size:,}; feed-forward {shape.ffn_size:,}; vocabulary {shape.vocabulary_size:,}",
    )
    heads = shape.attention
    if heads:
        yield "attention", f"{heads.heads} heads, {heads.kv_heads} KV heads of {heads.head_dim}"
    if heads and set(kinds) - _KEEP_OTHERWISE:
        width = heads.head_dim + (heads.value_head_dim or heads.head_dim)
        per_layer = 2 * heads.kv_heads * width
        yield "KV cache", f"{per_layer:,} bytes per token and full layer at 16 bits"
    if shape.latent:
        row = shape.latent.kv_rank + shape.latent.rope_head_dim
        yield (
            "latent attention",
            f"rank {shape.latent.kv_rank}: {2 * row:,} bytes per token and layer at 16 bits",
        )
    if shape.window_tokens:
        yield "window", f"{shape.window_tokens:,} tokens"
    if shape.experts:
        experts = shape.experts
        yield "experts", f"{experts.active} of {experts.total} per token, {experts.ffn_size:,} wide"
    yield "architecture", f"{shape.architecture}; llama.cpp: {shape.gguf_architecture or 'not supported'}"
