"""The fast wake-up of meters on a battery (Annex B.2).

Bursts of NULs, with a little silence behind each, until the meter answers in one of
them. What follows is the business of the session.
"""

from __future__ import annotations

from .const import ACK, BITS_PER_CHARACTER, REACTION_TIME_MIN
from .delays import BURST, BURSTS, LISTENING
from .steps import Send, StartTimer


class FastWakeUp:
    """One attempt to wake a meter."""

    def __init__(self, baud_rate: int) -> None:
        """Prepare to send at `baud_rate`, any that the meter knows."""
        self._character = BITS_PER_CHARACTER / baud_rate
        self._bursts = BURSTS
        self.awake = False
        """Whether the meter has answered."""

    @property
    def in_vain(self) -> bool:
        """Whether there were enough bursts without an answer."""
        return not self.awake and not self._bursts

    def burst(self) -> list[Send | StartTimer]:
        """Send NULs, and listen behind them."""
        self._bursts -= 1
        nulls = bytes(round(BURST / self._character))
        return [Send(nulls), StartTimer(2 * self._character + LISTENING)]

    def receive_data(self, data: bytes) -> list[StartTimer]:
        """Take what came, without parity bits; an awake meter needs a moment."""
        if self.awake or ACK not in data:
            return []
        self.awake = True
        return [StartTimer(REACTION_TIME_MIN)]
