"""The energy dashboard takes the counters of meters of every medium."""

from typing import Any, NamedTuple

from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.iec62056.const import CONF_MANUFACTURER, DOMAIN
from custom_components.iec62056.iec21.simulator import SimulatedLink
from tests.integration.common import entry_data, make_meter, settled
from tests.integration.conftest import Ports


class Meter(NamedTuple):
    """A made-up meter, and how its counter comes into the dashboard."""

    identification: bytes
    lines: tuple[bytes, ...]
    sensor: str
    state: str
    source: dict[str, Any]
    """What the dashboard is told, but for the sensor."""


METERS = {
    "electricity": Meter(
        b"/ISk5MT174-0001",
        (b"1-0:0.0.0*255(0012345678)", b"1-0:1.8.0*255(0008048.375*kWh)"),
        *(
            "sensor.meter_energy_import",
            "8048.375",
            {"type": "grid", "cost_adjustment_day": 0},
        ),
    ),
    "gas": Meter(
        b"/ELS6EK280",
        (
            b"7-1:180.0(00011111)",
            b"7-2:300.0(0006827.6012*m3)",
            b"7-4:300.0(0001204.500*m3)",
            b"7-2:310.0(0000012.204*m3|h)",
            b"7-7:310.0(5.66204* bar)",
            b"7-6:310_1.0(11.94*{C)",
        ),
        *("sensor.meter_gas_volume_converted", "6827.6012"),
        {"type": "gas", "stat_rate": "sensor.meter_gas_flow_converted"},
    ),
    "gas before conversion": Meter(
        b"/ELS6EK280",
        (b"7-1:180.0(00011111)", b"7-4:300.0(0001204.500*m3)"),
        *("sensor.meter_gas_volume", "1204.500", {"type": "gas"}),
    ),
    # Home Assistant has no source for heat, and people enter it as gas.
    "heat": Meter(
        b"/LUGCUH50",
        (b"9.20(12345678)", b"6.8(0123.456*GJ)", b"6.26(01234.56*m3)"),
        *("sensor.meter_heat_energy", "123.456", {"type": "gas"}),
    ),
    "water": Meter(
        b"/XXX5WATER",
        (
            b"0-0:96.1.0(12345678)",
            b"0-1:24.1.0(007)",
            b"0-1:24.2.1(261120121500W)(00876.543*m3)",
        ),
        *("sensor.meter_water_volume_channel_1", "876.543", {"type": "water"}),
    ),
}


@pytest.fixture(autouse=True)
def _enabled(recorder_mock: Recorder, enable_custom_integrations: None) -> None:
    """Start the recorder first, as it wants it."""


async def set_up(hass: HomeAssistant, ports: Ports, meter: Meter) -> None:
    """Set up a meter on mains, and write a row of statistics of its first readout."""
    content = b"\r\n".join([*meter.lines, b""])
    ports.link = SimulatedLink(make_meter(content, identification=meter.identification))
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Meter",
        data=entry_data(meter_id="01METER")
        | {CONF_MANUFACTURER: meter.identification[1:4].decode().upper()},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    await async_wait_recording_done(hass)
    now = dt_util.utcnow()
    period = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
    do_adhoc_statistics(hass, start=period)
    await async_wait_recording_done(hass)


@pytest.mark.parametrize("name", METERS)
async def test_the_dashboard_has_nothing_to_complain_about(
    hass: HomeAssistant,
    ports: Ports,
    hass_ws_client: WebSocketGenerator,
    name: str,
) -> None:
    """As enabled by default, with its unit, and with statistics."""
    meter = METERS[name]
    assert await async_setup_component(hass, "energy", {})
    await set_up(hass, ports, meter)
    state = hass.states.get(meter.sensor)
    assert state is not None
    assert state.state == meter.state

    client = await hass_ws_client(hass)
    source = meter.source | {"stat_energy_from": meter.sensor}
    await client.send_json_auto_id(
        {"type": "energy/save_prefs", "energy_sources": [source]}
    )
    saved = await client.receive_json()
    assert saved["success"], saved
    await client.send_json_auto_id({"type": "energy/validate"})
    answer = await client.receive_json()
    assert answer["success"], answer
    assert answer["result"] == {
        "energy_sources": [[]],
        "device_consumption": [],
        "device_consumption_water": [],
    }
