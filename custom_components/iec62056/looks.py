"""What a reading is in Home Assistant's eyes: class, unit, digits, name.

There is no table of codes here. What a code means stands in the catalogue; there is
one look per quantity, and the rest follows from the catalogue. What users know and
their meter does not say (`Adjustments`) is applied here, so that everything below
has the meter's own numbers. Entities are made of it in `sensor.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple, Self, assert_never

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
)
from homeassistant.const import (
    DEGREE,
    EntityCategory,
    UnitOfVolume,
    UnitOfVolumeFlowRate,
)
from homeassistant.helpers.typing import StateType
from homeassistant.util import dt as dt_util

from .book import NET_CODES
from .const import (
    CONF_BILLING_PERIODS,
    CONF_CURRENT_RATIO,
    CONF_UNITS,
    CONF_VOLTAGE_RATIO,
)
from .iec21.catalog import (
    TEXTS,
    TIMES,
    UNITS,
    Flow,
    Measure,
    Medium,
    Quantity,
    Register,
)
from .iec21.exceptions import TelegramError
from .iec21.obis import ObisCode
from .iec21.reading import Reading
from .iec21.values import parse_number

MAX_STATE_LENGTH: Final = 255
"""Home Assistant refuses a longer state."""

_HA_UNITS: Final = {
    "l": UnitOfVolume.LITERS,
    "l/h": UnitOfVolumeFlowRate.LITERS_PER_HOUR,
    "l/min": UnitOfVolumeFlowRate.LITERS_PER_MINUTE,
}
"""Units that Home Assistant spells in another way than the protocol package."""


class Look(NamedTuple):
    """How Home Assistant shows a quantity."""

    device_class: SensorDeviceClass | None = None

    everyday: frozenset[Measure] = frozenset()
    """Of what it is worth an enabled sensor. The rest waits in the registry."""


_TOTAL: Final = frozenset({Measure.TOTAL})
_INSTANT: Final = frozenset({Measure.INSTANT})

LOOKS: Final[dict[Quantity, Look]] = {
    Quantity.ACTIVE_ENERGY: Look(SensorDeviceClass.ENERGY, _TOTAL),
    Quantity.REACTIVE_ENERGY: Look(SensorDeviceClass.REACTIVE_ENERGY),
    # Home Assistant knows no apparent energy.
    Quantity.APPARENT_ENERGY: Look(),
    Quantity.ACTIVE_POWER: Look(
        SensorDeviceClass.POWER, frozenset({Measure.INSTANT, Measure.MAXIMUM})
    ),
    Quantity.REACTIVE_POWER: Look(SensorDeviceClass.REACTIVE_POWER),
    Quantity.APPARENT_POWER: Look(SensorDeviceClass.APPARENT_POWER),
    Quantity.VOLTAGE: Look(SensorDeviceClass.VOLTAGE, _INSTANT),
    Quantity.CURRENT: Look(SensorDeviceClass.CURRENT, _INSTANT),
    Quantity.FREQUENCY: Look(SensorDeviceClass.FREQUENCY, _INSTANT),
    Quantity.POWER_FACTOR: Look(SensorDeviceClass.POWER_FACTOR),
    Quantity.PHASE_ANGLE: Look(),
    Quantity.HEAT_ENERGY: Look(SensorDeviceClass.ENERGY, _TOTAL),
    Quantity.COOLING_ENERGY: Look(SensorDeviceClass.ENERGY, _TOTAL),
    Quantity.HEAT_POWER: Look(SensorDeviceClass.POWER, _INSTANT),
    Quantity.HEAT_VOLUME: Look(SensorDeviceClass.VOLUME, _TOTAL),
    Quantity.GAS_VOLUME: Look(SensorDeviceClass.GAS, _TOTAL),
    Quantity.WATER_VOLUME: Look(SensorDeviceClass.WATER, _TOTAL),
    Quantity.VOLUME_FLOW: Look(SensorDeviceClass.VOLUME_FLOW_RATE, _INSTANT),
    Quantity.PRESSURE: Look(SensorDeviceClass.PRESSURE, _INSTANT),
    Quantity.TEMPERATURE: Look(SensorDeviceClass.TEMPERATURE, _INSTANT),
    Quantity.DURATION: Look(SensorDeviceClass.DURATION),
    Quantity.COUNT: Look(),
    Quantity.RATIO: Look(),
    Quantity.DATE: Look(SensorDeviceClass.DATE),
    Quantity.TIME: Look(),
    Quantity.TIMESTAMP: Look(SensorDeviceClass.TIMESTAMP),
    Quantity.IDENTIFIER: Look(),
    Quantity.STATUS: Look(),
    Quantity.TEXT: Look(),
    Quantity.PROFILE: Look(),
}

# What is worth an enabled sensor although it is about the meter itself.
_WARNINGS: Final = frozenset({"error_status", "battery_remaining"})

# Energy that a meter counts under a code nobody has told us about.
_COUNTED: Final = (
    Quantity.ACTIVE_ENERGY,
    Quantity.REACTIVE_ENERGY,
    Quantity.APPARENT_ENERGY,
)


# -- what users know -------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustments:
    """What the user says about the registers of a meter, which does not say it."""

    current_ratio: Decimal = Decimal(1)
    """What current transformers divide by in front of the meter, such as 40."""

    voltage_ratio: Decimal = Decimal(1)
    """The same of voltage transformers."""

    units: Mapping[str, str] = field(default_factory=dict)
    """Units of registers that come without, by their code in normal form."""

    billing_periods: int = 0
    """How many past billing periods are wanted, the youngest first."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Read them from the options of an entry."""
        return cls(
            current_ratio=_decimal(options.get(CONF_CURRENT_RATIO, 1)),
            voltage_ratio=_decimal(options.get(CONF_VOLTAGE_RATIO, 1)),
            units=options.get(CONF_UNITS, {}),
            billing_periods=int(options.get(CONF_BILLING_PERIODS, 0)),
        )

    def ratio_of(self, quantity: Quantity) -> Decimal:
        """Return what a value has to be multiplied by."""
        match quantity:
            case Quantity.CURRENT:
                return self.current_ratio
            case Quantity.VOLTAGE:
                return self.voltage_ratio
            case (
                Quantity.ACTIVE_ENERGY
                | Quantity.REACTIVE_ENERGY
                | Quantity.APPARENT_ENERGY
                | Quantity.ACTIVE_POWER
                | Quantity.REACTIVE_POWER
                | Quantity.APPARENT_POWER
            ):
                return self.current_ratio * self.voltage_ratio
            case _:
                return Decimal(1)


