"""Polling: what a failed readout does to the sensors, and what the log says."""

from datetime import timedelta
import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.iec62056.const import CONF_METER_ID, DOMAIN
from custom_components.iec62056.iec21.exceptions import LinkError, MeterRefusedError
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.iec21.steps import MeterStep, Send
from custom_components.iec62056.iec21.telegram import Check
from tests.integration.common import (
    CONTENT,
    NAME,
    NUMBER,
    PORT,
    UNIQUE_ID,
    entry_data,
    make_meter,
)
from tests.integration.conftest import Ports

ENERGY = "sensor.iskraemeco_mt174_0001_energy_import"
EXPORT = "sensor.iskraemeco_mt174_0001_energy_export"


async def poll(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let the time of the next readout come, and the readout."""
    freezer.tick(timedelta(seconds=62))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


def told(caplog: pytest.LogCaptureFixture, words: str) -> int:
    """Return how often a user was told something."""
    return sum(
        words in record.getMessage()
        for record in caplog.records
        if record.name == "custom_components.iec62056"
        and record.levelno >= logging.INFO
    )


def energy(hass: HomeAssistant, entity_id: str = ENERGY) -> str:
    """Return the state of a counter."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state.state


async def test_a_poll_brings_new_values(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The meter is read again after the interval of the entry."""
    assert energy(hass) == "8048.375"
    assert energy(hass, EXPORT) == "0.000"
    meter.content = CONTENT.replace(b"0008048.375", b"0008048.500")
    await poll(hass, freezer)
    assert energy(hass) == "8048.500"
    assert ports.link.opened == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.SILENT, "The meter did not answer"),
        (Fault.SILENT | Fault.ECHO, "Only our own sign-on came back"),
        (Fault.DAMAGED_CHECK, "arrived damaged and was not used"),
        (Fault.CUT_OFF, "The answer cannot be used: the readout broke off"),
    ],
)
async def test_a_meter_that_is_lost_and_found_is_logged_once_each(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    words: str,
) -> None:
    """Nothing of a failed readout is booked, however often it fails."""
    caplog.clear()
    meter.fault = fault
    meter.content = CONTENT.replace(b"0008048.375", b"9999999.999")
    for _ in range(3):
        await poll(hass, freezer)
        assert energy(hass) == STATE_UNAVAILABLE
    assert told(caplog, words) == 1

    meter.fault = Fault.NONE
    meter.content = CONTENT
    for _ in range(2):
        await poll(hass, freezer)
        assert energy(hass) == "8048.375"
    assert told(caplog, "recovered") == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            LinkError(f"{PORT}: the adapter was unplugged"),
            f"The port cannot be used: {PORT}: the adapter was unplugged",
        ),
        (MeterRefusedError("ER25"), "The meter refused to be read: ER25"),
    ],
)
async def test_an_error_is_logged_in_words(
    hass: HomeAssistant,
    ports: Ports,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    error: LinkError,
    words: str,
) -> None:
    """What the port or the meter says about it is part of the message."""
    ports.link.open_error = error
    await poll(hass, freezer)
    assert energy(hass) == STATE_UNAVAILABLE
    assert told(caplog, words) == 1
    ports.link.open_error = None
    await poll(hass, freezer)
    assert energy(hass) == "8048.375"


class Mute(SimulatedMeter):
    """A meter that says who it is, and nothing else."""

    def answer(self, data: bytes) -> list[MeterStep]:
        """Answer a sign-on only."""
        return [Send(self._announced.to_bytes())] if b"!" in data else []


async def test_an_answer_that_is_not_finished_is_no_silence(
    hass: HomeAssistant,
    ports: Ports,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says that somebody was there."""
    ports.link = SimulatedLink(Mute(identification=b"/ISk5MT174-0001", content=b""))
    await poll(hass, freezer)
    assert energy(hass) == STATE_UNAVAILABLE
    assert told(caplog, "began to answer and did not finish") == 1


async def test_another_meter_is_never_booked_as_this_one(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Somebody put the head on the neighbour's meter."""
    meter.content = CONTENT.replace(NUMBER.encode(), b"0087654321")
    await poll(hass, freezer)
    assert energy(hass) == STATE_UNAVAILABLE
    assert told(caplog, "Another meter answered") == 1

    meter.content = CONTENT
    await poll(hass, freezer)
    assert energy(hass) == "8048.375"


async def test_a_readout_without_number_is_not_booked_either(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody knows whose it is."""
    meter.content = b"1-0:1.8.0*255(0000001.000*kWh)\r\n"
    await poll(hass, freezer)
    assert energy(hass) == STATE_UNAVAILABLE
    assert told(caplog, "holds no meter number") == 1


# -- who the meter is -------------------------------------------------------------


WITHOUT_NUMBER = b"1-0:1.8.0*255(0008048.375*kWh)\r\n"


async def set_up_without_number(
    hass: HomeAssistant, meter: SimulatedMeter, maker: str = "ISK"
) -> MockConfigEntry:
    """Return an entry of a meter that has sent no number yet, and its sensor."""
    content, meter.content = meter.content, WITHOUT_NUMBER
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        data={**entry_data(meter_id="01ABC"), "manufacturer": maker},
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    meter.content = content
    return entry


def unique_ids(hass: HomeAssistant, entry: MockConfigEntry) -> set[str]:
    """Return the unique ids of the sensors of an entry."""
    return {
        one.unique_id
        for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    }


async def test_a_number_that_comes_late_renames_no_sensor(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """From then on it tells the meter from others, and the history goes on."""
    entry = await set_up_without_number(hass, meter)
    assert unique_ids(hass, entry) == {"01ABC_1-0:1.8.0*255"}
    assert entry.unique_id is None

    await poll(hass, freezer)
    assert entry.unique_id == UNIQUE_ID
    assert entry.data[CONF_METER_ID] == "01ABC"
    assert {one.partition("_")[0] for one in unique_ids(hass, entry)} == {"01ABC"}
    assert energy(hass) == "8048.375"

    meter.content = CONTENT.replace(NUMBER.encode(), b"0087654321")
    await poll(hass, freezer)
    assert energy(hass) == STATE_UNAVAILABLE


async def test_a_number_that_nothing_has_checked_binds_nobody(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> None:
    """One damaged line would make the real meter another one for good."""
    meter = SimulatedMeter(
        identification=b"/ISk0MT174-0001", content=CONTENT, check=Check.NONE
    )
    ports.link = SimulatedLink(meter)
    entry = await set_up_without_number(hass, meter)
    await poll(hass, freezer)
    assert entry.unique_id is None
    assert energy(hass) == "8048.375"


async def test_the_number_of_another_entry_is_not_taken(
    hass: HomeAssistant,
    ports: Ports,
    entry: MockConfigEntry,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Two entries would carry one unique id."""
    entry.add_to_hass(hass)
    other = await set_up_without_number(hass, meter)
    await poll(hass, freezer)
    assert entry.unique_id == UNIQUE_ID
    assert other.unique_id is None


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
    await poll(hass, freezer)
    assert energy(hass) == STATE_UNAVAILABLE
    assert told(caplog, "Another meter answered") == 1
    assert entry.unique_id is None


async def test_a_maker_that_arrived_damaged_is_corrected_too(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter
) -> None:
    """As long as nothing is booked, whoever answers is the meter."""
    await set_up_without_number(hass, meter, maker="ISQ")
    assert energy(hass) == "8048.375"


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
    assert hass.states.async_entity_ids("sensor") == []
    assert entry.unique_id == UNIQUE_ID
    assert told(caplog, "holds no meter number") == 1


async def test_a_password_in_the_port_is_not_logged(
    hass: HomeAssistant, ports: Ports, caplog: pytest.LogCaptureFixture
) -> None:
    """The library below repeats the whole URL when it complains."""
    port = "socket://user:secret@gateway"
    ports.link.open_error = LinkError(f"socket://gateway: no port in {port}")
    entry = MockConfigEntry(domain=DOMAIN, title=NAME, data=entry_data(port))
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert told(caplog, "no port in socket://gateway") == 1
    assert told(caplog, "secret") == 0


# -- sensors that come and go ------------------------------------------------------


async def test_a_failing_first_readout_is_made_up_for(
    hass: HomeAssistant,
    ports: Ports,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The entry is loaded, has no sensors yet, and gets them from the next poll."""
    ports.link.open_error = LinkError("/dev/ttyUSB7: there is no such port")
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert hass.states.async_entity_ids("sensor") == []
    assert told(caplog, "there is no such port") == 1

    ports.link.open_error = None
    await poll(hass, freezer)
    assert energy(hass) == "8048.375"


async def test_a_code_that_stops_coming_is_unknown(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Its sensor stays, since the code may come back."""
    meter.content = CONTENT.replace(b"1-0:2.8.0*255(0000000.000*kWh)\r\n", b"")
    await poll(hass, freezer)
    assert energy(hass, EXPORT) == STATE_UNKNOWN
    assert energy(hass) == "8048.375"

    meter.content = CONTENT
    await poll(hass, freezer)
    assert energy(hass, EXPORT) == "0.000"


async def test_a_code_that_comes_later_gets_its_sensor_then(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A tariff that begins next month needs no restart."""
    tariff = "sensor.iskraemeco_mt174_0001_energy_import_tariff_3"
    assert hass.states.get(tariff) is None
    meter.content = CONTENT + b"1-0:1.8.3*255(0000000.125*kWh)\r\n"
    await poll(hass, freezer)
    assert energy(hass, tariff) == "0.125"


async def test_the_log_does_not_name_the_meter(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Above debug there is no meter number, whatever happens."""
    for fault in (Fault.DAMAGED_CHECK, Fault.NONE, Fault.CUT_OFF):
        meter.fault = fault
        await poll(hass, freezer)
    meter.content = CONTENT.replace(NUMBER.encode(), b"0087654321")
    await poll(hass, freezer)
    for record in caplog.records:
        if record.levelno > logging.DEBUG:
            assert NUMBER.lstrip("0") not in record.getMessage()
    assert NUMBER not in loaded.runtime_data.coordinator.name


async def test_an_entry_with_a_setting_that_cannot_work_is_not_loaded(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Somebody has edited the storage; nothing is opened."""
    entry = MockConfigEntry(domain=DOMAIN, data={**entry_data(), "wake_up": -1})
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert ports.opened == []
