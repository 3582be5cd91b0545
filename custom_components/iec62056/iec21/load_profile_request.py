"""Ask for a load profile or a log book, all of it or a range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from .commands import Command
from .seasons import Season, season_of


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """Which part of a load profile or log book is wanted.

    Times are ends of intervals, and both ends belong to the range. An aware time
    is printed as its zone's clock shows it, with the season; one in UTC says so
    (2 in place of the season), which only meters set to UTC understand. A naive
    time is taken for winter time.
    """

    register: str = "P.01"
    """The code as the meter prints it."""

    start: datetime | None = None
    """None: from the oldest row on."""

    end: datetime | None = None
    """None: up to the youngest row."""

    def to_command(self, name: str = "R5") -> Command:
        """Return the command: "R5", "R6" in blocks, or "R2" and "R3" for others.

        >>> ProfileRequest("P.01", datetime(2026, 11, 20)).to_command()
        Command('R5', 'P.01(02611200000;)', more=False)

        """
        return Command(
            name, f"{self.register}({_print(self.start)};{_print(self.end)})"
        )

    def by_day(self) -> Iterator[ProfileRequest]:
        """Cut the range at each midnight of its zone.

        Two pieces share their midnight, so that a meter that excludes an end of
        a range loses no row; `ProfileReader.begin_range` passes over the row
        that comes twice. A range with an open end stays whole.
        """
        if self.start is None or self.end is None:
            yield self
            return
        start = self.start
        while True:
            midnight = datetime.combine(
                start.date() + timedelta(days=1), time.min, tzinfo=start.tzinfo
            )
            if self.end <= midnight:
                yield replace(self, start=start)
                return
            yield replace(self, start=start, end=midnight)
            start = midnight


def _print(moment: datetime | None) -> str:
    """Print a time as VDEW's meters do: season, YYMMDD, hhmm."""
    if moment is None:
        return ""
    if moment.tzinfo is UTC:
        season = "2"
    elif moment.tzinfo is not None and season_of(moment) is Season.SUMMER:
        season = "1"
    else:
        season = "0"
    return f"{season}{moment:%y%m%d%H%M}"
