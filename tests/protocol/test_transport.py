"""Real ports: a pty for everything local, a socket for everything remote."""

import asyncio
from collections.abc import Iterator
import errno
import os
import termios
import time
import tty

import pytest
import serialx

from iec21 import Framing, LinkError, Settings, UnsupportedSettingsError
from iec21.transport import can_switch, display_port, open_transport

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
