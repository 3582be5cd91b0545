"""The client's side of a readout, in modes A, B, C and D.

Rule 1: nothing here waits, opens or logs anything. Bytes and timer ends come
in, steps go out (`steps`), and the driver carries them out in order.

Rule 2: whatever the meter sends, an attempt ends: each state has its timer and
its limit of bytes, and `Settings.attempts` bounds the attempts.

    WAKING ──► IDENTIFICATION ──A,B,D──────────────► READOUT ──► DONE
                      │                                 ▲
                      └──────C──► ACKNOWLEDGING ────────┘
    any of them ──time-out, damage──► PAUSE ──► WAKING or IDENTIFICATION

In ACKNOWLEDGING the session keeps still for the reaction time of the norm. A
meter that sends its data right then announced a speed that it does not use: it
is read as in mode A.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from .const import MODE_C_BAUD_RATES, RETRY_PAUSE
from .exceptions import (
    EchoOnlyError,
    IecError,
    MeterRefusedError,
    MeterTimeoutError,
    TelegramError,
)
from .framing import MAX_NOISE, MAX_READOUT, BlockReader, strip_parity
from .messages import Identification, OptionSelect, SignOn
from .settings import Mode, Settings
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
from .telegram import Check, DataSet, Readout, parse_data_lines

WAKE_UP_PAUSE: Final = 1.6
"""Seconds between the wake-up and the sign-on; 1.5 to 1.7 in Annex B.1."""

SWITCH_DELAY: Final = 0.02
"""Seconds after the acknowledgement before the speed changes.

