"""What all entities of a meter have in common: the meter."""

from typing import TypedDict, override

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .booking import MeterData
from .const import DOMAIN
from .coordinator import IecCoordinator


class IecEntity(CoordinatorEntity[IecCoordinator]):
    """Something that belongs to a meter.

    It is there whether the meter answers or not. What the meter says is not, and
    says so itself.
    """

    _attr_has_entity_name = True

    def __init__(self, coordinator: IecCoordinator, key: str) -> None:
        """Belong to the meter of `coordinator`; `key` is unique there, for good.

        The device has to exist (`async_register_device`).
        """
        super().__init__(coordinator)
        self._attr_unique_id = f"{coordinator.meter_id}_{key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, coordinator.meter_id)}
        )

    @property
    @override
    def available(self) -> bool:
        return True


class _Description(TypedDict, total=False):
    """What the device registry shows of a meter; what is not known is left out."""

    manufacturer: str
    model: str
    serial_number: str
    sw_version: str


def _describe(coordinator: IecCoordinator) -> _Description:
    """Describe the meter as its latest readout does."""
    # There are none before the first readout.
    data: MeterData | None = coordinator.data
    description = _Description()
    if data is None:
        return description
    description["manufacturer"] = data.meter.manufacturer
    if data.meter.model:
        description["model"] = data.meter.model
    if data.meter.number is not None:
        description["serial_number"] = data.meter.number
    if (firmware := data.firmware) is not None:
        description["sw_version"] = firmware
    return description


@callback
def async_register_device(
    hass: HomeAssistant, coordinator: IecCoordinator
) -> CALLBACK_TYPE:
    """Show the meter as a device, and from now on whatever changes of it.

    Before its first readout it has no more than a name. Returns how to stop.
    """
    entry = coordinator.config_entry
    registry = dr.async_get(hass)
    shown: _Description | None = None

    @callback
    def show() -> None:
        nonlocal shown
        description = _describe(coordinator)
        if description != shown:
            shown = description
            registry.async_get_or_create(
                config_entry_id=entry.entry_id,
                identifiers={(DOMAIN, coordinator.meter_id)},
                name=entry.title,
                **description,
            )

    show()
    return coordinator.async_add_listener(show)
