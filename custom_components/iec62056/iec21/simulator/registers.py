"""What an ordinary meter holds: registers, a load profile, and things to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
import re
from typing import Final

from ..commands import ErrorMessage
from ..seasons import Season, parse_season, season_of, to_utc
from ..telegram import DataSet, parse_data_lines
from ..times import parse_timestamp
from .household import WINTER_TIME, Household
from .programming import Lines, Reply

PERIOD: Final = timedelta(minutes=15)
"""How long an interval of a load profile is."""

KEPT: Final = timedelta(days=731)
"""How far back a load profile goes: two years."""

_UNKNOWN: Final = ErrorMessage("ER01")
_READ_ONLY: Final = ErrorMessage("ER02")
_WRONG_VALUE: Final = ErrorMessage("ER03")

_COUNT = re.compile("[0-9A-F]{1,4}", re.ASCII | re.IGNORECASE)

_READOUT: Final = "0000"
"""The code of a readout, of which the value chooses the kind (Annex C.5)."""


def registers_of(content: bytes) -> dict[str, str]:
    """Return the registers of a data block: what stands in brackets, by code.

    Of a code that comes twice the first one counts.
    """
    registers: dict[str, str] = {}
    lines: dict[str, list[str]] = {}
    address = ""
    for item in parse_data_lines(content.decode("ascii")):
        if isinstance(item, DataSet):
            address = item.address or address
            text = str(item)
            lines.setdefault(address, []).append(text[text.find("(") :])
            registers.setdefault(address, "")
    for code, texts in lines.items():
        registers[code] = "".join(texts)[1:-1]
    return registers


@dataclass(slots=True, kw_only=True)
class RegisterDevice:
    """Registers that are read by their codes, and some that can be written."""

    content: bytes | Callable[[], bytes] = b""
    """Data lines that are registers as well; a function is called for each read."""

    registers: dict[str, str] = field(default_factory=dict)
    """Further registers: what stands in their brackets, by code."""

    writable: frozenset[str] = frozenset()
    """Codes of registers that can be written; they need not be there before."""

    commands: frozenset[str] = frozenset(
        {"R1", "R2", "R3", "R4", "R5", "R6", "W1", "W2", "W3", "W4", "W5", "E2"}
    )
    """The commands that it knows. To another one for reading it says ACK, as EMH's
    meters do."""

    profiles: Mapping[str, LoadProfile] = field(default_factory=dict)
    """Load profiles by code."""

    executed: list[tuple[str, str]] = field(default_factory=list)
    """What has been carried out: address and value."""

    def read(self, name: str, address: str, value: str) -> Reply:
        """Answer a command for reading."""
        if name not in self.commands:
            return None
        if address in self.profiles:
            return Lines(self.profiles[address].lines(address, value))
        found = self._registers()
        if address not in found:
            return _UNKNOWN
        if not value:
            return Lines([f"{address}({found[address]})"])
        if not _COUNT.fullmatch(value):
            return _WRONG_VALUE
        # A count of locations: as many registers from here on (clause 6.4.7).
        codes = [*found]
        first = codes.index(address)
        wanted = codes[first : first + int(value, 16)]
        return Lines([f"{code}({found[code]})" for code in wanted])

    def write(self, name: str, address: str, value: str) -> ErrorMessage | None:
        """Write a register."""
        if name not in self.commands or address not in self.writable:
            return _READ_ONLY
        self.registers[address] = value
        return None

    def execute(self, name: str, address: str, value: str) -> Reply:
        """Note what was carried out, or send a readout."""
        if name not in self.commands:
            return _UNKNOWN
        self.executed.append((address, value))
        if address != _READOUT:
            return None
        return Lines([f"{code}({text})" for code, text in self._registers().items()])

    def end_session(self) -> None:
        """Keep everything."""

    def _registers(self) -> dict[str, str]:
        content = self.content if isinstance(self.content, bytes) else self.content()
        return registers_of(content) | self.registers


@dataclass(slots=True, kw_only=True)
class LoadProfile:
    """A load profile of a house: computed when it is asked for, and never stored."""

    house: Household = field(default_factory=Household)
    zone: tzinfo = WINTER_TIME
    """Of the meter's clock, which may know summer time."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """What time it is (aware)."""

    def lines(self, code: str, limits: str) -> Iterable[str]:
        """Return headings and rows of the intervals that end within `limits`.

        They are printed as in a request: "01803230015;01803240000", either end may
        be missing. A new heading opens each day and each season.
        """
        start, end = (self._parse(text) for text in (*limits.split(";"), "")[:2])
        now = self.now().astimezone(UTC)
        oldest = max(now - KEPT, start or now - KEPT)
        first = datetime.fromtimestamp(
            -(-oldest.timestamp() // PERIOD.total_seconds()) * PERIOD.total_seconds(),
            UTC,
        )
        return self._rows(code, first, min(now, end or now))

    def _rows(self, code: str, first: datetime, last: datetime) -> Iterator[str]:
        moment = first
        if moment > last:
            yield f"{code}(ERROR)"
            return
        group: tuple[object, ...] | None = None
        while moment <= last:
            began = (moment - PERIOD).astimezone(self.zone)
            season = season_of(began)
            if group != (began.date(), season):
                group = began.date(), season
                yield f"{code}{self._heading(moment, season)}"
            incoming, outgoing = self.house.power(moment - PERIOD)
            yield f"({incoming / 1000:.3f})({outgoing / 1000:.3f})"
            moment += PERIOD

    def _heading(self, moment: datetime, season: Season) -> str:
        """Write the heading of rows of which the first ends at `moment`."""
        # An interval belongs to the season in which it began, and so does its end.
        offset = (moment - PERIOD).astimezone(self.zone).utcoffset() or timedelta()
        clock = moment + offset
        digit = int(season is Season.SUMMER)
        printed = f"{digit}{clock:%y%m%d%H%M%S}"
        return f"({printed})(00)(15)(2)(1.5)(kW)(2.5)(kW)"

    def _parse(self, text: str) -> datetime | None:
        """Read one end of a range; None where it is open."""
        moment = parse_timestamp(text) if text else None
        return None if moment is None else to_utc(moment, parse_season(text), self.zone)
