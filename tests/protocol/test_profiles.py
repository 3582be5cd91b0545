"""Profiles: who has one, and that every departure is needed."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
import itertools
from pathlib import Path
import re
import tomllib
from types import MappingProxyType
from typing import Any

import pytest

from iec21 import Check, DataSet, Identification, Readout, decode
from iec21.capture import normalise
from iec21.catalog import Medium
from iec21.framing import sum_check, xor_check
from iec21.profiles import NORM, PROFILES, Billing, MeterProfile, profile_for
from iec21.reading import Reading, interpret
from tests.corpus import CORPUS, needs_corpus

SAMPLES = Path(__file__).parents[1] / "fixtures" / "telegrams"
"""Made-up telegrams, a folder each."""

IDENTIFICATIONS = {
    "eBZ DD3": [b"/EBZ5DD3XXXX"],
    # Known by its data only.
    "Elster AS3000": [],
    "Elster DL (LIS-200)": [b"/Els5DL240"],
    "Elster EK (LIS-200)": [b"/Els6EK280", b"/ELS6EK260"],
    "EMH LZQJ and DMTZ": [b"/EMH4\\@01LZQJXX", b"/EMH5\\@\x81LZQJXX"],
    "Energomera": [b"/EKT5CE301v99", b"/EMR5\\2CE307XX"],
    "Fluvius P1": [b"/FLU5\\200000000_A"],
    "Heat meter (Ultraheat, Multical)": [b"/LUGCUH50", b"/SIE32WR5", b"/LUGCT550"],
    "Iskraemeco MT17x": [b"/ISk5MT174-0001", b"/ISk5MT171-0033"],
    "Kamstrup 382": [b"/KAM 685-382-XX"],
    "Landis+Gyr E550, E650 and E850": [b"/LGZ5\\2ZMD3104107.B40"],
    "Logarex LK13": [b"/LOG5LK13BE803039", b"/LOG5LK123"],
    "Taipit NEVA": [b"/TPC5NEVAMT324.2307"],
}
"""Identifications of each profile, in the order of their names."""

OTHERS = [
    b"/ISk5\\2MT382-1000",
    b"/LGZ4ZMF100AC.M26",
    b"/EMH5----eHZ-E0028E",
    b"/SIE4TD3511",
    b"/ELS5\\@V9.30",
    b"/XXX5ANYTHING",
]

NAMED = [
    (profile, identification)
    for profile in PROFILES
    for identification in IDENTIFICATIONS[profile.name]
]


def read(profile: MeterProfile, *texts: str) -> tuple[Reading, ...]:
    """Interpret data sets as those of a meter of a profile."""
    readout = Readout(
        identification=None,
        data_sets=tuple(map(DataSet.parse, texts)),
        check=Check.NONE,
    )
    return interpret(readout, profile)


def values(readings: Iterable[Reading]) -> dict[str, object]:
    """Return the values by key."""
    return {reading.key: reading.value for reading in readings}


def named(name: str) -> MeterProfile:
    """Find a profile by its name."""
    return next(profile for profile in PROFILES if profile.name == name)


def test_names_are_unique_and_in_order() -> None:
    """A user picks a profile by its name."""
    names = [profile.name for profile in PROFILES]
    assert len(set(names)) == len(names)
    assert set(IDENTIFICATIONS) == set(names)


@pytest.mark.parametrize(("profile", "line"), NAMED)
def test_a_meter_finds_its_profile(profile: MeterProfile, line: bytes) -> None:
    """By manufacturer and type, and no other profile wants it."""
    identification = Identification.parse(line)
    assert profile_for(identification) is profile
    assert [one.name for one in PROFILES if one.fits(identification)] == [profile.name]


@pytest.mark.parametrize("line", OTHERS)
def test_other_meters_follow_the_norm(line: bytes) -> None:
    """A profile never reaches beyond the meters that prove it."""
    assert profile_for(Identification.parse(line)) is NORM
    assert profile_for(None) is NORM


def test_every_profile_departs_and_proves_it() -> None:
    """The norm needs no profile, and a rumour is no evidence."""
    for profile in PROFILES:
        assert bool(profile.evidence) is not bool(profile.documents), profile.name
        assert profile.manufacturers, profile.name
        assert any(departures(profile)), profile.name


def departures(profile: MeterProfile) -> Iterator[tuple[str, MeterProfile]]:
    """Yield what a profile departs in, with the profile as it were without it."""
    for row in profile.registers:
        others = tuple(other for other in profile.registers if other is not row)
        yield f"register {row.code}", replace(profile, registers=others)
    for name in ("lists", "units"):
        mapping: Any = getattr(profile, name)
        for key in mapping:
            rest = {other: mapping[other] for other in mapping if other != key}
            changes: dict[str, Any] = {name: MappingProxyType(rest)}
            yield f"{name} {key}", replace(profile, **changes)
    for window in profile.windows:
        yield f"window {window}", replace(profile, windows=profile.windows - {window})
    for key in profile.hexadecimal:
        rest_of_keys = profile.hexadecimal - {key}
        yield f"hexadecimal {key}", replace(profile, hexadecimal=rest_of_keys)
    if profile.lis200:
        yield "lis200", replace(profile, lis200=False)
    if profile.medium is not NORM.medium:
        yield "medium", replace(profile, medium=NORM.medium)
    if profile.billing is not NORM.billing:
        yield "billing", replace(profile, billing=NORM.billing)
    if profile.check is not NORM.check:
        yield "check", replace(profile, check=NORM.check)


def sample(name: str) -> Readout:
    """Return the readout in a sample."""
    return decode((SAMPLES / name / "readout.raw").read_bytes())


def shown(readout: Readout, profile: MeterProfile) -> list[Any]:
    """Return what a profile makes of a readout: its meaning and its check."""
    return [*interpret(readout, profile), believed(readout, profile)]


def believed(readout: Readout, profile: MeterProfile) -> bool:
    """Return whether a readout is believed when it comes for the first time.

    One in a hundred that arrive damaged has the right sum, so a sum is not, unless
    the meter is known for it. `test_session` has the other end of this rule.
    """
    return readout.check is not Check.SUM or profile.check is Check.SUM


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_every_departure_changes_the_reading_of_a_sample(
    profile: MeterProfile,
) -> None:
    """Whatever could be left out has no place in a profile."""
    readouts = [sample(name) for name in profile.samples]
    assert all(believed(readout, profile) for readout in readouts)
    needless = [
        what
        for what, without in departures(profile)
        if all(shown(one, profile) == shown(one, without) for one in readouts)
    ]
    assert needless == []


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_sample_finds_its_profile(profile: MeterProfile) -> None:
    """By what is in it; every profile has one."""
    assert profile.samples
    for name in profile.samples:
        readout = sample(name)
        assert profile_for(readout.identification, readout.data_sets) is profile


@pytest.mark.parametrize(
    "folder", sorted(SAMPLES.iterdir()), ids=lambda path: path.name
)
def test_every_sample_is_described_and_made_up(folder: Path) -> None:
    """The file beside it says what it is; it has to be a whole telegram."""
    assert {file.name for file in folder.iterdir()} == {"readout.raw", "meta.toml"}
    meta = tomllib.loads((folder / "meta.toml").read_text(encoding="utf-8"))
    assert set(meta) == {
        *("manufacturer", "model", "mode", "baud_rate", "synthetic", "departures"),
    }
    assert meta["synthetic"] is True
    readout = sample(folder.name)
    assert readout.data_sets
    assert readout.bad_lines == ()


def test_months_are_known_by_their_order() -> None:
    """Where January stands before December, resets are not what is counted."""

    def profile(*texts: str) -> MeterProfile:
        return profile_for(None, map(DataSet.parse, texts))

    months = ("1.8.1*02(3)", "1.8.1*01(2)", "1.8.1*12(1)")
    assert profile(*months).billing is Billing.MONTH
    assert profile("1.8.1*01(3)", "1.8.2*12(2)").billing is Billing.COUNTER
    assert profile("1.8.1*01(3)", "1.8.1*02(2)").billing is Billing.COUNTER
    assert profile("1.8.1*13(3)", "1.8.1*12(2)").billing is Billing.COUNTER


def test_objects_are_known_by_their_numbers() -> None:
    """No group of the norm goes beyond 255, and no other meter has nothing else."""

    def profile(*texts: str) -> MeterProfile:
        return profile_for(None, map(DataSet.parse, texts))

    assert profile("1:180.0(00011111)", "7-2:0300.0(5*m3)").lis200
    assert profile("7-2:302.0(5*m3)", "(2026)").lis200
    assert profile("6:310_1.0(9.5*{C)").lis200
    assert not profile("7-1:1.0(5*m3)").lis200
    assert not profile("1:180.0(00011111)").lis200
    assert not profile("1.8.0(5*kWh)", "1-1:358.0(5*kvarh)").lis200
    assert not profile("(5)").lis200
    other = Identification.parse(b"/ElsXDAMAGED")
    assert profile_for(other, [DataSet("7-2:300.0", "5", "m3")]).lis200


@needs_corpus
def test_the_evidence_exists() -> None:
    """Every capture that a profile names is in the collection."""
    for name in itertools.chain(*(profile.evidence for profile in PROFILES)):
        assert (CORPUS / name).is_file(), name


@needs_corpus
def test_the_evidence_has_the_check_of_its_profile() -> None:
    """In every message of a session, and the norm's check in none of them."""
    for profile in PROFILES:
        for name in profile.evidence if profile.check is Check.SUM else ():
            session = normalise((CORPUS / name).read_bytes())
            messages = re.findall(rb"[\x01\x02]([^\x03\x04]*[\x03\x04])(.)", session)
            assert messages, name
            for span, check in messages:
                assert check == bytes([sum_check(span)]) != bytes([xor_check(span)])


