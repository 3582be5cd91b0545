"""Meters on a battery: each readout costs them a part of their life."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import CONF_SCHEDULE, CONF_SUPPLY, CONF_TIME
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from tests.integration.common import pass_time, set_up, state_of, unchecked_meter
from tests.integration.conftest import Ports

METER = "sensor.iskraemeco_mt174_0001"
ENERGY = f"{METER}_energy_import"
BUTTON = "button.iskraemeco_mt174_0001_read_now"

ONCE_A_DAY = {CONF_SUPPLY: "battery", CONF_SCHEDULE: "daily", CONF_TIME: "03:00:00"}


@pytest.fixture
async def battery(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> MockConfigEntry:
    """Return the entry of a battery meter, at noon, after its first readout."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-21 12:00:00+00:00")
    return await set_up(hass, ONCE_A_DAY)


async def test_restarts_and_reloads_wake_nobody_up(
    hass: HomeAssistant, ports: Ports, battery: MockConfigEntry
) -> None:
    """Twenty of them cost nothing, and all the readings are there at once."""
    assert ports.link.opened == 1
    for _ in range(20):
        assert await hass.config_entries.async_reload(battery.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert state_of(hass, ENERGY) == "8048.375"
    assert ports.link.opened == 1
    assert state_of(hass, f"{METER}_readouts") == "1"


async def test_other_options_wake_nobody_up(
    hass: HomeAssistant, ports: Ports, battery: MockConfigEntry
) -> None:
    """They count from the next readout on."""
    for minute in range(5):
        hass.config_entries.async_update_entry(
            battery, options={**ONCE_A_DAY, CONF_TIME: f"04:0{minute}:00"}
        )
        await hass.config_entries.async_reload(battery.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert ports.link.opened == 1


async def test_a_restart_in_the_middle_of_a_failure_wakes_nobody_up(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The attempt counts, not its success."""
    meter.fault = Fault.SILENT
    await pass_time(hass, freezer, hours=15, seconds=5)
    assert ports.link.opened == 2
    for _ in range(5):
        assert await hass.config_entries.async_reload(battery.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert ports.link.opened == 2


async def test_a_wake_up_is_one_attempt_and_is_not_repeated(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A knocked-off head costs one sign-on a day."""
    meter.fault = Fault.SILENT
    sent = len(ports.link.sent)
    for hours in range(1, 49):
        await pass_time(hass, freezer, hours=1, seconds=1)
        assert ports.link.opened == 1 + (hours >= 15) + (hours >= 39)
    assert len(ports.link.sent) == sent + 2
    assert state_of(hass, f"{METER}_readouts") == "3"
    assert state_of(hass, ENERGY) == "8048.375"
    # Three days without a readout are too many.
    await pass_time(hass, freezer, hours=25)
    assert state_of(hass, ENERGY) == "unavailable"


async def press(hass: HomeAssistant) -> None:
    """Ask for a readout now."""
    await hass.services.async_call(
        "button", "press", {"entity_id": BUTTON}, blocking=True
    )
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_day_has_two_extra_readouts(
    hass: HomeAssistant,
    ports: Ports,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Whoever asks for more is told why not, and may try again tomorrow."""
    for opened in (2, 3):
        await pass_time(hass, freezer, minutes=5)
        await press(hass)
        assert ports.link.opened == opened
    await pass_time(hass, freezer, minutes=5)
    with pytest.raises(HomeAssistantError) as raised:
        await press(hass)
    assert raised.value.translation_key == "battery_spared"
    # A restart gives none of them back.
    await hass.config_entries.async_reload(battery.entry_id)
    with pytest.raises(HomeAssistantError):
        await press(hass)
    assert ports.link.opened == 3

    await pass_time(hass, freezer, hours=13)
    assert ports.link.opened == 3
    await press(hass)
    assert ports.link.opened == 4


async def update(hass: HomeAssistant, *entity_ids: str) -> None:
    """Have entities updated, as automations do."""
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": entity_ids}, blocking=True
    )
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_an_action_for_many_sensors_is_one_readout(
    hass: HomeAssistant,
    ports: Ports,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """And there are no more of them than presses of the button."""
    await async_setup_component(hass, "homeassistant", {})
    entities = hass.states.async_entity_ids("sensor")
    for opened in (2, 3, 3):
        await pass_time(hass, freezer, minutes=5)
        await update(hass, *entities)
        # What came too fast is asked for again a little later.
        await pass_time(hass, freezer, seconds=15)
        assert ports.link.opened == opened
    assert state_of(hass, ENERGY) == "8048.375"


@pytest.mark.parametrize("supply", ["mains", "battery"])
async def test_only_a_meter_on_mains_is_asked_again_at_once(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
    supply: str,
) -> None:
    """A readout without check that leaps has to be confirmed; a battery can wait."""
    options: dict[str, Any] = {**ONCE_A_DAY, CONF_SUPPLY: supply}
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-21 12:00:00+00:00")
    meter = unchecked_meter(b"0008048.375")
    ports.link = SimulatedLink(meter)
    await set_up(hass, options)
    assert ports.link.opened == (2 if supply == "mains" else 1)
    await pass_time(hass, freezer, hours=15, seconds=1)
    assert ports.link.opened == (3 if supply == "mains" else 2)
    assert state_of(hass, ENERGY) == "8048.375"
