"""The dialog that finds a meter: what it asks, shows, and says when it fails."""

import asyncio
from dataclasses import replace
from threading import Barrier
from typing import Any
from unittest.mock import patch

from homeassistant.components.usb import SerialPortConsumer
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_DEVICE, CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ConfigEntryNotReady
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import (
    CONF_SCHEDULE,
    CONF_SUPPLY,
    DOMAIN,
)
from custom_components.iec62056.form import CONF_ADVANCED, CONF_GATEWAY
from custom_components.iec62056.iec21.exceptions import (
    LinkError,
    MeterRefusedError,
    OtherProtocolError,
)
from custom_components.iec62056.iec21.messages import Identification
from custom_components.iec62056.iec21.settings import Framing, Mode
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLine,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.iec21.steps import MeterStep, Send
from custom_components.iec62056.iec21.telegram import Check, DataSet
from custom_components.iec62056.meter import Meter
from custom_components.iec62056.ports import async_bus
from tests.integration.common import (
    ACCEPTED,
    CONTENT,
    NAME,
    PORT,
    REPLIES,
    UNIQUE_ID,
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
    submit,
    suggested,
)
from tests.integration.conftest import Ports

WITHOUT_NUMBER = b"1-0:1.8.0*255(0008048.375*kWh)\r\n"


