"""MIG instances are places: for what fits a slice, one model in each, and never two of them together."""

from dataclasses import replace

import pytest

from bot.answer import answer
from bot.fits_now import fits_now
from bot.fleet import Fleet, FleetGpu, FleetNode
from bot.room import where_fits
from bot.watches import place_for
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.question.parse import parse_question
from tests.bot.test_room import GIB, fleet, gpus, option

ASKED = "llama 3.1 8b q4_k_m on a100 40gb 3g.20gb"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def slices(profile: str, *free_gib: float, gpu_id: str | None = "a100-40gb") -> tuple[FleetGpu, ...]:
    return tuple(
        FleetGpu(
            uuid=f"MIG-{profile}-{number}",
            index=f"0:{number}",
            product=f"NVIDIA A100-SXM4-40GB MIG {profile}",
            gpu_id=gpu_id,
            free_bytes=int(free * GIB),
            mig_profile=profile,
        )
        for number, free in enumerate(free_gib)
    )


def places(seen: Fleet, question: str, catalog: Catalog) -> list[tuple[str, str]]:
    rooms = where_fits(option(question, catalog), seen, catalog).rooms
    return [(room.gpus[0].index, room.gpu.name) for room in rooms if room.as_named]


def test_a_slice_that_was_named_is_found_among_the_instances_and_the_emptiest_is_taken(
    catalog: Catalog,
) -> None:
    seen = fleet(("split", slices("3g.20gb", 2.0, 19.0)), ("whole", gpus("a100-40gb", 39.0)))

    assert places(seen, ASKED, catalog) == [("0:1", "A100 40GB MIG 3g.20gb")]


def test_an_instance_is_told_by_its_product_where_the_node_does_not_say_its_kind(catalog: Catalog) -> None:
    seen = fleet(("split", slices("3g.20gb", 19.0, gpu_id=None)))

    assert places(seen, ASKED, catalog) == [("0:0", "A100 40GB MIG 3g.20gb")]


def test_a_profile_nobody_knows_is_counted_as_unknown(catalog: Catalog) -> None:
    rooms = where_fits(option(ASKED, catalog), fleet(("split", slices("9g.1gb", 19.0))), catalog)

    assert (rooms.rooms, rooms.unknown_gpus) == ((), 1)


def test_two_instances_are_never_used_together(catalog: Catalog) -> None:
    rooms = where_fits(
        option("llama 3.1 8b fp8 on 2x A100 40GB with vllm", catalog),
        fleet(("split", slices("3g.20gb", 19.5, 19.5))),
        catalog,
    )

    assert rooms.rooms == ()


def test_a_watch_for_a_slice_is_told_of_a_slice_and_of_nothing_else(catalog: Catalog) -> None:
    free, full = fleet(("split", slices("3g.20gb", 19.0))), fleet(("split", slices("3g.20gb", 1.0)))
    whole = fleet(("whole", gpus("a100-40gb", 39.0)))
    query = parse_question(ASKED, catalog)

    found = place_for(answer(query, catalog, free))
    assert found is not None
    assert found.rooms.rooms[0].gpus[0].mig_profile == "3g.20gb"
    assert place_for(answer(query, catalog, full)) is None
    assert place_for(answer(query, catalog, whole)) is None


def test_what_fits_now_speaks_of_instances_too(catalog: Catalog) -> None:
    node = FleetNode(name="split", gpus=slices("3g.20gb", 19.0, 19.0), age_seconds=1)
    spots = fits_now(replace(fleet(), nodes=(node,)), catalog)

    assert [(spot.gpu.name, len(spot.gpus)) for spot in spots] == [("A100 40GB MIG 3g.20gb", 1)]
    assert spots[0].options
    ask = f"{spots[0].options[0].estimate.workload.model.id} on 1x {spots[0].gpu.id}"
    assert parse_question(ask, catalog).gpu_memory_bytes, "the button's question names the slice"
