"""What a bug report needs: how the meter is read and what passed over the line.

Nothing in it names the meter or its owner: what is secret in a readout is known to
the protocol package, and it is made unreadable wherever it turns up.
"""

from dataclasses import asdict
import json
import re
from typing import Any

from homeassistant.core import HomeAssistant

from .booking import MeterData
from .coordinator import IecConfigEntry
from .iec21.profiles import profile_for
from .iec21.redaction import mask, redact_text, redact_trace, secrets_of
from .iec21.telegram import Readout
from .iec21.transport import display_port, link_kind
from .meter import Meter


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant,  # noqa: ARG001  # Home Assistant passes it.
    entry: IecConfigEntry,
) -> dict[str, Any]:
    """Describe an entry, its last readout and the sessions before.

    Its title is left out: users name a meter after the people who live behind it.
    """
    coordinator = entry.runtime_data.coordinator
    reader = coordinator.reader
    # There are none before the first readout.
    data: MeterData | None = coordinator.data
    error = coordinator.last_exception
    device = _shown(reader.port)
    report = {
        "entry": {
            "unique_id": entry.unique_id,
            "version": f"{entry.version}.{entry.minor_version}",
            "device": device,
            "options": dict(entry.options),
        },
        "settings": {
            **asdict(reader.settings),
            "address": mask(reader.settings.address),
        },
        "record": coordinator.record.as_json(),
        "readings": data
        and {
            "taken_at": data.taken_at.isoformat(),
            "registers": len(data.readings),
            "missing": sorted(data.missing),
        },
        "last_update_success": coordinator.last_update_success,
        "last_error": error and str(error).replace(display_port(reader.port), device),
        "readout": data and data.readout and _describe(data.meter, data.readout),
    }
    secrets = {reader.settings.address, (entry.unique_id or "").partition("_")[2]}
    if data is not None:
        secrets.add(data.meter.number or "")
        if data.readout is not None:
            secrets |= secrets_of(data.readout)
    # Some meters repeat a text in hexadecimal digits.
    secrets |= {secret.encode().hex() for secret in secrets}
    known = frozenset(secrets - {""})
    return {
        **_without(known, report),
        "sessions": [
            json.loads(redact_trace(trace, known).to_json()) for trace in reader.traces
        ],
    }


def _shown(port: str) -> str:
    """Return what kind of port it is, without serial number and host."""
    if (kind := link_kind(port)) != "serial":
        return kind
    return re.sub(
        r"(?<=_)[^_/]+?(?=(?:-if\d+)?(?:-port\d+)?$)",
        lambda match: mask(match[0]),
        port,
    )


def _describe(meter: Meter, readout: Readout) -> dict[str, Any]:
    """Describe a readout."""
    identification = readout.identification
    return {
        "identification": identification and identification.raw,
        "manufacturer": meter.manufacturer,
        "profile": profile_for(identification, readout.data_sets).name,
        "mode": readout.mode,
        "baud_rate": readout.baud_rate,
        "check": readout.check,
        "data_sets": [str(one) for one in readout.data_sets],
        "bad_lines": list(readout.bad_lines),
        "raw": readout.raw.decode("latin-1"),
    }


def _without[T](secrets: frozenset[str], report: T) -> T:
    """Make `secrets` unreadable in every text of a report."""

    def clean(part: Any) -> Any:
        match part:
            case str():
                return redact_text(part, secrets)
            case dict():
                return {key: clean(value) for key, value in part.items()}
            case list():
                return [clean(value) for value in part]
            case _:
                return part

    cleaned: T = clean(report)
    return cleaned
