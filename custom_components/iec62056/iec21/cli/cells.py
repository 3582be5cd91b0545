"""Rows of load profiles, log books and archives as cells of a table."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from ..lis200_archive import ArchiveRow
from ..load_profile import LogEntry, ProfileRow
from ..reading import Value
from ..status_words import Status
from .documents import status_words, value_text

type Row = ProfileRow | LogEntry | ArchiveRow

_STATUS_WIDTH = len("summer_time reset")
_LEAST_WIDTH = 10
"""Characters of a column with values; a longer one takes its room."""


def titles_of(row: Row) -> tuple[str, ...]:
    """Return what stands over the columns, with their units in brackets."""
    match row:
        case ProfileRow():
            titles = [(item.address, item.unit) for item in row.channels]
            return ("Time", "Season", "Status", *map(_title, titles))
        case LogEntry():
            return ("Time", "Season", "Status", "Noted")
        case ArchiveRow():
            return tuple(_title((item.heading, item.unit)) for item in row.columns)
        case _:
            assert_never(row)


def cells_of(row: Row) -> tuple[str, ...]:
    """Return what stands in the columns; "" where nothing was measured."""
    match row:
        case ProfileRow():
            status = _status(row.status, row.status_text)
            values = map(_text, row.values)
            return (_text(row.end), row.season or "", status, *values)
        case LogEntry():
            status = _status(row.status, row.status_text)
            noted = ", ".join(
                f"{item.address} {_text(item.value)} {item.unit or ''}".strip()
                for item in row.readings
            )
            return (_text(row.time), row.season or "", status, noted)
        case ArchiveRow():
            return tuple(map(_text, row.values))
        case _:
            assert_never(row)


def widths_of(row: Row) -> tuple[int, ...]:
    """Return the width of each column, negative where text stands to the right."""
    match row:
        case ProfileRow() | LogEntry():
            time = len(_text(time_of(row)))
            widths = [time, len("Season"), _STATUS_WIDTH]
            more = titles_of(row)[3:]
            return (*widths, *(-max(len(title), _LEAST_WIDTH) for title in more))
        case ArchiveRow():
            return tuple(
                -max(len(title), len(cell))
                for title, cell in zip(titles_of(row), cells_of(row), strict=True)
            )
        case _:
            assert_never(row)


def time_of(row: Row) -> datetime | None:
    """Return when it happened, or ended."""
    return row.end if isinstance(row, ProfileRow) else row.time


def _title(column: tuple[str, str | None]) -> str:
    name, unit = column
    return f"{name} ({unit})" if unit else name


def _status(status: Status, text: str) -> str:
    """Return what the meter noted; the word as sent where nobody knows its bits."""
    return " ".join(status_words(status)) or (text if text.strip("0") else "")


def _text(value: Value | datetime) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return value_text(value) or ""
