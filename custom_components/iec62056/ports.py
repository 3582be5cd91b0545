"""Ports: one name for each, one user at a time.

A port is a device path or a URL that serialx knows. The same port may be written
in several ways, so everything here goes by its identity.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import IPv6Address
import os
import re
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit
from weakref import WeakValueDictionary

from homeassistant.components import usb
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER
from .iec21.exceptions import LinkError
from .iec21.transport import display_port
from .schedule import automatic_interval

_BUSES: Final[HassKey[WeakValueDictionary[str, Bus]]] = HassKey(f"{DOMAIN}_buses")

QUIET_TIME: Final = 1.5
"""Seconds of silence between the sessions of two meters on one line.

By then every meter that overheard the other one waits for a sign-on again: it is the
longest pause within a message (IEC 62056-21, clause 6.4.3.6).
"""

# URLs whose path is a local device: serialx's names of its own backends.
_LOCAL_SCHEMES: Final = ("device", "linux", "posix", "extended-posix")

_HOST = re.compile(r"[^\s:/?#\[\]@]+")


def gateway_url(scheme: str, host: str, port: int) -> str:
    """Write the URL of a gateway.

    Raises:
        ValueError: `host` is neither a name nor an address.

    """
    host = host.strip().lower()
    if ":" in host:
        # The brackets are ours to put on, but many users type them.
        address = IPv6Address(host.removeprefix("[").removesuffix("]"))
        return f"{scheme}://[{address}]:{port}"
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is not the name of a host")
    return f"{scheme}://{host}:{port}"


async def async_stable_path(hass: HomeAssistant, port: str) -> str:
    """Return a path of a local device that stays the same over a restart."""
    if not port.startswith("/dev/"):
        return port
    try:
        return await hass.async_add_executor_job(usb.get_serial_by_id, port)
    except OSError:
        LOGGER.debug("Could not look for a stable path of %s", port, exc_info=True)
        return port


async def async_port_identity(hass: HomeAssistant, port: str) -> str:
    """Return what tells this port from all others.

    The real path of a local device, host and port of a gateway, and the name of
    the port as well where one ESPHome device has several.
    """
    scheme, separator, rest = port.partition("://")
    if not separator:
        return await hass.async_add_executor_job(os.path.realpath, port)
    if scheme.lower() in _LOCAL_SCHEMES:
        return await hass.async_add_executor_job(os.path.realpath, rest)
    try:
        parts = urlsplit(port)
        # Raw TCP and RFC 2217 on one TCP port are one and the same adapter.
        host = f"{_host(parts)}:{parts.port}"
    except ValueError:
        # Not a URL; opening it will say so.
        return port
    names = parse_qs(parts.query).get("port_name", [])
    return " ".join([host + parts.path.rstrip("/"), *names])


def _host(parts: SplitResult) -> str:
    """Return the host of a URL in the one spelling of several that we use."""
    host = parts.hostname or ""
    if ":" in host:
        return IPv6Address(host).compressed
    return host.removesuffix(".")


def without_secrets(text: str, port: str) -> str:
    """Return what was said about `port` without its keys and passwords."""
    return text.replace(port, display_port(port))


class Bus:
    """Everything that hangs on one port, and takes turns there."""

    def __init__(self) -> None:
        """Begin with a free port that nothing is known of."""
        self.lock: Final = asyncio.Lock()
        """Whoever uses the port holds this."""
        self.durations: Final[dict[str, float]] = {}
        """Seconds that the latest readout took, by the entry that was read."""
        self.is_listened_to = False
        """Whether an entry listens here all the time: its meter sends by itself."""
        self._queue = asyncio.Lock()
        self._last: tuple[str, float] | None = None

    def interval(self, *more: float) -> timedelta:
        """Return how often the meters here can be read with ease.

        `more` are durations in seconds of meters that are not set up yet.
        """
        return automatic_interval((*self.durations.values(), *more))

    @asynccontextmanager
    async def hold(self, user: str) -> AsyncGenerator[None]:
        """Hold the port, once nobody else does.

        After another user the line is left alone for a while.

        Raises:
            LinkError: a meter that sends by itself has the port, for as long as it
                is listened to.

        """
        self._check_listener()
        clock = asyncio.get_running_loop().time
        async with self.lock:
            if self._last is not None and self._last[0] != user:
                await asyncio.sleep(self._last[1] + QUIET_TIME - clock())
            try:
                yield
            finally:
                self._last = user, clock()

    @asynccontextmanager
    async def turn(self, entry_id: str) -> AsyncGenerator[None]:
        """Hold the port for a poll, in the order in which polls ask for it.

        Polls wait for each other before they ask for the lock. So a dialog, where
        somebody sits and waits, has one readout before it and not those of a whole
        bus.

        Raises:
            LinkError: as `hold`.

        """
        self._check_listener()
        async with self._queue, self.hold(entry_id):
            yield

    def _check_listener(self) -> None:
        if self.is_listened_to:
            # Without its name, which may be that of its owner: this is logged.
            raise LinkError("a meter that sends by itself has the port")


async def async_bus(hass: HomeAssistant, port: str) -> Bus:
    """Return what keeps the users of this port apart.

    It is there for as long as somebody keeps it.
    """
    identity = await async_port_identity(hass, port)
    buses = hass.data.setdefault(_BUSES, WeakValueDictionary())
    # An adapter that was unplugged is another device under the same path, and who
    # was set up before keeps the bus. So the path as written goes first.
    bus = buses.get(port) or buses.get(identity) or Bus()
    buses[port] = buses[identity] = bus
    return bus


async def async_port_users(hass: HomeAssistant, port: str) -> list[str]:
    """Name what in Home Assistant uses this port now: integrations and apps."""
    try:
        ports = await usb.async_scan_serial_ports(hass)
    except OSError:
        LOGGER.debug("Could not list the serial ports", exc_info=True)
        ports = []
    consumers = await usb.async_get_serial_port_consumers(hass, ports)
    identity = await async_port_identity(hass, port)
    return [
        f"{consumer.title} ({consumer.domain})" if consumer.domain else consumer.title
        for path, users in consumers.items()
        if await async_port_identity(hass, path) == identity
        for consumer in users
        if consumer.active
    ]
