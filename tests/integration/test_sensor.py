"""Readings as sensors."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from syrupy.assertion import SnapshotAssertion

from custom_components.iec62056.const import (
    CONF_BILLING_PERIODS,
    CONF_CURRENT_RATIO,
    CONF_INTERVAL,
    CONF_MANUFACTURER,
    CONF_UNITS,
    CONF_VOLTAGE_RATIO,
    DOMAIN,
)
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.sensor import ATTR_FULL_TEXT, ATTR_OBIS_CODE
from tests.integration.common import (
    CONTENT,
    NAME,
    NUMBER,
    UNIQUE_ID,
    entry_data,
    make_meter,
)
from tests.integration.conftest import Ports

PREFIX = "sensor.iskraemeco_mt174_0001_"
ENERGY = f"{PREFIX}energy_import"


@pytest.fixture
def all_enabled() -> Iterator[None]:
    """Enable every sensor, whatever its default."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default", new=True
    ):
        yield


def state_of(hass: HomeAssistant, entity_id: str) -> State:
    """Return a state that has to be there."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state


def registers(
    entity_registry: er.EntityRegistry, entry: MockConfigEntry
) -> list[er.RegistryEntry]:
    """Return the sensors of the registers of a meter; all their codes have a point."""
    return [
        entity
        for entity in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
        if "." in entity.unique_id
    ]


def numbers(entity_registry: er.EntityRegistry, entry: MockConfigEntry) -> set[str]:
    """Return what tells the registers of a meter apart."""
    return {
        entity.unique_id.removeprefix(f"{UNIQUE_ID}_")
        for entity in registers(entity_registry, entry)
    }


async def set_up(hass: HomeAssistant, options: dict[str, Any]) -> MockConfigEntry:
    """Set up an entry of the meter with options, and its first readout."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        unique_id=UNIQUE_ID,
        data=entry_data(),
        options={CONF_INTERVAL: 60} | options,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return entry


async def read(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Read the meter once more."""
    await entry.runtime_data.coordinator.async_refresh()
    await hass.async_block_till_done()


async def reload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Reload an entry, which waits for its next readout then."""
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_every_sensor_of_a_meter(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
    all_enabled: None,
    loaded: MockConfigEntry,
) -> None:
    """Everything that Home Assistant knows about the made-up meter."""
    for entity in registers(entity_registry, loaded):
        assert entity == snapshot(name=f"{entity.entity_id}-entry")
        state = hass.states.get(entity.entity_id)
        assert state == snapshot(name=f"{entity.entity_id}-state")


async def test_the_device(
    device_registry: dr.DeviceRegistry,
    snapshot: SnapshotAssertion,
    loaded: MockConfigEntry,
) -> None:
    """The meter as it describes itself."""
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, UNIQUE_ID), loaded.entry_id
    )
    assert device == snapshot


async def test_what_is_enabled_by_default(
    entity_registry: er.EntityRegistry, loaded: MockConfigEntry
) -> None:
    """What most people want to see, and nothing else."""
    enabled = {
        entity.entity_id.removeprefix(PREFIX)
        for entity in registers(entity_registry, loaded)
        if entity.disabled_by is None
    }
    assert enabled == {
        "energy_import",
        "energy_import_1_2_1_8_0_255",
        "energy_import_tariff_1",
        "energy_import_tariff_2",
        "energy_export",
        "energy_net",
        "power_import",
        "power_export",
        "maximum_demand_import",
        "voltage_l1",
        "current_l1",
        "frequency",
        "error_status",
    }


async def test_what_names_the_meter_is_no_sensor(
    hass: HomeAssistant, all_enabled: None, loaded: MockConfigEntry
) -> None:
    """Nor is a billing period that is over."""
    for state in hass.states.async_all("sensor"):
        assert NUMBER not in state.state
        assert state.state not in ("7000.000", "6000.000")


