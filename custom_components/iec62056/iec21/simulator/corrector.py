"""A synthetic volume corrector for gas that speaks LIS-200, like an EK280.

Locks in place of passwords, objects with attributes, and an archive of hours that
is computed when it is asked for. Nothing in it was copied from a device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import pi, sin
from typing import Final, NamedTuple

from ..commands import ErrorMessage
from ..exceptions import TelegramError
from ..lis200 import Address, Attribute, ErrorNumber, Lock
from ..lis200_archive import ArchiveAttribute
from ..messages import Identification
from ..passwords import Password
from ..times import parse_timestamp
from .programming import Lines, Reply

IDENTIFICATION: Final = Identification.parse(b"/Els6EK280")
"""What these devices call themselves; the meter number in it is made up."""

SEED: Final = "1234567"
"""What they all send as operand; it is no challenge."""

SUPPLIER_CODE: Final = Password("00000000")
CUSTOMER_CODE: Final = Password("11111111")
"""The codes of the two locks of the simulated device."""

INTERVALS: Final = 3
"""The number of the archive of hours."""

_GAS: Final = "7-"
_HOUR: Final = timedelta(hours=1)
_INSTALLED: Final = datetime(2026, 1, 1)  # noqa: DTZ001  # Its clock has no zone.


class _Column(NamedTuple):
    """One column of the archive of hours."""

    heading: str
    source: str = ""
    """The object that is recorded in it."""

    unit: str = ""


_COLUMNS: Final = (
    _Column("GONo"),
    _Column("AONo"),
    _Column("Time", "1:400.0"),
    _Column("Vb", "2:300.0", "m3"),
    _Column("VbT", "2:302.0", "m3"),
    _Column("V", "4:300.0", "m3"),
    _Column("p.MP", "7:310.0", "bar"),
    _Column("T.MP", "6:310_1.0", "{C"),
    _Column("St.Sy", "1:100.0"),
    _Column("Er.Ch"),
    _Column("Check"),
)


class Object(NamedTuple):
    """What one object is."""

    name: str
    value: str
    unit: str = ""
    writable: bool = False


_OBJECTS: Final[Mapping[str, Object]] = {
    "1:180": Object("SNo", "00011111"),
    "1:181": Object("Type", "EK280"),
    "2:190": Object("Vers", "2.02"),
    "1:404": Object("Bat.R", "87", "Mon"),
    "2:300": Object("Vb", "6827.6012", "m3"),
    "4:300": Object("V", "1204.500", "m3"),
    "2:302": Object("VbT", "6830.1122", "m3"),
    "4:302": Object("VT", "1205.125", "m3"),
    "2:310": Object("Qb", "12.204", "m3|h"),
    "4:310": Object("Q", "2.151", "m3|h"),
    "7:310": Object("p", "5.66204", "bar"),
    "6:310_1": Object("T", "11.94", "{C"),
    "5:310": Object("C", "5.66821"),
    "4:150": Object("MPer", "60", "Minutes", writable=True),
    "1:100": Object("Stat", "0"),
}


class _RefusedError(Exception):
    """The device does not do it."""

    def __init__(self, number: ErrorNumber) -> None:
        """Say why."""
        self.number = number


@dataclass(slots=True, kw_only=True)
class CorrectorDevice:
    """The objects of one device."""

    now: Callable[[], datetime] = datetime.now
    """What its clock shows; it knows of no zone."""

    lock_for_reading: bool = False
    """Whether values can be read only while a lock is open, as with an EK210."""

    codes: Mapping[Lock, Password] = field(
        default_factory=lambda: {
            Lock.SUPPLIER: SUPPLIER_CODE,
            Lock.CUSTOMER: CUSTOMER_CODE,
        }
    )
    acknowledges_any_code: bool = False
    """Whether it says nothing against a wrong code, and leaves the lock closed."""

    unlocked: set[Lock] = field(default_factory=set)
    """The locks that are open."""

    codes_heard: int = 0
    """How many codes have come."""

    written: dict[str, str] = field(default_factory=dict)

    def read(self, name: str, address: str, value: str) -> Reply:
        """Read an object or an archive."""
        try:
            found = Address.parse(address)
            if found.number == "V":
                return self._archive(name, found, value)
            if name != "R1" or value != "1":
                return _error(ErrorNumber.SYNTAX)
            text = self._text(found)
        except TelegramError:
            return _error(ErrorNumber.UNKNOWN_ADDRESS)
        except _RefusedError as error:
            return _error(error.number)
        return Lines([f"{_GAS}{found}({text})"])

    def write(self, name: str, address: str, value: str) -> ErrorMessage | None:
        """Write an object, or open or close a lock."""
        try:
            found = Address.parse(address)
            if name != "W1":
                return _error(ErrorNumber.SYNTAX)
            if found.number in {"170", "171"}:
                self._write_lock(found, value)
            else:
                self._write_object(found, value)
        except TelegramError:
            return _error(ErrorNumber.UNKNOWN_ADDRESS)
        except _RefusedError as error:
            return _error(error.number)
        return None

    def execute(self, _name: str, _address: str, _value: str) -> Reply:
        """Refuse: these devices have no such command."""
        return _error(ErrorNumber.SYNTAX)

    def end_session(self) -> None:
        """Leave the locks as they are; they close after some minutes."""

    # -- objects --------------------------------------------------------------

    def _text(self, address: Address) -> str:
        """Return what stands in the brackets behind an address."""
        if address.number == "170":
            return str(int(_lock(address) in self.unlocked))
        locked = self.lock_for_reading and not self.unlocked
        if locked or address.number == "171":
            raise _RefusedError(ErrorNumber.NO_READ_RIGHT)
        if address.instance == 1 and address.number == "400":
            return f"{self.now():%Y-%m-%d,%H:%M:%S}"
        one = _object(address)
        match address.attribute:
            case Attribute.VALUE:
                value = self.written.get(_key(address), one.value)
                return f"{value}*{one.unit}" if one.unit else value
            case Attribute.NAME:
                return one.name
            case Attribute.UNIT:
                return one.unit
            case _:
                raise _RefusedError(ErrorNumber.ATTRIBUTE_NOT_AVAILABLE)

    def _write_object(self, address: Address, value: str) -> None:
        if not _object(address).writable:
            raise _RefusedError(ErrorNumber.NOT_WRITABLE)
        if not self.unlocked:
            raise _RefusedError(ErrorNumber.NO_WRITE_RIGHT)
        self.written[_key(address)] = value

    def _write_lock(self, address: Address, value: str) -> None:
        lock = _lock(address)
        if address.number == "170":
            self.unlocked.discard(lock)
            return
        self.codes_heard += 1
        if lock in self.codes and self.codes[lock].reveal() == value:
            self.unlocked.add(lock)
        elif not self.acknowledges_any_code:
            raise _RefusedError(ErrorNumber.WRONG_ACCESS_CODE)

    # -- archives -------------------------------------------------------------

    def _archive(self, name: str, address: Address, value: str) -> Reply:
        if address.instance != INTERVALS:
            raise _RefusedError(ErrorNumber.NO_SUCH_ARCHIVE)
        in_block = 1
        lines: Iterable[str]
        match address.attribute:
            case ArchiveAttribute.HEADING:
                lines = _in_brackets(column.heading for column in _COLUMNS)
            case ArchiveAttribute.UNIT:
                lines = _in_brackets(column.unit for column in _COLUMNS)
            case ArchiveAttribute.SOURCE:
                lines = _in_brackets(column.source for column in _COLUMNS)
            case ArchiveAttribute.COUNT:
                lines = [f"({len(self._records(value))})"]
            case ArchiveAttribute.VALUE if name in {"R1", "R3"}:
                records = self._records(value)
                if not records:
                    raise _RefusedError(ErrorNumber.START_NOT_FOUND)
                in_block = int(value.rpartition(";")[2] or 1)
                lines = self._rows(records)
            case _:
                raise _RefusedError(ErrorNumber.ATTRIBUTE_NOT_AVAILABLE)
        return Lines(lines, in_block)

    def _records(self, limits: str) -> range:
        """Return the numbers of the hours that end within a range of times."""
        _column, start, end, _rows = (limits.split(";") + [""] * 4)[:4]
        first = parse_timestamp(start) or _INSTALLED + _HOUR
        last = min(parse_timestamp(end) or self.now(), self.now())
        return range(max(1, -(-(first - _INSTALLED) // _HOUR)), _number(last) + 1)

    def _rows(self, records: range) -> Iterator[str]:
        for number in records:
            time = _INSTALLED + number * _HOUR
            warm = sin(2 * pi * (time.timetuple().tm_yday - 110) / 365)
            corrected = 5000 + number * 0.5
            values = (
                str(number),
                str(number),
                f"{time:%Y-%m-%d,%H:%M:%S}",
                f"{corrected:.4f}",
                f"{corrected + 2.5:.4f}",
                f"{corrected / 5.668:.3f}",
                f"{5.66:.5f}",
                f"{10 + 8 * warm:.2f}",
                "0",
                "0x8104",
                "CRC Ok",
            )
            yield from _in_brackets(values)


def _in_brackets(values: Iterable[str]) -> list[str]:
    """Return one line of data sets without addresses."""
    return ["".join(f"({value})" for value in values)]


def _number(time: datetime) -> int:
    return (time - _INSTALLED) // _HOUR


def _lock(address: Address) -> Lock:
    if address.instance not in Lock:
        raise _RefusedError(ErrorNumber.INSTANCE_NOT_AVAILABLE)
    return Lock(address.instance)


def _object(address: Address) -> Object:
    one = _OBJECTS.get(_key(address))
    if one is None:
        raise _RefusedError(ErrorNumber.OBJECT_NOT_AVAILABLE)
    return one


def _key(address: Address) -> str:
    part = "" if address.part is None else f"_{address.part}"
    return f"{address.instance}:{address.number}{part}"


def _error(number: ErrorNumber) -> ErrorMessage:
    return ErrorMessage(f"#{number:04d}")
