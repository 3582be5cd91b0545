"""Data sets and the readout they make up; text only.

What a value means is decided elsewhere (`reading`): "0000" may be a number, a
serial number or a status word, so nothing is converted here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
import re
from typing import Self

from .exceptions import TelegramError
from .messages import Identification

# A unit begins with anything but a digit: "(1*2)" is a value. Nothing here ever
# gives a character back ("+" behind a quantifier), so no text takes long to read.
_UNIT = r"(?![0-9])[^()*\r\n]*+"
# The ordinary data set with the line end behind it, and whatever else stands in
# its place up to the end of the line. The asterisk stays with the unit here: it
# tells an empty unit from none.
_TOKEN = re.compile(
    rf"([^()\r\n]*+)\(([^()*\r\n]*+)(\*{_UNIT})?+\)[\r\n]*+|([^\r\n]++)"
)
# A data set in full: brackets may be nested once, and a value may hold
# asterisks, in which case the last one stands before the unit.
_DATA_SET = re.compile(
    r"([^()\r\n]*+)"
    rf"\(((?:[^()*\r\n]++|\([^()\r\n]*+\)|\*(?!{_UNIT}\)))*+)(?:\*({_UNIT}))?+\)"
)


@dataclass(frozen=True, slots=True)
class DataSet:
    """One address, value and unit, exactly as the meter sent them.

    >>> DataSet.parse("1.8.0(000123.456*kWh)")
    DataSet(address='1.8.0', value='000123.456', unit='kWh')
    """

    address: str
    """OBIS or EDIS code. Empty when the value continues the set before it."""

    value: str
    """Text between the brackets. Never converted here: "0000" may be a serial."""

    unit: str | None = None
    """Text after the asterisk, in the meter's own spelling ("kWh", "KWh", "m3").

    None where there is no asterisk, "" where nothing follows it.
    """

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one data set.

        Raises:
            TelegramError: the text is not one complete data set.

        """
        match = _DATA_SET.fullmatch(text)
        if match is None:
            raise TelegramError("not a data set", text.encode("latin-1", "replace"))
        return cls(*match.groups())

    def __str__(self) -> str:
        """Write the data set the way a meter would."""
        unit = "" if self.unit is None else f"*{self.unit}"
        return f"{self.address}({self.value}{unit})"


@dataclass(frozen=True, slots=True)
class BadLine:
    """Part of a data block that is no data set, kept as it came."""

    text: str


def parse_data_lines(text: str) -> Iterator[DataSet | BadLine]:
    """Read everything in `text`, in order; a bad line never costs the others.

    `text` holds whole lines: any line ends, any number of data sets per line,
    none at all for an empty line.
    """
    for address, value, unit, odd_text in _TOKEN.findall(text):
        if odd_text:
            yield from _parse_odd_text(odd_text)
        else:
            yield DataSet(address, value, unit[1:] if unit else None)


def _parse_odd_text(text: str) -> Iterator[DataSet | BadLine]:
    """Read the rest of a line from where the ordinary data sets end."""
    position = 0
    while match := _DATA_SET.match(text, position):
        yield DataSet(*match.groups())
        position = match.end()
    rest = text[position:].strip()
    # A lone mark is the end of a block that has lost its frame.
    if rest not in {"", "!"}:
        yield BadLine(rest)


class Check(StrEnum):
    """What verifies a telegram."""

    AUTO = "auto"
    """Find out: a framed block has to match one of the block checks."""

    XOR = "xor"
    """The norm's block check (clause 6.2)."""

    SUM = "sum"
    """The arithmetic sum that Energomera's meters send in its place."""

    CRC16 = "crc16"
    """Four hexadecimal digits after the exclamation mark, as DSMR has them."""

    NONE = "none"
    """Nothing: the block came without frame, or the check is to be ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """The whole answer of a meter, checked, as text."""

    identification: Identification | None
    """Who sent it. None when a capture begins after it."""

    data_sets: tuple[DataSet, ...]
    """Every data set, in the order sent."""

    bad_lines: tuple[str, ...] = ()
    """What stood between them and was no data set."""

    check: Check
    """What verified the readout: `NONE` if it came without a check."""

    mode: str = ""
    """"A", "B", "C" or "D"; "" when it is not known."""

    baud_rate: int = 0
    """Speed of the data block in baud; 0 when it is not known."""

    raw: bytes = b""
    """The data block as received, between STX and "!", without parity bits."""
