"""A clock is off by what it shows, not by which time it is set to show."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.iec62056.clock import Habit, deviation
from custom_components.iec62056.iec21.clock import meter_clock
from custom_components.iec62056.iec21.telegram import DataSet

BERLIN = ZoneInfo("Europe/Berlin")
SUMMER = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
"""Noon in Berlin, 11 o'clock in winter time."""

WINTER = datetime(2026, 1, 1, 11, 0, tzinfo=UTC)
"""Noon in Berlin."""

SECOND = timedelta(seconds=1)


def shown(text: str) -> datetime:
    """Return what a meter shows that prints this as its date and time."""
    clock = meter_clock([DataSet("0.9.4", text)])
    assert clock is not None
    return clock.moment


@pytest.mark.parametrize(
    ("text", "habit"),
    [
        ("260701120003", Habit.LOCAL),
        ("260701110003", Habit.STANDARD),
        ("260701100003", Habit.UTC),
    ],
)
def test_a_clock_that_is_ahead_has_a_positive_deviation(
    text: str, habit: Habit
) -> None:
    """Three seconds are three seconds, whatever time the clock is set to show."""
    assert deviation(shown(text), SUMMER, habit, BERLIN) == 3 * SECOND
    assert deviation(shown(text), SUMMER, Habit.AUTOMATIC, BERLIN) == 3 * SECOND


def test_a_clock_that_is_behind_has_a_negative_deviation() -> None:
    """It shows less than there is."""
    moment = shown("260701115948")
    assert deviation(moment, SUMMER, Habit.LOCAL, BERLIN) == -12 * SECOND


def test_a_known_habit_is_not_guessed() -> None:
    """An owner who sets the habit learns of a clock that missed summer time."""
    moment = shown("260701110000")
    assert deviation(moment, SUMMER, Habit.AUTOMATIC, BERLIN) == timedelta()
    assert deviation(moment, SUMMER, Habit.LOCAL, BERLIN) == timedelta(hours=-1)
    assert deviation(moment, SUMMER, Habit.UTC, BERLIN) == timedelta(hours=1)


def test_of_habits_that_fit_as_well_local_time_is_taken() -> None:
    """Half an hour from both is a clock that is behind, not one that is ahead."""
    moment = shown("260701113000")
    assert deviation(moment, SUMMER, Habit.AUTOMATIC, BERLIN) == timedelta(minutes=-30)


def test_a_meter_that_says_how_far_utc_is_has_no_habit() -> None:
    """Its time is compared as it is."""
    utc = shown("2260701100005")
    assert utc.tzinfo is UTC
    east = datetime(2026, 7, 1, 11, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    for habit in Habit:
        assert deviation(utc, SUMMER, habit, BERLIN) == 5 * SECOND
        assert deviation(east, SUMMER, habit, BERLIN) == 5 * SECOND


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("1261025023000", 0),
        ("0261025023000", 1),
        ("261025023000", 0),
        ("261025023000", 1),
    ],
)
def test_a_local_time_that_comes_twice_is_the_one_that_fits(
    text: str, hour: int
) -> None:
    """A season tells which it is; without one, the nearer one is meant."""
    arrived = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    assert deviation(shown(text), arrived, Habit.LOCAL, BERLIN) == timedelta()


def test_a_meter_that_is_still_in_summer_time_is_ahead() -> None:
    """Its season belongs to its time, as long as the time comes twice."""
    arrived = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    moment = shown("0261025023000")
    assert deviation(moment, arrived, Habit.LOCAL, BERLIN) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "winter"),
    [
        ("Europe/Berlin", 1),
        ("Europe/Dublin", 0),
        ("Australia/Lord_Howe", 10.5),
        ("America/New_York", -5),
        ("Asia/Tokyo", 9),
    ],
)
@pytest.mark.parametrize("arrived", [SUMMER, WINTER])
def test_standard_time_is_winter_time(
    zone: str, winter: float, arrived: datetime
) -> None:
    """In the south winter is in July, and Ireland calls its summer time standard."""
    moment = (arrived + timedelta(hours=winter)).replace(tzinfo=None)
    assert deviation(moment, arrived, Habit.STANDARD, ZoneInfo(zone)) == timedelta()


def test_a_meter_without_seconds_seems_up_to_a_minute_behind() -> None:
    """It shows a minute for as long as the minute lasts."""
    moment = shown("2607011200")
    arrived = SUMMER + 59 * SECOND
    assert deviation(moment, arrived, Habit.LOCAL, BERLIN) == -59 * SECOND


@given(
    moment=st.datetimes(timezones=st.sampled_from([None, UTC])),
    habit=st.sampled_from(Habit),
    zone=st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "UTC"]),
)
def test_any_time_that_a_meter_shows_can_be_compared(
    moment: datetime, habit: Habit, zone: str
) -> None:
    """Meters write the year 2000 after a power failure, and 9999 for never."""
    off = deviation(moment, SUMMER, habit, ZoneInfo(zone))
    raw = moment.replace(tzinfo=UTC) - SUMMER
    assert abs(off - raw) <= timedelta(hours=11)
