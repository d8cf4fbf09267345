"""One look at the fleet: what is read is shown as it is, what is not is said, and nothing old looks new."""

import asyncio

import pytest

from bot.fleet import Fleet, FleetUnavailable
from bot.fleet_reader import FleetReader, fleet_reader
from tests.bot.fleet_world import A100_80, GIB, exporters, failed_node, gpu, loaded, lost, node


def reader(*urls: str, deadline_seconds: float = 2.0) -> FleetReader:
    made = fleet_reader(exporter_urls=urls, deadline_seconds=deadline_seconds)
    assert made is not None
    return made


async def test_every_exporter_is_one_node_with_its_gpus_and_models() -> None:
    first = node("node-1", gpu("0", 38.5), gpu("1", 2.0, loaded=(loaded("llama-3.1-8b", 36.0, near=0.93),)))
    async with exporters(first, node("node-2", gpu("0", 70, kind=A100_80))) as nodes:
        fleet = await reader(*(one.url for one in nodes)).read()
    assert [one.name for one in fleet.nodes] == ["node-1", "node-2"]
    assert fleet.nodes[0].gpus[0].free_bytes == int(38.5 * GIB)
    assert fleet.nodes[0].gpus[1].loaded[0].model == "llama-3.1-8b"
    assert fleet.nodes[0].gpus[1].loaded[0].workload == "prod/chat-0"
    assert 4 <= fleet.age_seconds <= 8
    assert fleet.problems == ()


async def test_a_lost_gpu_has_no_free_memory_and_says_why() -> None:
    async with exporters(node("node-1", gpu("0", 38.5), lost("1"))) as nodes:
        fleet = await reader(nodes[0].url).read()
    assert fleet.nodes[0].gpus[1].free_bytes is None
    assert fleet.nodes[0].gpus[1].problem == "GPU is lost"


async def test_an_exporter_that_is_away_or_broken_is_a_sentence_and_the_others_are_still_read() -> None:
    async with exporters(node("node-1", gpu("0", 38.5)), failed_node("node-2")) as nodes:
        fleet = await reader(nodes[0].url, nodes[1].url, "http://127.0.0.1:9").read()
    assert [one.name for one in fleet.nodes] == ["node-1"]
    assert fleet.problems == (
        f"the exporter at {nodes[1].url.removeprefix('http://')} (node-2): the driver is not loaded",
        "the exporter at 127.0.0.1:9: nothing answers at that address",
    )


async def test_a_hanging_exporter_does_not_take_the_others_with_it() -> None:
    async with exporters(node("node-1", gpu("0", 38.5)), node("node-2", gpu("0", 38.5))) as nodes:
        nodes[1].hang = True
        fleet = await reader(*(one.url for one in nodes), deadline_seconds=0.5).read()
    assert [one.name for one in fleet.nodes] == ["node-1"]
    assert fleet.problems[0].endswith("no answer in time")


async def test_no_exporter_at_all_is_unavailable_and_never_an_empty_fleet() -> None:
    with pytest.raises(FleetUnavailable, match="nothing answers"):
        await reader("http://127.0.0.1:9").read()


async def test_a_password_in_an_address_is_not_in_the_reason() -> None:
    with pytest.raises(FleetUnavailable) as failure:
        await reader("http://user:hunter2@127.0.0.1:9").read()
    assert "hunter2" not in failure.value.reason


async def test_a_reading_older_than_the_limit_is_marked_stale() -> None:
    async with exporters(node("node-1", gpu("0", 38.5), age_seconds=600)) as nodes:
        fleet = await reader(nodes[0].url).read()
    assert fleet.nodes[0].stale


async def test_an_answer_that_is_not_a_report_is_said_to_be_none() -> None:
    async with exporters(node("node-1")) as nodes:
        with pytest.raises(FleetUnavailable, match="HTTP 404"):
            await reader(nodes[0].url + "/elsewhere").read()


async def test_all_who_ask_at_once_share_one_look() -> None:
    async with exporters(node("node-1", gpu("0", 38.5))) as nodes:
        shared = reader(nodes[0].url)
        await asyncio.gather(*(shared.read() for _ in range(50)))
        assert nodes[0].requests == 1


async def test_a_look_with_the_models_serves_who_wants_free_memory_and_not_the_other_way_round() -> None:
    asked: list[bool] = []

    async def look(models: bool) -> Fleet:
        asked.append(models)
        await asyncio.sleep(0)
        return Fleet(nodes=(), source="Prometheus", models=models)

    shared = FleetReader(look=look)
    assert not (await shared.read(models=False)).models
    assert (await shared.read()).models
    assert (await shared.read(models=False)).models
    assert asked == [False, True]

    at_once = FleetReader(look=look)
    whole, free = await asyncio.gather(at_once.read(), at_once.read(models=False))
    assert whole is free


async def test_a_source_that_is_away_while_names_are_read_is_told_by_the_next_look() -> None:
    reader = fleet_reader(prometheus_url="http://127.0.0.1:9")
    assert reader is not None
    await reader.keep_ready()
    with pytest.raises(FleetUnavailable, match="Prometheus: nothing answers"):
        await reader.read()


async def test_a_failure_is_kept_as_long_as_a_success_so_a_hanging_source_is_waited_for_once() -> None:
    async with exporters(node("node-1", gpu("0", 38.5))) as nodes:
        nodes[0].hang = True
        shared = reader(nodes[0].url, deadline_seconds=0.2)
        for _ in range(5):
            with pytest.raises(FleetUnavailable):
                await shared.read()
        assert nodes[0].requests == 1


async def test_an_asker_that_goes_away_does_not_end_the_look_for_the_others() -> None:
    async with exporters(node("node-1", gpu("0", 38.5))) as nodes:
        shared = reader(nodes[0].url)
        first = asyncio.create_task(shared.read())
        second = asyncio.create_task(shared.read())
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).nodes[0].name == "node-1"


def test_without_a_source_there_is_no_reader() -> None:
    assert fleet_reader() is None
