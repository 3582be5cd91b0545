"""Meters that send by themselves: listened to all the time, shown now and then."""

import asyncio
from datetime import timedelta
from typing import override

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.iec62056.const import CONF_THROTTLE, DOMAIN
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.framing import crc16
from custom_components.iec62056.iec21.simulator import SimulatedLink
from tests.integration.common import (
    NAME,
    NUMBER,
    UNIQUE_ID,
    entry_data,
    make_meter,
    state_of,
    told,
)
from tests.integration.conftest import Ports

METER = "sensor.iskraemeco_mt174_0001"
ENERGY = f"{METER}_energy_import"
POWER = f"{METER}_power_import"
LAST_ERROR = f"{METER}_last_error"


def telegram(
    energy: str,
    *,
    number: str = NUMBER,
    checked: bool = True,
    power: str = "00.100",
    time: str = "",
) -> bytes:
    """Return a telegram as an eHZ sends it, with or without a check and a time."""
    body = (
        b"/ISk5MT174-0001\r\n\r\n"
        + f"1-0:0.0.0*255({number})\r\n".encode()
        + (
            f"1-0:0.9.1*255({time})\r\n1-0:0.9.2*255(261121)\r\n" if time else ""
        ).encode()
        + f"1-0:1.8.0*255({energy}*kWh)\r\n".encode()
        + f"1-0:1.7.0*255({power}*kW)\r\n".encode()
        + b"!"
    )
    return body + (f"{crc16(body):04X}".encode() if checked else b"") + b"\r\n"


class FedLink(SimulatedLink):
    """A link on which a test says what arrives, and when the line has gone quiet."""

    def __init__(self) -> None:
        """Begin with a silent line."""
        super().__init__(make_meter())
        self.arriving: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    @override
    async def read(self, patience: float) -> bytes:
        arrived = await self.arriving.get()
        if isinstance(arrived, Exception):
            raise arrived
        return arrived


@pytest.fixture
def line(ports: Ports) -> FedLink:
    """Put a line that a test feeds behind every port."""
    link = ports.link = FedLink()
    return link


