"""The form about a meter that was found: its name, how often it is read, what it costs.

What leads to it is in test_config_flow.
"""

import asyncio
from typing import Any
from unittest.mock import patch

from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import (
    EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE,
    EVENT_DATA_ENTRY_FLOW_PROGRESSED,
    FlowResultType,
)
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.iec62056.const import (
    CONF_INTERVAL,
    CONF_MAX_BAUD_RATE,
    CONF_MINUTE,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_THROTTLE,
    CONF_TIME,
    DOMAIN,
)
from custom_components.iec62056.form import CONF_SLOW, CONF_TIMES
from custom_components.iec62056.iec21.simulator import (
    Fault,
    PushMeter,
    SimulatedLine,
    SimulatedLink,
)
from custom_components.iec62056.ports import async_bus
from tests.integration.common import (
    ACCEPTED,
    CONTENT,
    NAME,
    PORT,
    REPLIES,
    TIMES,
    HeldLink,
    after_progress,
    bytes_until,
    defaults,
    entry_data,
    find,
    make_meter,
    open_form,
    said,
    settled,
    shown_fields,
    submit,
    suggested,
)
from tests.integration.conftest import Ports

NUMBER_LAST = (
    b"1-0:1.8.0*255(0008048.375*kWh)\r\n"
    b"1-0:2.8.0*255(0000000.000*kWh)\r\n"
    b"1-0:0.0.0*255(0012345678)\r\n"
)

HEAT = b"6.8(0012.345*MWh)6.26(01234.56*m3)9.20(12345678)\r\n"
"""Synthetic, in the shape of a heat meter's."""


# -- progress ----------------------------------------------------------------------


async def test_the_progress_says_what_goes_on(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Speed, registers and time are there, and move; the browser is told to look."""
    told = async_capture_events(hass, EVENT_DATA_ENTRY_FLOW_PROGRESSED)
    moved = async_capture_events(hass, EVENT_DATA_ENTRY_FLOW_PROGRESS_UPDATE)
    link = ports.link = HeldLink(
        # A line is through once the next one has begun.
        make_meter(NUMBER_LAST),
        after=bytes_until(b"2.8.0", NUMBER_LAST),
    )
    with patch("custom_components.iec62056.config_flow._TICK", 0.01):
        progress = await submit(hass, await open_form(hass), REPLIES)
        assert progress["progress_action"] == "search"
        assert said(progress)["baud_rate"] == "300"
        assert said(progress)["time_left"] == "40"

        await link.held.wait()
        while said(shown := await look(hass, progress))["registers"] != "1":
            pass
        assert shown["progress_action"] == "read"
        assert said(shown) == {
            "device": PORT,
            "meter": NAME,
            "baud_rate": "9600",
            "registers": "1",
            "time_left": "40",
        }
        assert told
        assert 0 <= moved[-1].data["progress"] < 1

        link.let_go.set()
        assert (await after_progress(hass, progress))["step_id"] == "meter"
    hass.config_entries.flow.async_abort(progress["flow_id"])
    await settled(hass)


async def look(hass: HomeAssistant, progress: Any) -> Any:
    """Return what a browser gets that looks at a dialog, again and again."""
    await asyncio.sleep(0)
    return await hass.config_entries.flow.async_configure(progress["flow_id"])


async def test_the_progress_says_that_the_port_is_busy(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Nobody wonders why nothing happens while a neighbour is read."""
    bus = await async_bus(hass, PORT)
    with patch("custom_components.iec62056.config_flow._TICK", 0.01):
        async with bus.lock:
            progress = await submit(hass, await open_form(hass), REPLIES)
            while (shown := await look(hass, progress))["progress_action"] != "wait":
                pass
            assert said(shown)["time_left"] == "300"
        assert (await after_progress(hass, progress))["step_id"] == "meter"
    hass.config_entries.flow.async_abort(progress["flow_id"])
    await settled(hass)


# -- the name ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "address", "name"),
    [
        ([], "", NAME),
        ([NAME], "", f"{NAME} (2)"),
        ([NAME, f"{NAME} (2)"], "", f"{NAME} (3)"),
        ([NAME], "002", f"{NAME} 2"),
        ([NAME, f"{NAME} 2"], "002", f"{NAME} (2)"),
        # It is the number on the plate.
        ([NAME], "12345678", f"{NAME} (2)"),
    ],
)
async def test_the_suggested_name_is_nobody_elses(
    hass: HomeAssistant, ports: Ports, taken: list[str], address: str, name: str
) -> None:
    """Two meters of one type would share the names of all their sensors."""
    for title in taken:
        MockConfigEntry(
            domain=DOMAIN,
            title=title,
            unique_id=title,
            data=entry_data("/dev/ttyUSB9"),
        ).add_to_hass(hass)
    ports.link = SimulatedLink(
        SimulatedLine(meters=[make_meter(address=address)]) if address else make_meter()
    )
    replies = {**REPLIES, "advanced": {"address": address}}
    shown = await find(hass, await open_form(hass), replies)
    assert defaults(shown)[CONF_NAME] == name
    result = await submit(hass, shown, {**ACCEPTED, CONF_NAME: ""})
    assert result["title"] == name
    await settled(hass)


# -- how it is read ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "stored"),
    [
        ("automatic", {}),
        ("interval", {CONF_INTERVAL: 3600}),
        ("hourly", {CONF_MINUTE: 59}),
        ("daily", {CONF_TIME: "06:30:00"}),
    ],
)
async def test_a_schedule_is_stored_with_its_own_time(
    hass: HomeAssistant, ports: Ports, schedule: str, stored: dict[str, Any]
) -> None:
    """What belongs to another schedule is forgotten."""
    shown = await find(hass, await open_form(hass))
    times = {CONF_INTERVAL: 3600, CONF_MINUTE: 59, CONF_TIME: "06:30:00"}
    answers = {**ACCEPTED, CONF_SCHEDULE: schedule, CONF_TIMES: times}
    result = await submit(hass, shown, answers)
    assert result["options"] == {
        CONF_SUPPLY: "mains",
        CONF_SCHEDULE: schedule,
        **stored,
    }
    await settled(hass)


