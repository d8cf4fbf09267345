"""The planning form: opened by a button or a shortcut, searched while typing, answered when submitted."""

import re
from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.canonical import canonical_text
from bot.fleet import Fleet
from bot.listeners.reception import Reception
from bot.listeners.turn import Payload, Turn, turn_of_button
from bot.messages.form import CALLBACK, Origin, changes_of, form, found_gpus, found_models
from bot.replan import Change, changed
from shared.catalog.catalog import Catalog
from shared.errors import UserError
from shared.question.query import Query


def register(app: AsyncApp, reception: Reception) -> None:
    """Open, search and take the form."""
    desk = reception.desk

    async def open_form(turn: Turn) -> str:
        try:
            query = await desk.read(turn.text) if turn.text else Query(text="")
        except UserError:
            query = Query(text="")  # a form is where one goes when words failed
        origin = Origin(channel=turn.channel, response_url=turn.response_url, replace=turn.replace)
        outbox = await reception.outbox.of(turn.workspace)
        await outbox.open_view(turn.trigger, form(query, desk.catalog, origin))
        return "answered"

    async def find_models(ack: AsyncAck, payload: dict[str, Any]) -> None:
        await ack(options=found_models(str(payload.get("value") or ""), desk.catalog))

    async def find_gpus(ack: AsyncAck, payload: dict[str, Any]) -> None:
        look = desk.last_look()
        present = [gpu.gpu_id or "" for _, gpu in look.gpus()] if isinstance(look, Fleet) else []
        await ack(options=found_gpus(str(payload.get("value") or ""), desk.catalog, present))

    async def check(ack: AsyncAck, body: Payload) -> None:
        _, problems = filled_in(changes_of(body["view"]["state"]["values"]), desk.catalog)
        await (ack(response_action="errors", errors=problems) if problems else ack())

    async def answer_form(turn: Turn) -> str:
        query, problems = filled_in(turn.changes, desk.catalog)
        if problems:
            return "not_understood"  # check() has said so in the form, which is still open
        return await reception.answer(turn.asking(canonical_text(query)))

    app.action(re.compile(r"^fit_change(:|$)"))(reception.taking(turn_of_button, open_form))
    app.shortcut("fit_plan")(reception.taking(turn_of_shortcut, open_form))
    app.options("fit_find_model")(find_models)
    app.options("fit_find_gpu")(find_gpus)
    app.view(CALLBACK)(reception.taking(turn_of_form, answer_form, acknowledge=check))


def filled_in(changes: Sequence[Change], catalog: Catalog) -> tuple[Query, dict[str, str]]:
    """The query of a form, and one sentence per field that cannot be taken."""
    query, problems = Query(text=""), {}
    for change in changes:
        try:
            query = changed(query, change, catalog)
        except UserError as error:
            problems[change.field] = error.sentence
    if not problems and query.model is None and query.gpu is None:
        problems["model"] = "Choose a model, a GPU or both."
    return query, problems


def turn_of_shortcut(body: Payload) -> Turn:
    """The global shortcut: an empty form whose answer comes as a direct message."""
    user = str((body.get("user") or {}).get("id") or "")
    return Turn(source="form", text="", user=user, channel=user, trigger=str(body.get("trigger_id") or ""))


def turn_of_form(body: Payload) -> Turn:
    """A submitted form; the answer goes where it was opened, else to the person."""
    view = body["view"]
    origin = Origin.unpacked(str(view.get("private_metadata") or ""))
    user = str((body.get("user") or {}).get("id") or "")
    return Turn(
        source="form",
        text="",
        user=user,
        channel=origin.channel or user,
        response_url=origin.response_url,
        replace=origin.replace,
        changes=changes_of(view["state"]["values"]),
    )
