"""When a meter is read next.

Nothing here waits or looks at a clock: times go in, times come out, all of them with
a time zone.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from math import ceil
from typing import Any, Final, Self, assert_never

from .const import (
    CONF_INTERVAL,
    CONF_MINUTE,
    CONF_SCHEDULE,
    CONF_TIME,
    DEFAULT_INTERVAL,
    MAX_INTERVAL,
    MIN_INTERVAL,
)

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

_AUTOMATIC_MIN: Final = timedelta(minutes=1)
_AUTOMATIC_SHARE: Final = 10
"""Of the time of a port, one part in so many is spent with reading."""

_GRACE_MIN: Final = timedelta(minutes=15)
_GRACE_POLLS: Final = 3

_RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""A knocked-off head is often put back at once; a broken one can wait."""

_EXTRA_WAKE_UPS_MAX: Final = 2


class Kind(StrEnum):
    """How the time of the next readout is found."""

    AUTOMATIC = "automatic"
    """As often as all meters on the port can be read with ease."""

    INTERVAL = "interval"
    HOURLY = "hourly"
    """Every hour, at one minute of the clock on the wall."""

    DAILY = "daily"
    """Every day, at one time of the clock on the wall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When the readouts of one meter are due."""

    kind: Kind = Kind.AUTOMATIC

    interval: timedelta = DEFAULT_INTERVAL
    """Between the beginnings of two readouts, for `Kind.INTERVAL`."""

    minute: int = 0
    """0 to 59, for `Kind.HOURLY`."""

    time: time = time(23, 45)
    """In the home's time zone, for `Kind.DAILY`.

    Shortly before midnight a day's consumption is booked on that day, and there is
    time left for a second attempt.
    """

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Read the options of an entry; what is missing or wrong is as usual."""
        usual = cls()
        return cls(
            kind=_read(Kind, options.get(CONF_SCHEDULE), usual.kind),
            interval=_read(_interval, options.get(CONF_INTERVAL), usual.interval),
            minute=_read(_minute, options.get(CONF_MINUTE), usual.minute),
            time=_read(time.fromisoformat, options.get(CONF_TIME), usual.time),
        )

    def period(self, automatic: timedelta) -> timedelta:
        """Return the time from one readout to the next, as a rule.

        `automatic` is what `automatic_interval` says for the port.
        """
        match self.kind:
            case Kind.AUTOMATIC:
                return automatic
            case Kind.INTERVAL:
                return self.interval
            case Kind.HOURLY:
                return _HOUR
            case Kind.DAILY:
                return _DAY
            case never:
                assert_never(never)

    def next_after(
        self, last: datetime, automatic: timedelta, zone: tzinfo
    ) -> datetime:
        """Return the first time after `last` at which a readout is due, in UTC.

        It may have passed. `automatic` is as for `period`, `zone` that of the home.
        When the clocks are changed, no hour and no day goes without its readout,
        and no day gets two.
        """
        last = last.astimezone(UTC)
        match self.kind:
            case Kind.AUTOMATIC | Kind.INTERVAL:
                return last + self.period(automatic)
            case Kind.HOURLY:
                return self._next_hourly(last, zone)
            case Kind.DAILY:
                return self._next_daily(last, zone)
            case never:
                assert_never(never)

    def _next_hourly(self, last: datetime, zone: tzinfo) -> datetime:
        # Changed clocks still show the same minute. Where they change by half an
        # hour, the one readout in between comes at the minute of before.
        minute = last.astimezone(zone).minute
        ahead = (self.minute - minute) % 60 or 60
        return last.replace(second=0, microsecond=0) + timedelta(minutes=ahead)

    def _next_daily(self, last: datetime, zone: tzinfo) -> datetime:
        # The day after tomorrow counts where the clock has been put back at midnight:
        # it is yesterday once more, and today's readout is done.
        today = last.astimezone(zone).date()
        days = (today + timedelta(days=ahead) for ahead in (0, 1, 2))
        return next(due for day in days if (due := self._due(day, zone)) > last)

    def _due(self, day: date, zone: tzinfo) -> datetime:
        """Return when the readout of a day is due, in UTC.

        A time that comes twice means its first coming, and one that the clock jumps
        over means the moment of the jump.
        """
        wanted = datetime.combine(day, self.time, zone)
        early = wanted.replace(fold=1).astimezone(UTC)
        due = wanted.astimezone(UTC)
        if due <= early:
            return due
        # In the gap, `fold` is the other way round: 0 is reckoned with the offset of
        # before the jump, and so it is the later one.
        after = wanted.replace(fold=1).utcoffset()
        jump = bisect_left(
            range(int((due - early).total_seconds())),
            True,  # noqa: FBT003 - what is looked for
            key=lambda s: (
                (early + timedelta(seconds=s)).astimezone(zone).utcoffset() == after
            ),
        )
        return early + timedelta(seconds=jump)


def grace_of(period: timedelta) -> timedelta:
    """Return how long readings count as current when no new ones come."""
    return max(_GRACE_POLLS * period, _GRACE_MIN)


def retry_after(failures: int) -> timedelta:
    """Return how soon to try again after `failures` in a row, at least one."""
    return _RETRIES[min(failures, len(_RETRIES)) - 1]


def automatic_interval(durations: Iterable[float]) -> timedelta:
    """Return how often to read all meters of a port.

    `durations` are the seconds that a readout of each takes. The port is free most
    of the time, so that nobody waits long for it and a slow readout delays no other.
    """
    interval = timedelta(seconds=ceil(_AUTOMATIC_SHARE * sum(durations)))
    return max(interval, _AUTOMATIC_MIN)


class Budget:
    """How often a battery meter may be woken up besides its scheduled readouts."""

    def __init__(self, day: date | None = None, taken: int = 0) -> None:
        """Begin with what was `taken` on a day; None: on no day yet."""
        self._day = day
        self._taken = taken

    def may_wake(self, today: date) -> bool:
        """Whether there is a wake-up left for today, in the home's time zone."""
        return self._day != today or self._taken < _EXTRA_WAKE_UPS_MAX

    def take(self, today: date) -> None:
        """Count one wake-up."""
        self._taken = self._taken + 1 if self._day == today else 1
        self._day = today

    def give_back(self) -> None:
        """Take back the last one counted: nothing was sent to the meter after all."""
        self._taken -= 1

    def as_json(self) -> dict[str, Any]:
        """Write it for the storage."""
        return {"day": self._day and self._day.isoformat(), "taken": self._taken}

    @classmethod
    def from_json(cls, saved: Any) -> Self:
        """Read what `as_json` has written; anything else is a whole budget."""
        try:
            return cls(date.fromisoformat(saved["day"]), int(saved["taken"]))
        except KeyError, TypeError, ValueError:
            return cls()


def _read[T](parse: Callable[[Any], T], value: Any, usual: T) -> T:
    """Read one option; None stands for a missing one."""
    try:
        return parse(value)
    except OverflowError, TypeError, ValueError:
        return usual


def _interval(value: Any) -> timedelta:
    """Read seconds, and keep them within what the form allows."""
    return min(max(timedelta(seconds=value), MIN_INTERVAL), MAX_INTERVAL)


def _minute(value: Any) -> int:
    """Read a minute of the hour.

    Raises:
        ValueError, TypeError: it is none.

    """
    return time(minute=int(value)).minute