UNADJUSTED: Final = Adjustments()


def _decimal(number: float) -> Decimal:
    """Write a number with no more digits than it needs, since a product keeps them."""
    return Decimal(str(number).removesuffix(".0"))


def with_unit(reading: Reading, units: Mapping[str, str]) -> Reading:
    """Give a reading that came without a unit the one that the user knows.

    Without a unit, a register of the catalogue has the one that is usual there, and
    of any other the value is still text.
    """
    unit = units.get(reading.code)
    usual = None if reading.register is None else reading.register.unit
    if unit is None or reading.unit not in (None, usual):
        return reading
    if not isinstance(reading.value, str):
        return replace(reading, unit=unit)
    value, precision = parse_number(reading.value)
    return replace(reading, unit=unit, value=value, precision=precision)


# -- values ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RegisterSensorDescription(SensorEntityDescription):
    """How one reading becomes the state of a sensor."""

    value_fn: Callable[[Reading], StateType | date | datetime | Decimal]
    """Returns None, which is unknown, for a value of another kind than the first."""

    age: int | None = None
    """How many billing periods ago; None: it is a current value."""


def _number(reading: Reading) -> Decimal | None:
    return reading.value if isinstance(reading.value, Decimal) else None


def _product(ratio: Decimal, reading: Reading) -> Decimal | None:
    return reading.value * ratio if isinstance(reading.value, Decimal) else None


def _text(reading: Reading) -> str | None:
    value = reading.value
    # Dates, times and numbers print themselves well enough.
    return None if value is None else str(value)[:MAX_STATE_LENGTH]


def long_text(reading: Reading) -> str | None:
    """Return a text that is too long for a state; None: it is not."""
    value = reading.value
    if isinstance(value, str) and len(value) > MAX_STATE_LENGTH:
        return value
    return None


def _date(reading: Reading) -> date | None:
    value = reading.value
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def _moment(reading: Reading) -> datetime | None:
    return _aware(reading.value if isinstance(reading.value, datetime) else None)


def _moment_of_maximum(reading: Reading) -> datetime | None:
    return _aware(reading.timestamp)


def _aware(moment: datetime | None) -> datetime | None:
    """Put a time without zone into the home's, where the meter hangs."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt_util.get_default_time_zone())
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        # The end of time is how some meters say "never"; in UTC it is beyond it.
        return None


class _Kind(NamedTuple):
    """What a state is in Home Assistant's eyes."""

    value_fn: Callable[[Reading], StateType | date | datetime | Decimal]
    device_class: SensorDeviceClass | None = None
    state_class: SensorStateClass | None = None
    unit: str | None = None
    precision: int | None = None


_TEXT_KIND: Final = _Kind(_text)
_DATE_KIND: Final = _Kind(_date, SensorDeviceClass.DATE)
_MOMENT_KIND: Final = _Kind(_moment, SensorDeviceClass.TIMESTAMP)


