"""Read one meter again and again; its port is shared with others.

Errors of the protocol package become Home Assistant's here, and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .const import (
    CONF_INTERVAL,
    CONF_MANUFACTURER,
    CONF_METER_ID,
    DEFAULT_INTERVAL,
    DOMAIN,
    LOGGER,
)
from .form import settings_from, with_settings
from .iec21.client import read_out
from .iec21.exceptions import (
    ChecksumError,
    EchoOnlyError,
    IecError,
    LinkError,
    MeterRefusedError,
    MeterTimeoutError,
)
from .iec21.reading import Reading, interpret
from .iec21.settings import Settings
from .iec21.telegram import Check, Readout
from .meter import Meter
from .ports import async_poll_turn, without_secrets
from .search import Search

type IecConfigEntry = ConfigEntry[EntryData]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryData:
    """What a loaded entry keeps."""

    coordinator: IecCoordinator


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterData:
    """One readout and what it says."""

    readout: Readout

    meter: Meter
    """Who sent it."""

    readings: Mapping[str, Reading]
    """Every reading, by `reading_id`, in the order sent."""

    @property
    def firmware(self) -> str | None:
        """Version of the meter's program; None if it does not say."""
        for reading in self.readings.values():
            if reading.key == "firmware_version" and reading.value is not None:
                return str(reading.value)
        return None


def reading_id(reading: Reading) -> str:
    """Return what tells a reading from all others of the same meter, for good.

    Meters print one code several times, with the channel as the only difference
    or with none at all, so this is the whole code as printed and its number.
    """
    if not reading.occurrence:
        return reading.address
    return f"{reading.address}#{reading.occurrence}"


class IecCoordinator(DataUpdateCoordinator[MeterData]):
    """Reads the meter of one config entry.

    There are no data, and no entities, before the first readout has come.
    """

    config_entry: IecConfigEntry

    def __init__(self, hass: HomeAssistant, entry: IecConfigEntry) -> None:
        """Prepare to read; nothing is opened yet.

        Raises:
            ValueError: the entry holds a setting that is outside its range.

        """
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            # Names end up in logs, so this is the title and not the meter number.
            name=entry.title,
            update_interval=timedelta(
                seconds=entry.options.get(
                    CONF_INTERVAL, DEFAULT_INTERVAL.total_seconds()
                )
            ),
        )
        self.port: Final[str] = entry.data[CONF_DEVICE]
        self.settings = settings_from(entry.data)
        self._search: Search | None = None

    @property
    def meter_id(self) -> str:
        """What begins the unique ids of everything that belongs to the meter."""
        meter_id: str = self.config_entry.data[CONF_METER_ID]
        return meter_id

    @callback
    def begin(self, search: Search | None) -> None:
        """Read for the first time, in the background.

        A whole readout takes minutes with some meters, and Home Assistant starts
        without it. `search` is what the config flow has begun to read.
        """
        self._search = search
        self.config_entry.async_create_background_task(
            self.hass, self.async_refresh(), f"{self.name} first readout"
        )

    @override
    async def _async_update_data(self) -> MeterData:
        # Whoever asked for this readout, it belongs to the entry: unloading the
        # entry cancels the task, and with it the port is closed.
        task = self.config_entry.async_create_background_task(
            self.hass, self._async_read_out(), f"{self.name} readout"
        )
        try:
            readout = await task
        except IecError as error:
            raise _update_failed(error, self.port) from error
        return self._interpret(readout)

    async def _async_read_out(self) -> Readout:
        """Read the meter, as soon as nobody else uses the port."""
        search, self._search = self._search, None
        if search is not None:
            await search.task
            if search.readout is not None:
                self._learn_settings(search.settings)
                if not self._is_old(search):
                    return search.readout
        async with async_poll_turn(self.hass, self.port):
            return await read_out(self.port, self.settings)

    def _is_old(self, search: Search) -> bool:
        """Whether the user has looked at the last form for longer than a poll."""
        assert self.update_interval is not None  # noqa: S101  # Set above.
        age = self.hass.loop.time() - search.ended_at
        return age > self.update_interval.total_seconds()

    def _learn_settings(self, settings: Settings) -> None:
        """Keep what the search has found out since the entry was created."""
        self.settings = settings
        self.hass.config_entries.async_update_entry(
            self.config_entry, data=with_settings(self.config_entry.data, settings)
        )

    def _learn_meter(self, meter: Meter, check: Check) -> None:
        """Take over who the meter is, as long as that can do no harm.

        The flow ends before the readout does. Its number came from data that
        nothing had checked, or had not come at all. As long as there are no
        entities nothing is booked, and whoever answers is the meter. Later on, an
        entry without a number gets the one of a readout that has been checked.
        """
        entry = self.config_entry
        entries = self.hass.config_entries
        unique_id = meter.unique_id
        data = dict(entry.data)
        if er.async_entries_for_config_entry(er.async_get(self.hass), entry.entry_id):
            if (
                entry.unique_id is not None
                or check is Check.NONE
                or meter.code != data[CONF_MANUFACTURER]
            ):
                return
        elif unique_id is not None:
            data |= {CONF_METER_ID: unique_id, CONF_MANUFACTURER: meter.code}
        elif entry.unique_id is None:
            data[CONF_MANUFACTURER] = meter.code
        owner = unique_id and entries.async_entry_for_domain_unique_id(
            DOMAIN, unique_id
        )
        if owner in (None, entry):
            entries.async_update_entry(
                entry, unique_id=unique_id or entry.unique_id, data=data
            )

    def _interpret(self, readout: Readout) -> MeterData:
        """Give a readout its meaning, if it is from the right meter."""
        # A readout over a link always begins with the identification.
        assert readout.identification is not None  # noqa: S101
        meter = Meter.of(readout.identification, readout.data_sets)
        # The head may hang on another meter now, or the address may have gone to
        # another one. Not one of its values may be booked as this meter's.
        self._learn_meter(meter, readout.check)
        entry = self.config_entry
        other_maker = meter.code != entry.data[CONF_MANUFACTURER]
        if other_maker or entry.unique_id not in (None, meter.unique_id):
            known = other_maker or meter.number
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="other_meter" if known else "number_missing",
            )
        readings = {reading_id(reading): reading for reading in interpret(readout)}
        return MeterData(readout=readout, meter=meter, readings=readings)


def _update_failed(error: IecError, port: str) -> UpdateFailed:
    """Say in Home Assistant's words why there is no readout."""
    placeholders: dict[str, str] = {}
    match error:
        case LinkError():
            key = "link_failed"
            placeholders = {"detail": without_secrets(str(error), port)}
        case EchoOnlyError():
            key = "echo_only"
        case MeterTimeoutError(waiting_for="identification", received=b""):
            key = "no_answer"
        case MeterTimeoutError():
            key = "answer_incomplete"
        case ChecksumError():
            key = "damaged"
        case MeterRefusedError():
            key = "refused"
            placeholders = {"detail": error.answer}
        case _:
            key = "not_understood"
            placeholders = {"detail": str(error)}
    return UpdateFailed(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )
