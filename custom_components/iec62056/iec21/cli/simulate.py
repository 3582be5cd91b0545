"""`iec21 simulate`: be a meter until somebody says stop."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
import signal
from typing import Protocol

from ..exceptions import TelegramError
from ..simulator import (
    Fault,
    ReplayMeter,
    Responder,
    SimulatedLine,
    SimulatedMeter,
    serve_tcp,
)
from ..simulator.programming import trouble_of
from ..simulator.sample import (
    HOUSEHOLD,
    PUSH_SAMPLES,
    Sample,
    load_sample,
    load_telegram,
    make_push_meter,
)
from ..traces import Trace
from . import output
from .arguments import MeterOptions, faults_of
from .failures import DONE, UsageError
from .files import contents_of


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
    meter = _responder(options)
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


def _responder(options: argparse.Namespace) -> Responder:
    """Return what the options put at the end of the line."""
    wanted: list[MeterOptions] = options.meters or [MeterOptions()]
    fault = faults_of(options)
    if options.trace is not None:
        if options.meters:
            raise UsageError("a trace is played back alone; leave the other meters out")
        return _replay(options.trace, fault)
    if any(item.sample in PUSH_SAMPLES for item in wanted):
        if len(wanted) > 1 or wanted[0].address or not wanted[0].sample:
            raise UsageError("a meter that sends by itself has its line for itself")
        return make_push_meter(wanted[0].sample, fault)
    meters = [_meter(item, number, fault) for number, item in enumerate(wanted, 1)]
    if len(meters) == 1:
        return meters[0]
    if not all(meter.address for meter in meters):
        raise UsageError("several meters on one line need an --address each")
    return SimulatedLine(meters=meters)


def _meter(item: MeterOptions, number: int, fault: Fault) -> SimulatedMeter:
    sample = _sample(item, number)
    if sample.programming:
        sample.programming.trouble = trouble_of(fault)
    return SimulatedMeter(
        identification=sample.identification,
        content=sample.content,
        address=item.address or "",
        fault=fault,
        programming=sample.programming,
    )


def _sample(item: MeterOptions, number: int) -> Sample:
    if item.telegram is None:
        return load_sample(item.sample or HOUSEHOLD, number)
    try:
        return load_telegram(contents_of(item.telegram))
    except TelegramError as error:
        raise UsageError(f"{item.telegram} cannot be simulated: {error}") from error


def _replay(file: str, fault: Fault) -> ReplayMeter:
    try:
        return ReplayMeter(Trace.from_json(contents_of(file)), fault)
    except TelegramError as error:
        raise UsageError(f"{file} cannot be played back: {error}") from error
