"""What a bug report needs: how the meter is read and what it sent last.

Nothing in it names the meter or its owner. Numbers are blanked out by what they
mean, wherever they turn up, and keep their length, so a telegram stays one.
"""

from collections.abc import Iterable
from dataclasses import asdict
import re
from typing import Any, Final

from homeassistant.core import HomeAssistant

from .coordinator import IecConfigEntry, MeterData
from .iec21.profiles import profile_for
from .iec21.telegram import DataSet
from .iec21.transport import display_port

_MASK: Final = "*"

_SHORTEST_SECRET: Final = 4
"""Shorter texts name nobody, and would blank out half of the report."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant,  # noqa: ARG001  # Home Assistant passes it.
    entry: IecConfigEntry,
) -> dict[str, Any]:
    """Describe an entry and its last readout."""
    coordinator = entry.runtime_data.coordinator
    # There is none before the first readout.
    data: MeterData | None = coordinator.data
    secrets = {coordinator.settings.address, coordinator.meter_id.partition("_")[2]}
    if data is not None:
        secrets |= _numbers(data)
    error = coordinator.last_exception
    return _without(
        secrets,
        {
            "entry": {
                "title": entry.title,
                "unique_id": entry.unique_id,
                "version": f"{entry.version}.{entry.minor_version}",
                "device": display_port(coordinator.port),
                "options": dict(entry.options),
            },
            "settings": {
                **asdict(coordinator.settings),
                "address": _mask(coordinator.settings.address),
            },
            "last_update_success": coordinator.last_update_success,
            "last_error": None if error is None else str(error),
            "readout": None if data is None else _describe(data),
        },
    )


def _describe(data: MeterData) -> dict[str, Any]:
    """Describe a readout."""
    readout = data.readout
    identification = readout.identification
    named = _addresses(data)
    return {
        "identification": identification and identification.raw,
        "manufacturer": data.meter.manufacturer,
        "profile": profile_for(identification, readout.data_sets).name,
        "mode": readout.mode,
        "baud_rate": readout.baud_rate,
        "check": readout.check,
        "data_sets": [
            str(DataSet(one.address, _mask(one.value), one.unit))
            if one.address in named
            else str(one)
            for one in readout.data_sets
        ],
        "bad_lines": list(readout.bad_lines),
        "raw": _masked_block(readout.raw.decode("latin-1"), named),
    }


def _addresses(data: MeterData) -> set[str]:
    """Return the addresses whose values name the meter, its owner or its place.

    A value that came without address says nothing of what it is, so it is taken
    for such a number.
    """
    return {
        reading.address
        for reading in data.readings.values()
        if ((register := reading.register) is not None and register.identity)
        or not reading.address
    }


def _numbers(data: MeterData) -> set[str]:
    """Return what names the meter, its owner or its place, as sent and as read."""
    named = _addresses(data)
    return {
        *(one.value.strip() for one in data.readout.data_sets if one.address in named),
        *(
            str(reading.value)
            for reading in data.readings.values()
            if reading.address in named
        ),
    }


def _masked_block(block: str, addresses: Iterable[str]) -> str:
    """Blank out the values of `addresses` in the text of a readout."""
    for address in addresses:
        block = re.sub(
            rf"^({re.escape(address)}\()([^)]*)",
            lambda match: match[1] + _mask(match[2]),
            block,
            flags=re.MULTILINE,
        )
    return block


def _without[T](secrets: Iterable[str], report: T) -> T:
    """Blank out `secrets` in every text of a report, leading zeros or not."""
    significant = {secret.lstrip("0") for secret in secrets}
    worth = [one for one in significant if len(one) >= _SHORTEST_SECRET]
    if not worth:
        return report
    # The longest first, since one number may be part of another.
    texts = "|".join(re.escape(one) for one in sorted(worth, key=len, reverse=True))
    pattern = re.compile(f"0*(?:{texts})", re.IGNORECASE)

    def clean(part: Any) -> Any:
        match part:
            case str():
                return pattern.sub(lambda match: _mask(match[0]), part)
            case dict():
                return {key: clean(value) for key, value in part.items()}
            case list():
                return [clean(value) for value in part]
            case _:
                return part

    cleaned: T = clean(report)
    return cleaned


def _mask(text: str) -> str:
    return _MASK * len(text)
