"""A `Transport` in memory with a simulated meter at its end, and its own clock.

Nothing here ever waits: `read` moves the clock to whatever happens next. A
readout at 300 Bd takes minutes on that clock and milliseconds in a test.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from ..exceptions import LinkError
from ..settings import Settings
from .meter import Responder
from .wire import Wire, garble, line_time


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One thing that happened on a simulated link."""

    time: float
    """Seconds on the link's clock, when its last bit was through."""

    kind: Literal["open", "write", "read", "switch", "close"]

    data: bytes = b""

    baud_rate: int
    """The client's speed then."""


class SimulatedLink:
    """The client's end of a line to a simulated meter.

    `open` stands in for `transport.open_transport`; a link made without it is
    open already, at `baud_rate`. Like a real port it can be closed and opened
    again, and the meter notices neither.
    """

    def __init__(
        self,
        meter: Responder,
        *,
        baud_rate: int | None = None,
        can_switch: bool = True,
        piece: int | None = None,
        lose_after: int | None = None,
    ) -> None:
        """Lay a line to `meter`.

        `baud_rate` is the client's first speed; None takes the meter's. Without
        `can_switch` it stays there for good, as a gateway's does. `piece` is the
        most bytes that one `read` returns, and after `lose_after` bytes to the
        client the link is gone until it is opened again.
        """
        self.clock = 0.0
        self.log: list[LogEntry] = []
        self.is_open = True
        self.opened = 0
        """How many times `open` has been called with success."""
        self.open_error: LinkError | None = None
        """What the next calls of `open` raise; None lets them succeed."""
        self.settings: Settings | None = None
        """What `open` was called with last."""
        self._wire = Wire(meter)
        self._wire.begin(self.clock)
        self._baud_rate = baud_rate or meter.first_baud_rate
        self._can_switch = can_switch
        self._piece = piece
        self._lose_after = lose_after
        self._delivered = 0
        self._lost = False
        self._received = bytearray()

    async def open(self, port: str, settings: Settings) -> SimulatedLink:
        """Open the link, as `open_transport` does.

        Raises:
            LinkError: it is still open, or `open_error` says so.

        """
        await asyncio.sleep(0)
        if self.open_error is not None:
            raise self.open_error
        if self.opened and self.is_open:
            raise LinkError(f"{port} is already open")
        if self._lost:
            self._lost = False
            self._wire.reset()
            self._wire.begin(self.clock)
        self._advance(self.clock)
        self._received.clear()
        self._delivered = 0
        self._baud_rate = settings.first_baud_rate
        self.settings = settings
        self.is_open = True
        self.opened += 1
        self._write_log("open")
        return self

    @property
    def closed(self) -> bool:
        """Whether the client has closed the link."""
        return not self.is_open

    @property
    def baud_rate(self) -> int:
        """The client's speed in baud."""
        return self._baud_rate

    @property
    def can_switch(self) -> bool:
        """Whether `set_baud_rate` changes anything."""
        return self._can_switch

    @property
    def sent(self) -> list[bytes]:
        """What the client wrote, one item per write."""
        return [entry.data for entry in self.log if entry.kind == "write"]

    @property
    def baud_rates(self) -> list[int]:
        """The speeds that the client changed to, in order."""
        return [entry.baud_rate for entry in self.log if entry.kind == "switch"]

    def elapse(self, seconds: float) -> None:
        """Let time pass, as between two polls."""
        self._advance(self.clock + seconds)

    async def write(self, data: bytes) -> None:
        """Send `data`; its last bit has left when this returns.

        Raises:
            LinkError: the link is closed or lost.

        """
        await asyncio.sleep(0)
        self._check_usable()
        self._wire.receive_data(data, self.clock, self._baud_rate)
        self._advance(self.clock + line_time(data, self._baud_rate))
        self._write_log("write", data)

    async def read(self, patience: float) -> bytes:
        """Return what has come, or b"" when `patience` seconds brought nothing.

        Raises:
            LinkError: the link is closed or lost.

        """
        await asyncio.sleep(0)
        over = self.clock + patience
        while not self._received:
            self._check_usable()
            if self._wire.next_event > over:
                self._advance(over)
                return b""
            self._advance(self._wire.next_event)
        data = bytes(self._received[: self._piece])
        del self._received[: self._piece]
        self._write_log("read", data)
        return data

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Change the client's speed, unless the link has a fixed one.

        Raises:
            LinkError: the link is closed or lost.

        """
        await asyncio.sleep(0)
        self._check_usable()
        if self._can_switch:
            self._baud_rate = baud_rate
            self._write_log("switch")

    async def close(self) -> None:
        """Close the link; doing it twice is harmless."""
        if self.is_open:
            self.is_open = False
            self._write_log("close")
        await asyncio.sleep(0)

    def _check_usable(self) -> None:
        if self._lost:
            raise LinkError("the simulated link was lost")
        if not self.is_open:
            raise LinkError("the simulated link is closed")

    def _advance(self, now: float) -> None:
        """Move the clock to `now`; what arrives meanwhile waits to be read."""
        for arrival in self._wire.advance(now):
            data = garble(arrival.data, arrival.baud_rate, self._baud_rate)
            self._received += data
            self._delivered += len(data)
            if self._lose_after is not None and self._delivered >= self._lose_after:
                del self._received[
                    len(self._received) - self._delivered + self._lose_after :
                ]
                self._lost = True
                break
            self._lost = self._lost or arrival.hang_up
        self.clock = now

    def _write_log(
        self,
        kind: Literal["open", "write", "read", "switch", "close"],
        data: bytes = b"",
    ) -> None:
        entry = LogEntry(
            time=self.clock, kind=kind, data=data, baud_rate=self._baud_rate
        )
        self.log.append(entry)
