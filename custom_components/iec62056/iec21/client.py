"""Drive a session over a link. The only place that waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
import logging
from typing import Protocol

from .conversation import Conversation
from .credentials import Credentials
from .delays import WAKE_UP_PAUSE
from .exceptions import (
    EchoOnlyError,
    IecError,
    MeterTimeoutError,
    OtherProtocolError,
    TelegramError,
    UnsupportedSettingsError,
)
from .foreign import recognise_readout
from .framing import MAX_READOUT, add_parity, strip_parity
from .listen import ListenSession
from .messages import Identification
from .recipes import Recipe, recipes_for
from .session import ReadoutSession
from .settings import Mode, Settings
from .steps import (
    ClientStep,
    Event,
    Identified,
    ProgrammingEvent,
    ReadoutReceived,
    Send,
    SetBaudRate,
    SettingsFound,
    StartTimer,
)
from .telegram import Readout
from .traces import Entry, Trace
from .transport import (
    RecordingTransport,
    Transport,
    can_switch,
    display_port,
    link_kind,
    open_transport,
)

_LOGGER = logging.getLogger(__name__)

DEFAULTS = Settings()
"""What suits an ordinary meter on an ordinary head."""

_AS_SET = Recipe(name="as set", attempts=None)


class Session(Protocol):
    """One conversation with a meter, free of input and output."""

    @property
    def answered(self) -> bool:
        """Whether a meter has said anything that is of this norm."""

    @property
    def learned(self) -> Settings:
        """The settings with what the session has found out about the link."""

    def start(self) -> list[ClientStep]:
        """Return the first steps."""

    def receive_data(self, data: bytes) -> list[ClientStep]:
        """Take what arrived and return what follows."""

    def handle_timeout(self) -> list[ClientStep]:
        """Go on after the time of the last `StartTimer` has passed."""


def _ignore(_event: Event | ProgrammingEvent) -> None:
    """Watch nothing."""


async def read_out(
    port: str,
    settings: Settings = DEFAULTS,
    *,
    on_event: Callable[[Event], None] = _ignore,
    trace: Trace | None = None,
    left_at: int | None = None,
) -> Readout:
    """Open `port`, read the meter out once, and close the port again.

    In mode D the next telegram is taken. `on_event` is called while the readout
    goes on: who answered, which data sets have arrived (unchecked), and that an
    attempt begins again. `trace` takes down what passes over the line.

    `left_at` is the speed in baud at which a session of ours was left without its
    end; None: none was. If the first sign-on stays unanswered then, the meter is
    signed off there before it is asked again; it is never signed off otherwise. A
    caller that is cancelled, or gets a `LinkError`, after an `Identified` finds that
    speed in it: `baud_rate`.

    Raises:
        LinkError: the port cannot be used or was lost.
        MeterTimeoutError: nobody answered; `EchoOnlyError` if only the head did.
        OtherProtocolError: SML or DLMS came instead.
        TelegramError: what came cannot be used; `ChecksumError` if it is damaged.
        MeterRefusedError: the meter broke the session off.

    """
    async with opened(port, settings, trace) as transport:
        session = _session(settings, transport, replace(_AS_SET, left_at=left_at))
        received = await _until(ReadoutReceived, transport, session, on_event)
        return received.readout


async def identify(port: str, settings: Settings = DEFAULTS) -> Identification:
    """Open `port`, ask who is there, and close the port again.

    The meter's readout is not waited for; a meter may go on sending it.

    Raises:
        LinkError: the port cannot be used or was lost.
        MeterTimeoutError: nobody answered; `EchoOnlyError` if only the head did.
        TelegramError: what answered is not a meter of this norm.

    """
    async with opened(port, settings) as transport:
        session = _session(settings, transport)
        async with aclosing(drive(transport, session)) as events:
            while not isinstance(event := await anext(events), Identified):
                pass
            # A meter in mode C whose offer is left unanswered reads out at 300 Bd,
            # for minutes in which it hears nothing. At its own speed it is soon
            # done, so it gets its acknowledgement before the port is closed.
            with suppress(IecError):
                await anext(events)
        return event.identification


async def listen(
    port: str,
    settings: Settings,
    *,
    on_event: Callable[[Event], None] = _ignore,
    trace: Trace | None = None,
) -> AsyncGenerator[Readout]:
    """Open `port` and yield every telegram that a meter sends by itself.

    A damaged telegram is only an event. `trace` takes down what comes, up to its
    own limit. Close the generator to close the port.

    Raises:
        LinkError: the port cannot be used or was lost.
        MeterTimeoutError: no telegram has begun for a while.
        TelegramError: what comes is of another protocol, or of none.

    """
    async with (
        opened(port, settings, trace) as transport,
        aclosing(drive(transport, ListenSession(settings))) as events,
    ):
        async for event in events:
            if isinstance(event, ReadoutReceived):
                yield event.readout
            else:
                on_event(event)


@asynccontextmanager
async def programming(  # noqa: PLR0913  # Nobody but tests needs them all.
    port: str,
    settings: Settings = DEFAULTS,
    credentials: Credentials | None = None,
    *,
    on_event: Callable[[ProgrammingEvent], None] = _ignore,
    trace: Trace | None = None,
    left_at: int | None = None,
) -> AsyncIterator[Conversation]:
    """Open `port` and programming mode on the meter; sign off and close it again.

    With `credentials` their password is sent, once, if it may be; a meter with
    locks (LIS-200) has its lock opened, and closed at the end. The meter is signed off
    whatever happens, cancellation included, within a second. `on_event`, `trace` and
    `left_at` are as for `read_out`. Passwords get into no trace and no log.

    Every method of the meter raises what is named here, and so does leaving.

    Raises:
        LinkError: the port cannot be used or was lost.
        MeterTimeoutError: nobody answered; `EchoOnlyError` if only the head did.
        OtherProtocolError: SML or DLMS came instead.
        TelegramError: what came cannot be used; `ChecksumError` if it is damaged.
        MeterRefusedError: the meter does not open programming mode, or says no to a
            command (`CommandRefusedError`).
        SessionEndedError: it has ended the session.
        PasswordSpentError: the password may not be sent; nothing was.
        PasswordRefusedError: the meter does not take it.
        UnusablePasswordError: neither can it; it was not sent.

    """
    if credentials is not None:
        credentials.check()
    async with opened(port, settings, trace) as transport:
        meter = Conversation(
            transport, settings, credentials, on_event=on_event, left_at=left_at
        )
        try:
            await meter.open()
            yield meter
            await meter.close()
        finally:
            await meter.sign_off()


async def ask(
    port: str,
    settings: Settings,
    request: bytes,
    *,
    trace: Trace | None = None,
) -> bytes:
    """Open `port`, send `request` as it is, and return all that comes of it.

    For what no norm knows. The meter is woken as the settings say; nothing else is
    sent, and no speed is changed. The answer has come when nothing more does for
    `timeout`, or for `character_timeout` once it has begun. It is returned without
    parity bits.

    Raises:
        LinkError: the port cannot be used or was lost.
        MeterTimeoutError: nothing came.
        TelegramError: it does not end.

    """
    received = bytearray()
    between = settings.character_timeout or settings.timeout
    async with opened(port, settings, trace) as transport:
        if settings.wake_up:
            await transport.write(bytes(settings.wake_up))
            while await transport.read(WAKE_UP_PAUSE):
                pass
        await transport.write(
            add_parity(request) if settings.software_parity else request
        )
        data = await transport.read(settings.timeout)
        while data:
            received += data
            if len(received) > MAX_READOUT:
                raise TelegramError(f"no end of an answer within {MAX_READOUT} bytes")
            data = await transport.read(between)
    if not received:
        raise MeterTimeoutError("answer")
    return strip_parity(received)


async def search(
    port: str,
    settings: Settings = DEFAULTS,
    *,
    on_event: Callable[[Event], None] = _ignore,
    trace: Trace | None = None,
    left_at: int | None = None,
) -> tuple[Settings, Readout]:
    """Find out how the meter on `port` wants to be spoken to, and read it out.

    It tries the recipes that `settings` leave open. Return the settings with
    which the next readout needs no search, and the readout. `SettingsFound` is
    the event that somebody answered; until then at most 30 s pass, or 35 s with an
    address. `left_at` is as for `read_out`.

    Raises:
        LinkError: the port cannot be used or was lost.
        MeterTimeoutError: nobody answered any recipe; `EchoOnlyError` as above.
        OtherProtocolError: SML, DLMS or DSMR is what comes from the port.
        TelegramError: something answered, and it could not be used.
        MeterRefusedError: the meter broke the session off.

    """
    failures: list[IecError] = []
    for recipe, changed in recipes_for(settings, can_switch=can_switch(port)):
        _LOGGER.debug("Trying %s: %s", display_port(port), recipe.name)
        try:
            begun = replace(recipe, left_at=left_at)
            return await _try(port, changed, begun, on_event, trace)
        except _NobodyAnsweredError as error:
            failures.append(error.cause)
            # Whoever was left in a session has been signed off.
            left_at = None
        except UnsupportedSettingsError as error:
            failures.append(error)
    raise max(failures, key=_how_telling)


class _NobodyAnsweredError(Exception):
    """A recipe was of no use."""

    def __init__(self, cause: IecError) -> None:
        """Record what was observed."""
        self.cause = cause


async def _try(
    port: str,
    settings: Settings,
    recipe: Recipe,
    on_event: Callable[[Event], None],
    trace: Trace | None,
) -> tuple[Settings, Readout]:
    """Read the meter out by one recipe; once it has answered there is no other."""
    found = False
    async with opened(port, settings, trace) as transport:
        session = _session(settings, transport, recipe)
        async with aclosing(drive(transport, session)) as events:
            try:
                while not isinstance(event := await anext(events), ReadoutReceived):
                    on_event(event)
                    if session.answered and not found:
                        found = True
                        on_event(SettingsFound(session.learned))
            except OtherProtocolError:
                raise
            except (MeterTimeoutError, TelegramError) as error:
                if session.answered:
                    raise
                raise _NobodyAnsweredError(error) from error
    if protocol := recognise_readout(event.readout):
        raise OtherProtocolError(protocol, event.readout.raw)
    return session.learned, event.readout


def _how_telling(error: IecError) -> tuple[bool, bool, bool]:
    """Rank what was observed by how much it tells a user."""
    heard = isinstance(error, MeterTimeoutError) and bool(error.received)
    return isinstance(error, TelegramError), isinstance(error, EchoOnlyError), heard


def _session(
    settings: Settings, transport: Transport, recipe: Recipe = _AS_SET
) -> Session:
    """Return the session for the mode that is set."""
    if settings.mode is Mode.D:
        return ListenSession(
            settings, patience=recipe.patience, damaged=settings.attempts
        )
    return ReadoutSession(
        settings,
        can_switch=transport.can_switch,
        sign_ons=recipe.attempts,
        patience=recipe.patience,
        left_at=recipe.left_at,
    )


async def _until[E: Event](
    wanted: type[E],
    transport: Transport,
    session: Session,
    on_event: Callable[[Event], None] = _ignore,
) -> E:
    """Carry out a session up to the event that is wanted."""
    async with aclosing(drive(transport, session)) as events:
        while not isinstance(event := await anext(events), wanted):
            on_event(event)
        return event


@asynccontextmanager
async def opened(
    port: str, settings: Settings, trace: Trace | None = None
) -> AsyncIterator[Transport]:
    """Open `port`, and close it whatever happens, cancellation included.

    What passes over it is taken down in `trace`, behind what is there already.

    Raises:
        LinkError: the port cannot be used.

    """
    _LOGGER.debug("Opening %s", display_port(port))
    transport = await open_transport(port, settings)
    if trace is not None:
        trace.link = link_kind(port)
        trace.framing = settings.framing
        if trace.entries:
            before = trace.entries[-1].time
            trace.add(Entry(before, "speed", baud_rate=settings.first_baud_rate))
        else:
            trace.baud_rate = settings.first_baud_rate
        transport = RecordingTransport(transport, trace)
    try:
        yield transport
        await asyncio.sleep(settings.close_delay)
    finally:
        await transport.close()
        _LOGGER.debug("Closed %s", display_port(port))


async def drive(transport: Transport, session: Session) -> AsyncGenerator[Event]:
    """Carry out one session over an open link; yield what happens in it.

    It goes on until nobody wants the next event: behind the `ReadoutReceived`
    there is one only if the meter sends by itself.

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
                case event:
                    yield event
        if data := await transport.read(max(0, deadline - loop.time())):
            _LOGGER.debug("< %r", data)
            todo.extend(session.receive_data(data))
        else:
            todo.extend(session.handle_timeout())
