"""The client's side of a readout, in modes A, B and C.

Rule 1: nothing here waits, opens or logs anything. Bytes and timer ends come
in, steps go out (`steps`), and the driver carries them out in order.

Rule 2: whatever the meter sends, an attempt ends: each state has its timer, noise
alone never starts it anew, and `Settings.attempts` bounds the attempts.

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
    ChecksumError,
    EchoOnlyError,
    IecError,
    MeterRefusedError,
    MeterTimeoutError,
    OtherProtocolError,
    TelegramError,
)
from .foreign import recognise
from .framing import MAX_NOISE, add_parity, strip_parity
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
from .telegram import Check, Readout

WAKE_UP_PAUSE: Final = 1.6
"""Seconds between the wake-up and the sign-on; 1.5 to 1.7 in Annex B.1."""

SWITCH_DELAY: Final = 0.02
"""Seconds after the acknowledgement before the speed changes.

USB adapters report the last bit as sent a few milliseconds early. The meter
keeps still for 200 ms, so this loses nothing.
"""

SWITCH_DELAY_FAST: Final = 0.005
"""The same for a meter that may answer after 20 ms."""

SECOND_SWITCH_DELAY: Final = 0.15
"""Seconds in the second attempt: some adapters need longer for the last bit."""

SECOND_SWITCH_DELAY_FAST: Final = 0.015
"""The same for a meter that may answer after 20 ms."""

LAST_CHANCE: Final = 0.3
"""Seconds to wait for an ETX behind a block without frame: it had one, then."""

EARLY_DELAY: Final = 0.01
"""Seconds added to the delay then: adapters hand characters on in batches."""

MAX_EARLY: Final = 64
"""Bytes behind an identification that delay the acknowledgement; more is noise."""

PAUSES: Final = 240
"""Pauses of 1.5 s for which a meter that has answered may go on sending.

