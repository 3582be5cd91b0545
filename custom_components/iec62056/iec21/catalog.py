"""What OBIS codes mean: one row per register, in the order of the norm.

A row says what a register *is*: quantity, unit, flow, phase, tariff. It knows
nothing of Home Assistant, and nothing of single families of meters (`profiles`).

A `key` is public: statistics and scripts hang on it, so it never changes. Where
the same row serves many tariffs, channels or numbers, code and key hold their
names in braces, and `RegisterTable` fills them in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
import re
from typing import Final

TARIFFS: Final = range(1, 64)
"""What E may be where it is a tariff, or counts equal things (IEC 62056-61)."""

CHANNELS: Final = range(1, 65)
"""What B may be where it is the channel of another meter (IEC 62056-61)."""


class Medium(StrEnum):
    """What a meter measures, which is group A of its codes."""

    ELECTRICITY = "electricity"
    HEAT = "heat"
    COOLING = "cooling"
    GAS = "gas"
    WATER = "water"
    HOT_WATER = "hot_water"


class Quantity(StrEnum):
    """What a register measures or says."""

    ACTIVE_ENERGY = "active_energy"
    REACTIVE_ENERGY = "reactive_energy"
    APPARENT_ENERGY = "apparent_energy"
    ACTIVE_POWER = "active_power"
    REACTIVE_POWER = "reactive_power"
    APPARENT_POWER = "apparent_power"
    VOLTAGE = "voltage"
    CURRENT = "current"
    FREQUENCY = "frequency"
    POWER_FACTOR = "power_factor"
    PHASE_ANGLE = "phase_angle"
    HEAT_ENERGY = "heat_energy"
    COOLING_ENERGY = "cooling_energy"
    HEAT_POWER = "heat_power"
    HEAT_VOLUME = "heat_volume"
    """Volume of the water that carries the heat; nobody uses it up."""

    GAS_VOLUME = "gas_volume"
    WATER_VOLUME = "water_volume"
    VOLUME_FLOW = "volume_flow"
    PRESSURE = "pressure"
    TEMPERATURE = "temperature"
    DURATION = "duration"
    COUNT = "count"
    RATIO = "ratio"
    """A factor or constant of the meter; rarely with a unit."""

    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    """A date with a time. Some meters send only one of the two."""

    IDENTIFIER = "identifier"
    """Text that names the meter or its owner's place."""

    STATUS = "status"
    """Flags or a state, as text: "0000" is not a number here."""

    TEXT = "text"
    PROFILE = "profile"
    """A table of many values, such as a load profile or a log book."""


TEXTS: Final = frozenset(
    {Quantity.IDENTIFIER, Quantity.STATUS, Quantity.TEXT, Quantity.PROFILE}
)
"""Quantities whose value is text, whatever it looks like."""

TIMES: Final = frozenset({Quantity.DATE, Quantity.TIME, Quantity.TIMESTAMP})
"""Quantities whose value is a date, a time or both."""


class Flow(StrEnum):
    """Which way energy goes, seen by the meter's owner."""

    IMPORT = "import"
    """From the grid."""

    EXPORT = "export"
    """Into the grid."""

    NET = "net"
    """Import less export; negative while more is exported."""

    ABSOLUTE = "absolute"
    """Import and export added up, so that both count forward."""

    QUADRANT_1 = "quadrant_1"
    """Import, inductive."""

    QUADRANT_2 = "quadrant_2"
    """Export, capacitive."""

    QUADRANT_3 = "quadrant_3"
    """Export, inductive."""

    QUADRANT_4 = "quadrant_4"
    """Import, capacitive."""


class Measure(StrEnum):
    """How a register is processed, which is mostly group D."""

    TOTAL = "total"
    """Counts up for ever."""

    PERIOD = "period"
    """Counts up, and starts at zero now and then."""

    INSTANT = "instant"
    """The present value."""

    AVERAGE = "average"
    """The average of the measuring period that is running."""

    LAST_AVERAGE = "last_average"
    """The average of the last measuring period that is over."""

    MAXIMUM = "maximum"
    """The highest average since the last reset, mostly with its time."""

    CUMULATIVE = "cumulative"
    """The sum of the maxima of all billing periods."""

    LIMIT = "limit"
    """A threshold that was set."""

    FIXED = "fixed"
    """What the meter is or how it was set up."""


