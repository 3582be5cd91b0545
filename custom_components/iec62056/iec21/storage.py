"""Readings as JSON, to be had again after a restart without asking the meter.

What a reading says is stored; what its register means is not, but looked up again
by key and code. So a catalogue that has learned something since applies to stored
readings as well. What is stored is never renamed: files of older versions are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Final

from .catalog import Register
from .profiles import PROFILES, registers_of
from .reading import Reading, Value
from .register_table import CATALOG, RegisterTable

type Json = str | int | list[str] | dict[str, str | int] | None
"""What stands under one key of a stored reading."""

_TABLES: Final = {
    profile.name: RegisterTable(registers_of(profile)) for profile in PROFILES
}


def reading_to_json(reading: Reading) -> dict[str, Json]:
    """Return a reading as `json` can write it; what goes without saying is left out.

    The inverse of `reading_from_json` for registers of the catalogue and of the
    profiles in `PROFILES`.
    """
    stored: dict[str, Json] = {
        "address": reading.address,
        "occurrence": reading.occurrence or None,
        "code": reading.code,
        "key": reading.key,
        "profile": _profile_name(reading),
        "value": _value_to_json(reading.value),
        "unit": reading.unit,
        "timestamp": _value_to_json(reading.timestamp),
        "billing_period": reading.billing_period,
        "age": reading.age,
        "precision": reading.precision,
        "more": list(reading.more) or None,
    }
    return {name: item for name, item in stored.items() if item is not None}


def reading_from_json(stored: object) -> Reading:
    """Return the reading that was stored.

    Its register is None if nobody knows the key any more.

    Raises:
        ValueError: `reading_to_json` cannot have written this.

    """
    if not isinstance(stored, Mapping):
        raise ValueError("a stored reading is an object")  # noqa: TRY004
    code, key = _text(stored, "code"), _text(stored, "key")
    timestamp = _value_from_json(stored.get("timestamp"))
    if not isinstance(timestamp, datetime | None):
        raise ValueError(f"{timestamp!r} is no timestamp")  # noqa: TRY004
    more = stored.get("more", [])
    if not isinstance(more, list) or not all(isinstance(one, str) for one in more):
        raise ValueError(f"{more!r} is no list of texts")
    return Reading(
        address=_text(stored, "address"),
        occurrence=_count(stored, "occurrence") or 0,
        code=code,
        key=key,
        register=_register(key, code, _optional_text(stored, "profile")),
        value=_value_from_json(stored.get("value")),
        unit=_optional_text(stored, "unit"),
        timestamp=timestamp,
        billing_period=_optional_text(stored, "billing_period"),
        age=_count(stored, "age"),
        precision=_count(stored, "precision"),
        more=tuple(more),
    )


def _profile_name(reading: Reading) -> str | None:
    """Name the profile whose row a register is; None if it is the catalogue's."""
    if reading.register is None:
        return None
    for name, register in _candidates(reading.key, reading.code):
        if register == reading.register:
            return name
    return None


def _register(key: str, code: str, profile: str | None) -> Register | None:
    """Find a register, best in the profile that it was found in before."""
    found = dict(_candidates(key, code))
    return found.get(profile) or next(iter(found.values()), None)


def _candidates(key: str, code: str) -> Iterator[tuple[str | None, Register]]:
    """Yield the rows of a key and a code, each with the name of its profile."""
    for name, table in ((None, CATALOG), *_TABLES.items()):
        register = table.named(key, code)
        if register is not None:
            yield name, register


def _value_to_json(value: Value) -> str | dict[str, str | int] | None:
    """Write a value; what is not text says what it is."""
    match value:
        case Decimal():
            return {"number": str(value)}
        case datetime():
            return {"datetime": value.isoformat(), "fold": value.fold}
        case date():
            return {"date": value.isoformat()}
        case time():
            return {"time": value.isoformat(), "fold": value.fold}
        case _:
            return value


def _value_from_json(stored: object) -> Value:
    """Read a value.

    Raises:
        ValueError: it is none.

    """
    match stored:
        case None | str():
            return stored
        case {"number": str(text)}:
            return _number(text)
        case {"datetime": str(text), "fold": 0 | 1 as fold}:
            return datetime.fromisoformat(text).replace(fold=int(fold))
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case {"time": str(text), "fold": 0 | 1 as fold}:
            return time.fromisoformat(text).replace(fold=int(fold))
        case _:
            raise ValueError(f"{stored!r} is no value")


def _number(text: str) -> Decimal:
    """Read a number.

    Raises:
        ValueError: it is none, or infinite.

    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is no number")
    return number


def _text(stored: Mapping[object, object], name: str) -> str:
    """Take a text that has to be there.

    Raises:
        ValueError: it is not.

    """
    text = stored.get(name)
    if not isinstance(text, str):
        raise ValueError(f"{name} is {text!r}")  # noqa: TRY004
    return text


def _optional_text(stored: Mapping[object, object], name: str) -> str | None:
    """Take a text that may be missing.

    Raises:
        ValueError: something else is there.

    """
    return None if stored.get(name) is None else _text(stored, name)


def _count(stored: Mapping[object, object], name: str) -> int | None:
    """Take a number of things that may be missing.

    Raises:
        ValueError: something else is there.

    """
    count = stored.get(name)
    # A bool is an int to Python, and not to JSON.
    if count is None or (type(count) is int and count >= 0):
        return count
    raise ValueError(f"{name} is {count!r}")