async def test_the_interval_counts_every_meter_on_the_port(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Where that gets long, the form says what helps."""
    bus = await async_bus(hass, PORT)
    bus.durations["a neighbour"] = 8.0
    shown = await find(hass, await open_form(hass))
    interval = defaults(shown)[CONF_TIMES][CONF_INTERVAL]
    assert 100 <= interval < 120
    assert said(shown)["interval"] == f"{interval} s"
    assert CONF_SLOW not in shown_fields(shown)
    await settled(hass)

    # Reading takes 58 s in all, and some.
    bus.durations["another one"] = 50.0
    again = await find(hass, await open_form(hass))
    assert said(again)["interval"] == "10 min"
    assert CONF_SLOW in shown_fields(again)
    result = await submit(hass, again, {**ACCEPTED, CONF_SLOW: {}})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settled(hass)


async def test_a_meter_that_sends_by_itself_has_no_schedule(
    hass: HomeAssistant, ports: Ports
) -> None:
    """It is asked how often its values are wanted."""
    meter = PushMeter(identification=b"/ISk5MT174-0001", content=CONTENT)
    ports.link = SimulatedLink(meter)
    replies = {**REPLIES, "advanced": {"mode": "d"}}
    shown = await find(hass, await open_form(hass), replies)
    assert defaults(shown) == {CONF_NAME: NAME, CONF_THROTTLE: 10.0}
    result = await submit(hass, shown, {CONF_NAME: NAME, CONF_THROTTLE: 10.0})
    assert result["options"] == {}
    await hass.config_entries.async_unload(result["result"].entry_id)
    await settled(hass)


async def test_the_throttle_of_a_meter_that_sends_by_itself_is_stored(
    hass: HomeAssistant, ports: Ports
) -> None:
    """If it is not the usual one."""
    meter = PushMeter(identification=b"/ISk5MT174-0001", content=CONTENT)
    ports.link = SimulatedLink(meter)
    replies = {**REPLIES, "advanced": {"mode": "d"}}
    shown = await find(hass, await open_form(hass), replies)
    result = await submit(hass, shown, {CONF_NAME: NAME, CONF_THROTTLE: 60.0})
    assert result["options"] == {CONF_THROTTLE: 60.0}
    await hass.config_entries.async_unload(result["result"].entry_id)
    await settled(hass)


async def test_a_speed_that_was_stepped_down_is_not_stored(
    hass: HomeAssistant, ports: Ports
) -> None:
    """A dirty head gets cleaned; the entry tries the higher speed again."""
    ports.link = SimulatedLink(make_meter(fault=Fault.WRONG_SPEED))
    shown = await find(hass, await open_form(hass))
    await settled(hass)
    assert ports.link.baud_rates
    result = await submit(hass, shown, ACCEPTED)
    assert CONF_MAX_BAUD_RATE not in result["data"]
    await settled(hass)


# -- a battery ---------------------------------------------------------------------


async def test_a_heat_meter_is_read_once_a_day(
    hass: HomeAssistant, ports: Ports
) -> None:
    """It lives on a battery, even if it answers without being woken up."""
    ports.link = SimulatedLink(make_meter(HEAT, identification=b"/LUGCUH50"))
    shown = await find(hass, await open_form(hass))
    accepted = defaults(shown)
    assert accepted[CONF_SUPPLY] == "battery"
    assert accepted[CONF_SCHEDULE] == "daily"
    result = await submit(hass, shown, accepted)
    assert result["options"] == {
        CONF_SUPPLY: "battery",
        CONF_SCHEDULE: "daily",
        CONF_TIME: "23:45:00",
    }
    await settled(hass)


async def test_reading_a_battery_meter_often_names_its_cost(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Whoever has read that may do so, or go back with everything kept."""
    shown = await find(hass, await open_form(hass))
    answers = {**ACCEPTED, CONF_SUPPLY: "battery", CONF_SCHEDULE: "hourly"}
    warning = await submit(hass, shown, {**answers, CONF_NAME: "Heat"})
    assert warning["type"] is FlowResultType.MENU
    assert warning["step_id"] == "battery"
    assert said(warning) == {"readouts": "24", "hours": "12"}

    back = await submit(hass, warning, {"next_step_id": "meter"})
    assert back["step_id"] == "meter"
    assert suggested(back)[CONF_NAME] == "Heat"
    assert suggested(back)[CONF_SCHEDULE] == "hourly"

    every_six_hours = {
        **answers,
        CONF_SCHEDULE: "interval",
        CONF_TIMES: {**TIMES, CONF_INTERVAL: 6 * 3600},
    }
    warning = await submit(hass, back, every_six_hours)
    assert said(warning) == {"readouts": "4", "hours": "2"}
    result = await submit(hass, warning, {"next_step_id": "accept"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["options"] == {
        CONF_SUPPLY: "battery",
        CONF_SCHEDULE: "interval",
        CONF_INTERVAL: 6 * 3600,
    }
    await settled(hass)


async def test_a_battery_meter_that_is_read_rarely_needs_no_warning(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Every two days is less than every day."""
    shown = await find(hass, await open_form(hass))
    answers = {
        **ACCEPTED,
        CONF_SUPPLY: "battery",
        CONF_SCHEDULE: "interval",
        CONF_TIMES: {**TIMES, CONF_INTERVAL: 2 * 86400},
    }
    result = await submit(hass, shown, answers)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settled(hass)
