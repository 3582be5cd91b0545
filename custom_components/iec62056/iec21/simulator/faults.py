"""What goes wrong with real meters, heads and cables, by name."""

from __future__ import annotations

from enum import Flag, auto
from typing import Final

from ..framing import add_parity
from ..steps import MeterStep, Send

NOISE_BEFORE: Final = b"\x7f\x00~U\r\n"
"""What a head adds before a message: light going on, a few odd bits."""

NOISE_AFTER: Final = b"\x00\x7f"
"""What it adds behind one."""


class Fault(Flag):
    """Ways in which a real meter, head or cable goes wrong; they combine."""

    NONE = 0

    SILENT = auto()
    """The meter never answers."""

    DEAF_ONCE = auto()
    """The first sign-on stays unanswered, as with a meter that wakes up."""

    ADDRESS_WANTED = auto()
    """A sign-on without address stays unanswered."""

    ZEROS_COUNT = auto()
    """Leading zeros of the address count, against the norm (clause 6.3.14)."""

    ECHO = auto()
    """What the client sends comes back, as from most optical heads.

    On a `Wire` it comes back at the moment it is sent.
    """

    NOISE = auto()
    """Odd bytes stand before and behind every message."""

    PARITY_BIT = auto()
    """Bit 7 holds the even parity, as seen through a gateway at 8N1."""

    ANSWERS_TWICE = auto()
    """Every message comes twice."""

    DAMAGED_CHECK = auto()
    """The check does not match."""

    CUT_OFF = auto()
    """The readout ends in the middle."""

    WRONG_SPEED = auto()
    """The speed is offered and acknowledged, and the data come at the first one."""

    SLOW = auto()
    """Long pauses within a message, just inside what the norm allows.

    The driver sees to it (`wire`).
    """

    HANG_UP = auto()
    """The link breaks in the middle of the readout. The driver sees to it."""

    WAKE_UP_WANTED = auto()
    """The meter sleeps on a battery, and hears nothing before a wake-up."""

    BURSTS_WANTED = auto()
    """The same, and it wants the fast wake-up, to which it answers."""

    PARITY_WANTED = auto()
    """Characters without even parity in bit 7 stay unheard.

    So it is behind a gateway at 8N1, which has no parity of its own to add.
    """

    SIGNS_OFF = auto()
    """The acknowledgement is answered with a sign-off instead of data."""

    MISUNDERSTANDS = auto()
    """In programming mode, the first two commands are answered with NAK."""

    DAMAGED_BLOCK = auto()
    """There, the second block arrives damaged, once."""

    BREAKS_OFF = auto()
    """There, the third command is answered with a sign-off."""

    DROPS_SESSION = auto()
    """There, three seconds of silence end the session."""

    NO_ADDRESS = auto()
    """There, the answers come without the codes of their registers."""

    LEFT_OPEN = auto()
    """Somebody has left a session without its end.

    Until a sign-off at the speed of that session, or for two minutes, the meter
    hears no sign-on. A meter in a `SimulatedLine` never is.
    """


def spoil(message: bytes, fault: Fault) -> list[MeterStep]:
    """Return what sends `message` with everything that goes wrong on the way."""
    if Fault.NOISE in fault:
        message = NOISE_BEFORE + message + NOISE_AFTER
    if Fault.PARITY_BIT in fault:
        message = add_parity(message)
    times = 2 if Fault.ANSWERS_TWICE in fault else 1
    return [Send(message)] * times


def heard(data: bytes, fault: Fault) -> bytes:
    """Return what the meter's receiver takes of `data`."""
    if Fault.PARITY_WANTED in fault:
        return bytes(byte for byte in data if byte.bit_count() % 2 == 0)
    return data
