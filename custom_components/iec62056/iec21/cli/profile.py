"""`iec21 profile`: load profiles, log books and archives, row by row."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
import re
from typing import Final, Protocol, override
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..conversation import Conversation
from ..credentials import Credentials
from ..exceptions import CommandRefusedError, IecError
from ..lis200_archive import ArchiveRequest
from ..load_profile import ProfileItem
from ..load_profile_request import ProfileRequest
from ..ranges import ArchiveItem
from ..telegram import BadLine
from . import output
from .cells import Row, cells_of, time_of, titles_of, widths_of
from .choices import credentials_of
from .documents import Document, programming_document, row_document
from .failures import DONE, UsageError, explain
from .opening import check_sendable, opened

_LOAD_PROFILE: Final = "P.01"
_INTERVALS: Final = "3"
"""The archive of intervals (`ArchiveRequest.archive`)."""

_ARCHIVE = re.compile(r"0?(\d{1,2})(?::V(?:\.0)?)?", re.ASCII | re.IGNORECASE)
# Numbers below 50 are load profiles, those above log books.
_INTERVAL_REGISTER = re.compile(
    r"P\.0?[0-4]?\d|0?3(?::V(?:\.0)?)?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is asked for. Times are aware if there is a zone, or in UTC."""

    register: str | None
    """None: whatever has the intervals of this kind of meter."""

    start: datetime | None
    end: datetime | None
    zone: tzinfo | None


def profile(options: argparse.Namespace) -> int:
    """Read a load profile, a log book or an archive."""
    wanted = _wanted(options)
    return asyncio.run(_profile(options, wanted, credentials_of(options)))


async def _profile(
    options: argparse.Namespace, wanted: _Wanted, credentials: Credentials | None
) -> int:
    """Print rows as they come; return the exit status.

    Raises:
        IecError: there is nothing to print.

    """
    loop = asyncio.get_running_loop()
    started = last = loop.time()
    printer = _Documents() if options.json else _Lines(as_csv=options.csv)
    counter = output.Counter(loop.time, quiet=options.verbose)
    rows = bad_lines = 0
    text, status = "", DONE
    try:
        async with opened(options, credentials) as meter:
            register = _register(meter, wanted)
            printer.begin(_head(meter, options, register, wanted))
            async with aclosing(_items(meter, options, register, wanted)) as items:
                async for item in items:
                    last = loop.time()
                    if isinstance(item, BadLine):
                        bad_lines += 1
                        counter.erase()
                        output.print_note(f"not understood: {item.text}")
                        continue
                    printer.add(item)
                    rows += 1
                    counter.show(f"{rows} rows, the last one of {time_of(item)}")
    except IecError as error:
        if not printer.begun:
            raise
        _hint(error, options)
        text, status = explain(error)
    finally:
        counter.erase()
    tail = {"bad_lines": bad_lines, "duration": round(last - started, 3)}
    printer.end(tail | ({"error": text, "exit": status} if text else {}))
    if text:
        output.print_failure(text, status, as_json=False)
    return status


def _register(meter: Conversation, wanted: _Wanted) -> str:
    """Return what has the rows: a code, or the number of an archive.

    Raises:
        UsageError: the meter has no such thing.

    """
    if not meter.is_lis200:
        return wanted.register or _LOAD_PROFILE
    match = _ARCHIVE.fullmatch(wanted.register or _INTERVALS)
    if match is None:
        raise UsageError(
            f"{wanted.register!r} is no archive of this device, which has numbers for"
            " them: --register 3"
        )
    return match[1]


def _items(
    meter: Conversation, options: argparse.Namespace, register: str, wanted: _Wanted
) -> AsyncGenerator[ProfileItem | ArchiveItem]:
    """Ask for the rows in the way of the meter."""
    if meter.is_lis200:
        archive = ArchiveRequest(
            archive=int(register), start=wanted.start, end=wanted.end
        )
        return meter.archive(archive)
    request = ProfileRequest(register, wanted.start, wanted.end)
    command = options.command_name or "R5"
    return meter.load_profile(request, command=command, zone=wanted.zone)


def _head(
    meter: Conversation, options: argparse.Namespace, register: str, wanted: _Wanted
) -> Document:
    """Return what a document begins with."""
    head = programming_document(options.port, meter.identification, meter.baud_rate)
    return head | {
        "register": register,
        "from": wanted.start.isoformat() if wanted.start else None,
        "to": wanted.end.isoformat() if wanted.end else None,
    }


