"""Rows of a table that a meter sends in blocks.

A row is a line. Where one block ends and the next begins, some meters leave the
line end out, and nothing forbids a block to end in the middle of a row; what a
whole row looks like tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
import re
from typing import Final

from .telegram import DataSet, parse_data_lines

MAX_ROW: Final = 8192
"""Characters that wait for the rest of their row; sixty channels need 1500."""

_LINE_END = re.compile(r"[\r\n]+")

type Row = tuple[DataSet, ...] | str
"""The data sets of a line, one at least; its text where a part of it is none."""


class RowReader:
    """Cut the text of successive blocks into rows.

    `is_whole` says of the data sets of a line whether they make up a whole row.
    It is asked about what stands at the end of a block without a line end, once
    all rows before have been taken.
    """

    def __init__(self, is_whole: Callable[[tuple[DataSet, ...]], bool]) -> None:
        """Begin before the first block."""
        self._is_whole = is_whole
        self._rest = ""

    def receive_text(self, text: str, *, last: bool) -> Iterator[Row]:
        """Take the text of a block; yield the rows that it completes.

        With the `last` block everything is whole.
        """
        *lines, rest = _LINE_END.split(self._rest + text)
        self._rest = ""
        for line in lines:
            if row := _read(line):
                yield row
        row = _read(rest)
        if row and (
            last
            or len(rest) > MAX_ROW
            or (isinstance(row, tuple) and self._is_whole(row))
        ):
            yield row
        else:
            self._rest = rest

    def clear(self) -> None:
        """Forget a row that has begun."""
        self._rest = ""


def _read(line: str) -> Row:
    """Read a line; "" or () where nothing stands on it."""
    items = tuple(parse_data_lines(line))
    data_sets = tuple(item for item in items if isinstance(item, DataSet))
    return data_sets if len(data_sets) == len(items) else line
