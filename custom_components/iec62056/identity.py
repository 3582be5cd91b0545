"""Whose readout this is: the meter's of an entry, or another one's.

The head may hang on another meter now, or a device address may have gone to another
one. Not one of its values may be booked as this meter's.
"""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .const import CONF_ADDRESS, CONF_MANUFACTURER, DOMAIN
from .failures import Failure, ReadoutFailed
from .meter import Meter


@callback
def check_identity(
    hass: HomeAssistant,
    entry: ConfigEntry[Any],
    meter: Meter,
    *,
    is_checked: bool,
    is_first: bool,
) -> None:
    """Make sure that `meter`, which sent a readout, is the one of `entry`.

    The flow ends before the readout does: its number came from data that nothing had
    checked, or had not come at all. So before anything has been booked (`is_first`)
    whoever answers is the meter. Later on, an entry without a number takes over the
    one of a readout that has been checked (`is_checked`).

    Raises:
        ReadoutFailed: it is another one, or does not say which one it is.

    """
    unique_id = meter.unique_id
    nameless_id = meter.nameless_id(entry.data[CONF_ADDRESS])
    if unique_id is not None and _is_taken(hass, entry, unique_id):
        raise ReadoutFailed(Failure.OTHER_METER, "other_meter")
    if is_first:
        _update(
            hass, entry, meter, unique_id or entry.unique_id or _free(hass, nameless_id)
        )
    elif (
        is_checked
        and unique_id is not None
        and entry.unique_id in (None, nameless_id)
        and meter.code == entry.data[CONF_MANUFACTURER]
    ):
        _update(hass, entry, meter, unique_id)
    is_other_maker = meter.code != entry.data[CONF_MANUFACTURER]
    if is_other_maker or entry.unique_id not in (None, unique_id, nameless_id):
        is_named = is_other_maker or meter.number
        raise ReadoutFailed(
            Failure.OTHER_METER, "other_meter" if is_named else "number_missing"
        )


def _update(
    hass: HomeAssistant, entry: ConfigEntry[Any], meter: Meter, unique_id: str | None
) -> None:
    hass.config_entries.async_update_entry(
        entry,
        unique_id=unique_id,
        data={**entry.data, CONF_MANUFACTURER: meter.code},
    )


def _is_taken(hass: HomeAssistant, entry: ConfigEntry[Any], unique_id: str) -> bool:
    """Whether a unique id is the one of another entry."""
    owner = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, unique_id)
    return owner is not None and owner.entry_id != entry.entry_id


def _free(hass: HomeAssistant, unique_id: str | None) -> str | None:
    """Return a unique id that is nobody's yet, or None."""
    if unique_id is None:
        return None
    owner = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, unique_id)
    return unique_id if owner is None else None
