"""Models nobody listed, asked about in Slack: looked up once, told of while it lasts, and never in the others' way."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.desk import Desk
from bot.look_ups import LookUps
from bot.settings import BotSettings
from bot.thinker import Thinker
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.errors import UserError
from shared.hub.settings import HubSettings
from tests.shared.hub.hub_server import Hub, Repository, running_hub
from tests.shared.hub.written_files import QWEN3_CONFIG, QWEN3_TENSORS, safetensors

NAME = "acme/Zed-New-7B"
QUESTION = f"can {NAME} run on a 4090?"
FILES = {"config.json": json.dumps(QWEN3_CONFIG).encode(), "model.safetensors": safetensors(QWEN3_TENSORS)}


@pytest.fixture(scope="module")
def facts() -> Catalog:
    return load_catalog()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as running:
        running.repositories[NAME] = Repository(files=dict(FILES))
        yield running


@pytest.fixture
async def desk(hub: Hub, facts: Catalog) -> AsyncIterator[Desk]:
    thinker = Thinker(processes=0)
    look_ups = LookUps(HubSettings(endpoint=hub.address, timeout_seconds=60.0))
    yield Desk(catalog=facts, reader=None, thinker=thinker, look_ups=look_ups)
    thinker.close()


async def test_a_model_nobody_listed_is_answered_and_remembered(desk: Desk, hub: Hub) -> None:
    """Looked up for the first question, known to the second and to the buttons, which carry its id."""
    told: list[str] = []

    async def tell(step: str) -> None:
        told.append(step)

    reply = await desk.reply(QUESTION, tell=tell)
    asked = len(hub.asked)
    again = await desk.reply(QUESTION, tell=tell)
    by_id = await desk.reply("acme-zed-new-7b on 2x 4090")

    assert [one.result for one in (reply, again, by_id)] == ["answered"] * 3
    assert "Zed-New-7B" in reply.message.text
    assert told == [f"Looking up {NAME} …"]
    assert len(hub.asked) == asked
    assert (await desk.read(QUESTION)).model is not None
    assert (await desk.answer(QUESTION)).plan.asked is not None


async def test_it_takes_no_part_in_questions_that_do_not_name_it(desk: Desk, facts: Catalog) -> None:
    """A stranger's "7B" does not become a choice for "a 7b on a 4090"."""
    before = await desk.read("a 7b on a 4090")
    await desk.reply(QUESTION)

    assert await desk.read("a 7b on a 4090") == before
    assert desk.catalog is facts


@pytest.mark.parametrize(
    ("repository", "why"),
    [
        (Repository(gated_for="hf_token"), "gated"),
        (Repository(files={"config.json": b'{"model_type": "mystery"}'}), "mystery"),
        (Repository(status=503), "cannot be asked now"),
        (None, "check its name"),
    ],
)
async def test_a_look_up_that_fails_is_one_sentence_and_not_tried_again_at_once(
    desk: Desk, hub: Hub, repository: Repository | None, why: str
) -> None:
    """However often the button is pressed."""
    hub.repositories = {} if repository is None else {NAME: repository}
    first = await desk.reply(QUESTION)
    asked = len(hub.asked)
    second = await desk.reply(QUESTION)

    assert first.result == second.result == "not_understood"
    assert why in first.message.text
    assert why in second.message.text
    assert len(hub.asked) == asked


async def test_a_hub_that_hangs_keeps_nobody_else_waiting(desk: Desk, hub: Hub) -> None:
    """A known model is answered while a look-up waits; the fifth look-up at once is refused."""
    released = threading.Event()
    names = [f"acme/Slow-{number}-7B" for number in range(5)]
    hub.repositories = {name: Repository(files=dict(FILES), held_until=released) for name in names}
    waiting = [asyncio.create_task(desk.reply(f"can {name} run on a 4090?")) for name in names]
    while len(hub.asked) < 4:  # noqa: ASYNC110 - the server is a thread
        await asyncio.sleep(0.01)

    assert (await desk.reply("qwen3 8b on a 4090")).result == "answered"
    assert [task.done() for task in waiting] == [False] * 4 + [True], [
        t.result() for t in waiting if t.done()
    ]
    released.set()
    replies = await asyncio.gather(*waiting)
    assert [reply.result for reply in replies].count("answered") == 4
    assert "ask again in a minute" in replies[4].message.text


async def test_without_look_ups_the_name_is_refused_as_ever(facts: Catalog, hub: Hub) -> None:
    """Nobody is asked."""
    thinker = Thinker(processes=0)
    desk = Desk(catalog=facts, reader=None, thinker=thinker)
    reply = await desk.reply(QUESTION)
    with pytest.raises(UserError, match="I don't know the model"):
        await desk.answer(QUESTION)
    thinker.close()

    assert reply.result == "not_understood"
    assert hub.asked == []


def test_the_settings_say_where_and_whether(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the hub's own variables; off is off."""
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.test/")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    made = BotSettings().hub_settings()

    assert made is not None
    assert (made.endpoint, made.token) == ("https://mirror.test", "hf_secret")
    assert "hf_secret" in BotSettings().secrets()
    monkeypatch.setenv("FITTINGROOM_HUB", "off")
    assert BotSettings().hub_settings() is None
