"""Read one meter again and again, and book what can be trusted.

The timer is our own. A meter is read at a time of day or at a minute of the hour as
well, and sooner than that after a failure.
"""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .book import Limits
from .clock import Habit, deviation
from .const import (
    CONF_CLOCK,
    CONF_CURRENT_RATIO,
    CONF_GRACE,
    CONF_MANUFACTURER,
    CONF_METER_ID,
    CONF_SUPPLY,
    CONF_THROTTLE,
    CONF_UNITS,
    CONF_VOLTAGE_RATIO,
    DEFAULT_THROTTLE,
    DOMAIN,
    LOGGER,
)
from .failures import Failure, ReadoutFailed, readout_failed
from .form import usual_options
from .identity import check_identity
from .iec21.clock import meter_clock
from .iec21.exceptions import ChecksumError, IecError
from .iec21.nameplate import Supply, rated_power
from .iec21.reading import Reading, interpret
from .iec21.telegram import Check, Readout
from .looks import with_unit
from .meter import Meter, supply_found
from .ports import Bus
from .reader import Reader
from .schedule import Schedule, grace_of, retry_after
from .search import Search
from .store import MeterStore, Record

type IecConfigEntry = ConfigEntry[EntryData]

LISTEN_AGAIN_AFTER: Final = timedelta(minutes=1)
"""How soon a meter that sends by itself is listened to again, once it was lost."""

JUST_READ: Final = timedelta(minutes=1)
"""How old a battery meter's readout may be that answers another request as well.

One action asks for every entity of a meter, one after the other.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryData:
    """What a loaded entry keeps."""

    coordinator: IecCoordinator


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterData:
    """What is known of a meter: its registers, each with its last trusted reading."""

    meter: Meter
    """Who sent them."""

    readings: Mapping[str, Reading]
    """By `reading_id`, in the order sent; registers that have stopped included."""

    missing: frozenset[str]
    """Those of `readings` that the latest readout did not have."""

    taken_at: datetime
    """When the latest readout had arrived, in UTC."""

    readout: Readout | None = None
    """The latest readout; None after a restart, until the next one."""

    @property
    def firmware(self) -> str | None:
        """Version of the meter's program; None if it does not say."""
        for reading in self.readings.values():
            if reading.key == "firmware_version" and reading.value is not None:
                return str(reading.value)
        return None


