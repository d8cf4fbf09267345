"""Our own GPUs in words: where an option could run now, how old that look is, and why there is none."""

from bot.answer import Answer, Placement
from bot.fleet import Fleet, FleetUnavailable
from bot.messages.blocks import bullets, paragraph, rich_text, run
from bot.messages.message import Block
from bot.messages.words import BREAKS, age, loss, option_name
from bot.room import Room
from shared.planner.plan import Plan
from shared.units import gib

MOST_LINES = 4


def fleet_blocks(answer: Answer) -> tuple[Block, ...]:
    """The live part of an answer; nothing when no source of live data is configured."""
    lines = fleet_lines(answer)
    if not lines:
        return ()
    head, *rest = lines
    query = answer.plan.query
    # of models that are compared, the fleet is looked at for the first only
    compared = query.model if answer.plan.others and not query.ambiguous else None
    label = f"{compared.name} on our GPUs now: " if compared else "On our GPUs now: "
    return (rich_text(paragraph(run(label, bold=True), head), *([bullets(rest)] if rest else [])),)


def fleet_lines(answer: Answer) -> list[str]:
    """The same as lines of plain text, the first a summary."""
    fleet = answer.fleet
    if fleet is None:
        return []
    if isinstance(fleet, FleetUnavailable):
        return [
            f"unknown, because of {fleet.reason}." if " " not in fleet.reason else f"unknown: {fleet.reason}."
        ]
    roomy = [placement for placement in answer.placements if placement.rooms.rooms]
    lines = [_summary(answer, fleet, roomy)]
    whole = [placement for placement in roomy if loss(placement.option) != BREAKS] or roomy
    lines += [_placement_line(placement, answer.plan) for placement in whole[:MOST_LINES]]
    lines += list(fleet.problems[:2])
    if len(fleet.problems) > 2:
        lines.append(f"and {len(fleet.problems) - 2} more that did not answer")
    stale = [node for node in fleet.nodes if node.stale]
    if stale:
        names = ", ".join(f"{node.name} ({age(node.age_seconds)})" for node in stale[:3])
        lines.append(f"left out because the last reading is stale: {names}{'…' if len(stale) > 3 else ''}")
    return lines


def _summary(answer: Answer, fleet: Fleet, roomy: list[Placement]) -> str:
    seen = sum(1 for _ in fleet.gpus())
    look = f"{seen} {'GPU' if seen == 1 else 'GPUs'} read from {fleet.source}, {age(fleet.age_seconds)}"
    if fleet.simulated:
        look += "; simulated, not real hardware"
    if not answer.placements:
        return f"nothing above fits, so no GPU was searched for ({look})."
    if not roomy:
        return f"no GPU has the room for any of these ({look})."
    return f"room for {len(roomy)} of {len(answer.placements)} options that fit ({look})."


def _placement_line(placement: Placement, plan: Plan) -> str:
    best = placement.rooms.rooms[0]
    more = len(placement.rooms.rooms) - 1 + placement.rooms.more
    others = f", and {more} more {'place' if more == 1 else 'places'}" if more else ""
    return f"{option_name(placement.option, plan)} → {room_words(best)}{others}"


def room_words(room: Room) -> str:
    """As in "node-7, GPUs 2 and 3 (A100 40GB): 38.9 GiB free on each"."""
    indices = [gpu.index or gpu.uuid for gpu in room.gpus]
    which = f"GPU {indices[0]}" if len(indices) == 1 else f"GPUs {', '.join(indices[:-1])} and {indices[-1]}"
    free = f"{gib(room.free_bytes)} free" + (" or more on each" if len(indices) > 1 else "")
    simulated = ", simulated" if room.node.simulated else ""
    share = f", with --gpu-memory-utilization {room.utilization:g}" if room.utilization else ""
    return f"{room.node.name}, {which} ({room.gpu.name}): {free}{share}{simulated}"
