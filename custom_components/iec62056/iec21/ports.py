"""The serial ports of this machine. Opening one is `transport`'s business."""

from __future__ import annotations

from dataclasses import dataclass

import serialx


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One serial port that the operating system knows."""

    path: str
    """What to open; a name that survives replugging where there is one."""

    description: str
    """What the adapter says it is; "" for a port that is built in."""


def list_ports() -> list[SerialPort]:
    """Return the ports in the order of their names. None of them is opened."""
    return sorted(map(_describe, serialx.list_serial_ports()), key=lambda one: one.path)


def _describe(port: serialx.SerialPortInfo) -> SerialPort:
    # Some adapters repeat the maker in the name of the product.
    product, maker = port.product or "", port.manufacturer or ""
    names = [product] if maker in product else [maker, product]
    return SerialPort(port.device, " ".join(name for name in names if name))
