"""What our fleet has is offered before what would have to be found first, and says so wherever the plan is shown."""

import io
import json

import pytest
from rich.console import Console

from bot.answer import answer
from bot.fleet import Fleet, FleetGpu, FleetNode
from bot.messages.plan import Frame, plan_message
from bot.owned import owned_gpus
from bot.terminal.plan_json import plan_json
from bot.terminal.render_plan import show_answer
from bot.thinking import Asked, Mind
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.planner.plan import OptionKind
from shared.question.parse import parse_question

SEED = "can Mixtral 8x22B run on A100 40GB?"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def node(name: str, gpu_id: str, count: int, *, stale: bool = False, mig: str | None = None) -> FleetNode:
    gpus = tuple(
        FleetGpu(uuid=f"{name}-{n}", index=str(n), product="", gpu_id=gpu_id, mig_profile=mig)
        for n in range(count)
    )
    return FleetNode(name=name, gpus=gpus, age_seconds=3, stale=stale)


def fleet(*nodes: FleetNode) -> Fleet:
    return Fleet(nodes=nodes, source="the exporters")


def test_kinds_are_counted_over_nodes_and_the_fullest_node_says_how_many_lie_together(
    catalog: Catalog,
) -> None:
    seen = fleet(node("a", "l40s", 4), node("b", "l40s", 2, stale=True), node("c", "a100-80gb", 1))

    kinds = {one.gpu.id: (one.total, one.nodes, one.per_node) for one in owned_gpus(seen, catalog)}

    assert kinds == {"l40s": (6, 2, 4), "a100-80gb": (1, 1, 1)}


def test_a_slice_is_no_whole_gpu_of_ours(catalog: Catalog) -> None:
    assert owned_gpus(fleet(node("a", "a100-80gb", 7, mig="1g.10gb")), catalog) == ()


def test_gpus_of_ours_come_before_others_and_have_no_rent(catalog: Catalog) -> None:
    query = parse_question(SEED, catalog)

    ours = answer(query, catalog, fleet(node("a", "l40s", 8))).plan.options
    nobody = answer(query, catalog, None).plan.options

    assert (ours[0].gpu.id, ours[0].kind, ours[0].ours) == ("l40s", OptionKind.OTHER_GPU, "8 on one node")
    assert ours[0].gpu_count < 8  # the least of them that does it, before all of them
    assert ours[0].price is None
    assert ours[0].estimate.slack_bytes > 0
    assert not any(one.ours for one in nobody)
    assert all(one.price for one in nobody if one.kind in (OptionKind.MORE_GPUS, OptionKind.OTHER_GPU))


def test_more_of_the_named_gpu_is_ours_only_where_one_node_has_enough(catalog: Catalog) -> None:
    query = parse_question(SEED, catalog)

    enough = answer(query, catalog, fleet(node("a", "a100-40gb", 4))).plan.options
    spread = answer(query, catalog, fleet(node("a", "a100-40gb", 2), node("b", "a100-40gb", 2))).plan.options

    assert any(one.ours for one in enough if one.kind is OptionKind.MORE_GPUS)
    assert not any(one.ours for one in spread)


@pytest.mark.parametrize(
    "question", ["what do I need for llama 3.3 70b?", "cheapest way to serve llama 3.3 70b"]
)
def test_who_asks_for_hardware_hears_of_ours_first(question: str, catalog: Catalog) -> None:
    query = parse_question(question, catalog)

    plan = answer(query, catalog, fleet(node("a", "h100-80gb", 8))).plan

    assert plan.options[0].ours == "8 on one node"
    assert "we have 8 on one node" in plan.sentence
    assert plan.options[0].price is None
    assert any(one.price for one in (*plan.options, *plan.more))


def test_every_way_of_showing_a_plan_says_what_is_ours(catalog: Catalog) -> None:
    made = answer(parse_question(SEED, catalog), catalog, fleet(node("a", "l40s", 8)))
    out = io.StringIO()

    show_answer(made, console=Console(file=out, width=120))

    assert "another GPU, ours: 8 on one node" in out.getvalue()
    assert plan_json(made)["options"][0]["ours"] == "8 on one node"
    message = plan_message(made, Frame(catalog=catalog, version="test", details=False, private=True))
    assert "L40S · ours" in json.dumps(message.blocks, ensure_ascii=False)


def test_the_bots_plans_know_the_fleet_they_were_made_for(catalog: Catalog) -> None:
    mind = Mind(catalog)

    without = mind.json(Asked(text=SEED))
    within = mind.json(Asked(text=SEED, fleet=fleet(node("a", "l40s", 8))))

    assert isinstance(without, dict)
    assert isinstance(within, dict)
    assert [one["ours"] for one in without["options"]] == [None] * len(without["options"])
    assert within["options"][0]["ours"] == "8 on one node"