UNITS: Final[dict[Quantity, frozenset[str]]] = {
    Quantity.ACTIVE_ENERGY: frozenset({"Wh", "kWh", "MWh", "GWh"}),
    Quantity.REACTIVE_ENERGY: frozenset({"varh", "kvarh", "Mvarh"}),
    Quantity.APPARENT_ENERGY: frozenset({"VAh", "kVAh", "MVAh"}),
    Quantity.ACTIVE_POWER: frozenset({"W", "kW", "MW"}),
    Quantity.REACTIVE_POWER: frozenset({"var", "kvar", "Mvar"}),
    Quantity.APPARENT_POWER: frozenset({"VA", "kVA", "MVA"}),
    Quantity.VOLTAGE: frozenset({"V", "kV"}),
    Quantity.CURRENT: frozenset({"A", "mA", "kA"}),
    Quantity.FREQUENCY: frozenset({"Hz"}),
    Quantity.POWER_FACTOR: frozenset(),
    Quantity.PHASE_ANGLE: frozenset({"°"}),
    Quantity.HEAT_ENERGY: frozenset(
        {"Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ", "Mcal", "Gcal"}
    ),
    Quantity.COOLING_ENERGY: frozenset(
        {"Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ", "Mcal", "Gcal"}
    ),
    Quantity.HEAT_POWER: frozenset({"W", "kW", "MW"}),
    Quantity.HEAT_VOLUME: frozenset({"m³", "l"}),
    Quantity.GAS_VOLUME: frozenset({"m³", "l"}),
    Quantity.WATER_VOLUME: frozenset({"m³", "l"}),
    Quantity.VOLUME_FLOW: frozenset({"m³/h", "l/h", "l/min"}),
    Quantity.PRESSURE: frozenset({"bar", "mbar", "Pa", "hPa", "kPa"}),
    Quantity.TEMPERATURE: frozenset({"°C", "K"}),
    Quantity.DURATION: frozenset({"s", "min", "h", "d", "mo"}),
}
"""In which units a quantity may come. A quantity that is missing takes any.

A meter that sends another unit means something else by the code: the ME383
prints a 1.7.0 in kW and one in kWh.
"""

