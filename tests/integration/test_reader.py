"""Speaking with a meter: what is learned from one session to the next."""

import asyncio

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import CONF_MANUFACTURER, DOMAIN
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.settings import Settings
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.search import Search
from tests.integration.common import (
    ACCEPTED,
    NAME,
    NUMBER,
    PORT,
    UNIQUE_ID,
    HeldLink,
    bytes_until,
    entry_data,
    find,
    make_meter,
    open_form,
    pass_time,
    set_up,
    settled,
    state_of,
)
from tests.integration.conftest import Ports

METER = "sensor.iskraemeco_mt174_0001"
ENERGY = f"{METER}_energy_import"

AT_9600 = b"\x06050\r\n"
AT_300 = b"\x06000\r\n"
SIGN_OFF = b"\x01B0\x03q"


def asked_for(link: SimulatedLink) -> list[bytes]:
    """Return the speeds that were acknowledged, in order."""
    return [sent for sent in link.sent if sent.startswith(b"\x06")]


# -- speed ------------------------------------------------------------------------


async def test_a_speed_that_was_stepped_down_is_kept_for_a_day(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A dirty head garbles what is fast; it gets cleaned one day."""
    meter.fault = Fault.WRONG_SPEED
    await set_up(hass)
    # Two failures at its speed, and then the first one.
    assert asked_for(ports.link) == [AT_9600, AT_9600, AT_300]
    assert state_of(hass, ENERGY) == "8048.375"

    ports.link.log.clear()
    await pass_time(hass, freezer, hours=1)
    assert asked_for(ports.link) == [AT_300]

    meter.fault = Fault.NONE
    ports.link.log.clear()
    await pass_time(hass, freezer, hours=23)
    assert asked_for(ports.link) == [AT_9600]
    ports.link.log.clear()
    await pass_time(hass, freezer, hours=1)
    assert asked_for(ports.link) == [AT_9600]


async def test_a_speed_that_was_stepped_down_survives_a_restart(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Two failed attempts each time would make every start slow."""
    meter.fault = Fault.WRONG_SPEED
    entry = await set_up(hass)
    ports.link.log.clear()
    freezer.tick(3600)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert asked_for(ports.link) == [AT_300]
    assert "max_baud_rate" not in entry.data


# -- a session that was cut off ---------------------------------------------------


async def test_a_meter_that_we_have_left_is_signed_off_when_it_is_silent(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The adapter was pulled out in the middle, and the meter waits for the rest."""
    ports.link = SimulatedLink(meter, lose_after=100)
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, f"{METER}_last_error") == "port_missing"

    left = make_meter(fault=Fault.LEFT_OPEN)
    ports.link = SimulatedLink(left)
    await pass_time(hass, freezer, seconds=62)
    assert SIGN_OFF in ports.link.sent
    assert state_of(hass, f"{METER}_last_error") == "none"


async def test_a_readout_that_was_broken_off_is_signed_off_as_well(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Somebody asked for it and could not wait."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    coordinator = loaded.runtime_data.coordinator
    asked = hass.async_create_task(
        coordinator.reader.async_read_out(coordinator.supply)
    )
    await link.held.wait()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)

    ports.link = SimulatedLink(make_meter(fault=Fault.LEFT_OPEN))
    await coordinator.async_read_now()
    assert SIGN_OFF in ports.link.sent


async def test_a_silent_meter_is_not_signed_off_without_a_reason(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It might be in the middle of a session with somebody else."""
    for fault in (Fault.DAMAGED_CHECK, Fault.SILENT):
        meter.fault = fault
        await pass_time(hass, freezer, seconds=62)
    assert not any(b"B0" in sent for sent in ports.link.sent)


# -- a meter that was never found -------------------------------------------------


async def test_a_meter_that_was_never_found_is_searched_until_it_answers(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> None:
    """Its head comes next week; what is found out then is kept."""
    ports.link.open_error = LinkError("there is no such port")
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        data={**entry_data(meter_id="01ABC"), CONF_MANUFACTURER: ""},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, f"{METER}_last_error") == "port_missing"

    # It sleeps, and it wants to be asked in another way.
    ports.link = SimulatedLink(make_meter(fault=Fault.PARITY_WANTED), can_switch=False)
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.375"
    assert entry.unique_id == UNIQUE_ID
    assert entry.data[CONF_MANUFACTURER] == "ISK"
    assert entry.data["software_parity"] is True
    assert entry.data["meter_id"] == "01ABC"
    assert entry.options == {"supply": "mains", "schedule": "automatic"}

    ports.link.log.clear()
    await pass_time(hass, freezer, seconds=62)
    assert len(ports.link.sent) == 2


async def test_a_battery_meter_that_was_never_found_is_read_once_a_day(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> None:
    """As if it had been there when it was added; the user's own choices stay."""
    ports.link = SimulatedLink(make_meter(fault=Fault.WAKE_UP_WANTED))
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        data={**entry_data(meter_id="01ABC"), CONF_MANUFACTURER: ""},
        options={"time": "05:00:00"},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, ENERGY) == "8048.375"
    assert entry.options == {
        "supply": "battery",
        "schedule": "daily",
        "time": "05:00:00",
    }
    opened = ports.link.opened
    await pass_time(hass, freezer, minutes=10)
    assert ports.link.opened == opened


async def test_the_number_of_a_meter_is_in_no_name_of_a_task(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Names of tasks end up in the log when something hangs."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    entry = MockConfigEntry(
        domain=DOMAIN, title=NAME, unique_id=UNIQUE_ID, data=entry_data()
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await link.held.wait()
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert any(NAME in name for name in names)
    assert not any(NUMBER.lstrip("0") in name for name in names)
    await hass.config_entries.async_unload(entry.entry_id)


# -- what the flow has begun ------------------------------------------------------


async def test_the_readout_of_the_flow_counts(
    hass: HomeAssistant, ports: Ports
) -> None:
    """It has cost the meter as much as any other."""
    found = await find(hass, await open_form(hass))
    created = await hass.config_entries.flow.async_configure(found["flow_id"], ACCEPTED)
    await settled(hass)
    assert ports.link.opened == 1
    coordinator = created["result"].runtime_data.coordinator
    assert coordinator.record.readouts == 1
    assert coordinator.record.duration is not None
    await coordinator.async_refresh()
    assert ports.link.opened == coordinator.record.readouts == 2


async def test_a_readout_from_the_flow_ends_with_its_entry(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Whoever removes a meter at once has the port back at once."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    search = Search(hass, PORT, Settings())
    await link.held.wait()
    entry = MockConfigEntry(
        domain=DOMAIN, title=NAME, unique_id=UNIQUE_ID, data=entry_data()
    )
    search.hand_over(entry.data)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.config_entries.async_remove(entry.entry_id)
    await settled(hass)
    assert search.task.cancelled()
    assert link.closed
