"""A channel's defaults from Slack: shown, set and taken away by words, read for every question asked there."""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from bot.canonical import canonical_text
from bot.defaults import DefaultsVerb
from bot.defaults_store import DefaultsStore
from bot.desk import Desk
from bot.listeners.turn import Turn
from bot.messages.defaults import cleared_message, set_message, shown_message
from bot.messages.error import error_message
from bot.messages.message import Message
from shared.errors import UserError


@dataclass(slots=True, kw_only=True)
class Channels:
    """What channels take for granted."""

    desk: Desk
    store: DefaultsStore
    worker: Executor

    async def text_for(self, turn: Turn) -> str:
        """The defaults a question asked this way is read with; buttons and forms say all there is to say."""
        return await self._get(turn.place) if turn.in_words and turn.channel else ""

    async def handle(self, turn: Turn, verb: DefaultsVerb) -> tuple[Message, str]:
        """The answer to a verb, and how it came out."""
        if verb.kind == "show":
            return shown_message(await self._get(turn.place), self.desk.command), "answered"
        if verb.kind == "clear":
            await self._put(turn, "")
            return cleared_message(), "answered"
        try:
            query = await self.desk.read(verb.question)
        except UserError as error:
            return error_message(error, turn.text, self.desk.command), "not_understood"
        # a model is what one asks about, not what one takes for granted
        text = canonical_text(replace(query, model=None, other_models=(), quantization=None, ambiguous=()))
        await self._put(turn, text)
        return set_message(text), "answered"

    async def _get(self, channel: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self.worker, self.store.get, channel)

    async def _put(self, turn: Turn, text: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.worker, self.store.put, turn.place, text, turn.user)
