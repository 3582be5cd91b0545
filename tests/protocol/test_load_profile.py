"""Load profiles and log books, from blocks to rows with times."""

from collections.abc import Iterable, Iterator, Sequence
import csv
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
import itertools
from pathlib import Path
import re
import tracemalloc
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from iec21 import Identification
from iec21.catalog import Quantity
from iec21.command_reader import AnswerReader
from iec21.commands import DataMessage
from iec21.load_profile import (
    LogEntry,
    ProfileItem,
    ProfileReader,
    ProfileRow,
)
from iec21.profiles import PROFILES, MeterProfile
from iec21.rows import MAX_ROW
from iec21.seasons import Season
from iec21.status_words import Status, StatusLayout, status_layout
from iec21.telegram import BadLine
from tests.corpus import CORPUS, needs_corpus

SAMPLES = Path(__file__).parents[1] / "fixtures" / "telegrams"
BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)
HEADING = "P.01(0261120001500)(00)(15)(2)(1.5)(kW)(2.5)(kvar)\r\n"


def local(*parts: int, fold: int = 0) -> datetime:
    """Return a time of the meter's own clock."""
    return datetime(*parts, fold=fold)  # type: ignore[arg-type]  # noqa: DTZ001


def read(text: str, zone: tzinfo | None = None) -> list[ProfileItem]:
    """Read an answer of one block."""
    return ProfileReader(zone=zone).receive_text(text)


def rows_of(items: Iterable[ProfileItem]) -> list[ProfileRow]:
    """Return the items, all of which have to be rows of a load profile."""
    rows = list(items)
    assert all(isinstance(row, ProfileRow) for row in rows), rows
    return [row for row in rows if isinstance(row, ProfileRow)]


def entries_of(items: Iterable[ProfileItem]) -> list[LogEntry]:
    """Return the items, all of which have to be events of a log book."""
    entries = list(items)
    assert all(isinstance(entry, LogEntry) for entry in entries), entries
    return [entry for entry in entries if isinstance(entry, LogEntry)]


def ends(items: Iterable[ProfileItem]) -> list[datetime]:
    """Return when the intervals of the rows ended."""
    return [row.end for row in rows_of(items)]


def values(items: Iterable[ProfileItem]) -> list[tuple[str | None, ...]]:
    """Return the values of the rows, as text."""
    return [
        tuple(None if value is None else str(value) for value in row.values)
        for row in rows_of(items)
    ]


def sample(name: str, zone: tzinfo | None = None) -> list[ProfileItem]:
    """Read a made-up answer, as the meter sends it."""
    line, _, data = (SAMPLES / name / "readout.raw").read_bytes().partition(b"\r\n")
    [message] = AnswerReader().receive_data(data)
    assert isinstance(message, DataMessage)
    layout = status_layout(Identification.parse(line))
    return ProfileReader(layout=layout, zone=zone).receive_text(message.text)


# -- headings and rows ----------------------------------------------------------


def test_a_load_profile_is_read_row_by_row() -> None:
    """The heading's time is the end of the first interval."""
    first, second = rows_of(read(HEADING + "(0.123)(4.500)\r\n(0.2)(5)\r\n"))
    assert first.end == local(2026, 11, 20, 0, 15, fold=1)
    assert second.end == local(2026, 11, 20, 0, 30, fold=1)
    assert first.season is Season.WINTER
    assert first.period == QUARTER
    assert (first.status, first.status_text) == (Status(0), "00")
    assert first.values == (Decimal("0.123"), Decimal("4.500"))
    assert first.channels is second.channels


def test_the_channels_are_found_in_the_catalogue() -> None:
    """By their codes in any form; the unit in its usual spelling."""
    heading = "P.01(0261120001500)(00)(15)(5)(1.5)(KW)(1-0:1.29.0)()"
    [row] = rows_of(read(f"{heading}(1.8.0)()(8.77)(xyz)()()\r\n(1)(2)(3)(4)(5)\r\n"))
    assert [(one.address, one.code, one.unit) for one in row.channels] == [
        ("1.5", "1-0:1.5.0", "kW"),
        ("1-0:1.29.0", "1-0:1.29.0", row.channels[1].unit),
        ("1.8.0", "1-0:1.8.0", "kWh"),
        ("8.77", "1-0:8.77.0", "xyz"),
        ("", "", None),
    ]
    register = row.channels[0].register
    assert register is not None
    assert register.quantity is Quantity.ACTIVE_POWER
    assert row.channels[3].register is None


