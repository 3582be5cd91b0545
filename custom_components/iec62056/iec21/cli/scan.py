"""`iec21 scan`: look which port has a meter."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass, field
import errno
from typing import Final

from ..exceptions import (
    EchoOnlyError,
    IecError,
    LinkError,
    MeterTimeoutError,
    OtherProtocolError,
)
from ..messages import Identification
from ..ports import SerialPort, list_ports
from ..settings import Settings
from . import output
from .asking import Question, identify_meter
from .choices import options_for
from .documents import scan_document
from .failures import DONE, explain

LIMIT: Final = 60.0
"""Seconds for one port. A search takes half of them; the rest is for the link."""

_WARNING: Final = "opening a port may reset what hangs on it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What there is at one port."""

    port: SerialPort

    status: str
    """"meter", "silent", "echo", "other protocol", "garbled", "in use", "unusable"."""

    settings: Settings = field(default_factory=Settings)
    identification: Identification | None = None
    error: str = ""
    """What was observed, and what to do; "" where there is a meter."""

    @property
    def options(self) -> list[str]:
        """The options that spare the next search."""
        return options_for(self.settings, Settings())


def scan(options: argparse.Namespace) -> int:
    """Look which port has a meter. Nothing found is no failure."""
    ports = [SerialPort(path, "") for path in options.ports] or list_ports()
    if ports:
        output.print_note(_WARNING)
    findings = asyncio.run(_scan(ports, quiet=options.verbose))
    if options.json:
        output.print_document(scan_document(findings))
    else:
        output.print_findings(findings)
    return DONE


async def _scan(ports: list[SerialPort], *, quiet: bool) -> list[Finding]:
    """Look at all ports at the same time."""
    progress = output.Count(len(ports), "ports", quiet=quiet)

    async def look(port: SerialPort) -> Finding:
        finding = await _look(port)
        progress.advance()
        return finding

    try:
        return await asyncio.gather(*map(look, ports))
    finally:
        progress.erase()


async def _look(port: SerialPort) -> Finding:
    question = Question(port=port.path, settings=Settings(), search=True)
    try:
        async with asyncio.timeout(LIMIT):
            settings, identification = await identify_meter(question)
    except IecError as error:
        return Finding(port=port, status=_status_of(error), error=explain(error)[0])
    except TimeoutError:
        text = f"no end within {LIMIT:.0f} s"
        return Finding(port=port, status="unusable", error=text)
    return Finding(
        port=port, status="meter", settings=settings, identification=identification
    )


def _status_of(error: IecError) -> str:
    match error:
        case LinkError(__cause__=OSError(errno=errno.EBUSY)):
            return "in use"
        case LinkError():
            return "unusable"
        case EchoOnlyError():
            return "echo"
        case OtherProtocolError():
            return "other protocol"
        case MeterTimeoutError(received=b""):
            return "silent"
        case _:
            return "garbled"