# -- descriptions ----------------------------------------------------------------


def describe(
    reading: Reading, adjustments: Adjustments = UNADJUSTED
) -> RegisterSensorDescription:
    """Build the description of the sensor for a reading.

    `reading` has its unit (`with_unit`) already.
    """
    register = reading.register
    if register is None:
        kind = _kind_of_unknown(reading, adjustments)
        diagnostic = kind is _TEXT_KIND
        everyday = False
    else:
        kind = _kind(reading, register, adjustments)
        # What every meter has whatever it measures is about the meter itself.
        diagnostic = register.medium is None or register.measure in (
            Measure.FIXED,
            Measure.LIMIT,
        )
        everyday = register.key in _WARNINGS or (
            not diagnostic and _is_everyday(register)
        )
    name_key, placeholders = _name(reading)
    return RegisterSensorDescription(
        key=reading.key,
        translation_key=name_key,
        translation_placeholders=placeholders,
        value_fn=kind.value_fn,
        device_class=kind.device_class,
        state_class=_state_class_of_past(reading, kind),
        native_unit_of_measurement=kind.unit,
        suggested_display_precision=kind.precision,
        entity_category=EntityCategory.DIAGNOSTIC if diagnostic else None,
        entity_registry_enabled_default=everyday,
        age=reading.age,
    )


def describe_moment(reading: Reading) -> RegisterSensorDescription:
    """Build the description of the sensor for the time of a maximum."""
    name_key, placeholders = _name(reading)
    return RegisterSensorDescription(
        key=f"{reading.key}_timestamp",
        translation_key=f"{name_key}_timestamp",
        translation_placeholders=placeholders,
        value_fn=_moment_of_maximum,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
        age=reading.age,
    )


def has_sensor(reading: Reading, adjustments: Adjustments = UNADJUSTED) -> bool:
    """Whether a reading is something to watch.

    What came without a code cannot be found again in the next readout, what names
    the meter is shown with the device, and a value that was stored at the end of a
    billing period is watched only if the user wants that many of them.
    """
    register = reading.register
    if not reading.address:
        return False
    if reading.billing_period is not None and not (
        reading.age is not None and 0 < reading.age <= adjustments.billing_periods
    ):
        return False
    return register is None or not (
        register.identity or register.quantity is Quantity.PROFILE
    )


def has_moment(reading: Reading) -> bool:
    """Whether a reading is a maximum that came with its time."""
    register = reading.register
    return (
        reading.timestamp is not None
        and register is not None
        and register.measure is Measure.MAXIMUM
        and register.quantity not in TEXTS | TIMES
    )


def key_of_past(reading: Reading) -> str:
    """Return what tells a past billing period from all others, for good.

    What is printed behind the code is another number after each reset, and each
    would leave a sensor behind. So it is the age that counts.
    """
    assert reading.billing_period is not None  # noqa: S101  # `has_sensor` saw it.
    separator = reading.billing_period[0]
    printed, _, _ = reading.address.rpartition(separator)
    occurrence = f"#{reading.occurrence}" if reading.occurrence else ""
    return f"{printed or reading.code}{occurrence}@{reading.age}"


def _is_everyday(register: Register) -> bool:
    """Whether most people want to see this register."""
    if register.measure not in LOOKS[register.quantity].everyday:
        return False
    if register.variant_of is not None:
        return False
    energy = register.quantity is Quantity.ACTIVE_ENERGY
    maximum = register.measure is Measure.MAXIMUM
    return not (energy and register.phase) and not (maximum and register.tariff)


def _is_window(register: Register) -> bool:
    """Whether this is a sum over a window of time that moves along."""
    return "*" in register.code


def _is_named(register: Register) -> bool:
    """Whether the windows of time of a register have names."""
    return (
        register.quantity is Quantity.ACTIVE_ENERGY
        and register.flow in (Flow.IMPORT, Flow.EXPORT)
        and register.phase is None
    )


def _name(reading: Reading) -> tuple[str, dict[str, str]]:
    """Return the key of the name, and the numbers to put into it."""
    register = reading.register
    if register is None or (_is_window(register) and not _is_named(register)):
        return "register", {"code": reading.code}
    return register.name_key, register.placeholders


# -- kinds -----------------------------------------------------------------------


def _kind(reading: Reading, register: Register, adjustments: Adjustments) -> _Kind:
    """Say what the values of a known register are."""
    match register.quantity:
        case Quantity.STATUS | Quantity.TEXT | Quantity.IDENTIFIER | Quantity.PROFILE:
            return _TEXT_KIND
        case Quantity.DATE | Quantity.TIME | Quantity.TIMESTAMP:
            return _kind_of_time(reading, register.quantity)
        case quantity:
            ratio = adjustments.ratio_of(quantity)
            if register.measure in (Measure.FIXED, Measure.LIMIT):
                # What the meter itself is made for or set to.
                ratio = Decimal(1)
            return _kind_of_number(reading, quantity, _state_class(register), ratio)