def test_the_codes_mean_what_the_profile_of_the_meter_says() -> None:
    """As they do in a readout."""
    kamstrup = next(one for one in PROFILES if one.name == "Kamstrup 382")
    text = "P.01(0261120001500)(00)(60)(1)(1.20)()\r\n(1)\r\n"
    [row] = rows_of(ProfileReader(profile=kamstrup).receive_text(text))
    assert row.channels[0].register is not None
    [row] = rows_of(read(text))
    assert row.channels[0].register is None


@pytest.mark.parametrize("text", ["", "---.-", "ER11", " "])
def test_a_missing_value_is_none(text: str) -> None:
    """Nothing was measured; the others of the row stand."""
    assert values(read(f"{HEADING}({text})(-1,5)\r\n")) == [(None, "-1.5")]


def test_a_new_heading_follows_each_gap() -> None:
    """A repeated one may lack its code; an unchanged channel is the same object."""
    first, second, third = rows_of(sample("emh_lzqj_load_profile"))[3:]
    assert first.end == local(2026, 11, 20, 0, 15, fold=1)
    assert second.end == local(2026, 11, 20, 1, 30, fold=1)
    assert third.end == second.end.replace(minute=45)
    assert first.channels is third.channels
    assert (first.status, second.status) == (Status(0), Status.POWER_RETURNED)
    assert second.values[1] is None


def test_the_status_words_of_another_manufacturer_mean_something_else() -> None:
    """Summer time is a bit of MetCom's, all summer long."""
    first, *_, last = rows_of(sample("metcom_mcs301_load_profile", BERLIN))
    assert first.end == datetime(2026, 6, 30, 22, 15, tzinfo=UTC)
    assert first.status is Status.SUMMER_TIME
    assert last.status is Status.SUMMER_TIME | Status.CLOCK_SET


def test_a_heading_may_leave_out_the_season() -> None:
    """LEM's meters do; ten digits say when all the same."""
    text = HEADING.replace("0261120001500", "2611200015")
    [row] = rows_of(read(f"{text}(1)(2)\r\n"))
    assert (row.end, row.season) == (local(2026, 11, 20, 0, 15), None)


def test_utc_needs_no_zone() -> None:
    """Some meters say so in place of the season."""
    text = HEADING.replace("0261120001500", "2261120001500") + "(1)(2)\r\n"
    [row] = rows_of(read(text))
    assert row.end == datetime(2026, 11, 20, 0, 15, tzinfo=UTC)
    [row] = rows_of(read(text, BERLIN))
    assert row.end.isoformat() == "2026-11-20T01:15:00+01:00"


@pytest.mark.parametrize(
    "text",
    [
        *("", "\r\n", "P.01()", "P.01(ERROR)\r\n", "1-0:P.01(ER01)", HEADING),
        "0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n",
    ],
)
def test_no_rows_are_no_error(text: str) -> None:
    """Nor are other registers, which a list of a readout has in between."""
    assert read(text) == []


def test_a_damaged_row_costs_only_itself() -> None:
    """Its interval passes, so the times of the others stay right."""
    lines = ["(1)(2)", "(1)", "(1)(2)(3)", "(1)X(2)", "(1)(2", "oops", "(3)(4)"]
    items = read(HEADING + "\r\n".join(lines))
    assert [item.text for item in items if isinstance(item, BadLine)] == lines[1:-1]
    first, last = (item for item in items if isinstance(item, ProfileRow))
    assert last.end - first.end == 5 * QUARTER


def test_values_of_another_register_are_no_rows() -> None:
    """A set without a code belongs to the one before it."""
    items = read(HEADING + "(1)(2)\r\n0.2.0(1)\r\n(1)(2)\r\n")
    assert [type(item) for item in items] == [ProfileRow, BadLine]


