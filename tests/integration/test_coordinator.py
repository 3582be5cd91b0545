"""Polling: when a meter is read, how long its readings stay, what the log says."""

from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import (
    CONF_GRACE,
    CONF_INTERVAL,
    CONF_MINUTE,
    CONF_SCHEDULE,
    CONF_TIME,
    DOMAIN,
)
from custom_components.iec62056.iec21.exceptions import LinkError, MeterRefusedError
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.iec21.steps import MeterStep, Send
from tests.integration.common import (
    CONTENT,
    NAME,
    NUMBER,
    PORT,
    UNIQUE_ID,
    entry_data,
    make_meter,
    pass_time,
    set_up,
    state_of,
    told,
)
from tests.integration.conftest import Ports

METER = "sensor.iskraemeco_mt174_0001"
ENERGY = f"{METER}_energy_import"
EXPORT = f"{METER}_energy_export"
LAST_ERROR = f"{METER}_last_error"

RISEN = CONTENT.replace(b"0008048.375", b"0008048.500")
"""What the meter sends a minute later."""


# -- when -------------------------------------------------------------------------


async def test_a_poll_brings_new_values(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The meter is read again after a minute, unless it takes long."""
    assert state_of(hass, ENERGY) == "8048.375"
    assert state_of(hass, EXPORT) == "0.000"
    meter.content = RISEN
    await pass_time(hass, freezer, seconds=58)
    assert ports.link.opened == 1
    await pass_time(hass, freezer, seconds=4)
    assert state_of(hass, ENERGY) == "8048.500"
    assert ports.link.opened == 2


@pytest.mark.parametrize(
    ("options", "times"),
    [
        (
            {CONF_SCHEDULE: "interval", CONF_INTERVAL: 600},
            ["10:02", "10:12", "10:22", "10:32"],
        ),
        (
            {CONF_SCHEDULE: "hourly", CONF_MINUTE: 5},
            ["10:02", "10:05", "11:05", "12:05"],
        ),
        (
            {CONF_SCHEDULE: "daily", CONF_TIME: "10:30:00"},
            ["10:02", "10:30", "10:30", "10:30"],
        ),
    ],
)
async def test_a_meter_is_read_when_the_user_wants_it(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
    options: dict[str, Any],
    times: list[str],
) -> None:
    """Every so often, at a minute of the hour or at a time of day."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-21 10:02:00+00:00")
    await set_up(hass, options)
    read = [f"{datetime.now(UTC):%H:%M}"]
    for _ in range(3 * 24 * 60):
        if len(read) == len(times):
            break
        opened = ports.link.opened
        await pass_time(hass, freezer, minutes=1)
        if ports.link.opened > opened:
            read.append(f"{datetime.now(UTC):%H:%M}")
    assert read == times


