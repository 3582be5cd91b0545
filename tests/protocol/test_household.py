"""The made-up house: its counters, its day, and what its meter sends."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, strategies as st
import pytest

from iec21 import decode
from iec21.framing import frame
from iec21.reading import interpret
from iec21.simulator.household import IDENTIFICATION, WINTER_TIME, Household

NOON = datetime(2026, 6, 15, 12, 30, tzinfo=WINTER_TIME)
NIGHT = datetime(2026, 11, 20, 3, 10, tzinfo=WINTER_TIME)

HOUSE = Household()
MOMENTS = st.timedeltas(timedelta(), timedelta(days=700)).map(
    lambda since: datetime(2025, 1, 1, tzinfo=WINTER_TIME) + since
)


@given(MOMENTS, st.timedeltas(timedelta(seconds=60), timedelta(days=1)))
def test_what_was_bought_never_stands_still(at: datetime, later: timedelta) -> None:
    """Every minute adds to it, even at noon in June."""
    before, after = HOUSE.counters(at), HOUSE.counters(at + later)
    assert before.import_tariff_1 <= after.import_tariff_1
    assert before.import_tariff_2 <= after.import_tariff_2
    assert before.export_total <= after.export_total
    # 25 W are less than half a watt hour in a minute, and a whole one shows.
    if later > timedelta(minutes=5):
        assert before.import_total < after.import_total


@given(MOMENTS)
def test_no_counter_ever_jumps(at: datetime) -> None:
    """A second later it has grown by what flowed, and not by more."""
    before, after = HOUSE.counters(at), HOUSE.counters(at + timedelta(seconds=1))
    assert after.import_total - before.import_total <= Decimal("0.002")
    assert after.export_total - before.export_total <= Decimal("0.002")


@given(MOMENTS)
def test_energy_is_the_integral_of_power(at: datetime) -> None:
    """Over five minutes, sampled every second."""
    end = at + timedelta(minutes=5)
    sampled = sum(HOUSE.power(at + timedelta(seconds=i + 0.5))[0] for i in range(300))
    counted = HOUSE.counters(end).import_total - HOUSE.counters(at).import_total
    assert float(counted) * 1000 == pytest.approx(sampled / 3600, abs=2.5, rel=0.01)


def test_days_gone_by_are_the_same_from_wherever_they_are_seen() -> None:
    """A house that was never asked before and one that was agree."""
    asked = Household()
    asked.counters(NOON + timedelta(days=100))
    assert asked.counters(NOON) == Household().counters(NOON)
    assert asked.counters(NOON) == asked.counters(NOON.astimezone(UTC))


def test_the_same_days_can_be_had_as_hourly_statistics() -> None:
    """Seven days of sums end where the meter stands now."""
    start = NOON - timedelta(days=7)
    hours = [HOUSE.counters(start + timedelta(hours=i)) for i in range(7 * 24 + 1)]
    totals = [hour.import_total for hour in hours]
    assert totals == sorted(totals)
    assert totals[-1] == HOUSE.counters(NOON).import_total


def test_a_year_looks_like_a_year() -> None:
    """About 10 kWh a day bought, more in winter; some sold, more in summer."""
    months = [datetime(2026, month, 1, tzinfo=WINTER_TIME) for month in range(1, 13)]
    months.append(datetime(2027, 1, 1, tzinfo=WINTER_TIME))
    counters = [HOUSE.counters(month) for month in months]
    bought = counters[-1].import_total - counters[0].import_total
    sold = counters[-1].export_total - counters[0].export_total
    assert 7 < bought / 365 < 13
    assert 1 < sold / 365 < 8
    january = counters[1].import_total - counters[0].import_total
    june = counters[6].import_total - counters[5].import_total
    assert january > 2 * june


def test_nothing_flows_out_at_night_and_a_little_always_in() -> None:
    """At noon in June the panels give more than the house takes."""
    assert HOUSE.power(NIGHT)[1] == 0
    assert HOUSE.power(NIGHT)[0] > 100
    incoming, outgoing = HOUSE.power(NOON)
    assert 10 < incoming < 40
    assert outgoing > 100


def test_the_tariff_changes_at_six_and_at_ten() -> None:
    """By the meter's own clock."""
    night = datetime(2026, 3, 1, 22, tzinfo=WINTER_TIME)
    morning = night + timedelta(hours=8)
    assert (
        HOUSE.counters(night).import_tariff_1 == HOUSE.counters(morning).import_tariff_1
    )
    assert (
        HOUSE.counters(morning).import_tariff_2
        == HOUSE.counters(morning + timedelta(hours=16)).import_tariff_2
    )


def test_before_the_meter_was_installed_nothing_was_counted() -> None:
    """Its counters stand where they stood on the first day."""
    ancient = datetime(2001, 1, 1, tzinfo=UTC)
    installed = datetime(2025, 1, 1, tzinfo=WINTER_TIME)
    assert HOUSE.counters(ancient) == HOUSE.counters(installed)
    assert b"1.6.0(00.000*kW)" in HOUSE.block(installed)


def test_every_house_is_another() -> None:
    """Serial number and habits differ; the identification is nobody's."""
    other = Household(2)
    assert other.serial_number == "SYN00000002"
    assert other.power(NOON) != HOUSE.power(NOON)
    assert IDENTIFICATION.manufacturer == "XMP"


def test_the_meter_sends_what_a_household_meter_sends() -> None:
    """About 40 data sets, all of them known to the catalogue."""
    readout = decode(frame(HOUSE.block(NOON)))
    readings = {reading.address: reading for reading in interpret(readout)}
    assert len(readout.data_sets) == 38
    assert not readout.bad_lines
    assert all(reading.register for reading in readings.values())
    assert readings["0.0.0"].value == "SYN00000001"
    assert str(readings["0.9.1"].value) == "12:30:00"
    assert str(readings["0.9.2"].value) == "2026-06-15"
    counters = HOUSE.counters(NOON)
    assert readings["1.8.0"].value == counters.import_total
    assert readings["2.8.0"].value == counters.export_total
    assert readings["1.8.0"].unit == "kWh"
    power = readings["16.7.0"].value
    assert isinstance(power, Decimal)
    assert power < 0


def test_the_history_holds_the_ends_of_the_last_months() -> None:
    """The youngest is number 1; its maximum lies in the month before."""
    readings = {
        reading.address: reading
        for reading in interpret(decode(frame(HOUSE.block(NOON))))
    }
    june = datetime(2026, 6, 1, tzinfo=WINTER_TIME)
    assert readings["1.8.0*01"].value == HOUSE.counters(june).import_total
    assert readings["0.1.2*01"].value == june.replace(tzinfo=None)
    maximum = readings["1.6.0*01"]
    assert maximum.timestamp is not None
    assert maximum.timestamp.month == 5
    assert isinstance(maximum.value, Decimal)
    assert 0.5 < maximum.value < 5


def test_a_maximum_is_a_mean_of_this_month() -> None:
    """It lies in the past, at the end of a quarter of an hour."""
    readings = {
        reading.address: reading
        for reading in interpret(decode(frame(HOUSE.block(NOON))))
    }
    stamp = readings["1.6.0"].timestamp
    assert stamp is not None
    assert stamp.minute % 15 == 0
    assert datetime(2026, 6, 1) <= stamp <= NOON.replace(tzinfo=None)  # noqa: DTZ001


def test_the_meter_on_a_line_sends_the_present() -> None:
    """Called without a moment, the house takes the clock's."""
    assert b"0.0.0(SYN00000001)" in HOUSE()
