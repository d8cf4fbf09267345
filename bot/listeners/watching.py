"""Watches from Slack: kept on demand, listed, stopped and put off by buttons."""

import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime

from slack_bolt.async_app import AsyncApp

from bot.answer import Answer, candidates
from bot.canonical import canonical_text
from bot.listeners.reception import Reception
from bot.listeners.turn import Turn, turn_of_button
from bot.messages import watches as said
from bot.messages.error import error_message
from bot.messages.message import Message
from bot.watch_round import WatchRound
from bot.watch_verbs import WatchVerb
from bot.watches import EXPIRES_AFTER, MOST_PER_USER, Watch, WatchState, place_for, snoozed, wanted
from shared.errors import UserError
from shared.memory.breakdown import Verdict

_NO_FLEET = "I cannot watch for room: nobody told me where our GPUs are (PROMETHEUS_URL or FITTINGROOM_EXPORTER_URLS)."


def register(app: AsyncApp, reception: Reception, watching: "Watching") -> None:
    """Take the buttons; the words come through the reception."""
    app.action(re.compile("^fit_watch_stop:"))(reception.taking(turn_of_button, watching.stop))
    app.action(re.compile("^fit_watch_snooze:"))(reception.taking(turn_of_button, watching.snooze))


class Watching:
    """What a person can do with watches."""

    def __init__(self, reception: Reception, rounds: WatchRound) -> None:
        self._reception = reception
        self._rounds = rounds
        self._catalog = reception.desk.catalog

    async def handle(self, turn: Turn, verb: WatchVerb) -> str:
        """Answer a verb."""
        if verb.kind == "list":
            await self._reception.send(turn, said.list_message(await self.of_user(turn), self._catalog))
            return "answered"
        try:
            message = await self._keep(turn, verb.question)
        except UserError as error:
            await self._reception.send(turn, error_message(error, turn.text, self._reception.desk.command))
            return "not_understood"
        await self._reception.send(turn, message)
        return "answered"

    async def of_user(self, turn: Turn) -> tuple[Watch, ...]:
        """The live watches of the person whose turn it is."""
        return await self._rounds.off_loop(self._rounds.store.of_user, turn.user, turn.workspace)

    async def _keep(self, turn: Turn, question: str) -> Message:
        """Keep a watch, or say why there is no need for one."""
        desk = self._reception.desk
        if desk.reader is None:
            return said.sentence_message(_NO_FLEET)
        answer = await desk.answer(question)
        if answer.plan.query.gpus_beside:
            return said.sentence_message("I watch for GPUs of one kind: name one of them, and how many.")
        place = place_for(answer)
        if place:
            return said.already_fits_message(place, answer)
        if not _could_fit(answer):
            return said.never_fits_message(answer)
        mine = await self.of_user(turn)
        text = canonical_text(answer.plan.query)
        same = next((watch for watch in mine if watch.question == text), None)
        if same:
            return said.kept_message(same, self._catalog)
        if len(mine) >= MOST_PER_USER:
            return said.sentence_message(f"You have {MOST_PER_USER} watches already; stop one first.")
        now = datetime.now(UTC)
        watch = Watch(
            id=uuid.uuid4().hex,
            user=turn.user,
            workspace=turn.workspace,
            question=text,
            created_at=now,
            expires_at=now + EXPIRES_AFTER,
        )
        await self._rounds.off_loop(self._rounds.store.add, watch)
        return said.kept_message(watch, self._catalog)

    async def stop(self, turn: Turn) -> str:
        """Stop the watch of the button."""
        watch = await self._own(turn)
        if watch is None:
            await self._reception.send(turn, said.sentence_message("That watch is not there any more."))
            return "answered"
        stopped = replace(watch, state=WatchState.STOPPED)
        done = watch.state is WatchState.STOPPED or await self._change(watch, stopped)
        text = (
            said.stopped_message(stopped, self._catalog)
            if done
            else said.sentence_message("It has just been told.")
        )
        await self._reception.send(turn, text)
        return "answered"

    async def snooze(self, turn: Turn) -> str:
        """Arm the watch of the button again, after an hour."""
        watch = await self._own(turn)
        if watch is None or watch.state is WatchState.TELLING:
            await self._reception.send(turn, said.sentence_message("That watch is not there any more."))
            return "answered"
        again = snoozed(watch, datetime.now(UTC))
        await self._change(watch, again)
        await self._reception.send(turn, said.snoozed_message(again, self._catalog))
        return "answered"

    async def _own(self, turn: Turn) -> Watch | None:
        """The watch a button names, if it is the presser's."""
        watch = await self._rounds.off_loop(self._rounds.store.get, turn.text)
        mine = watch and (watch.user, watch.workspace) == (turn.user, turn.workspace)
        return watch if mine else None

    async def _change(self, watch: Watch, new: Watch) -> bool:
        return await self._rounds.off_loop(self._rounds.store.change, watch, new)


def _could_fit(answer: Answer) -> bool:
    """Whether anything asked for fits GPUs that are empty."""
    return any(
        option.verdict is Verdict.FITS and wanted(option, answer) for option in candidates(answer.plan)
    )
