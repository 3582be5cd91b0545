"""Everything that is printed. The only module that prints.

Results go to standard output, all else to standard error. What a meter sent is
never printed as it came: control characters could take over the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
import csv
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Final

from ..manufacturers import manufacturer_name
from ..messages import Identification
from ..reading import Reading
from ..steps import DataArrived, Identified, ProgrammingEvent, Retrying
from ..telegram import Readout
from ..traces import Trace
from .documents import Document, value_text

if TYPE_CHECKING:
    from .scan import Finding

_COLUMNS: Final = ("Code", "Value", "Unit", "Meaning", "Time")
_WRITE_COLUMNS: Final = ("Code", "Before", "Written", "After")
_PROGRESS_INTERVAL: Final = 0.1
"""Seconds between two updates; more often, and a slow terminal falls behind."""

_ERASE_LINE: Final = "\r\x1b[K"


def print_line(text: str) -> None:
    """Print one line, and make sure that a pipe gets it now."""
    print(_printable(text), flush=True)  # noqa: T201


def print_document(document: Document) -> None:
    """Print one JSON document on one line."""
    print(json.dumps(document), flush=True)  # noqa: T201


def print_note(text: str) -> None:
    """Print something worth knowing beside the result, in one line."""
    print(f"iec21: {_printable(text)}", file=sys.stderr, flush=True)  # noqa: T201


def print_failure(text: str, status: int, *, as_json: bool) -> None:
    """Print what went wrong, in one line."""
    if as_json:
        print_document({"error": text, "exit": status})
    print_note(text)


def print_identification(identification: Identification) -> None:
    """Print who answered."""
    for line in _who(identification):
        print_line(line)


def print_readout(
    readout: Readout, readings: Sequence[Reading], duration: float | None = None
) -> None:
    """Print a readout as a table; `duration` in seconds, None for a capture."""
    if readout.identification is not None:
        print_identification(readout.identification)
    facts = [f"{len(readout.data_sets)} data sets", f"check: {readout.check}"]
    if duration is not None:
        facts += [
            f"mode {readout.mode}",
            f"{readout.baud_rate} Bd",
            f"{duration:.1f} s",
        ]
    print_line(", ".join(facts))
    print_line("")
    print_readings(readings)
    for text in readout.bad_lines:
        print_line(f"not understood: {text}")


def print_readings(readings: Iterable[Reading]) -> None:
    """Print readings as a table."""
    _print_table(_COLUMNS, [_row(reading) for reading in readings], ["Value"])


def print_write(register: str, *texts: str) -> None:
    """Print what a register was before it was written, with what, and after."""
    row = tuple(map(_printable, (register, *texts)))
    _print_table(_WRITE_COLUMNS, [row], _WRITE_COLUMNS[1:])


def print_row(cells: Iterable[str], widths: Iterable[int]) -> None:
    """Print one row of a table that is longer than anybody wants to wait for.

    A negative width puts the text to the right.
    """
    texts = [
        text.rjust(-width) if width < 0 else text.ljust(width)
        for text, width in zip(cells, widths, strict=True)
    ]
    print_line("  ".join(texts).rstrip())


def print_csv(cells: Iterable[str]) -> None:
    """Print one row of comma-separated values (RFC 4180, but for the line end)."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    print_line(line.getvalue())


def can_ask() -> bool:
    """Whether there is somebody who reads a question, and can answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> bool:
    """Ask a question; anything but a plain yes is a no."""
    text = f"iec21: {_printable(question)} [y/N] "
    print(text, end="", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def print_trace(trace: Trace) -> None:
    """Print a trace as it stands in its file; it has no odd characters."""
    print(trace.to_json(), end="", flush=True)  # noqa: T201


def print_record(file: str, trace: Trace) -> None:
    """Say what is in the file of a trace, and what to do with it."""
    print_line(
        f"{file}: {len(trace.received)} bytes received, {len(trace.entries)} entries"
    )
    print_line("Look at it, and send it along when you report something.")
    print_line(f"iec21 decode {file}    shows what the meter said")
    print_line(f"iec21 simulate --tcp 2001 --trace {file}    plays it back")


def print_findings(findings: Sequence[Finding]) -> None:
    """Print what a scan has found, a block of lines for every port."""
    if not findings:
        print_line("there is no serial port on this machine")
    for finding in findings:
        name = finding.port.description
        print_line(f"{finding.port.path}{f' ({name})' if name else ''}")
        if finding.identification is None:
            print_line(f"  {finding.status}: {finding.error}")
            continue
        for line in _who(finding.identification):
            print_line(f"  {line}")
        print_line("  " + " ".join(["iec21 read", finding.port.path, *finding.options]))


def flush() -> None:
    """Hand everything on.

    Raises:
        BrokenPipeError: nobody wants it.

    """
    sys.stdout.flush()


def discard_output() -> None:
    """Send what is still to be printed nowhere, so that the exit is quiet."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Progress:
    """One line on the terminal that says how far a readout has come."""

    def __init__(self, clock: Callable[[], float], *, quiet: bool) -> None:
        """Show something unless `quiet`, or standard error is no terminal."""
        self._clock = clock
        self._shown = not quiet and sys.stderr.isatty()
        self._next_update = 0.0
        self._baud_rate = 0
        self._data_sets = 0

    def show(self, event: ProgrammingEvent) -> None:
        """Take note of what happened, and show it if it is time to."""
        match event:
            case Identified(identification, baud_rate):
                self._baud_rate = baud_rate
                self._write(f"{identification.raw} answers")
            case DataArrived(received, data_sets):
                self._data_sets += len(data_sets)
                self._write(
                    f"{received} bytes at {self._baud_rate} Bd,"
                    f" {self._data_sets} data sets"
                )
            case Retrying(error):
                self._data_sets = 0
                self._write(f"again, because {error}")
            case _:
                # Nothing that somebody who waits would want to know.
                pass

    def _write(self, text: str) -> None:
        now = self._clock()
        if self._shown and now >= self._next_update:
            self._next_update = now + _PROGRESS_INTERVAL
            _print_over(_printable(text)[: _width() - 1])

    def erase(self) -> None:
        """Leave the line empty."""
        if self._shown:
            _print_over("")


