"""The meter's side of the norm, to test and to try out the client's.

Rule 1: as in `session`, nothing here waits or opens anything. Bytes and timer
ends come in, steps go out, and the driver carries them out in order.

Rule 2: the meter follows Fig. A.1 of the norm to the letter. Whatever it does
otherwise is a `Fault`, so that a test can ask for it by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
import re
from typing import Final, Protocol, assert_never, runtime_checkable

from ..const import (
    ACK,
    ACKNOWLEDGE_TIMEOUT_MAX,
    ETX,
    INACTIVITY_TIMEOUT,
    INITIAL_BAUD_RATE,
    SOH,
)
from ..framing import frame, strip_parity, sum_check, xor_check
from ..messages import Identification, OptionSelect, SignOn
from ..steps import MeterStep, Pause, Send, SetBaudRate, StartTimer
from ..telegram import Check
from .dormancy import WAKE_UP_TIME, Dormancy, FastDormancy
from .faults import Fault, heard, spoil
from .programming import ProgrammingMode

MAX_COMMAND: Final = 256
"""Bytes of an unfinished command that a meter keeps; more is noise."""

_SIGN_ON = re.compile(rb"/[?#0-9][^!/\r\n]*!\r\n")
# A line, or a command with the block check behind its ETX or EOT.
_COMMAND = re.compile(rb"\r\n|\x01[^\x03\x04]*[\x03\x04].", re.DOTALL)
_BREAK: Final = b"B0" + bytes([ETX])
_SIGN_OFFS: Final = {
    Check.XOR: bytes([SOH]) + _BREAK + bytes([xor_check(_BREAK)]),
    Check.SUM: bytes([SOH]) + _BREAK + bytes([sum_check(_BREAK)]),
}

type Content = bytes | Callable[[], bytes]
"""Data lines, each with CR LF; a function is called for every readout."""


class Responder(Protocol):
    """What a `Wire` has at its end: one meter, or several (`line`)."""

    @property
    def fault(self) -> Fault:
        """What goes wrong; the driver sees to `SLOW` and `HANG_UP`."""

    @property
    def first_baud_rate(self) -> int:
        """Speed in baud at which it listens for a sign-on."""

    def answer(self, data: bytes) -> list[MeterStep]:
        """Take what the client sent, in pieces of any size; return the answer."""

    def handle_timeout(self) -> list[MeterStep]:
        """Go on after the time of the last `StartTimer` has passed."""

    def reset(self) -> None:
        """Return to the start, as after the long silence that ends a session."""


@runtime_checkable
class Unprompted(Protocol):
    """A responder that does something before anybody has said anything."""

    def start(self) -> list[MeterStep]:
        """Return what it does once somebody could hear it."""


@runtime_checkable
class Tolerant(Protocol):
    """A responder to which the client's speed may not matter."""

    hears_any_speed: bool


class MeterState(Enum):
    """Where a meter can be. Each name says what it waits for."""

    START = "sign-on"
    ACKNOWLEDGEMENT = "acknowledgement"
    SESSION = "the end of a session that somebody has left"
    PROGRAMMING = "command"