def _hint(error: IecError, options: argparse.Namespace) -> None:
    """Say what may be worth a try with a meter that does not understand."""
    if isinstance(error, CommandRefusedError) and error.answer in {"ACK", "NAK"}:
        used = options.command_name or "R5"
        error.add_note(f"another --command than {used} may do")


# -- what is wanted -----------------------------------------------------------


def _wanted(options: argparse.Namespace) -> _Wanted:
    """Read the options that say what is wanted.

    Raises:
        UsageError: they make no sense.

    """
    if options.csv and options.json:
        raise UsageError("--csv or --json, not both")
    if options.register is not None:
        check_sendable(options.register)
    zone = _zone(options.zone)
    start = _moment(options.start, zone, days=0)
    end = _moment(options.end, zone, days=1)
    register: str | None = options.register
    if register is None or _INTERVAL_REGISTER.fullmatch(register):
        # All of it takes an hour with most meters, and few want that.
        today = datetime.combine(datetime.now(zone).date(), time.min, tzinfo=zone)
        start = start or (end or today) - timedelta(days=1)
        end = end or max(start, today) + timedelta(days=1)
    if start and end and start > end:
        raise UsageError("--from lies behind --to")
    return _Wanted(register=register, start=start, end=end, zone=zone)


def _zone(name: str | None) -> tzinfo | None:
    """Return the time zone of a name.

    Raises:
        UsageError: there is none of that name.

    """
    if name is None:
        return None
    if name.upper() == "UTC":
        # Not the zone of that name: meters print UTC in a way of its own.
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise UsageError(f"{name!r} is no time zone, as Europe/Berlin is") from error


def _moment(text: str | None, zone: tzinfo | None, *, days: int) -> datetime | None:
    """Read one end of a range; a date alone is `days` after its midnight.

    Raises:
        UsageError: it is neither a date nor a time.

    """
    if text is None:
        return None
    try:
        moment = _parse(text, days)
    except (OverflowError, ValueError) as error:
        raise UsageError(
            f"{text!r} is no time, as 2026-11-20 and 2026-11-20T06:15 are"
        ) from error
    if not 2000 <= moment.year < 2100:
        raise UsageError(f"{text!r} cannot be asked for: a year has two digits")
    if moment.tzinfo is None:
        return moment.replace(tzinfo=zone)
    if zone is None:
        raise UsageError(f"{text!r} says how far UTC is; --zone has to say the rest")
    return moment.astimezone(zone)


def _parse(text: str, days: int) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)
    return datetime.combine(day + timedelta(days=days), time.min)


# -- printing -----------------------------------------------------------------


class _Printer(Protocol):
    """Prints rows as they come."""

    begun: bool

    def begin(self, head: Document) -> None:
        """Print what comes before the rows."""

    def add(self, row: Row) -> None:
        """Print the next row."""

    def end(self, tail: Document) -> None:
        """Print what comes behind them."""


class _Lines(_Printer):
    """A table, or comma-separated values."""

    def __init__(self, *, as_csv: bool) -> None:
        self.begun = False
        self._csv = as_csv
        self._titles: tuple[str, ...] = ()
        self._widths: tuple[int, ...] = ()

    @override
    def begin(self, head: Document) -> None:
        self.begun = True
        if not self._csv and head["identification"]:
            output.print_line(head["identification"]["raw"])

    @override
    def add(self, row: Row) -> None:
        titles = titles_of(row)
        if titles != self._titles:
            # Another kind of rows begins.
            self._titles, self._widths = titles, widths_of(row)
            self._print(titles)
        self._print(cells_of(row))

    @override
    def end(self, tail: Document) -> None:
        if not (self._csv or self._titles or "error" in tail):
            output.print_line("no rows")

    def _print(self, cells: tuple[str, ...]) -> None:
        if self._csv:
            output.print_csv(cells)
        else:
            output.print_row(cells, self._widths)


class _Documents(_Printer):
    """One JSON document."""

    _document: output.ListDocument

    def __init__(self) -> None:
        self.begun = False

    @override
    def begin(self, head: Document) -> None:
        self.begun = True
        self._document = output.ListDocument(head, "rows")

    @override
    def add(self, row: Row) -> None:
        self._document.add(row_document(row))

    @override
    def end(self, tail: Document) -> None:
        self._document.close(tail)
