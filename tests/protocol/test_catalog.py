"""The catalogue: what it knows, and that its keys stay."""

from collections import Counter
from pathlib import Path

import pytest

from iec21.catalog import (
    REGISTERS,
    TEXTS,
    TIMES,
    UNITS,
    Flow,
    Measure,
    Medium,
    Quantity,
    Register,
)
from iec21.obis import ObisCode
from iec21.profiles import PROFILES, MeterProfile, all_registers, registers_of
from iec21.register_table import CATALOG, RegisterTable, lookup
from iec21.units import usual_unit

KEYS = Path(__file__).parent / "catalog_keys.txt"
"""Every code with its key. Statistics hang on the keys: lines may be added."""


def find(text: str, medium: Medium | None = Medium.ELECTRICITY) -> Register:
    """Look up a code that has to be known."""
    register = lookup(ObisCode.parse(text), medium)
    assert register is not None, text
    return register


def test_the_keys_are_those_of_the_last_release() -> None:
    """A key that changed costs every user the statistics of that register."""
    lines = [f"{row.code} {row.key}" for row in REGISTERS]
    for profile in PROFILES:
        lines.append(f"# {profile.name}")
        lines += [f"{row.code} {row.key}" for row in profile.registers]
        lines += [
            f"{code} {row.key}" for code, rows in profile.lists.items() for row in rows
        ]
    assert lines == KEYS.read_text(encoding="utf-8").splitlines()


def test_two_codes_never_share_a_key() -> None:
    """In the catalogue; 24.2.1 has one row and one key for each medium."""
    assert [
        key for key, n in Counter(row.key for row in REGISTERS).items() if n > 1
    ] == []


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_two_codes_of_a_profile_never_share_a_key(profile: object) -> None:
    """Nor does a profile give one of its codes two meanings."""
    keys = Counter(row.key for row in profile.registers)  # type: ignore[attr-defined]
    assert [key for key, n in keys.items() if n > 1] == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1.8.0", "active_energy_import"),
        ("1-0:1.8.0*255", "active_energy_import"),
        ("1-1:1.8.1", "active_energy_import_tariff_1"),
        ("1.8.63", "active_energy_import_tariff_63"),
        ("2.8.0", "active_energy_export"),
        ("15.8.0", "active_energy_absolute"),
        ("5.8.0*01", "reactive_energy_quadrant_1"),
        ("8.5", "reactive_demand_quadrant_4_last"),
        ("21.8.0", "active_energy_import_l1"),
        ("1.7.0", "active_power_import"),
        ("16.7", "active_power_net"),
        ("36.7.0", "active_power_net_l1"),
        ("1.6.1", "active_demand_import_maximum_tariff_1"),
        ("1.2.0", "active_demand_import_cumulative"),
        ("1.4.0", "active_demand_import"),
        ("1.5.0", "active_demand_import_last"),
        ("21.7.255", "active_power_import_l1"),
        ("32.7.0", "voltage_l1"),
        ("71.7.0", "current_l3"),
        ("14.7.0", "frequency"),
        ("13.7.0", "power_factor"),
        ("2107FFFF", "power_factor_l1"),
        ("81.7.15", "phase_angle_i2_u2"),
        ("32.32.0", "voltage_sags_l1"),
        ("0.0.0", "meter_number"),
        ("C.1.0", "serial_number"),
        ("0.0.9", "meter_number_9"),
        ("F.F", "error_status"),
        ("FF", "error_status"),
        ("F.F.1", "error_status_number_1"),
        ("0.1.0", "billing_resets"),
        ("0.9.1", "meter_time"),
        ("0.9.2", "meter_date"),
        ("0-0:1.0.0", "meter_clock"),
        ("0-0:96.7.21", "power_failures_any_phase"),
        ("C.7.2", "power_failures_l2"),
        ("1-3:0.2.8", "p1_version"),
        ("1-1:0.2.8", "connection_id"),
        ("0-1:24.1.0", "device_type_channel_1"),
        ("0-1:96.1.0", "serial_number_channel_1"),
        ("0-2:96.1.1", "serial_number_1_channel_2"),
        ("0-0:96.1.0", "serial_number"),
        ("7-1:1.0", "gas_volume"),
        ("P.01", "load_profile"),
    ],
)
def test_a_code_has_its_key(text: str, key: str) -> None:
    """In every printed form."""
    assert find(text).key == key


@pytest.mark.parametrize(
    ("medium", "key"),
    [
        (Medium.GAS, "gas_volume_channel_3"),
        (Medium.WATER, "water_volume_channel_3"),
        (Medium.HOT_WATER, "hot_water_volume_channel_3"),
        (Medium.HEAT, "heat_energy_channel_3"),
        (Medium.COOLING, "cooling_energy_channel_3"),
        (Medium.ELECTRICITY, "active_energy_import_channel_3"),
    ],
)
def test_what_a_channel_counts_depends_on_its_meter(medium: Medium, key: str) -> None:
    """0-n:24.2.1 is the counter of whatever is connected."""
    assert find("0-3:24.2.1", medium).key == key


