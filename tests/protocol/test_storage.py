"""Stored readings are the same readings."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
import json
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st
import pytest

from iec21 import Check, DataSet, Readout, decode
from iec21.profiles import PROFILES, MeterProfile
from iec21.reading import Reading, Value, interpret
from iec21.simulator.sample import HOUSEHOLD, SAMPLES, read_sample
from iec21.storage import reading_from_json, reading_to_json

FIXTURES = Path(__file__).parents[1] / "fixtures" / "telegrams"


def read(*texts: str, profile: MeterProfile | None = None) -> tuple[Reading, ...]:
    """Interpret data sets, each written as a meter prints it."""
    readout = Readout(
        identification=None,
        data_sets=tuple(map(DataSet.parse, texts)),
        check=Check.NONE,
    )
    return interpret(readout, profile)


def restored(reading: Reading) -> Reading:
    """Return a reading that has been in a file."""
    return reading_from_json(json.loads(json.dumps(reading_to_json(reading))))


def assert_same(readings: Iterable[Reading]) -> None:
    """Compare readings with what is restored of them, to the last digit.

    Equality overlooks the zeros of a decimal and the hour that comes twice.
    """
    for reading in readings:
        assert restored(reading) == reading
        assert repr(restored(reading)) == repr(reading)


ENERGY = {
    "address": "1.8.0*01",
    "code": "1-0:1.8.0",
    "key": "active_energy_import",
    "value": {"number": "1200.0"},
    "unit": "kWh",
    "billing_period": "*01",
    "age": 1,
    "precision": 1,
}


def test_what_goes_without_saying_is_left_out() -> None:
    """Four hundred readings are written again and again; they are kept small."""
    (reading,) = read("1.8.0*101(0001200.0*kWh)")
    stored = ENERGY | {"address": "1.8.0*101", "billing_period": "*101"}
    assert reading_to_json(reading) == stored
    assert reading_from_json(stored) == reading
    assert reading_to_json(read("HELLO()")[0]) == {
        "address": "HELLO",
        "code": "HELLO",
        "key": "code_hello",
    }


@pytest.mark.parametrize(
    "folder", sorted(FIXTURES.iterdir()), ids=lambda path: path.name
)
def test_every_sample_is_restored(folder: Path) -> None:
    """Whichever profile its registers come from."""
    assert_same(interpret(decode((folder / "readout.raw").read_bytes())))


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - {HOUSEHOLD}))
def test_every_recorded_meter_is_restored(name: str) -> None:
    """With all that a whole readout holds."""
    assert_same(interpret(decode(read_sample(name))))


VALUES = st.one_of(
    st.none(),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.times(timezones=st.sampled_from((None, UTC))),
    st.datetimes(
        timezones=st.sampled_from(
            (None, UTC, timezone(timedelta(hours=-5, minutes=-30)))
        )
    ),
)


@given(
    st.builds(
        Reading,
        address=st.text(),
        occurrence=st.integers(min_value=0),
        code=st.text(),
        key=st.text(),
        register=st.none(),
        value=VALUES,
        unit=st.none() | st.text(),
        timestamp=st.none() | st.datetimes(),
        billing_period=st.none() | st.text(),
        age=st.none() | st.integers(min_value=1),
        precision=st.none() | st.integers(min_value=0),
        more=st.lists(st.text()).map(tuple),
    )
)
def test_every_reading_is_restored(reading: Reading) -> None:
    """Whatever is in it."""
    assert_same([reading])


TEXT = st.text(st.sampled_from("0123456789.:-*&CFLPkWh?, "), max_size=20)
ADDRESSES = st.sampled_from(
    [
        *("1.8.1", "1.8.0*97", "6.8", "9.4", "96.8.0", "0F0880FF", "C.7.1*02"),
        *("0-1:24.2.1", "7-2:300.0", "2:300.2", "6:310_1.0", "1:180.0"),
    ]
)


@given(
    st.lists(st.builds(DataSet, TEXT | ADDRESSES, TEXT, st.none() | TEXT)),
    st.sampled_from((None, *PROFILES)),
)
def test_whatever_a_meter_sends_is_restored(
    data_sets: list[DataSet], profile: MeterProfile | None
) -> None:
    """With the register of the profile that it was read by."""
    readout = Readout(identification=None, data_sets=tuple(data_sets), check=Check.NONE)
    assert_same(interpret(readout, profile))


@pytest.mark.parametrize(
    "value",
    [
        Decimal("0.000"),
        Decimal("-0.0"),
        Decimal("1E-20"),
        datetime(2026, 10, 25, 2, 30, fold=1),  # noqa: DTZ001
        datetime(2026, 10, 25, 2, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(minutes=60))),
        date(2026, 10, 25),
        time(2, 30, fold=1),
        time(2, 30, tzinfo=UTC),
        "0012",
        None,
    ],
)
def test_a_value_keeps_its_kind(value: Value) -> None:
    """A text that looks like a number stays text, and zeros stay where they are."""
    assert_same(
        [Reading(address="x", code="x", key="x", register=None, value=value, unit=None)]
    )


def test_the_profile_is_remembered() -> None:
    """Two rows may have the same key and code: the hours of one count seconds."""
    ebz = next(profile for profile in PROFILES if profile.name == "eBZ DD3")
    (special,) = read("0-0:96.8.0*255(0000000A)", profile=ebz)
    (normal,) = read("0-0:96.8.0*255(0000000A)")
    assert special.register != normal.register
    assert reading_to_json(special)["profile"] == "eBZ DD3"
    assert "profile" not in reading_to_json(normal)
    assert_same([special, normal])


def test_a_register_that_only_its_owner_knows_is_left_behind() -> None:
    """Somebody may have read with a profile of his own; the value stays."""
    kamstrup = next(one for one in PROFILES if one.name == "Kamstrup 382")
    row = replace(kamstrup.registers[0], code="94.91.0", key="my_register")
    own = replace(kamstrup, registers=(row,))
    (reading,) = read("94.91.0(12.5*kWh)", profile=own)
    assert reading.register == row
    assert restored(reading) == replace(reading, register=None)


def test_a_profile_that_has_gone_leaves_the_register() -> None:
    """As long as somebody knows its key and code."""
    neva = next(profile for profile in PROFILES if profile.name == "Taipit NEVA")
    total, *_ = read("0F0880FF(1,2,3,4,5)", profile=neva)
    stored = reading_to_json(total) | {"profile": "Renamed"}
    assert reading_from_json(stored) == total


@pytest.mark.parametrize(
    "change",
    [{"key": "old_name"}, {"code": "HELLO"}, {"code": "1-0:2.8.0"}],
)
def test_an_unknown_key_has_no_register(change: dict[str, str]) -> None:
    """The reading stays, and the next readout replaces it."""
    reading = reading_from_json(ENERGY | change)
    assert reading.register is None
    assert reading.value == Decimal("1200.0")


def test_what_a_newer_version_added_is_ignored() -> None:
    """Going back to an older version loses nothing else."""
    assert reading_from_json(ENERGY | {"colour": "red"}) == reading_from_json(ENERGY)


MISSING = ...
UNREADABLE: list[object] = [
    {},
    [],
    {"number": "x"},
    {"number": "NaN"},
    {"number": "-Infinity"},
    {"number": 1},
    {"date": "2026-13-01"},
    {"time": "noon", "fold": 0},
    {"time": "12:00:00"},
    {"datetime": "2026-11-20T12:15:30", "fold": 2},
    {"datetime": "2026-11-20T12:15:30", "fold": "0"},
    {"datetime": "soon", "fold": 0},
]


@pytest.mark.parametrize(
    "change",
    [
        *({name: MISSING} for name in ("address", "code", "key")),
        *({name: 1} for name in ("address", "code", "key", "unit", "billing_period")),
        *({name: 1} for name in ("profile", "value", "timestamp", "more")),
        *({name: "1"} for name in ("occurrence", "age", "precision", "timestamp")),
        *({name: item} for name in ("age", "occurrence") for item in (-1, True, 1.0)),
        {"more": ["x", 1]},
        {"timestamp": {"number": "1"}},
        *({"value": value} for value in UNREADABLE),
    ],
    ids=str,
)
def test_what_was_never_written_is_refused(change: dict[str, Any]) -> None:
    """A file that somebody has edited gives one error, and no odd reading."""
    stored = {
        name: item for name, item in (ENERGY | change).items() if item is not MISSING
    }
    with pytest.raises(ValueError):  # noqa: PT011  # Any of its kind will do.
        reading_from_json(stored)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
KINDS = st.sampled_from(["number", "date", "time", "datetime", "fold"])


@given(
    JSON
    | st.fixed_dictionaries(
        {},
        optional={
            name: JSON | st.dictionaries(KINDS, JSON) for name in (*ENERGY, "timestamp")
        },
    ).map(lambda change: ENERGY | change)
)
def test_nothing_but_a_value_error_is_raised(stored: object) -> None:
    """Whatever the file holds."""
    try:
        reading = reading_from_json(stored)
    except ValueError:
        return
    assert_same([reading])