async def test_a_meter_is_found_shown_and_set_up(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The whole way, with everything left as it is."""
    form = await open_form(hass)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "serial"
    assert not form["errors"]
    assert is_folded(form)

    progress = await submit(hass, form, REPLIES)
    assert progress["type"] is FlowResultType.SHOW_PROGRESS
    assert progress["progress_action"] == "search"
    assert said(progress)["device"] == PORT

    shown = await after_progress(hass, progress)
    assert shown["step_id"] == "meter"
    assert said(shown) == {
        "manufacturer": "Iskraemeco",
        "model": "MT174-0001",
        "number": "0012345678",
        "values": (
            "- 1.8.0: 8048.375 kWh\n"
            "- 1.8.1: 8048.375 kWh\n"
            "- 1.8.2: 0.000 kWh\n"
            "- 2.8.0: 0.000 kWh"
        ),
        "interval": "60 s",
    }
    assert defaults(shown) == ACCEPTED

    # Once the readout is complete, the check that it carried is known as well.
    await settled(hass)
    result = await submit(hass, shown, ACCEPTED)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == NAME
    assert result["data"] == {**entry_data(), "check": "xor", "unconfirmed": True}
    assert result["options"] == {CONF_SUPPLY: "mains", CONF_SCHEDULE: "automatic"}
    assert result["result"].unique_id == UNIQUE_ID
    assert result["result"].state is ConfigEntryState.LOADED
    await settled(hass)
    # The readout of the dialog is the first one of the entry.
    assert ports.link.opened == 1
    state = hass.states.get("sensor.iskraemeco_mt174_0001_energy_import")
    assert state is not None
    assert state.state == "8048.375"


async def becomes_free(hass: HomeAssistant) -> bool:
    """Whether nobody uses the port any more."""
    bus = await async_bus(hass, PORT)
    async with asyncio.timeout(1), bus.lock:
        return True


@pytest.mark.parametrize(
    ("typed", "gateway", "device"),
    [
        ("Meter.Example.NET", "tcp", "socket://meter.example.net:2001"),
        (" 192.0.2.7 ", "rfc2217", "rfc2217://192.0.2.7:2001"),
        ("2001:DB8::7", "tcp", "socket://[2001:db8::7]:2001"),
        ("[2001:db8::7]", "rfc2217", "rfc2217://[2001:db8::7]:2001"),
    ],
)
async def test_a_gateway_is_stored_as_one_url(
    hass: HomeAssistant, ports: Ports, typed: str, gateway: str, device: str
) -> None:
    """Host, port and kind become what serialx opens."""
    form = await open_form(hass, "network")
    assert form["step_id"] == "network"
    assert form["data_schema"] is not None
    assert form["data_schema"]({CONF_HOST: "a", CONF_ADVANCED: {}})[CONF_PORT] == 2000
    shown = await find(
        hass,
        form,
        {
            CONF_HOST: typed,
            CONF_PORT: 2001,
            CONF_GATEWAY: gateway,
            CONF_ADVANCED: {},
        },
    )
    result = await submit(hass, shown, ACCEPTED)
    assert result["data"][CONF_DEVICE] == device
    assert ports.opened == [device]
    await settled(hass)


@pytest.mark.parametrize("typed", ["my meter", "socket://meter", "fe80::zz", "a/b"])
async def test_a_host_that_is_none_is_refused_at_its_field(
    hass: HomeAssistant, ports: Ports, typed: str
) -> None:
    """Nothing is opened, what was typed stays, and the next try may succeed."""
    replies = {
        CONF_HOST: typed,
        CONF_PORT: 2001,
        CONF_GATEWAY: "tcp",
        CONF_ADVANCED: {},
    }
    form = await submit(hass, await open_form(hass, "network"), replies)
    assert form["errors"] == {CONF_HOST: "invalid_host"}
    assert suggested(form)[CONF_HOST] == typed
    assert ports.opened == []

    shown = await find(hass, form, replies | {CONF_HOST: "meter"})
    assert shown["step_id"] == "meter"


def is_folded(form: Any) -> bool:
    """Whether the advanced settings are hidden."""
    folded: bool = form["data_schema"].schema[CONF_ADVANCED].options["collapsed"]
    return folded


async def test_advanced_settings_reach_the_port_and_the_entry(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Whatever differs from an ordinary meter is used and stored."""
    ports.link = SimulatedLink(make_meter(address="00042"), can_switch=False)
    shown = await find(
        hass,
        await open_form(hass),
        {
            CONF_DEVICE: PORT,
            CONF_ADVANCED: {
                "address": " 42 ",
                "mode": "c",
                "baud_rate": "300",
                "framing": "7e2",
                "max_baud_rate": "4800",
                "wake_up": 70.0,
                "gateway_baud_rate": "300",
                "timeout": 5.0,
                "acknowledge_delay": 0.4,
                "quiet_time": 0.1,
                "close_delay": 0.1,
            },
        },
    )
    # A meter that has to be woken up runs on a battery.
    assert defaults(shown)[CONF_SUPPLY] == "battery"
    assert defaults(shown)[CONF_SCHEDULE] == "daily"
    result = await submit(hass, shown, ACCEPTED)
    assert result["data"] == {
        **entry_data(address="42"),
        "unconfirmed": True,
        "mode": Mode.C,
        "baud_rate": 300,
        "framing": Framing.SEVEN_EVEN_TWO,
        "max_baud_rate": 4800,
        "wake_up": 70,
        "gateway_baud_rate": 300,
        "timeout": 5.0,
        "acknowledge_delay": 0.4,
        "quiet_time": 0.1,
        "close_delay": 0.1,
        # What the search has found out stands beside what was typed.
        "software_parity": False,
    }
    await settled(hass)
    assert ports.link.settings is not None
    assert result["result"].runtime_data.coordinator.reader.settings == replace(
        ports.link.settings, software_parity=False, check=Check.XOR
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("address", "meter/1"),
        ("address", "x" * 33),
        ("baud_rate", "fast"),
        ("max_baud_rate", "1"),
        ("gateway_baud_rate", "9600.5"),
    ],
)
async def test_a_setting_that_cannot_work_is_refused_at_its_field(
    hass: HomeAssistant, ports: Ports, name: str, value: str
) -> None:
    """The section opens and says which of its fields is wrong."""
    replies = {CONF_DEVICE: PORT, CONF_ADVANCED: {name: value}}
    form = await submit(hass, await open_form(hass), replies)
    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {CONF_ADVANCED: f"invalid_{name}"}
    assert suggested(form)[name] == value
    assert not is_folded(form)
    assert ports.opened == []

    # An emptied text field comes back as "".
    shown = await find(hass, form, {CONF_DEVICE: PORT, CONF_ADVANCED: {name: ""}})
    assert shown["step_id"] == "meter"


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (Fault.SILENT, "no_answer"),
        (Fault.SILENT | Fault.ECHO, "echo_only"),
        (Fault.DAMAGED_CHECK, "damaged"),
        (Fault.CUT_OFF, "damaged"),
    ],
)
async def test_a_failure_is_explained_and_the_next_try_succeeds(
    hass: HomeAssistant, ports: Ports, fault: Fault, key: str
) -> None:
    """The form comes back with what was typed and with what was observed."""
    ports.link = SimulatedLink(make_meter(WITHOUT_NUMBER, fault=fault))
    replies = {CONF_DEVICE: PORT, CONF_ADVANCED: {"timeout": 3.0, "mode": "c"}}
    form = await find(hass, await open_form(hass), replies)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "serial"
    assert form["errors"] == {"base": key}
    assert said(form)["device"] == PORT
    assert suggested(form)[CONF_DEVICE] == PORT
    assert suggested(form)["timeout"] == 3.0
    assert ports.link.closed

    await recover(hass, ports, form)