@dataclass(slots=True, kw_only=True)
class SimulatedMeter:
    r"""One meter in mode A, B or C, whichever its identification announces.

    >>> meter = SimulatedMeter(identification=b"/XMP@EXAMPLE", content=b"")
    >>> meter.receive_data(b"/?!\r\n")[:2]
    [Pause(seconds=0.2), Send(data=b'/XMP@EXAMPLE\r\n')]
    """

    identification: Identification | bytes
    """Who it is. Bytes are the line from the slash on, with or without its end."""

    content: Content
    """What a sign-on with `selector` is answered with."""

    address: str = ""
    """Device address. With "" only a sign-on without address is for it."""

    check: Check = Check.XOR
    """`XOR`, `SUM`, or `NONE` for a readout without frame."""

    fault: Fault = Fault.NONE

    first_baud_rate: int = INITIAL_BAUD_RATE
    """Speed in baud at which it listens."""

    special_baud_rates: Mapping[str, int] = field(default_factory=dict)
    """Speeds in baud behind baud rate characters that the norm does not know.

    A meter that offers one of them waits for its acknowledgement (mode C).
    """

    selector: str = "?"
    """The character after the slash of the sign-on that it answers to."""

    lists: Mapping[str, Content] = field(default_factory=dict)
    """What other characters there ask for."""

    options: Mapping[str, Content] = field(default_factory=dict)
    """What the manufacturer's own characters in the acknowledgement ask for."""

    bare_lists: bool = False
    """Whether those lists come at once, without identification."""

    wake_up_time: tuple[float, float] = WAKE_UP_TIME
    """Seconds of NULs that wake it, with `Fault.WAKE_UP_WANTED`."""

    programming: ProgrammingMode | None = None
    """What it does in programming mode. None: it has none, and reads out instead."""

    state: MeterState = field(default=MeterState.START, init=False)
    _announced: Identification = field(init=False, repr=False)
    _buffer: bytes = field(default=b"", init=False, repr=False)
    _deaf: bool = field(init=False, repr=False)
    _left_open: bool = field(init=False, repr=False)
    _dormancy: Dormancy | FastDormancy | None = field(
        default=None, init=False, repr=False
    )
    _wanted: Content = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Take the identification apart.

        Raises:
            TelegramError: the identification given as bytes is none.

        """
        self._announced = (
            Identification.parse(self.identification)
            if isinstance(self.identification, bytes)
            else self.identification
        )
        self._deaf = Fault.DEAF_ONCE in self.fault
        self._left_open = Fault.LEFT_OPEN in self.fault
        self._wanted = self.content
        if Fault.WAKE_UP_WANTED in self.fault:
            self._dormancy = Dormancy(self.first_baud_rate, self.wake_up_time)
        if Fault.BURSTS_WANTED in self.fault:
            self._dormancy = FastDormancy(self.first_baud_rate)

    @property
    def wake_ups(self) -> int:
        """How many times it has been woken, each of which costs some battery."""
        return self._dormancy.wake_ups if self._dormancy else 0

    def receive_data(self, data: bytes) -> list[MeterStep]:
        """Take what the client sent, in pieces of any size; return the answer.

        With `Fault.ECHO` the answer begins with the same bytes.
        """
        echo: list[MeterStep] = [Send(data)] if Fault.ECHO in self.fault else []
        return echo + self.answer(data)

    def answer(self, data: bytes) -> list[MeterStep]:
        """Do the same without the echo, which belongs to the line."""
        data = heard(data, self.fault)
        steps: list[MeterStep] = []
        if self._dormancy and self.state is MeterState.START:
            data, steps = self._dormancy.hear(data)
        if self.state is MeterState.PROGRAMMING:
            return steps + self._obey(strip_parity(data))
        self._buffer += strip_parity(data)
        while message := self._next_message():
            steps += self._handle(message)
            if self.state is MeterState.START:
                self._fall_asleep()
        return steps

    def start(self) -> list[MeterStep]:
        """With `Fault.LEFT_OPEN`, be in the session that somebody has left, once."""
        if not self._left_open:
            return []
        self._left_open = False
        self.state = MeterState.SESSION
        return [SetBaudRate(self._offered_speed), StartTimer(INACTIVITY_TIMEOUT)]

    def handle_timeout(self) -> list[MeterStep]:
        """Do what the norm says where nothing has come in time.

        The readout comes at the first speed without an acknowledgement, and a
        session ends by itself.
        """
        match self.state:
            case MeterState.START:
                return self._dormancy.handle_timeout() if self._dormancy else []
            case MeterState.ACKNOWLEDGEMENT:
                self.reset()
                return self._readout(self.first_baud_rate)
            case MeterState.SESSION | MeterState.PROGRAMMING:
                return self._end_session()
            case _:
                assert_never(self.state)

    def reset(self) -> None:
        """Return to the start, as after the long silence that ends a session."""
        self.state = MeterState.START
        self._buffer = b""
        if self.programming:
            self.programming.end()
        self._fall_asleep()

    def _fall_asleep(self) -> None:
        if self._dormancy:
            self._dormancy.sleep()
            self._buffer = b""

    def _next_message(self) -> bytes:
        """Cut the next whole message out of what has arrived; b"" if there is none."""
        start, end = self._find_message()
        message = self._buffer[start:end]
        self._buffer = self._buffer[end:][-MAX_COMMAND:]
        return message

    def _find_message(self) -> tuple[int, int]:
        """Return where it lies; what stands before a sign-on is no part of it."""
        match self.state:
            case MeterState.START | MeterState.PROGRAMMING:
                found = _SIGN_ON.search(self._buffer)
                return found.span() if found else (0, 0)
            case MeterState.ACKNOWLEDGEMENT:
                found = _COMMAND.search(self._buffer)
                return (0, found.end()) if found else (0, 0)
            case MeterState.SESSION:
                start = self._buffer.find(self._sign_off)
                return (0, start + len(self._sign_off)) if start >= 0 else (0, 0)
            case _:
                assert_never(self.state)

    def _handle(self, message: bytes) -> list[MeterStep]:
        match self.state:
            case MeterState.START | MeterState.PROGRAMMING:
                return self._handle_sign_on(SignOn.parse(message))
            case MeterState.ACKNOWLEDGEMENT:
                return self._handle_acknowledgement(message)
            case MeterState.SESSION:
                return self._end_session()
            case _:
                assert_never(self.state)

    def _handle_sign_on(self, sign_on: SignOn | None) -> list[MeterStep]:
        if sign_on is None or not self._is_called_by(sign_on):
            return []
        lists = {self.selector: self.content, **self.lists}
        if sign_on.selector not in lists or Fault.SILENT in self.fault:
            return []
        if self._deaf:
            self._deaf = False
            return []
        self._wanted = lists[sign_on.selector]
        pause = Pause(self._announced.reaction_time)
        if self.bare_lists and sign_on.selector != self.selector:
            return [pause, *self._readout(self.first_baud_rate)]
        return [pause, *self._introduce()]

    def _is_called_by(self, sign_on: SignOn) -> bool:
        if Fault.ADDRESS_WANTED in self.fault and not sign_on.address:
            return False
        if Fault.ZEROS_COUNT in self.fault and sign_on.address:
            return sign_on.address == self.address
        return sign_on.calls(self.address)

    def _obey(self, data: bytes) -> list[MeterStep]:
        """Do what commands say; in modes A and B a new sign-on counts as well."""
        assert self.programming is not None  # noqa: S101 - it would not be here
        if self._announced.mode != "C":
            self._buffer += data
            if message := self._next_message():
                self.reset()
                return self._handle(message)
        steps: list[MeterStep] = []
        for message in self.programming.receive_data(data):
            pause = Pause(self._announced.reaction_time)
            steps += [pause, *spoil(message, self.fault)]
        if not self.programming.open:
            return [*steps, *self._end_session()]
        return [*steps, StartTimer(self.programming.trouble.idle_limit)]

    def _open_programming(self, operand: bytes) -> list[MeterStep]:
        """Be in programming mode from now on, and say so with `operand`, if any."""
        assert self.programming is not None  # noqa: S101 - it would not be here
        self.state = MeterState.PROGRAMMING
        self._buffer = b""
        self.programming.begin()
        steps = spoil(operand, self.fault) if operand else []
        return [*steps, StartTimer(self.programming.trouble.idle_limit)]

    def _end_session(self) -> list[MeterStep]:
        self.reset()
        return [SetBaudRate(self.first_baud_rate)]

    def _introduce(self) -> list[MeterStep]:
        """Send the identification, and what follows it without being asked for."""
        identification = spoil(self._announced.to_bytes(), self.fault)
        special = self._announced.baud_character in self.special_baud_rates
        match "C" if special else self._announced.mode:
            case "C":
                self.state = MeterState.ACKNOWLEDGEMENT
                return [*identification, StartTimer(ACKNOWLEDGE_TIMEOUT_MAX)]
            case "B":
                pause = Pause(self._announced.reaction_time)
                steps = [pause, *self._readout(self._offered_speed)]
            case _:
                steps = self._readout(self.first_baud_rate)
        # Commands follow without further ado (clauses 6.4.1.1 and 6.4.2.1).
        commands = self._open_programming(b"") if self.programming else []
        return [*identification, *steps, *commands]

    def _handle_acknowledgement(self, message: bytes) -> list[MeterStep]:
        self.state = MeterState.START
        option = OptionSelect.parse(message[message.find(ACK) :])
        if option is None or SOH in message:
            # A protocol error or a sign-off: nothing is sent (Fig. A.1).
            return []
        pause = Pause(self._announced.reaction_time)
        if Fault.SIGNS_OFF in self.fault:
            return [pause, *spoil(self._sign_off, self.fault)]
        offer = self._announced.baud_character
        wanted = option.protocol == "0" and option.mode == "1"
        if self.programming and wanted and option.baud_character in {offer, "0"}:
            stays = option.baud_character == "0"
            speed = self.first_baud_rate if stays else self._offered_speed
            change = [] if speed == self.first_baud_rate else [SetBaudRate(speed)]
            opened = self._open_programming(self.programming.operand)
            return [*change, pause, *opened]
        if option.mode in self.options:
            self._wanted = self.options[option.mode]
            option = replace(option, mode="0")
        # Everything else is answered with a readout; only the exact answer to
        # the offer gets it at the speed offered (clause 6.4.3.2).
        accepted = option == OptionSelect(baud_character=offer)
        speed = self._offered_speed if accepted else self.first_baud_rate
        return [pause, *self._readout(speed)]

    @property
    def _offered_speed(self) -> int:
        if Fault.WRONG_SPEED in self.fault or self._announced.baud_character == "0":
            return self.first_baud_rate
        return self.special_baud_rates.get(
            self._announced.baud_character, self._announced.baud_rate
        )

    @property
    def _sign_off(self) -> bytes:
        return _SIGN_OFFS.get(self.check, _SIGN_OFFS[Check.XOR])

    def _readout(self, baud_rate: int) -> list[MeterStep]:
        """Send the readout at `baud_rate` and return to the first speed."""
        block = self._wanted if isinstance(self._wanted, bytes) else self._wanted()
        message = frame(block, self.check)
        if Fault.DAMAGED_CHECK in self.fault and self.check is not Check.NONE:
            message = message[:-1] + bytes([message[-1] ^ 1])
        if Fault.CUT_OFF in self.fault:
            message = message[: len(message) // 2]
        steps = spoil(message, self.fault)
        if baud_rate == self.first_baud_rate:
            return steps
        return [SetBaudRate(baud_rate), *steps, SetBaudRate(self.first_baud_rate)]
