"""Carry out the steps of programming mode over a link, up to what happens next.

What `client.drive` does for a readout; here whoever asks decides what follows each
event.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
import logging

from .commands import Command
from .concealing import Concealer
from .const import BITS_PER_CHARACTER
from .exceptions import IecError
from .programming import ProgrammingSession
from .steps import (
    BlockReceived,
    CommandDone,
    ProgrammingEvent,
    ProgrammingStep,
    Send,
    SetBaudRate,
    StartTimer,
)
from .transport import Transport

_LOGGER = logging.getLogger(__name__)


class Driver:
    """A session in programming mode on its link.

    Passwords get into no log.
    """

    def __init__(self, transport: Transport, session: ProgrammingSession) -> None:
        """Prepare to carry out what `session` says."""
        self.session = session
        """The session; another one may take its place."""
        self._transport = transport
        self._concealer = Concealer()
        self._todo: deque[ProgrammingStep] = deque()
        self._deadline = 0.0

    async def ask(
        self, *blocks: Command, once: bool = False
    ) -> BlockReceived | CommandDone:
        """Send a command; return the first thing that comes of it.

        Raises:
            IecError: as `ProgrammingSession`, or the link is lost.

        """
        self.begin(self.session.ask(*blocks, once=once))
        event = await self.next_event()
        assert isinstance(event, BlockReceived | CommandDone)  # noqa: S101 - no other
        return event

    def begin(self, steps: Iterable[ProgrammingStep]) -> None:
        """Carry out `steps` next, and forget what was to be done before."""
        self._todo = deque(steps)
        self._deadline = asyncio.get_running_loop().time()

    async def next_event(self) -> ProgrammingEvent:
        """Go on until something happens, and return it.

        Raises:
            IecError: as `ProgrammingSession`, or the link is lost.

        """
        loop = asyncio.get_running_loop()
        while (event := await self._up_to_event()) is None:
            if data := await self._read(max(0, self._deadline - loop.time())):
                self._todo.extend(self.session.receive_data(data))
            else:
                self._todo.extend(self.session.handle_timeout())
        return event

    async def carry_out(self, steps: Iterable[ProgrammingStep]) -> None:
        """Carry out `steps` in which nothing happens.

        Raises:
            LinkError: the link is lost.

        """
        self.begin(steps)
        await self._up_to_event()

    async def overhear(self, patience: float) -> int:
        """Listen for what nobody asked for; return how many bytes came first.

        0 after `patience` seconds of silence. Only a sign-off changes anything.

        Raises:
            LinkError: the link is lost.

        """
        if data := await self._read(patience):
            with suppress(IecError):
                self.session.receive_data(data)
        return len(data)

    async def let_finish(self, seconds: float) -> None:
        """Let a meter finish what it says, and get ready to hear again (tr).

        After `seconds` of speech it is interrupted.

        Raises:
            LinkError: the link is lost.

        """
        silence = self.session.reaction_time
        while seconds > 0 and (count := await self.overhear(silence)):
            seconds -= count * BITS_PER_CHARACTER / self.session.baud_rate

    async def _up_to_event(self) -> ProgrammingEvent | None:
        """Carry out what is to be done, up to the first event in it."""
        while self._todo:
            match self._todo.popleft():
                case Send(data):
                    _LOGGER.debug("> %r", self._concealer.sent(data))
                    await self._transport.write(data)
                case SetBaudRate(baud_rate):
                    _LOGGER.debug("= %d Bd", baud_rate)
                    await self._transport.set_baud_rate(baud_rate)
                case StartTimer(seconds):
                    self._deadline = asyncio.get_running_loop().time() + seconds
                case event:
                    return event
        return None

    async def _read(self, patience: float) -> bytes:
        """Return what has come, b"" after `patience` seconds without anything."""
        if data := await self._transport.read(patience):
            _LOGGER.debug("< %r", self._concealer.received(data))
        return data
