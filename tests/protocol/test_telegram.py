"""Data sets as meters print them, with every oddity, and nothing converted."""

from hypothesis import given, strategies as st
import pytest

from iec21 import DataSet, TelegramError
from iec21.telegram import BadLine, parse_data_lines

ADDRESS = st.text(st.sampled_from("0123456789.:-*&CFLP "), max_size=16)
VALUE = st.text(st.sampled_from("0123456789.,-+:; ABCkWh&#?"), max_size=32)
UNIT = st.none() | st.text(st.sampled_from("kWhvarm3GJ/ {C°"), max_size=16).filter(
    lambda unit: not unit[:1].isdigit()
)
DATA_SETS = st.builds(DataSet, ADDRESS, VALUE, UNIT)


@pytest.mark.parametrize(
    ("text", "data_set"),
    [
        ("1.8.0(000123.456*kWh)", DataSet("1.8.0", "000123.456", "kWh")),
        ("1-1:1.8.0*00(00012*kWh)", DataSet("1-1:1.8.0*00", "00012", "kWh")),
        ("0.1.2&01(0120216091536)", DataSet("0.1.2&01", "0120216091536")),
        ("0.0.0()", DataSet("0.0.0", "")),
        ("(2611201215)", DataSet("", "2611201215")),
        ("1.8.0(*kWh)", DataSet("1.8.0", "", "kWh")),
        ("1.8.0(013925.5*)", DataSet("1.8.0", "013925.5", "")),
        ("0.2.0((ER11))", DataSet("0.2.0", "(ER11)")),
        ("81.7.6(  80*Deg)", DataSet("81.7.6", "  80", "Deg")),
        ("1.6(000007,4*kW)", DataSet("1.6", "000007,4", "kW")),
        ("9.4(104*C&103*C)", DataSet("9.4", "104*C&103", "C")),
        ("1.1.1(1*2)", DataSet("1.1.1", "1*2")),
        ("1.8.1(024562 kWh)", DataSet("1.8.1", "024562 kWh")),
        ("ET0PE(8.87)", DataSet("ET0PE", "8.87")),
    ],
)
def test_one_data_set(text: str, data_set: DataSet) -> None:
    """Read and written again, it is the same text."""
    assert DataSet.parse(text) == data_set
    assert list(parse_data_lines(text)) == [data_set]
    assert str(data_set) == text


@pytest.mark.parametrize("text", ["", "1.8.0", "1.8.0(1", "1(1)2(2)", "1(1)x"])
def test_what_is_not_one_data_set_is_refused(text: str) -> None:
    """`parse` takes one, whole; lines have their own function."""
    with pytest.raises(TelegramError, match="not a data set"):
        DataSet.parse(text)


def test_a_line_holds_any_number_of_data_sets() -> None:
    """The norm allows several per line, and a second bracket for a time."""
    assert list(
        parse_data_lines(
            "1.6.1(27.19*kW)(1702090945)\r\n6.8(0456.631*GJ)6.26(3447.3*m3)\n\r1.2(3)"
        )
    ) == [
        DataSet("1.6.1", "27.19", "kW"),
        DataSet("", "1702090945"),
        DataSet("6.8", "0456.631", "GJ"),
        DataSet("6.26", "3447.3", "m3"),
        DataSet("1.2", "3"),
    ]


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("...", "..."),
        ("1-0:36.7.0*255(0001", "1-0:36.7.0*255(0001"),
        ("0.0.0(1)Y\x02", "Y\x02"),
        ("1.8.0)5(", "1.8.0)5("),
    ],
)
def test_a_bad_line_never_costs_the_others(line: str, bad: str) -> None:
    """It is kept as what it is, between what could be read."""
    items = list(parse_data_lines(f"1.8.0(1)\r\n{line}\r\n2.8.0(2)\r\n"))
    assert items[0] == DataSet("1.8.0", "1")
    assert items[-1] == DataSet("2.8.0", "2")
    assert [item for item in items if isinstance(item, BadLine)] == [BadLine(bad)]


def test_fillers_and_the_end_mark_are_no_bad_lines() -> None:
    """Blanks behind data sets, and the mark of a block whose frame was lost."""
    assert list(parse_data_lines("\r\n1.8.0(1) \r\n!\r\n")) == [DataSet("1.8.0", "1")]


@given(DATA_SETS)
def test_reading_and_writing_a_data_set_are_inverses(data_set: DataSet) -> None:
    """For every address, value and unit that the norm allows."""
    assert DataSet.parse(str(data_set)) == data_set


@given(st.lists(DATA_SETS, max_size=8), st.sampled_from(["\r\n", "\n", "\r", ""]))
def test_lines_give_back_every_data_set(data_sets: list[DataSet], end: str) -> None:
    """In order, with any line end or none at all."""
    text = end.join(str(data_set) for data_set in data_sets)
    assert list(parse_data_lines(text)) == data_sets


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    """Whatever a damaged line holds."""
    assert len(list(parse_data_lines(text))) <= len(text)
