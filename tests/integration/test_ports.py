"""A port is one port, however it is written."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import override
from unittest.mock import patch

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.iec21.settings import Settings
from custom_components.iec62056.iec21.simulator import SimulatedLink, SimulatedMeter
from custom_components.iec62056.ports import (
    async_bus,
    async_port_identity,
    async_stable_path,
)
from custom_components.iec62056.search import Search
from tests.integration.common import PORT, make_meter
from tests.integration.conftest import Ports


async def test_a_link_to_a_device_is_the_device(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    """`ttyUSB0` and its path by id are one port, with one queue."""
    device = tmp_path / "ttyUSB0"
    device.touch()
    link = tmp_path / "by-id"
    link.symlink_to(device)
    identities = {
        await async_port_identity(hass, port)
        for port in (str(device), str(link), f"device://{link}", f"linux://{device}")
    }
    assert identities == {str(device)}
    assert await async_bus(hass, str(device)) is await async_bus(hass, str(link))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("socket://Gateway.local:2001", "rfc2217://gateway.LOCAL:2001/"),
        ("tcp://192.0.2.7:23", "socket://192.0.2.7:23"),
        ("socket://[2001:DB8::7]:23", "socket://[2001:db8::7]:23"),
        ("socket://[::1]:23", "rfc2217://[0:0:0:0:0:0:0:1]:23"),
        ("socket://gateway:2000", "socket://gateway:02000"),
        ("socket://gateway.local.:23", "socket://gateway.local:23"),
        ("socket://user:secret@gateway:23", "socket://gateway:23"),
        (
            "esphome-hass://esphome/01ABC?port_name=head",
            "esphome-hass://esphome/01ABC?port_name=head&port_serial_number=7",
        ),
    ],
)
async def test_spellings_of_one_port_are_one(
    hass: HomeAssistant, one: str, other: str
) -> None:
    """Capital letters, the protocol on top and further parts of a URL do not count."""
    assert await async_port_identity(hass, one) == await async_port_identity(
        hass, other
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("socket://gateway:2001", "socket://gateway:2002"),
        (
            "esphome-hass://esphome/01ABC?port_name=head",
            "esphome-hass://esphome/01ABC?port_name=bus",
        ),
        ("/dev/ttyUSB0", "/dev/ttyUSB1"),
        ("socket://[", "socket://[["),
        ("socket://gateway:x", "socket://gateway:y"),
        ("/dev/ttyUSB0", "socket://:0/dev/ttyUSB0"),
    ],
)
async def test_different_ports_stay_different(
    hass: HomeAssistant, one: str, other: str
) -> None:
    """One gateway has many ports, and one ESPHome device too."""
    assert await async_port_identity(hass, one) != await async_port_identity(
        hass, other
    )


async def test_a_device_is_stored_by_its_stable_path(hass: HomeAssistant) -> None:
    """The number of a `ttyUSB` changes with the order of plugging in."""
    with patch(
        "homeassistant.components.usb.get_serial_by_id",
        return_value="/dev/serial/by-id/usb-head",
    ):
        assert (
            await async_stable_path(hass, "/dev/ttyUSB0")
            == "/dev/serial/by-id/usb-head"
        )
    assert await async_stable_path(hass, "socket://a:1") == "socket://a:1"


async def test_a_stable_path_that_cannot_be_found_is_no_error(
    hass: HomeAssistant,
) -> None:
    """The path as typed will do."""
    with patch(
        "homeassistant.components.usb.get_serial_by_id", side_effect=PermissionError
    ):
        assert await async_stable_path(hass, "/dev/ttyUSB0") == "/dev/ttyUSB0"


async def test_a_port_is_forgotten_once_nobody_uses_it(hass: HomeAssistant) -> None:
    """What was measured there goes with its last user."""
    bus = await async_bus(hass, "/dev/ttyUSB0")
    bus.durations["one"] = 5
    assert await async_bus(hass, "/dev/ttyUSB0") is bus
    del bus
    assert not (await async_bus(hass, "/dev/ttyUSB0")).durations


async def test_the_interval_counts_every_meter_on_the_port(
    hass: HomeAssistant,
) -> None:
    """Twelve meters of twenty seconds each are not read every minute."""
    bus = await async_bus(hass, "/dev/ttyUSB0")
    assert bus.interval() == timedelta(minutes=1)
    for number in range(12):
        bus.durations[str(number)] = 20
    assert bus.interval() == timedelta(minutes=40)
    assert bus.interval(30) == timedelta(minutes=45)


async def test_turns_come_in_order_and_a_dialog_before_the_queue(
    hass: HomeAssistant,
) -> None:
    """Whoever sits before a dialog waits for one readout, and polls for each other."""
    bus = await async_bus(hass, "/dev/ttyUSB0")
    done: list[str] = []
    hold = asyncio.Event()

    async def poll(name: str) -> None:
        async with bus.turn("the same meter"):
            await hold.wait()
            done.append(name)

    async def dialog() -> None:
        async with bus.lock:
            done.append("dialog")

    async with asyncio.TaskGroup() as group:
        for name in ("first", "second", "third"):
            group.create_task(poll(name))
        await asyncio.sleep(0)
        group.create_task(dialog())
        await asyncio.sleep(0)
        hold.set()
    assert done == ["first", "dialog", "second", "third"]


async def test_the_line_is_quiet_between_two_meters(hass: HomeAssistant) -> None:
    """A meter that overheard its neighbour has to find the end of that first."""
    bus = await async_bus(hass, "/dev/ttyUSB0")
    clock = hass.loop.time
    with patch("custom_components.iec62056.ports.QUIET_TIME", 0.2):
        async with bus.turn("one"):
            pass
        ended = clock()
        async with bus.turn("one"):
            assert clock() - ended < 0.2
        ended = clock()
        async with bus.turn("other"):
            assert clock() - ended >= 0.2


async def settle() -> None:
    """Let tasks go on that do not end by themselves."""
    for _ in range(20):
        await asyncio.sleep(0)


class TimedLink(SimulatedLink):
    """A link that knows when it was opened and closed."""

    def __init__(self, meter: SimulatedMeter) -> None:
        """Lay a line."""
        super().__init__(meter)
        self.openings: list[float] = []
        self.closings: list[float] = []

    @override
    async def open(self, port: str, settings: Settings) -> SimulatedLink:
        self.openings.append(asyncio.get_running_loop().time())
        return await super().open(port, settings)

    @override
    async def close(self) -> None:
        await super().close()
        self.closings.append(asyncio.get_running_loop().time())


async def test_the_line_is_quiet_between_a_dialog_and_a_readout(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """The dialog spoke with another meter on the line, and so does the next one."""
    link = ports.link = TimedLink(make_meter())
    with patch("custom_components.iec62056.ports.QUIET_TIME", 0.2):
        for _ in range(2):
            await asyncio.wait([Search(hass, PORT, Settings()).task])
            await loaded.runtime_data.coordinator.async_refresh()
    quiet = [
        begun - ended
        for ended, begun in zip(link.closings, link.openings[1:], strict=False)
    ]
    assert len(quiet) == 3
    assert min(quiet) >= 0.2


async def test_an_adapter_that_comes_later_is_the_port_it_was(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    """The path by id leads nowhere as long as nothing is plugged in."""
    path = tmp_path / "by-id"
    before = await async_bus(hass, str(path))
    (tmp_path / "ttyUSB0").touch()
    path.symlink_to(tmp_path / "ttyUSB0")
    assert await async_bus(hass, str(path)) is before
    assert await async_bus(hass, str(tmp_path / "ttyUSB0")) is before


async def test_unloading_in_the_queue_leaves_the_queue(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Whoever waits behind it has a turn all the same."""
    coordinator = loaded.runtime_data.coordinator
    async with coordinator.bus.lock:
        waiting = hass.async_create_background_task(coordinator.async_refresh(), "poll")
        await settle()
        assert not waiting.done()
        assert await hass.config_entries.async_unload(loaded.entry_id)
    async with asyncio.timeout(1), coordinator.bus.turn("the next one"):
        assert ports.link.opened == 1


async def test_unloading_in_the_quiet_time_leaves_the_port(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """It has the port already then, and has sent nothing yet."""
    coordinator = loaded.runtime_data.coordinator
    async with coordinator.bus.turn("another one"):
        pass
    with patch("custom_components.iec62056.ports.QUIET_TIME", 600):
        waiting = hass.async_create_background_task(coordinator.async_refresh(), "poll")
        await settle()
        assert coordinator.bus.lock.locked()
        assert not waiting.done()
        assert await hass.config_entries.async_unload(loaded.entry_id)
        assert not coordinator.bus.lock.locked()
    async with asyncio.timeout(1), coordinator.bus.turn("the next one"):
        assert ports.link.opened == 1