USB adapters report the last bit as sent a few milliseconds early. The meter
keeps still for 200 ms, so this loses nothing.
"""

SWITCH_DELAY_FAST: Final = 0.005
"""The same for a meter that may answer after 20 ms."""

# What may precede a message without being part of it: wake-up characters, line
# ends, and the 0x7F that a head adds when the light goes on.
_FILLERS: Final = b"\x00\r\n\x7f"
_BREAK: Final = b"\x01B0"
_CHARACTERS_BY_BAUD_RATE: Final = {
    baud_rate: character for character, baud_rate in MODE_C_BAUD_RATES.items()
}


class State(Enum):
    """Where a readout can be. Each name says what the session waits for."""

    NOT_STARTED = "start"
    WAKING = "end of the wake-up"
    IDENTIFICATION = "identification"
    ACKNOWLEDGING = "time to acknowledge"
    SWITCHING = "time to change the speed"
    READOUT = "readout"
    PAUSE = "time for another attempt"
    DONE = "nothing more"


class ReadoutSession:
    """One readout, from sign-on to the last data set.

    `can_switch` says whether the link can change its speed. If it cannot, the
    meter is asked to stay at the speed that the link has.

    If any method raises something that is not an `IecError`, that is a bug.
    """

    def __init__(self, settings: Settings, *, can_switch: bool = True) -> None:
        """Prepare a session; nothing is sent before `start`."""
        self.state = State.NOT_STARTED
        self._settings = settings
        self._can_switch = can_switch and settings.switch_baud_rate
        self._attempts_left = settings.attempts
        self._baud_rate = settings.first_baud_rate
        # Set once the offered speed has given nothing but garbage.
        self._stay = not self._can_switch
        self._begin_attempt()

    def _begin_attempt(self) -> None:
        self._noise = bytearray()
        self._identification: Identification | None = None
        self._mode = self._settings.mode
        self._reader = BlockReader()
        self._data_sets: list[DataSet] = []
        self._bad_lines: list[str] = []
        self._drained = 0

    def start(self) -> list[ClientStep]:
        """Return the first steps: the sign-on, or the wake-up before it."""
        self._attempts_left -= 1
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
        data = strip_parity(data)
        if self.state is State.PAUSE:
            return self._drain(data)
        steps: list[ClientStep] = []
        try:
            match self.state:
                case State.IDENTIFICATION:
                    steps = self._receive_identification(data)
                case State.ACKNOWLEDGING:
                    steps = self._receive_early(data)
                case State.READOUT:
                    steps = self._receive_readout(data)
                case _:
                    # Nothing is awaited; while the speed changes or the meter
                    # wakes up only our own echo can arrive.
                    pass
        except TelegramError as error:
            steps = self._retry(error)
        return steps

    def handle_timeout(self) -> list[ClientStep]:
        """Go on after the time of the last `StartTimer` has passed.

        Raises:
            MeterTimeoutError: the meter stayed silent in every attempt.
            TelegramError: the last attempt did not give a usable readout.

        """
        steps: list[ClientStep] = []
        match self.state:
            case State.PAUSE:
                steps = self._open()
            case State.WAKING:
                steps = self._sign_on()
            case State.ACKNOWLEDGING:
                steps = self._acknowledge()
            case State.SWITCHING:
                steps = self._switch()
            case State.IDENTIFICATION:
                steps = self._retry(self._no_identification())
            case State.READOUT:
                steps = self._finish_late()
            case _:
                pass
        return steps

    def _open(self) -> list[ClientStep]:
        if self._settings.wake_up and self._mode is not Mode.D:
            self.state = State.WAKING
            return [Send(bytes(self._settings.wake_up)), StartTimer(WAKE_UP_PAUSE)]
        return self._sign_on()

    def _sign_on(self) -> list[ClientStep]:
        self.state = State.IDENTIFICATION
        timer = StartTimer(self._settings.timeout)
        if self._mode is Mode.D:
            return [timer]
        return [Send(SignOn(self._settings.address).to_bytes()), timer]

    def _no_identification(self) -> MeterTimeoutError:
        noise = bytes(self._noise)
        echo = SignOn(self._settings.address).to_bytes()
        if noise.strip(_FILLERS) == echo.strip(_FILLERS):
            return EchoOnlyError(noise)
        return MeterTimeoutError("identification", noise)

    def _receive_identification(self, data: bytes) -> list[ClientStep]:
        self._noise += data
        found = Identification.find(self._noise)
        if found is None:
            if len(self._noise) > MAX_NOISE:
                raise TelegramError(
                    f"no identification within {MAX_NOISE} bytes", bytes(self._noise)
                )
            return [StartTimer(self._settings.timeout)]
        identification, start, end = found
        self._identification = identification
        preamble, rest = bytes(self._noise[start:end]), bytes(self._noise[end:])
        self._reader = BlockReader(preamble)
        if self._mode is Mode.AUTO:
            self._mode = Mode(identification.mode.lower())
        match self._mode:
            case Mode.C:
                self.state = State.ACKNOWLEDGING
                delay = self._settings.acknowledge_delay
                if delay is None:
                    delay = identification.reaction_time
                return [
                    Identified(identification, self._acceptable_baud_rate()),
                    StartTimer(delay),
                    *self._receive_early(rest),
                ]
            case Mode.B if self._can_switch:
                self._baud_rate = identification.baud_rate
                change: list[ClientStep] = [SetBaudRate(self._baud_rate)]
            case _:
                change = []
        self.state = State.READOUT
        return [
            Identified(identification, self._baud_rate),
            *change,
            StartTimer(self._settings.timeout),
            *self._receive_readout(rest),
        ]

    def _acceptable_baud_rate(self) -> int:
        """Return the speed in baud to ask the meter for."""
        settings = self._settings
        stay = settings.gateway_baud_rate or settings.first_baud_rate
        if self._stay or self._identification is None:
            return stay
        offered = MODE_C_BAUD_RATES.get(self._identification.baud_character, stay)
        if settings.max_baud_rate is not None and offered > settings.max_baud_rate:
            # Anything but the offer or "0" makes the meter stay (6.4.3.2).
            return stay
        return offered

    def _receive_early(self, data: bytes) -> list[ClientStep]:
        """Watch for data that come although they were not asked for yet."""
        if not data.strip(_FILLERS):
            return []
        self._mode = Mode.A
        self.state = State.READOUT
        return self._receive_readout(data)

    def _acknowledge(self) -> list[ClientStep]:
        settings = self._settings
        baud_rate = self._acceptable_baud_rate()
        character = _CHARACTERS_BY_BAUD_RATE.get(baud_rate, "0")
        send = Send(OptionSelect(baud_character=character).to_bytes())
        if self._stay or baud_rate == self._baud_rate:
            self.state = State.READOUT
            self._baud_rate = baud_rate
            return [send, StartTimer(settings.timeout)]
        delay = settings.switch_delay
        if delay is None:
            fast = self._identification is not None and self._identification.fast
            delay = SWITCH_DELAY_FAST if fast else SWITCH_DELAY
        self.state = State.SWITCHING
        return [send, StartTimer(delay)]

    def _switch(self) -> list[ClientStep]:
        self.state = State.READOUT
        self._baud_rate = self._acceptable_baud_rate()
        return [SetBaudRate(self._baud_rate), StartTimer(self._settings.timeout)]

    def _receive_readout(self, data: bytes) -> list[ClientStep]:
        if not data:
            return []
        text = self._reader.receive_data(data)
        if not self._reader.started and _BREAK in self._reader.rest:
            self.state = State.DONE
            raise MeterRefusedError("it signed off instead of sending its data")
        arrived = self._collect(text)
        if self._reader.complete:
            return [arrived, self._finish()]
        return [arrived, StartTimer(self._settings.timeout)]

    def _collect(self, text: str) -> DataArrived:
        """Take over the lines in `text`."""
        first = len(self._data_sets)
        for item in parse_data_lines(text):
            if isinstance(item, DataSet):
                self._data_sets.append(item)
            else:
                self._bad_lines.append(item.text)
        return DataArrived(self._reader.received, tuple(self._data_sets[first:]))

    def _finish_late(self) -> list[ClientStep]:
        """Take what is there once the meter has fallen silent."""
        arrived = self._collect(self._reader.end_of_data())
        try:
            if self._reader.complete:
                return [arrived, self._finish()]
        except TelegramError as error:
            return self._retry(error)
        if self._reader.started:
            return self._retry(
                TelegramError(
                    f"the readout broke off after {self._reader.received} bytes",
                    self._reader.block,
                )
            )
        return self._retry(MeterTimeoutError("readout", self._reader.rest))

    def _finish(self) -> ReadoutReceived:
        check = self._reader.verify(self._settings.check)
        self.state = State.DONE
        return ReadoutReceived(
            Readout(
                identification=self._identification,
                data_sets=tuple(self._data_sets),
                bad_lines=tuple(self._bad_lines),
                check=check,
                mode="D" if check is Check.CRC16 else self._mode.upper(),
                baud_rate=self._baud_rate,
                raw=self._reader.block,
            )
        )

    def _retry(self, error: IecError) -> list[ClientStep]:
        """Begin again after a pause, or give up with `error`."""
        if not self._attempts_left:
            self.state = State.DONE
            raise error
        self._attempts_left -= 1
        switched = self._baud_rate != self._settings.first_baud_rate
        if switched and not self._data_sets:
            # Not one data set at the new speed: the meter, the head or the
            # adapter does not manage it, and the first speed is known to work.
            self._stay = True
        self._baud_rate = self._settings.first_baud_rate
        self._begin_attempt()
        self.state = State.PAUSE
        change: list[ClientStep] = [SetBaudRate(self._baud_rate)] if switched else []
        return [Retrying(error), *change, StartTimer(RETRY_PAUSE)]

    def _drain(self, data: bytes) -> list[ClientStep]:
        """Let a meter that is still sending finish first."""
        self._drained += len(data)
        if self._drained > MAX_READOUT:
            self.state = State.DONE
            raise TelegramError("the line never falls silent")
        return [StartTimer(RETRY_PAUSE)]
