"""Meters that speak IEC 62056-21, through whatever port reaches them."""

from homeassistant.const import CONF_DEVICE, Platform
from homeassistant.core import HomeAssistant

from .coordinator import EntryData, IecConfigEntry, IecCoordinator
from .entity import async_register_device
from .ports import async_bus
from .search import Search
from .store import MeterStore

PLATFORMS = [Platform.BUTTON, Platform.SENSOR]


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
        coordinator = entry.runtime_data.coordinator
        coordinator.bus.durations.pop(entry.entry_id, None)
        await coordinator.store.async_save()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: IecConfigEntry) -> None:
    """Forget a meter; its recorded history stays."""
    await MeterStore(hass, entry.entry_id).async_remove()
