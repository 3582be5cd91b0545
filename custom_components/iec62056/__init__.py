"""Meters that speak IEC 62056-21, through whatever port reaches them."""

from homeassistant.const import CONF_DEVICE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .actions import async_setup_actions
from .const import DOMAIN
from .coordinator import EntryData, IecConfigEntry, IecCoordinator
from .entity import async_register_device
from .ports import async_bus
from .search import Search
from .store import MeterStore

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = [Platform.BUTTON, Platform.SENSOR]


async def async_setup(
    hass: HomeAssistant,
    config: ConfigType,  # noqa: ARG001  # Home Assistant passes it.
) -> bool:
    """Set up what is there once for all entries: the actions."""
    async_setup_actions(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: IecConfigEntry) -> bool:
    """Set up one meter with what is known of it, without waiting for it."""
    store = MeterStore(hass, entry.entry_id)
    await store.async_load()
    bus = await async_bus(hass, entry.data[CONF_DEVICE])
    coordinator = IecCoordinator(hass, entry, store, bus)
    entry.runtime_data = EntryData(coordinator=coordinator)
    entry.async_on_unload(async_register_device(hass, coordinator))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    coordinator.begin(Search.take_over(hass, entry.data))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: IecConfigEntry) -> bool:
    """Unload one meter; a readout that is going on is broken off."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await entry.runtime_data.coordinator.store.async_close()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: IecConfigEntry) -> None:
    """Forget a meter; its recorded history stays."""
    await MeterStore(hass, entry.entry_id).async_remove()
