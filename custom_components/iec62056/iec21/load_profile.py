"""Load profiles and log books: `P.01`, `P.98` and their like, row by row.

A load profile is a heading, with a time, a status, a period and the channels, and
rows of values under it; the time is the end of the first row's interval. A new
heading follows each gap, change of status or, on some meters, midnight. A log book
has one heading per event, and its values stand behind it.

What is read is the text of blocks whose check was right, in order; `ProfileReader`
remembers a row that has begun and no more. Whoever wants a year asks for it in
pieces (`load_profile_request`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from .catalog import Register
from .load_profile_heading import (
    Heading,
    belong_together,
    holds_nothing,
    is_profile,
    parse_heading,
)
from .profiles import NORM, MeterProfile
from .reading import Reading, interpret
from .rows import Row, RowReader
from .seasons import Season, parse_season, to_utc
from .status_words import Status, StatusLayout, parse_status
from .telegram import BadLine, Check, DataSet, Readout
from .times import looks_like_timestamp, parse_timestamp
from .values import parse_number

_MAX_SPAN: Final = timedelta(days=3660)
"""How long rows may go on under one heading: ten years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What stands in one column of a load profile."""

    address: str
    """The code exactly as printed: "1.5" or "1-0:1.5.0"."""

    code: str
    """The code in normal form, as in `Reading`."""

    register: Register | None
    """None where neither the catalogue nor the meter's profile knows the code."""

    unit: str | None
    """In its usual spelling. None: none, or not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRow:
    """The values of one interval."""

    end: datetime
    """When the interval ended.

    Aware if the reader knows the meter's zone, or the meter gives UTC. Otherwise
    naive, as the meter's clock showed it in `season`: under one heading it goes
    on evenly.
    """

    season: Season | None
    """What the heading says of its own time; None where it does not."""

    period: timedelta
    """How long the interval was meant to be."""

    status: Status
    status_text: str
    """The word as sent, in hexadecimal digits."""

    channels: tuple[Channel, ...]

    values: tuple[Decimal | None, ...]
    """One for each channel. None where nothing was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One event of a log book."""

    time: datetime
    """When it happened; aware or not as `ProfileRow.end`."""

    season: Season | None

    status: Status
    status_text: str
    """The word as sent. With most meters it alone says what happened."""

    readings: tuple[Reading, ...]
    """What was noted with the event, such as the clock after it was set."""


type ProfileItem = ProfileRow | LogEntry | BadLine


@dataclass(slots=True, kw_only=True)
class _Section:
    """What holds for the rows under it."""

    start: datetime
    season: Season | None
    period: timedelta
    status: Status
    status_text: str
    channels: tuple[Channel, ...]
    rows: int = 0
    """How many came by now, bad ones included: each is an interval."""


class ProfileReader:
    """Read a load profile or log book from the text of its blocks.

    `zone` is where the meter's clock is at home: its times become aware. `profile`
    says what its codes mean, and `layout` what its status words do.

    Nothing here raises. What is no row comes as a `BadLine`, and other registers
    on the way are passed over.
    """

    def __init__(
        self,
        *,
        profile: MeterProfile = NORM,
        layout: StatusLayout = StatusLayout.VDEW,
        zone: tzinfo | None = None,
    ) -> None:
        """Begin before the first range."""
        self._profile = profile
        self._layout = layout
        self._zone = zone
        self._rows = RowReader(self._is_whole)
        self._section: _Section | None = None
        self._event: tuple[LogEntry, tuple[DataSet, ...]] | None = None
        self._last: datetime | None = None
        self._last_before: datetime | None = None
        self._at_beginning = False
        self._seen = 0
        self._handed_out = 0
        self._columns: tuple[DataSet, ...] = ()
        self._known: tuple[Channel, ...] = ()

    def begin_range(self) -> None:
        """Say that the answer to the next request follows.

        Rows at its beginning that are not later than the last row of all are
        passed over. Events are not: a log book is asked for at once.
        """
        self._last_before = self._last
        self._handed_out = 0
        self._begin()

    def begin_again(self) -> None:
        """Say that the answer to the same request follows, from its beginning.

        What has been handed out of it already is passed over.
        """
        self._last = self._last_before
        self._begin()

    def receive_text(self, text: str, *, last: bool = True) -> list[ProfileItem]:
        """Take the text of a block whose check was right; return what it completes.

        `last` says that no further block belongs to the answer.
        """
        items: list[ProfileItem] = []
        for row in self._rows.receive_text(text, last=last):
            items.extend(self._take(row))
        if last:
            items.extend(self._end_of_event())
        new = max(0, self._handed_out - self._seen)
        self._seen += len(items)
        self._handed_out = max(self._handed_out, self._seen)
        return items[new:]

    def _begin(self) -> None:
        """Stand before the first block of an answer."""
        self._rows.clear()
        self._section = None
        self._event = None
        self._at_beginning = True
        self._seen = 0

    def _is_whole(self, row: tuple[DataSet, ...]) -> bool:
        """Whether data sets make up a row, an event, or all of a heading."""
        if self._parse(row) is not None or holds_nothing(row):
            return True
        if looks_like_timestamp(row[0].value):
            # More likely a heading without its code, cut in the middle.
            return False
        if self._event is not None:
            return len(row) == len(self._event[1])
        return self._section is not None and len(row) == len(self._section.channels)

    def _parse(self, row: tuple[DataSet, ...]) -> Heading | None:
        """Read a heading; None where `row` is none."""
        return parse_heading(row, in_profile=self._section is not None)

    def _take(self, row: Row) -> Iterator[ProfileItem]:
        """Read one line."""
        if isinstance(row, str):
            yield from self._end_of_event()
            if self._section is not None and row.startswith("("):
                self._section.rows += 1
            yield BadLine(row)
            return
        printed = self._parse(row)
        if printed is not None:
            yield from self._end_of_event()
            yield from self._begin_heading(printed, row)
        elif not row[0].address:
            yield from self._values(row)
        else:
            yield from self._end_of_event()
            self._section = None
            if is_profile(row[0].address) and not holds_nothing(row):
                yield _bad(row)

    def _begin_heading(
        self, printed: Heading, row: tuple[DataSet, ...]
    ) -> Iterator[ProfileItem]:
        """Take a heading, or all that there is of an event."""
        self._section = None
        moment = parse_timestamp(printed.time)
        status = parse_status(printed.status, self._layout)
        # Two digits of a year are always one of these.
        if moment is None or status is None or not 2000 <= moment.year < 2100:
            yield _bad(row)
            return
        season = parse_season(printed.time)
        if printed.period:
            self._section = _Section(
                start=self._locate(moment, season, after=self._last),
                season=season,
                period=timedelta(minutes=printed.period),
                status=status,
                status_text=printed.status,
                channels=self._channels(printed.columns),
            )
            return
        time = self._locate(moment, season)
        entry = LogEntry(
            time=time.astimezone(self._zone) if self._zone else time,
            season=season,
            status=status,
            status_text=printed.status,
            readings=(),
        )
        self._event = entry, printed.columns
        if printed.values or not printed.columns:
            yield from self._end_of_event(printed.values)

    def _values(self, row: tuple[DataSet, ...]) -> Iterator[ProfileItem]:
        """Take a row of values, of an event or of an interval."""
        if self._event is not None:
            belongs = len(row) == len(self._event[1])
            yield from self._end_of_event(row if belongs else ())
            if belongs:
                return
        section = self._section
        if section is None:
            yield _bad(row)
            return
        passed = section.rows * section.period
        section.rows += 1
        fits = len(row) == len(section.channels) and belong_together(row)
        if not fits or passed > _MAX_SPAN:
            yield _bad(row)
            return
        end = (section.start + passed).replace(fold=section.start.fold)
        if self._at_beginning and not _is_later(end, self._last_before):
            return
        self._at_beginning = False
        self._last = end
        yield ProfileRow(
            end=end.astimezone(self._zone) if self._zone else end,
            season=section.season,
            period=section.period,
            status=section.status,
            status_text=section.status_text,
            channels=section.channels,
            values=tuple(_number(data_set.value) for data_set in row),
        )

    def _end_of_event(self, values: Sequence[DataSet] = ()) -> Iterator[LogEntry]:
        """Hand out the event that waits for its values, if there is one."""
        if self._event is None:
            return
        entry, columns = self._event
        self._event = None
        data_sets = tuple(
            replace(column, value=value.value)
            for column, value in zip(columns, values, strict=False)
        )
        yield replace(entry, readings=self._interpret(data_sets))

    def _locate(
        self,
        moment: datetime,
        season: Season | None,
        *,
        after: datetime | None = None,
    ) -> datetime:
        """Find a printed time, in UTC where the zone is known."""
        if self._zone is None:
            return moment
        return to_utc(moment, season, self._zone, after=after)

    def _channels(self, columns: tuple[DataSet, ...]) -> tuple[Channel, ...]:
        """Tell what stands in each column; mostly the same as in the last section."""
        if columns != self._columns:
            self._columns = columns
            self._known = tuple(map(self._channel, columns))
        return self._known

    def _channel(self, column: DataSet) -> Channel:
        """Tell what stands in one column."""
        # Any number will do: it is the code and the unit that are read here.
        reading = self._interpret((replace(column, value="0"),))[0]
        return Channel(
            address=column.address,
            code=reading.code,
            register=reading.register,
            unit=reading.unit,
        )

    def _interpret(self, data_sets: tuple[DataSet, ...]) -> tuple[Reading, ...]:
        """Read the meaning out of data sets that are no readout of their own."""
        readout = Readout(identification=None, data_sets=data_sets, check=Check.NONE)
        return interpret(readout, self._profile)


def _bad(row: tuple[DataSet, ...]) -> BadLine:
    """Give a row back as it came."""
    return BadLine("".join(map(str, row)))


def _is_later(moment: datetime, other: datetime | None) -> bool:
    """Whether a time follows another; unknown counts as yes."""
    if other is None or (moment.tzinfo is None) != (other.tzinfo is None):
        return True
    return moment > other


def _number(text: str) -> Decimal | None:
    """Read a value; whatever is no number was not measured."""
    number, _ = parse_number(text)
    return number if isinstance(number, Decimal) else None
