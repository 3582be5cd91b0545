"""Readings as sensors: how each quantity looks in Home Assistant.

There is no table of codes here. What a code means stands in the catalogue, and
which codes there are the meter says: its sensors appear with the first readout
that has them.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import batched
from typing import Final, NamedTuple, assert_never, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    DEGREE,
    EntityCategory,
    UnitOfVolume,
    UnitOfVolumeFlowRate,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType, UndefinedType
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import IecConfigEntry, IecCoordinator, MeterData
from .entity import IecEntity
from .iec21.catalog import TEXTS, TIMES, UNITS, Flow, Measure, Quantity, Register
from .iec21.exceptions import TelegramError
from .iec21.obis import ObisCode
from .iec21.reading import Reading

# Every value comes from the coordinator, so nothing here can be too much at once.
PARALLEL_UPDATES = 0

_BATCH: Final = 25
"""Sensors that are added at once; the event loop has other things to do as well."""

_NET_CODES: Final = (16, 36, 56, 76)
"""Groups C of import less export: of all phases and of each."""

ATTR_OBIS_CODE: Final = "obis_code"

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

# Energy that a meter counts under a code nobody has told us about.
_COUNTED: Final = (
    Quantity.ACTIVE_ENERGY,
    Quantity.REACTIVE_ENERGY,
    Quantity.APPARENT_ENERGY,
)


@dataclass(frozen=True, kw_only=True)
class RegisterSensorDescription(SensorEntityDescription):
    """How one reading becomes the state of a sensor."""

    value_fn: Callable[[Reading], StateType | date | datetime | Decimal]
    """Returns None, which is unknown, for a value of another kind than the first."""


def _number(reading: Reading) -> Decimal | None:
    return reading.value if isinstance(reading.value, Decimal) else None


def _text(reading: Reading) -> str | None:
    value = reading.value
    # Dates, times and numbers print themselves well enough.
    return None if value is None else str(value)[:MAX_STATE_LENGTH]


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


def describe(reading: Reading) -> RegisterSensorDescription:
    """Build the description of the sensor for a reading."""
    register = reading.register
    if register is None:
        kind = _kind_of_unknown(reading)
        diagnostic = kind is _TEXT_KIND
        everyday = False
    else:
        kind = _kind(reading, register)
        # What every meter has whatever it measures is about the meter itself.
        diagnostic = register.medium is None or register.measure in (
            Measure.FIXED,
            Measure.LIMIT,
        )
        everyday = register.key == "error_status" or (
            not diagnostic and _is_everyday(register)
        )
    name_key, placeholders = _name(reading)
    return RegisterSensorDescription(
        key=reading.key,
        translation_key=name_key,
        translation_placeholders=placeholders,
        value_fn=kind.value_fn,
        device_class=kind.device_class,
        state_class=kind.state_class,
        native_unit_of_measurement=kind.unit,
        suggested_display_precision=kind.precision,
        entity_category=EntityCategory.DIAGNOSTIC if diagnostic else None,
        entity_registry_enabled_default=everyday,
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
    )


def _is_everyday(register: Register) -> bool:
    """Whether most people want to see this register."""
    if register.measure not in LOOKS[register.quantity].everyday:
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


def _kind(reading: Reading, register: Register) -> _Kind:
    """Say what the values of a known register are."""
    match register.quantity:
        case Quantity.STATUS | Quantity.TEXT | Quantity.IDENTIFIER | Quantity.PROFILE:
            return _TEXT_KIND
        case Quantity.DATE | Quantity.TIME | Quantity.TIMESTAMP:
            return _kind_of_time(reading, register.quantity)
        case quantity:
            return _kind_of_number(reading, quantity, _state_class(register))


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


def _kind_of_unknown(reading: Reading) -> _Kind:
    """Say what the values of a register are that the catalogue does not know."""
    if reading.unit is None and not isinstance(reading.value, Decimal):
        return _TEXT_KIND
    for quantity in _COUNTED:
        state_class = _state_class_of_unknown(reading.code)
        if state_class and reading.unit in UNITS[quantity]:
            return _kind_of_number(reading, quantity, state_class)
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
    if parsed.c in _NET_CODES:
        return SensorStateClass.TOTAL
    return SensorStateClass.TOTAL_INCREASING


def _kind_of_number(
    reading: Reading, quantity: Quantity | None, state_class: SensorStateClass | None
) -> _Kind:
    """Say what a number is; a class that Home Assistant would refuse is left out."""
    unit = _ha_unit(reading.unit)
    device_class = LOOKS[quantity].device_class if quantity else None
    if device_class is SensorDeviceClass.TEMPERATURE and unit == "K":
        # Meters measure in °C; it is differences that they give in kelvins.
        device_class = SensorDeviceClass.TEMPERATURE_DELTA
    if device_class is not None:
        if unit not in DEVICE_CLASS_UNITS[device_class]:
            device_class = None
        elif state_class not in DEVICE_CLASS_STATE_CLASSES[device_class]:
            state_class = None
    if quantity is Quantity.PHASE_ANGLE:
        state_class = SensorStateClass.MEASUREMENT_ANGLE if unit == DEGREE else None
    return _Kind(_number, device_class, state_class, unit, reading.precision)


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


def _ha_unit(unit: str | None) -> str | None:
    return None if unit is None else _HA_UNITS.get(unit, unit)


def _has_sensor(reading: Reading) -> bool:
    """Whether a reading is something to watch.

    What came without a code cannot be found again in the next readout, billing
    periods that are over do not change, and what names the meter is shown with
    the device.
    """
    register = reading.register
    if not reading.address or reading.billing_period is not None:
        return False
    return register is None or not (
        register.identity or register.quantity is Quantity.PROFILE
    )


def _has_moment(reading: Reading) -> bool:
    """Whether a reading is a maximum that came with its time."""
    register = reading.register
    return (
        reading.timestamp is not None
        and register is not None
        and register.measure is Measure.MAXIMUM
        and register.quantity not in TEXTS | TIMES
    )


async def async_setup_entry(
    hass: HomeAssistant,
    entry: IecConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add sensors whenever a readout has codes that none had before."""
    coordinator = entry.runtime_data.coordinator
    known: set[str] = set()
    names: set[tuple[str, ...]] = set()

    def find_new_sensors(data: MeterData) -> Iterator[IecSensor]:
        for reading_id, reading in data.readings.items():
            for key, wanted, describe_fn in (
                (reading_id, _has_sensor, describe),
                (f"{reading_id}_timestamp", _has_moment, describe_moment),
            ):
                if key in known or not _has_sensor(reading) or not wanted(reading):
                    continue
                known.add(key)
                description = describe_fn(reading)
                name = (
                    str(description.translation_key),
                    *(description.translation_placeholders or {}).values(),
                )
                yield IecSensor(
                    coordinator,
                    key=key,
                    reading_id=reading_id,
                    reading=reading,
                    description=description,
                    distinct=name not in names,
                )
                names.add(name)

    async def add_new_sensors(data: MeterData) -> None:
        for batch in batched(find_new_sensors(data), _BATCH, strict=False):
            if entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS:
                return
            async_add_entities(batch)
            await asyncio.sleep(0)

    @callback
    def add_in_turns() -> None:
        if coordinator.last_update_success:
            entry.async_create_task(
                hass, add_new_sensors(coordinator.data), f"{DOMAIN} sensors"
            )

    entry.async_on_unload(coordinator.async_add_listener(add_in_turns))


