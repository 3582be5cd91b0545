"""Archives of LIS-200 devices: what they recorded, row by row.

No two kinds of device have the same columns, so the headings and units are read
from the device first. Each row ends with the device's own verdict on its record,
`(CRC Ok)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
import re

from .commands import Command
from .exceptions import TelegramError
from .lis200 import Address
from .rows import RowReader
from .telegram import BadLine, DataSet, parse_data_lines
from .times import parse_timestamp
from .units import usual_unit
from .values import parse_number

_VERDICT = re.compile(r"\s*CRC\s+(\w+)\s*", re.ASCII | re.IGNORECASE)
_COUNT = re.compile(r"\s*0*(\d{1,9})\s*", re.ASCII)


class ArchiveAttribute(StrEnum):
    """What is asked of an archive, or of a column of it."""

    VALUE = "0"
    ACCESS = "1"
    HEADING = "2"
    UNIT = "3"
    SOURCE = "4"
    UNIT_CODE = "5"
    FORMAT = "6"
    DATA_TYPE = "7"
    SETTABLE_SOURCE = "8"
    COUNT = "A"
    """How many rows there are in a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRequest:
    """Which rows of an archive are wanted.

    >>> ArchiveRequest(archive=3).rows_command().data
    '3:V.0(3;;;10)'

    """

    archive: int
    """1 months, 2 measurements of months, 3 intervals, 4 events, 5 changes of
    settings, 7 days (EK270)."""

    column: int = 3
    """The column that the range is about, from 1 on; the third one is the time."""

    start: datetime | str | None = None
    """The first value in the range. None: from the oldest row on.

    A time is printed as it is: these clocks know nothing of zones.
    """

    end: datetime | str | None = None
    """The last value in the range. None: up to the youngest row."""

    rows: int = 10
    """How many rows come in a block."""

    def rows_command(self) -> Command:
        """Ask for the rows, block by block."""
        return self._command("R3", ArchiveAttribute.VALUE, str(self.rows))

    def all_rows_command(self) -> Command:
        """Ask for the rows in one block."""
        return self._command("R1", ArchiveAttribute.VALUE, "")

    def count_command(self) -> Command:
        """Ask how many rows there are; `parse_count` reads the answer."""
        return self._command("R1", ArchiveAttribute.COUNT, "1")

    def headings_command(self) -> Command:
        """Ask what the columns are called."""
        return self._about_columns(ArchiveAttribute.HEADING)

    def units_command(self) -> Command:
        """Ask in which units they are; with the headings, `parse_columns` reads it."""
        return self._about_columns(ArchiveAttribute.UNIT)

    def _command(self, name: str, attribute: ArchiveAttribute, rows: str) -> Command:
        """Write a command about the range."""
        limits = f"{self.column};{_print(self.start)};{_print(self.end)};{rows}"
        return Command(name, f"{self._address(attribute)}({limits})")

    def _about_columns(self, attribute: ArchiveAttribute) -> Command:
        """Write a command about all columns."""
        return Command("R1", f"{self._address(attribute)}(1)")

    def _address(self, attribute: ArchiveAttribute) -> Address:
        return Address(instance=self.archive, number="V", attribute=attribute)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an archive."""

    heading: str
    """As the device has it, such as "VbT" or "T.MP"."""

    unit: str | None
    """In its usual spelling; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRow:
    """One record of an archive."""

    columns: tuple[Column, ...]

    values: tuple[Decimal | datetime | str | None, ...]
    """One for each column. A time is naive, as the device's clock showed it.

    Text where it is no number, such as "0x8104"; None where nothing stands.
    """

    intact: bool | None
    """The device's verdict on its record. None where it gives none."""

    @property
    def time(self) -> datetime | None:
        """When the record was made, which is the first time in it."""
        times = (value for value in self.values if isinstance(value, datetime))
        return next(times, None)


def parse_count(text: str) -> int:
    """Read how many rows there are from the text of an answer.

    Raises:
        TelegramError: it is no such answer.

    """
    texts = _texts(text)
    match = _COUNT.fullmatch(texts[0]) if len(texts) == 1 else None
    if match is None:
        raise TelegramError("not a number of rows", text.encode("latin-1", "replace"))
    return int(match[1])


def parse_columns(headings: str, units: str) -> tuple[Column, ...]:
    """Read the columns from the texts of two answers.

    Raises:
        TelegramError: they are no such answers.

    """
    names = _texts(headings)
    spelled = [usual_unit(unit) for unit in _texts(units)]
    if not names:
        raise TelegramError("an archive without columns")
    # Columns without a unit may be left out at the end.
    spelled += [None] * (len(names) - len(spelled))
    if len(spelled) > len(names):
        raise TelegramError("an archive with more units than columns")
    return tuple(map(Column, names, spelled))


class ArchiveReader:
    """Read the rows of an archive from the text of its blocks.

    Nothing here raises. A row that does not fit the columns comes as a `BadLine`.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Begin with what `parse_columns` found."""
        self._columns = tuple(columns)
        self._rows = RowReader(self._is_whole)

    def receive_text(
        self, text: str, *, last: bool = True
    ) -> list[ArchiveRow | BadLine]:
        """Take the text of a block whose check was right; return its rows.

        `last` says that no further block belongs to the answer.
        """
        return [
            self._read(row) if isinstance(row, tuple) else BadLine(row)
            for row in self._rows.receive_text(text, last=last)
        ]

    def begin_again(self) -> None:
        """Forget a row that has begun; an answer follows from its beginning."""
        self._rows.clear()

    def _is_whole(self, row: tuple[DataSet, ...]) -> bool:
        """Whether data sets make up a row."""
        return len(row) == len(self._columns)

    def _read(self, row: tuple[DataSet, ...]) -> ArchiveRow | BadLine:
        """Read one record."""
        if not self._is_whole(row):
            return BadLine("".join(map(str, row)))
        verdict = _VERDICT.fullmatch(row[-1].value)
        return ArchiveRow(
            columns=self._columns,
            values=tuple(_value(data_set.value) for data_set in row),
            intact=verdict[1].lower() == "ok" if verdict else None,
        )


def _texts(text: str) -> list[str]:
    """Return what stands in each pair of brackets, without blanks around it."""
    return [
        # What looks like a value and its unit is a unit with a mark before it.
        (item.value or item.unit or "").strip()
        for item in parse_data_lines(text)
        if isinstance(item, DataSet)
    ]


def _value(text: str) -> Decimal | datetime | str | None:
    """Read one value of a record."""
    moment = parse_timestamp(text) if "-" in text else None
    return moment or parse_number(text)[0]


def _print(limit: datetime | str | None) -> str:
    """Print an end of a range."""
    if isinstance(limit, datetime):
        return f"{limit:%Y-%m-%d,%H:%M:%S}"
    return limit or ""