class ListDocument:
    """A JSON document with a list that is too long for memory: one item a line."""

    def __init__(self, head: Document, name: str) -> None:
        """Print everything up to the beginning of the list `name`."""
        self._separator = ""
        _print_part(f"{json.dumps(head)[:-1]}, {json.dumps(name)}: [")

    def add(self, item: Document) -> None:
        """Print the next item of the list."""
        _print_part(f"{self._separator}\n{json.dumps(item)}")
        self._separator = ","

    def close(self, tail: Document) -> None:
        """Print the end of the list, and what stands behind it."""
        _print_part(f"\n], {json.dumps(tail)[1:]}\n")


def _print_part(text: str) -> None:
    print(text, end="", flush=True)  # noqa: T201


class Counter:
    """One line on the terminal that says how far a long list has come."""

    def __init__(self, clock: Callable[[], float], *, quiet: bool) -> None:
        """Show something unless `quiet`, nobody would see it, or the list shows."""
        self._clock = clock
        self._shown = not quiet and sys.stderr.isatty() and not sys.stdout.isatty()
        self._next_update = 0.0

    def show(self, text: str) -> None:
        """Show how far it is, if it is time to."""
        now = self._clock()
        if self._shown and now >= self._next_update:
            self._next_update = now + _PROGRESS_INTERVAL
            _print_over(_printable(text)[: _width() - 1])

    def erase(self) -> None:
        """Leave the line empty."""
        if self._shown:
            _print_over("")


class Count:
    """One line on the terminal that says how many of several things are done."""

    def __init__(self, total: int, what: str, *, quiet: bool) -> None:
        """Show something unless `quiet`, or standard error is no terminal."""
        self._total = total
        self._what = what
        self._done = -1
        self._shown = not quiet and sys.stderr.isatty()
        self.advance()

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        if self._shown:
            _print_over(f"{self._done} of {self._total} {self._what} done")

    def erase(self) -> None:
        """Leave the line empty."""
        if self._shown:
            _print_over("")


def _print_over(text: str) -> None:
    """Replace what stands on the terminal's last line."""
    print(_ERASE_LINE + text, end="", file=sys.stderr, flush=True)  # noqa: T201


def _width() -> int:
    """Return the columns of the terminal on standard error."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def _who(identification: Identification) -> Iterable[str]:
    name = manufacturer_name(identification.manufacturer)
    yield f"{identification.raw}"
    yield (
        f"manufacturer {identification.manufacturer}{f' ({name})' if name else ''},"
        f" type {identification.text}, offers mode {identification.mode}"
        f" at {identification.baud_rate} Bd"
    )


def _row(reading: Reading) -> tuple[str, ...]:
    known = reading.register is not None
    meaning = reading.key.replace("_", " ") if known else ""
    if reading.billing_period is not None:
        meaning = f"{meaning} (period {reading.billing_period})".strip()
    cells = (
        reading.address,
        value_text(reading.value),
        reading.unit,
        meaning,
        value_text(reading.timestamp),
    )
    return tuple(_printable(cell or "") for cell in cells)


def _print_table(
    columns: Sequence[str], rows: Sequence[tuple[str, ...]], numbers: Sequence[str]
) -> None:
    """Print with rich where there is a terminal and rich; else aligned text.

    Columns of `numbers` stand to the right.
    """
    if sys.stdout.isatty():
        try:
            # An extra: `pip install iec21[cli]`.
            from rich.console import Console  # noqa: PLC0415
            from rich.table import Table  # noqa: PLC0415
            from rich.text import Text  # noqa: PLC0415
        except ImportError:
            pass
        else:
            table = Table(box=None, pad_edge=False)
            for title in columns:
                right = "right" if title in numbers else "left"
                table.add_column(title, justify=right)  # type: ignore[arg-type]
            for row in rows:
                table.add_row(*(Text(cell) for cell in row))
            Console(file=sys.stdout).print(table)
            return
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    signed = [
        -width if title in numbers else width
        for title, width in zip(columns, widths, strict=True)
    ]
    for row in (tuple(columns), *rows):
        print_row(row, signed)


def _printable(text: str) -> str:
    """Show control characters as such, and what the terminal cannot show as "?"."""
    shown = "".join(
        character if character.isprintable() else f"\\x{ord(character):02x}"
        for character in text
    )
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)
