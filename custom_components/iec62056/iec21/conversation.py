"""A meter in programming mode, to be asked one thing after the other.

The link is open already (`client.programming` opens one). What is sent when is
decided by the session (`programming`), and whether a password may be sent by
`Credentials`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import tzinfo
import logging
from math import inf
from typing import Final

from .commands import Command, write_in_blocks
from .const import BITS_PER_CHARACTER, RETRY_PAUSE
from .credentials import Credentials, Standing
from .driver import Driver
from .exceptions import (
    CommandRefusedError,
    IecError,
    MeterRefusedError,
    MeterTimeoutError,
    PasswordRefusedError,
    SessionEndedError,
    TelegramError,
)
from .lis200 import Address, ErrorNumber, Lock
from .lis200_archive import ArchiveRequest
from .load_profile import ProfileItem
from .load_profile_request import ProfileRequest
from .messages import Identification
from .passwords import Password
from .programming import ProgrammingSession, State
from .ranges import ArchiveItem, read_archive, read_load_profile
from .settings import Settings
from .steps import (
    BlockReceived,
    CommandDone,
    ProgrammingEvent,
    ProgrammingOpened,
)
from .telegram import DataSet, parse_data_lines
from .transport import Transport

_LOGGER = logging.getLogger(__name__)

SIGN_OFF_LIMIT: Final = 1.0
"""Seconds that signing off takes at most; Home Assistant gives no more to stop."""

_LOCK_LIMIT: Final = 0.35
"""Of these, seconds to close a lock when something has gone wrong.