@pytest.mark.parametrize("unit", ["GJ", "MWh", "kWh"])
def test_a_heat_meter_is_known_by_its_unit(unit: str) -> None:
    """Where the identification is missing or says nothing."""
    data_sets = [DataSet("0.0", "12345678"), DataSet("6.8", "0123.456", unit)]
    assert profile_for(None, data_sets).medium is Medium.HEAT
    other = Identification.parse(b"/XXX5ANYTHING")
    assert profile_for(other, data_sets).medium is Medium.HEAT


def test_reactive_energy_makes_no_heat_meter() -> None:
    """6.8 of an electricity meter comes in kvarh."""
    assert profile_for(None, [DataSet("6.8.0", "0123.456", "kvarh")]) is NORM


def test_ultraheat_codes_mean_heat() -> None:
    """The same codes are quadrants of an electricity meter."""
    texts = (
        "6.8(0123.456*GJ)",
        "6.26(01234.56*m3)",
        "6.26*01(01000.00*m3)",
        "6.6(0012.3*kW)",
        "6.33(000.123*m3ph)",
        "6.35(60*m)",
        "9.4(091.5*C&062.5*C)",
        "9.20(12345678)",
        "F(0)",
    )
    heat = read(named("Heat meter (Ultraheat, Multical)"), *texts)
    assert [
        (one.key, str(one.value), one.unit, one.billing_period) for one in heat
    ] == [
        ("heat_energy", "123.456", "GJ", None),
        ("heat_volume", "1234.56", "m³", None),
        ("heat_volume", "1000.00", "m³", "*01"),
        ("heat_power_maximum", "12.3", "kW", None),
        ("heat_flow_maximum", "0.123", "m³/h", None),
        ("demand_period", "60", "min", None),
        ("flow_temperature_maximum", "91.5", "°C", None),
        ("return_temperature_maximum", "62.5", "°C", None),
        ("device_number", "12345678", None, None),
        ("error_status", "0", None, None),
    ]
    assert heat[0].code == "6.8"
    assert [one.occurrence for one in heat if one.address == "9.4"] == [0, 1]
    assert not {"heat_energy", "heat_volume"} & set(values(read(NORM, *texts)))


