"""What each command does. Each returns an exit status."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
import signal
import sys
from typing import Final, Protocol

from .. import capture, client
from ..exceptions import TelegramError
from ..reading import interpret
from ..settings import Settings
from ..simulator import SimulatedLine, SimulatedMeter, serve_tcp
from ..simulator.sample import HOUSEHOLD, Sample, load_sample, load_telegram
from ..steps import DataArrived, Event
from ..telegram import Check, Readout
from . import output
from .arguments import MeterOptions, UsageError, faults_of, settings_of
from .documents import decode_document, identify_document, read_document
from .failures import ANSWER_UNUSABLE, DONE


def read(options: argparse.Namespace) -> int:
    """Read a meter out once."""
    readout, duration = asyncio.run(
        _read(options.port, settings_of(options), quiet=options.verbose)
    )
    readings = interpret(readout)
    if options.json:
        document = read_document(options.port, duration, readout, readings)
        output.print_document(document)
    else:
        output.print_readout(readout, readings, duration)
    return DONE


async def _read(port: str, settings: Settings, *, quiet: bool) -> tuple[Readout, float]:
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
        readout = await client.read_out(port, settings, on_event=watch)
    finally:
        progress.erase()
    return readout, last - started


def identify(options: argparse.Namespace) -> int:
    """Ask who is there."""
    identification = asyncio.run(client.identify(options.port, settings_of(options)))
    if options.json:
        output.print_document(identify_document(options.port, identification))
    else:
        output.print_identification(identification)
    return DONE


def decode(options: argparse.Namespace) -> int:
    """Show what a captured telegram says, as far as it can be read."""
    data = sys.stdin.buffer.read() if options.file == "-" else _contents(options.file)
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


def _contents(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"{file} cannot be read: {reason}") from error


def simulate(options: argparse.Namespace) -> int:
    """Be a meter until somebody says stop."""
    asyncio.run(_simulate(options))
    return DONE


async def _simulate(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers; Ctrl-C ends the program there anyway.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with _serve(options) as server:
        if options.json:
            output.print_document({"port": server.port_url})
        else:
            output.print_line(server.port_url)
        await stop.wait()


class _Server(Protocol):
    """What a simulated meter is reached through."""

    @property
    def port_url(self) -> str:
        """What to give a client as port."""


def _serve(options: argparse.Namespace) -> AbstractAsyncContextManager[_Server]:
    """Return the server that the options ask for, not yet open."""
    meter = _meter(options)
    if options.tcp is not None:
        host, port = options.tcp
        return serve_tcp(meter, host, port, line_rate=options.line_rate)
    try:
        # Not at the top: Windows has no pseudo terminals, but all the rest.
        from ..simulator.terminal import serve_pty  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "there are no pseudo terminals on this system; use --tcp"
        ) from error
    link = Path(options.pty) if options.pty else None
    return serve_pty(meter, link, line_rate=options.line_rate)


def _meter(options: argparse.Namespace) -> SimulatedMeter | SimulatedLine:
    wanted: list[MeterOptions] = options.meters or [MeterOptions()]
    fault = faults_of(options)
    meters = []
    for number, item in enumerate(wanted, 1):
        sample = _sample(item, number)
        meter = SimulatedMeter(
            identification=sample.identification,
            content=sample.content,
            address=item.address or "",
            fault=fault,
        )
        meters.append(meter)
    if len(meters) == 1:
        return meters[0]
    if not all(meter.address for meter in meters):
        raise UsageError("several meters on one line need an --address each")
    return SimulatedLine(meters=meters)


def _sample(item: MeterOptions, number: int) -> Sample:
    if item.telegram is None:
        return load_sample(item.sample or HOUSEHOLD, number)
    try:
        return load_telegram(_contents(item.telegram))
    except TelegramError as error:
        raise UsageError(f"{item.telegram} cannot be simulated: {error}") from error


COMMANDS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "read": read,
    "identify": identify,
    "decode": decode,
    "simulate": simulate,
}
"""Every command by its name."""
