"""vLLM's paged KV cache: what a block is, and how many blocks one sequence needs."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.catalog.rows import Compressed, LayerKind, Model, Shape
from shared.engines.vllm.compressed_cache import block_bytes, kind_of, tables
from shared.memory.cache_rows import cache_row_bytes
from shared.memory.kv_cache import ENCODERS
from shared.memory.server_state import state_page_bytes
from shared.units import ceil_div

BLOCK_TOKENS: Final = 16
_MLA_BLOCK_ALIGNMENT: Final = 64  # of hybrids with MLA: the kernels take blocks of 64


Page = tuple[LayerKind, int]  # the kind of cache a layer has, and its bytes per token on one rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Layers that share a block table: `count` block tables of layers of one kind.

    `window_tokens` is 0 where the window is the model's own.
    """

    kind: LayerKind
    block_tokens: int
    count: int
    window_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the cache of one rank is cut up. Every block takes `block_bytes`, over all layers of a group."""

    block_bytes: int
    groups: tuple[Group, ...]
    window_tokens: int
    state_pages: int

    def blocks_per_sequence(self, context_tokens: int, in_flight_tokens: int) -> int:
        """Blocks one sequence of `context_tokens` may hold at once.

        A windowed layer keeps its window and the tokens in flight, and one block more as windows start mid-block.
        vllm/v1/kv_cache_interface.py (`max_memory_usage_bytes`).
        """
        total = 0
        for group in self.groups:
            match group.kind:
                case LayerKind.RECURRENT:
                    blocks = self.state_pages
                case LayerKind.WINDOW:
                    window = group.window_tokens or self.window_tokens
                    held = min(window - 1 + in_flight_tokens, context_tokens)
                    blocks = ceil_div(held, group.block_tokens) + 1
                case LayerKind.CHUNKED:
                    held = min(self.window_tokens + in_flight_tokens, context_tokens)
                    blocks = ceil_div(held, group.block_tokens)
                case _:
                    blocks = ceil_div(context_tokens, group.block_tokens)
            total += blocks * group.count
        return total

    def printed_tokens(self, blocks: int) -> int:
        """The "GPU KV cache size" that vLLM printed before 0.21 (not a capacity where groups differ)."""
        tokens = min((group.block_tokens for group in self.groups if group.block_tokens), default=0)
        return blocks // max(1, sum(group.count for group in self.groups)) * tokens


@lru_cache(maxsize=8192)
def layout(
    model: Model,
    layers: tuple[int, ...],
    tensor: int,
    element_bytes: int,
    state_pages: int,
    beside: tuple[Page, ...] = (),
    ahead_tokens: int = 0,
    beside_is_here: bool = True,
    packed: bool = True,
) -> Layout:
    """The cache of the given layers on one rank, and of a drafter's layers `beside` them, on this rank or another.

    With `ahead_tokens` guessed ahead a recurrent layer keeps a state for each of them, to go back to.

    Layers of one kind form one group. Several kinds are cut into groups of equally many layers, and their pages are
    made equally large: attention blocks of hybrids grow until one holds a recurrent state. The groups are those of
    the whole model also where a pipeline stage has a part of it, and the stage pays for the group that has most there.
    vllm/v1/core/kv_cache_utils.py (`get_kv_cache_groups`, `_project_kv_cache_groups_to_worker`),
    vllm/model_executor/models/config.py (`HybridAttentionMambaModelConfig`) of 0.19.0.

    `packed` is how compressed layers' pages are laid out since 0.23.
    """
    shape = model.shape
    if shape.compressed is not None:
        return _compressed(shape, shape.compressed, frozenset(layers), element_bytes, packed=packed)
    if shape.architecture in ENCODERS:  # vllm/v1/kv_cache_interface.py, `EncoderOnlyAttentionSpec`
        return Layout(block_bytes=0, groups=(), window_tokens=0, state_pages=0)
    members = _members(shape, tensor, element_bytes)
    for index, page in enumerate(beside):
        members.setdefault(page, []).append(shape.layers + index)
    drafting = range(shape.layers, shape.layers + len(beside)) if beside_is_here else ()
    here = frozenset((*layers, *drafting))
    state = state_page_bytes(shape, tensor, ahead_tokens) if shape.recurrent else 0
    state_pages += ahead_tokens
    if len({kind for kind, _ in members}) <= 1:
        pages = Counter({page: len(here.intersection(alike)) for page, alike in members.items()})
        return _uniform(shape, pages, state, state_pages)
    return _hybrid(shape, members, here, state, state_pages)


def _members(shape: Shape, tensor: int, element_bytes: int) -> dict[Page, list[int]]:
    """The layers of the whole model that keep a cache, by kind and bytes of a token."""
    members: dict[Page, list[int]] = {}
    kinds = shape.layer_kinds()
    for layer, kind in enumerate(kinds[: shape.layers - shape.kv_shared_layers]):
        if kind is LayerKind.NONE:
            continue
        if kind is LayerKind.PARALLEL:  # its state is a layer of its own to the cache
            members.setdefault((LayerKind.RECURRENT, 0), []).append(layer)
        page = same_cache(kind), cache_row_bytes(shape, layer, kind, tensor, element_bytes)
        members.setdefault(page, []).append(layer)
    return members


def _uniform(shape: Shape, pages: Counter[tuple[LayerKind, int]], state: int, state_pages: int) -> Layout:
    """One kind of layer: one group, whose block holds each layer's own page."""
    kind = next((kind for kind, _ in pages), LayerKind.FULL)
    if kind is LayerKind.RECURRENT:
        groups = (Group(kind=kind, block_tokens=0, count=1),)
        return Layout(
            block_bytes=state * pages.total(), groups=groups, window_tokens=0, state_pages=state_pages
        )
    token_bytes = sum(size * count for (_, size), count in pages.items())
    return Layout(
        block_bytes=token_bytes * BLOCK_TOKENS,
        groups=(Group(kind=kind, block_tokens=BLOCK_TOKENS, count=1),),
        window_tokens=shape.window_tokens,
        state_pages=state_pages,
    )


