"""What a session tells its driver to do, and what it tells the user.

A session never waits and never opens a port. It returns steps, in order, and
the driver (`client` for us, `simulator` for the meter) carries them out.
"""

from __future__ import annotations

from dataclasses import dataclass

from .exceptions import IecError
from .messages import Identification
from .settings import Settings
from .telegram import DataSet, Readout


@dataclass(frozen=True, slots=True)
class Send:
    """Write `data`, and go on only once the last bit has left the port.

    The step after a send is often a change of speed, and a speed that changes
    early cuts the message short.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class SetBaudRate:
    """Change the speed of the line. A link without one ignores this."""

    baud_rate: int


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Call `handle_timeout` after `seconds`, unless a new timer starts first."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Let `seconds` pass before the next step; only a meter needs this.

    What arrives meanwhile is handed over afterwards.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Identified:
    """The meter has said who it is and how fast it is going to be read."""

    identification: Identification
    baud_rate: int


@dataclass(frozen=True, slots=True)
class SettingsFound:
    """A search has found how the meter wants to be spoken to.

    With these settings the next readout needs no search.
    """

    settings: Settings


@dataclass(frozen=True, slots=True)
class DataArrived:
    """Part of the readout is here. Nothing in it has been checked yet."""

    received: int
    """Bytes of the readout so far."""

    data_sets: tuple[DataSet, ...]
    """The data sets that have become complete since the last of these."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """An attempt failed and another follows; forget what came in this one."""

    error: IecError


@dataclass(frozen=True, slots=True)
class ReadoutReceived:
    """The readout is complete and its check is right. The session is over."""

    readout: Readout


@dataclass(frozen=True, slots=True)
class ProgrammingOpened:
    """The meter is in programming mode, and waits for a password or a command."""

    seed: str
    """What it gives an algorithm to start from; "" where there is none."""


@dataclass(frozen=True, slots=True)
class BlockReceived:
    """One block of an answer in programming mode; its check was right."""

    text: str
    """Everything in it, line ends included."""

    last: bool = True
    """Whether the answer is complete with it."""


@dataclass(frozen=True, slots=True)
class CommandDone:
    """The meter has acknowledged a command."""


type Event = Identified | SettingsFound | DataArrived | Retrying | ReadoutReceived
"""What happens in a session; `ReadoutReceived` is the last."""

type ClientStep = Send | SetBaudRate | StartTimer | Event
"""What a session of the client returns."""

type ProgrammingEvent = Event | ProgrammingOpened | BlockReceived | CommandDone
"""What happens in programming mode, and on the way there."""

type ProgrammingStep = Send | SetBaudRate | StartTimer | ProgrammingEvent
"""What a session in programming mode returns."""

type MeterStep = Send | SetBaudRate | StartTimer | Pause
"""What a simulated meter returns."""
