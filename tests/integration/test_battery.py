"""Meters on a battery: each readout costs them a part of their life."""

import asyncio
from copy import deepcopy
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.iec62056.const import (
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_TIME,
    DOMAIN,
)
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.settings import Settings
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.search import Search
from tests.integration.common import (
    PORT,
    HeldLink,
    bytes_until,
    entry_data,
    pass_time,
    set_up,
    settled,
    state_of,
    unchecked_meter,
)
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


async def restart(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Reload an entry, and wait for what that leads to."""
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settled(hass)


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


async def test_a_time_of_day_that_has_passed_waits_for_tomorrow(
    hass: HomeAssistant,
    ports: Ports,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It was not the time yet when it passed, and today's readout is done."""
    await pass_time(hass, freezer, hours=15, seconds=1)
    await pass_time(hass, freezer, hours=9)
    assert ports.link.opened == 2
    hass.config_entries.async_update_entry(
        battery, options={**ONCE_A_DAY, CONF_TIME: "06:00:00"}
    )
    await restart(hass, battery)
    await pass_time(hass, freezer, hours=17, minutes=59)
    assert ports.link.opened == 2
    await pass_time(hass, freezer, minutes=1)
    assert ports.link.opened == 3


async def test_a_readout_that_was_missed_is_made_up_for(
    hass: HomeAssistant,
    ports: Ports,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Home Assistant was not running for two days; once is enough."""
    assert await hass.config_entries.async_unload(battery.entry_id)
    freezer.tick(timedelta(days=2))
    assert await hass.config_entries.async_setup(battery.entry_id)
    await settled(hass)
    assert ports.link.opened == 2
    await restart(hass, battery)
    assert ports.link.opened == 2


async def test_another_time_zone_wakes_nobody_up(
    hass: HomeAssistant,
    ports: Ports,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The day begins earlier there, and its readout is still a day away."""
    await pass_time(hass, freezer, hours=15, seconds=1)
    assert ports.link.opened == 2
    await hass.config.async_set_time_zone("Pacific/Auckland")
    # 03:00 has passed there today, eleven hours ago.
    await restart(hass, battery)
    assert ports.link.opened == 2


async def test_without_polling_no_restart_wakes_a_battery_up(
    hass: HomeAssistant,
    ports: Ports,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The user decides on each of its readouts."""
    hass.config_entries.async_update_entry(battery, pref_disable_polling=True)
    for _ in range(3):
        await restart(hass, battery)
        await pass_time(hass, freezer, hours=25)
    assert ports.link.opened == 1
    await press(hass)
    assert ports.link.opened == 2


async def crash(
    hass: HomeAssistant, hass_storage: dict[str, Any], entry: MockConfigEntry
) -> None:
    """Set an entry up with what was on the disk when the power failed."""
    key = f"{DOMAIN}.{entry.entry_id}"
    on_disk = deepcopy(hass_storage.get(key))
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage.pop(key)
    if on_disk is not None:
        hass_storage[key] = on_disk
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)


async def test_a_crash_after_adding_wakes_nobody_up(
    hass: HomeAssistant, hass_storage: dict[str, Any], ports: Ports
) -> None:
    """What the flow has read is on the disk as soon as it is booked."""
    search = Search(hass, PORT, Settings())
    await asyncio.wait([search.task])
    search.hand_over(entry_data())
    entry = await set_up(hass, ONCE_A_DAY)
    await crash(hass, hass_storage, entry)
    assert ports.link.opened == 1
    assert state_of(hass, ENERGY) == "8048.375"
    assert state_of(hass, f"{METER}_readouts") == "1"


async def test_a_crash_during_a_readout_wakes_nobody_up(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    meter: SimulatedMeter,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Or a machine that the head's current brings down would empty the battery."""
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0"))
    freezer.tick(timedelta(hours=15, seconds=1))
    async_fire_time_changed(hass)
    await link.held.wait()
    ports.link = SimulatedLink(meter)
    for _ in range(3):
        await crash(hass, hass_storage, battery)
    assert ports.link.opened == 0
    assert state_of(hass, ENERGY) == "8048.375"


async def test_a_search_that_failed_for_a_battery_is_not_repeated_at_once(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It has cost the meter a wake-up already; one on mains is simply read."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-21 12:00:00+00:00")
    meter.fault = Fault.DAMAGED_CHECK
    search = Search(hass, PORT, Settings())
    await asyncio.wait([search.task])
    meter.fault = Fault.NONE
    opened = ports.link.opened
    search.hand_over(entry_data())
    await set_up(hass, ONCE_A_DAY)
    assert ports.link.opened == opened
    assert state_of(hass, f"{METER}_last_error") == "garbled"
    await pass_time(hass, freezer, hours=15, seconds=1)
    assert ports.link.opened == opened + 1
    assert state_of(hass, ENERGY) == "8048.375"


async def test_a_port_that_is_missing_costs_nothing_and_is_tried_again(
    hass: HomeAssistant,
    ports: Ports,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The gateway restarts at that very time: nobody was woken up."""
    await pass_time(hass, freezer, hours=15, seconds=1)
    ports.link.open_error = LinkError("the gateway restarts")
    await pass_time(hass, freezer, hours=24)
    tried = len(ports.opened)
    for minutes in (1, 5, 15):
        await pass_time(hass, freezer, minutes=minutes)
        tried += 1
        assert len(ports.opened) == tried
    assert state_of(hass, f"{METER}_readouts") == "2"
    ports.link.open_error = None
    # A restart does not take it for today's readout either.
    await restart(hass, battery)
    assert ports.link.opened == 3
    assert state_of(hass, f"{METER}_last_error") == "none"
    assert state_of(hass, f"{METER}_readouts") == "3"
    await pass_time(hass, freezer, hours=23)
    assert ports.link.opened == 3


async def test_a_press_without_port_takes_none_of_the_extra_readouts(
    hass: HomeAssistant,
    ports: Ports,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Only what reaches the meter is counted."""
    ports.link.open_error = LinkError("there is no such port")
    for _ in range(3):
        await pass_time(hass, freezer, minutes=2)
        with pytest.raises(HomeAssistantError) as raised:
            await press(hass)
        assert raised.value.translation_key == "link_failed"
    ports.link.open_error = None
    for opened in (2, 3):
        await pass_time(hass, freezer, minutes=2)
        await press(hass)
        assert ports.link.opened == opened
    await pass_time(hass, freezer, minutes=2)
    with pytest.raises(HomeAssistantError) as raised:
        await press(hass)
    assert raised.value.translation_key == "battery_spared"


async def test_a_press_during_a_slow_planned_readout_is_no_second_one(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nor one of the extra ones, nor is one that comes just after its end."""
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0"))
    freezer.tick(timedelta(hours=15, seconds=1))
    async_fire_time_changed(hass)
    await link.held.wait()
    freezer.tick(timedelta(seconds=120))
    pressed = hass.async_create_task(press(hass))
    await asyncio.sleep(0)
    freezer.tick(timedelta(seconds=198))
    link.let_go.set()
    await pressed
    await press(hass)
    assert len(ports.opened) == 2
    ports.link = SimulatedLink(meter)
    for opened in (1, 2):
        await pass_time(hass, freezer, minutes=5)
        await press(hass)
        assert ports.link.opened == opened


async def test_a_planned_readout_can_be_waited_for_when_no_extra_one_is_left(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """To join it costs nothing, so nothing is refused."""
    for hours in (13, 1):
        await pass_time(hass, freezer, hours=hours)
        await press(hass)
    assert ports.link.opened == 3
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0"))
    freezer.tick(timedelta(hours=1, seconds=1))
    async_fire_time_changed(hass)
    await link.held.wait()
    pressed = hass.async_create_task(press(hass))
    await asyncio.sleep(0)
    link.let_go.set()
    await pressed
    assert len(ports.opened) == 4


async def test_a_clock_that_was_ahead_does_not_silence_the_button(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> None:
    """A readout of a time that is still to come has not just been taken."""
    freezer.move_to("2030-11-21 12:00:00+00:00")
    entry = await set_up(hass, ONCE_A_DAY)
    assert await hass.config_entries.async_unload(entry.entry_id)
    freezer.move_to("2026-11-21 12:00:00+00:00")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    assert ports.link.opened == 1
    await press(hass)
    assert ports.link.opened == 2