def _hybrid(
    shape: Shape, members: dict[Page, list[int]], here: frozenset[int], state: int, state_pages: int
) -> Layout:
    """Several kinds: equal pages, equally many layers per group; every n-th layer of a kind shares a group."""
    attention = [size for kind, size in members if kind is not LayerKind.RECURRENT]
    block = BLOCK_TOKENS
    if state:
        align = _MLA_BLOCK_ALIGNMENT if shape.latent else BLOCK_TOKENS
        block = max(block, align * ceil_div(state, align * max(attention)))
    page = max(attention) * block
    counts = [len(alike) for alike in members.values()]
    size = max(counts) if max(counts) < 1.5 * min(counts) else min(counts)
    groups, on_stage = [], 0
    for (kind, token_bytes), alike in members.items():
        count = ceil_div(len(alike), size)
        # a narrower layer's page holds more tokens
        tokens = 0 if kind is LayerKind.RECURRENT else page // token_bytes // BLOCK_TOKENS * BLOCK_TOKENS
        groups.append(Group(kind=kind, block_tokens=tokens, count=count))
        on_stage = max(on_stage, *(len(here.intersection(alike[turn::count])) for turn in range(count)))
    return Layout(
        block_bytes=page * on_stage,
        groups=tuple(groups),
        window_tokens=shape.window_tokens,
        state_pages=state_pages,
    )


def _compressed(
    shape: Shape, row: Compressed, here: frozenset[int], element_bytes: int, *, packed: bool
) -> Layout:
    """Attention over compressed tokens: its own tables over blocks that serve all of them."""
    found = tables(shape, row, element_bytes)
    return Layout(
        block_bytes=block_bytes(found, here, packed=packed),
        groups=tuple(
            Group(
                kind=kind_of(table),
                block_tokens=table.block_tokens,
                count=1,
                window_tokens=table.window_tokens,
            )
            for table in found
        ),
        window_tokens=shape.window_tokens,
        state_pages=0,
    )


def same_cache(kind: LayerKind) -> LayerKind:
    """Latent layers and those with a state beside keep every token, as full ones do."""
    return LayerKind.FULL if kind in (LayerKind.LATENT, LayerKind.PARALLEL) else kind
