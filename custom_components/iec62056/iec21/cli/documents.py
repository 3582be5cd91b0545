"""The JSON documents, key by key. Scripts rely on them: add, never change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, assert_never

from ..lis200_archive import ArchiveRow
from ..load_profile import LogEntry, ProfileRow
from ..manufacturers import manufacturer_name
from ..messages import Identification
from ..reading import Reading, Value
from ..settings import Mode, Settings
from ..status_words import Status
from ..telegram import DataSet, Readout
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
        "data_sets": _data_set_documents(readout.data_sets),
        "readings": [_reading_document(reading) for reading in readings],
    }


def _data_set_documents(data_sets: Iterable[DataSet]) -> list[Document]:
    return [
        {"address": item.address, "value": item.value, "unit": item.unit}
        for item in data_sets
    ]


def _reading_document(reading: Reading) -> Document:
    return {
        "code": reading.code,
        "key": reading.key,
        "value": value_text(reading.value),
        "unit": reading.unit,
        "timestamp": value_text(reading.timestamp),
        "billing_period": reading.billing_period,
        "age": reading.age,
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


def programming_document(
    port: str, identification: Identification | None, baud_rate: int
) -> Document:
    """Return what the documents of programming mode begin with."""
    return {
        "port": port,
        "mode": identification.mode if identification else None,
        "baud_rate": baud_rate,
        "identification": identification_document(identification),
    }


def register_document(
    register: str,
    data_sets: Iterable[DataSet],
    readings: Iterable[Reading],
    error: str | None,
) -> Document:
    """Return what `get` prints of each register."""
    return {
        "register": register,
        "data_sets": _data_set_documents(data_sets),
        "readings": [_reading_document(reading) for reading in readings],
        "error": error,
    }


def write_document(
    register: str,
    value: str | None,
    before: Iterable[DataSet] | None,
    after: Iterable[DataSet] | None,
    *,
    verified: bool | None,
) -> Document:
    """Return what `set` prints of the register; None is what nobody knows or says."""
    return {
        "register": register,
        "value": value,
        "before": None if before is None else _data_set_documents(before),
        "after": None if after is None else _data_set_documents(after),
        "verified": verified,
    }


def row_document(item: ProfileRow | LogEntry | ArchiveRow) -> Document:
    """Return what `profile` prints of each row."""
    match item:
        case ProfileRow():
            values = zip(item.channels, item.values, strict=True)
            return {
                "time": item.end.isoformat(),
                "season": item.season,
                "period": int(item.period.total_seconds() // 60),
                "status": status_words(item.status),
                "status_word": item.status_text,
                "values": [
                    {
                        "code": channel.code,
                        "key": channel.register.key if channel.register else None,
                        "value": value_text(value),
                        "unit": channel.unit,
                    }
                    for channel, value in values
                ],
            }
        case LogEntry():
            return {
                "time": item.time.isoformat(),
                "season": item.season,
                "status": status_words(item.status),
                "status_word": item.status_text,
                "readings": [_reading_document(one) for one in item.readings],
            }
        case ArchiveRow():
            return {
                "time": value_text(item.time),
                "intact": item.intact,
                "values": [
                    {
                        "heading": column.heading,
                        "value": value_text(value),
                        "unit": column.unit,
                    }
                    for column, value in zip(item.columns, item.values, strict=True)
                ],
            }
        case _:
            assert_never(item)


def status_words(status: Status) -> list[str]:
    """Return what a meter notes: "power_failed", "clock_set" and so on."""
    return [str(flag.name).lower() for flag in status]


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