They make six minutes: more than the longest readout known takes at 300 Bd.
"""

PAUSES_BEFORE_ANSWER: Final = 2
"""The same for noise from whatever has not answered."""

_SWITCH_DELAYS: Final = (SWITCH_DELAY, SECOND_SWITCH_DELAY)
_SWITCH_DELAYS_FAST: Final = (SWITCH_DELAY_FAST, SECOND_SWITCH_DELAY_FAST)

_SUM_MANUFACTURERS: Final = frozenset({"EKT", "EMR"})
"""FLAG codes of Energomera, whose meters send a sum as block check."""

# What may precede a message without being part of it: wake-up characters, line
# ends, and the 0x7F that a head adds when the light goes on.
_FILLERS: Final = b"\x00\r\n\x7f"
# The same without the line ends: they stand in the middle of messages, too.
_NO_CHARACTERS: Final = b"\x00\x7f"
# An identification whose line has not ended.
_OPEN: Final = re.compile(rb"/[A-Za-z]{3}[ -~][^\r\n]*\Z")
# An identification or a readout that has begun and is still arriving.
_BEGUN: Final = re.compile(rb"(?:/(?:[A-Za-z]{1,3}[^\r\n]{0,64})?|\x02[^(]{0,32})\Z")
# Data, or a command, in place of silence before the acknowledgement.
_EARLY: Final = re.compile(rb"\x01[BP]0|[\x02(]")
# Only meters that send by themselves put a blank line there (clause 6.3.4).
_UNASKED: Final = re.compile(rb"(?:\n?\r?\n|\n?\r)[^\x01\x02]*\(")
# A readout that nobody has announced.
_UNANNOUNCED: Final = re.compile(rb"\x02[\r\n -\'*-~]{0,32}\(")
# A sign-off, or programming mode, where the data should begin.
_COMMAND: Final = re.compile(rb"[^\x02(!]*\x01(B0|P0)")
_SIGN_OFF: Final = b"\x01B0\x03q"
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
    LAST_CHANCE = "a sign that more was sent than has arrived"
    REFUSED = "end of the sign-off"
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
        # Attempts in which the offered speed gave no usable readout. After two,
        # or before the last attempt, the first speed is the safer one.
        self._failures_at_speed = 0
        self._sum_seen = False
        self._check = settings.check
        self._begin_attempt()

    def _begin_attempt(self) -> None:
        self._noise = bytearray()
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
        if self._failures_at_speed and self._stay and self.state is State.DONE:
            learned = replace(learned, max_baud_rate=self._settings.first_baud_rate)
        return learned

    @property
    def _stay(self) -> bool:
        """Whether the meter is asked to stay at the first speed."""
        last = self._attempts == self._settings.attempts
        failures = 1 if last else 2
        return not self._can_switch or self._failures_at_speed >= failures

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
            case State.WAKING:
                steps = self._sign_on()
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
        received = strip_parity(self._noise)
        noise = received.translate(None, _NO_CHARACTERS)
        found = Identification.find(noise)
        # What comes first decides, so that how the bytes are cut does not.
        before = len(noise) if found is None else found[1]
        data_set = _UNANNOUNCED.search(noise[:before])
        if data_set and _OPEN.search(noise[: data_set.start()]):
            # Some meters send STX and brackets within their identification.
            data_set = None
        if data_set:
            before = data_set.start()
        identified = before < len(noise)
        other = noise[:before] if identified else self._noise
        if protocol := recognise(other, identified=identified):
            raise OtherProtocolError(protocol, bytes(self._noise))
        if data_set:
            self.answered = True
            self._mode = Mode.A
            self.state = State.READOUT
            return self._receive_readout(_behind(received, before))
        if found is None:
            if len(noise) > MAX_NOISE:
                raise TelegramError(
                    f"no identification within {MAX_NOISE} bytes", bytes(self._noise)
                )
            # Noise alone does not earn a meter more time.
            return [StartTimer(self._patience)] if _BEGUN.search(noise) else []
        identification, start, end = found
        self._identification = identification
        self._collector = ReadoutCollector(identification, noise[start:end])
        # Nothing is dropped from what follows: there every character counts.
        return self._identified(identification, _behind(received, end))

    def _identified(
        self, identification: Identification, rest: bytes
    ) -> list[ClientStep]:
        """Go on as the identification offers; `rest` came behind it."""
        self.answered = True
        if self._mode is Mode.AUTO:
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
                if not rest and self._noise.endswith((b"\r", b"\x8d")):
                    # The line feed is still on its way; the time counts from its
                    # end, and a meter that is still sending hears nothing.
                    delay += BITS_PER_CHARACTER / self._baud_rate
                return [
                    Identified(identification, self._acceptable_baud_rate()),
                    StartTimer(delay),
                    *self.receive_data(rest),
                ]
            case Mode.B if not self._stay:
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
            delays = _SWITCH_DELAYS_FAST if fast else _SWITCH_DELAYS
            delay = delays[min(self._failures_at_speed, 1)]
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
        if not reader.started and (match := _COMMAND.match(reader.rest + data)):
            if match[1] == b"P0":
                # Left alone it would be deaf to sign-ons for two minutes.
                self.state = State.REFUSED
                return [self._send(_SIGN_OFF), StartTimer(0)]
            self.state = State.DONE
            raise MeterRefusedError("it signed off instead of sending its data")
        new = self._collector.receive_data(data)
        arrived = DataArrived(reader.received, new)
        if reader.certain:
            return [arrived, self._finish()]
        if not reader.complete:
            return [arrived, StartTimer(self._settings.timeout)]
        if self.state is State.LAST_CHANCE:
            return [arrived]
        self.state = State.LAST_CHANCE
        return [arrived, StartTimer(LAST_CHANCE)]

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
        identification = readout.identification
        expected = (
            self._settings.check is Check.SUM
            or identification is None
            or identification.manufacturer in _SUM_MANUFACTURERS
        )
        if readout.check is Check.SUM and not expected and not self._sum_seen:
            self._sum_seen = True
            raise ChecksumError("the data arrived damaged: only their sum is right")

    def _retry(self, error: IecError) -> list[ClientStep]:
        """Begin again after a pause, or give up with `error`."""
        limit = self._settings.attempts if self.answered else self._sign_ons
        if self._attempts >= limit:
            self.state = State.DONE
            raise error
        self._attempts += 1
        switched = self._baud_rate != self._settings.first_baud_rate
        self._failures_at_speed += switched
        self._baud_rate = self._settings.first_baud_rate
        if self._parity_by_turns and self._identification is None:
            self._software_parity = not self._software_parity
        self._begin_attempt()
        self.state = State.PAUSE
        change: list[ClientStep] = [SetBaudRate(self._baud_rate)] if switched else []
        return [Retrying(error), *change, StartTimer(RETRY_PAUSE)]


def _behind(received: bytes, count: int) -> bytes:
    """Return what follows the first `count` characters, fillers not counted."""
    position = 0
    while count:
        count -= received[position] not in _NO_CHARACTERS
        position += 1
    return received[position:]
