"""Several simulated meters on one line, told apart by their addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from itertools import zip_longest
from operator import or_

from ..const import REACTION_TIME_MIN
from ..steps import MeterStep, Pause, Send
from .faults import Fault
from .meter import SimulatedMeter


@dataclass(slots=True, kw_only=True)
class SimulatedLine:
    """Meters on an RS-485 bus or in a current loop.

    Each hears everything. One answers at a time; where several do, as after a
    sign-on without address, their bits lie on top of each other and nobody can
    read them.
    """

    meters: list[SimulatedMeter]
    """At least one; all listen at the first one's speed."""

    _active: SimulatedMeter | None = field(default=None, init=False, repr=False)

    @property
    def fault(self) -> Fault:
        """Everything that goes wrong with any of them."""
        return reduce(or_, (meter.fault for meter in self.meters), Fault.NONE)

    @property
    def first_baud_rate(self) -> int:
        """Speed in baud at which they listen for a sign-on."""
        return self.meters[0].first_baud_rate

    def receive_data(self, data: bytes) -> list[MeterStep]:
        """Take what the client sent, in pieces of any size; return the answer.

        With `Fault.ECHO` the answer begins with the same bytes, once.
        """
        echo: list[MeterStep] = [Send(data)] if Fault.ECHO in self.fault else []
        return echo + self.answer(data)

    def answer(self, data: bytes) -> list[MeterStep]:
        """Do the same without the echo, which belongs to the line."""
        all_steps = [meter.answer(data) for meter in self.meters]
        speaking = [
            number
            for number, steps in enumerate(all_steps)
            if any(isinstance(step, Send) for step in steps)
        ]
        if len(speaking) > 1:
            self.reset()
            return _collide([all_steps[number] for number in speaking])
        if speaking:
            self._active = self.meters[speaking[0]]
            return all_steps[speaking[0]]
        # A wake-up is heard by all who sleep, and their timers are the same.
        return next((steps for steps in all_steps if steps), [])

    def handle_timeout(self) -> list[MeterStep]:
        """Let the meter that answered last go on after its timer.

        While nobody has answered yet, those who are being woken go on.
        """
        if self._active is not None:
            return self._active.handle_timeout()
        all_steps = [meter.handle_timeout() for meter in self.meters]
        return next((steps for steps in all_steps if steps), [])

    def reset(self) -> None:
        """Return all of them to the start."""
        self._active = None
        for meter in self.meters:
            meter.reset()


def _collide(answers: list[list[MeterStep]]) -> list[MeterStep]:
    """Lay the first messages of several meters on top of each other.

    The dominant level of a line is 0, so a bit is 1 only where all send 1.
    """
    messages = [
        next(step.data for step in steps if isinstance(step, Send)) for steps in answers
    ]
    bits = (
        reduce(int.__and__, column, 0xFF)
        for column in zip_longest(*messages, fillvalue=0xFF)
    )
    return [Pause(REACTION_TIME_MIN), Send(bytes(bits))]
