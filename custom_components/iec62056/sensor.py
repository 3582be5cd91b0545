"""Readings as sensors.

Which sensors there are the meter says: they appear with the first readout that has
their codes, and after a restart at once. What a reading looks like in Home
Assistant stands in `looks.py`.
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import batched
import re
from typing import Final, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import UndefinedType

from .booking import MeterData
from .const import DOMAIN
from .coordinator import IecConfigEntry, IecCoordinator
from .diagnostic_sensor import diagnostic_sensors
from .entity import IecEntity
from .iec21.reading import Reading
from .looks import (
    Adjustments,
    RegisterSensorDescription,
    describe,
    describe_moment,
    ha_unit,
    has_moment,
    has_sensor,
    key_of_past,
    long_text,
    with_unit,
)

# Every value comes from the coordinator, so nothing here can be too much at once.
PARALLEL_UPDATES = 0

_BATCH: Final = 25
"""Sensors that are added at once; the event loop has other things to do as well."""

_KEPT_FOR: Final = timedelta(days=7)
"""How long a register that has stopped still gets its sensor at a start.

Home Assistant lets users delete only what an integration does not add any more.
"""

_PAST = re.compile(r".+@(\d+)(?:_timestamp)?", re.DOTALL)
"""The unique id of a past billing period, as `key_of_past` ends it."""

_MOMENT: Final = "_timestamp"
"""What the key of a sensor ends with that shows the time of a maximum."""

ATTR_OBIS_CODE: Final = "obis_code"

ATTR_FULL_TEXT: Final = "full_text"
"""The whole of a text that is too long for a state."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: IecConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add what is known of the meter, and later on what else it sends."""
    coordinator = entry.runtime_data.coordinator
    registers = _Registers(coordinator, Adjustments.from_options(entry.options))
    async_add_entities(diagnostic_sensors(coordinator))

    async def add(sensors: Iterator[IecSensor]) -> None:
        for batch in batched(sensors, _BATCH, strict=False):
            if entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS:
                return
            async_add_entities(batch)
            await asyncio.sleep(0)

    @callback
    def add_new() -> None:
        entry.async_create_task(hass, add(registers.new_sensors()), f"{DOMAIN} sensors")

    @callback
    def forget_deleted(event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        if event.data["action"] == "remove":
            registers.forget(event.data["entity_id"])

    registers.delete_older_periods()
    await add(registers.restored_sensors())
    entry.async_on_unload(coordinator.async_add_listener(add_new))
    entry.async_on_unload(
        hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, forget_deleted)
    )


class _Registers:
    """Which registers of a meter have sensors, and the readings of those.

    The key of a sensor is the `reading_id` of its register. A past billing period
    has another one in each readout, and a key of its own (`key_of_past`).
    """

    def __init__(self, coordinator: IecCoordinator, adjustments: Adjustments) -> None:
        """Begin without a sensor."""
        self._coordinator = coordinator
        self._adjustments = adjustments
        self._keys: set[str] = set()
        self._names: dict[tuple[str | int | None, ...], str] = {}
        self._data: MeterData | None = None
        self._sent: Mapping[str, Reading] = {}

    @property
    def sent(self) -> Mapping[str, Reading]:
        """The readings of the latest readout, by the keys of their sensors."""
        # There are none before the first readout.
        data: MeterData | None = self._coordinator.data
        if data is not None and data is not self._data:
            self._data = data
            self._sent = {
                key: reading
                for reading_id, key, reading in self._wanted(data)
                if reading_id not in data.missing
            }
        return self._sent

    def restored_sensors(self) -> Iterator[IecSensor]:
        """Make the sensors of what an earlier run has read."""
        data: MeterData | None = self._coordinator.data
        if data is None:
            return
        booked = self._coordinator.store.book.booked
        for reading_id, key, reading in self._wanted(data):
            if (
                reading_id not in data.missing
                or data.taken_at - booked[reading_id].at <= _KEPT_FOR
            ):
                yield from self._sensors(key, reading)

    def new_sensors(self) -> Iterator[IecSensor]:
        """Make the sensors that the latest readout has and none before had."""
        for key, reading in self.sent.items():
            yield from self._sensors(key, reading)

    def delete_older_periods(self) -> None:
        """Delete the sensors of past billing periods that are not wanted any more."""
        registry = er.async_get(self._coordinator.hass)
        for entity in er.async_entries_for_config_entry(
            registry, self._coordinator.config_entry.entry_id
        ):
            match = _PAST.fullmatch(entity.unique_id)
            if match and int(match[1]) > self._adjustments.billing_periods:
                registry.async_remove(entity.entity_id)

    def forget(self, entity_id: str) -> None:
        """Forget the register whose sensor the user has deleted.

        The sensor comes back if the meter sends the register again.
        """
        coordinator = self._coordinator
        # Only the registry knows what was behind the name, and only by now.
        for entity in list(er.async_get(coordinator.hass).deleted_entities.values()):
            if (entity.entity_id, entity.config_entry_id) != (
                entity_id,
                coordinator.config_entry.entry_id,
            ):
                continue
            key = entity.unique_id.removeprefix(f"{coordinator.meter_id}_")
            self._keys.discard(key)
            if key in coordinator.store.book.booked:
                coordinator.forget(key)

    def _wanted(self, data: MeterData) -> Iterator[tuple[str, str, Reading]]:
        """List what deserves a sensor: `reading_id`, key and reading."""
        for reading_id, reading in data.readings.items():
            if has_sensor(reading, self._adjustments):
                yield (
                    reading_id,
                    reading_id if reading.age is None else key_of_past(reading),
                    with_unit(reading, self._adjustments.units),
                )

    def _sensors(self, key: str, reading: Reading) -> Iterator[IecSensor]:
        """Make the sensors of one reading that are not there yet."""
        if key not in self._keys:
            description = describe(reading, self._adjustments)
            yield self._sensor(key, "", reading, description)
        if has_moment(reading) and key + _MOMENT not in self._keys:
            yield self._sensor(key, _MOMENT, reading, describe_moment(reading))

    def _sensor(
        self,
        register: str,
        suffix: str,
        reading: Reading,
        description: RegisterSensorDescription,
    ) -> IecSensor:
        """Make one sensor of the reading under the key `register`."""
        key = register + suffix
        self._keys.add(key)
        placeholders = description.translation_placeholders or {}
        name = (description.translation_key, *placeholders.values(), description.age)
        return IecSensor(
            self._coordinator,
            self,
            key=key,
            register=register,
            reading=reading,
            description=description,
            distinct=self._names.setdefault(name, key) == key,
        )