async def test_sensors_are_known_by_what_the_entry_calls_its_meter(
    hass: HomeAssistant, ports: Ports, entity_registry: er.EntityRegistry
) -> None:
    """That name was chosen once; the number of the meter may come later or never."""
    ports.link = SimulatedLink(make_meter(b"1-0:1.8.0*255(0000001.000*kWh)\r\n"))
    entry = MockConfigEntry(domain=DOMAIN, data=entry_data(meter_id="01ABC"))
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert [entity.unique_id for entity in registers(entity_registry, entry)] == [
        "01ABC_1-0:1.8.0*255"
    ]


async def test_a_code_that_comes_twice_makes_two_sensors(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry, all_enabled: None
) -> None:
    """Its running number tells them apart."""
    coordinator = loaded.runtime_data.coordinator
    ports.link = SimulatedLink(
        make_meter(CONTENT + 2 * b"1-0:1.8.4*255(0000001.000*kWh)\r\n")
    )
    await coordinator.async_refresh()
    await hass.async_block_till_done()
    first = f"{PREFIX}energy_import_tariff_4"
    assert hass.states.get(first) is not None
    second = hass.states.get(f"{first}_1_0_1_8_4_255_1")
    assert second is not None
    assert second.name.endswith("Energy import tariff 4 (1-0:1.8.4*255#1)")


