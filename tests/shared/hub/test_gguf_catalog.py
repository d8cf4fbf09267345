"""Every model of the catalog written as the GGUF header llama.cpp loads is read back as the same shape."""

from dataclasses import replace

import pytest

from benchmarks.oracle.file_tensors import file_tensors
from benchmarks.oracle.metadata import metadata
from shared.catalog.load import load_catalog
from shared.catalog.rows import Model, Shape
from shared.errors import Unsupported
from shared.hub.config.shape import shape_of_config
from shared.hub.gguf.config import MODEL_TYPES, config_of_header
from shared.hub.gguf.header import GgufHeader

CATALOG = load_catalog()
# What a file does not hold, or holds otherwise than the oracle writes it.
NOT_IN_A_FILE = {
    "kind": "a file does not say that its model embeds",
    "mtp_layers": "converters of these models leave prediction layers out",
    "architecture": "several architectures of config.json share a loader",
}
OTHERWISE = {
    "laguna-m-226b": "the oracle's writer doubles the query; a real file has the gate apart, tested below",
    "granite-8b-code": "a Llama with biases, which is refused",
}


def _models() -> list[Model]:
    """One model per shape, of the architectures that are read."""
    by_shape: dict[Shape, Model] = {}
    for model in CATALOG.models.values():
        if model.shape.gguf_architecture in MODEL_TYPES and model.id not in OTHERWISE:
            by_shape.setdefault(model.shape, model)
    return list(by_shape.values())


def _header(model: Model) -> GgufHeader:
    tensors = {one.name: tuple(one.dimensions) for one in file_tensors(model.shape, "BF16")}
    return GgufHeader(metadata=metadata(model), lengths={}, tensors=tensors)


def _comparable(shape: Shape) -> Shape:
    return replace(
        shape, kind="decoder", mtp_layers=0, architecture="", layer_pattern=tuple(shape.layer_kinds())
    )


@pytest.mark.parametrize("model", [pytest.param(model, id=model.id) for model in _models()])
def test_a_file_of_the_catalog_is_read_as_its_row(model: Model) -> None:
    """The oracle's keys and tensor names are those that llama.cpp itself loads."""
    read = shape_of_config(config_of_header(_header(model)))

    assert _comparable(read) == _comparable(model.shape)


def test_a_lagunas_gate_is_told_by_its_tensor() -> None:
    """Laguna M has a gate per feature and heads said once or layer by layer; no layer has a window."""
    model = CATALOG.models["laguna-m-226b"]
    header = _header(model)
    query, gate = (4096, 64 * 128), (4096, 64 * 128)
    tensors = {**header.tensors, "blk.0.attn_q.weight": query, "blk.0.attn_gate.weight": gate}
    listed = {**header.metadata, "laguna.attention.head_count": [64] * 70}
    for keys in (header.metadata, listed):
        read = shape_of_config(config_of_header(GgufHeader(metadata=keys, lengths={}, tensors=tensors)))

        assert _comparable(read) == _comparable(model.shape)


@pytest.mark.parametrize(
    ("name", "key", "value", "why"),
    [
        ("lfm2-1.2b", "lfm2.attention.head_count_kv", 8, "head_count_kv of every layer"),
        ("lfm2-1.2b", "lfm2.attention.head_count_kv", [8, 0], "head_count_kv of every layer"),
        ("nemotron-h-8b", "nemotron_h.feed_forward_length", [1, 2] * 26, "differ in width"),
        ("nemotron-h-8b", "nemotron_h.attention.head_count_kv", ["x"] * 52, "head_count_kv of every layer"),
        ("qwen3.5-9b", "qwen35.ssm.inner_size", 4097, "linear_value_head_dim"),
        ("qwen3.5-9b", "qwen35.ssm.conv_kernel", -1, "linear_conv_kernel_dim"),
        ("laguna-xs-2.1", "laguna.leading_dense_block_count", 41, "more dense layers than layers"),
        ("granite-4.0-h-tiny", "granitehybrid.block_count", 10**6, "of every layer"),
    ],
)
def test_a_hybrid_whose_layers_cannot_be_is_refused(name: str, key: str, value: object, why: str) -> None:
    """In one sentence that names the key or the field."""
    header = _header(CATALOG.models[name])
    assert key in header.metadata or "leading" in key
    broken = GgufHeader(metadata={**header.metadata, key: value}, lengths={}, tensors=header.tensors)
    with pytest.raises(Unsupported) as caught:
        shape_of_config(config_of_header(broken))

    assert why in caught.value.sentence