class IecSensor(IecEntity, SensorEntity):
    """One register of the meter."""

    _unrecorded_attributes = frozenset({ATTR_OBIS_CODE})

    entity_description: RegisterSensorDescription

    def __init__(  # noqa: PLR0913  # By name, and all but two for the registry.
        self,
        coordinator: IecCoordinator,
        *,
        key: str,
        reading_id: str,
        reading: Reading,
        description: RegisterSensorDescription,
        distinct: bool,
    ) -> None:
        """Show the reading `reading_id`, `reading` for a start.

        `distinct` says whether no other sensor of this meter has its name. Meters
        print one register for several channels, or several times.
        """
        super().__init__(coordinator, key)
        self.entity_description = description
        self._reading_id = reading_id
        self._distinct = distinct
        self._key = reading.key
        self._attr_extra_state_attributes = {ATTR_OBIS_CODE: reading.address}
        self._update(reading)

    @property
    @override
    def name(self) -> str | UndefinedType | None:
        """Return the name, with the code where it would not be the only one."""
        name = super().name
        return name if self._distinct else f"{name} ({self._reading_id})"

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._update(self.coordinator.data.readings.get(self._reading_id))
        super()._handle_coordinator_update()

    def _update(self, reading: Reading | None) -> None:
        """Take over a reading; None: the meter did not send it this time."""
        if reading is None or not self._takes(reading):
            self._attr_native_value = None
            return
        description = self.entity_description
        self._attr_native_value = description.value_fn(reading)
        if reading.unit is not None and description.native_unit_of_measurement:
            # A meter that changes its unit changes its digits as well.
            self._attr_native_unit_of_measurement = _ha_unit(reading.unit)

    def _takes(self, reading: Reading) -> bool:
        """Whether a reading is of the quantity that the first one was of.

        Another key or a unit of something else are a damaged line, or a meter with
        another set of registers. Home Assistant could not convert it.
        """
        if reading.key != self._key:
            return False
        device_class = self.entity_description.device_class
        units = DEVICE_CLASS_UNITS.get(device_class) if device_class else None
        return units is None or reading.unit is None or _ha_unit(reading.unit) in units
