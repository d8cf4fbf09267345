"""Planning in processes of its own: it takes tens of milliseconds, and the event loop must acknowledge in one."""

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Final, Literal

from bot.thinking import Asked, Mind
from shared.catalog.load import load_catalog

log: Final = logging.getLogger("fittingroom.bot")

FIRST_GPU: Final = "a100-40gb"
FIRST_QUESTION: Final = "llama 3.1 8b"  # asked of ourselves before anyone asks us
NICER: Final = 5  # when cores are few, the process that acknowledges goes first

Wish = Literal["reply", "answer", "json"]

_mind: Mind | None = None  # of this planning process, made once by its initializer


class Thinker:
    """Runs a Mind in `processes` processes; with 0 in a thread, for short runs that need no event loop kept free."""

    def __init__(self, site_catalog: Path | None = None, *, processes: int = 1) -> None:
        self._site_catalog = site_catalog
        self._processes = processes
        self._pool = self._made()

    def _made(self) -> Executor:
        if self._processes == 0:
            return ThreadPoolExecutor(1, initializer=_load, initargs=(self._site_catalog,))
        return ProcessPoolExecutor(
            self._processes,
            mp_context=multiprocessing.get_context(
                "spawn"
            ),  # a fork would copy our threads' locks and sockets
            initializer=_begin,
            initargs=(self._site_catalog, os.getpid()),
        )

    async def warm(self) -> None:
        """Start every process before a question needs it; each has planned once before it takes one."""
        first = (self.think("json", Asked(text=FIRST_QUESTION)) for _ in range(max(1, self._processes)))
        await asyncio.gather(*first)

    async def think(self, wish: Wish, asked: Asked) -> Any:
        """What the Mind's method `wish` returns. A process that was killed is replaced, and asked once more."""
        loop = asyncio.get_running_loop()
        pool = self._pool
        try:
            return await loop.run_in_executor(pool, _think, wish, asked)
        except BrokenProcessPool:
            if self._pool is pool:  # the first of all who waited replaces it
                log.error("a planning process died; starting another")  # noqa: TRY400
                self._pool = self._made()
                pool.shutdown(wait=False)
            return await loop.run_in_executor(self._pool, _think, wish, asked)

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _think(wish: Wish, asked: Asked) -> Any:
    assert _mind is not None  # noqa: S101  the initializer has run
    return getattr(_mind, wish)(asked)


def _load(site_catalog: Path | None) -> None:
    global _mind  # noqa: PLW0603  one per process, like the process itself
    _mind = Mind(load_catalog(site_catalog))


def _begin(site_catalog: Path | None, parent: int) -> None:
    """In a new process: Ctrl-C is the parent's to handle, nobody outlives a killed parent, planning yields to it."""
    os.nice(NICER)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _load(site_catalog)
    _think("reply", Asked(text=f"can {FIRST_QUESTION} run on {FIRST_GPU}?"))  # builds what plans look up


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)
