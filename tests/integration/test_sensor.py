"""Readings as sensors."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from unittest.mock import patch
from zoneinfo import ZoneInfo

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
)
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    snapshot_platform,
)
from syrupy.assertion import SnapshotAssertion

from custom_components.iec62056.const import DOMAIN
from custom_components.iec62056.iec21.catalog import UNITS, Quantity
from custom_components.iec62056.iec21.messages import Identification
from custom_components.iec62056.iec21.reading import Reading, interpret
from custom_components.iec62056.iec21.simulator import SimulatedLink, SimulatedMeter
from custom_components.iec62056.iec21.telegram import (
    Check,
    DataSet,
    Readout,
    parse_data_lines,
)
from custom_components.iec62056.sensor import LOOKS, describe, describe_moment
from tests.integration.common import (
    CONTENT,
    NUMBER,
    UNIQUE_ID,
    entry_data,
    make_meter,
)
from tests.integration.conftest import Ports


@pytest.fixture
def all_enabled() -> Iterator[None]:
    """Enable every sensor, whatever its default."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default", new=True
    ):
        yield


def readings(text: str, identification: bytes = b"/XXX5TEST") -> tuple[Reading, ...]:
    """Interpret data lines."""
    data_sets = tuple(one for one in parse_data_lines(text) if isinstance(one, DataSet))
    return interpret(
        Readout(
            identification=Identification.parse(identification),
            data_sets=data_sets,
            check=Check.NONE,
        )
    )


def reading(text: str, identification: bytes = b"/XXX5TEST") -> Reading:
    """Interpret one data line."""
    return readings(text, identification)[0]


async def test_every_sensor_of_a_meter(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
    all_enabled: None,
    loaded: MockConfigEntry,
) -> None:
    """Everything that Home Assistant knows about the made-up meter."""
    await snapshot_platform(hass, entity_registry, snapshot, loaded.entry_id)


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
        entity.entity_id.removeprefix("sensor.iskraemeco_mt174_0001_")
        for entity in er.async_entries_for_config_entry(
            entity_registry, loaded.entry_id
        )
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
    assert [
        entity.unique_id
        for entity in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    ] == ["01ABC_1-0:1.8.0*255"]


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
    first = "sensor.iskraemeco_mt174_0001_energy_import_tariff_4"
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
    state = hass.states.get("sensor.iskraemeco_mt174_0001_energy_import")
    assert state is not None
    assert state.state == "8.048375"
    assert state.attributes["unit_of_measurement"] == "MWh"


