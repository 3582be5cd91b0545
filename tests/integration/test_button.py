"""The button that has the meter read at once."""

from homeassistant.components.button.const import DOMAIN as BUTTON, SERVICE_PRESS
from homeassistant.const import ATTR_ENTITY_ID, STATE_UNKNOWN, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import DOMAIN
from custom_components.iec62056.iec21.simulator import Fault, SimulatedMeter
from tests.integration.common import CONTENT, UNIQUE_ID
from tests.integration.conftest import Ports

READ_NOW = "button.iskraemeco_mt174_0001_read_now"
ENERGY = "sensor.iskraemeco_mt174_0001_energy_import"


async def press(hass: HomeAssistant) -> None:
    """Press the button, and wait for what it does."""
    await hass.services.async_call(
        BUTTON, SERVICE_PRESS, {ATTR_ENTITY_ID: READ_NOW}, blocking=True
    )
    await hass.async_block_till_done()


async def test_pressing_it_reads_the_meter(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """The action is over when the new readings are there."""
    meter.content = CONTENT.replace(b"0008048.375", b"0008048.500")
    await press(hass)
    assert ports.link.opened == 2
    state = hass.states.get(ENERGY)
    assert state is not None
    assert state.state == "8048.500"


async def test_whoever_pressed_it_is_told_why_it_failed(
    hass: HomeAssistant, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """In words, and not only in the log."""
    meter.fault = Fault.SILENT
    with pytest.raises(HomeAssistantError) as caught:
        await press(hass)
    assert caught.value.translation_domain == DOMAIN
    assert caught.value.translation_key == "no_answer"


async def test_it_is_there_although_the_meter_never_answered(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """With the device of the sensors, so that it is found."""
    meter.fault = Fault.SILENT
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    state = hass.states.get(READ_NOW)
    assert state is not None
    assert state.state == STATE_UNKNOWN
    entity = entity_registry.async_get(READ_NOW)
    assert entity is not None
    assert entity.unique_id == f"{UNIQUE_ID}_read_now"
    assert entity.entity_category is EntityCategory.DIAGNOSTIC
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, UNIQUE_ID), entry.entry_id
    )
    assert device is not None
    assert entity.device_id == device.id
