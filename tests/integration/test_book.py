"""Nothing wrong is booked, and nothing right is kept back for long.

Every reading here is made of bytes as a meter sends them, by the same code as in a
readout.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.iec62056.book import Book, Doubts, Limits, reading_id
from custom_components.iec62056.iec21.catalog import UNITS, Quantity
from custom_components.iec62056.iec21.messages import Identification
from custom_components.iec62056.iec21.reading import Reading, interpret
from custom_components.iec62056.iec21.telegram import (
    Check,
    DataSet,
    Readout,
    parse_data_lines,
)

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HEAT_METER = Identification.parse(b"/LUGCUH50\r\n")
LOGAREX = Identification.parse(b"/LOG4LK13BE803039\r\n")
NOTHING = Doubts(new=frozenset(), refused=frozenset())


def interpreted(
    text: str, identification: Identification | None = None
) -> tuple[Reading, ...]:
    """Return the readings of a data block; blanks stand between its lines."""
    lines = parse_data_lines(text.replace(" ", "\r\n"))
    data_sets = tuple(one for one in lines if isinstance(one, DataSet))
    return interpret(
        Readout(identification=identification, data_sets=data_sets, check=Check.NONE)
    )


class Desk:
    """A book with a clock beside it, and the meter whose readouts come in."""

    def __init__(
        self,
        identification: Identification | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Begin with an empty book."""
        self.book = Book()
        self.now = START
        self.identification = identification
        self.limits = limits or Limits()

    def take(
        self, text: str, *, checked: bool = False, after: timedelta = MINUTE
    ) -> Doubts:
        """Take the readout that comes `after` the last one."""
        self.now += after
        return self.book.enter(
            interpreted(text, self.identification),
            checked=checked,
            at=self.now,
            limits=self.limits,
        )

    def restart(self) -> None:
        """Write the book down and read it again, as a restart does."""
        self.book = Book.from_json(json.loads(json.dumps(self.book.as_json())))

    def value(self, key: str) -> Any:
        """Return the value that is booked for a register."""
        return self.book.booked[key].reading.value


def desk(text: str, **kwargs: Any) -> Desk:
    """Return a book that begins with a checked readout."""
    begun = Desk(**kwargs)
    begun.take(text, checked=True)
    return begun


def refused(*keys: str) -> Doubts:
    """Return the doubts about registers that keep what they had."""
    return Doubts(new=frozenset(), refused=frozenset(keys))


def new(*keys: str) -> Doubts:
    """Return the doubts about registers that were never booked."""
    return Doubts(new=frozenset(keys), refused=frozenset())


# -- what a register is ---------------------------------------------------------------


def test_a_register_is_the_whole_code_as_printed_and_its_number() -> None:
    """Channels are told apart, and so are codes that come twice."""
    readings = interpreted("1-1:1.8.0(1*kWh) 1-2:1.8.0(2*kWh) 1-2:1.8.0(3*kWh)")
    assert [reading_id(one) for one in readings] == [
        "1-1:1.8.0",
        "1-2:1.8.0",
        "1-2:1.8.0#1",
    ]


# -- readouts that passed their check -------------------------------------------------


def test_a_checked_readout_is_booked_as_it_is() -> None:
    """Even a fall: the meter says so, and no line has changed it."""
    meter = desk("1.8.0(001234.5*kWh) 0.2.0(1.03)")
    assert meter.take("1.8.0(000000.1*kWh) 0.2.0(1.04)", checked=True) == NOTHING
    assert meter.value("1.8.0") == Decimal("0.1")
    assert meter.value("0.2.0") == "1.04"
    assert meter.book.booked["1.8.0"].at == START + 2 * MINUTE


def test_a_checked_readout_ends_all_doubts() -> None:
    """What waited is overtaken by what is certain."""
    meter = desk("1.8.0(001234.5*kWh)")
    meter.take("1.8.0(009234.5*kWh)")
    meter.take("1.8.0(001234.6*kWh)", checked=True)
    assert meter.take("1.8.0(009234.5*kWh)") == refused("1.8.0")


