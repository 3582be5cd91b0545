"""LIS-200: volume correctors and data loggers of Elster and Honeywell.

EK210 to EK280 and DL2xx keep everything in numbered objects, which programming
mode reads and writes. In place of passwords they have locks, and in place of load
profiles archives (`lis200_archive`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
import re
from typing import Final, Self

from .commands import Command
from .exceptions import TelegramError
from .passwords import Password

_ADDRESS = re.compile(
    r"(?:(?P<medium>\d{1,3})-)?(?P<instance>\d{1,2}):"
    r"(?P<number>[0-9A-F]{1,4}|V)(?:_(?P<part>\d{1,3}))?\.(?P<attribute>[0-9A-F])",
    re.ASCII | re.IGNORECASE,
)
_ERROR_NUMBER = re.compile(r"\s*\(?#(\d{1,4})\)?\s*", re.ASCII)


class Attribute(StrEnum):
    """What is asked of an object."""

    VALUE = "0"
    ACCESS = "1"
    """Who may read and write it."""

    NAME = "2"
    UNIT = "3"
    DATA_CLASS = "4"
    DEFAULT = "5"
    RANGE = "6"
    BACKUP = "7"
    UNIT_CODE = "8"
    FORMAT = "9"
    DATA_TYPE = "A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an object is: `7-2:0310_1.0`.

    Equality is exact but for leading zeros and capital letters, which make no
    difference to a device. `matches` compares with what was asked.

    >>> str(Address.parse("02:0302.0"))
    '2:302.0'

    """

    medium: int | None = None
    """7 is gas. Only answers have it; None where it is left out."""

    instance: int
    """1 to 99: what the object belongs to, such as an input or an archive."""

    number: str
    """The object, up to four hexadecimal digits without zeros in front.

    "V" is a whole archive.
    """

    part: int | None = None
    """Which one of several alike. None where there is only one."""

    attribute: str = Attribute.VALUE
    """One of `Attribute`; devices differ in what they keep under it."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address.

        Raises:
            TelegramError: the text is none.

        """
        match = _ADDRESS.fullmatch(text.strip())
        if match is None or not int(match["instance"]):
            raise TelegramError(f"{text!r} is no address of an LIS-200 device")
        return cls(
            medium=int(match["medium"]) if match["medium"] else None,
            instance=int(match["instance"]),
            number=match["number"].upper().lstrip("0") or "0",
            part=int(match["part"]) if match["part"] else None,
            attribute=match["attribute"].upper(),
        )

    def __str__(self) -> str:
        """Print the address as devices do, without zeros in front."""
        medium = "" if self.medium is None else f"{self.medium}-"
        part = "" if self.part is None else f"_{self.part}"
        return f"{medium}{self.instance}:{self.number}{part}.{self.attribute}"

    def matches(self, other: Address) -> bool:
        """Whether both name the same object; a medium that is left out fits all."""
        return (
            (self.instance, self.number, self.part, self.attribute)
            == (other.instance, other.number, other.part, other.attribute)
        ) and (None in {self.medium, other.medium} or self.medium == other.medium)


def read_command(address: Address) -> Command:
    """Ask for a value; these devices want it counted: "(1)"."""
    return Command("R1", f"{address}(1)")


def write_command(address: Address, value: str) -> Command:
    """Write a value. The lock that the device wants for it has to be open.

    Raises:
        ValueError: the value holds what cannot be sent.

    """
    return Command("W1", f"{address}({value})")


class Lock(IntEnum):
    """What stands in place of a password.

    A device may ignore a wrong code and acknowledge it all the same, so whether a
    lock is open shows only in its state.
    """

    CALIBRATION = 1
    MANUFACTURER = 2
    SUPPLIER = 3
    CUSTOMER = 4

    @property
    def state(self) -> Address:
        """Where "1" says that it is open, and "0" that it is closed."""
        return Address(instance=self, number="170")

    @property
    def code(self) -> Address:
        """Where its code is written to open it."""
        return Address(instance=self, number="171")

    @property
    def closing_time(self) -> Address:
        """After how many minutes it closes by itself."""
        return Address(instance=self, number="174")

    def open_command(self, code: Password) -> Command:
        """Open the lock."""
        return write_command(self.code, code.reveal())

    def close_command(self) -> Command:
        """Close the lock."""
        return write_command(self.state, "0")


