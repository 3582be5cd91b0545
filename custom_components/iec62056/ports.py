"""Ports: one name for each, one user at a time.

A port is a device path or a URL that serialx knows. The same port may be written
in several ways, so everything here goes by its identity.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from ipaddress import IPv6Address
import os
import re
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from homeassistant.components import usb
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER
from .iec21.transport import display_port

_LOCKS: Final[HassKey[dict[str, asyncio.Lock]]] = HassKey(f"{DOMAIN}_locks")
_QUEUES: Final[HassKey[dict[str, asyncio.Lock]]] = HassKey(f"{DOMAIN}_queues")

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


async def async_port_lock(hass: HomeAssistant, port: str) -> asyncio.Lock:
    """Return the lock that whoever uses this port has to hold."""
    return _lock(hass, _LOCKS, await async_port_identity(hass, port))


def _lock(
    hass: HomeAssistant, locks: HassKey[dict[str, asyncio.Lock]], identity: str
) -> asyncio.Lock:
    return hass.data.setdefault(locks, {}).setdefault(identity, asyncio.Lock())


@asynccontextmanager
async def async_poll_turn(hass: HomeAssistant, port: str) -> AsyncGenerator[None]:
    """Hold the lock of a port for a poll.

    Polls wait for each other before they ask for the lock. So a dialog, where
    somebody sits and waits, has one readout before it and not those of a whole bus.
    """
    identity = await async_port_identity(hass, port)
    async with _lock(hass, _QUEUES, identity), _lock(hass, _LOCKS, identity):
        yield


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