# -- counters without a check ---------------------------------------------------------


@pytest.mark.parametrize("damaged", ["001134.5", "009234.5", "001234.5-", "?"])
def test_a_damaged_digit_books_nothing(damaged: str) -> None:
    """A fall, a leap and a number that is none wait, and the next readout is right."""
    meter = desk("1.8.0(001234.5*kWh)")
    assert meter.take(f"1.8.0({damaged}*kWh)") == refused("1.8.0")
    assert meter.value("1.8.0") == Decimal("1234.5")
    assert meter.book.booked["1.8.0"].at == START + MINUTE
    assert meter.take("1.8.0(001234.6*kWh)") == NOTHING
    assert meter.value("1.8.0") == Decimal("1234.6")


@pytest.mark.parametrize("said", ["000012.5", "009234.5", "------"])
def test_what_two_readouts_say_is_booked(said: str) -> None:
    """A counter that was reset, leapt or has no value any more."""
    meter = desk("1.8.0(001234.5*kWh)")
    meter.take(f"1.8.0({said}*kWh)")
    assert meter.take(f"1.8.0({said}*kWh)") == NOTHING
    (reading,) = interpreted(f"1.8.0({said}*kWh)")
    assert meter.value("1.8.0") == reading.value


def test_after_a_pause_a_counter_waits_again() -> None:
    """Nothing says how far it has gone since the meter had no value."""
    meter = desk("1.8.0(------*kWh)")
    assert meter.take("1.8.0(001234.5*kWh)") == refused("1.8.0")
    assert meter.take("1.8.0(001234.5*kWh)") == NOTHING


def test_two_damaged_readouts_do_not_confirm_each_other() -> None:
    """The second one has to be able to follow the first."""
    meter = desk("1.8.0(001234.5*kWh)")
    for damaged in ("009234.5", "000234.5", "005234.5"):
        assert meter.take(f"1.8.0({damaged}*kWh)") == refused("1.8.0")
    assert meter.take("1.8.0(001234.7*kWh)") == NOTHING
    assert meter.value("1.8.0") == Decimal("1234.7")


def test_a_value_in_doubt_that_does_not_come_again_is_dropped() -> None:
    """A readout without it, or with the right one, ends the matter."""
    for between in ("1.8.0(001234.6*kWh)", "1.7.0(0.5*kW)"):
        meter = desk("1.8.0(001234.5*kWh) 1.7.0(0.4*kW)")
        meter.take("1.8.0(009234.5*kWh)")
        meter.take(between)
        assert meter.take("1.8.0(009234.6*kWh)") == refused("1.8.0")


def test_the_difference_after_a_week_of_outage_is_booked_at_once() -> None:
    """The limit is a power, and a week has many hours."""
    meter = desk("1.8.0(001234.5*kWh)")
    meter.restart()
    assert meter.take("1.8.0(002000.0*kWh)", after=timedelta(weeks=1)) == NOTHING
    assert meter.value("1.8.0") == 2000


