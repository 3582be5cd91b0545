"""Reconfigure: an entry reads its meter elsewhere, and nobody else's."""

import asyncio
from threading import Barrier, Event
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import (
    CONF_ADDRESS,
    CONF_INTERVAL,
    CONF_MANUFACTURER,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    DOMAIN,
)
from custom_components.iec62056.form import CONF_ADD_ANYWAY, CONF_ADVANCED, CONF_DETAILS
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLine,
    SimulatedLink,
)
from tests.integration.common import (
    CONTENT,
    NAME,
    PORT,
    REPLIES,
    UNIQUE_ID,
    HeldLink,
    after_progress,
    bytes_until,
    entry_data,
    find,
    make_meter,
    open_form,
    settled,
    shown_fields,
    submit,
    suggested,
)
from tests.integration.conftest import Ports

OTHER_PORT = "/dev/ttyUSB8"
GATEWAY = "socket://192.0.2.7:2001"
ENERGY = "sensor.iskraemeco_mt174_0001_energy_import"
WITHOUT_NUMBER = b"1-0:1.8.0*255(0008048.375*kWh)\r\n"
BATTERY = {CONF_SUPPLY: "battery", CONF_SCHEDULE: "daily"}


def moved(device: str, address: str = "", **advanced: Any) -> dict[str, Any]:
    """Return what a user types whose meter is somewhere else now."""
    return {CONF_DEVICE: device, CONF_ADDRESS: address, CONF_ADVANCED: advanced}


def make_entry(
    unique_id: str | None = UNIQUE_ID,
    options: dict[str, Any] | None = None,
    **data: Any,
) -> MockConfigEntry:
    """Make an entry with other data or options than usual."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        unique_id=unique_id,
        data=entry_data() | data,
        options=options or {},
    )


async def reconfigure(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigFlowResult:
    """Open the form of an entry that is set up."""
    if entry.state is not ConfigEntryState.LOADED:
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await settled(hass)
    return await entry.start_reconfigure_flow(hass)


async def test_a_meter_is_found_again_behind_another_link(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """The port is free for the search, and one readout serves both."""
    form = await reconfigure(hass, loaded)
    assert form["step_id"] == "reconfigure"
    assert suggested(form)[CONF_DEVICE] == PORT
    assert suggested(form)[CONF_ADDRESS] == ""
    opened = ports.link.opened

    result = await find(hass, form, moved(GATEWAY))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert loaded.state is ConfigEntryState.LOADED
    assert loaded.data[CONF_DEVICE] == GATEWAY
    assert loaded.unique_id == UNIQUE_ID
    assert loaded.options == {CONF_INTERVAL: 60}
    assert ports.link.opened == opened + 1
    state = hass.states.get(ENERGY)
    assert state is not None
    assert state.state == "8048.375"


async def test_the_port_of_the_entry_can_be_searched(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Only the settings change; a readout that goes on is broken off."""
    form = await reconfigure(hass, loaded)
    result = await find(hass, form, moved(PORT, timeout=5.0))
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert loaded.data["timeout"] == 5.0
    assert loaded.state is ConfigEntryState.LOADED


async def test_settings_are_shown_as_they_are_and_can_be_emptied(
    hass: HomeAssistant, ports: Ports
) -> None:
    """What stands in no form is kept; how one adapter does parity is not."""
    entry = make_entry(
        max_baud_rate=4800, wake_up=66, switch_delay=0.1, software_parity=False
    )
    form = await reconfigure(hass, entry)
    assert suggested(form)["max_baud_rate"] == "4800"
    assert suggested(form)["wake_up"] == 66
    result = await find(hass, form, moved(OTHER_PORT, max_baud_rate="", wake_up=0))
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert entry.data == {
        **entry_data(OTHER_PORT),
        "switch_delay": 0.1,
        "check": "xor",
    }