class IecSensor(IecEntity, SensorEntity):
    """One register of the meter."""

    _unrecorded_attributes = frozenset({ATTR_OBIS_CODE, ATTR_FULL_TEXT})

    entity_description: RegisterSensorDescription

    def __init__(  # noqa: PLR0913  # By name, and all but three for the registry.
        self,
        coordinator: IecCoordinator,
        registers: _Registers,
        *,
        key: str,
        register: str,
        reading: Reading,
        description: RegisterSensorDescription,
        distinct: bool,
    ) -> None:
        """Show what `registers` has under `register`, such as `reading`.

        `distinct` says whether no other sensor of this meter has its name. Meters
        print one register for several channels, or several times.
        """
        super().__init__(coordinator, key)
        self.entity_description = description
        self._registers = registers
        self._register = register
        self._distinct = distinct
        self._key = reading.key
        self._attr_extra_state_attributes = {ATTR_OBIS_CODE: reading.address}
        self._update()

    @property
    @override
    def available(self) -> bool:
        return self.coordinator.is_current

    @property
    @override
    def name(self) -> str | UndefinedType | None:
        """Return the name, with the code where it would not be the only one."""
        name = super().name
        if (age := self.entity_description.age) is not None:
            key = "last_period" if age == 1 else "past_period"
            # Written once for all registers, which the registry cannot do.
            text = self.platform_data.platform_translations.get(
                f"component.{DOMAIN}.entity.sensor.{key}.name", "{name} ({age})"
            )
            name = text.format(name=name, age=age)
        return name if self._distinct else f"{name} ({self._register})"

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._update()
        super()._handle_coordinator_update()

    def _update(self) -> None:
        """Take over the latest reading, if the meter has sent one."""
        reading = self._registers.sent.get(self._register)
        if reading is None or not self._takes(reading):
            self._attr_native_value = None
            return
        description = self.entity_description
        self._attr_native_value = description.value_fn(reading)
        if reading.unit is not None and description.native_unit_of_measurement:
            # A meter that changes its unit changes its digits as well.
            self._attr_native_unit_of_measurement = ha_unit(reading.unit)
        attributes = {ATTR_OBIS_CODE: reading.address}
        if (text := long_text(reading)) and self._attr_native_value is not None:
            attributes[ATTR_FULL_TEXT] = text
        self._attr_extra_state_attributes = attributes

    def _takes(self, reading: Reading) -> bool:
        """Whether a reading is of the quantity that the first one was of.

        Another key or a unit of something else are a damaged line, or a meter with
        another set of registers. Home Assistant could not convert it.
        """
        if reading.key != self._key:
            return False
        device_class = self.entity_description.device_class
        units = DEVICE_CLASS_UNITS.get(device_class) if device_class else None
        return units is None or reading.unit is None or ha_unit(reading.unit) in units
