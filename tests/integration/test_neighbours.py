"""Meters beside each other: on one line, on two ports, with and without numbers."""

from typing import Any

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.config_flow import CONF_CONNECTION, NEVER_FOUND
from custom_components.iec62056.const import (
    CONF_ADDRESS,
    CONF_MANUFACTURER,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    DOMAIN,
)
from custom_components.iec62056.form import CONF_ADD_ANYWAY, CONF_ADVANCED
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLine,
    SimulatedLink,
)
from tests.integration.common import (
    ACCEPTED,
    CONTENT,
    NAME,
    PORT,
    REPLIES,
    defaults,
    entry_data,
    find,
    make_meter,
    open_form,
    settled,
    submit,
    suggested,
)
from tests.integration.conftest import Ports

OTHER_PORT = "/dev/ttyUSB8"
WITHOUT_NUMBER = b"1-0:1.8.0*255(0008048.375*kWh)\r\n"


def at(address: str, port: str = PORT) -> dict[str, Any]:
    """Return what a user types for a meter with an address."""
    return {CONF_DEVICE: port, CONF_ADVANCED: {"address": address}}


def line(*addresses: str, content: bytes = WITHOUT_NUMBER) -> SimulatedLink:
    """Lay a line with a meter for each address; they share one content."""
    return SimulatedLink(
        SimulatedLine(
            meters=[make_meter(content, address=address) for address in addresses]
        )
    )


def neighbour(title: str = "Flat 1", port: str = PORT, **data: Any) -> MockConfigEntry:
    """Make an entry for a meter that is set up already."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=title,
        unique_id=title,
        data=entry_data(port, "1", meter_id=title) | data,
    )


# -- another meter on a connection in use ------------------------------------------


async def menu_of(hass: HomeAssistant) -> ConfigFlowResult:
    """Open the dialog."""
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})


@pytest.mark.parametrize(
    ("mode", "choices"),
    [
        (None, ["serial", "network"]),
        ("c", ["serial", "network", "shared"]),
        # It sends by itself, and nobody else can use its line.
        ("d", ["serial", "network"]),
    ],
)
async def test_a_connection_is_offered_once_there_is_one(
    hass: HomeAssistant, mode: str | None, choices: list[str]
) -> None:
    """The first meter needs a link of its own."""
    if mode is not None:
        neighbour(mode=mode).add_to_hass(hass)
    assert (await menu_of(hass))["menu_options"] == choices


async def test_another_meter_needs_an_address_and_nothing_else(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The line is as for its neighbour, unless something else is typed."""
    ports.link = line("2", content=CONTENT)
    first = neighbour(baud_rate=300, quiet_time=0.1, wake_up=3, check="sum")
    first.add_to_hass(hass)
    neighbour("Flat 3", address="3").add_to_hass(hass)
    neighbour("Garage", "socket://user:secret@gateway:2001").add_to_hass(hass)
    form = await open_form(hass, "shared")
    assert form["step_id"] == "shared"
    assert form["data_schema"] is not None
    options = form["data_schema"].schema[CONF_CONNECTION].config["options"]
    assert [option["label"] for option in options] == [
        f"{PORT} (Flat 1, Flat 3)",
        "socket://gateway:2001 (Garage)",
    ]

    replies = {
        CONF_CONNECTION: first.entry_id,
        CONF_ADDRESS: "2",
        CONF_ADVANCED: {"wake_up": 0, "timeout": 5.0},
    }
    shown = await find(hass, form, replies)
    await settled(hass)
    result = await submit(hass, shown, defaults(shown))
    assert result["data"] == {
        **entry_data(address="2"),
        "unconfirmed": True,
        "quiet_time": 0.1,
        "timeout": 5.0,
        "check": "xor",
    }
    await settled(hass)


