"""A simulated meter behind a pseudo terminal, as behind a serial adapter.

A pty knows the speed that the client set, so a client that changes it too early
or not at all reads garbage here, as it would from a meter. It knows neither
parity nor byte size: those go through unseen. There are none on Windows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
import os
from pathlib import Path
import pty
import re
import select
import termios
import tty
from typing import Final

from ..exceptions import LinkError
from .meter import Responder
from .server import MAX_UNSENT, WireRunner
from .wire import Arrival, Wire, garble

ATTACH_INTERVAL: Final = 0.02
"""Seconds between two looks whether a client has opened a pty; nothing tells."""

_READ_SIZE: Final = 4096
_BAUD_RATES: Final = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if re.fullmatch(r"B[1-9]\d*", name)
}


class PtyServer:
    """One simulated meter, or line of meters, behind a pseudo terminal.

    A client that closes the terminal and opens it again finds the meter at its
    start, and nothing of what was sent meanwhile.
    """

    def __init__(
        self, meter: Responder, link: Path | None = None, *, line_rate: bool
    ) -> None:
        """Open a terminal, with a symbolic link to it at `link`.

        Raises:
            LinkError: there is something else at `link`, or no place for it.

        """
        self._loop = asyncio.get_running_loop()
        self._line_rate = line_rate
        # A client that changes its speed loses what comes before it has done so,
        # line rate or not.
        wire = Wire(meter, line_rate=line_rate, reaction_times=True)
        self._runner = WireRunner(wire, self._deliver)
        self._link = link
        self._unsent = bytearray()
        self._plug_in()

    @property
    def port_url(self) -> str:
        """What to give a client as port."""
        return self._terminal if self._link is None else str(self._link)

    def replug(self) -> None:
        """Take the adapter out and put it in again: the link stays, the port not."""
        self._unplug()
        self._plug_in()

    def close(self) -> None:
        """Remove the terminal, and the link to it."""
        self._unplug()
        if self._link is not None and self._is_own(self._link):
            self._link.unlink()

    def _is_own(self, link: Path) -> bool:
        return link.is_symlink() and str(link.readlink()) == self._terminal

    def _plug_in(self) -> None:
        self._master, terminal = pty.openpty()
        os.set_blocking(self._master, False)
        _make_fresh(terminal)
        self._terminal = os.ttyname(terminal)
        os.close(terminal)
        try:
            self._point_link()
        except OSError as error:
            os.close(self._master)
            raise LinkError(f"cannot link {self._link}: {error.strerror}") from error
        self._timer = self._loop.call_later(ATTACH_INTERVAL, self._watch)

    def _point_link(self) -> None:
        """Let the link show to the terminal; it is never missing on the way."""
        if self._link is None:
            return
        if self._link.exists() and not self._link.is_symlink():
            raise FileExistsError(0, "there is something else")
        new = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        new.symlink_to(self._terminal)
        new.replace(self._link)

    def _unplug(self) -> None:
        self._detach()
        self._timer.cancel()
        os.close(self._master)

    def _watch(self) -> None:
        """Look out for a client, now and then."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN | select.POLLHUP)
        events = sum(event for _, event in poll.poll(0))
        if events & select.POLLHUP and not events & select.POLLIN:
            self._timer = self._loop.call_later(ATTACH_INTERVAL, self._watch)
        else:
            self._loop.add_reader(self._master, self._read)
            self._runner.begin()

    def _detach(self) -> None:
        """Forget the client and all that it has not read."""
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        self._unsent.clear()
        self._runner.reset()

    def _read(self) -> None:
        try:
            data = os.read(self._master, _READ_SIZE)
        except OSError:
            # Nobody has the terminal open any more.
            self._detach()
            self._make_fresh()
            self._watch()
        else:
            self._runner.receive_data(data, self._client_baud_rate())

    def _make_fresh(self) -> None:
        """Drop what waits in the terminal, and how the client had set it up."""
        with suppress(OSError):
            terminal = os.open(self._terminal, os.O_RDWR | os.O_NOCTTY)
            _make_fresh(terminal)
            os.close(terminal)

    def _client_baud_rate(self) -> int | None:
        """Return the speed that the client has set; None where it does not count."""
        if not self._line_rate:
            return None
        speed = termios.tcgetattr(self._master)[tty.OSPEED]
        return _BAUD_RATES.get(speed)

    def _deliver(self, arrival: Arrival) -> None:
        client = self._client_baud_rate() or arrival.baud_rate
        self._unsent += garble(arrival.data, arrival.baud_rate, client)
        del self._unsent[MAX_UNSENT:]
        self._write()
        if arrival.hang_up:
            self.replug()

    def _write(self) -> None:
        # A client that does not read gets it later. One that has gone is noticed
        # by the reader, which drops the rest.
        with suppress(OSError):
            del self._unsent[: os.write(self._master, self._unsent)]
        if self._unsent:
            self._loop.add_writer(self._master, self._write)
        else:
            self._loop.remove_writer(self._master)


def _make_fresh(terminal: int) -> None:
    """Bring a terminal into the state in which nobody has used it.

    Its speed is one that no client wants. A pty refuses parity and seven bits,
    and the C library reports an error if these are all that a client changes.
    """
    tty.setraw(terminal)
    attributes = termios.tcgetattr(terminal)
    attributes[tty.ISPEED] = attributes[tty.OSPEED] = termios.B50
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    termios.tcflush(terminal, termios.TCIFLUSH)


@asynccontextmanager
async def serve_pty(
    meter: Responder, link: Path | None = None, *, line_rate: bool = False
) -> AsyncIterator[PtyServer]:
    """Put `meter` behind a pseudo terminal, with a symbolic link to it at `link`.

    Without `line_rate` only what the meter sends takes no time.

    Raises:
        LinkError: there is something else at `link`, or no place for it.

    """
    server = PtyServer(meter, link, line_rate=line_rate)
    try:
        yield server
    finally:
        server.close()
