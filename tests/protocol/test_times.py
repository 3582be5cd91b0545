"""Dates and times in the shapes that meters print."""

from datetime import UTC, date, datetime, time, timedelta, timezone

from hypothesis import given, strategies as st
import pytest

from iec21.times import (
    looks_like_timestamp,
    parse_date,
    parse_date_and_time,
    parse_moment,
    parse_time,
    parse_timestamp,
)


def local(*parts: int) -> datetime:
    """Return a time of the meter's own clock."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2611201215", local(2026, 11, 20, 12, 15)),
        ("261120121530", local(2026, 11, 20, 12, 15, 30)),
        ("02611201215", local(2026, 11, 20, 12, 15)),
        ("1260711121530", local(2026, 7, 11, 12, 15, 30)),
        ("260711121530S", local(2026, 7, 11, 12, 15, 30)),
        ("26-11-20 12:15", local(2026, 11, 20, 12, 15)),
        ("26-11-20,12:15", local(2026, 11, 20, 12, 15)),
        ("2026-11-20&12:15:30", local(2026, 11, 20, 12, 15, 30)),
        ("2026-11-20T12:15:30", local(2026, 11, 20, 12, 15, 30)),
        (" 2611201215 ", local(2026, 11, 20, 12, 15)),
    ],
)
def test_a_timestamp_is_read_in_every_shape(text: str, expected: datetime) -> None:
    """The meter's local time stays naive: it says nothing of its zone."""
    assert parse_timestamp(text) == expected
    assert looks_like_timestamp(text)


@pytest.mark.parametrize(
    ("text", "fold"),
    [
        ("1261025023000", 0),
        ("0261025023000", 1),
        ("261025023000S", 0),
        ("261025023000W", 1),
        ("261025023000", 0),
    ],
)
def test_the_season_is_the_fold(text: str, fold: int) -> None:
    """In the hour that comes twice, it says which of the two it is."""
    found = parse_timestamp(text)
    assert found is not None
    assert found.fold == fold
    assert found.tzinfo is None


def test_season_two_is_utc() -> None:
    """Some meters say so instead of a season."""
    assert parse_timestamp("2261120121530") == datetime(
        2026, 11, 20, 12, 15, 30, tzinfo=UTC
    )
    assert parse_time("2121530") == time(12, 15, 30, tzinfo=UTC)


def test_a_cosem_time_knows_its_distance_from_utc() -> None:
    """The deviation of MetCom's meters counts minutes east."""
    assert parse_timestamp("07EA0B14050C0F1E00003C00") == datetime(
        2026, 11, 20, 12, 15, 30, tzinfo=timezone(timedelta(hours=1))
    )
    assert parse_timestamp("07EA0B14050C0F1E00800000") == local(
        2026, 11, 20, 12, 15, 30
    )
    assert parse_timestamp("FFFFFFFFFFFFFFFFFF800000") is None


@pytest.mark.parametrize(
    "text",
    ["0000000000", "00-00-00 00:00", "632525252525S", "2611201260", "", "12345", "ER1"],
)
def test_what_is_no_time_is_none(text: str) -> None:
    """Zeros mean never, and a meter without a clock prints anything."""
    assert parse_timestamp(text) is None


@pytest.mark.parametrize("text", ["0000000000", "632525252525S", "00-00-00 00:00"])
def test_an_impossible_time_still_looks_like_one(text: str) -> None:
    """So the value that stands beside it is not taken for it."""
    assert looks_like_timestamp(text)


@pytest.mark.parametrize("text", ["", "123456789", "12345678901234", "1.5", "26-11-20"])
def test_other_text_does_not_look_like_a_time(text: str) -> None:
    """Only ten to thirteen digits and dates with a time do."""
    assert not looks_like_timestamp(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("261120", date(2026, 11, 20)),
        ("1260711", date(2026, 7, 11)),
        ("26-11-20", date(2026, 11, 20)),
        ("2026-11-20", date(2026, 11, 20)),
        ("20.11.26", date(2026, 11, 20)),
        ("000000", None),
        ("26-13-01", None),
        ("2611", None),
    ],
)
def test_a_date_is_read_in_every_shape(text: str, expected: date | None) -> None:
    """Two digits of a year are of this century."""
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("121530", time(12, 15, 30)),
        ("1121530", time(12, 15, 30)),
        ("12:15:30", time(12, 15, 30)),
        ("12:15", time(12, 15)),
        ("1215", time(12, 15)),
        ("0000", time(0, 0)),
        ("251530", None),
        ("noon", None),
    ],
)
def test_a_time_is_read_in_every_shape(text: str, expected: time | None) -> None:
    """Midnight is a time of day, not "never"."""
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("day", "hour", "fold"),
    [
        ("261025", "023000", 0),
        ("26-10-25", "02:30", 0),
        ("0261025", "023000", 1),
        ("1261025", "023000", 0),
        ("261025", "0023000", 1),
        ("26-10-25", "0023000", 1),
        ("0261025", "02:30:00", 1),
    ],
)
def test_a_date_and_a_time_make_a_moment(day: str, hour: str, fold: int) -> None:
    """The season may stand with either of them."""
    found = parse_date_and_time(day, hour)
    assert found == local(2026, 10, 25, 2, 30)
    assert found is not None
    assert found.fold == fold


def test_season_two_of_a_date_or_a_time_is_utc() -> None:
    """The other one says nothing then."""
    expected = datetime(2026, 11, 20, 12, 15, 30, tzinfo=UTC)
    assert parse_date_and_time("2261120", "121530") == expected
    assert parse_date_and_time("26-11-20", "2121530") == expected


@pytest.mark.parametrize(
    ("day", "hour"), [("", "121530"), ("261120", "noon"), ("000000", "000000")]
)
def test_half_a_moment_is_none(day: str, hour: str) -> None:
    """Both have to be there, and possible."""
    assert parse_date_and_time(day, hour) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2611201215", local(2026, 11, 20, 12, 15)),
        ("261120", date(2026, 11, 20)),
        ("00:00", time(0, 0)),
        ("", None),
        ("--", None),
        ("0000000000", None),
        ("2000-00-00", None),
        ("ER23", "ER23"),
        ("01-01&00:00", "01-01&00:00"),
    ],
)
def test_a_moment_is_what_it_can_be(
    text: str, expected: datetime | date | time | str | None
) -> None:
    """A timestamp, else a date, else a time, else never, else text."""
    assert parse_moment(text) == expected


def test_six_digits_are_what_the_register_says() -> None:
    """The same text is a time of day under 0.9.1 and a date under 0.9.2."""
    assert parse_moment("101112", has_date=False) == time(10, 11, 12)
    assert parse_moment("101112", has_time=False) == date(2010, 11, 12)


@given(st.text(st.sampled_from("0123456789-:., &TSWF")))
def test_no_text_raises(text: str) -> None:
    """Whatever stands there."""
    parse_moment(text)
    looks_like_timestamp(text)
    parse_date_and_time(text, text)