@pytest.mark.parametrize(
    ("address", "advanced", "errors"),
    [
        (" ", {}, {CONF_ADDRESS: "address_required"}),
        ("a/b", {}, {CONF_ADDRESS: "invalid_address"}),
        ("2", {"baud_rate": "1"}, {CONF_ADVANCED: "invalid_baud_rate"}),
    ],
)
async def test_a_form_that_cannot_work_comes_back(
    hass: HomeAssistant,
    ports: Ports,
    address: str,
    advanced: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """With what was typed, and before anything is sent."""
    first = neighbour()
    first.add_to_hass(hass)
    replies = {CONF_CONNECTION: first.entry_id, CONF_ADVANCED: {}}
    form = await open_form(hass, "shared")
    again = await submit(
        hass, form, replies | {CONF_ADDRESS: address, CONF_ADVANCED: advanced}
    )
    assert again["errors"] == errors
    assert suggested(again)[CONF_ADDRESS] == address
    assert ports.opened == []
    ports.link = line("2", content=CONTENT)
    assert (await find(hass, again, replies | {CONF_ADDRESS: "2"}))["step_id"] == (
        "meter"
    )
    hass.config_entries.flow.async_abort(form["flow_id"])
    await settled(hass)


async def test_a_connection_that_is_gone_is_named(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Its entry was deleted while the form was open."""
    first, second = neighbour(), neighbour("Flat 2", OTHER_PORT)
    first.add_to_hass(hass)
    second.add_to_hass(hass)
    form = await open_form(hass, "shared")
    await hass.config_entries.async_remove(first.entry_id)
    replies = {CONF_ADDRESS: "2", CONF_ADVANCED: {}}
    again = await submit(hass, form, replies | {CONF_CONNECTION: first.entry_id})
    assert again["errors"] == {CONF_CONNECTION: "connection_gone"}
    ports.link = line("2", content=CONTENT)
    replies[CONF_CONNECTION] = second.entry_id
    assert (await find(hass, again, replies))["step_id"] == "meter"
    hass.config_entries.flow.async_abort(form["flow_id"])
    await settled(hass)


async def test_a_search_that_fails_comes_back_to_the_connection(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The next address may be the right one."""
    first = neighbour()
    first.add_to_hass(hass)
    ports.link = line("2", content=CONTENT)
    replies = {CONF_CONNECTION: first.entry_id, CONF_ADVANCED: {}}
    form = await open_form(hass, "shared")
    again = await find(hass, form, replies | {CONF_ADDRESS: "3"})
    assert again["step_id"] == "shared"
    assert again["errors"] == {"base": "no_answer"}
    shown = await find(hass, again, replies | {CONF_ADDRESS: "2"})
    result = await submit(hass, shown, ACCEPTED)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settled(hass)


# -- who is who without a number ---------------------------------------------------


async def set_up(
    hass: HomeAssistant, ports: Ports, port: str, address: str, content: bytes
) -> ConfigFlowResult:
    """Go the whole way for a meter on a line of its own."""
    ports.links[port] = line(address, content=content)
    shown = await find(hass, await open_form(hass), at(address, port))
    if shown["type"] is FlowResultType.FORM:
        shown = await submit(hass, shown, defaults(shown))
    await settled(hass)
    return shown


async def test_a_meter_without_number_is_known_by_type_and_address(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Its twin on another port has neither, and can be set up all the same."""
    first = await set_up(hass, ports, PORT, "0042", WITHOUT_NUMBER)
    assert first["result"].unique_id == "ISK_MT174-0001@42"
    again = await set_up(hass, ports, PORT, "42", WITHOUT_NUMBER)
    assert again["reason"] == "already_configured"

    twin = await set_up(hass, ports, OTHER_PORT, "42", WITHOUT_NUMBER)
    assert twin["result"].unique_id is None
    again = await set_up(hass, ports, OTHER_PORT, "42", WITHOUT_NUMBER)
    assert again["reason"] == "already_configured"


async def test_a_number_that_comes_late_makes_no_second_meter(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Its PIN was entered after it was set up."""
    await set_up(hass, ports, PORT, "42", WITHOUT_NUMBER)
    again = await set_up(hass, ports, PORT, "42", CONTENT)
    assert again["reason"] == "already_configured"


async def test_a_meter_that_was_exchanged_is_another_one(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Its place is the same, and its type tells."""
    await set_up(hass, ports, PORT, "42", WITHOUT_NUMBER)
    ports.links[PORT] = SimulatedLink(
        SimulatedLine(
            meters=[make_meter(address="42", identification=b"/ISk5MT372-0001")]
        )
    )
    shown = await find(hass, await open_form(hass), at("42"))
    assert shown["step_id"] == "meter"
    hass.config_entries.flow.async_abort(shown["flow_id"])
    await settled(hass)


# -- a meter that does not answer --------------------------------------------------


async def failed(
    hass: HomeAssistant, ports: Ports, replies: dict[str, Any]
) -> ConfigFlowResult:
    """Search where nobody answers."""
    ports.link = SimulatedLink(make_meter(fault=Fault.SILENT))
    return await find(hass, await open_form(hass), replies)


@pytest.mark.parametrize(
    ("advanced", "options"),
    [
        ({}, {}),
        ({"wake_up": 66}, {CONF_SUPPLY: "battery", CONF_SCHEDULE: "daily"}),
    ],
)
async def test_a_meter_that_does_not_answer_can_be_added_anyway(
    hass: HomeAssistant,
    ports: Ports,
    advanced: dict[str, Any],
    options: dict[str, Any],
) -> None:
    """The entry has what was typed, and goes on trying."""
    advanced |= {"timeout": 3.0, "address": "7"}
    replies = {CONF_DEVICE: PORT, CONF_ADVANCED: advanced}
    form = await failed(hass, ports, replies)
    result = await submit(hass, form, replies | {CONF_ADD_ANYWAY: True})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == f"{NEVER_FOUND}"
    entry = result["result"]
    assert entry.unique_id is None
    assert entry.data[CONF_MANUFACTURER] == ""
    assert entry.data[CONF_DEVICE] == PORT
    assert entry.data[CONF_ADDRESS] == "7"
    assert entry.data["timeout"] == 3.0
    assert entry.options == options
    await settled(hass)


async def test_nothing_is_added_twice_anyway(hass: HomeAssistant, ports: Ports) -> None:
    """One place has one entry; another address is another place."""
    neighbour().add_to_hass(hass)
    form = await failed(hass, ports, at("01"))
    again = await submit(hass, form, at("01") | {CONF_ADD_ANYWAY: True})
    assert again["type"] is FlowResultType.FORM
    assert again["errors"] == {"base": "address_taken"}
    for address, title in (("2", NEVER_FOUND), ("3", f"{NEVER_FOUND} 3")):
        form = await failed(hass, ports, at(address))
        result = await submit(hass, form, at(address) | {CONF_ADD_ANYWAY: True})
        assert result["title"] == title
        await settled(hass)


async def test_a_port_that_is_not_there_yet_can_be_added_as_well(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Nothing has passed over it, so there is nothing to copy."""
    ports.link.open_error = LinkError("/dev/ttyUSB7: there is no such port")
    form = await find(hass, await open_form(hass))
    assert form["data_schema"] is not None
    assert "details" not in form["data_schema"].schema
    result = await submit(hass, form, REPLIES | {CONF_ADD_ANYWAY: True})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settled(hass)


async def test_what_was_sent_and_received_can_be_copied(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Without the number of the meter; and the form forgets it when it goes on."""
    content = b"1-0:0.0.0*255(0012345678)\r\n" + WITHOUT_NUMBER
    ports.link = SimulatedLink(make_meter(content, fault=Fault.DAMAGED_CHECK))
    form = await find(hass, await open_form(hass))
    assert form["errors"] == {"base": "damaged"}
    trace = suggested(form)["trace"]
    assert trace.startswith('{"format": "iec21-trace"')
    assert "1.8.0" in trace
    assert "12345678" not in trace

    details = {"details": {"trace": trace}}
    again = await submit(hass, form, {CONF_DEVICE: " ", CONF_ADVANCED: {}, **details})
    assert suggested(again)["trace"] == trace
    ports.link = SimulatedLink(make_meter())
    shown = await find(hass, again, {**REPLIES, **details})
    result = await submit(hass, shown, ACCEPTED)
    assert result["title"] == NAME
    await settled(hass)
