"""When one meter is read next: by its schedule, its failures and its battery."""

from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.util import dt as dt_util

from .const import CONF_GRACE, CONF_MANUFACTURER, CONF_SUPPLY
from .iec21.nameplate import Supply
from .ports import Bus
from .schedule import Schedule, grace_of, retry_after
from .store import Record


class Timetable:
    """Knows when the readouts of an entry are due; it waits for none of them."""

    def __init__(self, entry: ConfigEntry[Any], record: Record, bus: Bus) -> None:
        """Begin where the run before has ended."""
        self._entry = entry
        self._record = record
        self._bus = bus
        self._schedule = Schedule.from_options(entry.options)
        self.supply: Final = Supply(entry.options.get(CONF_SUPPLY, Supply.MAINS))
        self.failures = int(record.last_error is not None)
        """Readouts in a row that failed."""
        self.has_woken = True
        """Whether the last readout that failed had cost a battery something."""

    @property
    def on_battery(self) -> bool:
        """Whether each readout costs the meter a part of its life."""
        return self.supply is Supply.BATTERY

    @property
    def period(self) -> timedelta:
        """Time from one readout to the next, as a rule."""
        return self._schedule.period(self._bus.interval())

    @property
    def is_off(self) -> bool:
        """Whether the user has taken the polling over."""
        return self._entry.pref_disable_polling

    def grace(self, *, pushes: bool) -> timedelta | None:
        """Return how long readings stay while the meter is silent.

        None: as long as no readout fails. Nobody knows when the next one is due.
        """
        if (minutes := self._entry.options.get(CONF_GRACE)) is not None:
            return timedelta(minutes=minutes)
        if pushes:
            return grace_of(timedelta())
        return None if self.is_off else grace_of(self.period)

    def first(self) -> datetime | None:
        """Return when to read for the first time in this run; None: not by itself.

        What was read before a restart is not read again before its time, and a
        battery is not woken up again after an attempt that failed.
        """
        now = dt_util.utcnow()
        record = self._record
        last = record.last_attempt if self.on_battery else record.last_readout
        if last is None:
            return now
        if self.is_off:
            return None
        due = self._next_after(last)
        if self.on_battery and now - last < self.period:
            # Another time of day may have been due since, and was not when it passed.
            due = max(due, self._next_after(now))
        return self._sooner(due, now)

    def next(self) -> datetime | None:
        """Return when to read again after a readout; None: not by itself."""
        if self.is_off:
            return None
        now = dt_util.utcnow()
        due = self._next_after(self._record.last_attempt or now)
        if due <= now:
            # The readout took longer than its interval. Those that it was late for
            # are left out.
            due += (now - due) // self.period * self.period
        while due <= now:
            due = self._next_after(due)
        return self._sooner(due, now)

    def _next_after(self, last: datetime) -> datetime:
        zone = dt_util.get_default_time_zone()
        return self._schedule.next_after(last, self._bus.interval(), zone)

    def _sooner(self, due: datetime, now: datetime) -> datetime:
        """Try again soon what has failed, unless that costs a battery."""
        if not self.failures or (self.on_battery and self.has_woken):
            return due
        again = now + retry_after(self.failures)
        if not self._entry.data[CONF_MANUFACTURER]:
            # A search takes half a minute, and others may wait for the port.
            return max(due, again)
        return min(due, again)
