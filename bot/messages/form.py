"""The planning form: every part of a question as a field; model and GPU are searched as one types."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rapidfuzz import fuzz, process

from bot.messages.blocks import plain_text
from bot.messages.menus import engine_options, kv_options, option, quantization_options
from bot.messages.message import Block
from bot.replan import Change
from shared.catalog.catalog import Catalog
from shared.catalog.rows import Gpu, Model
from shared.question.query import Query

CALLBACK: Final = "fit_form"
MOST_FOUND: Final = 30
_NEAR_ENOUGH: Final = 45.0

View = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the form was opened, kept in it: where its answer goes."""

    channel: str = ""
    response_url: str = ""
    replace: bool = False

    def packed(self) -> str:
        """As the form's private metadata."""
        return json.dumps({"c": self.channel, "u": self.response_url, "r": self.replace})

    @classmethod
    def unpacked(cls, text: str) -> "Origin":
        """From the form's private metadata."""
        held = json.loads(text or "{}")
        return cls(channel=held.get("c", ""), response_url=held.get("u", ""), replace=bool(held.get("r")))


def form(query: Query, catalog: Catalog, origin: Origin) -> View:
    """The form, filled in with what the query says."""
    quantization = query.quantization
    blocks = [
        _search("model", "Model", "Type a name or a repository", _named(query.model)),
        _search("gpu", "GPU", "Type a name, such as A100 40GB", _named(query.gpu)),
        _text("gpu_count", "How many GPUs", "1", query.gpu_count),
        _menu(
            "quantization",
            "Quantization",
            quantization_options(Query(text="", quantization=quantization), catalog),
            quantization.id if quantization else "",
        ),
        _text(
            "context_tokens", "Context, in tokens of one user", "such as 32768 or 32k", query.context_tokens
        ),
        _menu("kv_cache_type", "KV cache type", kv_options(), query.kv_cache_type or ""),
        _text("sequences", "Users at once", "1", query.sequences),
        _menu("engine", "Engine", engine_options(catalog), query.engine or ""),
    ]
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "title": plain_text("Will it fit?", 24),
        "submit": plain_text("Plan", 24),
        "close": plain_text("Cancel", 24),
        "private_metadata": origin.packed(),
        "blocks": blocks,
    }


def changes_of(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[Change, ...]:
    """What was filled in, field by field; an empty field is left open."""
    found = []
    for field, held in values.items():
        entry = next(iter(held.values()), {})
        chosen = entry.get("selected_option") or {}
        found.append(Change(field=field, value=str(chosen.get("value") or entry.get("value") or "")))
    return tuple(found)


def found_models(typed: str, catalog: Catalog) -> list[dict[str, Any]]:
    """Models for what was typed so far, nearest first."""
    names = {model.id: f"{model.name} {model.repo_id}" for model in catalog.models.values()}
    return [_row_option(catalog.models[row]) for row in _nearest(typed, names)]


def found_gpus(typed: str, catalog: Catalog, present: Iterable[str] = ()) -> list[dict[str, Any]]:
    """GPUs for what was typed so far, nearest first; those we have come first when nothing was typed."""
    ours = [row for row in dict.fromkeys(present) if row in catalog.gpus]
    names = {gpu.id: " ".join((gpu.name, *gpu.aliases)) for gpu in catalog.gpus.values()}
    found = _nearest(typed, names)
    if not typed.strip():
        found = [*ours, *(row for row in found if row not in ours)][:MOST_FOUND]
    return [_row_option(catalog.gpus[row]) for row in found]


def _nearest(typed: str, names: Mapping[str, str]) -> list[str]:
    """Ids whose name is near; a number that was typed must be in the name, as everywhere."""
    wanted = typed.strip().casefold()[:100]
    if not wanted:
        return list(names)[:MOST_FOUND]
    numbers = [word for word in wanted.replace("-", " ").split() if any(char.isdigit() for char in word)]
    fitting = {
        row: name.casefold()
        for row, name in names.items()
        if all(word in name.casefold() for word in numbers)
    }
    scored = process.extract(wanted, fitting, scorer=fuzz.WRatio, limit=None, score_cutoff=_NEAR_ENOUGH)
    # a name that begins so comes first, the plainest before its variants: "a100 80" is the A100 80GB, then its PCIe
    begun = {row for _, _, row in scored if fitting[row].startswith(wanted)}
    scored.sort(key=lambda found: (0, len(found[2])) if found[2] in begun else (1, -found[1]))
    return [row for _, _, row in scored[:MOST_FOUND]]


def _row_option(row: Model | Gpu) -> dict[str, Any]:
    return option(row.name, row.id)


def _named(row: Model | Gpu | None) -> dict[str, Any] | None:
    return _row_option(row) if row else None


def _field(field: str, label: str, element: Mapping[str, Any]) -> Block:
    return {
        "type": "input",
        "block_id": field,
        "label": plain_text(label, 150),
        "optional": True,
        "element": dict(element),
    }


def _search(field: str, label: str, hint: str, chosen: Mapping[str, Any] | None) -> Block:
    element: dict[str, Any] = {
        "type": "external_select",
        "action_id": f"fit_find_{field}",
        "min_query_length": 0,
        "placeholder": plain_text(hint, 150),
    }
    return _field(field, label, element | ({"initial_option": dict(chosen)} if chosen else {}))


def _menu(field: str, label: str, options: Sequence[dict[str, Any]], value: str) -> Block:
    element: dict[str, Any] = {
        "type": "static_select",
        "action_id": f"fit_field_{field}",
        "placeholder": plain_text("not said", 150),
        "options": list(options),
    }
    chosen = next((one for one in options if one["value"] == value), None)
    return _field(field, label, element | ({"initial_option": chosen} if chosen else {}))


def _text(field: str, label: str, hint: str, value: int | None) -> Block:
    element: dict[str, Any] = {
        "type": "plain_text_input",
        "action_id": f"fit_field_{field}",
        "placeholder": plain_text(hint, 150),
        "max_length": 20,
    }
    return _field(field, label, element | ({"initial_value": str(value)} if value else {}))