# The parts of a key that are numbers, and what they are called.
_NUMBERS = re.compile(r"(tariff|channel|number|quadrant|last)_(\d+|\{[a-z]+\})")
_PHASE = re.compile(r"_(l[123])$")
_ANGLE = re.compile(r"_([ui][123]_[ui][123])$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One register of a meter."""

    code: str
    """The OBIS code as a pattern. Groups that it leaves out may be anything.

    `{tariff}`, `{number}` and `{channel}` stand for a range of numbers. Without a
    point it is an object of an LIS-200 device (`lis200_objects`).
    """

    key: str
    """Name of the register, for programs. It never changes."""

    quantity: Quantity

    measure: Measure

    unit: str | None = None
    """What the meter means when it sends no unit. None: a number without unit."""

    flow: Flow | None = None
    """None where there is no direction."""

    phase: str | None = None
    """"L1", "L2" or "L3"; None for all of them together."""

    tariff: int | None = None
    """1 to 63; None for the total, and where the row stands for every tariff."""

    medium: Medium | None = None
    """None for what every meter has."""

    variant_of: str | None = None
    """Key of the register that counts the same in the ordinary way.

    This one counts it in another: only while something is wrong, or always. None:
    it is the ordinary one, or the only one.
    """

    identity: bool = False
    """Whether the value names the meter: no sensor, and never in a report."""

    @property
    def name_key(self) -> str:
        """The key without its numbers, which is what needs a name in a language.

        >>> next(row for row in REGISTERS if row.code == "1.8.{tariff}").name_key
        'active_energy_import_tariff'
        """
        key = _NUMBERS.sub(r"\1", self.key)
        return _ANGLE.sub("", _PHASE.sub("_phase", key))

    @property
    def placeholders(self) -> dict[str, str]:
        """The numbers that `name_key` left out, by the names that stand for them.

        `tariff`, `channel`, `number`, `quadrant`, `last` (days), `phase`
        ("L1") and `angle` ("I1-U1").
        """
        numbers = dict(_NUMBERS.findall(self.key))
        if phase := _PHASE.search(self.key):
            numbers["phase"] = phase[1].upper()
        if angle := _ANGLE.search(self.key):
            numbers["angle"] = angle[1].upper().replace("_", "-")
        return numbers


# -- constructors of rows that differ in a number --------------------------------

_PREFIXES: Final = {
    "active": (Quantity.ACTIVE_ENERGY, "kWh", Quantity.ACTIVE_POWER, "kW"),
    "reactive": (Quantity.REACTIVE_ENERGY, "kvarh", Quantity.REACTIVE_POWER, "kvar"),
    "apparent": (Quantity.APPARENT_ENERGY, "kVAh", Quantity.APPARENT_POWER, "kVA"),
}

# What D says of an energy or a power, and its part of the key.
_PROCESSES: Final = {
    2: ("demand_{}_cumulative", Measure.CUMULATIVE),
    4: ("demand_{}", Measure.AVERAGE),
    5: ("demand_{}_last", Measure.LAST_AVERAGE),
    6: ("demand_{}_maximum", Measure.MAXIMUM),
    7: ("power_{}", Measure.INSTANT),
    8: ("energy_{}", Measure.TOTAL),
    9: ("energy_{}_period", Measure.PERIOD),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One C of electricity: what is measured, which way, and what is printed."""

    c: int
    prefix: str
    flow: Flow
    totals: tuple[int, ...] = (7, 8)
    """The D that stand for the total alone."""

    tariffs: tuple[int, ...] = (8,)
    """Those that stand for every tariff as well."""

    phases: tuple[int, ...] = (7,)
    """Those that stand for the single phases: C is 20, 40 and 60 higher."""

    def sums(self) -> Iterator[Register]:
        """Rows of all phases together, D ascending."""
        for d in self.totals:
            total = self._row(d)
            yield total
            if d in self.tariffs:
                yield replace(
                    total,
                    code=total.code.removesuffix("0") + "{tariff}",
                    key=f"{total.key}_tariff_{{tariff}}",
                )

    def singles(self) -> Iterator[Register]:
        """Rows of the single phases."""
        for d in self.phases:
            yield from per_phase(self._row(d))

    def _row(self, d: int) -> Register:
        """Row of the total under one D."""
        name, measure = _PROCESSES[d]
        energy, energy_unit, power, power_unit = _PREFIXES[self.prefix]
        is_energy = name.startswith("energy")
        return Register(
            code=f"{self.c}.{d}.0",
            key=f"{self.prefix}_{name.format(self.flow)}",
            quantity=energy if is_energy else power,
            measure=measure,
            unit=energy_unit if is_energy else power_unit,
            flow=self.flow,
            medium=Medium.ELECTRICITY,
        )


def per_phase(row: Register) -> Iterator[Register]:
    """Write a row of all phases once for each phase."""
    c, dot, rest = row.code.partition(".")
    for number in (1, 2, 3):
        yield replace(
            row,
            code=f"{int(c) + 20 * number}{dot}{rest}",
            key=f"{row.key}_l{number}",
            phase=f"L{number}",
        )


def _electric(
    code: str,
    key: str,
    quantity: Quantity,
    unit: str | None = None,
    measure: Measure = Measure.INSTANT,
) -> Register:
    """Row of what only electricity has."""
    return Register(
        code=code,
        key=key,
        quantity=quantity,
        measure=measure,
        unit=unit,
        medium=Medium.ELECTRICITY,
    )


def _with_phases(row: Register) -> Iterator[Register]:
    """Write a row for all phases together and for each."""
    yield row
    yield from per_phase(row)


def _angles() -> Iterator[Register]:
    """Rows of the angles: E is ten times reference, plus measured."""
    names = {0: "u1", 1: "u2", 2: "u3", 4: "i1", 5: "i2", 6: "i3"}
    for reference in (0, 1, 2):
        for measured, name in names.items():
            if measured != reference:
                yield _electric(
                    f"81.7.{10 * reference + measured}",
                    f"phase_angle_{name}_{names[reference]}",
                    Quantity.PHASE_ANGLE,
                    "°",
                )


def _general(
    code: str,
    key: str,
    quantity: Quantity,
    unit: str | None = None,
    measure: Measure = Measure.FIXED,
) -> Register:
    """Row of what a meter of any medium has."""
    return Register(code=code, key=key, quantity=quantity, measure=measure, unit=unit)


def _identity(code: str, key: str) -> Register:
    """Row of a number that names the meter or its place."""
    return Register(
        code=code,
        key=key,
        quantity=Quantity.IDENTIFIER,
        measure=Measure.FIXED,
        identity=True,
    )


def _channel(
    code: str, key: str, quantity: Quantity, unit: str, medium: Medium
) -> Register:
    """Row of another meter, read through this one."""
    return Register(
        code=f"0-{{channel}}:{code}",
        key=f"{key}_channel_{{channel}}",
        quantity=quantity,
        measure=Measure.TOTAL,
        unit=unit,
        medium=medium,
    )


# -- the table -------------------------------------------------------------------

_KINDS: Final = (
    *(
        _Kind(
            c=c,
            prefix="active",
            flow=flow,
            totals=(2, 4, 5, 6, 7, 8, 9),
            tariffs=(2, 6, 8, 9),
            phases=(7, 8),
        )
        for c, flow in ((1, Flow.IMPORT), (2, Flow.EXPORT))
    ),
    *(
        _Kind(
            c=c,
            prefix="reactive",
            flow=flow,
            totals=(2, 6, 7, 8),
            tariffs=(6, 8),
            phases=(7, 8),
        )
        for c, flow in ((3, Flow.IMPORT), (4, Flow.EXPORT))
    ),
    *(
        _Kind(
            c=c,
            prefix="reactive",
            flow=flow,
            totals=(5, 6, 7, 8),
            tariffs=(6, 8),
            phases=(),
        )
        for c, flow in (
            (5, Flow.QUADRANT_1),
            (6, Flow.QUADRANT_2),
            (7, Flow.QUADRANT_3),
            (8, Flow.QUADRANT_4),
        )
    ),
    _Kind(
        c=9,
        prefix="apparent",
        flow=Flow.IMPORT,
        totals=(6, 7, 8),
        tariffs=(6, 8),
    ),
    _Kind(c=10, prefix="apparent", flow=Flow.EXPORT),
    _Kind(
        c=15,
        prefix="active",
        flow=Flow.ABSOLUTE,
        totals=(6, 7, 8),
        tariffs=(6, 8),
        phases=(),
    ),
    _Kind(c=16, prefix="active", flow=Flow.NET),
)

REGISTERS: Final[tuple[Register, ...]] = (
    # Electricity, C = 1 to 16 and, phase by phase, 21 to 76.
    *(row for kind in _KINDS for row in kind.sums()),
    *_with_phases(_electric("11.7.0", "current", Quantity.CURRENT, "A")),
    *per_phase(
        _electric("11.6.0", "current_maximum", Quantity.CURRENT, "A", Measure.MAXIMUM)
    ),
    *_with_phases(_electric("12.7.0", "voltage", Quantity.VOLTAGE, "V")),
    *_with_phases(_electric("13.7.0", "power_factor", Quantity.POWER_FACTOR)),
    _electric("14.7.0", "frequency", Quantity.FREQUENCY, "Hz"),
    *(row for kind in _KINDS for row in kind.singles()),
    *per_phase(
        _electric("12.32.0", "voltage_sags", Quantity.COUNT, measure=Measure.TOTAL)
    ),
    *per_phase(
        _electric("12.36.0", "voltage_swells", Quantity.COUNT, measure=Measure.TOTAL)
    ),
    *_angles(),
    _electric(
        "82.8.{number}", "pulses_number_{number}", Quantity.COUNT, None, Measure.TOTAL
    ),
    _electric("90.7.0", "current_sum", Quantity.CURRENT, "A"),
    _electric("91.7.0", "current_neutral", Quantity.CURRENT, "A"),
    _electric("0-0:17.0.0", "power_limit", Quantity.ACTIVE_POWER, "kW", Measure.LIMIT),
    # Gas. The indexes of encoders (spec of the norm: C = 1 forward; D = 0 as
    # measured, 1 corrected, 2 converted to base conditions).
    *(
        Register(
            code=f"7:1.{d}.0",
            key=key,
            quantity=Quantity.GAS_VOLUME,
            measure=Measure.TOTAL,
            unit="m³",
            medium=Medium.GAS,
        )
        for d, key in enumerate(
            ("gas_volume", "gas_volume_corrected", "gas_volume_converted")
        )
    ),
    # General purpose, C = 0.
    _identity("0.0.0", "meter_number"),
    _identity("0.0.{number}", "meter_number_{number}"),
    _general("0.1.0", "billing_resets", Quantity.COUNT, measure=Measure.TOTAL),
    _general("0.1.1", "billing_periods_stored", Quantity.COUNT),
    _general("0.1.2", "billing_reset_timestamp", Quantity.TIMESTAMP),
    _general("0.1.3", "billing_reset_date", Quantity.DATE),
    _general("0.2.0", "firmware_version", Quantity.TEXT),
    _general("0.2.1", "parameter_set", Quantity.TEXT),
    _general("0.2.2", "tariff_program", Quantity.TEXT),
    _general("0.2.3", "ripple_control_program", Quantity.TEXT),
    _general("0.2.8", "connection_id", Quantity.TEXT),
    _general("1-3:0.2.8", "p1_version", Quantity.TEXT),
    _general("0.3.0", "pulse_constant_active", Quantity.RATIO),
    _general("0.3.1", "pulse_constant_reactive", Quantity.RATIO),
    _general("0.4.2", "current_transformer_ratio", Quantity.RATIO),
    _general("0.4.3", "voltage_transformer_ratio", Quantity.RATIO),
    _general("0.6.0", "nominal_voltage", Quantity.VOLTAGE, "V"),
    _general("0.6.1", "nominal_current", Quantity.CURRENT, "A"),
    # Seconds in some meters and minutes in others, so no unit goes without saying.
    _general("0.8.0", "demand_period", Quantity.DURATION),
    _general("0.8.4", "load_profile_period", Quantity.DURATION),
    _general("0.9.0", "days_since_reset", Quantity.DURATION, "d", Measure.PERIOD),
    _general("0.9.1", "meter_time", Quantity.TIME, measure=Measure.INSTANT),
    _general("0.9.2", "meter_date", Quantity.DATE, measure=Measure.INSTANT),
    _general("0.9.4", "meter_date_time", Quantity.TIMESTAMP, measure=Measure.INSTANT),
    _general("0.9.5", "weekday", Quantity.STATUS, measure=Measure.INSTANT),
    _general("0.9.6", "last_reset_time", Quantity.TIME),
    _general("0.9.7", "last_reset_date", Quantity.DATE),
    _general("1.0.0", "meter_clock", Quantity.TIMESTAMP, measure=Measure.INSTANT),
    # Other meters read through this one (DSMR and its relatives).
    _general("0-{channel}:24.1.0", "device_type_channel_{channel}", Quantity.STATUS),
    _channel("24.2.1", "gas_volume", Quantity.GAS_VOLUME, "m³", Medium.GAS),
    _channel("24.2.1", "water_volume", Quantity.WATER_VOLUME, "m³", Medium.WATER),
    _channel(
        "24.2.1", "hot_water_volume", Quantity.WATER_VOLUME, "m³", Medium.HOT_WATER
    ),
    _channel("24.2.1", "heat_energy", Quantity.HEAT_ENERGY, "GJ", Medium.HEAT),
    _channel("24.2.1", "cooling_energy", Quantity.COOLING_ENERGY, "GJ", Medium.COOLING),
    _channel(
        "24.2.1",
        "active_energy_import",
        Quantity.ACTIVE_ENERGY,
        "kWh",
        Medium.ELECTRICITY,
    ),
    _channel("24.2.3", "gas_volume_uncorrected", Quantity.GAS_VOLUME, "m³", Medium.GAS),
    _general(
        "0-{channel}:24.4.0",
        "valve_state_channel_{channel}",
        Quantity.STATUS,
        measure=Measure.INSTANT,
    ),
    _identity("0-{channel}:96.1.0", "serial_number_channel_{channel}"),
    _identity("0-{channel}:96.1.{number}", "serial_number_{number}_channel_{channel}"),
    # Service, C = 96, printed "C".
    _identity("42.0.0", "logical_device_name"),
    _identity("96.1.0", "serial_number"),
    _identity("96.1.{number}", "serial_number_{number}"),
    _general("96.2.0", "parameter_changes", Quantity.COUNT, measure=Measure.TOTAL),
    _general("96.2.1", "parameter_change_timestamp", Quantity.TIMESTAMP),
    _general("96.3.10", "disconnector_state", Quantity.STATUS, measure=Measure.INSTANT),
    _general("96.5.0", "operating_status", Quantity.STATUS, measure=Measure.INSTANT),
    _general(
        "96.5.{number}",
        "operating_status_number_{number}",
        Quantity.STATUS,
        measure=Measure.INSTANT,
    ),
    _general("96.6.0", "battery_usage", Quantity.DURATION, measure=Measure.TOTAL),
    _general("96.6.1", "battery_remaining", Quantity.DURATION, measure=Measure.INSTANT),
    _general("96.6.3", "battery_voltage", Quantity.VOLTAGE, "V", Measure.INSTANT),
    _general("96.7.0", "power_failures", Quantity.COUNT, measure=Measure.TOTAL),
    *(
        replace(
            _general(
                f"96.7.{number}",
                f"power_failures_l{number}",
                Quantity.COUNT,
                measure=Measure.TOTAL,
            ),
            phase=f"L{number}",
        )
        for number in (1, 2, 3)
    ),
    _general("96.7.9", "long_power_failures", Quantity.COUNT, measure=Measure.TOTAL),
    _general("96.7.19", "power_failure_duration", Quantity.DURATION, "s"),
    _general(
        "96.7.21", "power_failures_any_phase", Quantity.COUNT, measure=Measure.TOTAL
    ),
    _general("96.8.0", "operating_time", Quantity.DURATION, measure=Measure.TOTAL),
    _general(
        "96.9.0", "meter_temperature", Quantity.TEMPERATURE, "°C", Measure.INSTANT
    ),
    _general("96.13.0", "message", Quantity.TEXT, measure=Measure.INSTANT),
    _general("96.13.1", "message_code", Quantity.TEXT, measure=Measure.INSTANT),
    _general("96.14.0", "active_tariff", Quantity.STATUS, measure=Measure.INSTANT),
    _identity("96.90.0", "device_address"),
    _identity("96.90.{number}", "device_address_{number}"),
    # Errors, lists and profiles, C = 97 to 99, printed "F", "L" and "P".
    _general("97.97.0", "error_status", Quantity.STATUS, measure=Measure.INSTANT),
    _general(
        "97.97.{number}",
        "error_status_number_{number}",
        Quantity.STATUS,
        measure=Measure.INSTANT,
    ),
    _general("97.98.0", "alarm_status", Quantity.STATUS, measure=Measure.INSTANT),
    _general("98.1.0", "billing_profile", Quantity.PROFILE, measure=Measure.PERIOD),
    _general("99.1.0", "load_profile", Quantity.PROFILE, measure=Measure.PERIOD),
    _general("99.2.0", "load_profile_2", Quantity.PROFILE, measure=Measure.PERIOD),
    _general("99.97.0", "power_failure_log", Quantity.PROFILE, measure=Measure.PERIOD),
    _general("99.98.0", "event_log", Quantity.PROFILE, measure=Measure.PERIOD),
)