@pytest.mark.parametrize(
    ("text", "medium"),
    [
        ("1.8.64", Medium.ELECTRICITY),
        ("1.8.128", Medium.ELECTRICITY),
        ("94.91.0", Medium.ELECTRICITY),
        ("2-1:1.8.0", Medium.ELECTRICITY),
        ("6-0:1.8.0", Medium.ELECTRICITY),
        ("1.8.0", Medium.HEAT),
        ("0-1:24.2.1", None),
        ("0-65:24.1.0", None),
        ("24.1.0", Medium.ELECTRICITY),
    ],
)
def test_other_codes_are_unknown(text: str, medium: Medium | None) -> None:
    """Beyond the tariffs and channels of the norm, and of other media."""
    assert lookup(ObisCode.parse(text), medium) is None


def test_a_tariff_is_filled_in() -> None:
    """The row of all tariffs becomes the row of one."""
    register = find("1.8.2")
    assert register.code == "1.8.2"
    assert register.tariff == 2
    assert register.flow is Flow.IMPORT
    assert register.measure is Measure.TOTAL


@pytest.mark.parametrize(
    ("text", "name_key", "placeholders"),
    [
        ("1.8.0", "active_energy_import", {}),
        ("1.8.2", "active_energy_import_tariff", {"tariff": "2"}),
        ("32.7.0", "voltage_phase", {"phase": "L1"}),
        ("5.8.0", "reactive_energy_quadrant", {"quadrant": "1"}),
        ("6.5.0", "reactive_demand_quadrant_last", {"quadrant": "2"}),
        (
            "5.8.2",
            "reactive_energy_quadrant_tariff",
            {"quadrant": "1", "tariff": "2"},
        ),
        ("81.7.4", "phase_angle", {"angle": "I1-U1"}),
        ("F.F.1", "error_status_number", {"number": "1"}),
        ("0-1:24.4.0", "valve_state_channel", {"channel": "1"}),
        ("C.7.3", "power_failures_phase", {"phase": "L3"}),
    ],
)
def test_a_name_leaves_the_numbers_out(
    text: str, name_key: str, placeholders: dict[str, str]
) -> None:
    """So one string serves every tariff, phase and channel."""
    register = find(text)
    assert register.name_key == name_key
    assert register.placeholders == placeholders


def test_rows_agree_with_their_keys() -> None:
    """Phase and key say the same, and only numbers differ under one name."""
    for row in all_registers():
        phase = row.placeholders.get("phase")
        assert row.phase == phase, row.key
        assert (
            not any(character.isdigit() for character in row.name_key)
            or row.identity
            or (row.quantity is Quantity.PROFILE or row.name_key.startswith("p1_"))
        ), row.name_key


def test_units_fit_their_quantities() -> None:
    """In the usual spelling; texts and times have none."""
    for row in all_registers():
        assert row.unit == usual_unit(row.unit), row.key
        if row.unit is not None and row.quantity in UNITS:
            assert row.unit in UNITS[row.quantity], row.key
        if row.quantity in TEXTS | TIMES:
            assert row.unit is None, row.key


def test_identities_are_identifiers() -> None:
    """What names a meter is marked, so that it is never shown or reported."""
    for row in all_registers():
        assert row.identity is (row.quantity is Quantity.IDENTIFIER), row.key


def test_every_quantity_is_used() -> None:
    """A quantity without a register would need a look for nothing."""
    assert {row.quantity for row in all_registers()} == set(Quantity)
    assert {row.measure for row in all_registers()} == set(Measure)


def test_a_row_is_found_again_by_its_name() -> None:
    """Also where its numbers were filled in, and whatever the medium was."""
    for text, key in (
        ("1-0:1.8.2", "active_energy_import_tariff_2"),
        ("0-3:24.2.1", "water_volume_channel_3"),
        ("1-0:1.8.0", "active_energy_import"),
    ):
        medium = Medium.WATER if "water" in key else Medium.ELECTRICITY
        row = find(text, medium)
        assert CATALOG.named(key, text) == row


def test_a_name_that_a_code_never_had_finds_nothing() -> None:
    """Nor does a number that is out of range, a code without rows, or no code."""
    assert CATALOG.named("active_energy_export", "1-0:1.8.0") is None
    assert CATALOG.named("active_energy_import", "1-0:2.8.0") is None
    assert CATALOG.named("x", "1-0:94.91.0") is None
    assert CATALOG.named("x", "1-0:1.8.77") is None
    assert CATALOG.named("x", "HELLO") is None


def test_an_object_is_found_by_its_code() -> None:
    """It has no groups; everything or nothing of it fits."""
    row = Register(
        code="2:300",
        key="gas_volume_converted",
        quantity=Quantity.GAS_VOLUME,
        measure=Measure.TOTAL,
    )
    table = RegisterTable([row])
    assert table.find_object("2:300") is row
    assert table.named("gas_volume_converted", "2:300") is row
    assert table.find_object("4:300") is None
    assert table.named("gas_volume", "2:300") is None
    assert table.named("gas_volume_converted", "2:300.0") is None


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_only_objects_have_codes_without_a_point(profile: MeterProfile) -> None:
    """A row with a slip in its code would never be found."""
    for row in (*REGISTERS, *registers_of(profile)):
        assert ("." in row.code) is not (profile.lis200 and row not in REGISTERS)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_variant_counts_the_same_as_another_register(profile: MeterProfile) -> None:
    """Of the same meter, and in the same quantity."""
    rows = {row.key: row for row in profile.registers}
    for row in profile.registers:
        if row.variant_of is not None:
            assert rows[row.variant_of].quantity is row.quantity
            assert rows[row.variant_of].variant_of is None
