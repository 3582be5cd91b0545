"""A wire with a simulated meter at its end: what happens when, and at what speed.

Rule 1: nothing here waits. The owner of a clock (`link` has a virtual one,
`server` the real one) says what time it is, and hears when the next thing is
going to happen.

Rule 2: every time is computed from the one before it, never from the moment at
which somebody looked, so nothing drifts and no readout takes longer than its
bits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf
from typing import Final, assert_never

from ..const import BITS_PER_CHARACTER
from ..framing import add_parity
from ..steps import MeterStep, Pause, Send, SetBaudRate, StartTimer
from .faults import Fault
from .meter import Responder, Tolerant, Unprompted

LATENCY: Final = 0.016
"""Seconds over which a USB adapter gathers characters before it hands them on."""

SLOW_PIECE: Final = 32
"""Bytes between two pauses of a slow meter."""

SLOW_PAUSE: Final = 1.2
"""Seconds of such a pause; the norm allows 1.5 (clause 6.4.3.6)."""

MAX_UNREAD: Final = 4096
"""Bytes that wait for a busy meter; what exceeds them is lost, as in a UART."""

_TOLERANCE: Final = 1e-6
"""Seconds by which sums of the same times may differ."""

_LONGEST_IDENTIFICATION: Final = 23
"""Bytes with the line end; what is longer is a readout (clause 6.3.2)."""


def line_time(data: bytes, baud_rate: int) -> float:
    """Return the seconds that `data` takes at `baud_rate`."""
    return len(data) * BITS_PER_CHARACTER / baud_rate


def garble(data: bytes, sent_at: int, read_at: int) -> bytes:
    """Return what a receiver at `read_at` baud makes of `data` at `sent_at`.

    The bits are sampled as a UART does: from the edge of a start bit on, in the
    middle of each bit. At the right speed nothing changes.
    """
    if sent_at == read_at:
        return data
    bits = [bit for byte in add_parity(data) for bit in _bits_of(byte)]
    # Lengths in units in which a bit of either side is a whole even number.
    sent, read = 2 * read_at, 2 * sent_at

    def level(time: int) -> int:
        return bits[time // sent] if time < len(bits) * sent else 1

    received = bytearray()
    edge = 0
    while edge < len(bits) * sent:
        middle = edge + read // 2
        if level(edge) or level(middle):
            # No start bit, or a spike that is too short for one.
            edge = (edge // sent + 1) * sent
            continue
        received.append(sum(level(middle + read * (1 + i)) << i for i in range(7)))
        edge = middle + read * (BITS_PER_CHARACTER - 1)
        # The line has to go back to idle before the next start bit can be seen.
        while not level(edge):
            edge = (edge // sent + 1) * sent
    return bytes(received)


def _bits_of(byte: int) -> list[int]:
    """Return the ten bits of a character in the order sent; idle is 1."""
    return [0, *(byte >> i & 1 for i in range(8)), 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Bytes whose last bit has just left the wire on the client's side."""

    time: float
    """Seconds on the owner's clock."""

    data: bytes
    baud_rate: int

    hang_up: bool = False
    """Whether the link breaks here."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """A pause that is kept even where reaction times are not."""

    seconds: float


@dataclass(frozen=True, slots=True)
class _HangUp:
    """The link breaks."""


class Wire:
    """One line with a meter, or several, at its end.

    With `line_rate` every byte takes its time. With `reaction_times`, which
    follow it if not given, those of the client do, and the meter reacts when the
    norm lets it. Without both an answer is there at once; only the timers and
    the pauses of a slow meter remain.
    """

    def __init__(
        self,
        meter: Responder,
        *,
        line_rate: bool = True,
        reaction_times: bool | None = None,
    ) -> None:
        """Begin with a silent line at time 0."""
        self.meter = meter
        self._line_rate = line_rate
        self._reaction_times = line_rate if reaction_times is None else reaction_times
        self.baud_rate = meter.first_baud_rate
        # When the meter has done all that it has been told to so far, when the
        # last bit of its last message left, and when its timer ends.
        self._time = self._sent = 0.0
        self._timer = inf
        self._steps: deque[MeterStep | _Gap | _HangUp] = deque()
        # When a byte was through, the byte, and the client's speed.
        self._inbox: deque[tuple[float, bytes, int | None]] = deque()
        self._outbox: deque[Arrival] = deque()

    def reset(self) -> None:
        """Drop all that is under way; the meter is at its start again."""
        self.meter.reset()
        self.baud_rate = self.meter.first_baud_rate
        self._time = self._sent = 0.0
        self._timer = inf
        self._steps.clear()
        self._inbox.clear()
        self._outbox.clear()

    def begin(self, time: float) -> None:
        """Let a meter that sends by itself do so from `time` on."""
        if isinstance(self.meter, Unprompted):
            self._time = time
            self._steps.extend(self.meter.start())

    def receive_data(
        self, data: bytes, time: float, baud_rate: int | None = None
    ) -> float:
        """Take what the client began to send at `time`; return when it is through.

        `baud_rate` is the client's speed; None where it has none, as on TCP.
        """
        if self._inbox:
            time = max(time, self._inbox[-1][0])
        if len(self._inbox) > MAX_UNREAD:
            return time
        if not self._reaction_times:
            self._inbox.append((time, data, baud_rate))
            return time
        for i in range(len(data)):
            part = data[: i + 1]
            through = time + line_time(part, baud_rate or self.baud_rate)
            self._inbox.append((through, part[-1:], baud_rate))
        return self._inbox[-1][0] if data else time

    @property
    def next_event(self) -> float:
        """When `advance` has something to do again; infinity for never."""
        if self._outbox:
            return self._outbox[0].time
        if self._steps:
            return self._time
        heard = self._inbox[0][0] if self._inbox else inf
        return max(self._time, min(heard, self._timer))

    def advance(self, now: float) -> list[Arrival]:
        """Let the meter act up to `now`; return what has arrived at the client."""
        arrivals: list[Arrival] = []
        while self.next_event <= now:
            if self._outbox:
                arrivals.append(self._outbox.popleft())
            elif self._steps:
                self._carry_out(self._steps.popleft())
            else:
                self._time = self.next_event
                self._steps.extend(self._wake_meter())
        return arrivals

    def _wake_meter(self) -> list[MeterStep]:
        """Hand the meter the byte or the timer end that is due first."""
        if self._inbox and self._inbox[0][0] <= self._timer:
            through, data, baud_rate = self._inbox.popleft()
            baud_rate = baud_rate or self.baud_rate
            if Fault.ECHO in self.meter.fault:
                # Light that falls back is there at once, whatever the speed.
                echo = Arrival(time=self._time, data=data, baud_rate=baud_rate)
                self._outbox.append(echo)
            if self._line_rate and through - line_time(data, baud_rate) < self._sent:
                # The line is half duplex: a meter that sends hears nothing.
                return []
            if not isinstance(self.meter, Tolerant):
                data = garble(data, baud_rate, self.baud_rate)
            return self.meter.answer(data)
        self._timer = inf
        return self.meter.handle_timeout()

    def _carry_out(self, step: MeterStep | _Gap | _HangUp) -> None:
        match step:
            case Send(data):
                self._send(data)
            case SetBaudRate(baud_rate):
                self.baud_rate = baud_rate
            case StartTimer(seconds):
                self._timer = self._time + seconds
            case Pause(seconds):
                self._time += seconds if self._reaction_times else 0
            case _Gap(seconds):
                self._time += seconds
            case _HangUp():
                self._put(b"", hang_up=True)
            case _:
                assert_never(step)

    def _send(self, data: bytes) -> None:
        fault = self.meter.fault
        if Fault.HANG_UP in fault and len(data) > _LONGEST_IDENTIFICATION:
            self._steps.clear()
            self._steps.append(_HangUp())
            data = data[: len(data) // 2]
        if Fault.SLOW in fault and len(data) > SLOW_PIECE:
            rest = Send(data[SLOW_PIECE:])
            self._steps.extendleft([rest, _Gap(SLOW_PAUSE)])
            data = data[:SLOW_PIECE]
        if not self._line_rate:
            self._put(data)
            return
        start = self._time
        piece = max(1, int(LATENCY / line_time(b"\x00", self.baud_rate)))
        for end in range(piece, len(data) + piece, piece):
            self._time = start + line_time(data[:end], self.baud_rate)
            self._put(data[end - piece : end])
        self._sent = self._time - _TOLERANCE

    def _put(self, data: bytes, *, hang_up: bool = False) -> None:
        self._outbox.append(
            Arrival(
                time=self._time, data=data, baud_rate=self.baud_rate, hang_up=hang_up
            )
        )
