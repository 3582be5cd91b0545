"""Whose readout this is: the meter's of an entry, or another one's.

The head may hang on another meter now, or a device address may have gone to another
one. Not one of its values may be booked as this meter's.

The config flow ends before the readout does. Its number came from data that nothing
had checked, or had not come at all, so it is marked as unconfirmed. It is confirmed,
or corrected, by a readout that passed its check or by two in a row that agree. So is
a number that comes later, with a PIN for instance.
"""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .const import CONF_ADDRESS, CONF_MANUFACTURER, CONF_UNCONFIRMED, DOMAIN
from .failures import Failure, ReadoutFailed
from .meter import Meter, is_nameless


class Identity:
    """Compares every readout with the meter of an entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Go by what the entry says."""
        self._hass = hass
        self._entry = entry
        self._seen: Meter | None = None

    def check(self, meter: Meter, *, is_checked: bool) -> bool:
        """Return whether `meter`, which sent a readout, is known to be the entry's.

        False: it may be, and the next readout will tell. `is_checked` says whether
        the readout passed its check.

        Raises:
            ReadoutFailed: it is another one, or does not say which one it is.

        """
        entry = self._entry
        is_sure = is_checked or meter == self._seen
        self._seen = meter
        unique_id = meter.unique_id
        if unique_id is not None and self._owner(unique_id) not in (None, entry):
            raise ReadoutFailed(Failure.OTHER_METER, "other_meter")
        if not entry.data[CONF_MANUFACTURER] or entry.data.get(CONF_UNCONFIRMED):
            if unique_id is None and not is_nameless(entry.unique_id):
                raise ReadoutFailed(Failure.OTHER_METER, "number_missing")
            if is_sure:
                self._adopt(meter)
            return is_sure
        if self._is_same(meter, is_checked=is_checked):
            return True
        if unique_id is None or not self._may_get_number(meter):
            is_named = unique_id or meter.code != entry.data[CONF_MANUFACTURER]
            key = "other_meter" if is_named else "number_missing"
            raise ReadoutFailed(Failure.OTHER_METER, key)
        if is_sure:
            self._adopt(meter)
        return is_sure

    def _is_same(self, meter: Meter, *, is_checked: bool) -> bool:
        """Whether this is the meter that the entry knows."""
        entry = self._entry
        maker = entry.data[CONF_MANUFACTURER]
        if is_checked and meter.number and entry.unique_id == f"{maker}_{meter.number}":
            # The identification stands before the data that the check is about, so
            # its letters may have been damaged.
            return True
        if meter.code != maker:
            return False
        if meter.number:
            return entry.unique_id == meter.unique_id
        nameless_id = meter.nameless_id(entry.data[CONF_ADDRESS])
        return entry.unique_id in (None, nameless_id)

    def _may_get_number(self, meter: Meter) -> bool:
        """Whether the entry is of a meter like this one that has sent no number yet."""
        entry = self._entry
        nameless_id = meter.nameless_id(entry.data[CONF_ADDRESS])
        is_same_maker = meter.code == entry.data[CONF_MANUFACTURER]
        return is_same_maker and entry.unique_id in (None, nameless_id)

    def _adopt(self, meter: Meter) -> None:
        """Take over who the meter is, for good."""
        entry = self._entry
        unique_id = meter.unique_id
        if unique_id is None:
            nameless_id = meter.nameless_id(entry.data[CONF_ADDRESS])
            is_free = nameless_id and self._owner(nameless_id) in (None, entry)
            unique_id = nameless_id if is_free else None
        data = {**entry.data, CONF_MANUFACTURER: meter.code}
        data.pop(CONF_UNCONFIRMED, None)
        self._hass.config_entries.async_update_entry(
            entry, unique_id=unique_id, data=data
        )

    def _owner(self, unique_id: str) -> ConfigEntry[Any] | None:
        """Return the entry that has a unique id."""
        return self._hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, unique_id
        )