@pytest.mark.parametrize(
    "heading",
    [
        # Neither a time nor a status, more values than there are channels,
        # no channel, half a channel, another register on the same line.
        "P.01(0261320001500)(00)(15)(1)(1.5)(kW)",
        "P.01(1999-11-20 00:15)(00)(15)(1)(1.5)(kW)",
        "P.01(0261120001500)(0G)(15)(1)(1.5)(kW)",
        "P.01(0261120001500)(00)(15)(1)(1.5)(kW)(1)",
        "P.01(0261120001500)(00)(15)(0)",
        "P.01(0261120001500)(00)(15)(1)(1.5)",
        "P.01(0261120001500)(00)(1.5)(1)(1.5)(kW)",
        "P.01(0261120001500)(00)(15)(x)(1.5)(kW)",
        "P.01(0261120001500)(00)(15)(1)X(1.5)(kW)",
        "P.01(12345)(00)(15)(1)(1.5)(kW)",
        "P.01(0261120001500)(00)(15)",
        "P.01(5)",
    ],
)
def test_rows_under_an_unusable_heading_are_none(heading: str) -> None:
    """Nobody knows when they were measured."""
    items = read(f"{HEADING}(1)(2)\r\n{heading}\r\n(7)\r\n")
    assert items[1:] == [BadLine(heading), BadLine("(7)")]


@pytest.mark.parametrize(
    "row",
    [
        "(2611200015)(00000001)(15)(1)(1.5)(2)",
        "(2611200015)(00000001)(15)(1)(1.5)(-2)",
        "(2611200015)(00)()(0)(1)(2)",
        "(0000000000)(0)(0)(0)(0)(0)",
        "(2611200015)(00)()(0)(1)()",
    ],
)
def test_a_row_that_looks_like_a_heading_is_one_by_its_units(row: str) -> None:
    """Counters have ten digits, too."""
    columns = "(1.8.0)(kWh)" * 6
    items = read(f"P.01(0261120001500)(00)(15)(6){columns}\r\n{row}\r\n")
    assert len(rows_of(items)) == 1
    items = read(
        f"P.01(0261120001500)(00)(15)(4){'(1)(W)' * 4}\r\n(2611200015)(0)()(0)"
    )
    assert len(rows_of(items)) == 1


def test_rows_without_end_are_refused_after_ten_years() -> None:
    """A period of two months and a broken device take any time out of range."""
    heading = "P.01(0261120001500)(00)(99999)(1)(1.5)(kW)\r\n"
    items = read(heading + "(1)\r\n" * 100)
    found = [isinstance(item, ProfileRow) for item in items]
    assert found == [True] * 53 + [False] * 47


# -- blocks ---------------------------------------------------------------------

WHOLE = HEADING + "(1)(2)\r\n()(4)\r\n" + HEADING[4:] + "(5)(6)"


@pytest.mark.parametrize("position", range(len(WHOLE)))
def test_a_block_may_end_anywhere(position: int) -> None:
    """In the middle of a heading, a row or a number."""
    reader = ProfileReader()
    items = reader.receive_text(WHOLE[:position], last=False)
    items += reader.receive_text(WHOLE[position:])
    assert values(items) == [("1", "2"), (None, "4"), ("5", "6")]


def test_a_row_at_the_end_of_a_block_may_lack_its_line_end() -> None:
    """A whole row, heading or event shows where it ends."""
    reader = ProfileReader()
    blocks = [HEADING.strip(), "(1)(2)", "(3)", "(4)", "(5)(6)\r\n", "P.01(ERROR)"]
    found = [reader.receive_text(block, last=False) for block in blocks]
    assert [values(items) for items in found] == [
        *([], [("1", "2")], [], [("3", "4")], [("5", "6")], []),
    ]
    event = "P.98(0261120001500)(00)()(1)(0.9.1)()"
    for block, entries in ((event, 0), ("(0101112)", 1), (f"{event}(0101112)", 1)):
        assert len(entries_of(reader.receive_text(block, last=False))) == entries


def test_a_row_without_an_end_takes_no_memory() -> None:
    """It is given up at the end of a block."""
    reader = ProfileReader()
    assert reader.receive_text("(" * MAX_ROW, last=False) == []
    assert reader.receive_text("(", last=False) == [BadLine("(" * (MAX_ROW + 1))]
    assert values(reader.receive_text(HEADING + "(1)(2)")) == [("1", "2")]


