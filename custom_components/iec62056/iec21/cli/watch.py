"""`iec21 watch`: readout after readout, or telegram after telegram."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import UTC, datetime
import signal
from typing import Any, Final, Never

from .. import client
from ..exceptions import IecError, LinkError, OtherProtocolError
from ..reading import interpret
from ..settings import Mode
from ..steps import DataArrived, Event, Identified, Retrying
from ..telegram import Readout
from . import output
from .asking import Question, read_meter
from .choices import may_search, settings_of
from .documents import watch_document
from .failures import DONE, explain

TROUBLE_PAUSE: Final = 5.0
"""Seconds before a port is opened again that failed, or a stream that ended."""


def watch(options: argparse.Namespace) -> int:
    """Show readouts until somebody says stop."""
    question = Question(
        port=options.port, settings=settings_of(options), search=may_search(options)
    )
    watcher = _Watcher(question, options)
    _run_until_stopped(watcher.run())
    return DONE


def _run_until_stopped(work: Coroutine[Any, Any, Never]) -> None:
    """Carry out `work` until a signal ends it, ports closed and all."""

    async def run() -> None:
        task = asyncio.create_task(work)
        # Windows has no such handlers.
        with suppress(NotImplementedError):
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, task.cancel)
        await task

    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(run())


class _Watcher:
    """One meter, and what is known about it."""

    def __init__(self, question: Question, options: argparse.Namespace) -> None:
        self._question = question
        self._json: bool = options.json
        self._interval: float = options.interval
        self._quiet: bool = options.verbose
        self._answered = False
        self._last_trouble = ""

    async def run(self) -> Never:
        """Go on for ever.

        Raises:
            OtherProtocolError: it is no meter of this norm, and never was.

        """
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            pause = self._interval
            try:
                if self._question.settings.mode is Mode.D:
                    await self._listen()
                await self._poll()
                if self._question.settings.mode is Mode.D:
                    # A search has found it out; from now on every telegram counts.
                    continue
            except IecError as error:
                if isinstance(error, OtherProtocolError) and not self._answered:
                    raise
                if isinstance(error, LinkError) or self._listens:
                    pause = min(pause, TROUBLE_PAUSE)
                self._complain(error)
            await asyncio.sleep(started + pause - loop.time())

    @property
    def _listens(self) -> bool:
        return self._question.settings.mode is Mode.D

    async def _poll(self) -> None:
        """Read the meter out once."""
        loop = asyncio.get_running_loop()
        started = last = loop.time()
        progress = output.Progress(loop.time, quiet=self._quiet)

        def watch(event: Event) -> None:
            nonlocal last
            if isinstance(event, DataArrived):
                last = loop.time()
            progress.show(event)

        try:
            settings, readout = await read_meter(self._question, watch)
        finally:
            progress.erase()
        # What has worked once needs no search any more.
        self._question = replace(self._question, settings=settings, search=False)
        self._show(readout, last - started)

    async def _listen(self) -> None:
        """Show telegrams until something goes wrong."""
        loop = asyncio.get_running_loop()
        begun = loop.time()

        def watch(event: Event) -> None:
            nonlocal begun
            match event:
                case Identified():
                    begun = loop.time()
                case Retrying(error):
                    self._complain(error)
                case _:
                    pass

        question = self._question
        stream = client.listen(question.port, question.settings, on_event=watch)
        async with aclosing(stream) as readouts:
            async for readout in readouts:
                self._show(readout, loop.time() - begun)

    def _show(self, readout: Readout, duration: float) -> None:
        self._answered = True
        self._last_trouble = ""
        now = datetime.now(UTC).astimezone()
        readings = interpret(readout)
        port = self._question.port
        if self._json:
            output.print_document(
                watch_document(port, duration, readout, readings, now)
            )
        else:
            output.print_line(f"{now:%Y-%m-%d %H:%M:%S}")
            output.print_readout(readout, readings, duration)
            output.print_line("")

    def _complain(self, error: IecError) -> None:
        """Say what went wrong; of a port that stays away, only once."""
        text, status = explain(error)
        if text != self._last_trouble or not isinstance(error, LinkError):
            output.print_failure(text, status, as_json=self._json)
        self._last_trouble = text
