"""Real ports: a pty for everything local, a socket for everything remote."""

import asyncio
from collections.abc import Iterator
import errno
import os
import termios
import time
import tty
from typing import Any

import pytest
import serialx
from serialx import PinState

from iec21 import Framing, LinkError, Pin, Settings, UnsupportedSettingsError
from iec21.simulator import SimulatedMeter
from iec21.transport import can_switch, display_port, open_transport
from tests.protocol.rfc2217_server import STOPS_AFTER_OPENING, serve_rfc2217

pytestmark = pytest.mark.socket


@pytest.fixture(name="pty")
def fixture_pty() -> Iterator[tuple[int, str]]:
    """Return the meter's end of a pty and the path of the client's."""
    master, client_end = os.openpty()
    tty.setraw(client_end)
    path = os.ttyname(client_end)
    os.close(client_end)
    yield master, path
    os.close(master)


def test_a_port_is_shown_without_its_secrets() -> None:
    """Keys stand in the query, passwords before the host."""
    assert display_port("/dev/ttyUSB0") == "/dev/ttyUSB0"
    assert display_port("esphome://host:6053/?key=secret") == "esphome://host:6053/"
    assert display_port("socket://user:wo/rd@host:1") == "socket://host:1"
    assert display_port("esphome://host:6053/#key=secret") == "esphome://host:6053/"


def test_raw_tcp_has_no_speed_however_it_is_written() -> None:
    """Serialx takes the scheme in any case."""
    assert not can_switch("SOCKET://host:1")
    assert can_switch("rfc2217://host:1")
    assert can_switch("/dev/ttyUSB0")


async def test_a_serial_port_is_written_and_read(pty: tuple[int, str]) -> None:
    """Bytes pass both ways; silence gives nothing after the patience."""
    master, path = pty
    transport = await open_transport(path, Settings(baud_rate=9600))
    assert transport.can_switch
    await transport.write(b"/?!\r\n")
    assert os.read(master, 100) == b"/?!\r\n"
    os.write(master, b"/ABC")
    assert await transport.read(1) == b"/ABC"
    assert await transport.read(0.01) == b""
    await transport.close()
    await transport.close()


async def test_what_came_while_the_event_loop_was_busy_is_read(
    pty: tuple[int, str],
) -> None:
    """An answer that is there is no time-out, however late it is noticed."""
    master, path = pty
    transport = await open_transport(path, Settings())
    reading = asyncio.create_task(transport.read(0.05))
    await asyncio.sleep(0)
    os.write(master, b"/ABC")
    time.sleep(0.1)  # noqa: ASYNC251 - the loop is meant to be busy
    assert await reading == b"/ABC"
    await transport.close()


async def test_the_speed_changes_on_the_open_port(pty: tuple[int, str]) -> None:
    """The first speed is the settings' one."""
    master, path = pty
    transport = await open_transport(path, Settings())
    assert termios.tcgetattr(master)[4] == termios.B300
    await transport.set_baud_rate(9600)
    assert termios.tcgetattr(master)[4] == termios.B9600
    await transport.close()


async def test_writing_takes_as_long_as_the_line(pty: tuple[int, str]) -> None:
    """A speed that changes earlier would cut the message short."""
    _, path = pty
    transport = await open_transport(path, Settings(baud_rate=1200))
    started = time.perf_counter()
    await transport.write(b"\x06050\r\n")
    assert time.perf_counter() - started >= 6 * 10 / 1200
    await transport.close()


@pytest.mark.parametrize("framing", Framing)
async def test_every_framing_opens(pty: tuple[int, str], framing: Framing) -> None:
    """A pty takes them all and keeps eight bits; the codec takes parity off."""
    _, path = pty
    transport = await open_transport(path, Settings(framing=framing))
    await transport.close()


