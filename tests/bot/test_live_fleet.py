"""The live fleet in an answer, with the bot as its own process; and an answer that comes although the fleet is away."""

import asyncio
import socket

from aiohttp import web

from shared import metric_names as names
from tests.bot.bot_process import running_bot
from tests.bot.fleet_world import A100_80, exporters, gpu, node
from tests.bot.test_conversation import QUESTION
from tests.fakes.slack_server import FakeSlack, all_text


async def test_an_answer_names_the_node_and_gpu_that_have_the_room_and_how_old_the_look_is() -> None:
    async with (
        exporters(
            node("node-7", gpu("0", 2.0), gpu("1", 38.5)), node("node-8", gpu("0", 70, kind=A100_80))
        ) as nodes,
        FakeSlack() as slack,
        running_bot(slack, "socket", FITTINGROOM_EXPORTER_URLS=",".join(one.url for one in nodes)) as bot,
    ):
        shown = all_text((await slack.ask(f"/fit {QUESTION}")).blocks)
        assert "node-7, GPU 1 (A100 40GB): 38.5 GiB free, and 1 more place" in shown
        assert (
            "3 GPUs read from the exporters, 5 s old" in shown
            or "3 GPUs read from the exporters, 6 s old" in shown
        )
        assert await bot.metric('fittingroom_bot_fleet_reads_total{result="success"}') == 1


async def test_a_simulated_node_is_called_simulated() -> None:
    async with (
        exporters(node("demo", gpu("0", 38.5), simulated=True)) as nodes,
        FakeSlack() as slack,
        running_bot(slack, "http", FITTINGROOM_EXPORTER_URLS=nodes[0].url),
    ):
        answer = await slack.ask(f"/fit {QUESTION}")
        assert "simulated, not real hardware" in all_text(answer.blocks)
        assert "simulated, not real hardware" in answer.text


async def test_with_the_exporters_down_the_answer_comes_and_says_so() -> None:
    async with (
        FakeSlack() as slack,
        running_bot(slack, "socket", FITTINGROOM_EXPORTER_URLS="http://127.0.0.1:9") as bot,
    ):
        shown = all_text((await slack.ask(f"/fit {QUESTION}")).blocks)
        assert "✅ Yes: Llama 3.1 8B" in shown
        assert "unknown: the exporter at 127.0.0.1:9: nothing answers at that address" in shown
        assert await bot.metric('fittingroom_bot_fleet_reads_total{result="failure"}') == 1


async def test_with_a_hanging_prometheus_fifty_commands_are_acknowledged_in_time_and_answered() -> None:
    async with (
        exporters(node("node-1")) as nodes,
        FakeSlack() as slack,
    ):
        hanging = socket.create_server(("127.0.0.1", 0))  # takes connections and never says a word
        address = "http://{}:{}".format(*hanging.getsockname())
        users = [f"U{number:04}" for number in range(50)]
        slack.workspace.members["C1"] |= set(users)
        async with running_bot(
            slack, "socket", PROMETHEUS_URL=address, FITTINGROOM_EXPORTER_URLS=nodes[0].url
        ):
            acks = await asyncio.gather(*(slack.command(f"/fit {QUESTION}", user=user) for user in users))
            assert all(ack.in_time for ack in acks)
            for user in users:
                shown = all_text((await slack.answer(user=user, seconds=30)).blocks)
                assert "✅ Yes: Llama 3.1 8B" in shown
                assert "On our GPUs now: \nunknown: " in shown
        hanging.close()


async def test_the_names_of_gpus_are_read_before_anyone_asks() -> None:
    """A look that must read them too takes twice as long."""
    asked: list[str] = []
    read = asyncio.Event()

    async def query(request: web.Request) -> web.Response:
        asked.append(request.query["query"])
        if names.GPU_INFO.name in asked[-1]:
            read.set()
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    app = web.Application()
    app.router.add_get("/api/v1/query", query)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = "http://{}:{}".format(*runner.addresses[0])
    async with FakeSlack() as slack, running_bot(slack, "socket", PROMETHEUS_URL=address):
        await asyncio.wait_for(read.wait(), 30)
    await runner.cleanup()

    assert not any(names.LOADED_LIMIT_RATIO.name in one for one in asked)