async def test_a_value_of_another_kind_is_unknown(
    hass: HomeAssistant, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """Home Assistant would refuse a text in a counter."""
    meter.content = CONTENT.replace(b"0.908*kW", b"ERROR*kW")
    await loaded.runtime_data.coordinator.async_refresh()
    state = hass.states.get("sensor.iskraemeco_mt174_0001_power_import")
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
        if hass.states.async_entity_ids("sensor"):
            break
        await asyncio.sleep(0)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert {state.state for state in hass.states.async_all("sensor")} == {
        STATE_UNAVAILABLE
    }
    assert len(hass.states.async_entity_ids("sensor")) < 59


# -- how quantities look ---------------------------------------------------------


def test_every_quantity_has_a_look() -> None:
    """A new one is noticed here, not by a user."""
    assert set(LOOKS) == set(Quantity)


@pytest.mark.parametrize("quantity", [one for one in UNITS if LOOKS[one].device_class])
def test_the_usual_unit_of_a_quantity_has_its_device_class(quantity: Quantity) -> None:
    """At least one unit of each quantity is one that Home Assistant takes."""
    device_class = LOOKS[quantity].device_class
    assert device_class is not None
    units = UNITS[quantity] or {None}
    # "l" is "L" in Home Assistant, and every volume comes in m³ as well.
    assert units & DEVICE_CLASS_UNITS[device_class]
    assert device_class in DEVICE_CLASS_STATE_CLASSES


@pytest.mark.parametrize(
    ("text", "device_class", "state_class", "unit", "precision"),
    [
        ("1.8.0(01.5*kWh)", "energy", "total_increasing", "kWh", 1),
        ("1.8.0(0015*Wh)", "energy", "total_increasing", "Wh", 0),
        ("1.9.1(01.5*kWh)", "energy", "total_increasing", "kWh", 1),
        ("16.8.0(01.5*kWh)", "energy", "total", "kWh", 1),
        ("15.8.0(01.5*kWh)", "energy", "total_increasing", "kWh", 1),
        ("3.8.0(01.5*kvarh)", "reactive_energy", "total_increasing", "kvarh", 1),
        # Units that Home Assistant does not know for the class.
        ("3.8.0(01.5*Mvarh)", None, "total_increasing", "Mvarh", 1),
        ("9.8.0(01.5*kVAh)", None, "total_increasing", "kVAh", 1),
        ("31.7.0(01.5*kA)", None, "measurement", "kA", 1),
        ("1.6.0(01.5*kW)", "power", "measurement", "kW", 1),
        ("1.2.0(01.5*kW)", "power", None, "kW", 1),
        ("13.7.0(0.98)", "power_factor", "measurement", None, 2),
        ("81.7.4(032*deg)", None, "measurement_angle", "°", 0),
        ("0.1.0(33)", None, "total_increasing", None, 0),
        ("0.3.0(5000)", None, None, None, 0),
        ("0.6.0(230*V)", "voltage", None, "V", 0),
        # Codes that nobody knows.
        ("94.8.7(01.5*kWh)", "energy", "total_increasing", "kWh", 1),
        ("94.8.7(01.5*kvarh)", "reactive_energy", "total_increasing", "kvarh", 1),
        ("94.8.7(01.5*kVAh)", None, "total_increasing", "kVAh", 1),
        ("94.7.7(01.5*kWh)", None, None, "kWh", 1),
        # They go up and down: import less export, windows of time, a fourth group.
        ("36.8.0(01.5*kWh)", "energy", "total", "kWh", 1),
        ("76.8.1(01.5*kWh)", "energy", "total", "kWh", 1),
        ("1.8.0.5(01.5*kWh)", None, None, "kWh", 1),
        ("ETPE(01.5*kWh)", None, None, "kWh", 1),
        ("94.7.7(01.5*bar)", None, None, "bar", 1),
        ("94.7.7(ABC)", None, None, None, None),
        # Times.
        ("0.9.1(135907)", None, None, None, None),
        ("0.9.2(261121)", "date", None, None, None),
        ("0.9.2()", "date", None, None, None),
        ("0.1.2(2611010000)", "timestamp", None, None, None),
        ("0.1.2()", "timestamp", None, None, None),
        ("0.1.2(261101)", "date", None, None, None),
    ],
)
def test_how_a_reading_looks(
    text: str,
    device_class: SensorDeviceClass | None,
    state_class: SensorStateClass | None,
    unit: str | None,
    precision: int | None,
) -> None:
    """Device class, state class, unit and digits follow from what comes."""
    description = describe(reading(text))
    assert (
        description.device_class,
        description.state_class,
        description.native_unit_of_measurement,
        description.suggested_display_precision,
    ) == (device_class, state_class, unit, precision)


@pytest.mark.parametrize(
    ("text", "device_class", "state_class", "unit"),
    [
        ("6.8(0012.345*GJ)", "energy", "total_increasing", "GJ"),
        ("6.26(00123.45*m3)", "volume", "total_increasing", "m³"),
        ("6.26(00123*l)", "volume", "total_increasing", "L"),
        ("6.33(00123*l/h)", "volume_flow_rate", "measurement", "L/h"),
        ("6.31(00123*h)", "duration", "total_increasing", "h"),
        ("9.4(090*C&060*C)", "temperature", "measurement", "°C"),
        ("9.4(020*K&060*C)", "temperature_delta", "measurement", "K"),
    ],
)
def test_how_a_heat_meter_looks(
    text: str, device_class: str, state_class: str, unit: str
) -> None:
    """Litres are spelled as Home Assistant does, kelvins are differences."""
    description = describe(reading(text, b"/LUGCUH50"))
    assert description.device_class == device_class
    assert description.state_class == state_class
    assert description.native_unit_of_measurement == unit


def test_a_window_of_time_makes_no_sum() -> None:
    """The energy of the last seven days goes up and down."""
    week, *others = readings(
        "1-0:1.8.0*97(00158.7*kWh)\r\n"
        "1-0:3.8.0*97(00158.7*kvarh)\r\n"
        "1-0:16.8.0*97(00158.7*kWh)\r\n"
        "1-0:21.8.0*97(00158.7*kWh)\r\n",
        b"/LOG5LK123",
    )
    description = describe(week)
    assert description.state_class is None
    assert not description.entity_registry_enabled_default
    assert description.translation_key == "active_energy_import_last"
    assert description.translation_placeholders == {"last": "7"}
    # Nobody has named these.
    assert {describe(one).translation_key for one in others} == {"register"}
    assert {describe(one).state_class for one in others} == {None}


@pytest.mark.parametrize(
    ("text", "enabled", "category"),
    [
        ("1.8.0(1*kWh)", True, None),
        ("1.8.63(1*kWh)", True, None),
        ("21.8.0(1*kWh)", False, None),
        ("3.8.0(1*kvarh)", False, None),
        ("1.6.0(1*kW)", True, None),
        ("1.6.1(1*kW)", False, None),
        ("94.91.0(1*kWh)", False, None),
        ("94.91.0(ABC)", False, EntityCategory.DIAGNOSTIC),
        ("F.F(00000000)", True, EntityCategory.DIAGNOSTIC),
        ("C.5(00000000)", False, EntityCategory.DIAGNOSTIC),
        ("0.2.0(1.03)", False, EntityCategory.DIAGNOSTIC),
        ("0.6.0(230*V)", False, EntityCategory.DIAGNOSTIC),
    ],
)
def test_what_is_worth_a_sensor(
    text: str, *, enabled: bool, category: EntityCategory | None
) -> None:
    """The rest waits in the registry."""
    description = describe(reading(text))
    assert description.entity_registry_enabled_default is enabled
    assert description.entity_category == category


# -- values ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.8.0(0000000.000*kWh)", Decimal(0)),
        ("1.8.0()", None),
        ("0.9.1(135907)", "13:59:07"),
        ("0.9.2(261121)", date(2026, 11, 21)),
        ("0.1.2(261101)", date(2026, 11, 1)),
        ("F.F(00000000)", "00000000"),
        ("94.7.7(" + 300 * "A" + ")", 255 * "A"),
        ("94.7.7()", None),
    ],
)
def test_what_a_value_becomes(text: str, value: object) -> None:
    """Zero is a reading, nothing is unknown, and no state is too long."""
    one = reading(text)
    assert describe(one).value_fn(one) == value


