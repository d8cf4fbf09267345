"""SGLang's KV pools: bytes per token, and what a load needs of them."""

from dataclasses import dataclass
from functools import lru_cache

from shared.catalog.rows import Engine, LayerKind, Model
from shared.engines.versions import at_version
from shared.memory.cache_rows import cache_row_bytes
from shared.memory.server_state import state_page_bytes
from shared.units import ceil_div

_WINDOWED = (LayerKind.WINDOW, LayerKind.CHUNKED)
_WITH_STATE = (LayerKind.RECURRENT, LayerKind.PARALLEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """How one rank's pool is divided.

    Attributes:
        full_bytes: Per token, in the layers that keep every token.
        window_bytes: Per token, in the windowed layers, whose pool holds `window_percent` as many tokens.
        state_bytes: Of one recurrent state over all recurrent layers.
        state_percent: Memory of the states as a share of the KV cache's.
        states_per_sequence: States a running sequence may hold at once.
    """

    full_bytes: int
    window_bytes: int
    window_percent: int
    state_bytes: int
    state_percent: int
    states_per_sequence: int

    @property
    def keeps_tokens(self) -> bool:
        """Whether any layer keeps something of every token."""
        return bool(self.full_bytes or self.window_bytes)

    def cache_bytes(self, tokens: int, sequences: int) -> int:
        """The pool that a load of `tokens` in all and `sequences` at once needs."""
        cache = tokens * self.full_bytes
        if self.window_bytes:
            share = self.window_percent if self.full_bytes else 100
            cache += ceil_div(tokens * self.window_bytes * share, 100)
        if not self.state_bytes:
            return cache
        states = sequences * self.states_per_sequence * self.state_bytes
        if not cache:
            return states
        # the two pools are cut in a fixed proportion, so the larger demand sets both
        for_cache = cache + ceil_div(cache * self.state_percent, 100)
        return max(for_cache, states + ceil_div(states * 100, self.state_percent))

    def tokens(self, pool_bytes: int) -> int:
        """Tokens a pool of this size holds."""
        if self.state_bytes and self.keeps_tokens:
            pool_bytes = pool_bytes * 100 // (100 + self.state_percent)
        per_hundred = self.full_bytes * 100
        per_hundred += self.window_bytes * (self.window_percent if self.full_bytes else 100)
        return max(0, pool_bytes) * 100 // per_hundred if per_hundred else 0


@lru_cache(maxsize=8192)
def pool(
    model: Model,
    layers: tuple[int, ...],
    tensor: int,
    element_bytes: int,
    facts: Engine,
    version: str,
    draft_layers: int = 0,
) -> Pool:
    """The pool of these layers on one rank, and of a drafter's, which are counted as wide as the model's own.

    sglang/srt/model_executor/pool_configurator.py of 0.5.23: tokens = memory / bytes per token; windowed layers get a
    share of the full layers' tokens; recurrent states a share of the memory.
    """
    shape = model.shape
    kinds = shape.layer_kinds()
    full = window = recurrent = 0
    for layer in layers:
        if layer >= shape.layers - shape.kv_shared_layers:
            continue
        row = cache_row_bytes(shape, layer, kinds[layer], tensor, element_bytes)
        if kinds[layer] in _WINDOWED:
            window += row
        else:
            full += row
        recurrent += kinds[layer] in _WITH_STATE
    full += full * draft_layers // shape.layers
    window += window * draft_layers // shape.layers
    return Pool(
        full_bytes=full,
        window_bytes=window,
        window_percent=int(at_version(facts, "window_tokens_percent", version).value),
        state_bytes=state_page_bytes(shape, tensor) * recurrent if recurrent else 0,
        state_percent=int(at_version(facts, "state_percent", version).value),
        states_per_sequence=int(at_version(facts, "states_per_sequence", version).value),
    )