def _kind_of_time(reading: Reading, quantity: Quantity) -> _Kind:
    """Go by what comes: some meters send a date where others send both."""
    match reading.value:
        case datetime():
            return _MOMENT_KIND
        case date():
            return _DATE_KIND
        case None if quantity is Quantity.TIMESTAMP:
            return _MOMENT_KIND
        case None if quantity is Quantity.DATE:
            return _DATE_KIND
        case _:
            return _TEXT_KIND


def _kind_of_unknown(reading: Reading, adjustments: Adjustments) -> _Kind:
    """Say what the values of a register are that the catalogue does not know."""
    if reading.unit is None and not isinstance(reading.value, Decimal):
        return _TEXT_KIND
    state_class = _state_class_of_unknown(reading.code)
    if state_class is None and reading.code in adjustments.units:
        # The user knows that it counts, whatever its code says.
        state_class = SensorStateClass.TOTAL_INCREASING
    for quantity in _COUNTED:
        if state_class and reading.unit in UNITS[quantity]:
            ratio = adjustments.ratio_of(quantity)
            return _kind_of_number(reading, quantity, state_class, ratio)
    return _kind_of_number(reading, None, None)


def _state_class_of_unknown(code: str) -> SensorStateClass | None:
    """Say how a register counts, going by its code: x.8.y does; None: not at all."""
    try:
        parsed = ObisCode.parse(code)
    except TelegramError:
        return None
    # What a group F still says here is a window of time, or nothing that we know.
    if parsed.d != 8 or parsed.f is not None:
        return None
    if parsed.c in NET_CODES:
        return SensorStateClass.TOTAL
    return SensorStateClass.TOTAL_INCREASING


def _kind_of_number(
    reading: Reading,
    quantity: Quantity | None,
    state_class: SensorStateClass | None,
    ratio: Decimal = Decimal(1),
) -> _Kind:
    """Say what a number is; a class that Home Assistant would refuse is left out."""
    unit = ha_unit(reading.unit)
    device_class = LOOKS[quantity].device_class if quantity else None
    if (
        device_class is SensorDeviceClass.TEMPERATURE
        and unit == "K"
        and not (reading.register and reading.register.medium is Medium.GAS)
    ):
        # Meters measure in °C; it is differences that they give in kelvins. Gas is
        # different: its laws have absolute temperatures.
        device_class = SensorDeviceClass.TEMPERATURE_DELTA
    if device_class is not None:
        if unit not in DEVICE_CLASS_UNITS[device_class]:
            device_class = None
        elif state_class not in DEVICE_CLASS_STATE_CLASSES[device_class]:
            state_class = None
    if quantity is Quantity.PHASE_ANGLE:
        state_class = SensorStateClass.MEASUREMENT_ANGLE if unit == DEGREE else None
    value_fn = _number if ratio == 1 else partial(_product, ratio)
    precision = reading.precision
    if precision is not None:
        # With a ratio of 40, a meter that counts in 0.001 kWh steps by 0.04 kWh.
        precision = max(0, precision - ratio.adjusted())
    return _Kind(value_fn, device_class, state_class, unit, precision)


def _state_class(register: Register) -> SensorStateClass | None:
    """Say how the values of a register make statistics."""
    match register.measure:
        case Measure.TOTAL | Measure.PERIOD:
            if _is_window(register):
                return None
            if register.flow is Flow.NET:
                return SensorStateClass.TOTAL
            return SensorStateClass.TOTAL_INCREASING
        case Measure.INSTANT | Measure.AVERAGE | Measure.LAST_AVERAGE | Measure.MAXIMUM:
            return SensorStateClass.MEASUREMENT
        case Measure.CUMULATIVE | Measure.LIMIT | Measure.FIXED:
            return None
        case never:
            assert_never(never)


def _state_class_of_past(reading: Reading, kind: _Kind) -> SensorStateClass | None:
    """Say how a value makes statistics that may be one of a past billing period.

    Counters make a sum that is late by so many periods. It must not take a smaller
    value for a new start. What starts at zero in each period makes no sum at all.
    """
    if reading.age is None or kind.state_class is not SensorStateClass.TOTAL_INCREASING:
        return kind.state_class
    register = reading.register
    if register is not None and register.measure is Measure.PERIOD:
        return None
    return SensorStateClass.TOTAL


def ha_unit(unit: str | None) -> str | None:
    """Spell a unit as Home Assistant does."""
    return None if unit is None else _HA_UNITS.get(unit, unit)
