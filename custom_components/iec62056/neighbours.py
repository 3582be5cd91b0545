"""The entries that exist already, as a dialog about one more meter sees them."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import SelectOptionDict

from .const import CONF_ADDRESS, CONF_MANUFACTURER, CONF_MODE, DOMAIN
from .iec21.settings import Mode
from .iec21.transport import display_port
from .meter import Meter, plain_address
from .ports import async_port_identity


@callback
def sharing_entries(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the entries on whose port another meter may hang.

    A meter that sends by itself has its port for itself.
    """
    return [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)
        if entry.data.get(CONF_MODE) != Mode.D
    ]


async def async_connections(hass: HomeAssistant) -> list[SelectOptionDict]:
    """Offer each port in use once, by the id of an entry, with the meters there."""
    found: dict[str, list[ConfigEntry]] = {}
    for entry in sharing_entries(hass):
        identity = await async_port_identity(hass, entry.data[CONF_DEVICE])
        found.setdefault(identity, []).append(entry)
    return [
        SelectOptionDict(
            value=entries[0].entry_id,
            label=f"{display_port(entries[0].data[CONF_DEVICE])}"
            f" ({', '.join(entry.title for entry in entries)})",
        )
        for entries in found.values()
    ]


async def async_entries_at(
    hass: HomeAssistant, identity: str, address: str | None = None
) -> list[ConfigEntry]:
    """Return the entries that read at a port, or at one device address there."""
    return [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)
        if (address is None or plain_address(entry.data[CONF_ADDRESS]) == address)
        and await async_port_identity(hass, entry.data[CONF_DEVICE]) == identity
    ]


async def async_is_read_there(
    hass: HomeAssistant,
    meter: Meter,
    identity: str,
    address: str,
    besides: ConfigEntry | None,
) -> bool:
    """Whether an entry reads what must be this meter, though no number tells.

    Where one of the two has none, what is read at the same port under the same
    address is taken for the same meter. `besides` is the meter's own entry.
    """
    return any(
        entry is not besides and (meter.number is None or _is_nameless(entry, meter))
        for entry in await async_entries_at(hass, identity, plain_address(address))
    )


@callback
def free_unique_id(
    hass: HomeAssistant, meter: Meter, address: str, besides: ConfigEntry | None
) -> str | None:
    """Return what is going to be the unique id of an entry for `meter`.

    None where the meter sends no number, and has no address or a twin on another
    port that was here first.
    """
    if meter.unique_id is not None:
        return meter.unique_id
    if (unique_id := meter.nameless_id(address)) is None:
        return None
    owner = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, unique_id)
    return unique_id if owner in (None, besides) else None


@callback
def may_be_of(entry: ConfigEntry, meter: Meter, *, is_read: bool) -> bool:
    """Whether the meter that has answered can be the one of an entry.

    While the readout goes on (`is_read` is False) the number may still come, and is
    looked at when it has. Of a meter that has never answered nothing is known.
    """
    maker = entry.data[CONF_MANUFACTURER]
    if not maker:
        return True
    if meter.code != maker:
        return False
    if meter.number is None and not is_read:
        return True
    return _is_nameless(entry, meter) or entry.unique_id == meter.unique_id


def _is_nameless(entry: ConfigEntry, meter: Meter) -> bool:
    """Whether an entry may be for `meter`, and has not got its number."""
    return entry.unique_id in (None, meter.nameless_id(entry.data[CONF_ADDRESS]))
