"""Where an option could run now: only GPUs an engine could use together, that have the room, read recently."""

import pytest

from bot.fleet import Fleet, FleetGpu, FleetNode
from bot.room import MOST_ROOMS, where_fits
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.planner.plan import Option
from shared.planner.planner import plan
from shared.question.parse import parse_question

GIB = 1024**3
PRODUCT = {"a100-40gb": "NVIDIA A100-SXM4-40GB", "a100-80gb": "NVIDIA A100-SXM4-80GB"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def option(question: str, catalog: Catalog) -> Option:
    """What was literally asked."""
    asked = plan(parse_question(question, catalog), catalog).asked
    assert asked is not None
    return asked


def gpus(row: str, *free_gib: float | None) -> tuple[FleetGpu, ...]:
    return tuple(
        FleetGpu(
            uuid=f"{row}-{number}",
            index=str(number),
            product=PRODUCT[row],
            gpu_id=row,
            free_bytes=None if free is None else int(free * GIB),
        )
        for number, free in enumerate(free_gib)
    )


def fleet(*nodes: tuple[str, tuple[FleetGpu, ...]], stale: tuple[str, ...] = ()) -> Fleet:
    return Fleet(
        nodes=tuple(
            FleetNode(name=name, gpus=seen, age_seconds=3, stale=name in stale) for name, seen in nodes
        ),
        source="the exporters",
    )


def test_a_gpu_with_the_room_is_found_and_one_without_is_not(catalog: Catalog) -> None:
    rooms = where_fits(
        option("llama 3.1 8b fp8 on A100 40GB with vllm", catalog),
        fleet(("full", gpus("a100-40gb", 3.0)), ("free", gpus("a100-40gb", 1.0, 39.0))),
        catalog,
    )
    assert [(room.node.name, room.gpus[0].index) for room in rooms.rooms] == [("free", "1")]


def test_gpus_of_two_nodes_are_never_put_together(catalog: Catalog) -> None:
    both = option("llama 3.1 70b fp8 on 4x A100 40GB with vllm", catalog)
    apart = fleet(("one", gpus("a100-40gb", 39, 39)), ("two", gpus("a100-40gb", 39, 39)))
    assert where_fits(both, apart, catalog).rooms == ()
    together = fleet(("one", gpus("a100-40gb", 39, 39, 39, 39)))
    assert [len(room.gpus) for room in where_fits(both, together, catalog).rooms] == [4]


def test_the_kind_that_was_asked_for_comes_first_and_another_kind_with_the_room_is_offered_too(
    catalog: Catalog,
) -> None:
    rooms = where_fits(
        option("llama 3.1 8b fp8 on A100 40GB with vllm", catalog),
        fleet(("big", gpus("a100-80gb", 79.0)), ("asked", gpus("a100-40gb", 39.0))),
        catalog,
    )
    assert [(room.node.name, room.as_named) for room in rooms.rooms] == [("asked", True), ("big", False)]


def test_beside_another_process_vllm_is_given_the_share_that_is_free(catalog: Catalog) -> None:
    asked = option("llama 3.1 8b fp8 on A100 40GB with vllm", catalog)
    empty, shared = (
        where_fits(asked, fleet(("node", gpus("a100-40gb", free))), catalog).rooms[0] for free in (39.3, 24.0)
    )
    assert empty.utilization is None
    assert shared.utilization == 0.59  # of 39.4 GiB: 23.2 of the 24 that are free
    assert where_fits(asked, fleet(("node", gpus("a100-40gb", 9.0))), catalog).rooms == ()


def test_a_stale_node_is_not_offered_and_is_counted(catalog: Catalog) -> None:
    rooms = where_fits(
        option("llama 3.1 8b fp8 on A100 40GB with vllm", catalog),
        fleet(("old", gpus("a100-40gb", 39.0)), stale=("old",)),
        catalog,
    )
    assert rooms.rooms == ()
    assert rooms.stale_nodes == 1


def test_free_memory_that_could_not_be_read_is_not_room(catalog: Catalog) -> None:
    rooms = where_fits(
        option("llama 3.1 8b fp8 on A100 40GB with vllm", catalog),
        fleet(("node", gpus("a100-40gb", None))),
        catalog,
    )
    assert rooms.rooms == ()


def test_a_gpu_that_the_catalog_lacks_is_counted_as_unknown(catalog: Catalog) -> None:
    strange = FleetGpu(uuid="x", index="0", product="NVIDIA Z9000", free_bytes=500 * GIB)
    rooms = where_fits(
        option("llama 3.1 8b fp8 on A100 40GB with vllm", catalog), fleet(("node", (strange,))), catalog
    )
    assert rooms.rooms == ()
    assert rooms.unknown_gpus == 1


def test_a_gpu_is_recognised_by_its_product_name_when_its_node_does_not_say(catalog: Catalog) -> None:
    seen = FleetGpu(
        uuid="x", index="0", product=PRODUCT["a100-40gb"], total_bytes=40 * GIB, free_bytes=39 * GIB
    )
    rooms = where_fits(
        option("llama 3.1 8b fp8 on A100 40GB with vllm", catalog), fleet(("node", (seen,))), catalog
    )
    assert rooms.rooms[0].gpu.id == "a100-40gb"


def test_of_many_places_the_emptiest_are_listed_and_the_rest_counted(catalog: Catalog) -> None:
    nodes = [(f"node-{number:03}", gpus("a100-40gb", 30 + number / 100)) for number in range(500)]
    full = [(f"full-{number:03}", gpus("a100-40gb", 1.0)) for number in range(500)]
    rooms = where_fits(
        option("llama 3.1 8b q8_0 on A100 40GB with llama.cpp", catalog), fleet(*nodes, *full), catalog
    )
    assert [room.node.name for room in rooms.rooms] == [
        f"node-{499 - number}" for number in range(MOST_ROOMS)
    ]
    assert rooms.more == 500 - MOST_ROOMS


def test_llama_cpp_gives_a_fuller_gpu_fewer_layers_so_two_that_have_the_room_together_are_a_place(
    catalog: Catalog,
) -> None:
    """llama.cpp splits by what is free when it loads: 42 GiB find room on 39 and 13 free, but not on 20 and 20."""
    both = option("llama 3.3 70b q4_k_m at 8k on 2x A100 40GB with llama.cpp", catalog)
    seen = fleet(("uneven", gpus("a100-40gb", 39, 13)), ("even", gpus("a100-40gb", 20, 20)))

    assert [room.node.name for room in where_fits(both, seen, catalog).rooms] == ["uneven"]