async def test_a_poll_that_comes_too_late_is_left_out(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> None:
    """A readout that takes longer than its interval is no reason for another one."""

    class SlowLink(SimulatedLink):
        """A link on which a readout takes twelve seconds of everybody's time."""

        async def close(self) -> None:
            freezer.tick(timedelta(seconds=12))
            await super().close()

    ports.link = SlowLink(make_meter())
    await set_up(hass, {CONF_SCHEDULE: "interval", CONF_INTERVAL: 5})
    assert ports.link.opened == 1
    await pass_time(hass, freezer, seconds=2)
    assert ports.link.opened == 1
    await pass_time(hass, freezer, seconds=2)
    assert ports.link.opened == 2


async def test_polling_that_the_user_has_switched_off_stays_off(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> None:
    """Then an automation of the user's asks for the readouts."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        unique_id=UNIQUE_ID,
        data=entry_data(),
        pref_disable_polling=True,
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    for _ in range(3):
        await pass_time(hass, freezer, hours=1)
    assert ports.link.opened == 1

    await async_setup_component(hass, "homeassistant", {})
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": ENERGY}, blocking=True
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert ports.link.opened == 2


async def test_a_failed_poll_of_a_long_interval_is_tried_again_soon(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """After 1, 5, 15 and 60 minutes, and from then on every hour."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-20 02:00:00+00:00")
    await set_up(hass, {CONF_SCHEDULE: "daily", CONF_TIME: "03:00:00"})
    meter.fault = Fault.SILENT
    await pass_time(hass, freezer, hours=1, seconds=1)
    opened = ports.link.opened
    assert state_of(hass, LAST_ERROR) == "no_answer"
    for minutes in (1, 5, 15, 60, 60):
        await pass_time(hass, freezer, seconds=60 * minutes - 5)
        assert ports.link.opened == opened
        await pass_time(hass, freezer, seconds=6)
        opened += 1
        assert ports.link.opened == opened
    meter.fault = Fault.NONE
    await pass_time(hass, freezer, hours=1, seconds=2)
    assert state_of(hass, LAST_ERROR) == "none"
    await pass_time(hass, freezer, hours=1, seconds=2)
    assert ports.link.opened == opened + 1


async def test_the_button_reads_the_meter_and_says_why_it_cannot(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
) -> None:
    """Whoever has asked gets the answer in words."""
    meter.content = RISEN
    coordinator = loaded.runtime_data.coordinator
    await coordinator.async_read_now()
    await hass.async_block_till_done()
    assert state_of(hass, ENERGY) == "8048.500"
    meter.fault = Fault.SILENT
    with pytest.raises(HomeAssistantError) as raised:
        await coordinator.async_read_now()
    assert raised.value.translation_key == "no_answer"


# -- failures ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words", "error"),
    [
        (Fault.SILENT, "The meter did not answer", "no_answer"),
        (
            Fault.SILENT | Fault.ECHO,
            "Only our own sign-on came back",
            "only_echo",
        ),
        (Fault.DAMAGED_CHECK, "arrived damaged and was not used", "garbled"),
        (
            Fault.CUT_OFF,
            "The answer cannot be used: the readout broke off",
            "garbled",
        ),
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
    error: str,
) -> None:
    """Nothing of a failed readout is booked; the readings stay for a quarter hour."""
    caplog.clear()
    meter.fault = fault
    meter.content = CONTENT.replace(b"0008048.375", b"9999999.999")
    for minute in range(1, 20):
        await pass_time(hass, freezer, seconds=60)
        expected = "8048.375" if minute < 15 else STATE_UNAVAILABLE
        assert state_of(hass, ENERGY) == expected
        assert state_of(hass, LAST_ERROR) == error
    assert told(caplog, words) == 1

    meter.fault = Fault.NONE
    meter.content = CONTENT
    await pass_time(hass, freezer, hours=1)
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.375"
    assert state_of(hass, LAST_ERROR) == "none"
    assert told(caplog, "recovered") == 1


async def test_readings_stay_as_long_as_the_user_says(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Some want to see at once that something is wrong."""
    await set_up(hass, {CONF_GRACE: 2})
    meter.fault = Fault.SILENT
    await pass_time(hass, freezer, seconds=70)
    assert state_of(hass, ENERGY) == "8048.375"
    await pass_time(hass, freezer, seconds=51)
    assert state_of(hass, ENERGY) == STATE_UNAVAILABLE


async def test_the_counters_go_on_while_the_meter_is_silent(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What they say is worth most then."""
    meter.fault = Fault.DAMAGED_CHECK
    for expected in ("3", "6"):
        # Each poll makes three attempts.
        await pass_time(hass, freezer, seconds=62)
        assert state_of(hass, f"{METER}_check_errors") == expected


@pytest.mark.parametrize(
    ("port", "error", "words", "name"),
    [
        (
            PORT,
            LinkError(f"{PORT}: the adapter was unplugged"),
            f"The port cannot be used: {PORT}: the adapter was unplugged",
            "port_missing",
        ),
        (
            "socket://gateway:2000",
            LinkError("socket://gateway:2000: connection refused"),
            "The port cannot be used: socket://gateway:2000: connection refused",
            "gateway_unreachable",
        ),
        (PORT, MeterRefusedError("ER25"), "refused to be read: ER25", "refused"),
        (
            "esphome-hass://esphome/01ABC?port_name=head",
            HomeAssistantError("ESPHome is not ready"),
            "The port cannot be used: ESPHome is not ready",
            "gateway_unreachable",
        ),
    ],
)
async def test_an_error_is_logged_in_words(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    port: str,
    error: LinkError,
    words: str,
    name: str,
) -> None:
    """What the port or the meter says about it is part of the message."""
    await set_up(hass, port=port)
    ports.link.open_error = error
    await pass_time(hass, freezer, seconds=62)
    assert told(caplog, words) == 1
    assert state_of(hass, LAST_ERROR) == name
    ports.link.open_error = None
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, LAST_ERROR) == "none"


class Mute(SimulatedMeter):
    """A meter that says who it is, and nothing else."""

    def answer(self, data: bytes) -> list[MeterStep]:
        """Answer a sign-on only."""
        return [Send(self._announced.to_bytes())] if b"!" in data else []


class Noisy(SimulatedMeter):
    """A meter of which only noise arrives."""

    def answer(self, _data: bytes) -> list[MeterStep]:
        """Answer with three characters that mean nothing."""
        return [Send(b"~U*")]


async def test_an_answer_that_is_not_finished_is_no_silence(
    hass: HomeAssistant,
    ports: Ports,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says that somebody was there."""
    ports.link = SimulatedLink(Mute(identification=b"/ISk5MT174-0001", content=b""))
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, LAST_ERROR) == "garbled"
    assert told(caplog, "began to answer and did not finish") == 1


async def test_noise_in_place_of_an_answer_is_no_silence(
    hass: HomeAssistant,
    ports: Ports,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Something is there, and the head sits badly or the speed is wrong."""
    ports.link = SimulatedLink(Noisy(identification=b"/ISk5MT174-0001", content=b""))
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, LAST_ERROR) == "garbled"
    assert told(caplog, "no answer of a meter") == 1


async def test_a_password_in_the_port_is_not_logged(
    hass: HomeAssistant, ports: Ports, caplog: pytest.LogCaptureFixture
) -> None:
    """The library below repeats the whole URL when it complains."""
    port = "socket://user:secret@gateway"
    ports.link.open_error = LinkError(f"socket://gateway: no port in {port}")
    await set_up(hass, port=port)
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
    assert hass.states.get(ENERGY) is None
    assert told(caplog, "there is no such port") == 1

    ports.link.open_error = None
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.375"


async def test_a_code_that_stops_coming_is_unknown(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Its sensor stays, since the code may come back."""
    meter.content = CONTENT.replace(b"1-0:2.8.0*255(0000000.000*kWh)\r\n", b"")
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, EXPORT) == STATE_UNKNOWN
    assert state_of(hass, ENERGY) == "8048.375"

    meter.content = CONTENT
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, EXPORT) == "0.000"


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
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, tariff) == "0.125"


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
        await pass_time(hass, freezer, seconds=62)
    meter.content = CONTENT.replace(NUMBER.encode(), b"0087654321")
    await pass_time(hass, freezer, seconds=62)
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