async def test_times_are_those_of_the_home(hass: HomeAssistant) -> None:
    """Meters know no time zones, and hang where Home Assistant is."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    maximum = reading("1.6.0(02.468*kW)(2611200930)")
    moment = describe_moment(maximum).value_fn(maximum)
    assert isinstance(moment, datetime)
    assert moment.astimezone(UTC) == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

    reset = reading("0.1.2(2607010000)")
    moment = describe(reset).value_fn(reset)
    assert isinstance(moment, datetime)
    assert moment.astimezone(UTC) == datetime(2026, 6, 30, 22, 0, tzinfo=UTC)
    dt_util.set_default_time_zone(UTC)


def test_a_time_with_a_zone_keeps_it() -> None:
    """A season digit of 2 says that a clock shows UTC."""
    one = reading("0-0:1.0.0(2260701120000)")
    assert describe(one).value_fn(one) == datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def test_a_time_beyond_all_times_is_unknown() -> None:
    """With some meters it says that there was none, and a date has to be before."""
    dt_util.set_default_time_zone(ZoneInfo("America/Los_Angeles"))
    one = reading("0.1.2(2611010000)")
    never = replace(one, value=datetime(9999, 12, 31, 23, 59, 59))  # noqa: DTZ001  # Meters know no zones.
    assert describe(one).value_fn(never) is None
    dt_util.set_default_time_zone(UTC)


def test_a_date_that_comes_with_a_time_later_stays_a_date() -> None:
    """The class of a sensor does not change."""
    day, moment = readings("0.1.3(261101)\r\n0.1.2(2611010000)\r\n")
    assert describe(day).value_fn(moment) == date(2026, 11, 1)
    assert describe(moment).value_fn(day) is None
    assert describe(day).value_fn(reading("F.F(0)")) is None