@pytest.fixture(name="asked")
def fixture_asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what serialx is asked for when a port is opened; no pty has pins."""
    asked: dict[str, Any] = {}
    open_serial = serialx.async_serial_for_url

    def watch(url: str, **options: Any) -> serialx.AsyncSerial:
        asked.update(options)
        return open_serial(url, **options)

    monkeypatch.setattr(serialx, "async_serial_for_url", watch)
    return asked


@pytest.mark.parametrize(
    ("dtr", "rts", "state"),
    [
        (Pin.HIGH, Pin.LOW, (PinState.HIGH, PinState.LOW)),
        (Pin.UNTOUCHED, Pin.HIGH, (PinState.UNDEFINED, PinState.HIGH)),
    ],
)
async def test_the_pins_are_as_they_are_set_while_the_port_is_open(
    pty: tuple[int, str],
    asked: dict[str, Any],
    dtr: Pin,
    rts: Pin,
    state: tuple[PinState, PinState],
) -> None:
    """They feed optical heads, so closing leaves them alone."""
    master, path = pty
    transport = await open_transport(path, Settings(dtr=dtr, rts=rts))
    assert (asked["dtr_on_open"], asked["rts_on_open"]) == state
    assert not termios.tcgetattr(master)[2] & termios.HUPCL
    await transport.set_baud_rate(9600)
    assert not termios.tcgetattr(master)[2] & termios.HUPCL
    await transport.close()


async def test_both_pins_are_high_unless_they_are_set(
    pty: tuple[int, str], asked: dict[str, Any]
) -> None:
    """So most heads want them."""
    _, path = pty
    transport = await open_transport(path, Settings())
    assert asked["dtr_on_open"] is asked["rts_on_open"] is PinState.HIGH
    await transport.close()


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(
    ("settings", "orders"),
    [
        (Settings(), []),
        (Settings(dtr=Pin.UNTOUCHED, rts=Pin.UNTOUCHED), []),
        (Settings(dtr=Pin.LOW), [(PinState.LOW, PinState.HIGH)]),
        (
            Settings(dtr=Pin.UNTOUCHED, rts=Pin.LOW),
            [(PinState.UNDEFINED, PinState.LOW)],
        ),
    ],
)
async def test_a_gateway_hears_of_pins_that_are_to_be_low(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    orders: list[tuple[PinState, PinState]],
) -> None:
    """It raises them by itself, and may not know the order."""
    given: list[tuple[PinState, PinState]] = []
    set_pins = serialx.AsyncSerial.set_modem_pins

    async def watch(serial: serialx.AsyncSerial, *, dtr: Any, rts: Any) -> None:
        given.append((dtr, rts))
        await set_pins(serial, dtr=dtr, rts=rts)

    monkeypatch.setattr(serialx.AsyncSerial, "set_modem_pins", watch)
    meter = SimulatedMeter(identification=b"/ABC METER", content=b"")
    async with serve_rfc2217(meter) as server:
        transport = await open_transport(server.port_url, settings)
        await transport.close()
    assert given == orders


@pytest.mark.usefixtures("socket_enabled")
async def test_a_gateway_that_does_not_take_the_order_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The head would have no power; nothing stays open."""
    monkeypatch.setattr("iec21.transport._ANSWER_TIMEOUT", 0.1)
    meter = SimulatedMeter(identification=b"/ABC METER", content=b"")
    async with serve_rfc2217(meter, STOPS_AFTER_OPENING) as server:
        with pytest.raises(LinkError, match="does not answer"):
            await open_transport(server.port_url, Settings(dtr=Pin.LOW))
        # The server has one port, and it is free again.
        again = await open_transport(server.port_url, Settings())
        await again.close()


async def test_a_port_in_use_is_refused(pty: tuple[int, str]) -> None:
    """Two programs on one line would read each other's answers."""
    _, path = pty
    transport = await open_transport(path, Settings())
    with pytest.raises(LinkError, match="another program uses it"):
        await open_transport(path, Settings())
    await transport.close()


async def test_an_unplugged_adapter_is_a_lost_link() -> None:
    """Reading, writing, changing the speed: each says so."""
    master, client_end = os.openpty()
    path = os.ttyname(client_end)
    transport = await open_transport(path, Settings(baud_rate=9600))
    os.close(client_end)
    os.close(master)
    with pytest.raises(LinkError, match=path):
        await transport.read(1)
    with pytest.raises(LinkError, match=path):
        await transport.write(b"/?!\r\n")
    with pytest.raises(LinkError, match=path):
        await transport.set_baud_rate(300)
    await transport.close()


@pytest.mark.parametrize(
    ("port", "said"),
    [
        ("/dev/no-such-port", "there is no such port"),
        ("socket://localhost", "socket://localhost: "),
        ("nonsense://host:1", "nonsense://host:1: "),
        ("/dev/null", "it is not a serial port"),
    ],
)
async def test_a_port_that_cannot_be_opened_says_why(port: str, said: str) -> None:
    """In words, with the port in them."""
    with pytest.raises(LinkError, match=said):
        await open_transport(port, Settings())


@pytest.mark.parametrize(
    "error",
    [
        serialx.UnsupportedSetting("no seven data bits"),
        OSError(errno.EINVAL, "Invalid argument"),
    ],
)
async def test_an_adapter_that_refuses_the_framing_may_take_another(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No adapter here does, so serialx is made to say what it would."""

    async def refuse(_self: serialx.AsyncSerial) -> None:
        raise error

    monkeypatch.setattr(serialx.AsyncSerial, "open", refuse)
    with pytest.raises(UnsupportedSettingsError, match="/dev/ttyUSB0"):
        await open_transport("/dev/ttyUSB0", Settings())


@pytest.mark.usefixtures("socket_enabled")
async def test_a_gateway_is_written_and_read_and_has_no_speed() -> None:
    """Closing on its side is a lost link on ours."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5))
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    transport = await open_transport(f"socket://{host}:{port}", Settings())
    assert not transport.can_switch
    await transport.set_baud_rate(9600)
    await transport.write(b"/?!\r\n")
    assert await transport.read(1) == b"/?!\r\n"
    with pytest.raises(LinkError, match="closed"):
        await transport.read(1)
    await transport.close()
    server.close()
    await server.wait_closed()
    with pytest.raises(LinkError, match="refuses"):
        await open_transport(f"socket://{host}:{port}", Settings())
