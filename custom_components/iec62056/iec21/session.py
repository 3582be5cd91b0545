"""The client's side of a readout, in modes A, B and C.

Rule 1: nothing here waits, opens or logs anything. Bytes and timer ends come
in, steps go out (`steps`), and the driver carries them out in order.

Rule 2: whatever the meter sends, an attempt ends: each state has its timer, noise
alone never starts it anew, and `Settings.attempts` bounds the attempts.

    WAKING ──► IDENTIFICATION ──A,B────────────────► READOUT ──► DONE
                      │                                 ▲
                      └──────C──► ACKNOWLEDGING ────────┘
    any of them ──time-out, damage──► PAUSE ──► WAKING or IDENTIFICATION

A first sign-on without answer leads to PAUSE by way of SIGNED_OFF, if a session
of ours was left without its end.

In ACKNOWLEDGING the session keeps still for the reaction time of the norm. A
meter that sends its data right then announced a speed that it does not use: it
is read as in mode A. So is one that sends its data instead of an identification,
as some do for a sign-on that asks for another list.

A session that asks for programming mode ends in PROGRAMMING instead, with what the
meter says there; `programming` goes on from it.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
import re
from typing import Final

from .beginning import Beginning
from .collect import ReadoutCollector
from .commands import SIGN_OFF, SIGN_OFF_BATTERY
from .const import BITS_PER_CHARACTER, RETRY_PAUSE
from .delays import (
    EARLY_DELAY,
    LAST_CHANCE,
    MAX_EARLY,
    PAUSES,
    PAUSES_BEFORE_ANSWER,
    SWITCH_DELAY,
    WAKE_UP_PAUSE,
)
from .exceptions import (
    ChecksumError,
    EchoOnlyError,
    IecError,
    MeterRefusedError,
    MeterTimeoutError,
    OtherProtocolError,
    TelegramError,
)
from .framing import add_parity, strip_parity
from .messages import Identification, SignOn
from .profiles import profile_for
from .settings import Mode, Settings
from .speeds import SpeedChoice
from .steps import (
    ClientStep,
    DataArrived,
    Identified,
    ReadoutReceived,
    Retrying,
    Send,
    SetBaudRate,
    StartTimer,
)
from .telegram import Check, Readout
from .waking import FastWakeUp

# Data, or a command, in place of silence before the acknowledgement.
_EARLY: Final = re.compile(rb"\x01[BP]0|[\x02(]")
# Only meters that send by themselves put a blank line there (clause 6.3.4).
_UNASKED: Final = re.compile(rb"(?:\n?\r?\n|\n?\r)[^\x01\x02]*\(")
# A sign-off, or programming mode, where the data should begin.
_COMMAND: Final = re.compile(rb"[^\x02(!]*\x01(B0|P0)")

_PROGRAMMING: Final = "1"
"""The character of the acknowledgement that asks for programming mode."""


class State(Enum):
    """Where a readout can be. Each name says what the session waits for."""

    NOT_STARTED = "start"
    WAKING = "end of the wake-up"
    IDENTIFICATION = "identification"
    ACKNOWLEDGING = "time to acknowledge"
    SWITCHING = "time to change the speed"
    READOUT = "readout"
    LAST_CHANCE = "a sign that more was sent than has arrived"
    REFUSED = "end of the sign-off"
    SIGNED_OFF = "time to sign off at the first speed as well"
    PAUSE = "time for another attempt"
    PROGRAMMING = "whoever goes on in programming mode"
    DONE = "nothing more"


_MAY_BE_OPEN: Final = frozenset(
    {
        State.ACKNOWLEDGING,
        State.SWITCHING,
        State.READOUT,
        State.LAST_CHANCE,
        State.PROGRAMMING,
    }
)
"""Where a meter may wait for more, and hear no other sign-on."""


class ReadoutSession:
    """One readout, from sign-on to the last data set.

    `can_switch` says whether the link can change its speed and framing. If it
    cannot, the meter is asked to stay at the speed that the link has, and every
    second sign-on carries even parity in bit 7: behind a gateway at 8N1 a meter
    hears nothing else.

    If any method raises something that is not an `IecError`, that is a bug.
    """

    def __init__(  # noqa: PLR0913  # Each caller needs some of them.
        self,
        settings: Settings,
        *,
        can_switch: bool = True,
        sign_ons: int | None = None,
        patience: float | None = None,
        left_at: int | None = None,
        programming: bool = False,
    ) -> None:
        """Prepare a session; nothing is sent before `start`.

        `programming` asks for that mode in mode C; in the others it needs no asking.
        A search looks elsewhere sooner: after `sign_ons` that nobody answered, each
        for `patience` seconds. None: as the settings say. `left_at` is the
        speed in baud at which a session of ours was left without its end; None:
        none was.
        """
        self.state = State.NOT_STARTED
        self._settings = settings
        self._parity_by_turns = settings.software_parity is None and not can_switch
        self._software_parity = bool(settings.software_parity)
        self._speed = SpeedChoice(settings, can_switch=can_switch)
        self._sign_ons = settings.attempts if sign_ons is None else sign_ons
        self._patience = settings.timeout if patience is None else patience
        self._left_at = left_at
        self._programming = programming
        self._waking: FastWakeUp | None = None
        self._attempts = 1
        self.answered = False
        """Whether a meter has said anything that is of this norm."""
        self.operand = b""
        """What came in programming mode before somebody else took over."""
        self._baud_rate = settings.first_baud_rate
        self._sum_seen = False
        self._check = settings.check
        self._begin_attempt()

    def _begin_attempt(self) -> None:
        self._beginning = Beginning()
        self._early = b""
        self._delay = 0.0
        self._identification: Identification | None = None
        self._mode = self._settings.mode
        self._collector = ReadoutCollector()
        self._drained = False
        self._pauses = PAUSES if self.answered else PAUSES_BEFORE_ANSWER

    @property
    def learned(self) -> Settings:
        """The settings with what this session has found out about the link."""
        learned = replace(self._settings, check=self._check)
        if self._parity_by_turns:
            learned = replace(learned, software_parity=self._software_parity)
        if self._mode is Mode.D:
            learned = replace(learned, mode=Mode.D)
        given_up = self._speed.failures and self._speed.stays
        if given_up and self.state is State.DONE:
            learned = replace(learned, max_baud_rate=self._settings.first_baud_rate)
        return learned

    @property
    def identification(self) -> Identification | None:
        """Who answered in this attempt. None: nobody has said yet."""
        return self._identification

    @property
    def baud_rate(self) -> int:
        """The speed of the line in baud."""
        return self._baud_rate

    @property
    def software_parity(self) -> bool:
        """Whether even parity is put into bit 7 of what is sent."""
        return self._software_parity

    def begin_again(self, error: IecError) -> list[ClientStep]:
        """Go back to the sign-on, because programming mode began with `error`.

        Raises:
            IecError: it was the last attempt.

        """
        return self._retry(error)

    def leave(self) -> list[ClientStep]:
        """Sign off, wherever the session is; it is over then.

        A meter that has not said anything is in no session.
        """
        steps: list[ClientStep] = []
        if self.state is State.SWITCHING:
            self._baud_rate = self._speed.baud_rate(self._offer)
            steps.append(SetBaudRate(self._baud_rate))
        if self.state in _MAY_BE_OPEN:
            steps.append(self._send(self._sign_off))
        self.state = State.DONE
        return steps

    def start(self) -> list[ClientStep]:
        """Return the first steps: the sign-on, or the wake-up before it."""
        if self._settings.quiet_time:
            self.state = State.PAUSE
            return [StartTimer(self._settings.quiet_time)]
        return self._open()

    def receive_data(self, data: bytes) -> list[ClientStep]:
        """Take what arrived, in pieces of any size, and return what follows.

        Raises:
            TelegramError: the last attempt did not give a usable readout.
            MeterRefusedError: the meter broke the session off.

        """
        steps: list[ClientStep] = []
        try:
            match self.state:
                case State.IDENTIFICATION:
                    steps = self._receive_identification(data)
                case State.ACKNOWLEDGING:
                    steps = self._receive_early(strip_parity(data))
                case State.READOUT | State.LAST_CHANCE:
                    steps = self._receive_readout(strip_parity(data))
                case State.WAKING if self._waking:
                    steps = [*self._waking.receive_data(strip_parity(data))]
                case State.PAUSE:
                    # A meter that is still sending may finish first.
                    self._drained = True
                case _:
                    # Nothing is awaited; while the speed changes or the meter
                    # wakes up only our own echo can arrive.
                    pass
        except OtherProtocolError:
            self.state = State.DONE
            raise
        except TelegramError as error:
            steps = self._retry(error)
        return steps

    def handle_timeout(self) -> list[ClientStep]:
        """Go on after the time of the last `StartTimer` has passed.

        Raises:
            MeterTimeoutError: the meter stayed silent in every attempt.
            TelegramError: the last attempt did not give a usable readout.
            MeterRefusedError: the meter went into programming mode.

        """
        steps: list[ClientStep] = []
        match self.state:
            case State.PAUSE:
                steps = self._end_pause()
            case State.SIGNED_OFF:
                steps = self._sign_off_at_first_speed()
            case State.WAKING:
                steps = self._go_on_waking()
            case State.ACKNOWLEDGING:
                steps = self._acknowledge()
            case State.SWITCHING:
                steps = self._switch()
            case State.IDENTIFICATION:
                steps = self._retry(self._no_identification())
            case State.READOUT | State.LAST_CHANCE:
                steps = self._finish_late()
            case State.REFUSED:
                self.state = State.DONE
                raise MeterRefusedError("it went into programming mode")
            case _:
                pass
        return steps

    def _end_pause(self) -> list[ClientStep]:
        """Go on once a pause was silent, or there have been enough of them."""
        if self._drained and self._pauses:
            self._drained = False
            self._pauses -= 1
            return [StartTimer(RETRY_PAUSE)]
        return self._open()

    def _open(self) -> list[ClientStep]:
        if self._settings.wake_up:
            self.state = State.WAKING
            return [Send(bytes(self._settings.wake_up)), StartTimer(WAKE_UP_PAUSE)]
        if self._settings.fast_wake_up:
            self.state = State.WAKING
            self._waking = FastWakeUp(self._baud_rate)
            return [*self._waking.burst()]
        return self._sign_on()

    def _go_on_waking(self) -> list[ClientStep]:
        """Send the next burst, or what follows the wake-up."""
        if self._waking is None or self._waking.awake:
            return self._sign_on()
        if self._waking.in_vain:
            return self._retry(MeterTimeoutError("answer to the wake-up"))
        return [*self._waking.burst()]

    def _sign_on(self) -> list[ClientStep]:
        self.state = State.IDENTIFICATION
        return [self._send(self._request.to_bytes()), StartTimer(self._patience)]

    @property
    def _request(self) -> SignOn:
        return SignOn(self._settings.address, self._settings.selector)

    def _send(self, message: bytes) -> Send:
        return Send(add_parity(message) if self._software_parity else message)

    def _no_identification(self) -> MeterTimeoutError:
        received = self._beginning.received
        if self._beginning.is_echo_of(self._request):
            return EchoOnlyError(received)
        return MeterTimeoutError("identification", received)

    def _receive_identification(self, data: bytes) -> list[ClientStep]:
        found = self._beginning.receive_data(data)
        if found is None:
            if self._beginning.begun:
                return [StartTimer(self._or_between_characters(self._patience))]
            # Noise alone does not earn a meter more time.
            return []
        self.answered = True
        if found.identification is None:
            self._mode = Mode.A
            self.state = State.READOUT
            return self._receive_readout(found.rest)
        self._identification = found.identification
        self._collector = ReadoutCollector(found.identification, found.line)
        return self._identified(found.identification, found.rest)

    def _identified(
        self, identification: Identification, rest: bytes
    ) -> list[ClientStep]:
        """Go on as the identification offers; `rest` came behind it."""
        if self._mode is Mode.AUTO:
            # A baud rate character outside the norm's tables stands for mode A, and
            # a meter that waits for an acknowledgement all the same reads out at the
            # first speed after tt, within the time-out.
            self._mode = Mode(identification.mode.lower())
        match self._mode:
            case Mode.C:
                self.state = State.ACKNOWLEDGING
                delay = self._settings.acknowledge_delay
                if delay is None:
                    # Long enough to notice that the meter is still sending.
                    character = BITS_PER_CHARACTER / self._baud_rate
                    delay = max(identification.reaction_time, 1.35 * character)
                self._delay = delay
                if not rest and self._beginning.received.endswith((b"\r", b"\x8d")):
                    # The line feed is still on its way; the time counts from its
                    # end, and a meter that is still sending hears nothing.
                    delay += BITS_PER_CHARACTER / self._baud_rate
                return [
                    Identified(identification, self._speed.baud_rate(identification)),
                    StartTimer(delay),
                    *self.receive_data(rest),
                ]
            case Mode.B if not self._speed.stays:
                self._baud_rate = identification.baud_rate
                change: list[ClientStep] = [SetBaudRate(self._baud_rate)]
            case _:
                change = []
        self.state = State.READOUT
        return [
            Identified(identification, self._baud_rate),
            *change,
            StartTimer(self._settings.timeout),
            *self.receive_data(rest),
        ]

    def _receive_early(self, data: bytes) -> list[ClientStep]:
        """Watch for data that come although they were not asked for yet.

        Noise, or the identification once more, is no reason not to acknowledge;
        but a meter that is still sending hears nothing, so that waits for its end.
        """
        self._early += data
        if not _EARLY.search(self._early):
            patient = data and len(self._early) <= MAX_EARLY
            return [StartTimer(self._delay + EARLY_DELAY)] if patient else []
        self._mode = Mode.D if _UNASKED.match(self._early) else Mode.A
        self.state = State.READOUT
        return self._receive_readout(self._early)

    def _acknowledge(self) -> list[ClientStep]:
        option = _PROGRAMMING if self._programming else self._settings.option
        send = self._send(self._speed.acknowledgement(self._offer, option))
        baud_rate = self._speed.baud_rate(self._offer)
        if self._speed.stays or baud_rate == self._baud_rate:
            self.state = State.READOUT
            self._baud_rate = baud_rate
            return [send, StartTimer(self._settings.timeout)]
        self.state = State.SWITCHING
        return [send, StartTimer(self._speed.switch_delay(self._offer))]

    def _switch(self) -> list[ClientStep]:
        self.state = State.READOUT
        self._baud_rate = self._speed.baud_rate(self._offer)
        return [SetBaudRate(self._baud_rate), StartTimer(self._settings.timeout)]

    @property
    def _offer(self) -> Identification:
        """The identification that is being acknowledged."""
        assert self._identification is not None  # noqa: S101 - nothing else can be
        return self._identification

    def _receive_readout(self, data: bytes) -> list[ClientStep]:
        if not data:
            return []
        reader = self._collector.reader
        if not reader.started and (match := _COMMAND.match(reader.rest + data)):
            return self._take_command(match[1], reader.rest + data)
        new = self._collector.receive_data(data)
        arrived = DataArrived(reader.received, new)
        if reader.certain:
            return [arrived, self._finish()]
        if not reader.complete:
            limit = self._settings.timeout
            if reader.started:
                limit = self._or_between_characters(limit)
            return [arrived, StartTimer(limit)]
        if self.state is State.LAST_CHANCE:
            return [arrived]
        self.state = State.LAST_CHANCE
        return [arrived, StartTimer(LAST_CHANCE)]

    def _take_command(self, name: bytes, data: bytes) -> list[ClientStep]:
        """Go on after a command of the meter, which begins in `data`.

        Raises:
            MeterRefusedError: it signs off.

        """
        if name == b"P0" and self._programming:
            self.state = State.PROGRAMMING
            self.operand = data
            return []
        if name == b"P0":
            # Left alone it would be deaf to sign-ons for two minutes.
            self.state = State.REFUSED
            return [self._send(self._sign_off), StartTimer(0)]
        self.state = State.DONE
        asked = "opening programming mode" if self._programming else "sending its data"
        raise MeterRefusedError(f"it signed off instead of {asked}")

    def _or_between_characters(self, seconds: float) -> float:
        """Return the seconds between two characters, `seconds` unless they are set."""
        limit = self._settings.character_timeout
        return seconds if limit is None else limit

    def _finish_late(self) -> list[ClientStep]:
        """Take what is there once the meter has fallen silent."""
        reader = self._collector.reader
        if not reader.started:
            return self._retry(MeterTimeoutError(self._awaited, reader.rest))
        arrived = DataArrived(reader.received, self._collector.end_of_data())
        try:
            return [arrived, self._finish()]
        except TelegramError as error:
            return self._retry(error)

    @property
    def _awaited(self) -> str:
        """What the acknowledgement has asked for."""
        return "operand" if self._programming else "readout"

    def _finish(self) -> ReadoutReceived:
        readout = self._collector.finish(
            self._settings.check, mode=self._mode.upper(), baud_rate=self._baud_rate
        )
        self._doubt_sum(readout)
        if readout.check in {Check.XOR, Check.SUM}:
            self._check = readout.check
        self.state = State.DONE
        return ReadoutReceived(readout)

    def _doubt_sum(self, readout: Readout) -> None:
        """Refuse a sum that nobody expects, once.

        One damaged frame in a hundred has the right sum by chance. Two in a row
        are one in ten thousand, and then the meter does compute it.
        """
        expected = self._expects_sum or readout.identification is None
        if readout.check is Check.SUM and not expected and not self._sum_seen:
            self._sum_seen = True
            raise ChecksumError("the data arrived damaged: only their sum is right")

    @property
    def _expects_sum(self) -> bool:
        """Whether the meter is known to send a sum as block check."""
        profile = profile_for(self._identification)
        return Check.SUM in (self._settings.check, profile.check)

    @property
    def _sign_off(self) -> bytes:
        command = SIGN_OFF_BATTERY if self._settings.fast_wake_up else SIGN_OFF
        return command.to_bytes(Check.SUM if self._expects_sum else Check.XOR)

    def _retry(self, error: IecError) -> list[ClientStep]:
        """Begin again after a pause, or give up with `error`."""
        if (
            self._left_at is not None
            and not self.answered
            and isinstance(error, MeterTimeoutError)
        ):
            return [Retrying(error), *self._end_old_session(self._left_at)]
        limit = self._settings.attempts if self.answered else self._sign_ons
        if self._attempts >= limit:
            self.state = State.DONE
            raise error
        self._attempts += 1
        self._speed.last_attempt = self._attempts == self._settings.attempts
        leave: list[ClientStep] = []
        if self._programming and self.state in {State.READOUT, State.PROGRAMMING}:
            # It may be in programming mode, where it hears no sign-on.
            leave.append(self._send(self._sign_off))
        change = self._return_to_first_speed()
        self._speed.failures += bool(change)
        if self._parity_by_turns and self._identification is None:
            self._software_parity = not self._software_parity
        self._begin_attempt()
        self.state = State.PAUSE
        return [Retrying(error), *leave, *change, StartTimer(RETRY_PAUSE)]

    def _end_old_session(self, left_at: int) -> list[ClientStep]:
        """Sign off where a session of ours may still be open, once.

        A meter that is still in it hears no sign-on for up to two minutes.
        """
        self._left_at = None
        self._begin_attempt()
        if left_at == self._baud_rate or not self._speed.can_switch:
            return self._sign_off_at_first_speed()
        self.state = State.SIGNED_OFF
        self._baud_rate = left_at
        return [
            SetBaudRate(left_at),
            self._send(self._sign_off),
            StartTimer(SWITCH_DELAY),
        ]

    def _sign_off_at_first_speed(self) -> list[ClientStep]:
        self.state = State.PAUSE
        return [
            *self._return_to_first_speed(),
            self._send(self._sign_off),
            StartTimer(RETRY_PAUSE),
        ]

    def _return_to_first_speed(self) -> list[ClientStep]:
        first = self._settings.first_baud_rate
        if self._baud_rate == first:
            return []
        self._baud_rate = first
        return [SetBaudRate(first)]