# -- ranges ---------------------------------------------------------------------


def day_of(start: datetime, count: int, first: int = 0) -> str:
    """Return an answer with `count` quarters of an hour; `start` ends the first."""
    return f"P.01(0{start:%y%m%d%H%M%S})(00)(15)(1)(1.5)(kW)\r\n" + "".join(
        f"({first + number})\r\n" for number in range(count)
    )


def test_a_row_that_two_ranges_share_comes_once() -> None:
    """Both ends belong to a range, so midnight is in two of them."""
    reader = ProfileReader()
    reader.begin_range()
    items = reader.receive_text(day_of(local(2026, 11, 20), 97))
    reader.begin_range()
    items += reader.receive_text(day_of(local(2026, 11, 21), 97, first=96))
    assert values(items) == [(str(number),) for number in range(193)]
    assert all(b - a == QUARTER for a, b in itertools.pairwise(ends(items)))


def test_a_clock_that_is_set_back_costs_no_row() -> None:
    """Only at the beginning of a range is an older row one that comes twice."""
    reader = ProfileReader()
    reader.begin_range()
    items = reader.receive_text(
        day_of(local(2026, 11, 20, 12), 3) + day_of(local(2026, 11, 20, 12), 2, first=3)
    )
    assert len(rows_of(items)) == 5


def test_a_range_that_is_asked_for_again_goes_on_where_it_was() -> None:
    """What was handed out before a block was damaged does not come twice."""
    text = day_of(local(2026, 11, 21), 10, first=96)
    middle = text.index("(100)")
    reader = ProfileReader()
    reader.begin_range()
    reader.receive_text(day_of(local(2026, 11, 20), 97))
    reader.begin_range()
    items = reader.receive_text(text[:middle] + "(10", last=False)
    reader.begin_again()
    items += reader.receive_text(text[: middle - 5], last=False)
    reader.begin_again()
    items += reader.receive_text(text[:middle], last=False)
    items += reader.receive_text(text[middle:])
    assert values(items) == [(str(number),) for number in range(97, 106)]


def test_a_range_in_another_time_is_not_compared() -> None:
    """A meter may be switched to UTC between two ranges."""
    reader = ProfileReader()
    items = reader.receive_text(day_of(local(2026, 11, 20), 2))
    reader.begin_range()
    text = day_of(local(2026, 11, 19), 2).replace("P.01(0", "P.01(2")
    items += reader.receive_text(text)
    assert len(rows_of(items)) == 4


def test_a_year_takes_no_more_memory_than_a_day() -> None:
    """A row each quarter of an hour, in order, and none of them kept."""
    reader = ProfileReader(zone=BERLIN)
    count = 0
    last = datetime(2025, 12, 31, 23, tzinfo=UTC)
    tracemalloc.start()
    for number in range(365):
        day = local(2026, 1, 1) + timedelta(days=number)
        reader.begin_range()
        # The clock of this meter stays at winter time, and says so.
        for row in rows_of(reader.receive_text(day_of(day, 97))):
            if count:
                assert row.end.astimezone(UTC) - last == QUARTER
            last = row.end.astimezone(UTC)
            count += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 35_041
    assert peak < 2_000_000


# -- the days on which clocks change --------------------------------------------


def quarters(day: date) -> Iterator[datetime]:
    """Yield the ends of all quarters of an hour of a day in Berlin."""
    moment = datetime.combine(day, time.min, tzinfo=BERLIN).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=BERLIN)
    while moment < end:
        moment += QUARTER
        yield moment.astimezone(BERLIN)


def printed(
    moments: Sequence[datetime], *, season: bool, headings: Sequence[int]
) -> str:
    """Print a load profile with a heading before each of the numbered rows."""
    lines = []
    for number, moment in enumerate(moments):
        if number in headings:
            digit = "01"[moment.dst() != timedelta()] if season else ""
            lines.append(f"P.01({digit}{moment:%y%m%d%H%M%S})(00)(15)(1)(1.5)(kW)")
        lines.append(f"({number})")
    return "\r\n".join(lines)


