"""Whose readout it is: nothing of another meter is ever booked."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import CONF_METER_ID, DOMAIN
from custom_components.iec62056.iec21.simulator import SimulatedLink, SimulatedMeter
from custom_components.iec62056.iec21.telegram import Check
from tests.integration.common import (
    CONTENT,
    NAME,
    NUMBER,
    UNIQUE_ID,
    entry_data,
    make_meter,
    pass_time,
    state_of,
    told,
)
from tests.integration.conftest import Ports

ENERGY = "sensor.iskraemeco_mt174_0001_energy_import"
LAST_ERROR = "sensor.iskraemeco_mt174_0001_last_error"

RISEN = CONTENT.replace(b"0008048.375", b"0008048.500")
"""What the meter sends a minute later."""


async def test_another_meter_is_never_booked_as_this_one(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Somebody put the head on the neighbour's meter."""
    meter.content = RISEN.replace(NUMBER.encode(), b"0087654321")
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.375"
    assert state_of(hass, LAST_ERROR) == "other_meter"
    assert told(caplog, "Another meter answered") == 1

    meter.content = RISEN
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.500"
    assert state_of(hass, LAST_ERROR) == "none"


async def test_a_readout_without_number_is_not_booked_either(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody knows whose it is."""
    meter.content = b"1-0:1.8.0*255(0009999.000*kWh)\r\n"
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.375"
    assert told(caplog, "holds no meter number") == 1


# -- who the meter is -------------------------------------------------------------


WITHOUT_NUMBER = b"1-0:1.8.0*255(0008048.375*kWh)\r\n"


async def set_up_without_number(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    maker: str = "ISK",
    *,
    address: str = "",
    unique_id: str | None = None,
) -> MockConfigEntry:
    """Return an entry of a meter that has sent no number yet, and its sensor."""
    content, meter.content = meter.content, WITHOUT_NUMBER
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        data={
            **entry_data(meter_id="01ABC", address=address),
            "manufacturer": maker,
        },
        unique_id=unique_id,
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    meter.content = content
    return entry


def unique_ids(hass: HomeAssistant, entry: MockConfigEntry) -> set[str]:
    """Return the unique ids of the entities of an entry."""
    return {
        one.unique_id
        for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    }


def devices(hass: HomeAssistant, entry: MockConfigEntry) -> list[str | None]:
    """Return the serial numbers of the devices of an entry."""
    return [
        one.serial_number
        for one in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    ]


async def test_a_number_that_comes_late_renames_no_sensor(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A PIN was typed in. The number tells the meter from others, history goes on."""
    entry = await set_up_without_number(hass, meter)
    before = unique_ids(hass, entry)
    assert "01ABC_1-0:1.8.0*255" in before
    assert entry.unique_id is None
    assert devices(hass, entry) == [None]

    await pass_time(hass, freezer, seconds=62)
    assert entry.unique_id == UNIQUE_ID
    assert entry.data[CONF_METER_ID] == "01ABC"
    assert before < unique_ids(hass, entry)
    assert devices(hass, entry) == [NUMBER]
    assert state_of(hass, ENERGY) == "8048.375"

    meter.content = RISEN.replace(NUMBER.encode(), b"0087654321")
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.375"


async def test_a_meter_without_number_is_told_by_its_type_and_address(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until its number comes, and then by that."""
    meter = make_meter(address="7")
    ports.link = SimulatedLink(meter)
    nameless = "ISK_MT174-0001@7"
    entry = await set_up_without_number(hass, meter, address="7", unique_id=nameless)
    assert state_of(hass, ENERGY) == "8048.375"
    assert entry.unique_id == nameless

    meter.content = WITHOUT_NUMBER.replace(b"8048", b"8049")
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8049.375"
    assert entry.unique_id == nameless

    stranger = make_meter(
        WITHOUT_NUMBER, identification=b"/ISk5MT880-0001", address="7"
    )
    ports.link = SimulatedLink(stranger)
    await pass_time(hass, freezer, seconds=62)
    assert told(caplog, "holds no meter number") == 1

    ports.link = SimulatedLink(meter)
    meter.content = CONTENT
    await pass_time(hass, freezer, seconds=62)
    assert entry.unique_id == UNIQUE_ID


async def test_the_first_readout_gives_a_meter_without_number_its_type_and_address(
    hass: HomeAssistant, ports: Ports
) -> None:
    """It was added without having been found; another one may be like it."""
    meter = make_meter(address="7")
    ports.link = SimulatedLink(meter)
    first = await set_up_without_number(hass, meter, maker="", address="7")
    assert first.unique_id == "ISK_MT174-0001@7"
    assert first.data["manufacturer"] == "ISK"
    second = await set_up_without_number(hass, meter, maker="", address="7")
    assert second.unique_id is None


async def test_a_number_that_nothing_has_checked_binds_nobody(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> None:
    """One damaged line would make the real meter another one for good."""
    meter = SimulatedMeter(
        identification=b"/ISk0MT174-0001", content=CONTENT, check=Check.NONE
    )
    ports.link = SimulatedLink(meter)
    entry = await set_up_without_number(hass, meter)
    await pass_time(hass, freezer, seconds=62)
    assert entry.unique_id is None
    assert state_of(hass, ENERGY) == "8048.375"


async def test_the_number_of_another_entry_is_not_taken(
    hass: HomeAssistant,
    ports: Ports,
    entry: MockConfigEntry,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Two entries would carry one unique id, and book one meter twice."""
    entry.add_to_hass(hass)
    other = await set_up_without_number(hass, meter)
    meter.content = RISEN
    await pass_time(hass, freezer, seconds=62)
    assert entry.unique_id == UNIQUE_ID
    assert other.unique_id is None
    assert state_of(hass, ENERGY) == "8048.375"


async def test_a_meter_of_another_maker_is_not_booked_as_one_without_number(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its maker is all that is known of a meter that sends no number."""
    entry = await set_up_without_number(hass, meter)
    ports.link = SimulatedLink(
        make_meter(
            b"1-0:1.8.0*255(0000001.000*kWh)\r\n0.0.0(99999999)\r\n",
            identification=b"/LGZ4ZMD310",
        )
    )
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.375"
    assert told(caplog, "Another meter answered") == 1
    assert entry.unique_id is None


async def test_a_maker_that_arrived_damaged_is_corrected_too(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter
) -> None:
    """As long as nothing is booked, whoever answers is the meter."""
    await set_up_without_number(hass, meter, maker="ISQ")
    assert state_of(hass, ENERGY) == "8048.375"


async def test_a_first_readout_without_number_is_not_booked(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The dialog has seen the number of the meter, so it has one."""
    meter.content = WITHOUT_NUMBER
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert hass.states.get(ENERGY) is None
    assert state_of(hass, LAST_ERROR) == "other_meter"
    assert entry.unique_id == UNIQUE_ID
    assert told(caplog, "holds no meter number") == 1
