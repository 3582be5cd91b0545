"""Headings of load profiles and log books, as text.

`P.01(time)(status)(period)(count)(code)(unit)…` stands over the rows of a load
profile. In a log book the period is empty, and the values of the event follow.
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Final

from .commands import error_text
from .exceptions import TelegramError
from .obis import ObisCode
from .telegram import DataSet
from .times import looks_like_timestamp

_PROFILE: Final = 99
"""C of profiles (IEC 62056-61), which is printed as "P"."""

_PERIOD = re.compile(r"\d{1,5}", re.ASCII)
_COUNT = re.compile(r"\d{1,3}", re.ASCII)
_STARTS_WITH_DIGIT = re.compile(r"[-+ ]*\d", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The parts of a heading, as text."""

    time: str
    status: str
    period: int
    """Minutes; 0 for an event, which has none."""

    columns: tuple[DataSet, ...]
    """Code and unit of each channel, without a value."""

    values: tuple[DataSet, ...]
    """What is noted with an event, if it stands on the same line."""


def parse_heading(row: tuple[DataSet, ...], *, in_profile: bool) -> Heading | None:
    """Read a heading; None where `row` is none.

    A repeated one may lack its code. It has to differ from a row of values then:
    by its units, or, as that of an event, by not standing `in_profile`.
    """
    address = row[0].address
    if len(row) < 4 or (address and not is_profile(address)):
        return None
    time, status, period, count = (data_set.value.strip() for data_set in row[:4])
    if not looks_like_timestamp(time) or not _COUNT.fullmatch(count):
        return None
    end = 4 + 2 * int(count)
    columns = tuple(
        DataSet(code.value.strip(), "", unit.value.strip() or None)
        for code, unit in zip(row[4:end:2], row[5:end:2], strict=False)
    )
    values = row[end:]
    if not period.strip("0"):
        fits = len(values) in {0, len(columns)} and (
            bool(address) or not (period or in_profile)
        )
    else:
        fits = (
            _PERIOD.fullmatch(period) is not None
            and columns != ()
            and values == ()
            and (
                bool(address)
                or not any(_STARTS_WITH_DIGIT.match(one.unit or "") for one in columns)
            )
        )
    if not fits or len(row) < end or not belong_together(row):
        return None
    return Heading(
        time=time,
        status=status,
        period=int(period or 0),
        columns=columns,
        values=values,
    )


def is_profile(address: str) -> bool:
    """Whether a code names a load profile or a log book."""
    try:
        return ObisCode.parse(address).c == _PROFILE
    except TelegramError:
        return False


def holds_nothing(row: tuple[DataSet, ...]) -> bool:
    """Whether a meter says that it has no rows: `P.01()`, `P.01(ERROR)`."""
    text = row[0].value.strip()
    is_word = not text or error_text(f"({text})") is not None
    return len(row) == 1 and is_word and is_profile(row[0].address)


def belong_together(row: tuple[DataSet, ...]) -> bool:
    """Whether only the first set of a row has an address, if any."""
    return not any(data_set.address for data_set in row[1:])
