"""Simulated meters behind real sockets and pseudo terminals.

The few tests here that take time take a few hundredths of a second: the line
runs at 19 200 Bd from the first byte on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
import logging
import os
from pathlib import Path
import termios
import time
import tty

import pytest

from iec21 import Check, LinkError, Settings, read_out
from iec21.simulator import Fault, MeterState, SimulatedMeter, TcpServer, serve_tcp
from iec21.simulator.terminal import PtyServer, serve_pty
from iec21.simulator.wire import line_time

pytestmark = [pytest.mark.socket, pytest.mark.usefixtures("socket_enabled")]

BLOCK = b"".join(b"1.8.%d(000123.456*kWh)\r\n" % tariff for tariff in range(10))
SIGN_ON = b"/?!\r\n"
FAST = Settings(baud_rate=19200, timeout=0.3, attempts=1)


def meter(
    fault: Fault = Fault.NONE,
    *,
    identification: bytes = b"/XMp6EX",
    content: bytes = BLOCK,
    check: Check = Check.XOR,
) -> SimulatedMeter:
    """Return a meter that reacts after 20 ms and listens at 19 200 Bd."""
    return SimulatedMeter(
        identification=identification,
        content=content,
        check=check,
        fault=fault,
        first_baud_rate=19200,
    )


def mode_a(fault: Fault = Fault.NONE, content: bytes = BLOCK) -> SimulatedMeter:
    """Return one that sends everything after the sign-on."""
    return meter(fault, identification=b"/XMp@EX", content=content, check=Check.NONE)


def open_descriptors() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


# -- TCP ------------------------------------------------------------------------


@asynccontextmanager
async def connection(
    server: TcpServer,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Be a client without a session."""
    host, port = server.port_url.removeprefix("socket://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_a_meter_is_read_over_tcp() -> None:
    """Without line rate there is next to nothing to wait for."""
    async with serve_tcp(meter()) as server:
        readout = await read_out(server.port_url)
    assert len(readout.data_sets) == 10


@pytest.mark.parametrize("pieces", [1, 3])
async def test_the_log_shows_no_password_of_a_client(
    caplog: pytest.LogCaptureFixture, pieces: int
) -> None:
    """Somebody may try the one of a real meter; its echo is hidden as well."""
    caplog.set_level(logging.DEBUG, logger="iec21")
    command = b"\x01P1\x02(87654321)\x03a"
    async with (
        serve_tcp(meter(Fault.ECHO)) as server,
        connection(server) as (reader, writer),
    ):
        for start in range(0, len(command), len(command) // pieces):
            writer.write(command[start : start + len(command) // pieces])
            await writer.drain()
            await asyncio.sleep(0.01)
        await reader.readexactly(len(command))
    assert "P1" in caplog.text
    assert "8765" not in caplog.text
    assert "4321" not in caplog.text


async def test_with_line_rate_every_byte_takes_its_time() -> None:
    """Both ways, with the reaction times between."""
    started = time.perf_counter()
    async with serve_tcp(mode_a(), line_rate=True) as server:
        await read_out(server.port_url, FAST)
    line = line_time(SIGN_ON + b"/XMp@EX\r\n!\r\n" + BLOCK, 19200)
    assert line + 0.02 <= time.perf_counter() - started < line + 1


async def test_a_client_that_comes_again_finds_the_meter_at_its_start() -> None:
    """It was left waiting for an acknowledgement."""
    async with serve_tcp(meter()) as server:
        for _ in range(3):
            async with connection(server) as (reader, writer):
                writer.write(SIGN_ON)
                assert await reader.readline() == b"/XMp6EX\r\n"


async def test_a_client_that_goes_takes_its_session_with_it() -> None:
    """The meter does not go on waiting for it."""
    device = meter()
    async with serve_tcp(device) as server:
        async with connection(server) as (reader, writer):
            writer.write(SIGN_ON)
            await reader.readline()
            assert device.state is MeterState.ACKNOWLEDGEMENT
        await asyncio.sleep(0.01)
        assert device.handle_timeout() == []


async def test_the_latest_client_takes_over() -> None:
    """The one before is cut off, and its going changes nothing any more."""
    async with serve_tcp(meter()) as server, connection(server) as (first, writer):
        writer.write(SIGN_ON)
        await first.readline()
        async with connection(server) as (second, other):
            assert await first.read() == b""
            writer.close()
            other.write(SIGN_ON)
            assert await second.readline() == b"/XMp6EX\r\n"


async def test_a_client_that_goes_in_the_middle_harms_nobody() -> None:
    """The next one gets a whole readout."""
    async with serve_tcp(mode_a(), line_rate=True) as server:
        async with connection(server) as (reader, writer):
            writer.write(SIGN_ON)
            await reader.readline()
        readout = await read_out(server.port_url, FAST)
    assert len(readout.data_sets) == 10


async def test_the_gateway_may_hang_up() -> None:
    """What was sent before still arrives."""
    async with serve_tcp(mode_a(Fault.HANG_UP)) as server:
        async with connection(server) as (reader, writer):
            writer.write(SIGN_ON)
            received = await reader.read()
        with pytest.raises(LinkError):
            await read_out(server.port_url, FAST)
    assert received.startswith(b"/XMp@EX\r\n1.8.0(")
    assert not received.endswith(b"!\r\n")


async def test_a_client_that_never_reads_is_dropped() -> None:
    """It must not fill the memory."""
    device = mode_a(Fault.ANSWERS_TWICE, content=bytes(16 << 20))
    async with serve_tcp(device) as server, connection(server) as (reader, writer):
        writer.write(SIGN_ON)
        await asyncio.sleep(0.01)
        assert len(await reader.read()) < 2 * len(BLOCK) + (17 << 20)


async def test_a_port_that_is_taken_is_an_error_of_the_link() -> None:
    """The text says which."""
    async with serve_tcp(meter()) as server:
        port = int(server.port_url.rsplit(":", 1)[1])
        with pytest.raises(LinkError, match=f"cannot listen on 127.0.0.1:{port}: "):
            async with serve_tcp(meter(), port=port):
                pass


async def test_an_address_of_somebody_else_is_an_error_of_the_link() -> None:
    """192.0.2.1 belongs to documentation, never to a machine."""
    with pytest.raises(
        LinkError, match=r"cannot listen on 192\.0\.2\.1:0: .*(assign|bind)"
    ):
        async with serve_tcp(meter(), "192.0.2.1"):
            pass


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104  # That is the point.
        ("", "127.0.0.1"),
        ("::1", "[::1]"),
    ],
)
async def test_the_port_shown_can_be_used(host: str, shown: str) -> None:
    """An address that means "everywhere" is no address to call."""
    try:
        async with serve_tcp(meter(), host) as server:
            assert server.port_url.startswith(f"socket://{shown}:")
    except LinkError as error:
        pytest.skip(str(error))


async def test_a_tcp_server_leaves_nothing_behind() -> None:
    """No file, no task, no timer, even with a client in the middle."""
    before = open_descriptors()
    async with serve_tcp(meter(), line_rate=True) as server:
        client = connection(server)
        _, writer = await client.__aenter__()
        writer.write(SIGN_ON)
        await asyncio.sleep(0.01)
    await client.__aexit__(None, None, None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert open_descriptors() == before
    assert len(asyncio.all_tasks()) == 1


# -- pseudo terminals -----------------------------------------------------------


class Terminal:
    """A client that has the terminal open and no session."""

    def __init__(self, server: PtyServer, speed: int = termios.B19200) -> None:
        """Open it at `speed`, one of termios' constants."""
        self.descriptor = os.open(
            server.port_url, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK
        )
        self.set_speed(speed)

    def set_speed(self, speed: int) -> None:
        """Change the speed."""
        attributes = termios.tcgetattr(self.descriptor)
        attributes[tty.ISPEED] = attributes[tty.OSPEED] = speed
        termios.tcsetattr(self.descriptor, termios.TCSANOW, attributes)

    def write(self, data: bytes) -> None:
        """Send."""
        os.write(self.descriptor, data)

    async def read(self, size: int, seconds: float = 1.0) -> bytes:
        """Return `size` bytes, or what has come after `seconds`."""
        received = b""
        deadline = time.perf_counter() + seconds
        while len(received) < size and time.perf_counter() < deadline:
            try:
                received += os.read(self.descriptor, size - len(received))
            except BlockingIOError:
                await asyncio.sleep(0.001)
        return received

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


async def test_a_meter_is_read_over_a_pty() -> None:
    """Through serialx, as from a serial adapter."""
    async with serve_pty(meter()) as server:
        readout = await read_out(server.port_url, FAST)
    assert readout.baud_rate == 19200
    assert len(readout.data_sets) == 10


async def test_on_a_pty_a_readout_takes_the_time_of_its_bits() -> None:
    """The meter sees the client's real speed, and both follow it."""
    started = time.perf_counter()
    async with serve_pty(meter(identification=b"/XMp5EX"), line_rate=True) as server:
        readout = await read_out(server.port_url, FAST)
    slow = line_time(BLOCK, 9600)
    fast = line_time(SIGN_ON + b"/XMp5EX\r\n\x06050\r\n", 19200)
    assert readout.baud_rate == 9600
    assert slow + fast <= time.perf_counter() - started < slow + fast + 0.3


async def test_at_another_speed_the_meter_hears_nothing() -> None:
    """What the client sends is garbage to it."""
    async with serve_pty(mode_a(), line_rate=True) as server:
        terminal = Terminal(server, termios.B9600)
        terminal.write(SIGN_ON)
        assert await terminal.read(1, 0.08) == b""
        terminal.close()


async def test_at_another_speed_the_client_hears_garbage() -> None:
    """A client that changes it too early loses the answer."""
    async with serve_pty(mode_a(), line_rate=True) as server:
        terminal = Terminal(server)
        terminal.write(SIGN_ON)
        # Long enough for the server to notice the client, too short for the
        # meter to answer.
        await asyncio.sleep(0.03)
        terminal.set_speed(termios.B9600)
        received = await terminal.read(20, 0.08)
        terminal.close()
    assert received
    assert b"/XMp" not in received


async def test_a_client_that_reopens_the_terminal_finds_it_fresh() -> None:
    """The meter is at its start, and nothing old is waiting."""
    async with serve_pty(mode_a(content=BLOCK * 20)) as server:
        for _ in range(2):
            terminal = Terminal(server)
            terminal.write(SIGN_ON)
            assert await terminal.read(9) == b"/XMp@EX\r\n"
            terminal.close()
            await asyncio.sleep(0.03)


@pytest.mark.parametrize("line_rate", [True, False])
async def test_a_terminal_can_be_read_again_and_again(*, line_rate: bool) -> None:
    """Even by a client that changes nothing but what a pty refuses."""
    fixed = replace(FAST, switch_baud_rate=False)
    async with serve_pty(
        meter(identification=b"/XMp5EX"), line_rate=line_rate
    ) as server:
        for settings in (FAST, fixed, fixed):
            readout = await read_out(server.port_url, settings)
            assert len(readout.data_sets) == 10
            assert (readout.baud_rate == 9600) is settings.switch_baud_rate


async def test_a_client_that_reads_late_gets_everything() -> None:
    """A terminal holds only so much; the rest waits."""
    content = b"1.8.0(1)\r\n" * 20_000
    async with serve_pty(mode_a(content=content)) as server:
        terminal = Terminal(server)
        terminal.write(SIGN_ON)
        await asyncio.sleep(0.05)
        expected = b"/XMp@EX\r\n" + content + b"!\r\n"
        assert await terminal.read(len(expected)) == expected
        terminal.close()


async def test_the_link_is_kept_over_a_replug(tmp_path: Path) -> None:
    """A port that breaks comes back under the same name, and goes at the end."""
    link = tmp_path / "meter"
    async with serve_pty(meter(Fault.HANG_UP), link) as server:
        assert server.port_url == str(link)
        for _ in range(2):
            assert link.exists()
            with pytest.raises(LinkError, match="lost"):
                await read_out(str(link), FAST)
    assert not link.is_symlink()


async def test_an_old_link_is_replaced(tmp_path: Path) -> None:
    """A simulator that was killed could not remove it."""
    link = tmp_path / "meter"
    link.symlink_to("/dev/pts/12345")
    async with serve_pty(meter(), link):
        assert link.exists()


async def test_what_is_no_link_is_left_alone(tmp_path: Path) -> None:
    """It may be somebody's file."""
    file = tmp_path / "meter"
    file.write_text("precious")
    before = open_descriptors()
    with pytest.raises(LinkError, match="there is something else"):
        async with serve_pty(meter(), file):
            pass
    assert file.read_text() == "precious"
    assert open_descriptors() == before


async def test_a_link_that_others_have_taken_over_is_left_alone(tmp_path: Path) -> None:
    """Another simulator uses it now."""
    link = tmp_path / "meter"
    async with serve_pty(meter(), link):
        link.unlink()
        link.symlink_to("/dev/null")
    assert str(link.readlink()) == "/dev/null"


async def test_a_pty_server_leaves_nothing_behind() -> None:
    """No file, no task, no timer, even with a client in the middle."""
    before = open_descriptors()
    async with serve_pty(meter(), line_rate=True) as server:
        terminal = Terminal(server)
        terminal.write(SIGN_ON)
        await asyncio.sleep(0.03)
        server.replug()
    terminal.close()
    assert open_descriptors() == before
    assert len(asyncio.all_tasks()) == 1