async def settle() -> None:
    """Let a task go on that listens, and that does not end by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


async def feed(hass: HomeAssistant, line: FedLink, *arriving: bytes) -> None:
    """Let bytes arrive and be read."""
    for one in arriving:
        line.arriving.put_nowait(one)
    await settle()
    await hass.async_block_till_done()


async def pass_time_listening(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass while a task listens that does not end by itself."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    await settle()


async def listening(
    hass: HomeAssistant, options: dict[str, float] | None = None
) -> MockConfigEntry:
    """Return an entry of a meter that sends by itself, set up."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        unique_id=UNIQUE_ID,
        data={**entry_data(), "mode": "d", "baud_rate": 9600},
        options=options or {},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def test_every_telegram_counts_and_some_are_shown(
    hass: HomeAssistant, line: FedLink, freezer: FrozenDateTimeFactory
) -> None:
    """A state every second would fill the recorder; the last one is never lost."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    assert state_of(hass, ENERGY) == "1.000"
    for value in ("000001.001", "000001.002"):
        await feed(hass, line, telegram(value))
    assert state_of(hass, ENERGY) == "1.000"
    assert entry.runtime_data.coordinator.record.readouts == 3

    await pass_time_listening(hass, freezer, 9)
    assert state_of(hass, ENERGY) == "1.000"
    await pass_time_listening(hass, freezer, 2)
    assert state_of(hass, ENERGY) == "1.002"
    # The next one is late enough to be shown at once.
    await pass_time_listening(hass, freezer, 11)
    await feed(hass, line, telegram("000001.003"))
    assert state_of(hass, ENERGY) == "1.003"
    assert line.opened == 1
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert line.closed


async def test_the_user_says_how_often_they_are_shown(
    hass: HomeAssistant, line: FedLink, freezer: FrozenDateTimeFactory
) -> None:
    """Live power every second is what some have bought the head for."""
    entry = await listening(hass, {CONF_THROTTLE: 1})
    await feed(hass, line, telegram("000001.000"))
    await pass_time_listening(hass, freezer, 1)
    await feed(hass, line, telegram("000001.000", power="00.200"))
    assert state_of(hass, POWER) == "0.200"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_without_a_check_a_value_has_to_come_twice(
    hass: HomeAssistant, line: FedLink, freezer: FrozenDateTimeFactory
) -> None:
    """One damaged digit would make months of consumption."""
    entry = await listening(hass, {CONF_THROTTLE: 1})
    await feed(hass, line, telegram("000001.000", checked=False))
    assert hass.states.get(ENERGY) is None
    await feed(hass, line, telegram("000001.000", checked=False))
    await pass_time_listening(hass, freezer, 2)
    assert state_of(hass, ENERGY) == "1.000"

    await feed(hass, line, telegram("900001.000", checked=False))
    await pass_time_listening(hass, freezer, 2)
    assert state_of(hass, ENERGY) == "1.000"
    assert state_of(hass, f"{METER}_refused_values") == "1"
    await feed(hass, line, telegram("000001.001", checked=False))
    await pass_time_listening(hass, freezer, 2)
    assert state_of(hass, ENERGY) == "1.001"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_silence_is_noticed_and_said_once(
    hass: HomeAssistant,
    line: FedLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The head was knocked off; the port is opened again every minute."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    await feed(hass, line, b"")
    assert state_of(hass, LAST_ERROR) == "no_answer"
    assert state_of(hass, ENERGY) == "1.000"
    assert line.closed
    for opened in range(2, 17):
        await pass_time_listening(hass, freezer, 61)
        assert line.opened == opened
        await feed(hass, line, b"")
    assert state_of(hass, ENERGY) == STATE_UNAVAILABLE
    assert told(caplog, "The meter did not answer") == 1

    await pass_time_listening(hass, freezer, 61)
    await feed(hass, line, telegram("000002.000"))
    assert state_of(hass, ENERGY) == "2.000"
    assert state_of(hass, LAST_ERROR) == "none"
    assert told(caplog, "recovered") == 1
    await hass.config_entries.async_unload(entry.entry_id)


async def test_an_adapter_that_is_pulled_out_is_noticed(
    hass: HomeAssistant,
    line: FedLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And used again once it is back."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    line.arriving.put_nowait(LinkError("the adapter was unplugged"))
    await feed(hass, line)
    assert state_of(hass, LAST_ERROR) == "port_missing"
    assert told(caplog, "the adapter was unplugged") == 1
    await pass_time_listening(hass, freezer, 61)
    await feed(hass, line, telegram("000001.500"))
    assert state_of(hass, ENERGY) == "1.500"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_telegrams_of_another_meter_are_not_booked(
    hass: HomeAssistant,
    line: FedLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The heads of two meters were exchanged."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    for _ in range(3):
        await feed(hass, line, telegram("000009.000", number="0087654321"))
    assert state_of(hass, LAST_ERROR) == "other_meter"
    assert told(caplog, "Another meter answered") == 1
    await pass_time_listening(hass, freezer, 11)
    await feed(hass, line, telegram("000001.001"))
    assert state_of(hass, ENERGY) == "1.001"
    assert state_of(hass, LAST_ERROR) == "none"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_damaged_telegrams_are_counted(
    hass: HomeAssistant, line: FedLink, freezer: FrozenDateTimeFactory
) -> None:
    """They cost nothing else: the next one comes soon."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000").replace(b"1.7.0", b"1.7.1"))
    await feed(hass, line, telegram("000001.000"))
    assert state_of(hass, ENERGY) == "1.000"
    assert entry.runtime_data.coordinator.record.check_errors == 1
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_port_that_home_assistant_reaches_for_us_may_not_be_ready(
    hass: HomeAssistant,
    line: FedLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """ESPHome starts later than we do."""
    line.open_error = HomeAssistantError("ESPHome is not ready")  # type: ignore[assignment]  # What the proxy raises.
    entry = await listening(hass)
    await settle()
    assert told(caplog, "ESPHome is not ready") == 1
    line.open_error = None
    await pass_time_listening(hass, freezer, 61)
    await feed(hass, line, telegram("000001.000"))
    assert state_of(hass, ENERGY) == "1.000"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_meter_that_sends_by_itself_is_never_asked(
    hass: HomeAssistant, line: FedLink, caplog: pytest.LogCaptureFixture
) -> None:
    """An action for its sensors neither waits for the port nor opens it again."""
    await async_setup_component(hass, "homeassistant", {})
    entry = await listening(hass)
    assert hass.states.async_entity_ids("button") == []
    for known in (False, True):
        async with asyncio.timeout(5):
            await hass.services.async_call(
                "homeassistant",
                "update_entity",
                {"entity_id": f"{METER}_last_readout"},
                blocking=True,
            )
            await entry.runtime_data.coordinator.async_refresh()
        assert entry.runtime_data.coordinator.last_update_success is known
        await feed(hass, line, telegram("000001.000"))
    assert state_of(hass, ENERGY) == "1.000"
    assert line.opened == 1
    await hass.config_entries.async_unload(entry.entry_id)


async def update(hass: HomeAssistant) -> None:
    """Have a sensor updated, as automations do."""
    await async_setup_component(hass, "homeassistant", {})
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": ENERGY}, blocking=True
    )


