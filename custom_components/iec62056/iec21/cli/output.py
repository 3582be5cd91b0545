"""Everything that is printed. The only module that prints.

Results go to standard output, all else to standard error. What a meter sent is
never printed as it came: control characters could take over the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
import json
import os
import sys
from typing import TYPE_CHECKING, Final

from ..manufacturers import manufacturer_name
from ..messages import Identification
from ..reading import Reading
from ..steps import DataArrived, Event, Identified, Retrying
from ..telegram import Readout
from ..traces import Trace
from .documents import Document, value_text

if TYPE_CHECKING:
    from .scan import Finding

_COLUMNS: Final = ("Code", "Value", "Unit", "Meaning", "Time")
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
    _print_table([_row(reading) for reading in readings])
    for text in readout.bad_lines:
        print_line(f"not understood: {text}")


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

    def show(self, event: Event) -> None:
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


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print with rich where there is a terminal and rich; else aligned text."""
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
            for title in _COLUMNS:
                right = "right" if title == "Value" else "left"
                table.add_column(title, justify=right)  # type: ignore[arg-type]
            for row in rows:
                table.add_row(*(Text(cell) for cell in row))
            Console(file=sys.stdout).print(table)
            return
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
    for row in (_COLUMNS, *rows):
        cells = [
            cell.rjust(width) if title == "Value" else cell.ljust(width)
            for title, cell, width in zip(_COLUMNS, row, widths, strict=True)
        ]
        print_line("  ".join(cells).rstrip())


def _printable(text: str) -> str:
    """Show control characters as such, and what the terminal cannot show as "?"."""
    shown = "".join(
        character if character.isprintable() else f"\\x{ord(character):02x}"
        for character in text
    )
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)
