"""How far the clock of a meter is off, whatever time it is set to show.

What the clock showed and when that arrived comes from elsewhere; nothing here looks
at the clock of this machine.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import assert_never


class Habit(StrEnum):
    """Which time a meter's clock is set to show."""

    AUTOMATIC = "automatic"
    """Whichever of the others makes the clock right, or nearly so."""

    LOCAL = "local"
    """The time on the wall, with summer time where there is one."""

    STANDARD = "standard"
    """Winter time all year."""

    UTC = "utc"


def deviation(
    moment: datetime, arrived: datetime, habit: Habit, zone: tzinfo
) -> timedelta:
    """Return by how much a meter's clock is ahead; negative: it is behind.

    `moment` is what the clock showed, naive, and `arrived` when that was, with a
    time zone. `zone` is where the meter hangs. An aware `moment` says itself how far
    UTC is, so there is no habit in it.

    A meter that prints no seconds seems to be up to a minute behind.
    """
    if moment.tzinfo is not None:
        return moment - arrived
    shown = moment - arrived.astimezone(UTC).replace(tzinfo=None)
    # The first of equals is taken, so local time is.
    return min((shown - one for one in _offsets(moment, arrived, habit, zone)), key=abs)


def _offsets(
    moment: datetime, arrived: datetime, habit: Habit, zone: tzinfo
) -> Iterator[timedelta]:
    """Yield how far ahead of UTC a clock of a habit may be."""
    match habit:
        case Habit.LOCAL:
            yield _offset(moment, zone)
            # `fold` is 0 as well where a meter does not say which of two equal hours
            # it means; then it means the one that fits.
            yield _offset(moment.replace(fold=1), zone)
        case Habit.STANDARD:
            # Not `dst()`: Ireland's law calls summer time its standard time.
            yield min(
                _offset(arrived.replace(month=month, day=1), zone) for month in (1, 7)
            )
        case Habit.UTC:
            yield timedelta()
        case Habit.AUTOMATIC:
            for one in (Habit.LOCAL, Habit.STANDARD, Habit.UTC):
                yield from _offsets(moment, arrived, one, zone)
        case never:
            assert_never(never)


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    """Return how far a zone is ahead of UTC at a local time without zone."""
    return moment.replace(tzinfo=zone).utcoffset() or timedelta()
