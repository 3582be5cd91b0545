"""A simulated meter behind a TCP port, as behind a serial gateway.

Everything happens in callbacks of the event loop: there is no task and no
thread, so a server that is closed leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import logging
from math import isinf
import os
from typing import Final, override

from ..concealing import Concealer
from ..exceptions import LinkError
from .meter import Responder
from .wire import Arrival, Wire

_LOGGER = logging.getLogger(__name__)

MAX_UNSENT: Final = 1 << 20
"""Bytes that a client may leave unread before it is dropped."""

_EVERYWHERE: Final = ("", "0.0.0.0", "::")  # noqa: S104  # Compared, not bound to.


class WireRunner:
    """Run a wire on the event loop's clock."""

    def __init__(self, wire: Wire, deliver: Callable[[Arrival], None]) -> None:
        """Call `deliver` with everything that arrives at the client."""
        self.wire = wire
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        # A client may try a password that is a real meter's, and it may be echoed.
        self._to_meter = Concealer(overhears=True)
        self._to_client = Concealer(overhears=True)

    def receive_data(self, data: bytes, baud_rate: int | None = None) -> None:
        """Take what the client has sent just now, at `baud_rate` if it has one."""
        _LOGGER.debug("> %r", self._to_meter.received(data))
        self.wire.receive_data(data, self._loop.time(), baud_rate)
        self._run()

    def begin(self) -> None:
        """Let a meter that sends by itself do so from now on."""
        self.wire.begin(self._loop.time())
        self._schedule()

    def reset(self) -> None:
        """Drop all that is under way; the meter is at its start again."""
        self.wire.reset()
        self._schedule()

    def _run(self) -> None:
        for arrival in self.wire.advance(self._loop.time()):
            _LOGGER.debug("< %r", self._to_client.received(arrival.data))
            self._deliver(arrival)
        self._schedule()

    def _schedule(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if not isinf(self.wire.next_event):
            self._handle = self._loop.call_at(self.wire.next_event, self._run)


class TcpServer:
    """One simulated meter, or line of meters, behind a TCP port.

    One client at a time: the latest one takes over, and finds the meter at its
    start. Without `line_rate` answers come at once.
    """

    def __init__(self, meter: Responder, *, line_rate: bool) -> None:
        """Prepare the meter; `serve_tcp` opens the port."""
        self.port_url = ""
        """What to give a client as port."""
        self._runner = WireRunner(Wire(meter, line_rate=line_rate), self._deliver)
        self._client: asyncio.Transport | None = None

    def attach(self, client: asyncio.Transport) -> None:
        """Let a new client have the line."""
        self.hang_up()
        self._client = client
        self._runner.begin()

    def detach(self, client: asyncio.Transport) -> None:
        """Let a client go that has gone by itself."""
        if client is self._client:
            self.hang_up()

    def receive_data(self, data: bytes) -> None:
        """Take what the client has sent."""
        self._runner.receive_data(data)

    def hang_up(self) -> None:
        """Close the connection, once what was sent is through."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._runner.reset()

    def _deliver(self, arrival: Arrival) -> None:
        if self._client is None:
            return
        self._client.write(arrival.data)
        if arrival.hang_up or self._client.get_write_buffer_size() > MAX_UNSENT:
            self.hang_up()


class _TcpClient(asyncio.Protocol):
    """One connection to a `TcpServer`."""

    _transport: asyncio.Transport

    def __init__(self, server: TcpServer, clients: set[asyncio.Transport]) -> None:
        self._server = server
        self._clients = clients

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # It is TCP.
        self._transport = transport
        self._clients.add(transport)
        self._server.attach(transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._server.receive_data(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._clients.discard(self._transport)
        self._server.detach(self._transport)


@asynccontextmanager
async def serve_tcp(
    meter: Responder,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    line_rate: bool = False,
) -> AsyncIterator[TcpServer]:
    """Put `meter` behind a TCP port; 0 takes any free one.

    Raises:
        LinkError: the port cannot be had.

    """
    served = TcpServer(meter, line_rate=line_rate)
    clients: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            lambda: _TcpClient(served, clients), host or None, port
        )
    except OSError as error:
        # asyncio wraps the reason into a long text of its own. The numbers of
        # the resolver are negative, and mean nothing to the operating system.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise LinkError(f"cannot listen on {host}:{port}: {reason}") from error
    shown = "127.0.0.1" if host in _EVERYWHERE else host
    shown = f"[{shown}]" if ":" in shown else shown
    served.port_url = f"socket://{shown}:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        served.hang_up()
        for client in clients:
            client.abort()
        await server.wait_closed()
