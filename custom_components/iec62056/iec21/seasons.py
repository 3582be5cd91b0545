"""Times of a meter's clock, found in a time zone.

A meter's clock is local, so the hour in which summer time ends comes twice.
Some meters print the season with each time, which settles it: it says how far
their clock is from UTC, whatever the zone does on that day. For others only the
order of the times is left.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
import re

_SEASON_FIRST = re.compile(r"([01])\d{10}(?:\d\d)?", re.ASCII)
_SEASON_LAST = re.compile(r"\d{10}(?:\d\d)?([SW])", re.ASCII)


class Season(StrEnum):
    """Which time a meter's clock shows."""

    WINTER = "winter"
    SUMMER = "summer"


_SEASONS = {
    "0": Season.WINTER,
    "W": Season.WINTER,
    "1": Season.SUMMER,
    "S": Season.SUMMER,
}


def parse_season(text: str) -> Season | None:
    """Read the season off a printed time; None where it does not say.

    A time that says UTC needs none.
    """
    text = text.strip()
    match = _SEASON_FIRST.fullmatch(text) or _SEASON_LAST.fullmatch(text)
    return _SEASONS[match[1]] if match else None


def season_of(moment: datetime) -> Season:
    """Tell the season at an aware time; winter where its zone knows none."""
    offsets = _offsets(moment.year, moment.tzinfo)
    if moment.utcoffset() == max(offsets) != min(offsets):
        return Season.SUMMER
    return Season.WINTER


def to_utc(
    moment: datetime,
    season: Season | None,
    zone: tzinfo,
    *,
    after: datetime | None = None,
) -> datetime:
    """Find when a meter's clock showed `moment`; the result is in UTC.

    An aware `moment` says so itself. Otherwise the season does, and without one
    `zone`: of two equal times the first one, unless it lies before `after` and
    the second one does not.
    """
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if season is not None:
        offset = _offsets(moment.year, zone)[season is Season.SUMMER]
        return moment.replace(tzinfo=UTC) - offset
    first, second = (
        moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)
    )
    return second if after is not None and first < after <= second else first


def _offsets(year: int, zone: tzinfo | None) -> tuple[timedelta, timedelta]:
    """Return the distances from UTC of a year's winter and summer, in this order.

    January and July are one of each, on both halves of the Earth. What a zone
    calls its standard time is no help: Ireland's is the one of the summer.
    """
    winter, summer = sorted(
        datetime(year, month, 1, tzinfo=zone).utcoffset() or timedelta()
        for month in (1, 7)
    )
    return winter, summer
