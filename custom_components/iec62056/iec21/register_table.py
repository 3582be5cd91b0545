"""Finding rows: what a code means, of all that is known.

The rows stand in `catalog` and in the profiles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from .catalog import CHANNELS, REGISTERS, TARIFFS, Medium, Register
from .exceptions import TelegramError
from .obis import ObisCode


class RegisterTable:
    """Rows, found by code; of several rows that match, the most specific."""

    def __init__(self, rows: Iterable[Register]) -> None:
        """Index the rows by C and D; those of objects by the whole code."""
        self._rows: dict[tuple[int, int], list[tuple[Register, ObisCode]]] = {}
        self._objects: dict[str, Register] = {}
        for row in rows:
            if "." not in row.code:
                self._objects[row.code] = row
                continue
            pattern = _pattern(row)
            self._rows.setdefault((pattern.c, pattern.d), []).append((row, pattern))
        for candidates in self._rows.values():
            candidates.sort(key=lambda candidate: _specificity(candidate[1]))

    def find(self, code: ObisCode, medium: Medium | None) -> Register | None:
        """Find the row of a code of a meter of `medium`, its numbers filled in."""
        for row, pattern in self._rows.get((code.c, code.d), ()):
            if (
                code.matches(pattern)
                and row.medium in (None, medium)
                and (found := _fill_in(row, code)) is not None
            ):
                return found
        return None

    def find_object(self, code: str) -> Register | None:
        """Find the row of an object of an LIS-200 device: "2:300"."""
        return self._objects.get(code)

    def named(self, key: str, text: str) -> Register | None:
        """Find the row that was given for a code in normal form, by its key."""
        register = self._objects.get(text)
        if register is not None and register.key == key:
            return register
        try:
            code = ObisCode.parse(text)
        except TelegramError:
            return None
        filled_in = (
            _fill_in(row, code)
            for row, pattern in self._rows.get((code.c, code.d), ())
            if code.matches(pattern)
        )
        return next((row for row in filled_in if row and row.key == key), None)


def _pattern(row: Register) -> ObisCode:
    """Read the code of a row; what stands in braces is left out of the pattern."""
    text = row.code.replace("-{channel}", "").replace(".{tariff}", "")
    return ObisCode.parse(text.replace(".{number}", ""))


def _specificity(pattern: ObisCode) -> int:
    """Order patterns: the more groups are given, the earlier."""
    return (pattern.f, pattern.e, pattern.a, pattern.b).count(None)


def _fill_in(row: Register, code: ObisCode) -> Register | None:
    """Put the numbers of a code into its row; None if they are out of range."""
    if "{" not in row.code:
        return row
    numbers: dict[str, int] = {}
    if "{channel}" in row.code:
        if code.b is None or code.b not in CHANNELS:
            return None
        numbers["channel"] = code.b
    if "{channel}" not in row.code or "{number}" in row.code:
        if code.tariff not in TARIFFS:
            return None
        numbers["tariff"] = numbers["number"] = code.tariff
    return replace(
        row,
        code=row.code.format(**numbers),
        key=row.key.format(**numbers),
        tariff=code.tariff if "{tariff}" in row.code else None,
    )


CATALOG: Final = RegisterTable(REGISTERS)
"""The rows of the norm."""

_MEDIA: Final = {
    1: Medium.ELECTRICITY,
    5: Medium.COOLING,
    6: Medium.HEAT,
    7: Medium.GAS,
    8: Medium.WATER,
    9: Medium.HOT_WATER,
}


def medium_of(code: ObisCode, default: Medium | None) -> Medium | None:
    """Which medium a code is about: its group A says, else `default` does."""
    return _MEDIA.get(code.a) if code.a else default


@lru_cache(maxsize=4096)
def lookup(
    code: ObisCode, medium: Medium | None = Medium.ELECTRICITY
) -> Register | None:
    """Find what a code means, or None if the catalogue does not know it.

    `medium` is that of the meter, or of the channel for codes such as
    `0-1:24.2.1`; it counts where group A leaves the matter open.
    """
    return CATALOG.find(code, medium_of(code, medium))
