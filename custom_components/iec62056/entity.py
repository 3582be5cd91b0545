"""What all entities of a meter have in common."""

from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import IecCoordinator


class IecEntity(CoordinatorEntity[IecCoordinator]):
    """Something that a meter says. Made once the first readout has come."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: IecCoordinator, key: str) -> None:
        """Belong to the meter of `coordinator`; `key` is unique there, for good."""
        super().__init__(coordinator)
        self._attr_unique_id = f"{coordinator.meter_id}_{key}"
        self._attr_device_info = _device_info(coordinator)


def _device_info(coordinator: IecCoordinator) -> DeviceInfo:
    """Describe the meter as its latest readout does."""
    data = coordinator.data
    return DeviceInfo(
        identifiers={(DOMAIN, coordinator.meter_id)},
        name=coordinator.config_entry.title,
        manufacturer=data.meter.manufacturer,
        model=data.meter.model or None,
        serial_number=data.meter.number,
        sw_version=data.firmware,
    )
