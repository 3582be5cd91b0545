"""Links that break: each comes back by itself, with one line in the log each way."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
import os
from pathlib import Path

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.iec62056.const import CONF_ADDRESS, CONF_BAUD_RATE, CONF_TIMEOUT
from custom_components.iec62056.form import CONF_ADVANCED
from custom_components.iec62056.iec21.simulator import (
    SimulatedMeter,
    TcpServer,
    serve_tcp,
)
from custom_components.iec62056.iec21.simulator.terminal import serve_pty
from custom_components.iec62056.ports import async_bus
from tests.integration.common import find, make_meter, settled, state_of, told
from tests.integration.lines import (
    FAST,
    content_of,
    energy_of,
    energy_sensor,
    make_entry,
    make_line,
    next_polls,
    until,
)

pytestmark = [pytest.mark.socket, pytest.mark.usefixtures("socket_enabled")]

DOWN = "The port cannot be used"
UP = "Fetching Flat 0 data recovered"


@pytest.fixture(autouse=True)
def _short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the line alone for a shorter while; simulated meters do not mind."""
    monkeypatch.setattr("custom_components.iec62056.ports.QUIET_TIME", 0.02)


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set one up, and wait for its first readout."""
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)


@contextmanager
def taken(device: Path) -> Iterator[None]:
    """Have the name taken that a device had, so that the next one gets another."""
    with ExitStack() as stack:
        while not device.exists():
            for descriptor in os.openpty():
                stack.callback(os.close, descriptor)
        yield


class Gateway:
    """A gateway that can be switched off and on again, with one meter behind it."""

    def __init__(self, meter: SimulatedMeter, *, line_rate: bool = False) -> None:
        """Begin switched off."""
        self.meter = meter
        self.port_url = ""
        self._line_rate = line_rate
        self._running = AsyncExitStack()

    async def switch_on(self) -> None:
        """Be there under the same address as ever."""
        port = URL(self.port_url).port or 0 if self.port_url else 0
        server: TcpServer = await self._running.enter_async_context(
            serve_tcp(self.meter, port=port, line_rate=self._line_rate)
        )
        self.port_url = server.port_url

    async def switch_off(self) -> None:
        """Drop whoever is connected, and refuse everybody."""
        await self._running.aclose()


@asynccontextmanager
async def gateway(
    meter: SimulatedMeter, *, line_rate: bool = False
) -> AsyncIterator[Gateway]:
    """Switch a gateway on, and off again in the end."""
    one = Gateway(meter, line_rate=line_rate)
    await one.switch_on()
    try:
        yield one
    finally:
        await one.switch_off()


async def test_an_adapter_that_is_unplugged_comes_back_under_its_name(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The device behind a path by id is another one then, and the path the same."""
    path = tmp_path / "usb-head"
    meter = make_meter()
    entry = make_entry(str(path), **FAST)
    async with serve_pty(meter, path):
        device = path.resolve()
        await set_up(hass, entry)
    assert not path.exists()
    for _ in range(3):
        await next_polls(hass)
    assert state_of(hass, "sensor.flat_0_last_error") == "port_missing"
    assert told(caplog, DOWN) == 1
    assert state_of(hass, energy_sensor()) == energy_of(0)

    meter.content = content_of(0).replace(b"8048.375", b"8048.500")
    with taken(device):
        async with serve_pty(meter, path):
            assert path.resolve() != device
            await next_polls(hass, hours=1, seconds=1)
            assert state_of(hass, energy_sensor()) == "8048.500"
            await next_polls(hass)
            assert told(caplog, UP) == 1
            assert told(caplog, DOWN) == 1
            assert await hass.config_entries.async_unload(entry.entry_id)


