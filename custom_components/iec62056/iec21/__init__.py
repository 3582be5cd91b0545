"""Read meters that speak IEC 62056-21, with or without Home Assistant.

readout = await iec21.read_out("/dev/ttyUSB0")
for reading in iec21.interpret(readout):
    print(reading.code, reading.value, reading.unit)
"""

from .capture import DamagedCaptureError, decode
from .client import identify, listen, read_out, search
from .exceptions import (
    ChecksumError,
    EchoOnlyError,
    IecError,
    LinkError,
    MeterRefusedError,
    MeterTimeoutError,
    OtherProtocolError,
    TelegramError,
    UnsupportedSettingsError,
)
from .messages import Identification
from .reading import Reading, interpret, meter_number
from .settings import Framing, Mode, Pin, Settings
from .steps import DataArrived, Event, Identified, Retrying, SettingsFound
from .telegram import Check, DataSet, Readout

__all__ = [
    "Check",
    "ChecksumError",
    "DamagedCaptureError",
    "DataArrived",
    "DataSet",
    "EchoOnlyError",
    "Event",
    "Framing",
    "Identification",
    "Identified",
    "IecError",
    "LinkError",
    "MeterRefusedError",
    "MeterTimeoutError",
    "Mode",
    "OtherProtocolError",
    "Pin",
    "Reading",
    "Readout",
    "Retrying",
    "Settings",
    "SettingsFound",
    "TelegramError",
    "UnsupportedSettingsError",
    "decode",
    "identify",
    "interpret",
    "listen",
    "meter_number",
    "read_out",
    "search",
]