@pytest.mark.parametrize("season", [True, False])
@pytest.mark.parametrize(
    ("day", "count"),
    [
        (date(2026, 3, 29), 92),
        (date(2026, 10, 25), 100),
        (date(2026, 11, 20), 96),
    ],
)
@pytest.mark.parametrize("every", [1, 3, 4, 8, 10, 100])
def test_a_day_has_as_many_quarters_as_it_lasts(
    day: date, count: int, every: int, *, season: bool
) -> None:
    """Wherever headings stand, and whether or not they say the season."""
    moments = list(quarters(day))
    text = printed(moments, season=season, headings=range(0, count, every))
    found = ends(read(text, BERLIN))
    assert len(found) == count
    assert found == moments
    assert [one.utcoffset() for one in found] == [one.utcoffset() for one in moments]
    assert len({one.astimezone(UTC) for one in found}) == count


def test_the_hour_that_comes_twice_is_told_apart_in_a_range_asked_for_again() -> None:
    """The order begins anew with it."""
    moments = list(quarters(date(2026, 10, 25)))
    text = printed(moments, season=False, headings=range(0, 100, 2))
    reader = ProfileReader(zone=BERLIN)
    reader.begin_range()
    items = reader.receive_text(text[: text.index("(13)")], last=False)
    reader.begin_again()
    items += reader.receive_text(text)
    assert [one.astimezone(UTC) for one in ends(items)] == [
        one.astimezone(UTC) for one in moments
    ]


def test_without_a_zone_the_clock_goes_on_evenly() -> None:
    """The season of the heading tells what it shows."""
    moments = list(quarters(date(2026, 10, 25)))
    rows = rows_of(read(printed(moments, season=True, headings=[0, 12])))
    assert [row.season for row in rows[10:14]] == [
        *(Season.SUMMER, Season.SUMMER, Season.WINTER, Season.WINTER)
    ]
    assert [(row.end.hour, row.end.minute) for row in rows[10:14]] == [
        *((2, 45), (3, 0), (2, 15), (2, 30))
    ]
    assert [row.end.fold for row in rows[10:14]] == [0, 0, 1, 1]


# -- log books --------------------------------------------------------------------


def test_an_event_may_be_a_status_word_alone() -> None:
    """Each has a heading of its own, without period and without values."""
    first, second = entries_of(
        read(
            "P.98(1260707095703)(00002000)()(0)\r\n(1260707095914)(00000080)()(0)\r\n",
            BERLIN,
        )
    )
    assert first.time == datetime(2026, 7, 7, 7, 57, 3, tzinfo=UTC)
    assert first.season is Season.SUMMER
    assert (first.status, first.status_text) == (Status.LOG_BOOK_DELETED, "00002000")
    assert first.readings == ()
    assert second.status is Status.POWER_FAILED


@pytest.mark.parametrize("line_end", ["", "\r\n"])
def test_an_event_may_note_values(line_end: str) -> None:
    """The clock after it was set; the event's own time is the one before."""
    [entry] = entries_of(
        read(
            "P.98(1261120235646)(00008020)()(2)(0.9.1)()(0.9.2)()"
            f"{line_end}(1235703)(1261120)\r\n"
        )
    )
    assert entry.time == local(2026, 11, 20, 23, 56, 46)
    assert entry.status is Status.CLOCK_SET | Status.BEFORE_CLOCK_SET
    assert [reading.value for reading in entry.readings] == [
        time(23, 57, 3),
        date(2026, 11, 20),
    ]


def test_an_event_may_carry_a_number() -> None:
    """MetCom says so what happened, and its status word says nothing."""
    entries = entries_of(
        read(
            "P.98(0261120152310)(00)()(2)(91.11.0)()(C.11.10)()(1)(0)\r\n"
            "P.98(0261120152412)(00)(00)(1)(C.11.0)(V)(230)\r\n"
        )
    )
    assert [
        [(reading.code, str(reading.value)) for reading in entry.readings]
        for entry in entries
    ] == [[("1-0:91.11.0", "1"), ("0-0:96.11.10", "0")], [("0-0:96.11.0", "230")]]


