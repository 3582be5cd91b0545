"""The clock of a meter, found among its data sets."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, strategies as st
import pytest

from iec21 import DataSet
from iec21.clock import MeterClock, meter_clock


def clock(*texts: str) -> MeterClock | None:
    """Return the clock in data sets, each written as a meter prints it."""
    return meter_clock(map(DataSet.parse, texts))


def local(*parts: int) -> datetime:
    """Return a time of the meter's own clock."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("texts", "address"),
    [
        (("0.9.1(121530)", "0.9.2(261120)"), "0.9.1"),
        (("1-0:0.9.2*255(26-11-20)", "1-0:0.9.1*255(12:15:30)"), "1-0:0.9.1*255"),
        (("0.9.4(261120121530)",), "0.9.4"),
        (("0-0:1.0.0(261120121530W)",), "0-0:1.0.0"),
        (("9.36(2026-11-20&12:15:30)",), "9.36"),
        (("7-1:0400.0(2026-11-20,12:15:30)",), "7-1:0400.0"),
        (("HELLO(1)", "1.8.0(1*kWh)", "0.9.4(261120121530)"), "0.9.4"),
        (("0.9.4(0000000000)", "0.9.2(261120)", "0.9.1(121530)"), "0.9.1"),
        # Only the first is taken.
        (("0.9.4(261120121530)", "0-0:1.0.0(261120121531)"), "0.9.4"),
        (("0.9.1(121530)", "1-1:0.9.1(121531)", "0.9.2(261120)"), "0.9.1"),
    ],
)
def test_the_clock_is_found(texts: tuple[str, ...], address: str) -> None:
    """In one data set or in two, with the address of the time of day."""
    assert clock(*texts) == MeterClock(
        moment=local(2026, 11, 20, 12, 15, 30), address=address
    )


@pytest.mark.parametrize(
    "texts",
    [
        (),
        ("0.9.1(121530)",),
        ("0.9.2(261120)",),
        ("0.9.1(------)", "0.9.2(261120)"),
        ("0.9.1(121530)", "0.9.2(00-00-00)"),
        ("0-0:1.0.0()",),
        # What it is called.
        ("1:400.2(2026-11-20,12:15:30)",),
        # Of a past billing period, and of another meter.
        ("0.9.4*01(261120121530)",),
        ("0-1:1.0.0(261120121530W)",),
        # When something else was.
        ("0.1.2(261120121530)", "0.9.6(121530)", "0.9.7(261120)"),
    ],
)
def test_what_is_no_clock_gives_none(texts: tuple[str, ...]) -> None:
    """Half a clock, one that was never set, or another one."""
    assert clock(*texts) is None


@pytest.mark.parametrize(
    ("texts", "fold"),
    [
        (("0.9.1(023000)", "0.9.2(0261025)"), 1),
        (("0.9.1(023000)", "0.9.2(1261025)"), 0),
        (("0.9.1(0023000)", "0.9.2(0261025)"), 1),
        (("0.9.1(0023000)", "0.9.2(261025)"), 1),
        (("0-0:1.0.0(261025023000W)",), 1),
        (("0-0:1.0.0(261025023000S)",), 0),
    ],
)
def test_the_season_counts(texts: tuple[str, ...], fold: int) -> None:
    """In the hour that comes twice, before the date alone as well."""
    found = clock(*texts)
    assert found is not None
    assert found.moment == local(2026, 10, 25, 2, 30)
    assert found.moment.fold == fold


def test_a_clock_may_know_where_utc_is() -> None:
    """By the season 2, or by the deviation that COSEM has."""
    cosem = clock("1.0.0(07EA0B14050C0F1E00003C00)")
    in_date, in_time = (
        clock("0.9.1(121530)", "0.9.2(2261120)"),
        clock("0.9.1(2121530)", "0.9.2(261120)"),
    )
    assert cosem is not None
    assert cosem.moment.tzinfo == timezone(timedelta(hours=1))
    assert in_date is not None
    assert in_date == in_time
    assert in_date.moment == datetime(2026, 11, 20, 12, 15, 30, tzinfo=UTC)


def test_an_endless_address_is_no_clock() -> None:
    """And is not kept in memory either."""
    assert meter_clock([DataSet("0" * 100_000 + ".9.4", "261120121530")]) is None


@given(
    st.lists(
        st.builds(
            DataSet,
            st.sampled_from(["0.9.1", "0.9.2", "0.9.4", "1.8.0", "0-1:1.0.0"]),
            st.sampled_from(["", "121530", "261120", "261120121530", "ER01"]),
        )
    )
)
def test_a_clock_that_was_found_stays(data_sets: list[DataSet]) -> None:
    """A readout that is still arriving never contradicts itself later."""
    whole = meter_clock(data_sets)
    for count in range(len(data_sets)):
        assert meter_clock(data_sets[:count]) in (None, whole)
