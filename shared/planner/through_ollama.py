"""A plan for who runs Ollama: llama.cpp's estimate, which is what Ollama starts, with Ollama's commands."""

from dataclasses import replace

from shared.engines.llama_cpp import ollama
from shared.errors import Refused
from shared.planner.plan import Option, Plan
from shared.question.query import Query


def asks_for_ollama(query: Query) -> bool:
    """Whether the engine was named by that name: it is read as llama.cpp."""
    return any(one.field == "engine" and "ollama" in one.given.lower() for one in query.readings)


def through_ollama(plan: Plan) -> Plan:
    """The plan with Ollama's commands wherever llama.cpp's stood and Ollama can be told the same."""
    return replace(
        plan,
        asked=_told(plan.asked) if plan.asked else None,
        options=tuple(_told(one) for one in plan.options),
        more=tuple(_told(one) for one in plan.more),
        others=tuple(through_ollama(one) for one in plan.others),
    )


def _told(one: Option) -> Option:
    """The option with Ollama's command, or llama-server's with the reason why."""
    load = one.estimate.workload
    if load.engine != "llama.cpp":
        return one
    try:
        launch = ollama.launch(load, one.estimate.gpus)
    except Refused as refused:
        return replace(one, notes=(*one.notes, refused.sentence))
    kept = tuple(note for note in one.notes if not note.startswith("Make "))  # Ollama's own says how
    return replace(one, command=launch.argv, notes=(*kept, *launch.notes))