async def test_an_adapter_that_is_pulled_in_the_middle_comes_back(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same in the middle of a readout, which is of no use any more."""
    path = tmp_path / "usb-head"
    meter = make_meter()
    async with serve_pty(meter, path, line_rate=True) as server:
        meter.first_baud_rate = 19200
        server.replug()
        entry = make_entry(str(path), **FAST)
        await set_up(hass, entry)
        reader = entry.runtime_data.coordinator.reader
        reader.arrivals = {}
        meter.content = content_of(0).replace(b"8048.375", b"8048.500")
        poll = hass.async_create_task(next_polls(hass))
        await until(lambda: reader.arrivals)
        server.replug()
        await poll
        assert told(caplog, DOWN) == 1
        assert state_of(hass, energy_sensor()) == energy_of(0)

        await next_polls(hass)
        assert state_of(hass, energy_sensor()) == "8048.500"
        assert told(caplog, UP) == 1
        assert told(caplog, DOWN) == 1
        assert await hass.config_entries.async_unload(entry.entry_id)


async def test_after_an_unplugging_meters_still_take_turns(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The port is one port, whichever of its entries has been reloaded since."""
    path = tmp_path / "usb-head"
    line = make_line(2)
    entries = [make_entry(str(path), place, **FAST) for place in (1, 2)]
    async with serve_pty(line, path):
        device = path.resolve()
        for entry in entries:
            await set_up(hass, entry)
    with taken(device):
        async with serve_pty(line, path):
            assert path.resolve() != device
            await hass.config_entries.async_reload(entries[0].entry_id)
            for _ in range(2):
                await next_polls(hass)
            assert told(caplog, DOWN) == 0
            one, other = (entry.runtime_data.coordinator.bus for entry in entries)
            assert one is other
            for entry in entries:
                assert await hass.config_entries.async_unload(entry.entry_id)


async def test_adapters_that_swap_their_devices_keep_their_queues(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    """A start with two adapters may find them in another order than the last one."""
    devices = [tmp_path / "ttyUSB0", tmp_path / "ttyUSB1"]
    paths = [tmp_path / "usb-one", tmp_path / "usb-other"]
    for path, device in zip(paths, devices, strict=True):
        device.touch()
        path.symlink_to(device)
    one, other = [await async_bus(hass, str(path)) for path in paths]
    for path, device in zip(paths, reversed(devices), strict=True):
        path.unlink()
        path.symlink_to(device)
    assert await async_bus(hass, str(paths[0])) is one
    assert await async_bus(hass, str(paths[1])) is other
    # Who goes by the name of a device means what hangs there now.
    assert await async_bus(hass, str(devices[1])) is one


async def test_a_gateway_that_restarts_in_the_middle_of_a_readout_comes_back(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """What had come by then is not booked, and the next poll has all of it."""
    meter = make_meter()
    meter.first_baud_rate = 19200
    async with gateway(meter, line_rate=True) as box:
        entry = make_entry(box.port_url, **FAST)
        await set_up(hass, entry)
        reader = entry.runtime_data.coordinator.reader
        reader.arrivals = {}
        meter.content = content_of(0).replace(b"8048.375", b"8048.500")
        poll = hass.async_create_task(next_polls(hass))
        await until(lambda: reader.arrivals)
        await box.switch_off()
        await poll
        assert state_of(hass, energy_sensor()) == energy_of(0)
        assert state_of(hass, "sensor.flat_0_last_error") == "gateway_unreachable"
        # It takes its time to start.
        await next_polls(hass)
        assert told(caplog, DOWN) == 1

        await box.switch_on()
        await next_polls(hass, minutes=5, seconds=1)
        assert state_of(hass, energy_sensor()) == "8048.500"
        assert state_of(hass, "sensor.flat_0_last_error") == "none"
        assert told(caplog, UP) == 1
        assert told(caplog, DOWN) == 1
        assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_gateway_with_another_address_is_told_by_reconfigure(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """The same meter is found there, and the entry goes on with all its history."""
    meter = make_meter()
    async with gateway(meter) as old, gateway(meter) as new:
        entry = make_entry(old.port_url, **FAST)
        await set_up(hass, entry)
        await old.switch_off()
        await next_polls(hass)
        assert told(caplog, DOWN) == 1
        assert state_of(hass, "sensor.flat_0_last_error") == "gateway_unreachable"

        meter.content = content_of(0).replace(b"8048.375", b"8048.500")
        form = await entry.start_reconfigure_flow(hass)
        result = await find(
            hass,
            form,
            {
                CONF_DEVICE: new.port_url,
                CONF_ADDRESS: "",
                CONF_ADVANCED: {CONF_BAUD_RATE: "19200", CONF_TIMEOUT: 0.5},
            },
        )
        assert result["reason"] == "reconfigure_successful"
        await settled(hass)
        await next_polls(hass)
        assert entry.state is ConfigEntryState.LOADED
        assert entry.data[CONF_DEVICE] == new.port_url
        assert state_of(hass, energy_sensor()) == "8048.500"
        assert told(caplog, UP) == 1
        assert told(caplog, DOWN) == 1
        assert await hass.config_entries.async_unload(entry.entry_id)
