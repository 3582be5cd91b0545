"""Meters are read when their owner wants it, through all changes of the clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
import json
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.iec62056.const import MAX_INTERVAL, MIN_INTERVAL
from custom_components.iec62056.schedule import (
    Budget,
    Kind,
    Schedule,
    automatic_interval,
    grace_of,
    retry_after,
)

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
AUTOMATIC = timedelta(minutes=3)

zones = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]
).map(ZoneInfo)

moments = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis wants it naive
    max_value=datetime(2036, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def readouts(schedule: Schedule, last: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield when a meter is read that was last read at `last`."""
    while True:
        last = schedule.next_after(last, AUTOMATIC, zone)
        yield last


def local(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    """Read a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def on_the_wall(moments: Iterator[datetime], zone: ZoneInfo, count: int) -> list[str]:
    """Return what the clock on the wall shows at the first of some moments."""
    return [f"{one.astimezone(zone):%d %H:%M}" for one in islice(moments, count)]


# -- from the options -----------------------------------------------------------------


def test_without_options_a_meter_is_read_as_often_as_is_easy() -> None:
    """Whoever sets nothing gets what suits the port."""
    schedule = Schedule.from_options({})
    assert schedule == Schedule()
    assert schedule.kind is Kind.AUTOMATIC


def test_options_are_read() -> None:
    """What the form has written is what the schedule says."""
    options = {"schedule": "hourly", "interval": 90.5, "minute": 17, "time": "06:30:00"}
    assert Schedule.from_options(options) == Schedule(
        kind=Kind.HOURLY,
        interval=timedelta(seconds=90.5),
        minute=17,
        time=time(6, 30),
    )


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": "yearly", "interval": "x", "minute": 60, "time": "25:00"},
        {"schedule": 7, "interval": float("nan"), "minute": -1, "time": "noon"},
        {"schedule": [], "interval": float("inf"), "minute": "x", "time": 6},
        {"schedule": None, "interval": None, "minute": None, "time": None},
    ],
)
def test_options_that_make_no_sense_are_as_usual(options: dict[str, Any]) -> None:
    """An entry that somebody edited by hand still reads its meter."""
    assert Schedule.from_options(options) == Schedule()


@pytest.mark.parametrize(("seconds", "kept"), [(0, MIN_INTERVAL), (1e9, MAX_INTERVAL)])
def test_an_interval_stays_within_what_the_form_allows(
    seconds: float, kept: timedelta
) -> None:
    """Not even an edited entry reads a meter without a pause."""
    assert Schedule.from_options({"interval": seconds}).interval == kept


# -- the next readout -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "period"),
    [
        (Kind.AUTOMATIC, AUTOMATIC),
        (Kind.INTERVAL, timedelta(seconds=42)),
        (Kind.HOURLY, timedelta(hours=1)),
        (Kind.DAILY, timedelta(days=1)),
    ],
)
def test_a_period_is_the_time_from_one_readout_to_the_next(
    kind: Kind, period: timedelta
) -> None:
    """On ordinary days, two readouts are one period apart."""
    schedule = Schedule(kind=kind, interval=timedelta(seconds=42))
    assert schedule.period(AUTOMATIC) == period
    first, second = islice(readouts(schedule, local("2026-06-01 08:00"), BERLIN), 2)
    assert second - first == period


def test_an_hourly_readout_comes_at_its_minute() -> None:
    """The next one is in this hour if its minute is still to come."""
    schedule = Schedule(kind=Kind.HOURLY, minute=20)
    for last, due in (
        ("2026-06-01 08:19:59", "2026-06-01 08:20"),
        ("2026-06-01 08:20:00", "2026-06-01 09:20"),
        ("2026-06-01 08:20:01", "2026-06-01 09:20"),
    ):
        assert schedule.next_after(local(last), AUTOMATIC, BERLIN) == local(due)


def test_a_daily_readout_comes_at_its_time() -> None:
    """The next one is today if its time is still to come."""
    schedule = Schedule(kind=Kind.DAILY, time=time(6, 30))
    for last, due in (
        ("2026-06-01 06:29:59", "2026-06-01 06:30"),
        ("2026-06-01 06:30:00", "2026-06-02 06:30"),
        ("2026-06-01 06:30:01", "2026-06-02 06:30"),
    ):
        assert schedule.next_after(local(last), AUTOMATIC, BERLIN) == local(due)


def test_an_hourly_readout_goes_by_the_clock_on_the_wall() -> None:
    """India is half an hour apart from the hours of UTC."""
    zone = ZoneInfo("Asia/Kolkata")
    schedule = Schedule(kind=Kind.HOURLY, minute=20)
    due = schedule.next_after(local("2026-06-01 08:00", zone), AUTOMATIC, zone)
    assert due == local("2026-06-01 08:20", zone)


# -- clocks that change ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (time(1, 59), "29 01:59"),
        (time(2, 0), "29 03:00"),
        (time(2, 30), "29 03:00"),
        (time(2, 59, 59), "29 03:00"),
        (time(3, 0), "29 03:00"),
        (time(3, 1), "29 03:01"),
    ],
)
def test_a_time_that_does_not_exist_is_the_moment_of_the_jump(
    at: time, shown: str
) -> None:
    """In spring the hour from 2 to 3 is left out."""
    schedule = Schedule(kind=Kind.DAILY, time=at)
    due = readouts(schedule, local("2026-03-28 04:00"), BERLIN)
    assert on_the_wall(due, BERLIN, 2) == [shown, f"30 {at:%H:%M}"]


def test_a_jump_of_half_an_hour_is_found() -> None:
    """Lord Howe Island changes by thirty minutes."""
    schedule = Schedule(kind=Kind.DAILY, time=time(2, 10))
    due = readouts(schedule, local("2026-10-03 12:00", LORD_HOWE), LORD_HOWE)
    assert on_the_wall(due, LORD_HOWE, 2) == ["04 02:30", "05 02:10"]


def test_a_jump_over_midnight_leaves_each_day_its_readout() -> None:
    """In Beirut summer begins at midnight, and at 0:30 there was no such time."""
    zone = ZoneInfo("Asia/Beirut")
    schedule = Schedule(kind=Kind.DAILY, time=time(0, 30))
    due = readouts(schedule, local("2026-03-28 01:00", zone), zone)
    assert on_the_wall(due, zone, 2) == ["29 01:00", "30 00:30"]


def test_a_time_that_comes_twice_is_read_once() -> None:
    """In autumn the hour from 2 to 3 comes twice; the first one counts."""
    schedule = Schedule(kind=Kind.DAILY, time=time(2, 30))
    first, second = islice(readouts(schedule, local("2026-10-24 12:00"), BERLIN), 2)
    assert first == local("2026-10-25 02:30", fold=0)
    assert second == local("2026-10-26 02:30")
    # A readout in between, by hand, changes nothing.
    between = local("2026-10-25 02:10", fold=1)
    assert schedule.next_after(between, AUTOMATIC, BERLIN) == second


def test_a_day_that_comes_back_is_read_once() -> None:
    """Where clocks are put back at midnight, it is yesterday once more."""
    zone = ZoneInfo("America/St_Johns")
    schedule = Schedule(kind=Kind.DAILY, time=time(0, 0, 30))
    # At 0:01 on 7 November 2010 it was 23:01 on the sixth again.
    due = readouts(schedule, local("2010-11-06 12:00", zone), zone)
    assert on_the_wall(due, zone, 2) == ["07 00:00", "08 00:00"]
    last = local("2010-11-06 23:30", zone, fold=1)
    assert on_the_wall(readouts(schedule, last, zone), zone, 1) == ["08 00:00"]


def test_no_hour_goes_without_its_readout() -> None:
    """The hour that comes twice is two hours, and both use energy."""
    schedule = Schedule(kind=Kind.HOURLY, minute=15)
    autumn = readouts(schedule, local("2026-10-25 01:00"), BERLIN)
    assert on_the_wall(autumn, BERLIN, 4) == [
        "25 01:15",
        "25 02:15",
        "25 02:15",
        "25 03:15",
    ]
    spring = readouts(schedule, local("2026-03-29 01:00"), BERLIN)
    assert on_the_wall(spring, BERLIN, 2) == ["29 01:15", "29 03:15"]


@given(zone=zones, last=moments, at=st.times())
@settings(deadline=None)
def test_every_day_has_one_readout(zone: ZoneInfo, last: datetime, at: time) -> None:
    """Over more than a year: none left out, none twice, none late."""
    schedule = Schedule(kind=Kind.DAILY, time=at)
    due = [last, *islice(readouts(schedule, last, zone), 400)]
    for before, after in pairwise(due):
        assert timedelta() < after - before <= timedelta(hours=25)
        assert after.tzinfo is UTC
    days = [one.astimezone(zone).date().toordinal() for one in due[1:]]
    assert days == list(range(days[0], days[0] + 400))


@given(zone=zones, last=moments, minute=st.integers(0, 59))
@settings(deadline=None, max_examples=25)
def test_every_hour_has_one_readout(
    zone: ZoneInfo, last: datetime, minute: int
) -> None:
    """Over a year: none is more than an hour after the one before."""
    schedule = Schedule(kind=Kind.HOURLY, minute=minute)
    due = [last, *islice(readouts(schedule, last, zone), 24 * 366)]
    odd = 0
    for before, after in pairwise(due):
        assert timedelta() < after - before <= timedelta(hours=1)
        odd += after.astimezone(zone).minute != minute
    # Half an hour of summer time: the readout in between comes at its old minute.
    # A year and a day may see the clocks change three times.
    assert odd <= (3 if zone.key == "Australia/Lord_Howe" else 0)


@given(
    zone=zones,
    last=moments,
    interval=st.timedeltas(MIN_INTERVAL, MAX_INTERVAL),
)
def test_an_interval_does_not_care_about_clocks(
    zone: ZoneInfo, last: datetime, interval: timedelta
) -> None:
    """It is the time that passes."""
    schedule = Schedule(kind=Kind.INTERVAL, interval=interval)
    there = last.astimezone(zone)
    assert schedule.next_after(there, AUTOMATIC, zone) == last + interval


def test_a_last_readout_in_local_time_is_the_same_moment() -> None:
    """A day before the clocks change, a day is still 24 hours."""
    schedule = Schedule(kind=Kind.INTERVAL, interval=timedelta(days=1))
    last = datetime(2026, 3, 28, 12, 0, tzinfo=BERLIN)
    due = schedule.next_after(last, AUTOMATIC, BERLIN)
    assert due == local("2026-03-29 13:00")
    assert due.tzinfo is UTC


# -- failures, and how often ----------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "grace"),
    [
        (timedelta(), timedelta(minutes=15)),
        (timedelta(minutes=1), timedelta(minutes=15)),
        (timedelta(minutes=5), timedelta(minutes=15)),
        (timedelta(hours=1), timedelta(hours=3)),
        (timedelta(days=1), timedelta(days=3)),
    ],
)
def test_readings_stay_for_three_polls(period: timedelta, grace: timedelta) -> None:
    """And for a quarter of an hour at least."""
    assert grace_of(period) == grace


def test_failures_are_retried_less_and_less_often() -> None:
    """After 1, 5, 15 and 60 minutes, and every hour from then on."""
    minutes = [retry_after(failures) / timedelta(minutes=1) for failures in range(1, 7)]
    assert minutes == [1, 5, 15, 60, 60, 60]


@pytest.mark.parametrize(
    ("durations", "seconds"),
    [
        ([], 60),
        ([2.5], 60),
        ([4.0, 5.01], 91),
        ([318.0] * 12, 38160),
    ],
)
def test_a_port_is_busy_for_a_tenth_of_the_time(
    durations: list[float], seconds: int
) -> None:
    """Ten times the sum of all meters on it, and a minute at least."""
    assert automatic_interval(durations) == timedelta(seconds=seconds)


# -- the battery ----------------------------------------------------------------------

TODAY = date(2026, 11, 21)


def test_a_battery_meter_is_woken_up_twice_a_day_at_most() -> None:
    """Besides the scheduled readouts; the next day begins anew."""
    budget = Budget()
    assert budget.may_wake(TODAY)
    budget.take(TODAY)
    assert budget.may_wake(TODAY)
    budget.take(TODAY)
    assert not budget.may_wake(TODAY)
    assert budget.may_wake(TODAY + timedelta(days=1))
    budget.take(TODAY + timedelta(days=1))
    assert budget.may_wake(TODAY + timedelta(days=1))


def test_a_restart_wakes_no_meter_up() -> None:
    """What has been taken today is still taken afterwards."""
    budget = Budget()
    budget.take(TODAY)
    budget.take(TODAY)
    restored = Budget.from_json(json.loads(json.dumps(budget.as_json())))
    assert not restored.may_wake(TODAY)
    unused = Budget.from_json(json.loads(json.dumps(Budget().as_json())))
    assert unused.may_wake(TODAY)


@pytest.mark.parametrize(
    "saved",
    [
        None,
        [],
        {},
        "x",
        7,
        {"day": 7, "taken": 2},
        {"day": "x", "taken": 2},
        {"day": "2026-11-21", "taken": None},
    ],
)
def test_a_budget_that_cannot_be_read_is_a_whole_one(saved: Any) -> None:
    """A damaged storage stops nobody from reading a meter."""
    assert Budget.from_json(saved).may_wake(TODAY)
