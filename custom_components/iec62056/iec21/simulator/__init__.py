"""Simulated meters, for tests, for trying things out and for the demo.

`terminal.serve_pty` is not named here: there are no pseudo terminals on Windows.
"""

from .faults import Fault
from .line import SimulatedLine
from .link import LogEntry, SimulatedLink
from .meter import MeterState, Responder, SimulatedMeter
from .push import PushMeter
from .replay import ReplayMeter
from .server import TcpServer, serve_tcp

__all__ = [
    "Fault",
    "LogEntry",
    "MeterState",
    "PushMeter",
    "ReplayMeter",
    "Responder",
    "SimulatedLine",
    "SimulatedLink",
    "SimulatedMeter",
    "TcpServer",
    "serve_tcp",
]
