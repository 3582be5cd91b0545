"""Status words of load profiles and log books.

A word is two or eight hexadecimal digits. Its width does not say what the bits
mean, so the manufacturer has to.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, Flag, auto
import re
from types import MappingProxyType
from typing import Final

from .messages import Identification

_WORD = re.compile(r"[0-9A-F]{1,8}", re.ASCII | re.IGNORECASE)


class Status(Flag):
    """What a meter notes about an interval or an event."""

    FATAL_ERROR = auto()

    RESERVE_EXHAUSTED = auto()
    """The clock stood still, since its battery was empty."""

    CLOCK_INVALID = auto()

    DISTURBED = auto()
    """Values are not valid, or cover a part of the interval only."""

    SEASON_CHANGED = auto()
    """The clock went from summer to winter time, or back."""

    SUMMER_TIME = auto()
    """Summer time goes on; nothing has happened."""

    RESET = auto()
    """A billing period ended."""

    CLOCK_SET = auto()
    POWER_RETURNED = auto()
    POWER_FAILED = auto()
    SETTINGS_CHANGED = auto()
    LOG_BOOK_DELETED = auto()
    LOAD_PROFILE_DELETED = auto()

    BEFORE_CLOCK_SET = auto()
    """The time is the one that the clock showed before it was synchronised."""

    VOLTAGE = auto()
    """A voltage left its limits, or came back."""


class StatusLayout(Enum):
    """What the bits of a status word mean."""

    VDEW = "vdew"
    """VDEW's eight bits, with what others added in front of them."""

    DLMS = "dlms"
    """The AMR profile status of DLMS, eight bits."""


_BITS: Final[Mapping[StatusLayout, Mapping[int, Status]]] = MappingProxyType(
    {
        StatusLayout.VDEW: MappingProxyType(
            {
                0: Status.FATAL_ERROR,
                1: Status.RESERVE_EXHAUSTED,
                2: Status.DISTURBED,
                3: Status.SEASON_CHANGED,
                4: Status.RESET,
                5: Status.CLOCK_SET,
                6: Status.POWER_RETURNED,
                7: Status.POWER_FAILED,
                # From here on: LEM.
                8: Status.SETTINGS_CHANGED,
                13: Status.LOG_BOOK_DELETED,
                14: Status.LOAD_PROFILE_DELETED,
                15: Status.BEFORE_CLOCK_SET,
                **dict.fromkeys(range(24, 32), Status.VOLTAGE),
            }
        ),
        StatusLayout.DLMS: MappingProxyType(
            {
                0: Status.FATAL_ERROR,
                1: Status.CLOCK_INVALID,
                2: Status.DISTURBED,
                3: Status.SUMMER_TIME,
                5: Status.CLOCK_SET,
                7: Status.POWER_FAILED,
            }
        ),
    }
)

_DLMS_MANUFACTURERS: Final = frozenset({"MCS"})
"""FLAG codes of those whose words follow DLMS: MetCom."""


def status_layout(identification: Identification | None) -> StatusLayout:
    """Choose the layout of a meter's status words by its manufacturer."""
    if identification and identification.manufacturer in _DLMS_MANUFACTURERS:
        return StatusLayout.DLMS
    return StatusLayout.VDEW


def parse_status(text: str, layout: StatusLayout) -> Status | None:
    """Read a status word; None where the text is none.

    Bits that mean nothing, or only to the manufacturer, are left out.
    """
    if not _WORD.fullmatch(text):
        return None
    word = int(text, 16)
    status = Status(0)
    for bit, meaning in _BITS[layout].items():
        if word >> bit & 1:
            status |= meaning
    return status
