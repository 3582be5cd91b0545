"""Archives of LIS-200 devices: requests, headings, rows."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from hypothesis import given, strategies as st
import pytest

from iec21 import TelegramError
from iec21.command_reader import AnswerReader
from iec21.commands import DataMessage
from iec21.lis200_archive import (
    ArchiveReader,
    ArchiveRequest,
    ArchiveRow,
    Column,
    parse_columns,
    parse_count,
)
from iec21.rows import MAX_ROW
from iec21.telegram import BadLine

SAMPLES = Path(__file__).parents[1] / "fixtures" / "telegrams"

HEADINGS = (
    "(GONo)(AONo)(Time)(Vb)(VbT)(V)(Vo)(p.MP)(T.MP)(K.MP)(C.MP)"
    "(St.2)(St.4)(St.7)(St.6)(St.Sy)(Event)(Er.Ch)"
)
UNITS = "()()()(m3)(m3)(m3)(m3)( bar)({C)()()()()()()()()()"
FEW = (Column("AONo", None), Column("Time", None), Column("Vb", "m³"))


def local(*parts: int) -> datetime:
    """Return a time of the device's own clock."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("request_", "data"),
    [
        (ArchiveRequest(archive=3), "3:V.0(3;;;10)"),
        (
            ArchiveRequest(archive=3, start=local(2003, 9, 15), rows=1),
            "3:V.0(3;2003-09-15,00:00:00;;1)",
        ),
        (
            ArchiveRequest(
                archive=7,
                start=local(2026, 11, 1, 6),
                end=local(2026, 11, 20, 5, 59, 59),
            ),
            "7:V.0(3;2026-11-01,06:00:00;2026-11-20,05:59:59;10)",
        ),
        (ArchiveRequest(archive=4, column=1, start="100"), "4:V.0(1;100;;10)"),
    ],
)
def test_rows_are_asked_for_in_blocks(request_: ArchiveRequest, data: str) -> None:
    """By the column that limits the range; a limit that is left out is open."""
    command = request_.rows_command()
    assert (command.name, command.data) == ("R3", data)


def test_rows_are_asked_for_as_on_the_line() -> None:
    """The block check of this one is known from a session."""
    request = ArchiveRequest(archive=3, start=local(2003, 9, 15), rows=1)
    assert request.rows_command().to_bytes()[-1:] == b"9"


def test_the_rest_is_asked_for_in_one_piece() -> None:
    """How many rows, what they are called, their units, and all of them at once."""
    request = ArchiveRequest(archive=3, end=local(2026, 11, 20))
    assert [
        (command.name, command.data)
        for command in (
            request.count_command(),
            request.headings_command(),
            request.units_command(),
            request.all_rows_command(),
        )
    ] == [
        ("R1", "3:V.A(3;;2026-11-20,00:00:00;1)"),
        ("R1", "3:V.2(1)"),
        ("R1", "3:V.3(1)"),
        ("R1", "3:V.0(3;;2026-11-20,00:00:00;)"),
    ]


@pytest.mark.parametrize(
    ("text", "count"), [("(11)", 11), ("3:V.A(0011)\r\n", 11), ("( 0 )", 0)]
)
def test_a_device_counts_rows(text: str, count: int) -> None:
    """With or without the address."""
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["", "()", "(x)", "(1)(2)", "(-1)", "(1.5)", "(1"])
def test_what_is_no_count_is_refused(text: str) -> None:
    """A number of rows is what it has to be."""
    with pytest.raises(TelegramError, match="number of rows"):
        parse_count(text)


def test_headings_and_units_come_from_the_device() -> None:
    """A blank before a unit goes, and a bracket is the sign of degrees."""
    columns = parse_columns(HEADINGS, UNITS)
    assert len(columns) == 18
    assert columns[2:10] == (
        Column("Time", None),
        Column("Vb", "m³"),
        Column("VbT", "m³"),
        Column("V", "m³"),
        Column("Vo", "m³"),
        Column("p.MP", "bar"),
        Column("T.MP", "°C"),
        Column("K.MP", None),
    )


@pytest.mark.parametrize("unit", ["(K)", "( K)", "(*K)", "(* K)"])
def test_kelvin_is_a_unit(unit: str) -> None:
    """Whatever stands before it."""
    assert parse_columns("(T)", unit) == (Column("T", "K"),)


