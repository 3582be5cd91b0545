"""Heads that are made for meters: found when plugged in, used when agreed."""

from typing import Any, Final

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_USB,
    ConfigFlowResult,
)
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.loader import async_get_usb
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import CONF_ADDRESS, DOMAIN
from custom_components.iec62056.form import CONF_ADD_ANYWAY, CONF_ADVANCED
from custom_components.iec62056.iec21.simulator import Fault, SimulatedLink
from tests.integration.common import (
    ACCEPTED,
    NAME,
    PORT,
    UNIQUE_ID,
    entry_data,
    find,
    make_meter,
    said,
    settled,
    submit,
)
from tests.integration.conftest import Ports

HEAD = UsbServiceInfo(
    device=PORT,
    vid="17A8",
    pid="0001",
    serial_number="0001",
    manufacturer="Kamstrup",
    description="Optical Eye",
)
AGREED: Final[dict[str, Any]] = {CONF_ADVANCED: {}}


async def plug_in(hass: HomeAssistant, head: UsbServiceInfo = HEAD) -> ConfigFlowResult:
    """Do what the integration for USB does when it sees a head."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USB}, data=head
    )


async def test_the_two_heads_are_known(hass: HomeAssistant) -> None:
    """Those whose ids belong to optical heads and to nothing else."""
    matchers = [one for one in await async_get_usb(hass) if one["domain"] == DOMAIN]
    assert {(one["vid"], one["pid"]) for one in matchers} == {
        ("17A8", "0001"),
        ("0403", "E700"),
    }


async def test_a_head_is_used_once_somebody_has_agreed(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Before that nothing is sent, whatever hangs on it."""
    form = await plug_in(hass)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "usb_confirm"
    assert said(form) == {"name": "Optical Eye", "device": PORT}
    flow = hass.config_entries.flow.async_progress()[0]
    assert flow["context"]["title_placeholders"] == {"name": "Optical Eye"}
    assert ports.opened == []

    shown = await find(hass, form, AGREED)
    result = await submit(hass, shown, ACCEPTED)
    assert result["title"] == NAME
    assert result["result"].unique_id == UNIQUE_ID
    assert result["data"][CONF_DEVICE] == PORT
    await settled(hass)
    again = await plug_in(hass)
    assert again["type"] is FlowResultType.ABORT
    assert again["reason"] == "already_configured"


async def test_a_head_is_offered_once(hass: HomeAssistant, ports: Ports) -> None:
    """The offer stays until somebody takes it or ignores it."""
    await plug_in(hass)
    again = await plug_in(hass)
    assert again["type"] is FlowResultType.ABORT
    assert again["reason"] == "already_in_progress"


async def test_a_head_that_is_ignored_is_not_offered_again(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Nor does it get into the way of another one."""
    await plug_in(hass)
    flow = hass.config_entries.flow.async_progress()[0]
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": flow["context"]["unique_id"], "title": "Head"},
    )
    assert hass.config_entries.flow.async_progress() == []
    again = await plug_in(hass)
    assert again["reason"] == "already_configured"

    other = UsbServiceInfo(
        device="/dev/ttyUSB8",
        vid="0403",
        pid="E700",
        serial_number=None,
        manufacturer=None,
        description=None,
    )
    form = await plug_in(hass, other)
    assert said(form)["name"] == "/dev/ttyUSB8"
    shown = await find(hass, form, AGREED)
    result = await submit(hass, shown, ACCEPTED)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settled(hass)


async def test_a_known_meter_at_a_new_port_moves_there(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """The head was plugged into another socket."""
    entry.add_to_hass(hass)
    # What another adapter and a bus had wanted goes with them.
    before = {**entry_data("/dev/ttyUSB3", "7"), "software_parity": True}
    hass.config_entries.async_update_entry(entry, data=before)
    result = await find(hass, await plug_in(hass), AGREED)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "moved"
    assert entry.data.items() >= entry_data(PORT).items()
    assert "software_parity" not in entry.data
    await settled(hass)


async def test_a_search_that_fails_comes_back_to_the_question(
    hass: HomeAssistant, ports: Ports
) -> None:
    """With its name still in it; the next try may succeed."""
    ports.link = SimulatedLink(make_meter(fault=Fault.SILENT))
    form = await find(hass, await plug_in(hass), {CONF_ADVANCED: {"timeout": 3.0}})
    assert form["step_id"] == "usb_confirm"
    assert form["errors"] == {"base": "no_answer"}
    assert said(form)["name"] == "Optical Eye"

    ports.link = SimulatedLink(make_meter())
    shown = await find(hass, form, AGREED)
    result = await submit(hass, shown, ACCEPTED)
    assert result["result"].unique_id == UNIQUE_ID
    await settled(hass)


async def test_a_head_without_meter_can_be_added_anyway(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The id of the head is not the meter's, so it is not kept."""
    ports.link = SimulatedLink(make_meter(fault=Fault.SILENT))
    form = await find(hass, await plug_in(hass), AGREED)
    result = await submit(hass, form, {**AGREED, CONF_ADD_ANYWAY: True})
    assert result["result"].unique_id is None
    assert result["data"][CONF_ADDRESS] == ""
    await settled(hass)


async def test_a_head_that_is_in_use_by_now_is_not_searched(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """Somebody has set its port up by hand while the question was open."""
    form = await plug_in(hass)
    entry.add_to_hass(hass)
    result = await submit(hass, form, AGREED)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert ports.opened == []


async def test_a_meter_without_number_leaves_the_head_without_id(
    hass: HomeAssistant, ports: Ports
) -> None:
    """What stood for it until then would be the same for every such head."""
    ports.link = SimulatedLink(make_meter(b"1-0:1.8.0*255(0008048.375*kWh)\r\n"))
    shown = await find(hass, await plug_in(hass), AGREED)
    result = await submit(hass, shown, ACCEPTED)
    assert result["result"].unique_id is None
    await settled(hass)
