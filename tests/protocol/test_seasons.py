"""Times of meters' clocks in time zones, where the clocks change above all."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from iec21.seasons import Season, parse_season, season_of, to_utc

BERLIN = ZoneInfo("Europe/Berlin")


def local(*parts: int, zone: tzinfo | None = None, fold: int = 0) -> datetime:
    """Return a time of a clock on the wall."""
    return datetime(*parts, tzinfo=zone, fold=fold)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "season"),
    [
        ("01803231250", Season.WINTER),
        ("1220823161500", Season.SUMMER),
        ("261025023000W", Season.WINTER),
        ("2610250230S", Season.SUMMER),
        (" 1220823161500 ", Season.SUMMER),
        ("2220823161500", None),
        ("2208231615", None),
        ("220823161500", None),
        ("26-10-25 02:30", None),
        ("", None),
    ],
)
def test_the_season_is_read_off_a_time(text: str, season: Season | None) -> None:
    """Ten and twelve digits have none, and UTC is no season."""
    assert parse_season(text) is season


@pytest.mark.parametrize(
    ("moment", "season"),
    [
        (local(2026, 7, 1, zone=BERLIN), Season.SUMMER),
        (local(2026, 1, 1, zone=BERLIN), Season.WINTER),
        (local(2026, 10, 25, 2, 30, zone=BERLIN), Season.SUMMER),
        (local(2026, 10, 25, 2, 30, zone=BERLIN, fold=1), Season.WINTER),
        # The other half of the Earth, and a zone whose summer is its standard.
        (local(2026, 1, 1, zone=ZoneInfo("Australia/Sydney")), Season.SUMMER),
        (local(2026, 7, 1, zone=ZoneInfo("Europe/Dublin")), Season.SUMMER),
        (local(2026, 1, 1, zone=ZoneInfo("Europe/Dublin")), Season.WINTER),
        (local(2026, 7, 1, zone=ZoneInfo("Europe/Istanbul")), Season.WINTER),
        (local(2026, 7, 1, zone=UTC), Season.WINTER),
    ],
)
def test_a_zone_tells_the_season(moment: datetime, season: Season) -> None:
    """A zone without summer time has winter all the year."""
    assert season_of(moment) is season


@pytest.mark.parametrize(
    ("moment", "season", "hour"),
    [
        (local(2026, 10, 25, 2, 30), Season.SUMMER, 0),
        (local(2026, 10, 25, 2, 30), Season.WINTER, 1),
        (local(2026, 1, 1, 12, 30), Season.WINTER, 11),
        (local(2026, 7, 1, 12, 30), Season.SUMMER, 10),
        # A clock that keeps winter time in summer says so.
        (local(2026, 7, 1, 12, 30), Season.WINTER, 11),
    ],
)
def test_the_season_settles_a_time(moment: datetime, season: Season, hour: int) -> None:
    """Whatever the zone does on that day."""
    found = to_utc(moment, season, BERLIN)
    assert (found.tzinfo, found.hour, found.minute) == (UTC, hour, 30)


@pytest.mark.parametrize(
    ("after", "hour"),
    [
        (None, 0),
        (datetime(2026, 10, 24, 23, 45, tzinfo=UTC), 0),
        # The same once more is what is asked for twice.
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 0),
        (datetime(2026, 10, 25, 0, 45, tzinfo=UTC), 1),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), 1),
        (datetime(2026, 10, 25, 1, 45, tzinfo=UTC), 0),
    ],
)
def test_without_a_season_the_order_settles_a_time(
    after: datetime | None, hour: int
) -> None:
    """The second half past two comes after the first one."""
    found = to_utc(local(2026, 10, 25, 2, 30), None, BERLIN, after=after)
    assert found == datetime(2026, 10, 25, hour, 30, tzinfo=UTC)


def test_a_time_that_there_is_not_is_found_all_the_same() -> None:
    """A clock that was set late may show it."""
    after = datetime(2026, 3, 29, 0, 45, tzinfo=UTC)
    found = to_utc(local(2026, 3, 29, 2, 30), None, BERLIN, after=after)
    assert found == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_an_aware_time_needs_no_zone() -> None:
    """The meter has said how far it is from UTC."""
    moment = local(2026, 7, 1, 12, 30, zone=timezone(timedelta(hours=3)))
    assert to_utc(moment, None, BERLIN) == datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