def test_units_at_the_end_may_be_left_out() -> None:
    """Those columns have none then."""
    assert parse_columns("(a)(b)", "(m3)") == (Column("a", "m³"), Column("b", None))


@pytest.mark.parametrize(("headings", "units"), [("", ""), ("(a)", "(m3)(bar)")])
def test_columns_that_do_not_fit_are_refused(headings: str, units: str) -> None:
    """Nobody knows which unit belongs to what."""
    with pytest.raises(TelegramError, match="archive with"):
        parse_columns(headings, units)


def test_an_archive_is_read_row_by_row() -> None:
    """Numbers, a time, what is neither, and the device's own verdict."""
    data = (SAMPLES / "elster_ek280_archive" / "readout.raw").read_bytes()
    [message] = AnswerReader().receive_data(data.partition(b"\r\n")[2])
    assert isinstance(message, DataMessage)
    columns = parse_columns(HEADINGS, UNITS)
    first, second = ArchiveReader(columns).receive_text(message.text)
    assert isinstance(first, ArchiveRow)
    assert isinstance(second, ArchiveRow)
    assert first.columns == columns
    assert first.time == local(2026, 11, 20, 6)
    assert first.values[:2] == (Decimal(1201), Decimal(811))
    assert first.values[2:4] == (first.time, Decimal("10001.1000"))
    assert second.values[8] == Decimal("-1.25")
    assert first.values[-2:] == ("0x8104", "CRC Ok")
    assert first.intact is True


@pytest.mark.parametrize(
    ("verdict", "intact"),
    [("CRC Ok", True), ("CRC ok ", True), ("CRC Error", False), ("12.5", None)],
)
def test_a_device_says_whether_its_record_is_intact(
    verdict: str, *, intact: bool | None
) -> None:
    """Or nothing, where the last column is another one."""
    [row] = ArchiveReader(FEW).receive_text(f"(1)()({verdict})")
    assert isinstance(row, ArchiveRow)
    assert row.intact is intact
    assert row.time is None
    assert row.values[1] is None


def test_rows_that_do_not_fit_are_told_from_the_others() -> None:
    """Too few values, too many, or none at all."""
    lines = ["(1)()(2)", "(1)()", "(1)()(2)(3)", "oops", "(2)()(2)"]
    items = ArchiveReader(FEW).receive_text("\r\n".join(lines))
    assert [item.text for item in items if isinstance(item, BadLine)] == lines[1:4]


TEXT = "(1)(2026-11-20,06:00:00)(2.5)\r\n(2)(2026-11-20,07:00:00)(3.5)"


@pytest.mark.parametrize("position", range(len(TEXT)))
def test_a_block_may_end_anywhere(position: int) -> None:
    """A row without a line end is whole once all columns are there."""
    reader = ArchiveReader(FEW)
    whole = ArchiveReader(FEW).receive_text(TEXT)
    items = reader.receive_text(TEXT[:position], last=False)
    assert items + reader.receive_text(TEXT[position:]) == whole


def test_blocks_of_one_row_have_no_line_ends() -> None:
    """Each is handed out as it comes."""
    reader = ArchiveReader(FEW)
    for line in TEXT.split("\r\n"):
        assert len(reader.receive_text(line, last=False)) == 1


def test_an_answer_may_begin_anew() -> None:
    """What has begun is forgotten then, and takes no memory meanwhile."""
    reader = ArchiveReader(FEW)
    assert reader.receive_text("(1)(2", last=False) == []
    reader.begin_again()
    assert len(reader.receive_text("(1)(2)(3)", last=False)) == 1
    assert len(reader.receive_text("(" * MAX_ROW * 2, last=False)) == 1


@given(st.lists(st.text("(CRC Ok)10.\r\n-", max_size=30), max_size=5))
def test_any_text_is_read(blocks: list[str]) -> None:
    """Nothing raises, whatever the device sends."""
    reader = ArchiveReader(FEW)
    for block in blocks:
        for item in reader.receive_text(block, last=False):
            assert isinstance(item, ArchiveRow | BadLine)
    reader.receive_text("", last=True)
