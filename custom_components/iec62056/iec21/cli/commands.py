"""What each command does. Each returns an exit status."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
import sys
import time
from typing import Final

from .. import capture
from ..exceptions import IecError
from ..reading import interpret
from ..redaction import redact_trace
from ..settings import Mode, Settings
from ..steps import DataArrived, Event
from ..telegram import Check, Readout
from ..traces import Trace
from . import output
from .asking import Question, identify_meter, read_meter
from .choices import may_search, options_for, settings_of
from .documents import (
    decode_document,
    identify_document,
    read_document,
    record_document,
)
from .failures import ANSWER_UNUSABLE, DONE, explain
from .files import contents_of, writable
from .profile import profile
from .registers import get, set_register
from .scan import scan
from .simulate import simulate
from .watch import watch


def read(options: argparse.Namespace) -> int:
    """Read a meter out once."""
    question = _question(options)
    settings, readout, duration = asyncio.run(_read(question, quiet=options.verbose))
    readings = interpret(readout)
    learned = options_for(settings, question.settings)
    if options.json:
        document = read_document(options.port, duration, readout, readings)
        output.print_document(document | _learned(learned))
    else:
        output.print_readout(readout, readings, duration)
        _advise(options, learned)
    return DONE


async def _read(
    question: Question, *, quiet: bool, trace: Trace | None = None
) -> tuple[Settings, Readout, float]:
    """Return the readout, and the seconds from opening the port to its last byte."""
    loop = asyncio.get_running_loop()
    started = last = loop.time()
    progress = output.Progress(loop.time, quiet=quiet)

    def watch(event: Event) -> None:
        nonlocal last
        if isinstance(event, DataArrived):
            last = loop.time()
        progress.show(event)

    try:
        settings, readout = await read_meter(question, watch, trace)
    finally:
        progress.erase()
    return settings, readout, last - started


def identify(options: argparse.Namespace) -> int:
    """Ask who is there."""
    question = _question(options)
    settings, identification = asyncio.run(identify_meter(question))
    learned = options_for(settings, question.settings)
    if options.json:
        document = identify_document(options.port, identification, settings)
        output.print_document(document | _learned(learned))
    else:
        output.print_identification(identification)
        if settings.mode is Mode.D:
            output.print_line(f"sends by itself at {settings.first_baud_rate} Bd")
        _advise(options, learned)
    return DONE


def _question(options: argparse.Namespace) -> Question:
    return Question(
        port=options.port, settings=settings_of(options), search=may_search(options)
    )


def _learned(learned: list[str]) -> dict[str, list[str]]:
    """Return what a search adds to a document."""
    return {"options": learned} if learned else {}


def _advise(options: argparse.Namespace, learned: list[str]) -> None:
    """Say what spares the next search."""
    if learned:
        words = ["iec21", options.command, options.port, *learned]
        output.print_note(f"without a search next time: {' '.join(words)}")


def record(options: argparse.Namespace) -> int:
    """Write down one readout, byte by byte, whether it succeeds or not."""
    question = _question(options)
    file = options.output or time.strftime("iec21-trace-%Y%m%d-%H%M%S.json")
    if file != "-":
        writable(file)
    trace = Trace()
    text, status = "", DONE
    try:
        asyncio.run(_read(question, quiet=options.verbose, trace=trace))
    except IecError as error:
        if not trace.entries:
            # There is nothing to show but the failure itself.
            raise
        text, status = explain(error)
    if options.raw:
        output.print_note("nothing was masked: the file shows the meter's number")
    else:
        trace = redact_trace(trace)
    if file == "-":
        output.print_trace(trace)
    else:
        Path(file).write_text(trace.to_json(), encoding="ascii")
        if options.json:
            document = record_document(file, trace, redacted=not options.raw)
            failure = {"error": text, "exit": status} if text else {}
            output.print_document(document | failure)
        else:
            output.print_record(file, trace)
    if text:
        output.print_failure(text, status, as_json=False)
    return status


def decode(options: argparse.Namespace) -> int:
    """Show what a captured telegram says, as far as it can be read."""
    data = sys.stdin.buffer.read() if options.file == "-" else contents_of(options.file)
    text, status = "", DONE
    try:
        readout = capture.decode(data, Check(options.check))
    except capture.DamagedCaptureError as error:
        readout = error.readout
        text, status = f"{error}; the capture is damaged", ANSWER_UNUSABLE
    readings = interpret(readout)
    if options.json:
        document = decode_document(readout, readings)
        if text:
            document |= {"error": text, "exit": status}
        output.print_document(document)
    else:
        output.print_readout(readout, readings)
    if text:
        output.print_failure(text, status, as_json=False)
    return status


COMMANDS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "read": read,
    "identify": identify,
    "watch": watch,
    "record": record,
    "scan": scan,
    "decode": decode,
    "get": get,
    "set": set_register,
    "profile": profile,
    "simulate": simulate,
}
"""Every command by its name."""
