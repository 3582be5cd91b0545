"""Read meters that speak IEC 62056-21, with or without Home Assistant.

readout = await iec21.read_out("/dev/ttyUSB0")
for reading in iec21.interpret(readout):
    print(reading.code, reading.value, reading.unit)
"""

from .capture import DamagedCaptureError, decode
from .client import ask, identify, listen, programming, read_out, search
from .commands import Command
from .conversation import Conversation
from .credentials import Credentials, Standing
from .exceptions import (
    ChecksumError,
    CommandRefusedError,
    EchoOnlyError,
    IecError,
    LinkError,
    MeterRefusedError,
    MeterTimeoutError,
    OtherProtocolError,
    PasswordRefusedError,
    PasswordSpentError,
    SessionEndedError,
    TelegramError,
    UnsupportedSettingsError,
    UnusablePasswordError,
)
from .lis200 import Lock
from .lis200_archive import ArchiveRequest, ArchiveRow
from .load_profile import LogEntry, ProfileRow
from .load_profile_request import ProfileRequest
from .messages import Identification
from .passwords import ALGORITHMS, Password
from .reading import Reading, interpret, meter_number
from .settings import Framing, Mode, Pin, Settings
from .steps import DataArrived, Event, Identified, Retrying, SettingsFound
from .telegram import Check, DataSet, Readout

__all__ = [
    "ALGORITHMS",
    "ArchiveRequest",
    "ArchiveRow",
    "Check",
    "ChecksumError",
    "Command",
    "CommandRefusedError",
    "Conversation",
    "Credentials",
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
    "Lock",
    "LogEntry",
    "MeterRefusedError",
    "MeterTimeoutError",
    "Mode",
    "OtherProtocolError",
    "Password",
    "PasswordRefusedError",
    "PasswordSpentError",
    "Pin",
    "ProfileRequest",
    "ProfileRow",
    "Reading",
    "Readout",
    "Retrying",
    "SessionEndedError",
    "Settings",
    "SettingsFound",
    "Standing",
    "TelegramError",
    "UnsupportedSettingsError",
    "UnusablePasswordError",
    "ask",
    "decode",
    "identify",
    "interpret",
    "listen",
    "meter_number",
    "programming",
    "read_out",
    "search",
]