async def test_a_meter_that_changes_its_unit_is_followed(
    hass: HomeAssistant, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """Home Assistant's statistics convert the unit, digits alone they could not."""
    meter.content = CONTENT.replace(b"0008048.375*kWh", b"08.048375*MWh")
    await loaded.runtime_data.coordinator.async_refresh()
    state = hass.states.get(ENERGY)
    assert state is not None
    assert state.state == "8.048375"
    assert state.attributes["unit_of_measurement"] == "MWh"


async def test_a_value_of_another_kind_is_unknown(
    hass: HomeAssistant, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """Home Assistant would refuse a text in a counter."""
    meter.content = CONTENT.replace(b"0.908*kW", b"ERROR*kW")
    await loaded.runtime_data.coordinator.async_refresh()
    state = hass.states.get(f"{PREFIX}power_import")
    assert state is not None
    assert state.state == STATE_UNKNOWN


@pytest.mark.parametrize(
    ("code", "damaged"),
    [
        (b"1-0:1.8.0*255(0008048.375*kWh)", b"1-0:1.8.0*255(0008048.375*kW)"),
        (b"1-0:94.8.7*255(0000077.7*kWh)", b"1-0:94.8.7*255(0000077.7*kW)"),
        (b"1-0:3.8.0*255(0000123.456*kvarh)", b"1-0:3.8.0*255(0.123456*Mvarh)"),
    ],
)
async def test_a_unit_of_something_else_makes_a_sensor_unknown(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    entity_registry: er.EntityRegistry,
    all_enabled: None,
    loaded: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    code: bytes,
    damaged: bytes,
) -> None:
    """Home Assistant could not convert it, and would show what was there before."""
    address = code.partition(b"(")[0].decode()
    entity_id = entity_registry.async_get_entity_id(
        "sensor", DOMAIN, f"{UNIQUE_ID}_{address}"
    )
    assert entity_id is not None
    before = hass.states.get(entity_id)
    assert before is not None
    for content, state in (
        (CONTENT.replace(code, damaged), STATE_UNKNOWN),
        (CONTENT, before.state),
    ):
        meter.content = content
        await loaded.runtime_data.coordinator.async_refresh()
        now = hass.states.get(entity_id)
        assert now is not None
        assert now.state == state
        assert (
            now.attributes["unit_of_measurement"]
            == before.attributes["unit_of_measurement"]
        )
    assert "ERROR" not in {record.levelname for record in caplog.records}


def many_registers(count: int) -> bytes:
    """Return a readout of a meter with so many counters."""
    return CONTENT + b"".join(
        b"1-0:1.8.%d*255(0000001.000*kWh)\r\n" % tariff
        for tariff in range(4, 4 + count)
    )


async def test_many_sensors_are_added_bit_by_bit(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """In between the event loop does what others want of it."""
    ports.link = SimulatedLink(make_meter(many_registers(59)))
    seen = [0]
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    for _ in range(5000):
        seen.append(len(hass.states.async_entity_ids("sensor")))
        await asyncio.sleep(0)
    assert seen[-1] > 59
    steps = [after - before for before, after in pairwise(seen)]
    assert max(steps) <= 25
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_unloading_while_sensors_are_added_adds_no_more(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """Home Assistant would keep what comes after it has cleared up."""
    ports.link = SimulatedLink(make_meter(many_registers(59)))
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    for _ in range(5000):
        if hass.states.get(ENERGY):
            break
        await asyncio.sleep(0)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert {state.state for state in hass.states.async_all("sensor")} == {
        STATE_UNAVAILABLE
    }
    assert len(hass.states.async_entity_ids("sensor")) < 59


# -- after a restart -------------------------------------------------------------


async def test_a_restart_brings_all_sensors_back_at_once(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """With their last readings, and without a word from the meter."""
    before = numbers(entity_registry, loaded)
    states = {state.entity_id: state.state for state in hass.states.async_all("sensor")}
    meter.fault = Fault.SILENT
    await reload(hass, loaded)
    assert numbers(entity_registry, loaded) == before
    after = {state.entity_id: state.state for state in hass.states.async_all("sensor")}
    assert after == states
    assert state_of(hass, ENERGY).state == "8048.375"
    assert ports.link.opened == 1


async def test_restored_sensors_are_added_bit_by_bit(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    entry: MockConfigEntry,
) -> None:
    """All of them are there when the set-up is done."""
    ports.link = SimulatedLink(make_meter(many_registers(59)))
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await hass.config_entries.async_unload(entry.entry_id)
    added = [0]
    setup = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    while not setup.done():
        added.append(
            sum(
                state.state != STATE_UNAVAILABLE
                for state in hass.states.async_all("sensor")
            )
        )
        await asyncio.sleep(0)
    assert setup.result()
    assert added[-1] > 59
    assert max(after - before for before, after in pairwise(added)) <= 25


async def test_a_register_that_stops_is_unknown(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
) -> None:
    """Not gone, nor does it keep its last value, after a restart as before."""
    meter.content = CONTENT.replace(b"1-0:1.7.0*255(0.908*kW)\r\n", b"")
    await read(hass, loaded)
    power = f"{PREFIX}power_import"
    assert state_of(hass, power).state == STATE_UNKNOWN
    assert state_of(hass, ENERGY).state == "8048.375"
    await reload(hass, loaded)
    assert state_of(hass, power).state == STATE_UNKNOWN
    assert state_of(hass, power).attributes[ATTR_OBIS_CODE] == "1-0:1.7.0*255"
    meter.content = CONTENT
    await read(hass, loaded)
    assert state_of(hass, power).state == "0.908"


async def test_names_stay_over_a_restart_when_a_register_has_stopped(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Of two that share a name the second one is told by its code, then as before."""
    before = {
        one.unique_id: one.original_name for one in registers(entity_registry, loaded)
    }
    meter.content = CONTENT.replace(b"1-0:1.8.0*255(0008048.375*kWh)\r\n", b"")
    assert meter.content != CONTENT
    await read(hass, loaded)
    await reload(hass, loaded)
    after = {
        one.unique_id: one.original_name for one in registers(entity_registry, loaded)
    }
    assert after == before


async def test_a_register_that_has_stopped_for_a_week_can_be_deleted(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Home Assistant offers that for what nobody adds; the meter brings it back."""
    power = f"{PREFIX}power_import"
    stopped = CONTENT.replace(b"1-0:1.7.0*255(0.908*kW)\r\n", b"")
    meter.content = stopped
    freezer.tick(timedelta(days=6, hours=23))
    await read(hass, loaded)
    await reload(hass, loaded)
    assert "restored" not in state_of(hass, power).attributes
    freezer.tick(timedelta(hours=2))
    await read(hass, loaded)
    await reload(hass, loaded)
    assert state_of(hass, power).attributes["restored"] is True

    entity_registry.async_remove(power)
    await hass.async_block_till_done()
    book = loaded.runtime_data.coordinator.store.book
    assert "1-0:1.7.0*255" not in book.booked
    await read(hass, loaded)
    assert hass.states.get(power) is None

    meter.content = CONTENT
    await read(hass, loaded)
    assert state_of(hass, power).state == "0.908"
    assert state_of(hass, power).name == f"{NAME} Power import"


@pytest.mark.parametrize("enabled", [True, False])
async def test_a_sensor_that_is_deleted_is_forgotten_until_it_comes_again(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    *,
    enabled: bool,
) -> None:
    """Whether it was enabled or not, and whatever name it had."""
    number = "1-0:1.7.0*255" if enabled else "1-0:1.6.1*255"
    unique_id = f"{UNIQUE_ID}_{number}"
    entity_id = entity_registry.async_get_entity_id("sensor", DOMAIN, unique_id)
    assert entity_id is not None
    entity_registry.async_update_entity(entity_id, new_entity_id="sensor.renamed")
    await hass.async_block_till_done()
    book = loaded.runtime_data.coordinator.store.book
    assert number in book.booked
    entity_registry.async_remove("sensor.renamed")
    await hass.async_block_till_done()
    assert number not in book.booked
    assert "1-0:1.8.0*255" in book.booked
    await read(hass, loaded)
    assert number in book.booked
    assert entity_registry.async_get_entity_id("sensor", DOMAIN, unique_id)


async def test_nothing_else_that_is_deleted_is_forgotten(
    hass: HomeAssistant, loaded: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """A sensor of somebody else, the button, or the time of a maximum."""
    book = loaded.runtime_data.coordinator.store.book
    before = set(book.booked)
    other = entity_registry.async_get_or_create("sensor", "other", "1-0:1.8.0*255")
    time = f"{UNIQUE_ID}_1-0:1.6.0*255_timestamp"
    time_id = entity_registry.async_get_entity_id("sensor", DOMAIN, time)
    assert time_id is not None
    for entity_id in (other.entity_id, f"{PREFIX}last_error", time_id):
        entity_registry.async_remove(entity_id)
    await hass.async_block_till_done()
    assert set(book.booked) == before
    await read(hass, loaded)
    assert entity_registry.async_get_entity_id("sensor", DOMAIN, time)


async def test_an_entity_deleted_before_the_first_readout_is_no_register(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    entity_registry: er.EntityRegistry,
) -> None:
    """There is nothing to forget yet."""
    meter.fault = Fault.SILENT
    entry = await set_up(hass, {})
    entity_registry.async_remove(f"{PREFIX}last_error")
    await hass.async_block_till_done()
    assert not entry.runtime_data.coordinator.store.book.booked


async def test_readings_that_are_too_old_are_not_shown(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """They stay for a while when a readout fails, and come back with the meter."""
    meter.fault = Fault.SILENT
    await read(hass, loaded)
    assert state_of(hass, ENERGY).state == "8048.375"
    freezer.tick(timedelta(minutes=16))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, ENERGY).state == STATE_UNAVAILABLE
    meter.fault = Fault.NONE
    await read(hass, loaded)
    assert state_of(hass, ENERGY).state == "8048.375"


# -- the device ------------------------------------------------------------------


async def test_a_meter_that_was_never_read_is_a_device_with_a_name(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    device_registry: dr.DeviceRegistry,
) -> None:
    """What it is follows with its first readout."""
    meter.fault = Fault.SILENT
    entry = await set_up(hass, {})
    identifier = (DOMAIN, UNIQUE_ID)
    device = device_registry.async_get_device_by_identifier(identifier, entry.entry_id)
    assert device is not None
    assert (device.name, device.manufacturer, device.model) == (NAME, None, None)
    meter.fault = Fault.NONE
    await read(hass, entry)
    device = device_registry.async_get_device_by_identifier(identifier, entry.entry_id)
    assert device is not None
    assert (device.manufacturer, device.model) == ("Iskraemeco", "MT174-0001")
    assert device.serial_number == NUMBER
    assert device.sw_version == "1.03"


async def test_a_meter_with_new_firmware_is_shown_with_it(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    device_registry: dr.DeviceRegistry,
    loaded: MockConfigEntry,
) -> None:
    """The device registry follows without a restart; silence takes nothing away."""
    meter.content = CONTENT.replace(b"(1.03)", b"(1.04)")
    await read(hass, loaded)
    silent = CONTENT.replace(b"1-0:0.2.0*255(1.03)\r\n", b"")
    ports.link = SimulatedLink(make_meter(silent, identification=b"/ISk5"))
    await read(hass, loaded)
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, UNIQUE_ID), loaded.entry_id
    )
    assert device is not None
    assert device.sw_version == "1.04"
    assert device.model == "MT174-0001"


# -- what the user says about the meter ------------------------------------------


async def test_transformers_are_reckoned_with(
    hass: HomeAssistant, ports: Ports, all_enabled: None
) -> None:
    """Energy and power by both, current and voltage each by their own."""
    await set_up(hass, {CONF_CURRENT_RATIO: 40.0, CONF_VOLTAGE_RATIO: 100.0})
    for name, state in (
        ("energy_import", "32193500.000"),
        ("power_import", "3632.000"),
        ("maximum_demand_import", "9872.000"),
        ("current_l1", "36.00"),
        ("voltage_l1", "23520.0"),
        ("frequency", "49.9"),
    ):
        assert state_of(hass, PREFIX + name).state == state


async def test_a_counter_without_unit_counts_energy_once_its_unit_is_known(
    hass: HomeAssistant, ports: Ports, all_enabled: None
) -> None:
    """The meter sends no more than digits."""
    entity_id = f"{PREFIX}register_1_0_94_8_8"
    entry = await set_up(hass, {})
    assert state_of(hass, entity_id).state == "0000077.7"
    hass.config_entries.async_update_entry(
        entry, options=entry.options | {CONF_UNITS: {"1-0:94.8.8": "Wh"}}
    )
    await reload(hass, entry)
    state = state_of(hass, entity_id)
    assert state.state == "77.7"
    assert state.attributes["unit_of_measurement"] == "Wh"
    assert state.attributes["device_class"] == "energy"
    assert state.attributes["state_class"] == "total_increasing"


async def test_a_long_text_is_cut_and_kept_whole_in_an_attribute(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter, all_enabled: None
) -> None:
    """The attribute is there for templates, and not for the recorder."""
    text = 100 * "ABC"
    meter.content = CONTENT + b"1-0:94.7.7*255(%s)\r\n" % text.encode()
    entry = await set_up(hass, {})
    entity_id = f"{PREFIX}register_1_0_94_7_7"
    state = state_of(hass, entity_id)
    assert state.state == text[:255]
    assert state.attributes[ATTR_FULL_TEXT] == text
    assert state.state_info is not None
    assert state.state_info["unrecorded_attributes"] >= {ATTR_FULL_TEXT, ATTR_OBIS_CODE}
    meter.content = CONTENT + b"1-0:94.7.7*255(OK)\r\n"
    await read(hass, entry)
    state = state_of(hass, entity_id)
    assert state.state == "OK"
    assert ATTR_FULL_TEXT not in state.attributes


# -- billing periods that are over -----------------------------------------------


def after_resets(resets: int) -> bytes:
    """Return a readout of a made-up meter that numbers its periods as the norm does.

    It stores fifteen of them, and counts 100 kWh in each.
    """
    lines = [
        b"0.0.0(0012345678)",
        b"0.1.0(%02d)" % (resets % 100),
        b"1.8.0(%05d*kWh)" % (100 * resets + 50),
        b"1.6.0(%02d*kW)(2611200930)" % (resets % 10),
    ]
    for period in range(resets, resets - 15, -1):
        lines += [
            b"1.8.0*%02d(%05d*kWh)" % (period % 100, 100 * period),
            b"1.6.0*%02d(%02d*kW)(2611200930)" % (period % 100, period % 10),
        ]
    return b"\r\n".join([*lines, b""])


async def monthly(
    hass: HomeAssistant, ports: Ports, periods: int, resets: int
) -> tuple[MockConfigEntry, SimulatedMeter]:
    """Set up a meter with billing periods, of which some are wanted."""
    meter = make_meter(after_resets(resets), identification=b"/LGZ5TEST")
    ports.link = SimulatedLink(meter)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Meter",
        data={**entry_data(meter_id="M"), CONF_MANUFACTURER: "LGZ"},
        options={CONF_INTERVAL: 60, CONF_BILLING_PERIODS: periods},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return entry, meter


async def test_billing_resets_leave_no_sensors_behind(
    hass: HomeAssistant, ports: Ports, entity_registry: er.EntityRegistry
) -> None:
    """Two years of months, past the 99th reset: always the same last three."""
    entry, meter = await monthly(hass, ports, 3, 90)
    before = {entity.unique_id for entity in registers(entity_registry, entry)}
    assert before == {
        "M_0.1.0",
        *("M_1.8.0", "M_1.8.0@1", "M_1.8.0@2", "M_1.8.0@3"),
        *("M_1.6.0", "M_1.6.0@1", "M_1.6.0@2", "M_1.6.0@3"),
        *("M_1.6.0_timestamp", "M_1.6.0@1_timestamp"),
        *("M_1.6.0@2_timestamp", "M_1.6.0@3_timestamp"),
    }
    for resets in range(91, 115):
        meter.content = after_resets(resets)
        await read(hass, entry)
        assert [
            state_of(hass, f"sensor.meter_energy_import{name}").state
            for name in (
                "",
                "_last_billing_period",
                "_2_billing_periods_ago",
                "_3_billing_periods_ago",
            )
        ] == [
            f"{100 * resets + 50}",
            *(f"{100 * (resets - ago)}" for ago in range(3)),
        ]
        # The code is the one that the meter has printed this time.
        last = state_of(hass, "sensor.meter_energy_import_last_billing_period")
        assert last.attributes[ATTR_OBIS_CODE] == f"1.8.0*{resets % 100:02}"
    after = {entity.unique_id for entity in registers(entity_registry, entry)}
    assert after == before


async def test_billing_periods_are_no_sensors_by_default(
    hass: HomeAssistant, ports: Ports, entity_registry: er.EntityRegistry
) -> None:
    """Fifteen periods of every register would bury the current ones."""
    entry, _meter = await monthly(hass, ports, 0, 90)
    assert {entity.unique_id for entity in registers(entity_registry, entry)} == {
        *("M_0.1.0", "M_1.8.0", "M_1.6.0", "M_1.6.0_timestamp")
    }


async def test_a_billing_period_says_in_its_name_how_long_ago_it_was(
    hass: HomeAssistant, ports: Ports
) -> None:
    """In the words of the user's language, for every register."""
    await monthly(hass, ports, 2, 90)
    assert {state.name for state in hass.states.async_all("sensor")} >= {
        "Meter Energy import",
        "Meter Energy import (last billing period)",
        "Meter Energy import (2 billing periods ago)",
    }


async def test_fewer_billing_periods_take_their_sensors_away(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    entity_registry: er.EntityRegistry,
) -> None:
    """Nobody would ever add them again."""
    entry, _meter = await monthly(hass, ports, 3, 90)
    hass.config_entries.async_update_entry(
        entry, options=entry.options | {CONF_BILLING_PERIODS: 1}
    )
    await reload(hass, entry)
    assert {
        entity.unique_id
        for entity in registers(entity_registry, entry)
        if "@" in entity.unique_id
    } == {"M_1.8.0@1", "M_1.6.0@1", "M_1.6.0@1_timestamp"}
