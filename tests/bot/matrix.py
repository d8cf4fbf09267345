"""The whole matrix of models x GPUs x kinds of answer held against Slack's limits, model by model.

`python -m tests.bot.matrix` looks at every pair with one of the four kinds about a pair, in turns, and at the kinds
about a model or a GPU alone; `--turn 1`, 2 and 3 take the kinds left out. A question costs about 30 ms, because all
of a model's are asked together; `--shard 2/8` is the second eighth of the models.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from typing import Final

from bot.answer import Answer, placed
from bot.canonical import canonical_text
from bot.fleet import Fleet
from bot.messages import plan as plan_messages
from bot.messages.error import error_message
from bot.messages.message import Message
from bot.messages.plan import Frame, plan_message
from shared.catalog.catalog import Catalog
from shared.catalog.load import load_catalog
from shared.catalog.rows import Gpu, Model
from shared.errors import UserError
from shared.planner.planner import plan
from shared.question.query import Intent, Query
from tests.bot.fleets import fleet
from tests.fakes.block_kit import pings, problems

PAIR_KINDS: Final = (Intent.FIT, Intent.MAX_CONTEXT, Intent.MAX_SEQUENCES, Intent.COMPARE)
MODEL_KINDS: Final = (Intent.WHICH_GPU, Intent.CHEAPEST)
NEWEST: Final = frozenset({"table", "data_visualization"})
CATALOG: Final = load_catalog()
FLEET: Final = fleet()


def check(message: Message) -> None:
    """Slack takes it in every form, it says something without blocks, and it reaches nobody it should not."""
    for blocks in filter(None, (message.blocks, message.chartless_blocks, message.plain_blocks)):
        assert problems(blocks) == []
        assert pings(blocks) == []
    assert not NEWEST & {block["type"] for block in message.plain_blocks}
    assert not any(block["type"] == "data_visualization" for block in message.chartless_blocks)
    assert 1 <= len(message.text) <= 3000
    assert pings(message.text) == []


def frames(catalog: Catalog) -> list[Frame]:
    """Every way an answer is shown, the fullest last."""
    return [
        Frame(catalog=catalog, version="0.1.0", details=details, private=private)
        for details in (False, True)
        for private in (False, True)
    ]


def of_pair(model: Model, gpu: Gpu, kind: Intent, catalog: Catalog) -> Query:
    """A question of a kind about a model on a GPU; how many, and with which context, differs from pair to pair."""
    chance = random.Random(f"{model.id} {gpu.id}")
    other = chance.choice(list(catalog.models.values()))
    return Query(
        text="",
        intent=kind,
        model=model,
        gpu=gpu,
        gpu_count=chance.choice([None, 2, 8]) if kind is Intent.FIT else None,
        context_tokens=chance.choice([None, 32_768]),
        other_models=(other,) if kind is Intent.COMPARE else (),
    )


def of_model(number: int, turn: int, catalog: Catalog) -> Iterator[Query]:
    """A turn's questions about the model of this number: all its pairs, itself, and its share of the GPUs alone."""
    models, gpus = list(catalog.models.values()), list(catalog.gpus.values())
    model = models[number]
    for place, gpu in enumerate(gpus):
        yield of_pair(model, gpu, PAIR_KINDS[(number + place + turn) % len(PAIR_KINDS)], catalog)
    if turn == 0:
        for kind in MODEL_KINDS:
            yield Query(text="", intent=kind, model=model)
        for gpu in gpus[number :: len(models)]:
            yield Query(text="", intent=Intent.WHAT_FITS, gpu=gpu)


def look_at(query: Query, catalog: Catalog, seen: Fleet) -> None:
    """Check the answer in every way it is shown. Raises AssertionError.

    Where the fullest way leaves no block out, the others show nothing that it does not.
    """
    try:
        made = placed(plan(query, catalog), catalog, seen)
    except UserError as error:
        check(error_message(error, canonical_text(query), "/fit"))
        return
    *others, fullest = frames(catalog)
    check(plan_message(made, fullest))
    if _leaves_out(made, fullest):
        for frame in others:
            check(plan_message(made, frame))


def _leaves_out(made: Answer, frame: Frame) -> bool:
    whole = plan_messages._blocks(made, frame, chart=True)
    return len(whole) != len(plan_message(made, frame).blocks)


def walk(numbers: list[int], turn: int) -> int:
    """Look at these models' questions, say how far it is, and return how many are not as they should be."""
    wrong = asked = 0
    began = time.monotonic()
    for done, number in enumerate(numbers, start=1):
        for query in of_model(number, turn, CATALOG):
            asked += 1
            try:
                look_at(query, CATALOG, FLEET)
            except Exception as error:  # noqa: BLE001  what breaks is what we look for
                wrong += 1
                sys.stdout.write(f"WRONG {query.intent} {canonical_text(query)}: {error!r}"[:600] + "\n")
        minutes = (time.monotonic() - began) / 60
        sys.stdout.write(
            f"{done} of {len(numbers)} models, {asked:,} questions, {wrong} wrong, {minutes:.0f} min\n"
        )
        sys.stdout.flush()
    return wrong


def main() -> int:
    """Walk a shard of a turn; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turn", type=int, choices=range(len(PAIR_KINDS)), default=0)
    parser.add_argument("--shard", default="1/1", help="which part of the models, such as 2/8")
    given = parser.parse_args()
    part, of = (int(one) for one in given.shard.split("/"))
    numbers = list(range(len(CATALOG.models)))
    random.Random(7).shuffle(numbers)  # a walk that is cut short has seen a fair sample
    return 1 if walk(numbers[part - 1 :: of], given.turn) else 0


if __name__ == "__main__":
    sys.exit(main())
