"""Meters that speak IEC 62056-21, through whatever port reaches them."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant

from .coordinator import EntryData, IecConfigEntry, IecCoordinator
from .search import Search

PLATFORMS = [Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: IecConfigEntry) -> bool:
    """Set up one meter, without waiting for it."""
    coordinator = IecCoordinator(hass, entry)
    entry.runtime_data = EntryData(coordinator=coordinator)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    coordinator.begin(Search.take_over(hass, entry.data))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: IecConfigEntry) -> bool:
    """Unload one meter; a readout that is going on is broken off."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
