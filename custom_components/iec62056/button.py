"""A button that has the meter read at once."""

from typing import Final, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import IecConfigEntry, IecCoordinator
from .entity import IecEntity

# Who presses while the meter is read gets the result of that, so nobody has to wait.
PARALLEL_UPDATES = 0

READ_NOW: Final = ButtonEntityDescription(
    key="read_now",
    translation_key="read_now",
    # It changes nothing, so it is no configuration. With a category, an action for a
    # whole room or device leaves it alone; each press may cost a meter its battery.
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001  # Home Assistant passes it.
    entry: IecConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the button of a meter, unless it sends by itself."""
    coordinator = entry.runtime_data.coordinator
    if not coordinator.reader.pushes:
        async_add_entities([ReadNowButton(coordinator, READ_NOW)])


class ReadNowButton(IecEntity, ButtonEntity):
    """Reads the meter now."""

    def __init__(
        self, coordinator: IecCoordinator, description: ButtonEntityDescription
    ) -> None:
        """Belong to the meter of `coordinator`."""
        super().__init__(coordinator, description.key)
        self.entity_description = description

    @override
    async def async_press(self) -> None:
        """Read the meter.

        Raises:
            HomeAssistantError: it failed, or the battery is to be spared.

        """
        await self.coordinator.async_read_now()