def test_logarex_windows_are_no_billing_periods() -> None:
    """The energy of the last days falls, which a total never does."""
    total, week, export, unknown = read(
        named("Logarex LK13"),
        "1-0:1.8.0*255(012345.6*kWh)",
        "1-0:1.8.0*97(00123.4*kWh)",
        "1-0:2.8.0*100(00234.5*kWh)",
        "1-0:3.8.0*97(00001.0*kvarh)",
    )
    assert (total.key, total.code) == ("active_energy_import", "1-0:1.8.0")
    assert (week.key, week.code) == ("active_energy_import_last_7", "1-0:1.8.0*97")
    assert week.register is not None
    assert week.register.name_key == "active_energy_import_last"
    assert week.register.placeholders == {"last": "7"}
    assert export.key == "active_energy_export_since_reset"
    assert (unknown.key, unknown.register) == ("obis_3_8_0_97", None)
    assert {one.billing_period for one in (total, week, export, unknown)} == {None}
    assert read(NORM, "1-0:1.8.0*97(00123.4*kWh)")[0].billing_period == "*97"


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("eBZ DD3", "0-0:96.8.0*255(0000A1B2)", "operating_time", Decimal(41394)),
        ("EMH LZQJ and DMTZ", "43.25(0.012*kvar)", "reactive_power_import_l2", None),
        ("EMH LZQJ and DMTZ", "13.25(0.95*P/S)", "power_factor", Decimal("0.95")),
        ("Fluvius P1", "1-0:31.4.0(999*A)", "fuse_threshold", Decimal(999)),
        ("Fluvius P1", "0-0:96.1.4(50300)", "emucs_version", "50300"),
        ("Iskraemeco MT17x", "0-0:C.1.6*255(A1B2)", "firmware_checksum", "A1B2"),
        (
            "Iskraemeco MT17x",
            "0-0:C.51.1*255(3)",
            "terminal_cover_openings",
            Decimal(3),
        ),
        ("Iskraemeco MT17x", "C.7.1(1260711101500)", "power_failure_timestamp", None),
        ("Kamstrup 382", "1.20(0012345*kWh)", "active_energy_import", Decimal(12345)),
        ("Kamstrup 382", "1.20.2(01*kWh)", "active_energy_import_tariff_2", None),
        ("Kamstrup 382", "1.31(0123456*h)", "operating_time", Decimal(123456)),
        (
            "Landis+Gyr E550, E650 and E850",
            "1-1:171.7.0(-000.25*kvar)",
            "reactive_power_net_l2",
            Decimal("-0.25"),
        ),
        ("Logarex LK13", "1-0:96.90.2*255(0F66)", "firmware_checksum", "0F66"),
    ],
)
def test_each_departure_is_needed(
    name: str, text: str, key: str, value: object
) -> None:
    """The same data set means something else without the profile."""
    (reading,) = read(named(name), text)
    assert reading.key == key
    assert value is None or reading.value == value
    (normal,) = read(NORM, text)
    assert (normal.key, normal.value) != (key, reading.value)


def test_neva_lists_the_total_and_the_tariffs() -> None:
    """Up to five values in one pair of brackets; what is beyond them is kept."""
    neva = named("Taipit NEVA")
    readings = read(neva, "0F0880FF(000012.34,000007.30,000005.04)")
    assert values(readings) == {
        "active_energy_absolute": Decimal("12.34"),
        "active_energy_absolute_tariff_1": Decimal("7.30"),
        "active_energy_absolute_tariff_2": Decimal("5.04"),
        "active_energy_absolute_tariff_3": None,
        "active_energy_absolute_tariff_4": None,
    }
    assert [one.unit for one in readings] == ["kWh"] * 5
    assert [one.more for one in read(neva, "0F0880FF(1,2,3,4,5,6)")] == [
        *[()] * 4,
        ("6",),
    ]
    assert read(NORM, "0F0880FF(000012.34,000007.30)")[0].register is None