class ErrorNumber(IntEnum):
    """Why a device did not do what it was told: `(#0018)`."""

    UNKNOWN_ADDRESS = 1
    OBJECT_NOT_AVAILABLE = 2
    INSTANCE_NOT_AVAILABLE = 3
    UNKNOWN_ATTRIBUTE = 4
    ATTRIBUTE_NOT_AVAILABLE = 5
    OUT_OF_RANGE = 6
    NOT_WRITABLE = 9
    NO_INPUT_RANGE = 11
    WRONG_INPUT = 13
    UNKNOWN_UNIT_CODE = 14
    WRONG_ACCESS_CODE = 17
    NO_READ_RIGHT = 18
    NO_WRITE_RIGHT = 19
    FUNCTION_LOCKED = 20
    NO_SUCH_ARCHIVE = 100
    NO_SUCH_COLUMN = 101
    ARCHIVE_EMPTY = 103
    START_NOT_FOUND = 104
    END_NOT_FOUND = 105
    TOO_MANY_ARCHIVES_OPEN = 108
    OVERWRITTEN_WHILE_READING = 109
    DAMAGED_RECORD = 110
    WRONG_SOURCE = 180
    SYNTAX = 200
    WRONG_PASSWORD = 201
    MEMORY_NOT_READABLE = 222
    MEMORY_NOT_WRITABLE = 223
    ENCODER = 249

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the words of an error message; None where there is no known number.

        >>> ErrorNumber.parse("#0018").name
        'NO_READ_RIGHT'

        """
        match = _ERROR_NUMBER.fullmatch(text)
        number = int(match[1]) if match else 0
        return cls(number) if number in cls else None

    @property
    def meaning(self) -> str:
        """What it says, in a few words."""
        return _MEANINGS[self]

    @property
    def wants_lock(self) -> bool:
        """Whether an open lock may help."""
        return self in _LOCKED

    @property
    def says_nothing_there(self) -> bool:
        """Whether an archive merely has no rows in the range."""
        return self in _NOTHING_THERE


_LOCKED: Final = frozenset(
    {
        ErrorNumber.NO_READ_RIGHT,
        ErrorNumber.NO_WRITE_RIGHT,
        ErrorNumber.FUNCTION_LOCKED,
    }
)
_NOTHING_THERE: Final = frozenset(
    {
        ErrorNumber.ARCHIVE_EMPTY,
        ErrorNumber.START_NOT_FOUND,
        ErrorNumber.END_NOT_FOUND,
    }
)
_MEANINGS: Final = {
    ErrorNumber.UNKNOWN_ADDRESS: "the address is unknown",
    ErrorNumber.OBJECT_NOT_AVAILABLE: "there is no such object",
    ErrorNumber.INSTANCE_NOT_AVAILABLE: "there is no such instance of the object",
    ErrorNumber.UNKNOWN_ATTRIBUTE: "the attribute is unknown",
    ErrorNumber.ATTRIBUTE_NOT_AVAILABLE: "the object has no such attribute",
    ErrorNumber.OUT_OF_RANGE: "the value is out of range",
    ErrorNumber.NOT_WRITABLE: "the value is fixed",
    ErrorNumber.NO_INPUT_RANGE: "no range is given for the value",
    ErrorNumber.WRONG_INPUT: "the input is wrong",
    ErrorNumber.UNKNOWN_UNIT_CODE: "the code of the unit is unknown",
    ErrorNumber.WRONG_ACCESS_CODE: "the code of the lock is wrong",
    ErrorNumber.NO_READ_RIGHT: "reading needs an open lock",
    ErrorNumber.NO_WRITE_RIGHT: "writing needs an open lock",
    ErrorNumber.FUNCTION_LOCKED: "the function is locked",
    ErrorNumber.NO_SUCH_ARCHIVE: "there is no such archive",
    ErrorNumber.NO_SUCH_COLUMN: "the archive has no such column",
    ErrorNumber.ARCHIVE_EMPTY: "the archive is empty",
    ErrorNumber.START_NOT_FOUND: "nothing is found from the beginning of the range on",
    ErrorNumber.END_NOT_FOUND: "nothing is found up to the end of the range",
    ErrorNumber.TOO_MANY_ARCHIVES_OPEN: "too many archives are open at a time",
    ErrorNumber.OVERWRITTEN_WHILE_READING: "the rows were overwritten meanwhile",
    ErrorNumber.DAMAGED_RECORD: "a row is damaged in the device's memory",
    ErrorNumber.WRONG_SOURCE: "the source cannot be chosen",
    ErrorNumber.SYNTAX: "the command was not understood",
    ErrorNumber.WRONG_PASSWORD: "the password is wrong",
    ErrorNumber.MEMORY_NOT_READABLE: "the memory cannot be read",
    ErrorNumber.MEMORY_NOT_WRITABLE: "the memory cannot be written",
    ErrorNumber.ENCODER: "the encoder does not answer as it should",
}
