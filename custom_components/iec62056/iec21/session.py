"""The client's side of a readout, in modes A, B and C.

Rule 1: nothing here waits, opens or logs anything. Bytes and timer ends come
in, steps go out (`steps`), and the driver carries them out in order.

Rule 2: whatever the meter sends, an attempt ends: each state has its timer and
its limit of bytes, and `Settings.attempts` bounds the attempts.

    WAKING ──► IDENTIFICATION ──A,B────────────────► READOUT ──► DONE
                      │                                 ▲
                      └──────C──► ACKNOWLEDGING ────────┘
    any of them ──time-out, damage──► PAUSE ──► WAKING or IDENTIFICATION

In ACKNOWLEDGING the session keeps still for the reaction time of the norm. A
meter that sends its data right then announced a speed that it does not use: it
is read as in mode A. So is one that sends its data instead of an identification,
as some do for a sign-on that asks for another list.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
import re
from typing import Final

from .collect import ReadoutCollector
from .const import BITS_PER_CHARACTER, MODE_C_BAUD_RATES, RETRY_PAUSE
from .exceptions import (
    EchoOnlyError,
    IecError,
    MeterRefusedError,
    MeterTimeoutError,
    OtherProtocolError,
    TelegramError,
)
from .foreign import recognise
from .framing import MAX_NOISE, MAX_READOUT, add_parity, strip_parity
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
# A readout that nobody has announced.
_UNANNOUNCED: Final = re.compile(rb"\x02[^\x02(]*\(")
# A sign-off where the data should begin.
_BREAK: Final = re.compile(rb"[^\x02(]*\x01B0")
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

    `can_switch` says whether the link can change its speed and framing. If it
    cannot, the meter is asked to stay at the speed that the link has, and every
    second sign-on carries even parity in bit 7: behind a gateway at 8N1 a meter
    hears nothing else.

    If any method raises something that is not an `IecError`, that is a bug.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        can_switch: bool = True,
        sign_ons: int | None = None,
        patience: float | None = None,
    ) -> None:
        """Prepare a session; nothing is sent before `start`.

        A search looks elsewhere sooner: after `sign_ons` that nobody answered,
        each for `patience` seconds. None: as the settings say.
        """
        self.state = State.NOT_STARTED
        self._settings = settings
        self._parity_by_turns = settings.software_parity is None and not can_switch
        self._software_parity = bool(settings.software_parity)
        self._can_switch = can_switch and settings.switch_baud_rate
        self._sign_ons = settings.attempts if sign_ons is None else sign_ons
        self._patience = settings.timeout if patience is None else patience
        self._attempts = 1
        self.answered = False
        """Whether a meter has said anything that is of this norm."""
        self._baud_rate = settings.first_baud_rate
        # Set once the offered speed has given nothing but garbage.
        self._stay = not self._can_switch
        self._begin_attempt()

    def _begin_attempt(self) -> None:
        self._noise = bytearray()
        self._identification: Identification | None = None
        self._mode = self._settings.mode
        self._collector = ReadoutCollector()
        self._drained = 0

    @property
    def learned(self) -> Settings:
        """The settings with what this session has found out about the link."""
        if not self._parity_by_turns:
            return self._settings
        return replace(self._settings, software_parity=self._software_parity)

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
        if self.state is State.PAUSE:
            return self._drain(data)
        steps: list[ClientStep] = []
        try:
            match self.state:
                case State.IDENTIFICATION:
                    steps = self._receive_identification(data)
                case State.ACKNOWLEDGING:
                    steps = self._receive_early(strip_parity(data))
                case State.READOUT:
                    steps = self._receive_readout(strip_parity(data))
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
        if self._settings.wake_up:
            self.state = State.WAKING
            return [Send(bytes(self._settings.wake_up)), StartTimer(WAKE_UP_PAUSE)]
        return self._sign_on()

    def _sign_on(self) -> list[ClientStep]:
        self.state = State.IDENTIFICATION
        sign_on = SignOn(self._settings.address, self._settings.selector)
        return [self._send(sign_on.to_bytes()), StartTimer(self._patience)]

    def _send(self, message: bytes) -> Send:
        return Send(add_parity(message) if self._software_parity else message)

    def _no_identification(self) -> MeterTimeoutError:
        noise = bytes(self._noise)
        echo = SignOn(self._settings.address, self._settings.selector).to_bytes()
        if strip_parity(noise).strip(_FILLERS) == echo.strip(_FILLERS):
            return EchoOnlyError(noise)
        return MeterTimeoutError("identification", noise)

    def _receive_identification(self, data: bytes) -> list[ClientStep]:
        self._noise += data
        noise = strip_parity(self._noise)
        found = Identification.find(noise)
        # What comes first decides, so that how the bytes are cut does not.
        before = len(noise) if found is None else found[1]
        if data_set := _UNANNOUNCED.search(noise[:before]):
            self.answered = True
            self._mode = Mode.A
            self.state = State.READOUT
            return self._receive_readout(noise[data_set.start() :])
        if protocol := recognise(self._noise[:before]):
            raise OtherProtocolError(protocol, bytes(self._noise))
        if found is None:
            if len(noise) > MAX_NOISE:
                raise TelegramError(
                    f"no identification within {MAX_NOISE} bytes", bytes(self._noise)
                )
            return [StartTimer(self._patience)]
        identification, start, end = found
        rest = noise[end:]
        self.answered = True
        self._identification = identification
        self._collector = ReadoutCollector(identification, noise[start:end])
        if self._mode is Mode.AUTO:
            self._mode = Mode(identification.mode.lower())
        match self._mode:
            case Mode.C:
                self.state = State.ACKNOWLEDGING
                delay = self._settings.acknowledge_delay
                if delay is None:
                    delay = identification.reaction_time
                if noise.endswith(b"\r"):
                    # The line feed is still on its way; the time counts from its
                    # end, and a meter that is still sending hears nothing.
                    delay += BITS_PER_CHARACTER / self._baud_rate
                return [
                    Identified(identification, self._acceptable_baud_rate()),
                    StartTimer(delay),
                    *self.receive_data(rest),
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
            *self.receive_data(rest),
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
        send = self._send(OptionSelect(baud_character=character).to_bytes())
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
        reader = self._collector.reader
        if not reader.started and _BREAK.match(reader.rest + data):
            self.state = State.DONE
            raise MeterRefusedError("it signed off instead of sending its data")
        new = self._collector.receive_data(data)
        arrived = DataArrived(reader.received, new)
        if reader.complete:
            return [arrived, self._finish()]
        return [arrived, StartTimer(self._settings.timeout)]

    def _finish_late(self) -> list[ClientStep]:
        """Take what is there once the meter has fallen silent."""
        reader = self._collector.reader
        if not reader.started:
            return self._retry(MeterTimeoutError("readout", reader.rest))
        arrived = DataArrived(reader.received, self._collector.end_of_data())
        try:
            return [arrived, self._finish()]
        except TelegramError as error:
            return self._retry(error)

    def _finish(self) -> ReadoutReceived:
        readout = self._collector.finish(
            self._settings.check, mode=self._mode.upper(), baud_rate=self._baud_rate
        )
        self.state = State.DONE
        return ReadoutReceived(readout)

    def _retry(self, error: IecError) -> list[ClientStep]:
        """Begin again after a pause, or give up with `error`."""
        limit = self._settings.attempts if self.answered else self._sign_ons
        if self._attempts >= limit:
            self.state = State.DONE
            raise error
        self._attempts += 1
        switched = self._baud_rate != self._settings.first_baud_rate
        if switched and not self._collector.data_sets:
            # Not one data set at the new speed: the meter, the head or the
            # adapter does not manage it, and the first speed is known to work.
            self._stay = True
        self._baud_rate = self._settings.first_baud_rate
        if self._parity_by_turns and self._identification is None:
            self._software_parity = not self._software_parity
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