@pytest.mark.parametrize(
    ("text", "most", "limits"),
    [
        # 69 kW, an hour long, and one unit of the last digit.
        ("1.8.0({:09.2f}*kWh)", "69.01", Limits()),
        ("1.8.0({:06.0f}*kWh)", "70", Limits()),
        ("3.8.0({:09.2f}*kvarh)", "69.01", Limits()),
        ("9.8.0({:09.2f}*kVAh)", "69.01", Limits()),
        ("1.8.0({:09.0f}*Wh)", "69001", Limits()),
        ("1.8.0({:09.3f}*MWh)", "0.070", Limits()),
        ("1-0:94.8.7*255({:09.2f}*kWh)", "69.01", Limits()),
        ("1-0:94.8.7*255({:09.0f}*varh)", "69001", Limits()),
        ("1.8.0({:09.2f}*kWh)", "2760.01", Limits(ratio=Decimal(40))),
        ("1.8.0({:09.2f}*kWh)", "41.41", Limits(rated_power=Decimal("41.4"))),
        (
            "1.8.0({:09.2f}*kWh)",
            "41.41",
            Limits(rated_power=Decimal("41.4"), ratio=Decimal(40)),
        ),
        ("7-0:1.0.0({:09.2f}*m3)", "1600.01", Limits()),
        ("C.7.0({:07.0f})", "60001", Limits()),
        ("C.8.0({:09.0f})", "7201", Limits()),
        ("C.8.0({:09.0f}*min)", "121", Limits()),
    ],
)
def test_a_counter_rises_by_no_more_than_can_flow(
    text: str, most: str, limits: Limits
) -> None:
    """In the time that has passed, plus one unit of its last digit."""
    (reading,) = interpreted(text.format(1234))
    digit = Decimal(1).scaleb(-(reading.precision or 0))
    for rise, doubts in (
        (Decimal(most), NOTHING),
        (Decimal(most) + digit, refused(reading_id(reading))),
    ):
        meter = desk(text.format(1234), limits=limits)
        after = text.format(1234 + rise)
        assert meter.take(after, after=timedelta(hours=1)) == doubts


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("6.8({:09.2f}*kWh)", "4186.81"),
        ("6.8({:09.3f}*MWh)", "4.187"),
        ("6.8({:09.3f}*GJ)", "15.073"),
        ("6.8({:09.3f}*Gcal)", "3.601"),
        ("6.26({:09.2f}*m3)", "120.01"),
        ("8.26.1({:09.2f}*m3)", "125.01"),
        ("6.31({:07.0f}*h)", "3"),
    ],
)
def test_a_heat_meter_has_limits_of_its_own(text: str, most: str) -> None:
    """Those of the largest one of its kind."""
    for extra, count in ((0, 0), (1, 1)):
        meter = desk(text.format(1234), identification=HEAT_METER)
        (reading,) = interpreted(text.format(1234), HEAT_METER)
        digit = Decimal(1).scaleb(-(reading.precision or 0))
        after = text.format(1234 + Decimal(most) + extra * digit)
        doubts = meter.take(after, after=timedelta(hours=1))
        assert len(doubts.refused) == count


def test_every_quantity_that_is_counted_has_a_limit() -> None:
    """None is forgotten when the catalogue gets a new one."""
    limits = Limits()
    counted = {one for one in Quantity if limits.rate(one) is not None}
    energies = {one for one in Quantity if one.endswith("_energy")}
    volumes = {one for one in Quantity if one.endswith("_volume")}
    assert counted == energies | volumes | {Quantity.DURATION, Quantity.COUNT}


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity.ACTIVE_ENERGY, "1.8.0({}*{})"),
        (Quantity.REACTIVE_ENERGY, "3.8.0({}*{})"),
        (Quantity.APPARENT_ENERGY, "9.8.0({}*{})"),
        (Quantity.HEAT_ENERGY, "6.8({}*{})"),
        (Quantity.HEAT_VOLUME, "6.26({}*{})"),
        (Quantity.DURATION, "6.31({}*{})"),
    ],
)
def test_every_unit_that_a_counter_comes_in_is_known(
    quantity: Quantity, text: str
) -> None:
    """A thousand units at once are too much for any of them within a second."""
    heat = HEAT_METER if text.startswith("6") else None
    for unit in UNITS[quantity] - {"Wh", "varh", "VAh", "J", "kJ", "l"}:
        meter = desk(text.format("1234", unit), identification=heat)
        after = text.format("2234", unit)
        doubts = meter.take(after, after=timedelta(seconds=1))
        assert len(doubts.refused) == 1, unit


