"""Meters that sleep on a battery until they are woken (Annex B of the norm).

Some want NULs without a gap for a while, then silence for a while, and then the
sign-on, within a fifth of a second (B.1). Others look out now and then for NULs
that come in bursts, and answer between two of them (B.2). Time is counted in
characters and in timers, so nothing here needs a clock.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from ..const import ACK, BITS_PER_CHARACTER, INACTIVITY_TIMEOUT, REACTION_TIME_MAX
from ..steps import MeterStep, Send, StartTimer

WAKE_UP_TIME: Final = (2.1, 2.3)
"""Seconds of NULs, at least and at most."""

CHARACTER_GAP: Final = 0.005
"""Seconds that may pass between two NULs."""

SILENCE: Final = (1.5, 1.7)
"""Seconds between the last NUL and the sign-on, at least and at most."""


class _State(Enum):
    """Where the sleep can be."""

    ASLEEP = "asleep"
    SETTLING = "the silence after the wake-up"
    LISTENING = "the time in which a sign-on may begin"
    AWAKE = "awake"


class Dormancy:
    """The sleep of one meter."""

    def __init__(self, baud_rate: int, seconds: tuple[float, float]) -> None:
        """Fall asleep.

        `baud_rate` is the speed of the wake-up, and `seconds` are how long it
        takes at least and at most.
        """
        self.wake_ups = 0
        """How many times a wake-up had the right times."""
        self._character = BITS_PER_CHARACTER / baud_rate
        # Half a character, so that a whole number of them never just misses.
        self._least = seconds[0] - self._character / 2
        self._most = seconds[1] + self._character / 2
        self.sleep()

    def sleep(self) -> None:
        """Hear nothing but a wake-up from now on."""
        self._state = _State.ASLEEP
        self._nulls = 0

    def hear(self, data: bytes) -> tuple[bytes, list[MeterStep]]:
        """Take what arrived; return what an awake meter hears of it, and a timer."""
        if self._state is _State.LISTENING:
            self._state = _State.AWAKE
            return data, [StartTimer(INACTIVITY_TIMEOUT)]
        if self._state is _State.AWAKE:
            return data, []
        self._state = _State.ASLEEP
        tail = len(data) - len(data.rstrip(b"\x00"))
        self._nulls = tail if tail < len(data) else self._nulls + tail
        return b"", [StartTimer(self._character + CHARACTER_GAP)]

    def handle_timeout(self) -> list[MeterStep]:
        """Go on after the time of the last timer has passed."""
        # The first timer began with the last NUL, and has used up this much.
        waited = self._character + CHARACTER_GAP
        match self._state:
            case _State.ASLEEP:
                if self._least <= self._nulls * self._character <= self._most:
                    self._state = _State.SETTLING
                    self._nulls = 0
                    return [StartTimer(SILENCE[0] - waited)]
                self.sleep()
                return []
            case _State.SETTLING:
                self._state = _State.LISTENING
                self.wake_ups += 1
                # The first character counts once it is through.
                return [StartTimer(SILENCE[1] - SILENCE[0] + self._character)]
            case _:
                self.sleep()
                return []


BURST_TIME: Final = (0.5, 0.6)
"""Seconds of a burst, at least and at most."""

BURST_GAP: Final = 0.01
"""Seconds behind a burst after which the meter answers (Ta)."""

SLEPT_THROUGH: Final = 2
"""Bursts that a meter misses before it looks out."""


class FastDormancy:
    """The sleep of a meter that wants bursts."""

    def __init__(self, baud_rate: int) -> None:
        """Fall asleep; `baud_rate` is the speed of the wake-up."""
        self.wake_ups = 0
        """How many times bursts had the right times."""
        self._character = BITS_PER_CHARACTER / baud_rate
        self.sleep()

    def sleep(self) -> None:
        """Hear nothing but bursts from now on."""
        self._state = _State.ASLEEP
        self._nulls = 0
        self._bursts = 0

    def hear(self, data: bytes) -> tuple[bytes, list[MeterStep]]:
        """Take what arrived; return what an awake meter hears of it, and a timer."""
        if self._state is _State.LISTENING:
            self._state = _State.AWAKE
            return data, [StartTimer(INACTIVITY_TIMEOUT)]
        if self._state is _State.AWAKE:
            return data, []
        self._nulls = 0 if data.strip(b"\x00") else self._nulls + len(data)
        return b"", [StartTimer(self._character + BURST_GAP)]

    def handle_timeout(self) -> list[MeterStep]:
        """Go on after the time of the last timer has passed."""
        if self._state is not _State.ASLEEP:
            self.sleep()
            return []
        # Half a character, so that a whole number of them never just misses.
        seconds = self._nulls * self._character
        margin = self._character / 2
        self._nulls = 0
        if not BURST_TIME[0] - margin <= seconds <= BURST_TIME[1] + margin:
            return []
        self._bursts += 1
        if self._bursts <= SLEPT_THROUGH:
            return []
        self._state = _State.LISTENING
        self.wake_ups += 1
        return [Send(bytes([ACK])), StartTimer(REACTION_TIME_MAX + self._character)]
