"""The clock of a meter: the one time of its own that a readout holds.

It is read from data sets and not from readings. A readout that is still arriving
has no readings yet, and the season that some meters put before the date alone
does not survive in a `date`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Final, assert_never

from .exceptions import TelegramError
from .lis200_objects import CLOCK, object_code
from .obis import NOT_USED, ObisCode
from .telegram import DataSet
from .times import parse_date_and_time, parse_timestamp

# No code is longer. Longer addresses are no clock, and do not fill our memory.
_ADDRESS_LENGTH_MAX: Final = len("0-0:000.000.000*255")


class _Part(Enum):
    """What a data set tells of the clock."""

    TIME = "0.9.1"
    DATE = "0.9.2"
    BOTH = "0.9.4"


_CODES: Final = tuple(
    (ObisCode.parse(text), part)
    for text, part in (
        ("0.9.1", _Part.TIME),
        ("0.9.2", _Part.DATE),
        ("0.9.4", _Part.BOTH),
        ("1.0.0", _Part.BOTH),
        # Ultraheat.
        ("9.36.0", _Part.BOTH),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterClock:
    """What the clock of a meter showed."""

    moment: datetime
    """Naive, in the meter's local time, unless the meter says how far UTC is.

    `fold` is as in `times`.
    """

    address: str
    """Of the first data set with the time of day.

    When it arrived is what `moment` is to be compared with; the date may come
    before or after it.
    """


def meter_clock(data_sets: Iterable[DataSet]) -> MeterClock | None:
    """Find what the meter's clock shows; None where `data_sets` do not tell.

    The first time that is complete is taken, so a readout that is still arriving
    gives the same answer as a whole one, or None.
    """
    day: DataSet | None = None
    time: DataSet | None = None
    for data_set in data_sets:
        match _part(data_set.address):
            case None:
                continue
            case _Part.BOTH:
                moment = parse_timestamp(data_set.value)
                if moment is not None:
                    return MeterClock(moment=moment, address=data_set.address)
                continue
            case _Part.DATE:
                day = day or data_set
            case _Part.TIME:
                time = time or data_set
            case part:
                assert_never(part)
        if day is not None and time is not None:
            moment = parse_date_and_time(day.value, time.value)
            if moment is not None:
                return MeterClock(moment=moment, address=time.address)
    return None


def _part(address: str) -> _Part | None:
    """Tell what stands under an address, from memory if it can be a clock's."""
    return _find_part(address) if len(address) <= _ADDRESS_LENGTH_MAX else None


@lru_cache(maxsize=1024)
def _find_part(address: str) -> _Part | None:
    """Tell what stands under an address."""
    if object_code(address) == CLOCK:
        return _Part.BOTH
    try:
        code = ObisCode.parse(address)
    except TelegramError:
        return None
    # Of a past billing period, or of another meter behind this one.
    if code.f not in (None, NOT_USED) or (code.a == 0 and code.b):
        return None
    return next((part for pattern, part in _CODES if code.matches(pattern)), None)