def test_values_that_do_not_come_are_left_out() -> None:
    """The event has happened all the same."""
    event = "P.98(0261120152310)(00)()(2)(0.9.1)()(0.9.2)()"
    for rest in ("", "\r\n(1)", f"\r\n{event}", "\r\n(1", "\r\n1.8.0(1)"):
        items = read(event + rest)
        assert isinstance(items[0], LogEntry)
        assert items[0].readings == ()


def test_an_event_in_a_load_profile_ends_it() -> None:
    """A list may hold both."""
    event = "P.98(0261120152310)(00)()(0)\r\n"
    items = read(f"{HEADING}(1)(2)\r\n{event}(3)(4)\r\n")
    assert [type(item) for item in items] == [ProfileRow, LogEntry, BadLine]


# -- anything at all --------------------------------------------------------------

TELLING = st.sampled_from(
    [HEADING, HEADING[4:], "(1)(2)\r\n", "(1)", "\r\n", "P.01(ERROR)", "P.01()",
     "P.98(1261120235646)(00008020)()(2)(0.9.1)()(0.9.2)()", "(0261025023000)",
     "(00)", "(15)", "()", "(0)", "1.8.0(1*kWh)", "P.98(1261025023000)(80)()(0)"]
)  # fmt: skip


@given(
    blocks=st.lists(
        st.lists(st.one_of(TELLING, st.text(max_size=8)), max_size=6).map("".join),
        max_size=6,
    ),
    zone=st.sampled_from([None, BERLIN]),
    profile=st.sampled_from(PROFILES),
)
def test_any_text_is_read(
    blocks: list[str], zone: tzinfo | None, profile: MeterProfile
) -> None:
    """Nothing raises, and a range that is asked for again gives nothing new."""
    reader = ProfileReader(profile=profile, zone=zone)
    reader.begin_range()
    for block in blocks:
        for item in reader.receive_text(block, last=False):
            assert isinstance(item, ProfileRow | LogEntry | BadLine)
    reader.receive_text("", last=True)
    reader.begin_again()
    again = [
        item for block in blocks for item in reader.receive_text(block, last=False)
    ]
    assert again + reader.receive_text("", last=True) == []


# -- captures of real meters ------------------------------------------------------


def captures(kind: str) -> list[tuple[str, int]]:
    """Return the captures of the collection and their numbers of data sets."""
    index = CORPUS / "INDEX.tsv"
    if not index.exists():
        return []
    with index.open(encoding="utf-8", newline="") as file:
        return [
            (row["file"], int(row["data_sets"]))
            for row in csv.DictReader(file, delimiter="\t")
            if row["kind"] == kind
        ]


def read_capture(name: str) -> list[ProfileItem]:
    """Read a capture; what stands before its first data set is left out."""
    text = (CORPUS / name).read_text(encoding="latin-1")
    text = re.sub(r"\A/.*\s+", "", text)
    layout = StatusLayout.DLMS if name.startswith("MCS") else StatusLayout.VDEW
    return ProfileReader(layout=layout, zone=BERLIN).receive_text(text)


@needs_corpus
@pytest.mark.parametrize(("name", "data_sets"), captures("load profile"))
def test_captured_load_profiles_are_read_whole(name: str, data_sets: int) -> None:
    """Every data set is one of the heading or one of a row."""
    rows = rows_of(read_capture(name))
    channels = rows[0].channels
    assert data_sets == 4 + 2 * len(channels) + sum(len(row.values) for row in rows)
    assert all(one.register for one in channels[:2])
    assert {one.unit for one in channels} <= {"kW", "kvar"}
    assert all(value is not None for row in rows for value in row.values)
    assert all(b.end - a.end == QUARTER for a, b in itertools.pairwise(rows))
    assert rows[0].end.utcoffset() == timedelta(hours=2)


@needs_corpus
@pytest.mark.parametrize(("name", "data_sets"), captures("log book"))
def test_captured_log_books_are_read_whole(name: str, data_sets: int) -> None:
    """Every data set is one of an event, but for the meter's number before them."""
    entries = entries_of(read_capture(name))
    found = sum(4 + 3 * len(entry.readings) for entry in entries)
    assert data_sets - found in {0, 1}


@needs_corpus
def test_the_captures_are_there() -> None:
    """A collection that is silently empty would test nothing."""
    assert len(captures("load profile")) >= 3
    assert len(captures("log book")) >= 2
