"""Read one meter again and again, or listen to it.

The timer is our own. A meter is read at a time of day or at a minute of the hour as
well, and sooner than that after a failure.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
import math
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later, async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .booking import Booking, MeterData
from .const import CONF_METER_ID, CONF_THROTTLE, DEFAULT_THROTTLE, DOMAIN, LOGGER
from .failures import Failure, ReadoutFailed, readout_failed
from .iec21.exceptions import ChecksumError, IecError, LinkError
from .iec21.nameplate import Supply
from .iec21.telegram import Readout
from .ports import Bus
from .reader import Reader
from .search import Search
from .store import MeterStore, Record
from .timetable import Timetable

type IecConfigEntry = ConfigEntry[EntryData]

LISTEN_AGAIN_AFTER: Final = timedelta(minutes=1)
"""How soon a meter that sends by itself is listened to again, once it was lost."""

SILENT_AFTER: Final = timedelta(minutes=1)
"""How long no telegram may come that can be booked; meters send every few seconds."""

JUST_READ: Final = 60.0
"""Seconds for which a battery meter's readout answers other requests as well.

One action asks for every entity of a meter, one after the other.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryData:
    """What a loaded entry keeps."""

    coordinator: IecCoordinator


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
        self._timers: dict[Callable[[datetime], None], CALLBACK_TYPE] = {}
        self.store: Final = store
        self.bus: Final = bus
        self.reader: Final = Reader(hass, entry, bus, store.record)
        self._booking = Booking(hass, entry, store)
        self._timetable = Timetable(entry, store.record, bus)
        self._search: Search | None = None
        self._refresh: asyncio.Task[None] | None = None
        self._is_due = False
        # On the clock of the event loop: the other one may be put back.
        self._read_at = -math.inf
        self._written_at = -math.inf
        if store.record.duration is not None:
            bus.durations[entry.entry_id] = store.record.duration
        if (data := self._booking.data()) is not None:
            self.data = data
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
    def supply(self) -> Supply:
        """What a readout costs."""
        return self._timetable.supply

    @property
    def is_current(self) -> bool:
        """Whether the readings are not too old to be shown."""
        # There are none before the first readout.
        data: MeterData | None = self.data
        if data is None:
            return False
        grace = self._timetable.grace(pushes=self.reader.pushes)
        if grace is None:
            return self.last_update_success
        return dt_util.utcnow() < data.taken_at + grace

    @callback
    def forget(self, key: str) -> None:
        """Forget a register whose entity the user has deleted; it may come back."""
        self.store.book.forget(key)
        self.store.save()

    # -- timers -----------------------------------------------------------------------

    @override
    async def async_shutdown(self) -> None:
        """Plan nothing any more; Home Assistant calls this when it unloads."""
        await super().async_shutdown()
        for cancel in self._timers.values():
            cancel()
        self.bus.durations.pop(self.config_entry.entry_id, None)

    async def _on_stop(self, _event: Event) -> None:
        await self.async_shutdown()

    @callback
    def _set_timer(
        self, action: Callable[[datetime], None], due: datetime | None
    ) -> None:
        """Do something at a time, and not at the one that was set before.

        None: not at all. Once the entry is unloaded nothing is begun any more.
        """
        if cancel := self._timers.pop(action, None):
            cancel()
        if due is not None and not self._is_over:
            self._timers[action] = async_track_point_in_utc_time(self.hass, action, due)

    @property
    def _is_over(self) -> bool:
        return self._shutdown_requested or self.hass.is_stopping

    @callback
    def _expect_expiry(self) -> None:
        """Let the entities know when the readings become too old."""
        grace = self._timetable.grace(pushes=self.reader.pushes)
        expiry = None if grace is None else self.data.taken_at + grace
        self._set_timer(self._on_expiry, expiry)

    @callback
    def _on_expiry(self, _now: datetime) -> None:
        self.async_update_listeners()

    @callback
    def begin(self, search: Search | None) -> None:
        """Read for the first time in this run, in the background.

        A whole readout takes minutes with some meters, and Home Assistant starts
        without it. `search` is what the config flow has begun to read.
        """
        self.config_entry.async_on_unload(
            # Entries are not unloaded when Home Assistant stops.
            self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self._on_stop)
        )
        self._search = search
        due = self._timetable.first()
        now = dt_util.utcnow()
        if search is not None or self.reader.pushes or (due and due <= now):
            self._go(now)
        else:
            self._set_timer(self._go, due)

    @callback
    def _go(self, _now: datetime) -> None:
        """Read or listen, unless that goes on already."""
        if self._is_over or self._refresh is not None:
            return
        if self.reader.pushes and self._search is None:
            self._start(self._async_listen(), "listening")
        else:
            self._is_due = True
            self._start(self.async_refresh(), "planned readout")

    def _start[T](self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        # Whoever asked for it, it belongs to the entry: unloading the entry cancels
        # it, and with it the port is closed.
        return self.config_entry.async_create_background_task(
            self.hass, work, f"{self.name} {name}"
        )

    # -- reading ----------------------------------------------------------------------

    @override
    async def async_refresh(self) -> None:
        """Read the meter, or wait for the readout that goes on already.

        Whoever cannot wait any longer does not break it off.
        """
        if self._refresh is None:
            self._refresh = self._start(super().async_refresh(), "readout")
            self._refresh.add_done_callback(self._end_refresh)
        await asyncio.wait([self._refresh])

    @override
    async def async_request_refresh(self) -> None:
        """Read the meter for an entity; one readout serves all that ask meanwhile."""
        await self.async_refresh()

    @callback
    def _end_refresh(self, _task: asyncio.Task[None]) -> None:
        self._refresh = None

    async def async_read_now(self) -> None:
        """Read the meter now because somebody wants to know.

        Raises:
            HomeAssistantError: it failed, or the battery is to be spared.

        """
        budget, today = self.store.budget, dt_util.now().date()
        if (
            self._timetable.on_battery
            and self._refresh is None
            and not self._has_just_been_read
            and not budget.may_wake(today)
        ):
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="battery_spared"
            )
        await self.async_refresh()
        if self._is_over or not self.last_update_success:
            if isinstance(self.last_exception, HomeAssistantError):
                raise self.last_exception
            # It was broken off, or there is a bug, which is in the log.
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="readout_broken_off"
            )

    @property
    def _has_just_been_read(self) -> bool:
        return self.hass.loop.time() - self._read_at < JUST_READ

    @override
    async def _async_update_data(self) -> MeterData:
        is_due, self._is_due = self._is_due, False
        # There is none before the first readout.
        data: MeterData | None = self.data
        if self.reader.pushes and self._search is None:
            # There is nothing to ask for: every telegram is taken anyway.
            return self._as_before(data)
        is_extra = self._timetable.on_battery and not is_due and data is not None
        if is_extra:
            budget, today = self.store.budget, dt_util.now().date()
            if self._has_just_been_read or not budget.may_wake(today):
                return self._as_before(data)
            budget.take(today)
        try:
            return await self._async_poll()
        except IecError as error:
            if isinstance(error, LinkError) and not self.reader.has_sent and is_extra:
                self.store.budget.give_back()
            if isinstance(error, ChecksumError):
                self.record.check_errors += 1
            failed = readout_failed(error, self.reader.port)
            self._fail(failed)
            raise failed from error
        except ReadoutFailed as failed:
            self._fail(failed)
            raise
        finally:
            self._read_at = self.hass.loop.time()
            if self.reader.pushes:
                self._set_timer(self._go, dt_util.utcnow())
            else:
                self._set_timer(self._go, self._timetable.next())

    def _as_before(self, data: MeterData | None) -> MeterData:
        """Answer a request that asks nobody: nothing has changed, failures included.

        Raises:
            UpdateFailed: there was a failure the last time, or nothing at all so far.

        """
        if not self.last_update_success and isinstance(
            self.last_exception, UpdateFailed
        ):
            raise self.last_exception
        if data is None:
            raise ReadoutFailed(Failure.NO_ANSWER, "no_answer")
        return data

    @callback
    def _fail(self, failed: ReadoutFailed) -> None:
        self._timetable.failures += 1
        self._timetable.has_woken = self.reader.has_sent
        self.record.last_error = failed.failure
        self.store.save()

    async def _async_poll(self) -> MeterData:
        """Read the meter, and once more where a value is in doubt."""
        search, self._search = self._search, None
        before, self.record.last_attempt = self.record.last_attempt, dt_util.utcnow()
        await self._async_save_on_battery()
        if search is not None:
            readout = await self.reader.async_take_over(search)
            age = self.hass.loop.time() - search.ended_at
            # The user may have looked at the last form for longer than a poll.
            if readout is not None and age <= self._timetable.period.total_seconds():
                return await self._async_book(readout, timedelta(seconds=age))
            if self._timetable.on_battery and isinstance(search.error, IecError):
                raise search.error
        try:
            return await self._async_book(await self._async_read_out())
        except LinkError:
            if not self.reader.has_sent:
                self.record.last_attempt = before
            raise

    async def _async_save_on_battery(self) -> None:
        """Make sure that not even a crash makes us wake the meter up again."""
        if self._timetable.on_battery:
            await self.store.async_save()

    async def _async_read_out(self) -> Readout:
        return await self.reader.async_read_out(self._timetable.supply)

    async def _async_book(
        self, readout: Readout, age: timedelta = timedelta()
    ) -> MeterData:
        """Book a readout, and at once further ones where that helps."""
        is_in_doubt = self._enter(readout, age)
        # A second readout tells what to believe, or who the meter is; then there is
        # none yet that the values of the meter could agree with.
        further = 0 if self._timetable.on_battery or self.reader.pushes else 2
        while is_in_doubt and further:
            further -= 1
            try:
                is_in_doubt = self._enter(await self._async_read_out())
            except (IecError, ReadoutFailed) as error:
                # The first one is as good as before; what was in doubt waits.
                LOGGER.debug("%s: no further readout: %s", self.name, error)
                break
            if self._booking.is_sure:
                break
        data = self._succeed()
        await self._async_save_on_battery()
        return data

    def _enter(self, readout: Readout, age: timedelta = timedelta()) -> bool:
        """Book a readout; return whether some of it waits for the next one."""
        return self._booking.enter(
            readout,
            self.reader.settings,
            at=dt_util.utcnow() - age,
            arrivals=self.reader.arrivals,
        )

    def _succeed(self) -> MeterData:
        """Return what is known after a readout that was booked."""
        self._timetable.failures = 0
        if self.record.last_error is not None and self.last_update_success:
            # It was lost before a restart, or behind a link that is given up now.
            LOGGER.info("Fetching %s data recovered", self.name)
        self.record.last_error = None
        self.store.save()
        data = self._booking.data()
        assert data is not None  # noqa: S101  # A readout has just been booked.
        return data

    @override
    @callback
    def _async_refresh_finished(self) -> None:
        if self.last_update_success:
            self._expect_expiry()
        else:
            # Home Assistant tells only the first failure; the counters go on.
            self.async_update_listeners()

    # -- listening --------------------------------------------------------------------

    async def _async_listen(self) -> None:
        """Take every telegram that the meter sends by itself."""
        self.record.last_attempt = dt_util.utcnow()
        self._expect_telegram()
        try:
            async with aclosing(self.reader.async_listen()) as readouts:
                async for readout in readouts:
                    self._take_telegram(readout)
        except IecError as error:
            self._lose(readout_failed(error, self.reader.port))
        except Exception:  # noqa: BLE001  # A bug, treated as Home Assistant does in polls.
            LOGGER.exception("Unexpected error listening to %s", self.name)
            self._lose(ReadoutFailed(Failure.GARBLED, "readout_broken_off"))
        finally:
            self._set_timer(self._on_silence, None)
            self._set_timer(self._go, dt_util.utcnow() + LISTEN_AGAIN_AFTER)

    @callback
    def _take_telegram(self, readout: Readout) -> None:
        try:
            self._enter(readout)
        except ReadoutFailed as failed:
            self._lose(failed)
            return
        self._expect_telegram()
        self.data = self._succeed()
        if not self.last_update_success:
            LOGGER.info("Fetching %s data recovered", self.name)
            self.last_update_success = True
        self._expect_expiry()
        throttle = self.config_entry.options.get(CONF_THROTTLE, DEFAULT_THROTTLE)
        wait = self._written_at + throttle - self.hass.loop.time()
        if wait <= 0:
            self._write(self.data.taken_at)
        elif self._write not in self._timers:
            self._timers[self._write] = async_call_later(self.hass, wait, self._write)

    @callback
    def _write(self, _now: datetime) -> None:
        """Let the entities show the latest telegram."""
        self._set_timer(self._write, None)
        self._written_at = self.hass.loop.time()
        self.async_update_listeners()

    @callback
    def _expect_telegram(self) -> None:
        self._set_timer(self._on_silence, dt_util.utcnow() + SILENT_AFTER)

    @callback
    def _on_silence(self, _now: datetime) -> None:
        """Notice that what comes is damaged all the time."""
        self._lose(ReadoutFailed(Failure.GARBLED, "damaged"))
        self._expect_telegram()

    @callback
    def _lose(self, failed: ReadoutFailed) -> None:
        """Take down that there is no telegram that could be booked; say it once."""
        self._fail(failed)
        self.async_set_update_error(failed)
        # Home Assistant tells only the first failure; the counters go on.
        self.async_update_listeners()