def test_one_unit_of_a_coarse_counter_is_no_leap() -> None:
    """It stands still for long, and then goes on by a whole one."""
    meter = desk("1.8.0(001234*kWh)")
    second = timedelta(seconds=1)
    assert meter.take("1.8.0(001235*kWh)", after=second) == NOTHING
    assert meter.take("1.8.0(001237*kWh)", after=second) == refused("1.8.0")


def test_a_change_of_unit_is_compared() -> None:
    """Meters switch to MWh when the digits run out; then the digits are coarser."""
    meter = desk("1.8.0(99999.9*kWh)")
    assert meter.take("1.8.0(00100.0*MWh)") == NOTHING
    assert meter.take("1.8.0(00100.0*kWh)") == refused("1.8.0")
    assert meter.take("1.8.0(00100.0*MWh)") == NOTHING


def test_one_unit_is_that_of_the_coarser_reading() -> None:
    """What its digits cut off may seem to flow within a minute."""
    meter = desk("1.8.0(99950.0*kWh)")
    assert meter.take("1.8.0(00100.0*MWh)") == NOTHING
    assert meter.take("1.8.0(99999.9*kWh)") == refused("1.8.0")
    assert meter.take("1.8.0(00100.0*MWh)") == NOTHING
    assert meter.take("1.8.0(100050.0*kWh)") == NOTHING


def test_a_unit_that_does_not_fit_is_doubted() -> None:
    """A damaged unit makes another number of the same digits."""
    meter = desk("1.8.0(001234.5*kWh)")
    assert meter.take("1.8.0(001234.5*kXh)") == refused("1.8.0")
    assert meter.take("1.8.0(001234.5*kWh)") == NOTHING
    assert meter.value("1.8.0") == Decimal("1234.5")


def test_counts_of_different_things_are_not_compared() -> None:
    """Nobody knows how many pulses an event is."""
    meter = desk("C.7.0(0012*pulses)")
    assert meter.take("C.7.0(0012*events)") == refused("C.7.0")


def test_a_counter_without_a_limit_must_not_fall() -> None:
    """How fast it goes nobody knows, but it goes forward."""
    book = Book()
    for text, checked, doubts in (
        ("1.8.0(001234.5*kWh)", True, NOTHING),
        ("1.8.0(991234.5*kWh)", False, NOTHING),
        ("1.8.0(001234.5*kWh)", False, refused("1.8.0")),
    ):
        (reading,) = interpreted(text)
        assert reading.register is not None
        other = replace(reading.register, quantity=Quantity.RATIO)
        reading = replace(reading, register=other)
        taken = book.enter([reading], checked=checked, at=START, limits=Limits())
        assert taken == doubts


def test_a_net_counter_may_go_back() -> None:
    """It does while more is exported; only a leap is too much for it."""
    for code in ("16.8.0", "36.8.0"):
        meter = desk(f"{code}(001234.5*kWh)")
        assert meter.take(f"{code}(001233.6*kWh)") == NOTHING
        assert meter.take(f"{code}(001234.5*kWh)") == NOTHING
        assert meter.take(f"{code}(001034.5*kWh)") == refused(code)
        assert meter.take(f"{code}(001434.5*kWh)") == refused(code)


def test_a_counter_of_a_billing_period_starts_anew() -> None:
    """Then it holds what has flowed since; a damaged digit is more than that."""
    meter = desk("1.9.0(000234.5*kWh)")
    assert meter.take("1.9.0(000134.5*kWh)") == refused("1.9.0")
    assert meter.take("1.9.0(000234.6*kWh)") == NOTHING
    assert meter.take("1.9.0(000000.3*kWh)") == NOTHING
    assert meter.take("1.9.0(000100.3*kWh)") == refused("1.9.0")


def test_a_sum_over_a_moving_window_is_no_counter() -> None:
    """Logarex's energy of the last day falls every night."""
    text = "1-0:1.8.0*96({}*kWh)"
    meter = desk(text.format("00012.5"), identification=LOGAREX)
    assert meter.take(text.format("00002.5")) == NOTHING
    assert meter.take(text.format("00042.5")) == NOTHING


