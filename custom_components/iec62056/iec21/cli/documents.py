"""The JSON documents, key by key. Scripts rely on them: add, never change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ..manufacturers import manufacturer_name
from ..messages import Identification
from ..reading import Reading, Value
from ..telegram import Readout

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
            }
            for reading in readings
        ],
    }


def identify_document(port: str, identification: Identification) -> Document:
    """Return what `identify` prints; mode and baud rate are those offered."""
    return {
        "port": port,
        "mode": identification.mode,
        "baud_rate": identification.baud_rate,
        "identification": identification_document(identification),
    }


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
