"""Book the readouts of one entry: whose they are, and what of them can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .book import Limits
from .clock import Habit, deviation
from .const import CONF_CLOCK, CONF_MANUFACTURER
from .form import usual_options
from .identity import Identity
from .iec21.clock import meter_clock
from .iec21.nameplate import rated_power
from .iec21.reading import Reading, interpret
from .iec21.settings import Settings
from .iec21.telegram import Check, Readout
from .looks import Adjustments, with_unit
from .meter import Meter, supply_found
from .store import MeterStore


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


class Booking:
    """Keeps the book of one entry."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry[Any], store: MeterStore
    ) -> None:
        """Go on where the store ends."""
        self._hass = hass
        self._entry = entry
        self._store: Final = store
        self._identity = Identity(hass, entry)
        adjustments = Adjustments.from_options(entry.options)
        self._units = adjustments.units
        self._ratio = adjustments.current_ratio * adjustments.voltage_ratio
        self._habit = Habit(entry.options.get(CONF_CLOCK, Habit.AUTOMATIC))
        self._readout: Readout | None = None
        self.is_sure = True
        """Whether the latest readout is known to be of this meter."""

    def enter(
        self,
        readout: Readout,
        settings: Settings,
        *,
        at: datetime,
        arrivals: Mapping[str, datetime],
    ) -> bool:
        """Book what can be trusted of a readout; return whether some of it waits.

        It was taken with `settings` and had arrived `at` a time in UTC, its single
        addresses at those of `arrivals`.

        Raises:
            ReadoutFailed: it is not this meter's.

        """
        # A readout over a link always begins with the identification.
        assert readout.identification is not None  # noqa: S101
        store = self._store
        meter = Meter.of(readout.identification, readout.data_sets)
        is_checked = readout.check is not Check.NONE
        was_found = bool(self._entry.data[CONF_MANUFACTURER])
        self.is_sure = self._identity.check(meter, is_checked=is_checked)
        if not self.is_sure and not store.book.is_empty:
            return True
        readings = [with_unit(one, self._units) for one in interpret(readout)]
        doubts = store.book.enter(
            readings, checked=is_checked, at=at, limits=self._limits(readings)
        )
        self._readout = readout
        store.meter = meter
        store.record.last_readout = at
        store.record.refused_values += len(doubts.refused)
        self._learn_clock(readout, arrivals)
        if not was_found and self.is_sure:
            self._settle(readout, settings)
        return bool(doubts.new or doubts.refused)

    def data(self) -> MeterData | None:
        """Return what is known; None before the first readout."""
        store = self._store
        if store.meter is None or store.record.last_readout is None:
            return None
        return MeterData(
            meter=store.meter,
            readings={key: one.reading for key, one in store.book.booked.items()},
            missing=store.book.missing,
            taken_at=store.record.last_readout,
            readout=self._readout,
        )

    def _limits(self, readings: Sequence[Reading]) -> Limits:
        return Limits(rated_power=rated_power(readings), ratio=self._ratio)

    def _learn_clock(self, readout: Readout, arrivals: Mapping[str, datetime]) -> None:
        """Take down how far the meter's clock was off when its line arrived."""
        clock = meter_clock(readout.data_sets)
        if clock is None or clock.address not in arrivals:
            return
        self._store.record.clock_deviation = deviation(
            clock.moment,
            arrivals[clock.address],
            self._habit,
            dt_util.get_default_time_zone(),
        )

    def _settle(self, readout: Readout, settings: Settings) -> None:
        """Read a meter that has answered at last in the way that suits it."""
        supply = supply_found(settings, readout.identification, readout.data_sets)
        options = {**usual_options(supply), **self._entry.options}
        entries = self._hass.config_entries
        entries.async_update_entry(self._entry, options=options)
        entries.async_schedule_reload(self._entry.entry_id)
