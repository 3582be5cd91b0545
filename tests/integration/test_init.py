"""An entry comes and goes: it never waits for a meter, and leaves nothing behind."""

import asyncio
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import DOMAIN
from custom_components.iec62056.iec21.simulator import SimulatedLink
from custom_components.iec62056.ports import async_bus
from tests.integration.common import (
    CONTENT,
    NUMBER,
    PORT,
    HeldLink,
    bytes_until,
    entry_data,
    make_meter,
)
from tests.integration.conftest import Ports

ENERGY = "sensor.iskraemeco_mt174_0001_energy_import"


async def test_setting_up_never_waits_for_the_meter(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """A readout at 300 Bd takes five minutes; Home Assistant starts without it."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    entry.add_to_hass(hass)
    async with asyncio.timeout(5):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert not link.closed
    assert hass.states.get(ENERGY) is None

    link.let_go.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (state := hass.states.get(ENERGY)) is not None
    assert state.state == "8048.375"
    assert link.closed


async def test_a_readout_at_300_baud_is_taken_whole(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """Five minutes on the clock of the line are as good as five seconds."""
    history = b"".join(
        b"1-0:1.8.%d*%02d(0007000.000*kWh)\r\n" % (tariff, period)
        for period in range(1, 16)
        for tariff in range(5)
    )
    ports.link = SimulatedLink(
        make_meter(CONTENT + 3 * history, identification=b"/ISK0MT174-0001")
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert ports.link.clock > 250
    assert (state := hass.states.get(ENERGY)) is not None
    assert state.state == "8048.375"


async def test_unloading_breaks_a_readout_off(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """The port is closed and free, and no task goes on."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await link.held.wait()
    assert (await async_bus(hass, PORT)).lock.locked()

    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert link.closed
    assert not (await async_bus(hass, PORT)).lock.locked()


async def test_unloading_breaks_a_readout_off_that_somebody_asked_for(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """An action waits for its readout, and does not hold up the unloading."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    coordinator = loaded.runtime_data.coordinator
    asked = hass.async_create_task(coordinator.async_refresh())
    await link.held.wait()

    assert await hass.config_entries.async_unload(loaded.entry_id)
    await asked
    assert link.closed


async def test_reloading_works(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """The same sensors come back under the same names."""
    before = set(hass.states.async_entity_ids("sensor"))
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert (state := hass.states.get(ENERGY)) is not None
    assert state.state == STATE_UNAVAILABLE

    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert set(hass.states.async_entity_ids("sensor")) == before
    assert (state := hass.states.get(ENERGY)) is not None
    assert state.state == "8048.375"


async def test_stopping_home_assistant_breaks_a_readout_off(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """Shutting down waits for no meter."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await link.held.wait()
    async with asyncio.timeout(1):
        await hass.async_stop(force=True)
    assert link.closed


async def test_meters_on_one_port_take_turns(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """The second readout begins when the first one has closed the port.

    The real port would refuse the second opening.
    """
    link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    other = MockConfigEntry(
        domain=DOMAIN, title="Other", data=entry_data(address="7", meter_id="01ABC")
    )
    ports.link = link
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await link.held.wait()
    other.add_to_hass(hass)
    await hass.config_entries.async_setup(other.entry_id)
    await hass.async_block_till_done()
    assert other.state is ConfigEntryState.LOADED
    assert ports.opened == [PORT]

    ports.link = SimulatedLink(
        make_meter(CONTENT.replace(NUMBER.encode(), b"0087654321"), address="7")
    )
    link.let_go.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert ports.opened == [PORT, PORT]
    assert other.runtime_data.coordinator.last_update_success


async def test_an_entry_that_cannot_be_unloaded_stays(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Home Assistant could not remove its entities, so it goes on being read."""
    with patch.object(
        hass.config_entries, "async_unload_platforms", return_value=False
    ):
        assert not await hass.config_entries.async_unload(loaded.entry_id)
    coordinator = loaded.runtime_data.coordinator
    assert coordinator.bus.durations
    await coordinator.async_shutdown()
