"""A recorded session, played back by a meter.

A trace (`traces`) is cut into turns: what the client sent, and all that came back
until it sent something else. A client that sends the same kind of message gets the
same bytes, after the same pauses and at the same speed, so the trace in a user's
report is a test without further ado.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
import re
from typing import Final

from ..const import INITIAL_BAUD_RATE
from ..framing import strip_parity
from ..steps import MeterStep, Send, SetBaudRate, StartTimer
from ..traces import Entry, Trace
from .faults import Fault
from .meter import MAX_COMMAND
from .wire import LATENCY, line_time

WAKE_UP_MIN: Final = 10
"""NULs before a message that make a wake-up; fewer are noise."""

# Links on which the recorder knew the speed of the line.
_LINKS_WITHOUT_SPEED: Final = ("socket", "tcp")
_MESSAGE = re.compile(rb"[^\n\x01]*\n|[^\x01]*\x01[^\x03\x04]*[\x03\x04].", re.DOTALL)

type _Kind = tuple[bool, bytes]
"""Whether a wake-up came first, and how the message begins."""


def _kind(message: bytes) -> _Kind:
    text = message.lstrip(b"\x00\x7f\r\n")
    # The character after the slash asks for a list; an address is redacted.
    size = 2 if text.startswith(b"/") else 1
    return message.count(0) >= WAKE_UP_MIN, text[:size]


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that came, or a change of speed."""

    pause: float
    """Seconds since the event before began, or since the message ended."""

    step: Send | SetBaudRate


@dataclass(slots=True)
class _Turn:
    """What the client sent, and what happened until it sent the next message."""

    kind: _Kind | None
    """None before the client's first message, and behind a gap."""

    baud_rate: int
    """Speed in baud at which that message was sent."""

    events: list[_Event] = field(default_factory=list)


class ReplayMeter:
    """The meter in a recorded session.

    It does not start over when the client hangs up, since a search does that
    again and again; after the last turn the first one follows.
    """

    hears_any_speed = True
    """A message counts at whatever speed it comes: the client may be quicker than
    the recorded one was, and change its speed sooner."""

    def __init__(self, trace: Trace, fault: Fault = Fault.NONE) -> None:
        """Prepare to play back `trace`; `fault` is what the driver sees to."""
        self.fault = fault
        self._turns = _turns_of(trace)
        self._position = 0
        self._pending = deque(self._turns[0].events)
        self._buffer = b""
        self.first_baud_rate = self._turns[0].baud_rate
        """Speed in baud of what it is sending."""

    def start(self) -> list[MeterStep]:
        """Go on with what is still to come without being asked for."""
        return self._wait()

    def answer(self, data: bytes) -> list[MeterStep]:
        """Take what the client sent; every whole message begins its turn."""
        self._buffer += strip_parity(data)
        steps: list[MeterStep] = []
        while found := _MESSAGE.match(self._buffer):
            self._buffer = self._buffer[found.end() :]
            if self._find_turn(_kind(found[0])):
                steps = [SetBaudRate(self.first_baud_rate), *self._wait()]
        self._buffer = self._buffer[-MAX_COMMAND:]
        return steps

    def handle_timeout(self) -> list[MeterStep]:
        """Let the next thing happen, and wait for the one after it."""
        if not self._pending:
            return []
        event = self._pending.popleft()
        if isinstance(event.step, SetBaudRate):
            self.first_baud_rate = event.step.baud_rate
        # The timer stands first: it counts from beginning to beginning.
        return [*self._wait(), event.step]

    def reset(self) -> None:
        """Drop an unfinished message. The position in the session is kept."""
        self._buffer = b""

    def _find_turn(self, kind: _Kind) -> bool:
        """Go to the next turn that begins with such a message, if there is one."""
        for distance in range(1, len(self._turns) + 1):
            position = (self._position + distance) % len(self._turns)
            if self._turns[position].kind == kind:
                self._position = position
                self._pending = deque(self._turns[position].events)
                self.first_baud_rate = self._turns[position].baud_rate
                return True
        return False

    def _wait(self) -> list[MeterStep]:
        return [StartTimer(self._pending[0].pause)] if self._pending else []


def _turns_of(trace: Trace) -> list[_Turn]:
    """Cut a trace into turns."""
    baud_rate = trace.baud_rate or INITIAL_BAUD_RATE
    turns = [_Turn(None, baud_rate)]
    has_speed = trace.link not in _LINKS_WITHOUT_SPEED
    time = 0.0
    unfinished = b""
    for entry in trace.entries:
        if entry.kind == "gap":
            # What the rest answers is missing, up to the next message.
            turns.append(_Turn(None, baud_rate))
            unfinished = b""
            continue
        size = len(entry.data)
        if entry.kind == "receive":
            # The time is that of its first piece, and more was joined to it.
            size = min(size, max(1, int(LATENCY / line_time(b"\x00", baud_rate))))
        length = line_time(entry.data[:size], baud_rate) if has_speed else 0.0
        if entry.kind == "send":
            unfinished += strip_parity(entry.data)
            while found := _MESSAGE.match(unfinished):
                unfinished = unfinished[found.end() :]
                turns.append(_Turn(_kind(found[0]), baud_rate))
            time = entry.time + length
            continue
        begin = entry.time - length
        turns[-1].events.append(_Event(max(0.0, begin - time), _step_of(entry)))
        time = max(time, begin)
        baud_rate = entry.baud_rate or baud_rate
    return turns


def _step_of(entry: Entry) -> Send | SetBaudRate:
    if entry.kind == "speed":
        return SetBaudRate(entry.baud_rate)
    return Send(entry.data)
