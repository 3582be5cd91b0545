"""Simulated meters, for tests, for trying things out and for the demo.

`terminal.serve_pty` is not named here: there are no pseudo terminals on Windows.
"""

from .corrector import CorrectorDevice
from .faults import Fault
from .line import SimulatedLine
from .link import LogEntry, SimulatedLink
from .meter import MeterState, Responder, SimulatedMeter
from .programming import Device, ProgrammingMode, Trouble
from .push import PushMeter
from .registers import LoadProfile, RegisterDevice
from .replay import ReplayMeter
from .server import TcpServer, serve_tcp

__all__ = [
    "CorrectorDevice",
    "Device",
    "Fault",
    "LoadProfile",
    "LogEntry",
    "MeterState",
    "ProgrammingMode",
    "PushMeter",
    "RegisterDevice",
    "ReplayMeter",
    "Responder",
    "SimulatedLine",
    "SimulatedLink",
    "SimulatedMeter",
    "TcpServer",
    "Trouble",
    "serve_tcp",
]
