"""What the captures of real meters mean: known codes, plausible values.

The captures stay in the capture collection, outside this project; nothing of
their text is repeated here.
"""

from collections.abc import Iterator
import csv
from datetime import datetime
from decimal import Decimal
import itertools
import json

import pytest

from iec21 import DamagedCaptureError, Readout, decode
from iec21.catalog import TEXTS, TIMES, Measure, Quantity
from iec21.clock import meter_clock
from iec21.reading import Reading, interpret, meter_number
from iec21.storage import reading_from_json, reading_to_json
from tests.corpus import CORPUS, needs_corpus

KINDS = {"readout", "load profile", "log book"}

ARTEFACTS = {
    "HAG_eHZ010C_2_truncated_head.txt",  # One of its two data sets is made up.
    "LGZ_ZMD4104407_1_MIXED.txt",  # The name of one meter, the data of another.
    "TPC_LUNA_README_1.txt",  # Questions and answers, not a readout.
}
"""Captures that no single meter sent."""

LIMITS = {
    Quantity.VOLTAGE: (100, 500),
    Quantity.CURRENT: (-200, 1500),
    Quantity.FREQUENCY: (45, 65),
    Quantity.POWER_FACTOR: (-1, 1),
    Quantity.PHASE_ANGLE: (-360, 360),
    Quantity.TEMPERATURE: (-40, 200),
    Quantity.ACTIVE_ENERGY: (0, 10**9),
    Quantity.REACTIVE_ENERGY: (0, 10**9),
    Quantity.APPARENT_ENERGY: (0, 10**9),
    Quantity.HEAT_ENERGY: (0, 10**9),
    Quantity.GAS_VOLUME: (0, 10**7),
    Quantity.WATER_VOLUME: (0, 10**7),
    Quantity.HEAT_VOLUME: (0, 10**7),
    Quantity.COUNT: (0, 10**6),
}
"""What a meter of a house or a small plant can show, in its own unit."""


def files() -> list[str]:
    """Return the names of the captures that hold a readout of one meter."""
    index = CORPUS / "INDEX.tsv"
    if not index.exists():
        return []
    with index.open(encoding="utf-8", newline="") as file:
        return [
            row["file"]
            for row in csv.DictReader(file, delimiter="\t")
            if row["kind"] in KINDS and row["file"] not in ARTEFACTS
        ]


def read(name: str) -> Readout:
    """Decode a capture; a wrong check is no matter here."""
    try:
        return decode((CORPUS / name).read_bytes())
    except DamagedCaptureError as error:
        return error.readout


def readings() -> Iterator[tuple[str, Reading]]:
    """Return every reading of the collection with the name of its capture."""
    for name in files():
        for reading in interpret(read(name)):
            yield name, reading


@needs_corpus
def test_the_catalogue_knows_what_meters_send() -> None:
    """At least 95 of 100 distinct codes; the test's output names the others."""
    known: dict[str, bool] = {}
    for _name, reading in readings():
        known[reading.code] = known.get(reading.code, False) or bool(reading.register)
    unknown = sorted(code for code, is_known in known.items() if not is_known)
    share = 1 - len(unknown) / len(known)
    print(f"{share:.1%} of {len(known)} codes known, without:", *unknown)  # noqa: T201
    assert len(known) > 200
    assert share >= 0.95, unknown


@needs_corpus
def test_known_registers_hold_what_they_should() -> None:
    """A number where a number belongs, a time where a time does."""
    for name, reading in readings():
        register = reading.register
        if register is None or name == "LUG_UH50_3_error.txt":
            continue
        place = (name, reading.address, reading.value)
        if register.quantity in TEXTS:
            assert isinstance(reading.value, str | None), place
        elif register.quantity in TIMES:
            assert not isinstance(reading.value, str | Decimal), place
        else:
            assert isinstance(reading.value, Decimal | datetime | None), place


@needs_corpus
def test_values_are_plausible() -> None:
    """No voltage of a megavolt: that would be a wrong row or a lost point."""
    for name, reading in readings():
        if reading.register is None or not isinstance(reading.value, Decimal):
            continue
        limits = LIMITS.get(reading.register.quantity)
        if limits is not None and reading.register.measure is not Measure.LIMIT:
            low, high = limits
            assert low <= reading.value <= high, (name, reading.address, reading.value)


@needs_corpus
@pytest.mark.parametrize("name", files())
def test_a_meter_number_is_known_early(name: str) -> None:
    """What the first data sets give is what the whole readout gives."""
    data_sets = read(name).data_sets
    whole = meter_number(data_sets)
    for count in range(len(data_sets)):
        assert meter_number(data_sets[:count]) in (None, whole)


@needs_corpus
@pytest.mark.parametrize("name", files())
def test_a_clock_is_known_early(name: str) -> None:
    """What the first data sets give is what the whole readout gives."""
    data_sets = read(name).data_sets
    whole = meter_clock(data_sets)
    for count in range(len(data_sets)):
        assert meter_clock(data_sets[:count]) in (None, whole)


@needs_corpus
def test_ages_agree_with_the_times_of_the_resets() -> None:
    """Wherever a meter says when a period ended, the older one ended earlier.

    And the maximum of a period is older than its end, and not than the end of the
    period before.
    """
    meters = 0
    for name in files():
        found = interpret(read(name))
        ends = {
            one.age: one.value
            for one in found
            if one.key in {"billing_resets", "billing_reset_timestamp"}
            and one.age is not None
            and isinstance(one.value, datetime)
        }
        meters += bool(ends)
        for younger, older in itertools.pairwise(sorted(ends)):
            assert ends[younger] > ends[older], (name, younger, older)
        for one in found:
            if one.age in ends and one.timestamp is not None:
                assert one.timestamp <= ends[one.age], (name, one.address)
                assert one.timestamp >= ends.get(one.age + 1, one.timestamp), (
                    *(name, one.address),
                )
    assert meters >= 7


@needs_corpus
def test_totals_never_fall_from_period_to_period() -> None:
    """The energy of a period is that of the one before it, or more.

    Tariffs are left out: one ZMD lets them begin at zero with every period.
    """
    pairs = 0
    for name in files():
        totals: dict[str, dict[int, Decimal]] = {}
        for one in interpret(read(name)):
            register = one.register
            if (
                register is not None
                and register.measure is Measure.TOTAL
                and register.tariff is None
                and isinstance(one.value, Decimal)
                and (one.age is not None or one.billing_period is None)
            ):
                totals.setdefault(one.code, {})[one.age or 0] = one.value
        for code, values in totals.items():
            for younger, older in itertools.pairwise(sorted(values)):
                assert values[younger] >= values[older], (name, code, younger)
                pairs += 1
    assert pairs > 50


@needs_corpus
def test_every_reading_is_restored() -> None:
    """From what was stored of it, to the last digit."""
    for name, reading in readings():
        stored = json.loads(json.dumps(reading_to_json(reading)))
        assert reading_from_json(stored) == reading, name
        assert repr(reading_from_json(stored)) == repr(reading), name


@needs_corpus
def test_every_place_is_unique() -> None:
    """Address and occurrence name a reading within its readout."""
    for name in files():
        places = [(one.address, one.occurrence) for one in interpret(read(name))]
        assert len(set(places)) == len(places), name