Where it takes longer it stays open; the device closes it after some minutes.
"""

_SPEAKING_LIMIT: Final = 0.2
"""Of these, seconds for a meter that is speaking to finish, else it hears nothing."""

_BLOCK_LENGTH: Final = 64
"""Characters in a block of a write; the norm has 128 in a value (clause 6.5.2)."""

_HARMLESS: Final = "0.0.0"
"""What keeps a session open while nothing else was read: the device address."""

_BRACKETS: Final = frozenset("()")


def _ignore(_event: ProgrammingEvent) -> None:
    """Watch nothing."""


class Conversation:
    """A meter in programming mode.

    One thing is asked at a time: no method may be called while another one runs. An
    answer in blocks (`blocks`) may be left early.

    A session that the meter has dropped is opened again for a command that reads,
    once per command. With a password it is only if the meter has accepted it.
    """

    def __init__(
        self,
        transport: Transport,
        settings: Settings,
        credentials: Credentials | None = None,
        *,
        on_event: Callable[[ProgrammingEvent], None] = _ignore,
        left_at: int | None = None,
    ) -> None:
        """Prepare to speak over `transport`; nothing is sent before `open`."""
        self.seed = ""
        """The operand that the meter opened programming mode with; "" for none."""
        self._transport = transport
        self._settings = settings
        self._credentials = credentials
        self._on_event = on_event
        session = ProgrammingSession(
            settings, can_switch=transport.can_switch, left_at=left_at
        )
        self._driver = Driver(transport, session)
        self._read_names: tuple[str, ...] = ()
        self._last_read: Command | None = None
        self._lock: Lock | None = None

    # -- what one can ask -----------------------------------------------------

    @property
    def identification(self) -> Identification | None:
        """Who it is. None: it sends its data without saying."""
        return self._driver.session.identification

    @property
    def baud_rate(self) -> int:
        """The speed of the line in baud."""
        return self._driver.session.baud_rate

    @property
    def learned(self) -> Settings:
        """The settings with what has been found out about the link."""
        quiet_time = self._settings.quiet_time
        return replace(self._driver.session.learned, quiet_time=quiet_time)

    @property
    def is_lis200(self) -> bool:
        """Whether it has locks, archives, and addresses with a colon."""
        return self._driver.session.profile.lis200

    async def read(
        self, register: str, *, command: str | None = None
    ) -> tuple[DataSet, ...]:
        """Read a register, and return the data sets of the answer as they came.

        `register` is the code as the meter prints it; what the meter wants in the
        brackets may stand behind it: "1.8.0", "0000(10)", "3:V.2(1)". `command` is
        "R5", "R1" and so on; None finds out what the meter knows.

        Raises:
            CommandRefusedError: the meter does not; its text is in `answer`.
            IecError: as `client.programming`.
            ValueError: the register holds what cannot be sent.

        """
        names = (command,) if command else self._names
        refusal: CommandRefusedError | None = None
        for name in names:
            asked = self._read_command(name, register)
            try:
                text = "".join([block.text async for block in self.blocks(asked)])
            except CommandRefusedError as error:
                refusal = refusal or error
                continue
            self._last_read = asked
            if command is None:
                self._read_names = (name,)
            return _data_sets(text)
        assert refusal is not None  # noqa: S101 - there is one name at least
        raise refusal

    async def blocks(self, command: Command) -> AsyncGenerator[BlockReceived]:
        """Send a command; yield each block of the answer once its check was right.

        The next block is asked for when the next item is: between the two the meter
        waits, and one that is kept waiting for a minute may end the session.

        Raises:
            CommandRefusedError: the meter does not carry the command out.
            IecError: as `client.programming`.

        """
        event: ProgrammingEvent = await self._ask(command)
        while isinstance(event, BlockReceived):
            yield event
            if event.last:
                return
            event = await self._driver.next_event()

    async def write(
        self,
        register: str,
        value: str,
        *,
        command: str | None = None,
        password: Password | None = None,
    ) -> None:
        """Write a register; return once the meter has acknowledged it.

        `command` is "W1", "W2" or "W5"; with "W3" and "W4" the value goes in blocks.
        None is "W5" for a meter that is read with "R5", and else "W1".
        `password` is what some meters want in a data set of its own behind the value.
        A write is sent again only if the meter says that it did not understand it; one
        with a password, or with the code of a lock, never is.

        Raises:
            CommandRefusedError: the meter does not do it.
            MeterTimeoutError: nobody knows whether it was done. Read it back.
            IecError: as `client.programming`.
            ValueError: the register or the value hold what cannot be sent.

        """
        if _BRACKETS & {*register, *value}:
            raise ValueError("a register or a value with brackets cannot be written")
        if command is None:
            command = "W5" if self._names[0] == "R5" else "W1"
        if command in {"W3", "W4"}:
            blocks = [*write_in_blocks(command, register, value, _BLOCK_LENGTH)]
        else:
            secret = "" if password is None else f"({password.reveal()})"
            blocks = [Command(command, f"{register}({value}){secret}")]
        await self._ask(*blocks, once=password is not None or _is_lock_code(register))

    async def execute(
        self, address: str, value: str = "", *, command: str = "E2"
    ) -> tuple[DataSet, ...]:
        """Carry something out; return the data sets, if any, that the meter sends.

        It is sent again only if the meter says that it did not understand it.

        Raises:
            CommandRefusedError: the meter does not do it.
            MeterTimeoutError: nobody knows whether it was done.
            IecError: as `client.programming`.
            ValueError: address or value hold what cannot be sent.

        """
        asked = Command(command, f"{address}({value})")
        text = "".join([block.text async for block in self.blocks(asked)])
        return _data_sets(text)

    async def load_profile(
        self,
        request: ProfileRequest,
        *,
        command: str = "R5",
        zone: tzinfo | None = None,
    ) -> AsyncGenerator[ProfileItem]:
        """Read a load profile or a log book; yield its rows once each, and in order.

        It is asked for day by day, and a day that arrives damaged is asked for again.
        A row is handed out when the check of its block was right. `command` is "R5",
        "R6" for an answer in blocks, or "R2" and "R3" with some meters. `zone` is that
        of the meter's clock: times become aware.

        Raises:
            CommandRefusedError: the meter has no part of it.
            IecError: as `client.programming`.
            ValueError: the request holds what cannot be sent.

        """
        rows = read_load_profile(self, request, command=command, zone=zone)
        async with aclosing(rows):
            async for row in rows:
                yield row

    async def archive(self, request: ArchiveRequest) -> AsyncGenerator[ArchiveItem]:
        """Read an archive of an LIS-200 device; yield its rows once each, and in order.

        Headings and units are read from the device first.

        Raises:
            CommandRefusedError: the device does not give them; see `ErrorNumber`.
            IecError: as `client.programming`.

        """
        rows = read_archive(self, request)
        async with aclosing(rows):
            async for row in rows:
                yield row

    async def wait(self, seconds: float) -> None:
        """Let time pass with the session open, and keep it so (`keep_alive`).

        Raises:
            LinkError: the link is gone.

        """
        loop = asyncio.get_running_loop()
        keep_alive = self._settings.keep_alive
        idle = 0.0
        while seconds > 0:
            until = inf if keep_alive is None else keep_alive - idle
            patience = min(seconds, until)
            began = loop.time()
            if await self._driver.overhear(patience):
                patience = min(patience, loop.time() - began)
            seconds -= patience
            idle += patience
            if keep_alive is not None and idle >= keep_alive:
                idle = 0.0
                await self._keep_alive()

    # -- sessions -------------------------------------------------------------

    async def open(self) -> None:
        """Sign on, open programming mode, and send the password if there is one.

        Raises:
            PasswordSpentError: the password may not be sent; nothing was.
            PasswordRefusedError: the meter does not take it.
            IecError: as `client.programming`.

        """
        if self._credentials is not None:
            self._credentials.check()
        driver = self._driver
        driver.begin(driver.session.start())
        while not isinstance(event := await driver.next_event(), ProgrammingOpened):
            self._on_event(event)
        self.seed = event.seed
        self._on_event(event)
        if self._credentials is not None:
            if self.is_lis200:
                await self._open_lock(self._credentials)
            else:
                await self._send_password(self._credentials)

    async def close(self) -> None:
        """Close the lock that was opened; the device does so by itself in the end."""
        lock, self._lock = self._lock, None
        if lock is not None and self._driver.session.state is not State.ENDED:
            with suppress(IecError):
                await self._driver.ask(lock.close_command())

    async def sign_off(self) -> None:
        """End the session; within a second, and whatever has happened before."""
        with suppress(IecError, TimeoutError):
            async with asyncio.timeout(SIGN_OFF_LIMIT):
                await self._driver.let_finish(_SPEAKING_LIMIT)
                await self._close_at_once()
                await self._driver.carry_out(self._driver.session.sign_off())

    async def _close_at_once(self) -> None:
        """Close the lock if there is time for it."""
        if self._lock is None:
            return
        size = len(self._lock.close_command().to_bytes())
        if size * BITS_PER_CHARACTER / self.baud_rate < _LOCK_LIMIT / 2:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOCK_LIMIT):
                    await self.close()

    async def _reopen(self) -> None:
        """Open a new session in place of one that the meter has dropped."""
        _LOGGER.debug("Opening programming mode again")
        self._lock = None
        await self._driver.carry_out(self._driver.session.sign_off())
        await self._transport.set_baud_rate(self._settings.first_baud_rate)
        quiet = max(self._settings.quiet_time, RETRY_PAUSE)
        self._driver.session = ProgrammingSession(
            replace(self.learned, quiet_time=quiet),
            can_switch=self._transport.can_switch,
        )
        await self.open()

    # -- passwords ------------------------------------------------------------

    async def _send_password(self, credentials: Credentials) -> None:
        """Answer the operand.

        Raises:
            PasswordRefusedError: the meter said no.

        """
        command = credentials.answer_to(self.seed, self.identification)
        await credentials.before_sending()
        await self._send_secret(credentials, command)
        await credentials.accepted()

    async def _open_lock(self, credentials: Credentials) -> None:
        """Open a lock, and look whether it is: some acknowledge any code.

        Raises:
            PasswordRefusedError: it is closed.

        """
        lock = credentials.lock or Lock.CUSTOMER
        await credentials.before_sending()
        # It may be open from here on.
        self._lock = lock
        await self._send_secret(credentials, credentials.open_command(lock))
        state = await self.read(str(lock.state))
        if not state or state[-1].value.strip() != "1":
            await credentials.refused()
            raise PasswordRefusedError("the lock is still closed")
        await credentials.accepted()

    async def _send_secret(self, credentials: Credentials, command: Command) -> None:
        """Send what is sent once only."""
        try:
            await self._driver.ask(command, once=True)
        except (CommandRefusedError, SessionEndedError) as error:
            self._lock = None
            await credentials.refused()
            raise PasswordRefusedError(_reason(error)) from error

    # -- questions and answers ------------------------------------------------

    @property
    def _names(self) -> tuple[str, ...]:
        """The commands for reading, the likelier one first."""
        if self.is_lis200:
            return ("R1",)
        if self._read_names:
            return self._read_names
        # The pair "\@" announces R5, R6 and W5 (LEM, EMH, MetCom).
        announced = self.identification and "@" in self.identification.escapes
        return ("R5", "R1") if announced else ("R1", "R5")

    def _read_command(self, name: str, register: str) -> Command:
        if register.endswith(")"):
            return Command(name, register)
        return Command(name, f"{register}({'1' if self.is_lis200 else ''})")

    async def _ask(
        self, *blocks: Command, once: bool = False
    ) -> BlockReceived | CommandDone:
        """Send a command; return the first thing that comes of it."""
        if self._driver.session.state is State.ENDED and self._may_reopen:
            await self._reopen()
        try:
            return await self._driver.ask(*blocks, once=once)
        except (SessionEndedError, MeterTimeoutError) as error:
            if blocks[0].name[0] != "R" or not self._may_reopen:
                raise
            _LOGGER.debug("The session is gone: %s", error)
        await self._reopen()
        return await self._driver.ask(*blocks)

    @property
    def _may_reopen(self) -> bool:
        """Whether a new session may be opened without anybody's doing."""
        accepted = (
            self._credentials is None or self._credentials.standing is Standing.ACCEPTED
        )
        return accepted and self._driver.session.answered

    async def _keep_alive(self) -> None:
        """Ask something harmless. Whatever comes of it, the next command sees it."""
        command = self._last_read or self._read_command(self._names[0], _HARMLESS)
        with suppress(MeterRefusedError, MeterTimeoutError, TelegramError):
            await self._driver.ask(command)


def _data_sets(text: str) -> tuple[DataSet, ...]:
    """Read an answer.

    Raises:
        TelegramError: there is something in it, and no data set.

    """
    items = [*parse_data_lines(text)]
    found = tuple(item for item in items if isinstance(item, DataSet))
    if items and not found:
        raise TelegramError("an answer without a data set", text.encode("latin-1"))
    return found


def _is_lock_code(register: str) -> bool:
    """Whether the code of a lock of an LIS-200 device is written there."""
    try:
        address = Address.parse(register)
    except TelegramError:
        return False
    return address.number == Lock.CUSTOMER.code.number


def _reason(error: CommandRefusedError | SessionEndedError) -> str:
    """Say why a password was refused, in words where there are any."""
    number = ErrorNumber.parse(error.answer)
    return error.answer if number is None else f"{error.answer}: {number.meaning}"
