"""Poll a meter every five seconds, in a session that stays open.

So live power is read off a meter whose readout takes minutes. A poll is lost if it
fails, or if it is not done when the next one is due.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from iec21 import Conversation, IecError, programming
from iec21.steps import ProgrammingEvent, ProgrammingOpened

INTERVAL: Final = 5.0
"""Seconds; the fastest that the integration offers."""

REGISTERS: Final = ("16.7.0", "32.7.0", "31.7.0")
"""Power, and voltage and current of a phase."""


@dataclass(slots=True)
class Record:
    """What became of the polls."""

    durations: list[float] = field(default_factory=list)
    """Seconds that each poll took that was not lost."""

    lost: list[str] = field(default_factory=list)
    """Why each of the others was."""

    sessions: int = 0

    def watch(self, event: ProgrammingEvent) -> None:
        """Count sessions: one is enough, unless the meter drops it."""
        self.sessions += isinstance(event, ProgrammingOpened)


def bench_live(port: str, minutes: float) -> bool:
    """Poll for some minutes; return whether no poll was lost."""
    record = Record()
    asyncio.run(poll(port, int(minutes * 60 / INTERVAL), record))
    for reason in record.lost:
        print(f"lost: {reason}")
    durations = sorted(record.durations) or [0.0]
    print(
        f"{minutes:g} minutes, {len(REGISTERS)} registers every {INTERVAL:g} s:"
        f" {len(record.durations)} polls, {len(record.lost)} lost,"
        f" {record.sessions} session(s)"
    )
    print(
        f"a poll took {durations[0]:.3f} to {durations[-1]:.3f} s,"
        f" {durations[len(durations) // 2]:.3f} s in the middle"
    )
    return not record.lost


async def poll(port: str, polls: int, record: Record) -> None:
    """Poll so many times, and begin anew where a session cannot go on."""
    loop = asyncio.get_running_loop()
    due: float | None = None
    done = 0
    while done < polls:
        try:
            async with programming(port, on_event=record.watch) as meter:
                # The first sign-on is no poll; what comes later makes one late.
                due = due or loop.time()
                while done < polls:
                    await read(meter, due, record)
                    done += 1
                    due += INTERVAL
                    await meter.wait(max(0, due - loop.time()))
        except IecError as error:
            record.lost.append(str(error))
            done += 1
            due = (due or loop.time()) + INTERVAL


async def read(meter: Conversation, due: float, record: Record) -> None:
    """Read the registers once.

    Raises:
        IecError: they could not be read.

    """
    loop = asyncio.get_running_loop()
    for register in REGISTERS:
        await meter.read(register)
    duration = loop.time() - due
    if duration > INTERVAL:
        record.lost.append(f"a poll took {duration:.1f} s")
    else:
        record.durations.append(duration)
