"""The menus under an answer, each changing one part of the question; they need no memory of ours.

The row's block_id carries the question, an option's value the new value of its part.
"""

from collections.abc import Sequence
from typing import Any, Final

from bot.canonical import canonical_text
from bot.messages.blocks import actions, plain_text
from bot.messages.message import Block
from bot.replan import CONTEXTS, COUNTS, KV_CACHE_TYPES, UNSAID, USERS
from shared.catalog.catalog import Catalog
from shared.planner.plan import Plan
from shared.question.query import Query
from shared.units import tokens

CARRIED: Final = "q:"
MOST_CARRIED: Final = 250  # of the 255 characters a block_id may have
MOST_QUANTIZATIONS: Final = 60

Option = dict[str, Any]


def option(text: str, value: str) -> Option:
    """An entry of a menu."""
    return {"text": plain_text(text, 75), "value": value[:150]}


def menu_row(plan: Plan, catalog: Catalog) -> tuple[Block, ...]:
    """The row of menus; none for a question too long to be carried."""
    query = plan.query
    carried = CARRIED + canonical_text(query)
    if len(carried) > MOST_CARRIED or (query.model is None and query.gpu is None):
        return ()
    menus = [
        _menu("quantization", "Quantization", quantization_options(query, catalog), _id(query)),
        _menu("context_tokens", "Context", context_options(query), str(query.context_tokens or "")),
        _menu("kv_cache_type", "KV cache", kv_options(), query.kv_cache_type or ""),
        _menu("gpu_count", "GPUs", _numbers(COUNTS, "GPUs"), str(query.gpu_count or "")),
        _menu("engine", "Engine", engine_options(catalog), query.engine or ""),
        _menu("sequences", "Users", _numbers(USERS, "at once"), str(query.sequences or "")),
    ]
    if query.gpu is None:
        menus = [menu for menu in menus if menu["action_id"] != "fit_set:gpu_count"]
    return (actions(menus, block_id=carried),)


def _menu(field: str, name: str, options: Sequence[Option], value: str) -> dict[str, Any]:
    """A menu that shows the value in force, or the part's name when nothing was said."""
    every = [option(f"{name}: not said", UNSAID), *options]
    element: dict[str, Any] = {
        "type": "static_select",
        "action_id": f"fit_set:{field}",
        "placeholder": plain_text(name, 150),
        "options": every,
    }
    chosen = next((one for one in options if one["value"] == value), None)
    return element | ({"initial_option": chosen} if chosen else {})


def _id(query: Query) -> str:
    return query.quantization.id if query.quantization else ""


def quantization_options(query: Query, catalog: Catalog) -> list[Option]:
    """Quantizations best first, those the engine in force loads."""
    rows = [
        one for one in catalog.quantizations.values() if query.engine is None or query.engine in one.engines
    ]
    rows.sort(key=lambda one: (one.rank, -one.bits_per_weight))
    kept = rows[:MOST_QUANTIZATIONS]
    if query.quantization and query.quantization not in kept:
        kept.append(query.quantization)
    return [option(one.name, one.id) for one in kept]


def context_options(query: Query) -> list[Option]:
    """The usual contexts up to the model's own, and the one in force."""
    longest = query.model.context_tokens if query.model else CONTEXTS[-1]
    every = {one for one in CONTEXTS if one <= longest} | ({longest} if query.model else set())
    if query.context_tokens:
        every.add(query.context_tokens)
    return [option(f"{tokens(one)} context", str(one)) for one in sorted(every)]


def kv_options() -> list[Option]:
    """KV cache types."""
    return [option(f"KV cache {one}", one) for one in KV_CACHE_TYPES]


def engine_options(catalog: Catalog) -> list[Option]:
    """Every engine."""
    return [option(one.name, one.id) for one in catalog.engines.values()]


def _numbers(numbers: Sequence[int], what: str) -> list[Option]:
    return [option(f"{one} {what if one > 1 else what.removesuffix('s')}", str(one)) for one in numbers]