@pytest.mark.parametrize(
    "text", ["94.8.7({}*A)", "94.8.7.3({}*kWh)", "94.7.7({}*kWh)", "x.8({}*kWh)"]
)
def test_what_is_no_counter_is_booked_as_it_comes(text: str) -> None:
    """Unknown registers count only under x.8.y and in a unit of energy."""
    meter = desk(text.format("0012.5"))
    assert meter.take(text.format("0002.5")) == NOTHING
    assert meter.take(text.format("9912.5")) == NOTHING


def test_a_known_register_that_is_no_counter_is_booked_as_it_comes() -> None:
    """Power leaps; a wrong one is gone with the next readout."""
    meter = desk("1.7.0(00.500*kW) 0.2.0(1.03) 0.9.1(120000)")
    assert meter.take("1.7.0(90.500*kW) 0.2.0(9.03) 0.9.1(120100)") == NOTHING
    assert meter.value("1.7.0") == Decimal("90.5")


# -- larger meters, and wrong clocks --------------------------------------------------


def test_a_meter_that_is_larger_than_the_limit_is_booked_all_the_same() -> None:
    """Four rises in a row are no damage; it is the limit that is wrong."""
    meter = desk("1.8.0(001000*kWh)")
    for count in (1, 2, 3):
        assert meter.take(f"1.8.0(00{1000 + 10 * count}*kWh)") == refused("1.8.0")
        meter.restart()
    assert meter.take("1.8.0(001040*kWh)") == NOTHING
    assert meter.value("1.8.0") == 1040


def test_a_fall_begins_the_count_of_rises_anew() -> None:
    """A noisy line does not look like a large meter."""
    meter = desk("1.8.0(001000*kWh)")
    for value in (3000, 4000, 5000, 2000, 7000, 8000):
        assert meter.take(f"1.8.0(00{value}*kWh)") == refused("1.8.0")
    assert meter.take("1.8.0(009000*kWh)") == NOTHING


def test_a_clock_that_was_put_back_refuses_nothing_for_long() -> None:
    """No time seems to pass, so a rise waits for the second readout."""
    meter = desk("1.8.0(001000.0*kWh)")
    day = timedelta(days=1)
    assert meter.take("1.8.0(001000.1*kWh)", after=-day) == NOTHING
    assert meter.take("1.8.0(001000.5*kWh)", after=-day) == refused("1.8.0")
    assert meter.take("1.8.0(001000.6*kWh)") == NOTHING
    assert meter.book.booked["1.8.0"].at == meter.now


# -- registers that come and go -------------------------------------------------------


def test_a_register_that_was_never_seen_waits_for_the_second_readout() -> None:
    """A damaged line makes no entity, and no zero point of statistics."""
    meter = Desk()
    text = "1.8.0(001234.5*kWh) 1.7.0(0.5*kW)"
    assert meter.take(text) == new("1.8.0", "1.7.0")
    assert not meter.book.booked
    assert meter.take(f"{text} 1.8.8(0*kWh)") == new("1.8.8")
    assert list(meter.book.booked) == ["1.8.0", "1.7.0"]
    assert meter.take(text) == NOTHING
    assert list(meter.book.booked) == ["1.8.0", "1.7.0"]


def test_the_first_value_of_a_counter_is_confirmed_by_one_that_can_follow() -> None:
    """The first digit of the first value may be the damaged one."""
    meter = Desk()
    meter.take("1.8.0(009234.5*kWh)")
    assert meter.take("1.8.0(001234.5*kWh)") == new("1.8.0")
    assert meter.take("1.8.0(001234.6*kWh)") == NOTHING
    assert meter.value("1.8.0") == Decimal("1234.6")


def test_a_large_new_meter_is_booked_as_well() -> None:
    """It rises faster than the limit from the first readout on."""
    meter = Desk()
    for count in range(3):
        assert meter.take(f"1.8.0(00{1000 + 10 * count}*kWh)") == new("1.8.0")
    assert meter.take("1.8.0(001030*kWh)") == NOTHING


