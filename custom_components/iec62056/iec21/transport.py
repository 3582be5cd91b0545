"""The open port. The only module that imports serialx.

Rule: every exception of serialx and of the operating system becomes a
`LinkError` here, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
import errno
import re
import time
from typing import Final, Protocol

import serialx

from .concealing import Concealer
from .const import BITS_PER_CHARACTER
from .exceptions import LinkError, UnsupportedSettingsError
from .settings import Framing, Pin, Settings
from .traces import Entry, Trace

_READ_SIZE: Final = 4096
_ANSWER_TIMEOUT: Final = 5.0
"""Seconds for a gateway to confirm what it was told; serialx waits for ever."""

_CLOSE_TIMEOUT: Final = 2.0
"""Seconds for what is still unsent when a port is closed; serialx waits 30."""

_KINDS_WITHOUT_SPEED: Final = ("socket", "tcp")

_FRAMINGS: Final[dict[Framing, tuple[int, str, int]]] = {
    Framing.AUTO: (7, "E", 1),
    Framing.SEVEN_EVEN_ONE: (7, "E", 1),
    Framing.SEVEN_EVEN_TWO: (7, "E", 2),
    Framing.SEVEN_NONE_ONE: (7, "N", 1),
    Framing.SEVEN_ODD_ONE: (7, "O", 1),
    Framing.EIGHT_NONE_ONE: (8, "N", 1),
    Framing.EIGHT_EVEN_ONE: (8, "E", 1),
}

_PIN_STATES: Final = {
    Pin.HIGH: serialx.PinState.HIGH,
    Pin.LOW: serialx.PinState.LOW,
    Pin.UNTOUCHED: serialx.PinState.UNDEFINED,
}

_REASONS: Final = {
    errno.ENOENT: "there is no such port",
    errno.ENXIO: "there is no such port",
    errno.ENODEV: "the adapter was unplugged",
    errno.EIO: "the connection was lost",
    errno.EACCES: "no permission to use it",
    errno.EPERM: "no permission to use it",
    errno.EBUSY: "another program uses it",
    errno.ENOTTY: "it is not a serial port",
    errno.ECONNREFUSED: "the gateway refuses the connection",
    errno.ECONNRESET: "the gateway closed the connection",
    errno.EPIPE: "the gateway closed the connection",
    errno.EHOSTUNREACH: "the gateway cannot be reached",
    errno.ENETUNREACH: "the gateway cannot be reached",
    errno.ETIMEDOUT: "the gateway does not answer",
}


class Transport(Protocol):
    """An open link. Made by `open_transport`, or by a simulated meter."""

    @property
    def can_switch(self) -> bool:
        """Whether the link can change its speed."""

    async def write(self, data: bytes) -> None:
        """Send `data`; return once the last bit has left, as far as can be known.

        Raises:
            LinkError: the link is gone.

        """

    async def read(self, patience: float) -> bytes:
        """Return what has arrived, b"" if that is nothing for `patience` seconds.

        Raises:
            LinkError: the link is gone.

        """

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Change the speed of the line in baud; a link without one ignores it.

        Raises:
            LinkError: the link is gone, or its adapter does not know the speed.

        """

    async def close(self) -> None:
        """Close the link. Never raises, and may be called twice."""


def display_port(port: str) -> str:
    """Return `port` as it may be shown and logged: without keys and passwords."""
    return re.sub(r"//.*@", "//", re.split("[?#]", port)[0])


def can_switch(port: str) -> bool:
    """Whether a link to `port` can change its speed and framing.

    Raw TCP has neither: they are what the gateway's are.
    """
    return link_kind(port) not in _KINDS_WITHOUT_SPEED


def link_kind(port: str) -> str:
    """Return what kind of link `port` is: "serial", or the scheme of its URL."""
    scheme, separator, _ = port.partition("://")
    return scheme.lower() if separator else "serial"


async def open_transport(port: str, settings: Settings) -> Transport:
    """Open `port` at the first speed of `settings`.

    `port` is a device path or a URL that serialx knows: `socket://host:port`,
    `rfc2217://host:port`, `esphome://…`.

    Raises:
        LinkError: the port cannot be opened; the text says why.

    """
    bits, parity, stop_bits = _FRAMINGS[settings.framing]
    with _link_errors(port):
        serial = serialx.async_serial_for_url(
            port,
            baudrate=settings.first_baud_rate,
            byte_size=bits,
            parity=serialx.Parity(parity),
            stopbits=serialx.StopBits(stop_bits),
            close_timeout=_CLOSE_TIMEOUT,
            dtr_on_open=_PIN_STATES[settings.dtr],
            rts_on_open=_PIN_STATES[settings.rts],
            # Optical heads are fed by these lines: dropping them between two
            # readouts would switch the head off.
            dtr_on_close=serialx.PinState.UNDEFINED,
            rts_on_close=serialx.PinState.UNDEFINED,
        )
        await serial.open()
    transport = SerialTransport(port, serial, settings)
    try:
        await transport.lower_remote_pins(settings)
    except BaseException:
        await transport.close()
        raise
    return transport


