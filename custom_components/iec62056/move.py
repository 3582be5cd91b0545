"""An entry that is going to read its meter elsewhere: another link or address."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant, callback

from .const import CONF_ADDRESS, CONF_MANUFACTURER, CONF_SUPPLY, CONF_UNCONFIRMED
from .form import (
    CONF_ADVANCED,
    as_answers,
    unseen_settings,
    usual_options,
    with_settings,
)
from .iec21.nameplate import Supply
from .iec21.settings import Settings
from .meter import Meter, is_nameless
from .search import Search


class Move:
    """One entry, with its port on loan while its meter is looked for."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Leave everything as it is for now."""
        self.entry: Final = entry
        self._hass = hass
        self._is_released = False

    @property
    def answers(self) -> dict[str, Any]:
        """How the entry reads its meter at present, as a user would type it."""
        return {
            CONF_DEVICE: self.entry.data[CONF_DEVICE],
            CONF_ADDRESS: self.entry.data[CONF_ADDRESS],
            CONF_ADVANCED: as_answers(self.entry.data),
        }

    @property
    def costs_battery(self) -> bool:
        """Whether a search would wake up a meter that is better left asleep."""
        return bool(self.entry.options.get(CONF_SUPPLY) == Supply.BATTERY)

    def kept_settings(self, port: str) -> dict[str, Any]:
        """Return what is known of the meter, and asked for in no form."""
        settings = unseen_settings(self.entry.data)
        if port != self.entry.data[CONF_DEVICE]:
            # This is how the adapter wants it, and it may be another adapter.
            settings.pop("software_parity", None)
        return settings

    async def async_release_port(self) -> None:
        """Let the entry leave its port to a search."""
        if not self._is_released and self.entry.state.recoverable:
            self._is_released = True
            await self._hass.config_entries.async_unload(self.entry.entry_id)

    @callback
    def give_port_back(self) -> None:
        """Set the entry up again, if it had to leave its port."""
        entries = self._hass.config_entries
        if self._is_released and entries.async_get_entry(self.entry.entry_id):
            entries.async_schedule_reload(self.entry.entry_id)
        self._is_released = False

    async def async_finish(
        self, search: Search, meter: Meter, unique_id: str | None
    ) -> None:
        """Let the entry read where its meter was found, and go on with the readout."""
        entry = self.entry
        options = dict(entry.options)
        if not entry.data[CONF_MANUFACTURER]:
            options = {**usual_options(search.supply), **options}
        more: dict[str, Any] = {CONF_MANUFACTURER: meter.code}
        if meter.number and unique_id != entry.unique_id:
            more[CONF_UNCONFIRMED] = True
        data = self.data(search.port, search.learned, more)
        self._hass.config_entries.async_update_entry(
            entry,
            # A number stays until the one of this readout has come, and is compared.
            unique_id=unique_id if meter.number else self._without_number(unique_id),
            data=data,
            options=options,
        )
        self._is_released = False
        # Set up here and not later on, so that the readout which goes on is found.
        search.hand_over(data)
        await self._hass.config_entries.async_reload(entry.entry_id)

    def _without_number(self, found: str | None) -> str | None:
        """Return the unique id of the entry after a move, if no number has come."""
        return found if is_nameless(self.entry.unique_id) else self.entry.unique_id

    def unseen_unique_id(self, address: str) -> str | None:
        """Return the unique id after a move that no meter has confirmed."""
        moved = address != self.entry.data[CONF_ADDRESS]
        return self._without_number(None) if moved else self.entry.unique_id

    def data(
        self, port: str, settings: Settings, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the data of the entry behind another link."""
        data = {**self.entry.data, CONF_DEVICE: port, CONF_ADDRESS: settings.address}
        return with_settings({**data, **more}, settings)