@pytest.mark.parametrize("checked", [True, False])
def test_a_register_that_stops_is_missing_and_not_gone(*, checked: bool) -> None:
    """Its last reading stays, and so does its place: names of sensors hang on it."""
    meter = desk("1.8.0(001234.5*kWh) 1.7.0(0.5*kW) 2.7.0(0.1*kW)")
    assert meter.book.missing == frozenset()
    doubts = meter.take("2.7.0(0.2*kW) 1.7.0(0.6*kW)", checked=checked)
    assert doubts == NOTHING
    assert meter.book.missing == {"1.8.0"}
    assert list(meter.book.booked) == ["1.8.0", "2.7.0", "1.7.0"]
    meter.take("1.8.0(001234.6*kWh)", checked=checked)
    assert meter.book.missing == {"2.7.0", "1.7.0"}
    assert meter.value("1.8.0") == Decimal("1234.6")


def test_registers_that_have_stopped_are_not_kept_without_limit() -> None:
    """A meter that sends other codes each time does not fill our memory."""
    meter = Desk()
    for number in range(12):
        codes = (f"{50 * number + n}.7.0(1*kW)" for n in range(50))
        meter.take(" ".join(codes), checked=True)
    assert len(meter.book.booked) == 550


def test_a_register_whose_value_was_refused_is_not_missing() -> None:
    """The meter did send it."""
    meter = desk("1.8.0(001234.5*kWh)")
    meter.take("1.8.0(000234.5*kWh)")
    assert meter.book.missing == frozenset()


def test_a_register_that_the_user_deleted_is_forgotten() -> None:
    """It is a new one when the meter sends it again."""
    meter = desk("1.8.0(001234.5*kWh) 2.8.0(000001.5*kWh)")
    meter.take("2.8.0(000001.5*kWh) 1.8.1(000001.0*kWh)")
    meter.book.forget("1.8.0")
    meter.book.forget("1.8.1")
    meter.book.forget("never seen")
    assert list(meter.book.booked) == ["2.8.0"]
    assert meter.book.missing == frozenset()
    text = "1.8.0(001234.5*kWh) 2.8.0(000001.5*kWh) 1.8.1(000001.0*kWh)"
    assert meter.take(text) == new("1.8.0", "1.8.1")


# -- billing periods ------------------------------------------------------------------


def with_resets(count: int) -> str:
    """Return a readout after some resets, with the last twelve billing periods."""
    periods = range(max(count - 11, 1), count + 1)
    return " ".join(
        [
            f"0.1.0({count:02})",
            f"1.8.0({100 * count:08.1f}*kWh)",
            *(f"1.8.0*{n:02}({100 * n:08.1f}*kWh)" for n in reversed(periods)),
        ]
    )


@pytest.mark.parametrize("checked", [True, False])
def test_billing_resets_do_not_make_the_book_grow(*, checked: bool) -> None:
    """After two years of months it is as large as after one."""
    meter = Desk()
    sizes: list[int] = []
    for count in range(12, 37):
        for after in (timedelta(days=30), MINUTE):
            meter.take(with_resets(count), checked=checked, after=after)
        sizes.append(len(json.dumps(meter.book.as_json())))
        assert len(meter.book.booked) == 14
        assert meter.book.missing == frozenset()
    assert max(sizes) - min(sizes) < 50
    assert "1.8.0*36" in meter.book.booked
    assert "1.8.0*24" not in meter.book.booked


def test_a_value_of_a_past_billing_period_is_no_counter() -> None:
    """The place goes to another month with each reset."""
    meter = desk("1.8.0*01(001234.5*kWh)")
    assert meter.take("1.8.0*01(009234.5*kWh)") == NOTHING
    assert meter.take("1.8.0*01(001234.5*kWh) 1.8.0*02(1*kWh)") == new("1.8.0*02")


