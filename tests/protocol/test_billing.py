"""Billing periods: how long ago, by what meters print behind their codes."""

from datetime import UTC, datetime

from hypothesis import given, strategies as st
import pytest

from iec21.billing import age_by_number, ages
from iec21.profiles import Billing

COUNTER, AGE, MONTH = Billing.COUNTER, Billing.AGE, Billing.MONTH


def periods(text: str) -> dict[str, int]:
    """Return the billing periods that a readout names, in the order sent."""
    return {word: int(word[1:]) for word in text.split()}


def local(*parts: int) -> datetime:
    """Return a time of the meter's own clock."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("style", "number", "age"),
    [
        (AGE, 1, 1),
        (AGE, 15, 15),
        (AGE, 0, None),
        (AGE, 101, 1),
        (COUNTER, 101, 1),
        (COUNTER, 125, 25),
        (COUNTER, 126, None),
        (COUNTER, 100, None),
        (COUNTER, 1, None),
        (MONTH, 1, None),
    ],
)
def test_some_numbers_are_ages(style: Billing, number: int, age: int | None) -> None:
    """101 to 125 with every meter, and all numbers with some."""
    assert age_by_number(style, number) == age


@pytest.mark.parametrize(
    ("sent", "resets", "expected"),
    [
        ("*12 *11 *10", 12, [1, 2, 3]),
        ("*07", 7, [1]),
        ("*12 &11 *10", 12, [1, 2, 3]),
        ("*12 *11 *10", 112, [1, 2, 3]),
        # The counter starts again at 00, which otherwise is an unused place.
        ("*01 *00 *99 *98", 1, [1, 2, 3, 4]),
        ("*00 *99 *98", 100, [1, 2, 3]),
        ("*02 *01 *00", 2, [1, 2, None]),
        ("*00", 0, [None]),
        # Beyond a gap nobody knows.
        ("*32 *18", 32, [1, None]),
        ("*12 &12 *11", 12, [1, None, None]),
        # Months, or ages: what 0.1.0 counts is something else.
        ("*12 *11 *10", 4, [None, None, None]),
        ("*01 *02 *03", 33, [None, None, None]),
        # Without 0.1.0 only numbers that fall tell which is the youngest.
        ("*62 *61", None, [1, 2]),
        ("*01 *00 *99", None, [1, 2, 3]),
        ("*01 *02 *03", None, [None, None, None]),
        ("*12 *13 *01", None, [None, None, None]),
        ("*07", None, [None]),
    ],
)
def test_resets_are_counted(
    sent: str, resets: int | None, expected: list[int | None]
) -> None:
    """The youngest has the number in 0.1.0, and the others follow one by one."""
    found = ages(COUNTER, periods(sent), resets=resets)
    assert [found.get(period) for period in sent.split()] == expected


@pytest.mark.parametrize(
    ("sent", "month", "expected"),
    [
        ("*02 *01 *12 *11", 3, [1, 2, 3, 4]),
        ("*12 *11", 1, [1, 2]),
        # Somebody has ended this month's period by hand.
        ("&03 *02 *01", 3, [1, 2, 3]),
        ("*02 *01 *11", 3, [1, 2, None]),
        ("*02 *01 *00", 3, [1, 2, None]),
        # The meter had no reset last month.
        ("*01 *12", 3, [None, None]),
        ("*02 *01", None, [None, None]),
    ],
)
def test_months_are_named(
    sent: str, month: int | None, expected: list[int | None]
) -> None:
    """The youngest is the month before the one that the meter's clock shows."""
    found = ages(MONTH, periods(sent), month=month)
    assert [found.get(period) for period in sent.split()] == expected


def test_the_ends_tell_where_the_numbers_do_not() -> None:
    """By hand and by itself in one month; 00 was never used and never ended."""
    ends = {"*12": local(2026, 1, 1), "&12": local(2025, 12, 30, 16, 2)}
    sent = periods("*12 &12 *00")
    assert ages(COUNTER, sent, resets=4, ends=ends) == {"*12": 1, "&12": 2}
    assert ages(COUNTER, periods("&12 *12"), ends=ends) == {"*12": 1, "&12": 2}
    assert ages(COUNTER, periods("*12 &12 *11"), ends=ends) == {}
    same = dict.fromkeys(ends, local(2026, 1, 1))
    assert ages(COUNTER, sent, resets=4, ends=same) == {}


@given(
    st.sampled_from(Billing),
    st.dictionaries(st.text(), st.integers(0, 255)),
    st.none() | st.integers(0, 10**30),
    st.none() | st.integers(1, 12),
    st.dictionaries(
        st.text(max_size=1),
        st.datetimes(timezones=st.sampled_from((None, UTC))),
    ),
)
def test_ages_count_up_from_one(
    style: Billing,
    sent: dict[str, int],
    resets: int | None,
    month: int | None,
    ends: dict[str, datetime],
) -> None:
    """Whatever is sent, no age comes twice and none is left out."""
    found = ages(style, sent, resets=resets, month=month, ends=ends)
    assert set(found) <= set(sent)
    assert sorted(found.values()) == list(range(1, len(found) + 1))
