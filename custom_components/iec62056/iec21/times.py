"""Dates and times as meters write them.

A meter's clock is local time and says nothing of its zone, so a time stays
naive unless the meter itself gives its distance from UTC. What some meters do
say is the season, as a digit in front (0 winter, 1 summer, 2 UTC) or as a
letter behind ("W", "S"). It matters in one hour of the year, and there it is
exactly `fold`: 0 is the first of the two equal hours (summer time), 1 the
second (winter time). Without a season, `fold` is 0.

Nothing here raises: what is no time, or not a possible one, is None. Meters
write zeros for "never".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
import re
from typing import Final

_SEASON_UTC: Final = "2"
_FOLD: Final = {"0": 1, "W": 1}

# YYMMDDhhmm[ss] with a season digit in front or a letter behind, and
# YY-MM-DD hh:mm[:ss] with any separator between the two.
_DIGITS = re.compile(r"([0-2])?(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?([SW])?", re.ASCII)
_DASHES = re.compile(
    r"(\d\d(?:\d\d)?)-(\d\d)-(\d\d)[ ,&T](\d\d):(\d\d)(?::(\d\d))?", re.ASCII
)
# Year, month, day, weekday, hour, minute, second, hundredths, deviation, status.
_COSEM = re.compile(r"[0-9A-F]{24}", re.ASCII | re.IGNORECASE)
_DEVIATION_UNKNOWN: Final = -0x8000

_SIX_DIGITS = re.compile(r"([0-2])?(\d\d)(\d\d)(\d\d)", re.ASCII)
_DATE = re.compile(r"(\d\d(?:\d\d)?)-(\d\d)-(\d\d)", re.ASCII)
_DAY_FIRST = re.compile(r"(\d\d)\.(\d\d)\.(\d\d(?:\d\d)?)", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
_FOUR_DIGITS = re.compile(r"(\d\d)(\d\d)", re.ASCII)
# Zeros and dashes in any of these shapes, and what Ultraheat prints for them.
_NEVER = re.compile(r"[-?:., 0&TSW]*|2000-00-00", re.ASCII)

_SHAPE = re.compile(f"{_DIGITS.pattern}|{_DASHES.pattern}", re.ASCII)


def looks_like_timestamp(text: str) -> bool:
    """Whether the text has the shape of a date with a time, possible or not.

    Ten to thirteen digits have it too; only the place of the text tells such a
    time from a number.
    """
    return _SHAPE.fullmatch(text.strip()) is not None


def parse_timestamp(text: str) -> datetime | None:
    """Read a date with a time; aware only where the meter says how far UTC is."""
    text = text.strip()
    if match := _DIGITS.fullmatch(text):
        before, *numbers, behind = match.groups()
        return _timestamp(numbers, before or behind)
    if match := _DASHES.fullmatch(text):
        return _timestamp(match.groups())
    if _COSEM.fullmatch(text):
        return _cosem(bytes.fromhex(text))
    return None


def parse_date(text: str) -> date | None:
    """Read a date: YYMMDD, with a season digit, with dashes, or day first."""
    text = text.strip()
    if match := _SIX_DIGITS.fullmatch(text):
        year, month, day = match.groups()[1:]
    elif match := _DATE.fullmatch(text):
        year, month, day = match.groups()
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = match.groups()
    else:
        return None
    try:
        return date(_year(year), int(month), int(day))
    except ValueError:
        return None


def parse_time(text: str) -> time | None:
    """Read a time of day: hhmmss, with a season digit, hhmm, with or without ":".

    Midnight is a time; a meter that means "never" says so in the date.
    """
    text = text.strip()
    season = None
    if match := _SIX_DIGITS.fullmatch(text):
        season, hour, minute, second = match.groups()
    elif match := _TIME.fullmatch(text):
        hour, minute, second = match.groups()
    elif match := _FOUR_DIGITS.fullmatch(text):
        hour, minute, second = *match.groups(), None
    else:
        return None
    try:
        return time(
            int(hour),
            int(minute),
            int(second or 0),
            tzinfo=UTC if season == _SEASON_UTC else None,
            fold=_FOLD.get(season or "", 0),
        )
    except ValueError:
        return None


def parse_date_and_time(day: str, hour: str) -> datetime | None:
    """Read a date and a time that stand apart; None unless both are there.

    The season is with either of them: the MT174 has it before the date alone.
    """
    date_alone, time_alone = parse_date(day), parse_time(hour)
    if date_alone is None or time_alone is None:
        return None
    moment = datetime.combine(date_alone, time_alone)
    match = _SIX_DIGITS.fullmatch(day.strip())
    season = match[1] if match else None
    if season == _SEASON_UTC:
        return moment.replace(tzinfo=UTC)
    return moment.replace(fold=_FOLD.get(season or "", moment.fold))


def parse_moment(
    text: str, *, has_date: bool = True, has_time: bool = True
) -> datetime | date | time | str | None:
    """Read whatever a meter puts where a date, a time or both belong.

    Six digits may be either, so the caller says what can be there. None means
    never; text that is no time stays as it is.
    """
    moment: datetime | date | time | None = parse_timestamp(text)
    if moment is None and has_date:
        moment = parse_date(text)
    if moment is None and has_time:
        moment = parse_time(text)
    if moment is not None:
        return moment
    text = text.strip()
    return None if _NEVER.fullmatch(text) else text


def _timestamp(
    numbers: Sequence[str | None], season: str | None = None
) -> datetime | None:
    """Build a time from year to second, or None if there is no such time."""
    year, month, day, hour, minute, second = [number or "0" for number in numbers]
    try:
        return datetime(
            _year(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=UTC if season == _SEASON_UTC else None,
            fold=_FOLD.get(season or "", 0),
        )
    except ValueError:
        return None


def _year(text: str) -> int:
    """Two digits are a year of this century (VDEW)."""
    return int(text) if len(text) == 4 else 2000 + int(text)


def _cosem(data: bytes) -> datetime | None:
    """Read the twelve bytes of a COSEM date-time.

    The deviation counts minutes east of UTC here: MetCom's meters, the only
    ones seen to print this form, write 60 in Central Europe's winter.
    """
    year = int.from_bytes(data[:2])
    month, day, _weekday, hour, minute, second, _hundredths = data[2:9]
    deviation = int.from_bytes(data[9:11], signed=True)
    zone = None
    try:
        if deviation != _DEVIATION_UNKNOWN:
            zone = timezone(timedelta(minutes=deviation))
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
