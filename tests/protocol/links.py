"""What lies between a simulated meter and a port: gateways, programs, long ways.

Every function here is an asynchronous context manager that puts a meter behind
one kind of link, gives the port to read it from, and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
import os
from pathlib import Path
import re
import shutil
import socket
import tempfile
from typing import Final

import pytest

from iec21.simulator import Responder, serve_tcp
from iec21.simulator.terminal import serve_pty
from tests.protocol.rfc2217_server import serve_rfc2217

type Link = Callable[[Responder], AbstractAsyncContextManager[str]]
"""Puts a meter behind a link; gives the port."""

_START_LIMIT: Final = 5.0
"""Seconds for a program to start and to stop."""

# Debian has daemons where users do not look.
_PROGRAMS: Final = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))


def program(name: str) -> str:
    """Return the path of a program; skip the test where it is not installed."""
    path = shutil.which(name, path=_PROGRAMS)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


# -- links --------------------------------------------------------------------


@asynccontextmanager
async def over_tcp(meter: Responder) -> AsyncIterator[str]:
    """Put it behind a raw TCP gateway, at line rate."""
    async with serve_tcp(meter, line_rate=True) as server:
        yield server.port_url


@asynccontextmanager
async def over_pty(meter: Responder) -> AsyncIterator[str]:
    """Put it behind a pseudo terminal, at line rate."""
    async with serve_pty(meter, line_rate=True) as server:
        yield server.port_url


@asynccontextmanager
async def over_rfc2217(meter: Responder) -> AsyncIterator[str]:
    """Put it behind an access server, at line rate."""
    async with serve_rfc2217(meter) as server:
        yield server.port_url


@asynccontextmanager
async def in_single_bytes(meter: Responder) -> AsyncIterator[str]:
    """Put it behind a gateway that sends a packet for every character."""
    async with serve_tcp(meter) as server, relay(server.port_url, piece=1) as port:
        yield port


@asynccontextmanager
async def over_socat(meter: Responder) -> AsyncIterator[str]:
    """Put its pseudo terminal behind socat."""
    socat = program("socat")
    async with serve_pty(meter, line_rate=True) as server:
        speed = f"b{meter.first_baud_rate}"
        terminal = f"FILE:{server.port_url},rawer,{speed}"
        async with running(
            socat, "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1", terminal
        ) as process:
            # It names the port that it was given.
            async with asyncio.timeout(_START_LIMIT):
                while b" listening on " not in (line := await read_line(process)):
                    pass
            yield f"socket://127.0.0.1:{int(line.rsplit(b':', 1)[1])}"


@asynccontextmanager
async def over_ser2net(meter: Responder) -> AsyncIterator[str]:
    """Put its pseudo terminal behind ser2net, as a raw TCP gateway at 7E1."""
    ser2net = program("ser2net")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        async with serve_pty(meter, line_rate=True) as server:
            connector = f"serialdev,{server.port_url},{meter.first_baud_rate}e71,local"
            file = Path(folder) / "ser2net.yaml"
            file.write_text(
                "connection: &meter\n"
                f"  accepter: tcp,127.0.0.1,{port}\n"
                f"  connector: {connector}\n",
                encoding="ascii",
            )
            # -n: stay in the foreground, -u: write no lock file.
            async with running(ser2net, "-n", "-u", "-c", str(file)):
                await listening(port)
                yield f"socket://127.0.0.1:{port}"


# -- a long way ---------------------------------------------------------------


@asynccontextmanager
async def relay(
    port: str, *, piece: int = 4096, delay: float = 0.0, hang_up_after: int = 1 << 30
) -> AsyncIterator[str]:
    """Pass a raw TCP port on: in pieces, late, or only up to some byte.

    `delay` is in seconds and for each direction; `hang_up_after` counts the
    bytes that come from the meter.
    """
    host, _, number = port.removeprefix("socket://").rpartition(":")
    clients: set[asyncio.Task[None]] = set()

    async def serve(
        near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        far_reader, far_writer = await asyncio.open_connection(host, int(number))
        try:
            async with asyncio.TaskGroup() as group:
                up = _Way(near_reader, far_writer, piece, delay)
                down = _Way(far_reader, near_writer, piece, delay, hang_up_after)
                for way in (up, down):
                    group.create_task(way.take())
                    group.create_task(way.bring())
        finally:
            clients.discard(task)
            near_writer.transport.abort()
            far_writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await server.wait_closed()


class _Way:
    """One direction of a relay. It is long and not narrow: nothing waits in line."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        piece: int,
        delay: float,
        limit: int = 1 << 30,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._piece = piece
        self._delay = delay
        self._limit = limit
        self._under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    async def take(self) -> None:
        """Take what comes at this end; b"" says that no more does."""
        data = b"-"
        while data:
            try:
                data = await self._reader.read(min(self._piece, self._limit))
            except OSError:
                data = b""
            self._limit -= len(data)
            self._under_way.put_nowait((self._loop.time() + self._delay, data))

    async def bring(self) -> None:
        """Hand it on at the other end when it is due there."""
        data = b"-"
        while data:
            due, data = await self._under_way.get()
            await asyncio.sleep(due - self._loop.time())
            self._writer.write(data)
        self._writer.close()


# -- programs -----------------------------------------------------------------


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program, and end it whatever happens."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        # It may have ended by itself, as socat does with its only connection.
        with suppress(ProcessLookupError):
            process.terminate()
        async with asyncio.timeout(_START_LIMIT):
            await process.communicate()


async def read_line(process: asyncio.subprocess.Process) -> bytes:
    """Return the next line that a program says; fail if there is none."""
    assert process.stderr is not None
    line = await process.stderr.readline()
    assert line, "the program has ended"
    return line


def free_port() -> int:
    """Return the number of a TCP port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number: int = taken.getsockname()[1]
        return number


async def listening(port: int) -> None:
    """Wait until somebody listens on a TCP port, without connecting to it."""
    async with asyncio.timeout(_START_LIMIT):
        while not is_listening(port):  # noqa: ASYNC110  # No event tells.
            await asyncio.sleep(0.01)


def is_listening(port: int) -> bool:
    """Return whether somebody listens on a TCP port of this machine."""
    table = Path("/proc/net/tcp").read_text(encoding="ascii")
    line = rf"^ *\d+: \w+:{port:04X} \w+:0000 0A "
    return re.search(line, table, re.MULTILINE) is not None