async def test_nothing_but_damaged_telegrams_is_an_outage(
    hass: HomeAssistant,
    line: FedLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After a minute; the line is not silent, so nothing else would tell."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    damaged = telegram("000009.000").replace(b"1.7.0", b"1.7.1")
    for minute in range(1, 16):
        await feed(hass, line, damaged)
        assert state_of(hass, ENERGY) == "1.000"
        await pass_time_listening(hass, freezer, 60)
        assert state_of(hass, LAST_ERROR) == "garbled"
        assert state_of(hass, f"{METER}_check_errors") == str(minute)
    assert state_of(hass, ENERGY) == STATE_UNAVAILABLE
    assert told(caplog, "arrived damaged") == 1
    assert line.opened == 1

    await feed(hass, line, telegram("000001.500"))
    await pass_time_listening(hass, freezer, 11)
    assert state_of(hass, ENERGY) == "1.500"
    assert state_of(hass, LAST_ERROR) == "none"
    assert told(caplog, "recovered") == 1
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_readings_do_not_stay_while_another_meter_sends(
    hass: HomeAssistant, line: FedLink, freezer: FrozenDateTimeFactory
) -> None:
    """They are as old as if nobody did."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    for minute in range(1, 20):
        await pass_time_listening(hass, freezer, 60)
        await feed(hass, line, telegram("000009.000", number="0087654321"))
        expected = "1.000" if minute < 15 else STATE_UNAVAILABLE
        assert state_of(hass, ENERGY) == expected
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_the_clock_is_compared_anew_with_every_telegram(
    hass: HomeAssistant, line: FedLink, freezer: FrozenDateTimeFactory
) -> None:
    """With the time at which that one arrived, and not with that of the first."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-21 12:00:00+00:00")
    entry = await listening(hass)
    record = entry.runtime_data.coordinator.record
    for minute, second in ((0, 7), (10, 7), (20, 9)):
        await feed(hass, line, telegram("000001.000", time=f"12{minute:02}{second:02}"))
        assert record.clock_deviation == timedelta(seconds=second)
        await pass_time_listening(hass, freezer, 600)
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_neighbour_that_is_polled_is_told_at_once_who_has_the_port(
    hass: HomeAssistant,
    line: FedLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It would wait for its turn for good, without a word, otherwise."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    neighbour = MockConfigEntry(
        domain=DOMAIN, title="Flat 7", data=entry_data(address="7", meter_id="01ABC")
    )
    neighbour.add_to_hass(hass)
    assert await hass.config_entries.async_setup(neighbour.entry_id)
    await settle()
    await hass.async_block_till_done()
    assert state_of(hass, "sensor.flat_7_last_error") == "port_missing"
    assert told(caplog, "a meter that sends by itself has the port") == 1
    # Users name a meter after the people who live behind it.
    assert NAME not in str(neighbour.runtime_data.coordinator.last_exception)
    assert line.opened == 1

    # The port is free once nobody listens any more.
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert not neighbour.runtime_data.coordinator.bus.is_listened_to
    assert await hass.config_entries.async_unload(neighbour.entry_id)


async def test_an_action_in_an_outage_does_not_end_it(
    hass: HomeAssistant,
    line: FedLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It asks nobody, so it says nothing either."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    for _ in range(3):
        await feed(hass, line, b"")
        await update(hass)
        assert not entry.runtime_data.coordinator.last_update_success
        await pass_time_listening(hass, freezer, 61)
    assert told(caplog, "recovered") == 0
    assert told(caplog, "Error requesting") == 1
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_an_outage_that_changes_its_kind_is_one_line_in_the_log(
    hass: HomeAssistant,
    line: FedLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Silence, no port, another meter: it is one and the same until it is over."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    await feed(hass, line, b"")
    assert state_of(hass, LAST_ERROR) == "no_answer"
    await pass_time_listening(hass, freezer, 61)
    line.arriving.put_nowait(LinkError("the adapter was unplugged"))
    await feed(hass, line)
    assert state_of(hass, LAST_ERROR) == "port_missing"
    await pass_time_listening(hass, freezer, 61)
    await feed(hass, line, telegram("000001.000", number="0087654321"))
    assert state_of(hass, LAST_ERROR) == "other_meter"
    assert told(caplog, "Error requesting") == 1
    await feed(hass, line, telegram("000001.001"))
    assert state_of(hass, LAST_ERROR) == "none"
    assert told(caplog, "Error requesting") == told(caplog, "recovered") == 1
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_bug_while_listening_is_seen_and_stops_nothing(
    hass: HomeAssistant,
    line: FedLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The traceback is in the log, the port is free, and a minute later it goes on."""
    entry = await listening(hass)
    await feed(hass, line, telegram("000001.000"))
    line.arriving.put_nowait(RuntimeError("a bug"))
    await feed(hass, line)
    assert told(caplog, "Unexpected error listening") == 1
    assert "RuntimeError: a bug" in caplog.text
    assert state_of(hass, LAST_ERROR) == "garbled"
    assert line.closed
    await pass_time_listening(hass, freezer, 61)
    assert line.opened == 2
    await feed(hass, line, telegram("000001.500"))
    assert state_of(hass, ENERGY) == "1.500"
    assert state_of(hass, LAST_ERROR) == "none"
    assert await hass.config_entries.async_unload(entry.entry_id)
