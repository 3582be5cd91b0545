"""Whose readout it is: nothing of another meter is ever booked."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import (
    CONF_MANUFACTURER,
    CONF_METER_ID,
    CONF_UNCONFIRMED,
    DOMAIN,
)
from custom_components.iec62056.iec21.simulator import SimulatedLink, SimulatedMeter
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
    unchecked_meter,
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


def sending(meter: SimulatedMeter, *numbers: bytes) -> None:
    """Let a meter send one number after the other, and the last one from then on."""
    left = list(numbers)

    def content() -> bytes:
        number = left.pop(0) if len(left) > 1 else left[0]
        return CONTENT.replace(NUMBER.encode(), number)

    meter.content = content


@pytest.fixture
def unchecked(ports: Ports) -> SimulatedMeter:
    """Put a meter that sends no check behind every port."""
    meter = unchecked_meter(b"0008048.375")
    ports.link = SimulatedLink(meter)
    return meter


async def test_a_number_that_nothing_has_checked_has_to_come_twice(
    hass: HomeAssistant, unchecked: SimulatedMeter, freezer: FrozenDateTimeFactory
) -> None:
    """One damaged line would make the real meter another one for good."""
    entry = await set_up_without_number(hass, unchecked)
    assert state_of(hass, ENERGY) == "8048.375"
    sending(unchecked, b"0012345673", b"0012345678")
    await pass_time(hass, freezer, seconds=62)
    assert entry.unique_id == UNIQUE_ID
    assert state_of(hass, LAST_ERROR) == "none"

    # From then on it is the only meter of this entry.
    sending(unchecked, b"0087654321")
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, LAST_ERROR) == "other_meter"
    assert entry.unique_id == UNIQUE_ID


@pytest.mark.parametrize(
    "numbers",
    [
        (b"0012345673", b"0012345678"),
        (b"0012345678", b"0012345673", b"0012345678"),
        (b"0012345673", b"0012345674", b"0012345675", b"0012345678"),
    ],
)
async def test_a_new_meter_is_known_once_two_readouts_agree(
    hass: HomeAssistant,
    unchecked: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
    numbers: tuple[bytes, ...],
) -> None:
    """Until then nothing is booked; the true one is never locked out."""
    sending(unchecked, *numbers)
    entry = unconfirmed_entry("ISK_0012345673")
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    for _ in range(2):
        await pass_time(hass, freezer, minutes=6)
    assert entry.unique_id == UNIQUE_ID
    assert CONF_UNCONFIRMED not in entry.data
    assert state_of(hass, ENERGY) == "8048.375"


def unconfirmed_entry(unique_id: str | None, maker: str = "ISK") -> MockConfigEntry:
    """Return an entry as the flow creates it, from data that nothing has checked."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        data={
            **entry_data(),
            CONF_MANUFACTURER: maker,
            CONF_UNCONFIRMED: True,
        },
        unique_id=unique_id,
    )


async def test_a_checked_readout_corrects_the_number_of_a_new_entry(
    hass: HomeAssistant, ports: Ports
) -> None:
    """And its maker, which the flow may have seen damaged as well."""
    entry = unconfirmed_entry("ISQ_0012345673", maker="ISQ")
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.unique_id == UNIQUE_ID
    assert entry.data[CONF_MANUFACTURER] == "ISK"
    assert CONF_UNCONFIRMED not in entry.data
    assert state_of(hass, ENERGY) == "8048.375"


async def test_an_entry_that_has_lost_its_readings_keeps_its_meter(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    hass_storage: dict[str, Any],
) -> None:
    """The storage is gone, and the head hangs on the neighbour's meter."""
    await hass.config_entries.async_unload(loaded.entry_id)
    hass_storage.pop(f"{DOMAIN}.{loaded.entry_id}")
    sending(meter, b"0087654321")
    await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert loaded.unique_id == UNIQUE_ID
    assert state_of(hass, LAST_ERROR) == "other_meter"
    assert loaded.runtime_data.coordinator.data is None


async def test_a_damaged_identification_before_good_data_is_no_other_meter(
    hass: HomeAssistant,
    ports: Ports,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The check is about the data; the number in them is the meter's."""
    ports.link = SimulatedLink(make_meter(RISEN, identification=b"/IQK5MT174-0001"))
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, LAST_ERROR) == "none"
    assert state_of(hass, ENERGY) == "8048.500"
    assert loaded.unique_id == UNIQUE_ID


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


async def test_a_first_readout_without_number_is_not_booked(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The dialog has seen the number of the meter, so it has one."""
    meter.content = WITHOUT_NUMBER
    entry = unconfirmed_entry(UNIQUE_ID)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert hass.states.get(ENERGY) is None
    assert state_of(hass, LAST_ERROR) == "other_meter"
    assert entry.unique_id == UNIQUE_ID
    assert told(caplog, "holds no meter number") == 1
