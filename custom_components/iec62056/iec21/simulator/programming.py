"""The meter's side of programming mode, in front of any device.

It reads commands, checks passwords, cuts answers into blocks and repeats what
arrived damaged; what the registers are is the business of a `Device`. As in `meter`,
nothing here waits, and it follows Fig. A.1 of the norm but for its `Trouble`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from ..command_reader import CommandReader
from ..commands import (
    SIGN_OFF,
    Command,
    Damaged,
    DataMessage,
    ErrorMessage,
    Operand,
    Receipt,
)
from ..const import INACTIVITY_TIMEOUT, LINE_END
from ..exceptions import TelegramError
from ..passwords import PLAIN, Algorithm, Password
from ..telegram import Check
from .faults import Fault

LINES_IN_BLOCK: Final = 8
"""Lines of a block, of an answer that comes in blocks."""

_IN_BLOCKS: Final = frozenset({"R3", "R4", "R6", "W3", "W4"})
_ACK: Final = Receipt.ACK.to_bytes()
_NAK: Final = Receipt.NAK.to_bytes()


@dataclass(frozen=True, slots=True)
class Lines:
    """Data lines of an answer, without their ends."""

    lines: Iterable[str]

    in_block: int = LINES_IN_BLOCK
    """How many of them go into a block."""


type Reply = ErrorMessage | Lines | None
"""What a device answers; None is an acknowledgement."""


class Device(Protocol):
    """What is read and written in programming mode."""

    def read(self, name: str, address: str, value: str) -> Reply:
        """Answer a command for reading."""

    def write(self, name: str, address: str, value: str) -> ErrorMessage | None:
        """Write a value; None once it is done."""

    def execute(self, name: str, address: str, value: str) -> Reply:
        """Carry something out."""

    def end_session(self) -> None:
        """Notice that a session is over."""


def never(_number: int) -> bool:
    """Leave every message as it is."""
    return False


@dataclass(slots=True, kw_only=True)
class Trouble:
    """What goes wrong in programming mode. Numbers count from 1, over all sessions."""

    misunderstood: Callable[[int], bool] = never
    """Whether the command of this number is answered with NAK."""

    damaged: Callable[[int], bool] = never
    """Whether the block of this number is sent with a wrong block check."""

    unanswered: Callable[[int], bool] = never
    """Whether the command of this number stays unanswered."""

    broken_off: Callable[[int], bool] = never
    """Whether the command of this number is answered with `B0`."""

    idle_limit: float = INACTIVITY_TIMEOUT
    """Seconds of silence after which the session is over; some have 1.5."""

    without_address: bool = False
    """Whether the answers of single registers come without their codes."""


DROPPED_AFTER: Final = 3.0
"""Seconds of silence that end the session of a meter with `Fault.DROPS_SESSION`."""


def trouble_of(fault: Fault) -> Trouble:
    """Return what goes wrong in programming mode, of all that goes wrong."""

    def numbers(name: Fault, *wrong: int) -> Callable[[int], bool]:
        return wrong.__contains__ if name in fault else never

    drops = Fault.DROPS_SESSION in fault
    return Trouble(
        misunderstood=numbers(Fault.MISUNDERSTANDS, 1, 2),
        damaged=numbers(Fault.DAMAGED_BLOCK, 2),
        broken_off=numbers(Fault.BREAKS_OFF, 3),
        idle_limit=DROPPED_AFTER if drops else INACTIVITY_TIMEOUT,
        without_address=Fault.NO_ADDRESS in fault,
    )


@dataclass(slots=True, kw_only=True)
class ProgrammingMode:
    """Programming mode of one meter."""

    device: Device
    seed: str = ""
    """The operand of `P0`."""

    password: Password | None = None
    """What `P1` or `P2` has to say. None: nothing has to be said."""

    algorithm: Algorithm = PLAIN
    """How the password is wanted."""

    protected: str = "WE"
    """First letters of the commands that want it."""

    locked_after: int | None = None
    """Wrong passwords after which even the right one is refused. None: never."""

    check: Check = Check.XOR

    trouble: Trouble = field(default_factory=Trouble)

    open: bool = field(default=False, init=False)
    passwords: int = field(default=0, init=False)
    """How many passwords have come, over all sessions."""

    wrong_passwords: int = field(default=0, init=False)
    """How many of them were wrong, since the last right one."""

    commands: int = field(default=0, init=False)
    """How many commands have come, over all sessions."""

    blocks: int = field(default=0, init=False)
    """How many data messages were sent, over all sessions."""

    _reader: CommandReader = field(init=False, repr=False)
    _identified: bool = field(default=False, init=False, repr=False)
    _rest: Iterator[str] = field(default_factory=lambda: iter(()), init=False)
    _in_block: int = field(default=LINES_IN_BLOCK, init=False, repr=False)
    _following: str | None = field(default=None, init=False, repr=False)
    _last_sent: bytes = field(default=b"", init=False, repr=False)
    _waits_for_receipt: bool = field(default=False, init=False, repr=False)
    _writing: list[tuple[str, str]] = field(
        default_factory=list, init=False, repr=False
    )

    def begin(self) -> None:
        """Begin a session."""
        self._reader = CommandReader(self.check)
        self.open = True
        self._identified = False
        self._forget()

    @property
    def operand(self) -> bytes:
        """The message that opens programming mode in mode C."""
        return Operand(self.seed).to_bytes(self.check)

    def end(self) -> None:
        """End the session."""
        if self.open:
            self.open = False
            self.device.end_session()

    def receive_data(self, data: bytes) -> list[bytes]:
        """Take what the client sent, in pieces of any size; return the messages.

        `open` says afterwards whether the session goes on.
        """
        try:
            items = self._reader.receive_data(data)
        except TelegramError:
            return []
        messages = (self._answer(item) for item in items)
        return [message for message in messages if message]

    def _answer(self, item: Command | Receipt | Damaged) -> bytes:
        """Answer what came; b"" for what is not answered."""
        if not self.open:
            return b""
        match item:
            case Receipt.ACK:
                return self._next_block()
            case Receipt.NAK:
                return self._again()
            case Damaged():
                return _NAK
            case command:
                return self._obey(command)

    def _obey(self, command: Command) -> bytes:
        self.commands += 1
        if command.name in {"B0", "B1"}:
            self.end()
            return _ACK if command.name == "B1" else b""
        answer = self._misbehave()
        if answer is not None:
            return answer
        if command.name[0] == "P":
            return self._hear_password(command)
        if not self._writing:
            self._forget()
        return self._carry_out(command) if self._may(command) else self._error("ERR04")

    def _misbehave(self) -> bytes | None:
        """Answer a command with what goes wrong; None where nothing does."""
        if self.trouble.unanswered(self.commands):
            return b""
        if self.trouble.misunderstood(self.commands):
            return _NAK
        if self.trouble.broken_off(self.commands):
            return self._break_off()
        return None

    def _may(self, command: Command) -> bool:
        wanted = self.password is not None and command.name[0] in self.protected
        return self._identified or not wanted

    def _hear_password(self, command: Command) -> bytes:
        self.passwords += 1
        locked = (
            self.locked_after is not None and self.wrong_passwords >= self.locked_after
        )
        right = self.password is None or command == self.algorithm.solve(
            self.seed, self.password, None
        )
        if not right or locked:
            self.wrong_passwords += 1
            return self._break_off()
        self.wrong_passwords = 0
        self._identified = True
        return _ACK

    def _break_off(self) -> bytes:
        self.end()
        return SIGN_OFF.to_bytes(self.check)

    def _carry_out(self, command: Command) -> bytes:
        address, value = _parse(command.data or "")
        reply: Reply
        match command.name[0]:
            case "R":
                reply = self.device.read(command.name, address, value)
            case "W":
                return self._write(command, address, value)
            case "E":
                reply = self.device.execute(command.name, address, value)
            case _:
                return _NAK
        if reply is None:
            return _ACK
        if isinstance(reply, ErrorMessage):
            return self._error(reply.text)
        return self._begin_answer(command.name, reply)

    def _write(self, command: Command, address: str, value: str) -> bytes:
        """Write at once, or once the last block is here (clause 6.4.7)."""
        self._writing.append((address, value))
        if command.more:
            return _ACK
        address = self._writing[0][0]
        value = "".join(part for _, part in self._writing)
        self._writing.clear()
        error = self.device.write(command.name, address, value)
        return _ACK if error is None else self._error(error.text)

    def _error(self, text: str) -> bytes:
        self._writing.clear()
        self._last_sent = ErrorMessage(text).to_bytes(self.check)
        return self._last_sent

    # -- blocks ---------------------------------------------------------------

    def _begin_answer(self, name: str, answer: Lines) -> bytes:
        if name in _IN_BLOCKS:
            self._rest = iter(answer.lines)
            self._in_block = answer.in_block
            self._following = next(self._rest, "")
            return self._next_block(asked=True)
        everything = [*answer.lines]
        if self.trouble.without_address and len(everything) == 1:
            everything = [everything[0][everything[0].find("(") :]]
        text = LINE_END.decode().join(everything)
        return self._send(DataMessage(text))

    def _next_block(self, *, asked: bool = False) -> bytes:
        """Send the next block, after an ACK; b"" where there is none."""
        if not (asked or self._waits_for_receipt) or self._following is None:
            return b""
        lines = [self._following]
        self._following = next(self._rest, None)
        while self._following is not None and len(lines) < self._in_block:
            lines.append(self._following)
            self._following = next(self._rest, None)
        last = self._following is None
        return self._send(DataMessage(LINE_END.decode().join(lines), last))

    def _send(self, message: DataMessage) -> bytes:
        self._waits_for_receipt = not message.last
        self._last_sent = message.to_bytes(self.check)
        return self._spoiled()

    def _again(self) -> bytes:
        """Send the last data message once more, after a NAK."""
        return self._spoiled() if self._last_sent else b""

    def _spoiled(self) -> bytes:
        self.blocks += 1
        if not self.trouble.damaged(self.blocks):
            return self._last_sent
        return self._last_sent[:-1] + bytes([self._last_sent[-1] ^ 1])

    def _forget(self) -> None:
        """Give up what is under way."""
        self._rest = iter(())
        self._following = None
        self._last_sent = b""
        self._waits_for_receipt = False
        self._writing.clear()


def _parse(data: str) -> tuple[str, str]:
    """Return address and value of what stands behind a command.

    Further data sets stay with the value, brackets and all.
    """
    address, _, value = data.partition("(")
    return address, value.removesuffix(")")