class SerialTransport:
    """A link through serialx."""

    def __init__(
        self, port: str, serial: serialx.AsyncSerial, settings: Settings
    ) -> None:
        """Take over an open port."""
        self._port = port
        self._serial = serial
        self._baud_rate = settings.gateway_baud_rate or settings.first_baud_rate
        self._closed = False
        self._remote = link_kind(port) != "serial"
        self.can_switch = can_switch(port)

    async def lower_remote_pins(self, settings: Settings) -> None:
        """Tell a gateway of its pins if one of them is to be low.

        serialx sets pins on open at local ports only. A gateway raises its own by
        itself, and not every one takes orders, so it hears of nothing else.
        """
        if self._remote and Pin.LOW in (settings.dtr, settings.rts):
            with _link_errors(self._port):
                async with asyncio.timeout(_ANSWER_TIMEOUT):
                    await self._serial.set_modem_pins(
                        dtr=_PIN_STATES[settings.dtr], rts=_PIN_STATES[settings.rts]
                    )

    async def write(self, data: bytes) -> None:
        """Send `data`; return once the last bit has left, as far as can be known."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        line_time = len(data) * BITS_PER_CHARACTER / self._baud_rate
        with _link_errors(self._port):
            async with asyncio.timeout(line_time + _ANSWER_TIMEOUT):
                await self._serial.write(data)
                await self._serial.flush()
        if self._remote:
            # Now the gateway holds the bytes, and begins to send them at last.
            started = loop.time()
        # Adapters report an empty buffer before the last bit is on the line; it
        # cannot be sooner than the characters take.
        await asyncio.sleep(started + line_time - loop.time())

    async def read(self, patience: float) -> bytes:
        """Return what has arrived, b"" if that is nothing for `patience` seconds."""
        # What arrived while the event loop was busy is there once the time is
        # over, so there is a second look that waits for nothing.
        for seconds in (patience, 0):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    return await self._read()
        return b""

    async def _read(self) -> bytes:
        with _link_errors(self._port):
            data = await self._serial.read(_READ_SIZE)
        if not data:
            raise LinkError(f"{display_port(self._port)}: the connection was closed")
        return data

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Change the speed of the line in baud; a link without one ignores it."""
        if self.can_switch:
            with _link_errors(self._port):
                async with asyncio.timeout(_ANSWER_TIMEOUT):
                    await self._serial.reconfigure_port(baudrate=baud_rate)
            self._baud_rate = baud_rate

    async def close(self) -> None:
        """Close the link. Never raises, and may be called twice."""
        if self._closed:
            return
        self._closed = True
        # A link that is gone is closed, whatever it says about that.
        with suppress(OSError, serialx.SerialException):
            self._serial.schedule_close()
            closed = asyncio.ensure_future(self._serial.wait_closed())
            try:
                await asyncio.wait([closed], timeout=_CLOSE_TIMEOUT)
            finally:
                # Nothing is left to be polite to; a no-op on a closed port.
                self._serial.abort()
            await asyncio.wait([closed], timeout=_CLOSE_TIMEOUT)


class RecordingTransport:
    """A link whose bytes and speeds are written down as they pass.

    Of a password only its length is, in an echo as well.
    """

    def __init__(self, transport: Transport, trace: Trace) -> None:
        """Record what passes over `transport` into `trace`, from now on."""
        self._transport = transport
        self._trace = trace
        # A search opens its port again and again; time goes on.
        before = trace.entries[-1].time if trace.entries else 0.0
        self._opened = time.monotonic() - before
        self._concealer = Concealer()

    @property
    def can_switch(self) -> bool:
        """Whether the link can change its speed."""
        return self._transport.can_switch

    async def write(self, data: bytes) -> None:
        """Record and send `data`."""
        self._note_received(self._concealer.rest())
        self._trace.add(Entry(self._elapsed, "send", self._concealer.sent(data)))
        await self._transport.write(data)

    async def read(self, patience: float) -> bytes:
        """Return and record what has arrived."""
        if data := await self._transport.read(patience):
            self._note_received(self._concealer.received(data))
        return data

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Record and carry out a change of speed."""
        self._note_received(self._concealer.rest())
        self._trace.add(Entry(self._elapsed, "speed", baud_rate=baud_rate))
        await self._transport.set_baud_rate(baud_rate)

    async def close(self) -> None:
        """Close the link."""
        self._note_received(self._concealer.rest())
        await self._transport.close()

    def _note_received(self, data: bytes) -> None:
        if data:
            self._trace.add(Entry(self._elapsed, "receive", data))

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._opened


@contextmanager
def _link_errors(port: str) -> Iterator[None]:
    """Turn whatever goes wrong with the port into a `LinkError` that says what."""
    try:
        yield
    except serialx.UnsupportedSetting as error:
        raise UnsupportedSettingsError(f"{display_port(port)}: {error}") from error
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise UnsupportedSettingsError(
                f"{display_port(port)}: it does not take these line settings"
            ) from error
        # A connection that is not made in time has neither number nor text.
        reason = _REASONS.get(error.errno or 0) or str(error) or "it does not answer"
        raise LinkError(f"{display_port(port)}: {reason}") from error
    except (serialx.SerialException, ValueError) as error:
        raise LinkError(f"{display_port(port)}: {error}") from error