async def test_a_number_alone_does_not_make_up_for_a_damaged_readout(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Where the readout fails before the last form is shown, it is not shown."""
    content = b"1-0:0.0.0*255(0012345678)\r\n" + WITHOUT_NUMBER
    ports.link = SimulatedLink(make_meter(content, fault=Fault.DAMAGED_CHECK))
    form = await find(hass, await open_form(hass))
    assert form["errors"] == {"base": "damaged"}
    await recover(hass, ports, form)


async def recover(hass: HomeAssistant, ports: Ports, form: Any) -> None:
    """Set the meter up after all, in the same dialog."""
    ports.link = SimulatedLink(make_meter())
    shown = await find(hass, form)
    assert shown["step_id"] == "meter"
    result = await submit(hass, shown, ACCEPTED)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settled(hass)


@pytest.mark.parametrize(
    ("received", "key", "shown"),
    [
        (b"\x7f\x15U~" * 10, "garbled", "7f 15 55 7e " * 6 + "…"),
        (b"\x7f\x15U~", "garbled", "7f 15 55 7e"),
    ],
)
async def test_garbage_is_shown(
    hass: HomeAssistant, ports: Ports, received: bytes, key: str, shown: str
) -> None:
    """A few of the bytes go into the text; who knows such things knows them."""
    ports.link = SimulatedLink(Babbler(received))
    form = await find(hass, await open_form(hass))
    assert form["errors"] == {"base": key}
    assert said(form) == {
        "device": PORT,
        "count": str(len(received)),
        "received": shown,
    }
    await recover(hass, ports, form)


class Babbler(SimulatedMeter):
    """Something at the other end that answers every sign-on with the same bytes."""

    def __init__(self, noise: bytes) -> None:
        """Answer with `noise`."""
        super().__init__(identification=b"/XXX0", content=b"")
        self.noise = noise

    def answer(self, data: bytes) -> list[MeterStep]:
        """Answer a sign-on."""
        return [Send(self.noise)] if b"\n" in data else []


@pytest.mark.parametrize(
    ("error", "key", "details"),
    [
        (MeterRefusedError("ER25"), "refused", {"detail": "ER25"}),
        (OtherProtocolError("SML"), "sml", {}),
        (OtherProtocolError("DLMS"), "dlms", {}),
        (OtherProtocolError("DSMR"), "dsmr", {}),
        (
            LinkError("/dev/ttyUSB7: there is no such port"),
            "cannot_open",
            {"detail": "/dev/ttyUSB7: there is no such port", "users": "–"},
        ),
        (
            ConfigEntryNotReady("the ESPHome device is offline"),
            "cannot_open",
            {"detail": "the ESPHome device is offline", "users": "–"},
        ),
        (ZeroDivisionError(), "unknown", {}),
    ],
)
async def test_what_goes_wrong_at_the_port_is_explained(
    hass: HomeAssistant,
    ports: Ports,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    key: str,
    details: dict[str, str],
) -> None:
    """Every error of the port has words of its own; a bug is logged."""
    with patch.object(ports, "open", side_effect=error), relay(ports):
        form = await find(hass, await open_form(hass))
    assert form["errors"] == {"base": key}
    assert said(form) == {"device": PORT, **details}
    assert ("ZeroDivisionError" in caplog.text) == (key == "unknown")
    await recover(hass, ports, form)


def relay(ports: Ports) -> Any:
    """Let a patched `Ports.open` count."""
    return patch("custom_components.iec62056.iec21.client.open_transport", ports.open)


async def test_the_other_user_of_a_port_is_named(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Nobody has to guess which integration holds the port."""
    zigbee = SerialPortConsumer(
        kind="config_entry", title="Stick", active=True, domain="zha"
    )
    app = SerialPortConsumer(kind="app", title="Zigbee2MQTT", active=True)
    old = SerialPortConsumer(kind="app", title="Stopped", active=False)
    ports.link.open_error = LinkError("/dev/ttyUSB7: another program uses it")
    with patch(
        "homeassistant.components.usb.async_get_serial_port_consumers",
        return_value={PORT: [zigbee, app, old], "/dev/ttyUSB8": [app]},
    ):
        form = await find(hass, await open_form(hass))
    assert form["errors"] == {"base": "port_in_use"}
    assert said(form)["users"] == "Stick (zha), Zigbee2MQTT"
    await recover(hass, ports, form)


async def test_ports_that_cannot_be_listed_do_no_harm(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The explanation is a help and must not fail itself."""
    ports.link.open_error = LinkError("/dev/ttyUSB7: another program uses it")
    with patch(
        "homeassistant.components.usb.async_scan_serial_ports", side_effect=OSError
    ):
        form = await find(hass, await open_form(hass))
    assert form["errors"] == {"base": "cannot_open"}
    await recover(hass, ports, form)


async def test_a_busy_port_does_not_hold_the_dialog_up(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """After some minutes the dialog says who is reading."""
    entry.add_to_hass(hass)
    bus = await async_bus(hass, PORT)
    with patch("custom_components.iec62056.search.TURN_TIME", 0.05):
        async with bus.lock:
            form = await find(hass, await open_form(hass))
    assert form["errors"] == {"base": "port_busy"}
    assert said(form)["users"] == "–"
    assert ports.opened == []
    await recover_as_other_meter(hass, ports, form)


async def recover_as_other_meter(hass: HomeAssistant, ports: Ports, form: Any) -> None:
    """Set another meter up after all, in the same dialog."""
    content = CONTENT.replace(b"0012345678", b"0087654321")
    ports.link = SimulatedLink(make_meter(content))
    result = await submit(hass, await find(hass, form), ACCEPTED)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settled(hass)


@pytest.mark.parametrize(
    ("after", "key"),
    [(len("/ISk5MT174-0001\r\n"), "no_data"), (3, "no_answer")],
)
async def test_a_meter_that_takes_too_long_is_given_up(
    hass: HomeAssistant, ports: Ports, after: int, key: str
) -> None:
    """What it has said until then decides about the words."""
    ports.link = HeldLink(make_meter(), after=after)
    with patch("custom_components.iec62056.search.SEARCH_TIME", 0.05):
        form = await find(hass, await open_form(hass))
    assert form["errors"] == {"base": key}
    await settled(hass)
    assert ports.link.closed
    await recover(hass, ports, form)


async def test_a_meter_that_falls_silent_after_its_name_is_explained(
    hass: HomeAssistant, ports: Ports
) -> None:
    """It answered, so the head is on the right place."""
    ports.link = SimulatedLink(Mute(identification=b"/ISk5MT174-0001", content=b""))
    form = await find(hass, await open_form(hass))
    assert form["errors"] == {"base": "no_data"}
    await recover(hass, ports, form)


class Mute(SimulatedMeter):
    """A meter that says who it is, and nothing else."""

    def answer(self, data: bytes) -> list[MeterStep]:
        """Answer a sign-on only."""
        return [Send(self._announced.to_bytes())] if b"!" in data else []


# -- a readout that goes on ------------------------------------------------------


async def test_the_dialog_goes_on_as_soon_as_the_number_is_known(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The rest of the readout becomes the first data of the entry."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    shown = await find(hass, await open_form(hass))
    assert shown["step_id"] == "meter"
    assert said(shown)["number"] == "0012345678"
    assert "0.908 kW" in said(shown)["values"]
    assert not link.closed

    result = await submit(hass, shown, ACCEPTED)
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get("sensor.iskraemeco_mt174_0001_energy_import") is None

    link.let_go.set()
    await settled(hass)
    assert hass.states.get("sensor.iskraemeco_mt174_0001_energy_import") is not None
    assert link.opened == 1
    assert link.closed


async def test_few_values_are_waited_for_only_shortly(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Where lines take a second each, the number has to do."""
    ports.link = HeldLink(make_meter(), after=bytes_until(b"0.0.0"))
    with (
        patch("custom_components.iec62056.search.VALUES_TIME", 0.05),
        patch("custom_components.iec62056.search.FIRST_VALUE_TIME", 0.05),
    ):
        shown = await find(hass, await open_form(hass))
    assert said(shown)["number"] == "0012345678"
    assert said(shown)["values"] == "–"
    hass.config_entries.flow.async_abort(shown["flow_id"])
    await settled(hass)


async def test_closing_the_dialog_closes_the_port(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Nobody reads on for an entry that never comes."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    shown = await find(hass, await open_form(hass))
    hass.config_entries.flow.async_abort(shown["flow_id"])
    await settled(hass)
    assert link.closed
    assert await becomes_free(hass)


async def test_closing_the_dialog_while_it_searches_closes_the_port(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The same, before anybody has answered."""
    link = ports.link = HeldLink(make_meter(), after=3)
    progress = await submit(hass, await open_form(hass), REPLIES)
    await link.held.wait()
    hass.config_entries.flow.async_abort(progress["flow_id"])
    await settled(hass)
    assert link.closed


async def test_closing_the_first_form_is_harmless(hass: HomeAssistant) -> None:
    """There is nothing to stop yet."""
    form = await open_form(hass)
    hass.config_entries.flow.async_abort(form["flow_id"])


async def test_a_readout_that_fails_in_the_end_is_read_again(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The entry is there already; its first poll does what the dialog could not."""
    broken = make_meter(fault=Fault.DAMAGED_CHECK)
    link = ports.link = HeldLink(broken, after=bytes_until(b"2.7.0"))
    shown = await find(hass, await open_form(hass))
    result = await submit(hass, shown, ACCEPTED)
    ports.link = SimulatedLink(make_meter())
    link.let_go.set()
    await settled(hass)
    assert link.closed
    assert ports.link.opened == 1
    assert result["result"].runtime_data.coordinator.last_update_success


async def test_a_number_that_arrived_damaged_is_corrected(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The first attempt decides nothing: its check does not match."""
    meter = make_meter(
        CONTENT.replace(b"0012345678", b"0012345679"), fault=Fault.DAMAGED_CHECK
    )
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0"))
    shown = await find(hass, await open_form(hass))
    assert said(shown)["number"] == "0012345679"

    link.let_go.set()
    await link.until(b"!")
    meter.content = CONTENT
    meter.fault = Fault.NONE
    await settled(hass)
    result = await submit(hass, shown, ACCEPTED)
    assert result["result"].unique_id == UNIQUE_ID
    await settled(hass)


async def test_a_number_that_is_read_again_is_kept_meanwhile(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Accepting the last form between two attempts works as well."""
    meter = make_meter(fault=Fault.DAMAGED_CHECK)
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0"))
    shown = await find(hass, await open_form(hass))
    link.let_go.set()
    await settled(hass)
    result = await submit(hass, shown, ACCEPTED)
    assert result["result"].unique_id == UNIQUE_ID
    await settled(hass)


async def test_a_readout_that_has_grown_old_is_not_used(
    hass: HomeAssistant, ports: Ports
) -> None:
    """A dialog left open over night would book the night into one hour."""
    shown = await find(hass, await open_form(hass))
    await settled(hass)
    now = hass.loop.time()
    with patch.object(hass.loop, "time", lambda: now + 61):
        await submit(hass, shown, ACCEPTED)
        await settled(hass)
    assert ports.link.opened == 2


async def test_a_number_that_arrived_damaged_is_corrected_after_the_dialog_too(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The user was quick, and the entry has the number of the first attempt."""
    meter = make_meter(
        CONTENT.replace(b"0012345678", b"0012345679"), fault=Fault.DAMAGED_CHECK
    )
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0"))
    shown = await find(hass, await open_form(hass))
    result = await submit(hass, shown, ACCEPTED)
    entry = result["result"]
    assert entry.unique_id == "ISK_0012345679"

    link.let_go.set()
    await link.until(b"!")
    meter.content = CONTENT
    meter.fault = Fault.NONE
    await settled(hass)
    assert entry.unique_id == UNIQUE_ID
    assert hass.states.get("sensor.iskraemeco_mt174_0001_energy_import") is not None
    again = await find(hass, await open_form(hass))
    assert again["reason"] == "already_configured"


async def test_what_the_search_finds_out_after_the_dialog_is_kept(
    hass: HomeAssistant, ports: Ports
) -> None:
    """A quick user gets the same entry as a slow one."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    shown = await find(hass, await open_form(hass))
    result = await submit(hass, shown, ACCEPTED)
    entry = result["result"]
    assert "check" not in entry.data

    link.let_go.set()
    await settled(hass)
    assert entry.data == {**entry_data(), "check": "xor"}
    assert entry.runtime_data.coordinator.reader.settings.check == "xor"


async def test_submitting_twice_searches_once(
    hass: HomeAssistant, ports: Ports
) -> None:
    """A second search would hold the port, and nobody could stop it."""
    link = ports.link = HeldLink(make_meter(), after=3)
    form = await open_form(hass)
    both_have_arrived = Barrier(2)

    def look_up(device: str) -> str:
        both_have_arrived.wait(5)
        return device

    with patch("homeassistant.components.usb.get_serial_by_id", look_up):
        await asyncio.gather(submit(hass, form, REPLIES), submit(hass, form, REPLIES))
    await link.held.wait()
    hass.config_entries.flow.async_abort(form["flow_id"])
    await settled(hass)
    assert ports.opened == [PORT]
    assert link.closed
    assert await becomes_free(hass)


async def test_a_dialog_waits_for_one_readout_and_not_for_a_whole_bus(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Somebody sits in front of it; polls have time."""
    numbers = {
        address: CONTENT.replace(b"0012345678", b"001234567%d" % address)
        for address in range(4)
    }
    line = SimulatedLine(
        meters=[
            make_meter(content, address=str(address))
            for address, content in numbers.items()
        ]
    )
    link = ports.link = HeldLink(line, after=bytes_until(b"2.7.0"))
    for address in range(3):
        MockConfigEntry(
            domain=DOMAIN,
            title=f"Meter {address}",
            unique_id=f"ISK_001234567{address}",
            data=entry_data(address=str(address), meter_id=str(address)),
        ).add_to_hass(hass)
    await hass.config_entries.async_setup(
        hass.config_entries.async_entries(DOMAIN)[0].entry_id
    )
    await link.held.wait()
    progress = await submit(
        hass,
        await open_form(hass),
        {CONF_DEVICE: PORT, CONF_ADVANCED: {"address": "3"}},
    )
    # It stands in the queue by now, as do the other two.
    await asyncio.sleep(0.1)
    link.let_go.set()
    shown = await after_progress(hass, progress)
    assert shown["step_id"] == "meter"
    await settled(hass)
    called = [sent[2:-3].decode() for sent in link.sent if sent.startswith(b"/?")]
    assert called[1] == "3"
    assert sorted(called) == ["0", "1", "2", "3"]
    hass.config_entries.flow.async_abort(shown["flow_id"])


# -- one meter, one entry --------------------------------------------------------


async def test_a_meter_that_is_set_up_is_not_set_up_again(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """Whatever port it is reached through, its number tells."""
    entry.add_to_hass(hass)
    form = await open_form(hass)
    result = await find(hass, form, {**REPLIES, CONF_DEVICE: "/dev/ttyUSB8"})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_a_meter_without_number_is_known_by_port_and_address(
    hass: HomeAssistant, ports: Ports
) -> None:
    """It is set up once; another address at the same port is another meter."""
    ports.link = SimulatedLink(make_meter(WITHOUT_NUMBER))
    shown = await find(hass, await open_form(hass))
    assert said(shown)["number"] == "–"
    result = await submit(hass, shown, ACCEPTED)
    assert result["result"].unique_id is None
    await settled(hass)

    again = await find(hass, await open_form(hass))
    assert again["type"] is FlowResultType.ABORT
    assert again["reason"] == "already_configured"
    # Its number came too late for its entry, and has come in time now.
    ports.link = SimulatedLink(make_meter())
    again = await find(hass, await open_form(hass))
    assert again["type"] is FlowResultType.ABORT
    assert again["reason"] == "already_configured"

    ports.link = SimulatedLink(make_meter(WITHOUT_NUMBER))
    other = {**REPLIES, CONF_DEVICE: "/dev/ttyUSB8"}
    assert (await find(hass, await open_form(hass), other))["step_id"] == "meter"
    other = {CONF_DEVICE: PORT, CONF_ADVANCED: {"address": "7"}}
    ports.link = SimulatedLink(make_meter(WITHOUT_NUMBER, address="7"))
    assert (await find(hass, await open_form(hass), other))["step_id"] == "meter"


async def test_two_dialogs_do_not_read_at_the_same_port_at_once(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The second one says so and keeps what was typed; later it may try again."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    first = await find(hass, await open_form(hass))
    second = await submit(hass, await open_form(hass), REPLIES)
    assert second["type"] is FlowResultType.FORM
    assert second["errors"] == {"base": "already_in_progress"}
    assert suggested(second)[CONF_DEVICE] == PORT

    link.let_go.set()
    await settled(hass)
    third = await find(hass, second)
    assert third["step_id"] == "meter"
    # The first to be accepted wins; Home Assistant closes the other dialog.
    result = await submit(hass, first, ACCEPTED)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert hass.config_entries.flow.async_progress() == []
    await settled(hass)


async def test_meters_on_one_line_are_told_apart_by_address(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Each becomes an entry of its own, and they take turns."""
    other = CONTENT.replace(b"0012345678", b"0087654321")
    ports.link = SimulatedLink(
        SimulatedLine(meters=[make_meter(address="1"), make_meter(other, address="2")])
    )
    numbers = []
    for address in ("1", "2"):
        replies = {CONF_DEVICE: PORT, CONF_ADVANCED: {"address": address}}
        shown = await find(hass, await open_form(hass), replies)
        result = await submit(hass, shown, ACCEPTED)
        numbers.append(result["result"].unique_id)
    await settled(hass)
    assert numbers == ["ISK_0012345678", "ISK_0087654321"]
    for entry in hass.config_entries.async_entries(DOMAIN):
        assert entry.runtime_data.coordinator.last_update_success


async def test_the_default_name_holds_no_number(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Names end up in entity ids and logs, and some types contain the number."""
    ports.link = SimulatedLink(
        make_meter(identification=b"/QQQ5MT174 S12345678", content=CONTENT)
    )
    shown = await find(hass, await open_form(hass))
    # Nobody has the code QQQ.
    assert defaults(shown)[CONF_NAME] == "QQQ MT174"
    hass.config_entries.flow.async_abort(shown["flow_id"])
    await settled(hass)


@pytest.mark.parametrize(
    ("identification", "number", "name"),
    [
        ("/ISk5MT174-0001", None, "Iskraemeco MT174-0001"),
        ("/ISk5MT174-12345678", "1ISK0012345678", "Iskraemeco MT174"),
        ("/LGZ4ZMD310 12345678", "LGZ 12345678", "Landis+Gyr ZMD310"),
        ("/LGZ4ZMD3104407.B32", "12345678", "Landis+Gyr ZMD3104407.B32"),
        (
            "/LOG5LK13BE803049 1LOG0012345678",
            "1LOG0012345678",
            "Logarex LK13BE803049",
        ),
        ("/EMH5 12 345 678", "12345678", "EMH"),
        ("/KAM0MC12345678", None, "Kamstrup"),
        ("/ACE50k260V01.18 1234", "0001234", "Actaris 0k260V01.18"),
        ("/ISk5MT174", "174", "Iskraemeco MT174"),
    ],
)
def test_no_part_of_a_number_is_left_in_the_default_name(
    identification: str, number: str | None, name: str
) -> None:
    """However the meter writes it, and what is left of its type stays."""
    meter = Meter.of(
        Identification.parse(identification.encode()),
        (DataSet("0.0.0", number, None),) if number else (),
    )
    assert meter.default_name == name


async def test_an_empty_name_is_the_default_one(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Sensors of a meter called "" would have the names of everybody's."""
    shown = await find(hass, await open_form(hass))
    result = await submit(hass, shown, {**ACCEPTED, CONF_NAME: "  "})
    assert result["title"] == NAME
    await settled(hass)


@pytest.mark.parametrize("typed", ["", "  ", "/dev/\0x"])
async def test_a_port_that_is_none_is_refused_at_its_field(
    hass: HomeAssistant, ports: Ports, typed: str
) -> None:
    """There is nothing to open."""
    replies = {**REPLIES, CONF_DEVICE: typed}
    form = await submit(hass, await open_form(hass), replies)
    assert form["errors"] == {CONF_DEVICE: "invalid_device"}
    assert ports.opened == []
    await recover(hass, ports, form)


async def test_a_password_in_the_port_is_not_shown(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The library below repeats the whole URL when it complains."""
    port = "socket://user:secret@gateway"
    ports.link.open_error = LinkError(f"socket://gateway: no port in {port}")
    form = await find(hass, await open_form(hass), {**REPLIES, CONF_DEVICE: port})
    assert said(form)["detail"] == "socket://gateway: no port in socket://gateway"
    await recover(hass, ports, form)


async def test_an_entry_that_could_not_be_set_up_leaves_no_readout_behind(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The readout of the dialog ends with the dialog if nobody takes it over."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    shown = await find(hass, await open_form(hass))
    with patch("custom_components.iec62056.IecCoordinator", side_effect=ValueError):
        result = await submit(hass, shown, ACCEPTED)
    assert result["result"].state is ConfigEntryState.SETUP_ERROR
    await settled(hass)
    assert link.closed
    assert result["data"] == {**entry_data(), "unconfirmed": True}
