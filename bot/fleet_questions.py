"""A question about our own GPUs, the fleet and the catalog become a message; pure."""

from dataclasses import replace

from bot.answer import placed
from bot.fits_now import fits_now
from bot.fleet import Fleet, FleetNode
from bot.messages.error import error_message
from bot.messages.message import Message
from bot.messages.plan import Frame, plan_message
from bot.messages.status import fits_message, status_message, users_message
from bot.room import recognize, row_of
from bot.verbs import Verb, gpus_named, nodes_named
from shared.catalog.catalog import Catalog
from shared.errors import UserError
from shared.planner.planner import plan
from shared.question.parse import parse_question
from shared.question.query import Intent, Query


def fleet_message(verb: Verb, fleet: Fleet, frame: Frame, command: str) -> Message | None:
    """The answer to `verb`; None when "on X" names no node of ours, so that X is the parser's to read."""
    if verb.kind == "who":
        return users_message(fleet, verb.place, gpus_named(fleet, verb.place))
    nodes = nodes_named(fleet, verb.place) if verb.place else fleet.nodes
    if verb.place and not nodes:
        return users_message(fleet, verb.place, ()) if verb.kind == "status" else None
    there = replace(fleet, nodes=nodes)
    name = nodes[0].name if verb.place else ""
    if verb.kind == "status":
        return status_message(there, name)
    if verb.question:
        return _plan_on(nodes[0], verb.question, there, frame, command)
    return fits_message(there, fits_now(there, frame.catalog), name)


def _plan_on(node: FleetNode, question: str, there: Fleet, frame: Frame, command: str) -> Message:
    """A question about a model, asked of one node: its GPUs are the hardware where none is named."""
    catalog = frame.catalog
    try:
        query = parse_question(question, catalog)
        made = placed(plan(_on_node(query, node, catalog), catalog), catalog, there)
    except UserError as error:
        return error_message(error, question, command)
    return plan_message(made, frame)


def _on_node(query: Query, node: FleetNode, catalog: Catalog) -> Query:
    """The query with the node's most numerous kind of GPU as its hardware; how many is for the plan to say."""
    by_name = recognize(catalog)
    rows = [row for gpu in node.gpus if (row := row_of(gpu, by_name, catalog))]
    if query.gpu or query.gpu_memory_bytes or not rows:
        return query
    kind = max(set(rows), key=rows.count)
    intent = Intent.FIT if query.intent is Intent.WHICH_GPU else query.intent
    return replace(query, gpu=catalog.gpus[kind], intent=intent)