# -- over a restart -------------------------------------------------------------------


def test_a_book_survives_a_restart() -> None:
    """With everything that is booked, missing and in doubt."""
    meter = desk("1.6.1(2.468*kW)(2611200930) 1.8.0(001234.5*kWh) 2.8.0(1.5*kWh)")
    meter.take("1.6.1(2.468*kW)(2611200930) 1.8.0(009234.5*kWh) 3.8.0(5*kvarh)")
    before = meter.book
    meter.restart()
    assert meter.book.booked == before.booked
    assert list(meter.book.booked) == list(before.booked)
    assert meter.book.missing == {"2.8.0"}
    text = "1.6.1(2.468*kW)(2611200930) 1.8.0(009234.6*kWh) 3.8.0(5*kvarh)"
    assert meter.take(text) == NOTHING
    assert meter.value("1.8.0") == Decimal("9234.6")
    assert "3.8.0" in meter.book.booked


def damaged_books() -> Iterator[Any]:
    """Yield what a storage may hold that is no book."""
    meter = desk("1.8.0(001234.5*kWh)")
    meter.take("1.8.0(009234.5*kWh)")
    good = meter.book.as_json()
    yield from (None, [], {}, "x", 7, {"booked": 1, "missing": [], "doubted": []})
    for name in good:
        yield {key: value for key, value in good.items() if key != name}
        yield good | {name: None}
        yield good | {name: [[]]}
    (booked,) = good["booked"]
    (doubted,) = good["doubted"]
    for at in (None, 7, "x", "2026-11-21T12:00:00"):
        yield good | {"booked": [booked | {"at": at}]}
    yield good | {"booked": [booked | {"reading": {"address": "1.8.0"}}]}
    yield good | {"doubted": [doubted | {"times": "x"}]}


@pytest.mark.parametrize("saved", damaged_books())
def test_a_book_that_cannot_be_read_is_an_empty_one(saved: Any) -> None:
    """A damaged storage costs no more than a second readout."""
    book = Book.from_json(saved)
    assert not book.booked
    assert book.as_json() == Book().as_json()


def test_only_what_is_booked_can_be_missing() -> None:
    """Whatever the storage says."""
    saved = desk("1.8.0(001234.5*kWh)").book.as_json() | {"missing": ["9.9.9"]}
    assert Book.from_json(saved).missing == frozenset()


# -- whatever comes -------------------------------------------------------------------

codes = st.sampled_from(
    ["1.8.0", "16.8.0", "1.9.0", "1.8.0*01", "C.7.0", "C.8.0", "94.8.7", "1.7.0", "x"]
)
numbers = st.text("0123456789.-", max_size=32)
units = st.sampled_from(["", "*kWh", "*Wh", "*kvarh", "*h", "*kW", "*x"])
readouts = st.lists(st.tuples(codes, numbers, units), max_size=6).map(
    lambda sets: " ".join(f"{code}({value}{unit})" for code, value, unit in sets)
)
hours = st.floats(-1e4, 1e4).map(lambda number: timedelta(hours=number))


@given(st.lists(st.tuples(readouts, st.booleans(), hours), max_size=8))
def test_whatever_a_meter_sends_the_book_is_in_order(
    sent: list[tuple[str, bool, timedelta]],
) -> None:
    """Every register is booked or in doubt, and a restart changes nothing."""
    meter = Desk()
    for text, checked, after in sent:
        before = meter.book.booked.keys()
        doubts = meter.take(text, checked=checked, after=after)
        ids = {reading_id(one) for one in interpreted(text)}
        booked = meter.book.booked.keys()
        assert ids == (ids & booked) | doubts.new
        assert doubts.new.isdisjoint(booked)
        assert doubts.refused <= before
        assert meter.book.missing == booked - ids
        if checked:
            assert doubts == NOTHING
        saved = meter.book.as_json()
        meter.restart()
        assert meter.book.as_json() == saved
