"""The JSON documents, key by key. Scripts rely on them: add, never change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..manufacturers import manufacturer_name
from ..messages import Identification
from ..reading import Reading, Value
from ..settings import Mode, Settings
from ..telegram import Readout
from ..traces import Trace

if TYPE_CHECKING:
    from .scan import Finding

type Document = dict[str, Any]


def read_document(
    port: str, duration: float, readout: Readout, readings: Iterable[Reading]
) -> Document:
    """Return what `read` prints; `duration` is in seconds."""
    decoded = decode_document(readout, readings)
    return {
        "port": port,
        **{name: decoded.pop(name) for name in ("mode", "baud_rate", "check")},
        "duration": round(duration, 3),
        **decoded,
    }


def decode_document(readout: Readout, readings: Iterable[Reading]) -> Document:
    """Return what `decode` prints: nothing that a file cannot know."""
    return {
        "mode": readout.mode or None,
        "baud_rate": readout.baud_rate or None,
        "check": readout.check.value,
        "identification": identification_document(readout.identification),
        "data_sets": [
            {"address": item.address, "value": item.value, "unit": item.unit}
            for item in readout.data_sets
        ],
        "readings": [
            {
                "code": reading.code,
                "key": reading.key,
                "value": value_text(reading.value),
                "unit": reading.unit,
                "timestamp": value_text(reading.timestamp),
                "billing_period": reading.billing_period,
                "age": reading.age,
            }
            for reading in readings
        ],
    }


def watch_document(
    port: str,
    duration: float,
    readout: Readout,
    readings: Iterable[Reading],
    now: datetime,
) -> Document:
    """Return what `watch` prints for each readout; `now` is aware."""
    document = read_document(port, duration, readout, readings)
    return document | {"time": now.isoformat(timespec="seconds")}


def identify_document(
    port: str, identification: Identification, settings: Settings
) -> Document:
    """Return what `identify` prints; mode and baud rate are those offered.

    Of a meter that sends by itself they are those of its telegrams.
    """
    push = settings.mode is Mode.D
    return {
        "port": port,
        "mode": "D" if push else identification.mode,
        "baud_rate": settings.first_baud_rate if push else identification.baud_rate,
        "identification": identification_document(identification),
    }


def record_document(file: str, trace: Trace, *, redacted: bool) -> Document:
    """Return what `record` prints about the file that it has written."""
    return {
        "file": file,
        "redacted": redacted,
        "entries": len(trace.entries),
        "received": len(trace.received),
    }


def scan_document(findings: Iterable[Finding]) -> Document:
    """Return what `scan` prints."""
    return {"ports": [_finding_document(finding) for finding in findings]}


def _finding_document(finding: Finding) -> Document:
    document: Document = {
        "port": finding.port.path,
        "description": finding.port.description or None,
        "status": finding.status,
        "mode": None,
        "baud_rate": None,
        "identification": None,
    }
    if finding.identification is not None:
        document |= identify_document(
            finding.port.path, finding.identification, finding.settings
        )
    return document | {"options": finding.options, "error": finding.error or None}


def identification_document(identification: Identification | None) -> Document | None:
    """Return who it is, or None where nobody said so."""
    if identification is None:
        return None
    return {
        "raw": identification.raw,
        "manufacturer": identification.manufacturer,
        "manufacturer_name": manufacturer_name(identification.manufacturer),
        "baud_character": identification.baud_character,
        "text": identification.text,
        "fast": identification.fast,
    }


def value_text(value: Value) -> str | None:
    """Write a value: decimal strings, ISO 8601 times; None where there is none."""
    match value:
        case Decimal():
            return format(value, "f")
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return value