async def test_what_is_typed_goes_before_what_was_found_out(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Where the two exclude each other, such as two ways to be woken up."""
    entry = make_entry(fast_wake_up=True)
    form = await reconfigure(hass, entry)
    result = await find(hass, form, moved(PORT, wake_up=66))
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert entry.data["wake_up"] == 66
    assert "fast_wake_up" not in entry.data


async def test_another_meter_is_not_taken(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Its counters are somebody else's; the entry goes on as before."""
    content = CONTENT.replace(b"0012345678", b"0087654321")
    ports.links[OTHER_PORT] = SimulatedLink(make_meter(content))
    form = await reconfigure(hass, loaded)
    result = await find(hass, form, moved(OTHER_PORT))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "unique_id_mismatch"
    await settled(hass)
    assert loaded.state is ConfigEntryState.LOADED
    assert loaded.data[CONF_DEVICE] == PORT


async def test_a_meter_of_another_maker_is_not_taken(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Even where the entry knows no number."""
    ports.link = SimulatedLink(make_meter(WITHOUT_NUMBER))
    entry = make_entry(None)
    form = await reconfigure(hass, entry)
    ports.links[OTHER_PORT] = SimulatedLink(make_meter(identification=b"/LGZ5ZMD310"))
    result = await find(hass, form, moved(OTHER_PORT))
    assert result["reason"] == "unique_id_mismatch"
    await settled(hass)
    assert entry.data[CONF_DEVICE] == PORT


async def test_a_number_that_is_missing_is_no_match(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """The readout is over, and nobody knows whose it was."""
    ports.links[OTHER_PORT] = SimulatedLink(make_meter(WITHOUT_NUMBER))
    form = await reconfigure(hass, loaded)
    result = await find(hass, form, moved(OTHER_PORT))
    assert result["reason"] == "unique_id_mismatch"
    await settled(hass)


async def test_a_number_that_is_still_to_come_is_looked_at_later(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry, monkeypatch: Any
) -> None:
    """At 300 Bd it may be minutes away; the entry keeps its own."""
    content = WITHOUT_NUMBER + CONTENT
    link = ports.links[OTHER_PORT] = HeldLink(
        make_meter(content), after=bytes_until(b"1.8.0", content)
    )
    monkeypatch.setattr("custom_components.iec62056.search.SEARCH_TIME", 0.2)
    monkeypatch.setattr("custom_components.iec62056.search.VALUES_TIME", 0.0)
    form = await reconfigure(hass, loaded)
    result = await find(hass, form, moved(OTHER_PORT))
    assert result["reason"] == "reconfigure_successful"
    assert loaded.unique_id == UNIQUE_ID
    link.let_go.set()
    await settled(hass)
    assert loaded.data[CONF_DEVICE] == OTHER_PORT
    assert loaded.unique_id == UNIQUE_ID


@pytest.mark.parametrize("address", ["", "7"])
async def test_a_failure_returns_to_the_form_and_the_entry_goes_on(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry, address: str
) -> None:
    """The port is given back at once; the next try may succeed."""
    broken = SimulatedLink(make_meter(fault=Fault.SILENT))
    ports.links[OTHER_PORT] = broken
    form = await reconfigure(hass, loaded)
    again = await find(hass, form, moved(OTHER_PORT, address))
    assert again["step_id"] == "reconfigure"
    assert again["errors"] == {"base": "no_answer"}
    assert suggested(again)[CONF_DEVICE] == OTHER_PORT
    assert suggested(again)[CONF_ADDRESS] == address
    # There is something to look at, and nothing to add.
    assert CONF_DETAILS in shown_fields(again)
    assert CONF_ADD_ANYWAY not in shown_fields(again)
    await settled(hass)
    assert loaded.state is ConfigEntryState.LOADED

    ports.links[OTHER_PORT] = SimulatedLink(
        SimulatedLine(meters=[make_meter(address=address)]) if address else make_meter()
    )
    result = await find(hass, again, moved(OTHER_PORT, address))
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert loaded.data[CONF_ADDRESS] == address


async def test_leaving_the_dialog_gives_the_port_back(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """While it searches, the entry is not set up; afterwards it is."""
    link = ports.link = HeldLink(make_meter(), after=3)
    form = await reconfigure(hass, loaded)
    await submit(hass, form, moved(PORT))
    await link.held.wait()
    state = hass.states.get(ENERGY)
    assert state is not None
    assert state.state == "unavailable"
    hass.config_entries.flow.async_abort(form["flow_id"])
    link.let_go.set()
    await settled(hass)
    assert loaded.state is ConfigEntryState.LOADED
    assert link.closed


async def test_submitting_twice_releases_the_port_once(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Two clicks are one search."""
    form = await reconfigure(hass, loaded)
    opened = ports.link.opened
    both_have_arrived = Barrier(2)

    def look_up(device: str) -> str:
        both_have_arrived.wait(5)
        return device

    with patch("homeassistant.components.usb.get_serial_by_id", look_up):
        shown = await asyncio.gather(
            submit(hass, form, moved(PORT)), submit(hass, form, moved(PORT))
        )
    result = await after_progress(hass, shown[0])
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert ports.link.opened == opened + 1
    assert loaded.state is ConfigEntryState.LOADED


async def test_an_entry_that_is_deleted_meanwhile_is_not_set_up_again(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """There is nothing to give the port back to."""
    link = ports.link = HeldLink(make_meter(), after=3)
    form = await reconfigure(hass, loaded)
    await submit(hass, form, moved(PORT))
    await link.held.wait()
    await hass.config_entries.async_remove(loaded.entry_id)
    hass.config_entries.flow.async_abort(form["flow_id"])
    await settled(hass)
    assert hass.config_entries.async_entries(DOMAIN) == []


async def test_a_port_that_another_dialog_reads_is_left_alone(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """The form says so, and the entry goes on."""
    link = ports.links[OTHER_PORT] = HeldLink(make_meter(), after=3)
    first = await open_form(hass)
    await submit(hass, first, {**REPLIES, CONF_DEVICE: OTHER_PORT})
    await link.held.wait()
    form = await reconfigure(hass, loaded)
    again = await submit(hass, form, moved(OTHER_PORT))
    assert again["errors"] == {"base": "already_in_progress"}
    hass.config_entries.flow.async_abort(first["flow_id"])
    await settled(hass)
    assert loaded.state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("replies", "errors"),
    [
        (moved(" "), {CONF_DEVICE: "invalid_device"}),
        (moved(PORT, "a/b"), {CONF_ADDRESS: "invalid_address"}),
        (moved(PORT, baud_rate="fast"), {CONF_ADVANCED: "invalid_baud_rate"}),
    ],
)
async def test_what_cannot_work_is_refused_before_anything_stops(
    hass: HomeAssistant,
    ports: Ports,
    loaded: MockConfigEntry,
    replies: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """The entry has not even noticed."""
    form = await reconfigure(hass, loaded)
    opened = ports.link.opened
    again = await submit(hass, form, replies)
    assert again["errors"] == errors
    assert loaded.state is ConfigEntryState.LOADED
    assert ports.link.opened == opened


async def test_whoever_answers_is_the_meter_of_an_entry_that_never_had_one(
    hass: HomeAssistant, ports: Ports
) -> None:
    """It was added anyway; with the meter come its number and its schedule."""
    ports.link.open_error = LinkError("there is no such port")
    entry = make_entry(None, manufacturer="")
    form = await reconfigure(hass, entry)
    content = b"6.8(0012.345*MWh)9.20(12345678)\r\n"
    ports.links[OTHER_PORT] = SimulatedLink(
        make_meter(content, identification=b"/LUGCUH50")
    )
    result = await find(hass, form, moved(OTHER_PORT))
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert entry.unique_id == "LUG_12345678"
    assert entry.data[CONF_MANUFACTURER] == "LUG"
    assert entry.options == BATTERY


async def test_a_meter_that_another_entry_has_is_not_taken_as_well(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """An entry that never had one cannot have this one either."""
    ports.links[OTHER_PORT] = SimulatedLink(make_meter(fault=Fault.SILENT))
    entry = make_entry(None, manufacturer="", device=OTHER_PORT, meter_id="other")
    form = await reconfigure(hass, entry)
    result = await find(hass, form, moved(PORT))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    await settled(hass)
    assert entry.data[CONF_DEVICE] == OTHER_PORT


async def test_a_meter_without_number_takes_its_new_address_with_it(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The address is part of what it is known by."""
    meters = [make_meter(WITHOUT_NUMBER, address=address) for address in ("1", "2")]
    ports.link = SimulatedLink(SimulatedLine(meters=meters))
    entry = make_entry("ISK_MT174-0001@1", address="1")
    form = await reconfigure(hass, entry)
    result = await find(hass, form, moved(PORT, "2"))
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert entry.unique_id == "ISK_MT174-0001@2"
    assert entry.data[CONF_ADDRESS] == "2"


# -- a battery meter sleeps on -----------------------------------------------------


async def test_a_battery_meter_is_not_woken_up_for_it(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Its next readout shows whether it is the right one."""
    entry = make_entry(options=BATTERY)
    form = await reconfigure(hass, entry)
    opened = ports.link.opened
    result = await submit(hass, form, moved(OTHER_PORT, "7"))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data[CONF_DEVICE] == OTHER_PORT
    assert entry.data[CONF_ADDRESS] == "7"
    assert entry.unique_id == UNIQUE_ID
    assert ports.link.opened == opened


@pytest.mark.parametrize(
    ("address", "unique_id"), [("1", "ISK_MT174-0001@1"), ("2", None)]
)
async def test_an_address_of_before_is_forgotten(
    hass: HomeAssistant, ports: Ports, address: str, unique_id: str | None
) -> None:
    """A battery meter without number is known by its address alone."""
    meters = [make_meter(WITHOUT_NUMBER, address="1")]
    ports.link = SimulatedLink(SimulatedLine(meters=meters))
    entry = make_entry("ISK_MT174-0001@1", BATTERY, address="1")
    form = await reconfigure(hass, entry)
    result = await submit(hass, form, moved(OTHER_PORT, address))
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)
    assert entry.unique_id == unique_id


async def test_a_battery_meter_does_not_move_to_somebody_elses_place(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Two entries for one place could not both be right."""
    other = make_entry("ISK_1", address="01", device=OTHER_PORT, meter_id="1")
    other.add_to_hass(hass)
    entry = make_entry(options=BATTERY)
    form = await reconfigure(hass, entry)
    again = await submit(hass, form, moved(OTHER_PORT, "1"))
    assert again["step_id"] == "reconfigure"
    assert again["errors"] == {"base": "address_taken"}
    assert entry.data[CONF_DEVICE] == PORT
    result = await submit(hass, again, moved(OTHER_PORT, "2"))
    assert result["reason"] == "reconfigure_successful"
    await settled(hass)


# -- a dialog that nobody looks at any more ---------------------------------------


@pytest.mark.parametrize("number", [b"0012345678", b"0087654321"])
async def test_a_closed_browser_leaves_no_entry_behind_unloaded(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry, number: bytes
) -> None:
    """The search ends by itself, and what follows from it waits for nobody."""
    content = CONTENT.replace(b"0012345678", number)
    ports.links[OTHER_PORT] = SimulatedLink(make_meter(content))
    form = await reconfigure(hass, loaded)
    await submit(hass, form, moved(OTHER_PORT))
    async with asyncio.timeout(20):
        while loaded.state is not ConfigEntryState.LOADED:  # noqa: ASYNC110  # The flow says nothing.
            await asyncio.sleep(0.01)
    await settled(hass)
    is_same = number in CONTENT
    assert loaded.data[CONF_DEVICE] == (OTHER_PORT if is_same else PORT)
    result = await hass.config_entries.flow.async_configure(form["flow_id"])
    assert result["reason"] == (
        "reconfigure_successful" if is_same else "unique_id_mismatch"
    )


@pytest.mark.parametrize("moves", [True, False])
async def test_a_dialog_that_is_closed_right_after_submitting_opens_nothing(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry, *, moves: bool
) -> None:
    """While the path of the port is looked up, nobody has begun to search."""
    opened = ports.link.opened
    form = await (reconfigure(hass, loaded) if moves else open_form(hass))
    replies = moved(PORT) if moves else REPLIES
    arrived, go_on = Event(), Event()

    def look_up(path: str) -> str:
        arrived.set()
        go_on.wait(5)
        return path

    with patch("homeassistant.components.usb.get_serial_by_id", look_up):
        submitting = hass.async_create_task(submit(hass, form, replies))
        await hass.async_add_executor_job(arrived.wait, 5)
        hass.config_entries.flow.async_abort(form["flow_id"])
        go_on.set()
        assert (await submitting)["type"] is FlowResultType.ABORT
    await settled(hass)
    assert loaded.state is ConfigEntryState.LOADED
    assert ports.link.opened == opened


async def test_a_dialog_that_is_closed_while_the_port_is_released_gives_it_back(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Unloading takes a moment, in which the dialog may go."""
    form = await reconfigure(hass, loaded)
    unload = hass.config_entries.async_unload

    async def unload_and_close(entry_id: str, **more: Any) -> bool:
        unloaded = await unload(entry_id, **more)
        if hass.config_entries.flow.async_progress():
            hass.config_entries.flow.async_abort(form["flow_id"])
        return unloaded

    with patch.object(hass.config_entries, "async_unload", unload_and_close):
        result = await submit(hass, form, moved(PORT))
    assert result["type"] is FlowResultType.ABORT
    await settled(hass)
    assert loaded.state is ConfigEntryState.LOADED
