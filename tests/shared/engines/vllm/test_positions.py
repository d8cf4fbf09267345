"""Tables of positions and what a tower feeds in, which vLLM's log counts as weights."""

import pytest

from shared.catalog.load import load_catalog
from shared.engines.vllm.deepstack import deepstack_bytes
from shared.memory.server_weights import rope_table_bytes
from shared.units import GIB

CATALOG = load_catalog()


def test_a_table_for_text_height_and_width_is_four_times_as_long() -> None:
    """Qwen3-VL-Embedding-2B for text alone took 3.4554 GiB: 3.2048 of weights and this table."""
    assert rope_table_bytes(CATALOG.models["qwen3-vl-2b"], 2) == GIB // 4


def test_a_table_for_text_alone_has_a_row_per_position() -> None:
    assert rope_table_bytes(CATALOG.models["llama-3.1-8b"], 2) == 131_072 * 128 * 2


@pytest.mark.parametrize(("model", "levels"), [("qwen3-vl-8b", 3), ("qwen2.5-vl-7b", 0), ("qwen3-8b", 0)])
def test_only_towers_that_feed_several_layers_keep_rows_for_them(model: str, levels: int) -> None:
    row = CATALOG.models[model]
    assert deepstack_bytes(row, 2048, 2) == levels * 2048 * row.shape.hidden_size * 2
