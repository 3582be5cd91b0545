"""What is asked of a load profile: ranges, seasons, pieces."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from iec21.load_profile_request import ProfileRequest

BERLIN = ZoneInfo("Europe/Berlin")
NAIVE = datetime(2026, 7, 1, 0, 15)  # noqa: DTZ001  # A clock without zone.


def berlin(*parts: int, fold: int = 0) -> datetime:
    """Return a time in Berlin."""
    return datetime(*parts, tzinfo=BERLIN, fold=fold)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("request_", "data"),
    [
        (ProfileRequest(), "P.01(;)"),
        (ProfileRequest("P.98"), "P.98(;)"),
        (ProfileRequest("1-0:P.02", start=NAIVE), "1-0:P.02(02607010015;)"),
        (ProfileRequest(end=NAIVE), "P.01(;02607010015)"),
        (
            ProfileRequest("P.01", berlin(2026, 7, 1), berlin(2026, 12, 1)),
            "P.01(12607010000;02612010000)",
        ),
        (
            ProfileRequest(
                "P.01",
                berlin(2026, 10, 25, 2, 30),
                berlin(2026, 10, 25, 2, 30, fold=1),
            ),
            "P.01(12610250230;02610250230)",
        ),
        (
            ProfileRequest(start=datetime(2026, 7, 1, 0, 15, tzinfo=UTC)),
            "P.01(22607010015;)",
        ),
    ],
)
def test_a_range_is_written_as_meters_take_it(
    request_: ProfileRequest, data: str
) -> None:
    """Season, date and time; an end that is left out is open."""
    command = request_.to_command()
    assert (command.name, command.data) == ("R5", data)


@pytest.mark.parametrize("name", ["R5", "R6", "R2", "R3"])
def test_the_command_is_the_meters_own(name: str) -> None:
    """A profile of the meter says which one it takes."""
    assert ProfileRequest().to_command(name).to_bytes()[1:3] == name.encode()


def test_a_range_is_cut_at_every_midnight() -> None:
    """Neighbours share it, and no piece is longer than a day of its zone."""
    whole = ProfileRequest("P.01", berlin(2026, 3, 28, 12), berlin(2026, 3, 31, 0))
    pieces = list(whole.by_day())
    assert [piece.to_command().data for piece in pieces] == [
        "P.01(02603281200;02603290000)",
        "P.01(02603290000;12603300000)",
        "P.01(12603300000;12603310000)",
    ]
    hours = [
        (piece.end - piece.start.astimezone(UTC)) / timedelta(hours=1)
        for piece in pieces
        if piece.start and piece.end
    ]
    assert hours == [12, 23, 24]


@pytest.mark.parametrize(
    "request_",
    [
        ProfileRequest(),
        ProfileRequest(start=NAIVE),
        ProfileRequest(end=NAIVE),
        ProfileRequest("P.01", NAIVE, NAIVE + timedelta(hours=1)),
        # Both half past two, in an order that clocks on the wall do not show.
        ProfileRequest(
            "P.01",
            berlin(2026, 10, 25, 2, 30),
            berlin(2026, 10, 25, 2, 15, fold=1),
        ),
    ],
)
def test_a_range_within_a_day_or_without_an_end_stays_whole(
    request_: ProfileRequest,
) -> None:
    """Nobody knows where the oldest row is."""
    assert list(request_.by_day()) == [request_]


def test_a_year_is_one_piece_a_day() -> None:
    """The range need not be remembered as a list."""
    start = berlin(2026, 1, 1)
    pieces = ProfileRequest("P.01", start, berlin(2027, 1, 1)).by_day()
    assert next(pieces).end == berlin(2026, 1, 2)
    assert sum(1 for _ in pieces) == 364
