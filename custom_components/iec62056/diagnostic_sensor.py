"""Sensors that say how reading the meter goes.

They are there from the beginning, and above all while the meter does not answer.
What they show is counted and measured elsewhere (`Record`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfTime
from homeassistant.helpers.typing import StateType

from .coordinator import IecCoordinator
from .entity import IecEntity
from .failures import Failure
from .iec21.nameplate import Supply
from .store import Record

NO_ERROR: Final = "none"
"""State of the last error after a good readout."""


@dataclass(frozen=True, kw_only=True)
class RecordSensorDescription(SensorEntityDescription):
    """How one part of a record becomes the state of a sensor."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC

    value_fn: Callable[[Record], StateType | datetime]
    """Returns None, which is unknown, for what has not happened yet."""


def _last_error(record: Record) -> str | None:
    """None: nobody has tried to read the meter yet."""
    if record.last_error is not None:
        return record.last_error
    return None if record.last_attempt is None else NO_ERROR


def _duration(record: Record) -> float | None:
    """Tenths tell a slow readout from a fast one."""
    return None if record.duration is None else round(record.duration, 1)


def _clock_deviation(record: Record) -> float | None:
    deviation = record.clock_deviation
    return None if deviation is None else deviation.total_seconds()


LAST_READOUT: Final = RecordSensorDescription(
    key="last_readout",
    translation_key="last_readout",
    device_class=SensorDeviceClass.TIMESTAMP,
    value_fn=lambda record: record.last_readout,
)
DURATION: Final = RecordSensorDescription(
    key="readout_duration",
    translation_key="readout_duration",
    device_class=SensorDeviceClass.DURATION,
    state_class=SensorStateClass.MEASUREMENT,
    native_unit_of_measurement=UnitOfTime.SECONDS,
    suggested_display_precision=1,
    value_fn=_duration,
)
LAST_ERROR: Final = RecordSensorDescription(
    key="last_error",
    translation_key="last_error",
    device_class=SensorDeviceClass.ENUM,
    options=[NO_ERROR, *Failure],
    value_fn=_last_error,
)
CHECK_ERRORS: Final = RecordSensorDescription(
    key="check_errors",
    translation_key="check_errors",
    state_class=SensorStateClass.TOTAL_INCREASING,
    value_fn=lambda record: record.check_errors,
)
REFUSED_VALUES: Final = RecordSensorDescription(
    key="refused_values",
    translation_key="refused_values",
    state_class=SensorStateClass.TOTAL_INCREASING,
    value_fn=lambda record: record.refused_values,
)
READOUTS: Final = RecordSensorDescription(
    key="readouts",
    translation_key="readouts",
    state_class=SensorStateClass.TOTAL_INCREASING,
    value_fn=lambda record: record.readouts,
)
READOUTS_FROM_MAINS: Final = replace(
    # They cost nothing, and there is one a minute.
    READOUTS,
    entity_registry_enabled_default=False,
)
CLOCK_DEVIATION: Final = RecordSensorDescription(
    key="clock_deviation",
    translation_key="clock_deviation",
    device_class=SensorDeviceClass.DURATION,
    state_class=SensorStateClass.MEASUREMENT,
    native_unit_of_measurement=UnitOfTime.SECONDS,
    suggested_display_precision=0,
    entity_registry_enabled_default=False,
    value_fn=_clock_deviation,
)


def diagnostic_sensors(coordinator: IecCoordinator) -> Iterator[DiagnosticSensor]:
    """Make the sensors that every meter has."""
    on_battery = coordinator.supply is Supply.BATTERY
    for description in (
        LAST_READOUT,
        DURATION,
        LAST_ERROR,
        CHECK_ERRORS,
        REFUSED_VALUES,
        READOUTS if on_battery else READOUTS_FROM_MAINS,
        CLOCK_DEVIATION,
    ):
        yield DiagnosticSensor(coordinator, description)


class DiagnosticSensor(IecEntity, SensorEntity):
    """One part of the record of a meter."""

    entity_description: RecordSensorDescription

    def __init__(
        self, coordinator: IecCoordinator, description: RecordSensorDescription
    ) -> None:
        """Show the part of the record that `description` names."""
        super().__init__(coordinator, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> StateType | datetime:
        return self.entity_description.value_fn(self.coordinator.record)
