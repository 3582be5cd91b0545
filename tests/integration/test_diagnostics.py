"""What goes into a bug report, and above all what does not."""

from contextlib import suppress
import json
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.iec62056.const import DOMAIN
from custom_components.iec62056.iec21.capture import decode
from custom_components.iec62056.iec21.exceptions import ChecksumError, LinkError
from custom_components.iec62056.iec21.simulator import Fault, SimulatedLink
from custom_components.iec62056.iec21.telegram import DataSet
from tests.integration.common import (
    CONTENT,
    NUMBER,
    PORT,
    entry_data,
    make_meter,
    set_up,
)
from tests.integration.conftest import Ports


@pytest.mark.freeze_time("2026-11-21 12:00:00+00:00")
async def test_the_report_of_a_meter(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    ports: Ports,
    snapshot: SnapshotAssertion,
) -> None:
    """Everything that is needed to repeat the readout."""
    loaded = await set_up(hass)
    report = await get_diagnostics_for_config_entry(hass, hass_client, loaded)
    assert report == snapshot


async def test_the_report_names_nobody(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, ports: Ports
) -> None:
    """The number is in the title, the type, the address, a bad line and the port."""
    content = (
        CONTENT
        + b"0-0:C.90.1*255(12345678)\r\n"
        + b"serial 12345678\r\n"
        + b"(12345678)\r\n"
        + b"1-0:0.0.5*255(OWNER-4711)\r\n"
    )
    port = "esphome-hass://esphome/01ABC?port_name=head&key=c2VjcmV0"
    ports.link = SimulatedLink(
        make_meter(content, identification=b"/ISk5MT174 S12345678", address="12345678")
    )
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=f"Meter {NUMBER}",
        unique_id=f"ISK_{NUMBER}",
        data=entry_data(port, "12345678"),
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.runtime_data.coordinator.last_update_success

    report: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    text = json.dumps(report)
    for secret in ("12345678", "4711", "c2VjcmV0", "head"):
        assert secret not in text
    # Lengths stay, so that a telegram can be measured.
    assert "1-0:0.0.0*255(XXXXXXXXXX)" in report["readout"]["data_sets"]
    readout = entry.runtime_data.coordinator.data.readout
    assert len(report["readout"]["raw"]) == len(readout.raw)
    # What is no secret is not blanked out.
    assert "1-0:1.8.0*255(0008048.375*kWh)" in report["readout"]["raw"]


async def test_the_report_names_nobody_in_another_spelling(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, ports: Ports
) -> None:
    """Digits alone, hexadecimal digits, messages, names, hosts and adapters."""
    number = b"1ISK0012345678"
    content = (
        b"0-0:96.1.1*255(" + number.hex().encode() + b")\r\n"
        b"1-0:94.99.1*255(12345678)\r\n"
        b"1-0:94.99.3*255(" + b"12345678".hex().encode() + b")\r\n"
        b"0-0:96.13.0*255(" + b"Familie Mustermann".hex().encode() + b")\r\n"
        b"0-0:96.13.1*255(4711)\r\n"
        b"1-0:1.8.0*255(0000001.000*kWh)\r\n"
    )
    ports.link = SimulatedLink(
        make_meter(content, identification=b"/ISk5MT174-12345678")
    )
    for port, shown in (
        ("socket://user:secret@home.example:2000", "socket"),
        (
            "/dev/serial/by-id/usb-FTDI_UART_A50285BI-if00-port0",
            "/dev/serial/by-id/usb-FTDI_UART_XXXXXXXX-if00-port0",
        ),
    ):
        entry = MockConfigEntry(
            domain=DOMAIN, title="Mustermann", data=entry_data(port)
        )
        entry.add_to_hass(hass)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert entry.runtime_data.coordinator.last_update_success

        report: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
        text = json.dumps(report)
        for secret in (
            "12345678",
            b"12345678".hex(),
            "Mustermann",
            b"Mustermann".hex(),
            "4711",
            "home.example",
            "A50285BI",
            "secret",
        ):
            assert secret not in text
        assert report["entry"]["device"] == shown
        assert report["readout"]["identification"] == "/ISk5MT174-XXXXXXXX"
        await hass.config_entries.async_remove(entry.entry_id)


async def test_the_report_of_a_meter_that_never_answered(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    ports: Ports,
    entry: MockConfigEntry,
) -> None:
    """It says what went wrong."""
    ports.link.open_error = LinkError(f"{PORT}: there is no such port")
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    report: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert report["readout"] is None
    assert "there is no such port" in report["last_error"]


async def test_the_report_of_a_meter_without_number(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, ports: Ports
) -> None:
    """There is nothing to blank out, and nothing is."""
    content = b"1-0:1.8.0*255(0000001.000*kWh)\r\n"
    ports.link = SimulatedLink(make_meter(content))
    entry = MockConfigEntry(domain=DOMAIN, title="Meter", data=entry_data())
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    report: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert report["readout"]["raw"] == content.decode()


async def test_the_report_holds_the_last_sessions(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    ports: Ports,
    loaded: MockConfigEntry,
) -> None:
    """What passed over the line, and when, ready to be played back as a meter."""
    ports.link = SimulatedLink(make_meter(fault=Fault.DAMAGED_CHECK))
    for _ in range(3):
        with suppress(HomeAssistantError):
            await loaded.runtime_data.coordinator.async_read_now()
        ports.link = SimulatedLink(make_meter())
    report: Any = await get_diagnostics_for_config_entry(hass, hass_client, loaded)
    assert NUMBER not in json.dumps(report)
    damaged, *good = report["sessions"]
    assert len(good) == 2
    assert good[0]["format"] == "iec21-trace"
    readout = decode(json.dumps(good[0]).encode())
    assert DataSet("1-0:1.8.0*255", "0008048.375", "kWh") in readout.data_sets
    with pytest.raises(ChecksumError):
        decode(json.dumps(damaged).encode())


async def test_the_report_after_a_restart(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    ports: Ports,
    loaded: MockConfigEntry,
) -> None:
    """There is no readout yet, and what is known stands in its place."""
    assert await hass.config_entries.async_reload(loaded.entry_id)
    report: Any = await get_diagnostics_for_config_entry(hass, hass_client, loaded)
    assert report["readout"] is None
    assert report["sessions"] == []
    assert report["record"]["readouts"] == 1
    assert report["readings"]["registers"] > 20
