"""An access server as RFC 2217 describes it, with a simulated meter at its port.

It acknowledges every setting, escapes the telnet character both ways, and its
serial port has the speed and the framing that the client has set: a client that
sets them wrongly reads garbage and is not heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import re
from typing import Final, override

from iec21.framing import add_parity, strip_parity
from iec21.simulator import Responder
from iec21.simulator.server import WireRunner
from iec21.simulator.wire import Arrival, Wire, garble, line_time

IAC: Final = b"\xff"
SB: Final = b"\xfa"
SE: Final = b"\xf0"
WILL, WILL_NOT, DO, DO_NOT = b"\xfb", b"\xfc", b"\xfd", b"\xfe"

BINARY: Final = b"\x00"
SUPPRESS_GO_AHEAD: Final = b"\x03"
COM_PORT_OPTION: Final = b"\x2c"

SET_BAUDRATE: Final = 1
SET_DATASIZE: Final = 2
SET_PARITY: Final = 3
NOTIFY_MODEMSTATE: Final = 7
SET_MODEMSTATE_MASK: Final = 11

_ANSWER: Final = 100
"""What a server adds to the code of a command that it answers."""

_PARITIES: Final = "?NOEMS"
"""The letters of the values of SET-PARITY; 0 asks for the one that is set."""

_CARRIER: Final = b"\xb0"
"""Clear to send, data set ready, carrier: the lines of a device that is there."""

_SETTINGS_OF_OPENING: Final = 7
"""Two masks, speed, byte size, parity, stop bits, flow control."""

_TELNET = re.compile(
    rb"\xff\xfa(?P<command>(?:[^\xff]|\xff\xff)*)\xff\xf0"
    rb"|\xff(?P<verb>[\xfb-\xfe])(?P<option>.)"
    rb"|\xff[\xf0-\xf9]"
    rb"|(?P<data>(?:[^\xff]|\xff\xff)+)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the server treats its clients. The defaults are the RFC's."""

    negotiates: bool = True
    """False: it takes the connection and never says a word."""

    com_port: bool = True
    """False: it is an ordinary telnet server."""

    acknowledgements: int | None = None
    """After how many settings it falls silent; None: never."""


STOPS_AFTER_OPENING: Final = Manners(acknowledgements=_SETTINGS_OF_OPENING)
"""It falls silent at the first thing that happens on an open port."""

STOPS_AT_THE_CHANGE: Final = Manners(acknowledgements=_SETTINGS_OF_OPENING + 2)
"""Sign-on and acknowledgement are flushed, the change of speed is not answered."""


@dataclass(slots=True)
class Rfc2217Server:
    """One serial port with one simulated meter, for one client at a time."""

    wire: Wire
    manners: Manners
    port_url: str = ""
    """What to give a client as port."""

    baud_rates: list[int] = field(default_factory=list)
    """The speeds that were set, in baud, without repetitions."""

    framings: set[tuple[int, str]] = field(default_factory=set)
    """Byte size and parity at every character that came from a client."""

    received: bytearray = field(default_factory=bytearray)
    """What came from clients for the serial port."""

    cut_short: bool = False
    """Whether a speed was changed while the characters before were on the line."""


class _Client(asyncio.Protocol):
    """One connection."""

    _transport: asyncio.Transport

    def __init__(self, server: Rfc2217Server, clients: set[asyncio.Transport]) -> None:
        self._server = server
        self._clients = clients
        self._runner = WireRunner(server.wire, self._deliver)
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._agreed: set[tuple[bytes, bytes]] = set()
        self._acknowledged = 0
        self._baud_rate = 0
        self._byte_size = 8
        self._parity = "N"
        # When the last character of the client has left the serial port.
        self._through = 0.0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._clients.add(transport)
        self._runner.reset()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._clients.discard(self._transport)
        self._runner.reset()

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._server.manners.negotiates:
            return
        position = 0
        while match := _TELNET.match(self._buffer, position):
            position = match.end()
            if match["command"] is not None:
                self._handle_command(match["command"].replace(IAC * 2, IAC))
            elif match["verb"] is not None:
                self._negotiate(match["verb"], match["option"])
            elif match["data"] is not None:
                self._send_to_meter(match["data"].replace(IAC * 2, IAC))
        self._buffer = self._buffer[position:]

    def _negotiate(self, verb: bytes, option: bytes) -> None:
        """Agree or refuse, once for each option and direction."""
        wanted = option in {BINARY, SUPPRESS_GO_AHEAD} or (
            option == COM_PORT_OPTION and self._server.manners.com_port
        )
        answers = {WILL: (DO, DO_NOT), DO: (WILL, WILL_NOT)}
        if verb in answers and (verb, option) not in self._agreed:
            self._agreed.add((verb, option))
            yes, no = answers[verb]
            self._transport.write(IAC + (yes if wanted else no) + option)

    def _handle_command(self, command: bytes) -> None:
        if command[:1] != COM_PORT_OPTION:
            return
        code, value = command[1], command[2:]
        if self._acknowledged == self._server.manners.acknowledgements:
            return
        self._acknowledged += 1
        match code:
            case _ if code == SET_BAUDRATE:
                self._set_baud_rate(int.from_bytes(value))
            case _ if code == SET_DATASIZE:
                self._byte_size = value[0]
            case _ if code == SET_PARITY:
                self._parity = _PARITIES[value[0]]
            case _:
                pass
        self._answer(code, value)
        if code == SET_MODEMSTATE_MASK:
            self._answer(NOTIFY_MODEMSTATE, _CARRIER)

    def _answer(self, code: int, value: bytes) -> None:
        body = COM_PORT_OPTION + bytes([code + _ANSWER]) + value.replace(IAC, IAC * 2)
        self._transport.write(IAC + SB + body + IAC + SE)

    def _set_baud_rate(self, baud_rate: int) -> None:
        if baud_rate == self._baud_rate:
            return
        self._baud_rate = baud_rate
        self._server.baud_rates.append(baud_rate)
        self._server.cut_short |= self._loop.time() < self._through

    def _send_to_meter(self, data: bytes) -> None:
        self._server.received += data
        self._server.framings.add((self._byte_size, self._parity))
        begin = max(self._loop.time(), self._through)
        self._through = begin + line_time(data, self._baud_rate)
        if (self._byte_size, self._parity) == (7, "E"):
            data = add_parity(data)
        # A receiver throws away what has the wrong parity.
        heard = bytes(byte for byte in data if byte.bit_count() % 2 == 0)
        self._runner.receive_data(heard, self._baud_rate)

    def _deliver(self, arrival: Arrival) -> None:
        data = garble(arrival.data, arrival.baud_rate, self._baud_rate)
        # At eight data bits the parity of the meter is the eighth.
        data = strip_parity(data) if self._byte_size == 7 else add_parity(data)
        self._transport.write(data.replace(IAC, IAC * 2))
        if arrival.hang_up:
            self._transport.close()


@asynccontextmanager
async def serve_rfc2217(
    meter: Responder, manners: Manners | None = None
) -> AsyncIterator[Rfc2217Server]:
    """Put `meter` behind an access server on a free port, at line rate."""
    served = Rfc2217Server(Wire(meter), manners or Manners())
    clients: set[asyncio.Transport] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Client(served, clients), "127.0.0.1", 0
    )
    served.port_url = f"rfc2217://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        for client in clients:
            client.abort()
        await server.wait_closed()