class IecCoordinator(DataUpdateCoordinator[MeterData]):
    """Reads the meter of one config entry, or listens to it.

    There are no data before a readout has come, in this run or an earlier one.
    """

    config_entry: IecConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: IecConfigEntry, store: MeterStore, bus: Bus
    ) -> None:
        """Bring back what is known from earlier runs; nothing is opened yet.

        Raises:
            ValueError: the entry holds a setting that is outside its range.

        """
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            # Names end up in logs, so this is the title and not the meter number.
            name=entry.title,
        )
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._cancel_expiry: CALLBACK_TYPE | None = None
        self._cancel_write: CALLBACK_TYPE | None = None
        self.store: Final = store
        self.bus: Final = bus
        self.reader: Final = Reader(hass, entry, bus, store.record)
        self.schedule: Final = Schedule.from_options(entry.options)
        self.supply: Final = Supply(entry.options.get(CONF_SUPPLY, Supply.MAINS))
        self._units: Mapping[str, str] = entry.options.get(CONF_UNITS, {})
        self._search: Search | None = None
        self._readout: Readout | None = None
        self._failures = 0
        self._is_due = False
        self._written_at = dt_util.utc_from_timestamp(0)
        if store.record.duration is not None:
            bus.durations[entry.entry_id] = store.record.duration
        if store.meter is not None and store.record.last_readout is not None:
            self.data = self._data_of(store.meter, store.record.last_readout)
            self._expect_expiry()

    @property
    def meter_id(self) -> str:
        """What begins the unique ids of everything that belongs to the meter."""
        meter_id: str = self.config_entry.data[CONF_METER_ID]
        return meter_id

    @property
    def record(self) -> Record:
        """What is measured and counted while the meter is read."""
        return self.store.record

    @property
    def is_current(self) -> bool:
        """Whether the readings are not too old to be shown."""
        # There are none before the first readout.
        data: MeterData | None = self.data
        return data is not None and dt_util.utcnow() < data.taken_at + self.grace

    @property
    def grace(self) -> timedelta:
        """How long readings stay while the meter is silent."""
        if (minutes := self.config_entry.options.get(CONF_GRACE)) is not None:
            return timedelta(minutes=minutes)
        if self.reader.pushes:
            return grace_of(timedelta())
        return grace_of(self.schedule.period(self.bus.interval()))

    # -- when to read -----------------------------------------------------------------

    @callback
    def begin(self, search: Search | None) -> None:
        """Read for the first time in this run, in the background.

        A whole readout takes minutes with some meters, and Home Assistant starts
        without it. `search` is what the config flow has begun to read. What was
        read before a restart is not read again before its time.
        """
        self.config_entry.async_on_unload(
            # Entries are not unloaded when Home Assistant stops.
            self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self._on_stop)
        )
        self._search = search
        due = now = dt_util.utcnow()
        if search is None and not self.reader.pushes and self._last_attempt is not None:
            due = self._next_after(self._last_attempt)
        if due > now:
            self._set_timer(due)
        else:
            self._go()

    async def _on_stop(self, _event: Event) -> None:
        await self.async_shutdown()

    @override
    async def async_shutdown(self) -> None:
        """Plan nothing any more; Home Assistant calls this when it unloads."""
        await super().async_shutdown()
        for cancel in (self._cancel_timer, self._cancel_expiry, self._cancel_write):
            if cancel is not None:
                cancel()

    @property
    def _last_attempt(self) -> datetime | None:
        """When the meter was last asked; never later than now.

        Without a clock of its own this machine may have lived in the future.
        """
        last = self.record.last_attempt
        return None if last is None else min(last, dt_util.utcnow())

    def _next_after(self, last: datetime) -> datetime:
        """Return when the meter is read next; it may be overdue."""
        due = self.schedule.next_after(
            last, self.bus.interval(), dt_util.get_default_time_zone()
        )
        if self._failures and self.supply is Supply.MAINS:
            due = min(due, dt_util.utcnow() + retry_after(self._failures))
        return due

    @callback
    def _set_timer(self, due: datetime) -> None:
        if self._shutdown_requested or self.hass.is_stopping:
            return
        if self._cancel_timer is not None:
            self._cancel_timer()
        self._cancel_timer = async_track_point_in_utc_time(
            self.hass, self._on_time, due
        )

    @callback
    def _on_time(self, _now: datetime) -> None:
        self._cancel_timer = None
        self._go()

    @callback
    def _go(self) -> None:
        if self.reader.pushes and self._search is None:
            work, name = self._async_listen(), "listening"
        else:
            self._is_due = True
            work, name = self.async_refresh(), "readout"
        self.config_entry.async_create_background_task(
            self.hass, work, f"{self.name} {name}"
        )

    @callback
    def _set_next_timer(self) -> None:
        """Wait for the next readout, unless the user has taken the polling over."""
        if self.reader.pushes:
            self._set_timer(dt_util.utcnow())
            return
        if self.config_entry.pref_disable_polling:
            return
        now = dt_util.utcnow()
        due = self._next_after(self._last_attempt or now)
        while due <= now:
            # This readout took longer than its interval. The one that it was late
            # for is left out.
            due = self._next_after(due)
        self._set_timer(due)

    @callback
    def _expect_expiry(self) -> None:
        """Let the entities know when the readings become too old."""
        if self._cancel_expiry is not None:
            self._cancel_expiry()
        self._cancel_expiry = async_track_point_in_utc_time(
            self.hass, self._on_expiry, self.data.taken_at + self.grace
        )

    @callback
    def _on_expiry(self, _now: datetime) -> None:
        self._cancel_expiry = None
        self.async_update_listeners()

    # -- reading ----------------------------------------------------------------------

    async def async_read_now(self) -> None:
        """Read the meter now because somebody wants to know.

        Raises:
            HomeAssistantError: it failed, or the battery is to be spared.

        """
        if (
            self.supply is Supply.BATTERY
            and not self._has_just_been_read
            and not self.store.budget.may_wake(dt_util.now().date())
        ):
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="battery_spared"
            )
        await self.async_refresh()
        if not self.last_update_success:
            assert isinstance(self.last_exception, HomeAssistantError)  # noqa: S101
            raise self.last_exception

    @property
    def _has_just_been_read(self) -> bool:
        last = self.record.last_attempt
        return last is not None and dt_util.utcnow() - last < JUST_READ

    @override
    async def _async_update_data(self) -> MeterData:
        is_due, self._is_due = self._is_due, False
        # There is none before the first readout.
        data: MeterData | None = self.data
        if self.reader.pushes and self._search is None:
            # There is nothing to ask for: every telegram is taken anyway.
            if data is None:
                raise ReadoutFailed(Failure.NO_ANSWER, "no_answer")
            return data
        if not is_due and data is not None and self._is_spared():
            return data
        # Whoever asked for this readout, it belongs to the entry: unloading the
        # entry cancels the task, and with it the port is closed.
        task = self.config_entry.async_create_background_task(
            self.hass, self._async_poll(), f"{self.name} poll"
        )
        try:
            return await task
        except IecError as error:
            failed = readout_failed(error, self.reader.port)
            if isinstance(error, ChecksumError):
                self.record.check_errors += 1
            self._fail(failed)
            raise failed from error
        except ReadoutFailed as failed:
            self._fail(failed)
            raise
        finally:
            self._set_next_timer()

    def _is_spared(self) -> bool:
        """Whether a readout that nothing has planned would cost too much."""
        if self.supply is not Supply.BATTERY:
            return False
        budget, today = self.store.budget, dt_util.now().date()
        if self._has_just_been_read or not budget.may_wake(today):
            return True
        budget.take(today)
        return False

    @callback
    def _fail(self, failed: ReadoutFailed) -> None:
        self._failures += 1
        self.record.last_error = failed.failure
        self.store.save()

    async def _async_poll(self) -> MeterData:
        """Read the meter, and once more where a value is in doubt."""
        search, self._search = self._search, None
        self.record.last_attempt = dt_util.utcnow()
        if search is not None:
            readout = await self.reader.async_take_over(search)
            if readout is not None and not self._is_old(search):
                return await self._async_confirm(readout)
        if self.supply is Supply.BATTERY:
            # Not even a crash in the middle makes us wake the meter up again.
            await self.store.async_save()
        return await self._async_confirm(await self._async_read_out())

    async def _async_read_out(self) -> Readout:
        return await self.reader.async_read_out(self.supply)

    def _is_old(self, search: Search) -> bool:
        """Whether the user has looked at the last form for longer than a poll."""
        age = self.hass.loop.time() - search.ended_at
        return age > self.schedule.period(self.bus.interval()).total_seconds()

    async def _async_confirm(self, readout: Readout) -> MeterData:
        """Book a readout, and at once a second one where that helps."""
        is_in_doubt = self._book(readout)
        if is_in_doubt and self.supply is Supply.MAINS and not self.reader.pushes:
            try:
                self._book(await self._async_read_out())
            except IecError as error:
                # The first one is as good as before; what was in doubt waits.
                LOGGER.debug("%s: no second readout: %s", self.name, error)
        return self._booked()

    # -- listening --------------------------------------------------------------------

    async def _async_listen(self) -> None:
        """Take every telegram that the meter sends by itself."""
        self.record.last_attempt = dt_util.utcnow()
        try:
            async with aclosing(self.reader.async_listen()) as readouts:
                async for readout in readouts:
                    self._take_telegram(readout)
        except IecError as error:
            failed = readout_failed(error, self.reader.port)
            self._fail(failed)
            self.async_set_update_error(failed)
            self.async_update_listeners()
        finally:
            self._set_timer(dt_util.utcnow() + LISTEN_AGAIN_AFTER)

    @callback
    def _take_telegram(self, readout: Readout) -> None:
        try:
            self._book(readout)
        except ReadoutFailed as failed:
            self._fail(failed)
            self.async_set_update_error(failed)
            return
        self.data = self._booked()
        if not self.last_update_success:
            LOGGER.info("Fetching %s data recovered", self.name)
            self.last_update_success = True
        if self._cancel_write is None:
            throttle = self.config_entry.options.get(CONF_THROTTLE, DEFAULT_THROTTLE)
            due = self._written_at + timedelta(seconds=throttle)
            if due <= dt_util.utcnow():
                self._write()
            else:
                self._cancel_write = async_track_point_in_utc_time(
                    self.hass, self._write, due
                )

    @callback
    def _write(self, _now: datetime | None = None) -> None:
        """Let the entities show the latest telegram."""
        self._cancel_write = None
        self._written_at = dt_util.utcnow()
        self.async_update_listeners()

    # -- booking ----------------------------------------------------------------------

    def _book(self, readout: Readout) -> bool:
        """Book what can be trusted of a readout; return whether some of it waits.

        Raises:
            ReadoutFailed: it is not this meter's.

        """
        # A readout over a link always begins with the identification.
        assert readout.identification is not None  # noqa: S101
        meter = Meter.of(readout.identification, readout.data_sets)
        is_checked = readout.check is not Check.NONE
        was_found = bool(self.config_entry.data[CONF_MANUFACTURER])
        check_identity(
            self.hass,
            self.config_entry,
            meter,
            is_checked=is_checked,
            is_first=not self.store.book.booked,
        )
        now = dt_util.utcnow()
        readings = [with_unit(one, self._units) for one in interpret(readout)]
        doubts = self.store.book.enter(
            readings, checked=is_checked, at=now, limits=self._limits(readings)
        )
        self.store.meter = meter
        self._readout = readout
        self.record.last_readout = now
        self.record.refused_values += len(doubts.refused)
        self._learn_clock(readout)
        if not was_found:
            self._settle(readout)
        return bool(doubts.new or doubts.refused)

    def _settle(self, readout: Readout) -> None:
        """Read a meter that has answered at last in the way that suits it."""
        supply = supply_found(
            self.reader.settings, readout.identification, readout.data_sets
        )
        entry, entries = self.config_entry, self.hass.config_entries
        options = {**usual_options(supply), **entry.options}
        entries.async_update_entry(entry, options=options)
        entries.async_schedule_reload(entry.entry_id)

    def _limits(self, readings: Sequence[Reading]) -> Limits:
        options = self.config_entry.options
        return Limits(
            rated_power=rated_power(readings),
            ratio=Decimal(str(options.get(CONF_CURRENT_RATIO, 1)))
            * Decimal(str(options.get(CONF_VOLTAGE_RATIO, 1))),
        )

    def _learn_clock(self, readout: Readout) -> None:
        """Take down how far the meter's clock was off when its line arrived."""
        clock = meter_clock(readout.data_sets)
        if clock is None or clock.address not in self.reader.arrivals:
            return
        self.record.clock_deviation = deviation(
            clock.moment,
            self.reader.arrivals[clock.address],
            Habit(self.config_entry.options.get(CONF_CLOCK, Habit.AUTOMATIC)),
            dt_util.get_default_time_zone(),
        )

    def _booked(self) -> MeterData:
        """Return what is known now, after a readout that was booked."""
        assert self.store.meter is not None  # noqa: S101  # It has just been booked.
        assert self.record.last_readout is not None  # noqa: S101
        self._failures = 0
        if self.record.last_error is not None and self.last_update_success:
            # It was lost before a restart, or behind a link that is given up now.
            LOGGER.info("Fetching %s data recovered", self.name)
        self.record.last_error = None
        self.store.save()
        return self._data_of(self.store.meter, self.record.last_readout, self._readout)

    def _data_of(
        self, meter: Meter, taken_at: datetime, readout: Readout | None = None
    ) -> MeterData:
        book = self.store.book
        return MeterData(
            meter=meter,
            readings={key: one.reading for key, one in book.booked.items()},
            missing=book.missing,
            taken_at=taken_at,
            readout=readout,
        )

    @callback
    def forget(self, key: str) -> None:
        """Forget a register whose entity the user has deleted; it may come back."""
        self.store.book.forget(key)
        self.store.save()

    @override
    @callback
    def _async_refresh_finished(self) -> None:
        if self.last_update_success:
            self._expect_expiry()
        else:
            # Home Assistant tells only the first failure; the counters go on.
            self.async_update_listeners()
