"""Drive a session over a link. The only place that waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
import logging

from .messages import Identification
from .session import ReadoutSession
from .settings import Settings
from .steps import (
    ClientStep,
    Event,
    Identified,
    ReadoutReceived,
    Send,
    SetBaudRate,
    StartTimer,
)
from .telegram import Readout
from .transport import Transport, display_port, open_transport

_LOGGER = logging.getLogger(__name__)

DEFAULTS = Settings()
"""What suits an ordinary meter on an ordinary head."""


def _ignore(_event: Event) -> None:
    """Watch nothing."""


async def read_out(
    port: str,
    settings: Settings = DEFAULTS,
    *,
    on_event: Callable[[Event], None] = _ignore,
) -> Readout:
    """Open `port`, read the meter out once, and close the port again.

    `on_event` is called while the readout goes on: who answered, which data
    sets have arrived (unchecked), and that an attempt begins again.

    Raises:
        LinkError: the port cannot be used or was lost.
        MeterTimeoutError: nobody answered; `EchoOnlyError` if only the head did.
        TelegramError: what came cannot be used; `ChecksumError` if it is damaged.
        MeterRefusedError: the meter broke the session off.

    """
    received = await _run(port, settings, ReadoutReceived, on_event)
    return received.readout


async def identify(port: str, settings: Settings = DEFAULTS) -> Identification:
    """Open `port`, ask who is there, and close the port again.

    The meter's readout, if it sends one unasked, is not waited for.

    Raises:
        LinkError: the port cannot be used or was lost.
        MeterTimeoutError: nobody answered; `EchoOnlyError` if only the head did.
        TelegramError: what answered is not a meter of this norm.

    """
    identified = await _run(port, settings, Identified, _ignore)
    return identified.identification


async def _run[E: Identified | ReadoutReceived](
    port: str, settings: Settings, wanted: type[E], on_event: Callable[[Event], None]
) -> E:
    """Carry out a session on `port` up to the event that is wanted."""
    async with opened(port, settings) as transport:
        session = ReadoutSession(settings, can_switch=transport.can_switch)
        async with aclosing(drive(transport, session)) as events:
            while not isinstance(event := await anext(events), wanted):
                on_event(event)
            return event


@asynccontextmanager
async def opened(port: str, settings: Settings) -> AsyncIterator[Transport]:
    """Open `port`, and close it whatever happens, cancellation included.

    Raises:
        LinkError: the port cannot be used.

    """
    _LOGGER.debug("Opening %s", display_port(port))
    transport = await open_transport(port, settings)
    try:
        yield transport
        await asyncio.sleep(settings.close_delay)
    finally:
        await transport.close()
        _LOGGER.debug("Closed %s", display_port(port))


async def drive(transport: Transport, session: ReadoutSession) -> AsyncGenerator[Event]:
    """Carry out one session over an open link; yield what happens in it.

    The last event is the `ReadoutReceived`.

    Raises:
        IecError: as `read_out`.

    """
    loop = asyncio.get_running_loop()
    todo: deque[ClientStep] = deque(session.start())
    deadline = loop.time()
    while True:
        while todo:
            match todo.popleft():
                case Send(data):
                    _LOGGER.debug("> %r", data)
                    await transport.write(data)
                case SetBaudRate(baud_rate):
                    _LOGGER.debug("= %d Bd", baud_rate)
                    await transport.set_baud_rate(baud_rate)
                case StartTimer(seconds):
                    deadline = loop.time() + seconds
                case ReadoutReceived() as last:
                    yield last
                    return
                case event:
                    yield event
        if data := await transport.read(max(0, deadline - loop.time())):
            _LOGGER.debug("< %r", data)
            todo.extend(session.receive_data(data))
        else:
            todo.extend(session.handle_timeout())
