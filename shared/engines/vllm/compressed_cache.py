"""vLLM's cache of attention over compressed tokens (DeepSeek V4): five kinds of pages in four block tables or more.

A layer keeps a window of rows, and where it compresses, one row for every few tokens, the compressor's unfinished
state, and with overlapping rows an indexer's key and state beside. vllm/models/deepseek_v4/attention.py, compressor.py
and vllm/v1/core/kv_cache_utils.py (`group_and_unify_kv_cache_specs`, `_get_kv_cache_groups_uniform_groups`,
`_get_kv_cache_config_deepseek_v4`) of 0.22 and 0.23.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from shared.catalog.rows import Compressed, LayerKind, Shape
from shared.memory.compressed_tensors import OVERLAPPING
from shared.units import ceil_div, pad

_BLOCK_TOKENS: Final = 256
_WINDOW_BLOCK: Final = 64  # rows of a page, as a page of compressed rows has at the smaller ratio
_STATE_BLOCK: Final = {OVERLAPPING: 4, 128: 8}
_STATE_NUMBER_BYTES: Final = 4
_ALIGNMENT: Final = 576  # of FlashMLA's pages; 512 of rows in 16 bits
_PLAIN_ALIGNMENT: Final = 512
_FP8_ROW_BYTES: Final = 584  # 448 FP8 features, 64 rotary ones in 16 bits, 8 of scales
_INDEXER_GROUP: Final = 128  # FP8 features of the indexer's key that share an fp32 scale
_INDEXER_SCALE_BYTES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Layers that share a block table: pages by size, in the model's order; `window_tokens` is 0 where all are kept."""

    block_tokens: int
    window_tokens: int
    pages: tuple[tuple[int, int], ...]  # layer, bytes of its page


def tables(shape: Shape, row: Compressed, element_bytes: int) -> tuple[Table, ...]:
    """The block tables of the whole model.

    Window layers are cut into as many tables as wastes the fewest page slots beside the full one.
    """
    full, rows = _full_pages(shape, row, element_bytes), _row_bytes(shape, element_bytes)
    window = tuple((layer, _page(rows * _WINDOW_BLOCK, element_bytes)) for layer in range(shape.layers))
    cut = [Table(block_tokens=_WINDOW_BLOCK, window_tokens=shape.window_tokens, pages=window)]
    for ratio, block in _STATE_BLOCK.items():
        pages = _state_pages(shape, row, ratio, element_bytes)
        if pages:
            kept = ratio * (2 if ratio == OVERLAPPING else 1)
            cut.append(Table(block_tokens=block, window_tokens=kept, pages=pages))
    lengths = [_slots(full), *(_slots(table.pages) for table in cut)]
    size = min(
        range(lengths[0], max(lengths) + 1), key=lambda size: (sum(-count % size for count in lengths), -size)
    )
    split = [part for table in cut for part in _split(table, ceil_div(_slots(table.pages), size))]
    return (Table(block_tokens=_BLOCK_TOKENS, window_tokens=0, pages=full), *split)


def block_bytes(found: tuple[Table, ...], here: frozenset[int], *, packed: bool) -> int:
    """One block of every table on a rank that holds these layers: the same memory serves all tables.

    Tables share slots by the size of their pages, each size as often as the table needs that has most of it. Before
    0.23 every size of the full table was repeated as often as the most repeated one.
    """
    sizes = {size for _, size in found[0].pages}
    most: Counter[int] = Counter()
    for table in found:
        # a state's page is padded to the next larger one of the full table
        held = Counter(
            min((known for known in sizes if known >= size), default=size)
            for layer, size in table.pages
            if layer in here
        )
        most |= held
    if packed:
        return sum(size * count for size, count in most.items())
    return sum(sizes) * max(most.values(), default=0)


def indexer_key_bytes(features: int) -> int:
    """One indexer key of so many FP8 features, with its scales."""
    return features + ceil_div(features, _INDEXER_GROUP) * _INDEXER_SCALE_BYTES


def _full_pages(shape: Shape, row: Compressed, element_bytes: int) -> tuple[tuple[int, int], ...]:
    pages = []
    index = indexer_key_bytes(row.indexer_head_dim)
    for layer, ratio in enumerate(row.ratios[: shape.layers]):
        if ratio:
            rows = _BLOCK_TOKENS // ratio
            pages.append((layer, _page(rows * _row_bytes(shape, element_bytes), element_bytes)))
            if ratio == OVERLAPPING:
                pages.append((layer, _page(rows * index, element_bytes)))
    return tuple(pages)


def _state_pages(
    shape: Shape, row: Compressed, ratio: int, element_bytes: int
) -> tuple[tuple[int, int], ...]:
    """Keys and gates of tokens not yet compressed, in fp32; overlapping rows keep two of each."""
    head = shape.attention.head_dim if shape.attention else 0
    widths = (head, row.indexer_head_dim) if ratio == OVERLAPPING else (head,)
    each = 2 * (2 if ratio == OVERLAPPING else 1) * _STATE_NUMBER_BYTES * _STATE_BLOCK[ratio]
    return tuple(
        (layer, _page(width * each, element_bytes))
        for layer, own in enumerate(row.ratios[: shape.layers])
        if own == ratio
        for width in widths
    )


def _row_bytes(shape: Shape, element_bytes: int) -> int:
    head = shape.attention.head_dim if shape.attention else 0
    return _FP8_ROW_BYTES if element_bytes == 1 else head * element_bytes


def _page(size_bytes: int, element_bytes: int) -> int:
    return pad(size_bytes, _ALIGNMENT if element_bytes == 1 else _PLAIN_ALIGNMENT)


def _slots(pages: tuple[tuple[int, int], ...]) -> int:
    """How often the most frequent size of page is there."""
    return max(Counter(size for _, size in pages).values(), default=0)


def _split(table: Table, count: int) -> list[Table]:
    """Every n-th layer in a table of its own."""
    layers = list(dict.fromkeys(layer for layer, _ in table.pages))
    return [
        Table(
            block_tokens=table.block_tokens,
            window_tokens=table.window_tokens,
            pages=tuple(page for page in table.pages if page[0] in set(layers[turn::count])),
        )
        for turn in range(count)
    ]


def kind_of(table: Table) -> LayerKind:
    """How long a table keeps a token."""
    return LayerKind.WINDOW if table.window_tokens else LayerKind.FULL
