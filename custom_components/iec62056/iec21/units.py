"""Units: every meter's own spelling becomes the usual one.

The usual spelling is the one of the SI with its ordinary symbols ("m³", "°C").
A unit that is not known stays as the meter wrote it.
"""

from __future__ import annotations

import re
from typing import Final

# A unit is found by its letters alone: meters write kWh, KWh, KWH and kwh, and
# no meter counts in milliwatt hours or millivolts.
_USUAL: Final = (
    *("Wh", "kWh", "MWh", "GWh", "J", "kJ", "MJ", "GJ", "Gcal", "Mcal"),
    *("W", "kW", "MW"),
    *("varh", "kvarh", "Mvarh", "var", "kvar", "Mvar"),
    *("VAh", "kVAh", "MVAh", "VA", "kVA", "MVA"),
    *("V", "kV", "A", "mA", "kA", "Hz"),
    *("°C", "K", "bar", "mbar", "Pa", "kPa", "hPa"),
    *("m³", "m³/h", "l", "l/h", "l/min"),
    *("s", "min", "h", "d", "mo", "°", "%"),
)

_USUAL_SET: Final = frozenset(_USUAL)

# Spellings that differ in more than capital letters.
_OTHERS: Final = {
    "m3": "m³",
    "m^3": "m³",
    "m3/h": "m³/h",
    "m^3/h": "m³/h",
    # Ultraheat.
    "m3ph": "m³/h",
    "c": "°C",
    "deg c": "°C",
    # LIS-200, the degree sign in its national character set.
    "{c": "°C",
    "m3|h": "m³/h",
    "minutes": "min",
    "mon": "mo",
    "deg": "°",
    "sec": "s",
    "hours": "h",
    "days": "d",
}

# A power factor has no unit, and some meters say so (EMH: "P/S").
_NO_UNIT: Final = frozenset({"", "k", "p/s", "cos", "-"})

_KNOWN: Final = {unit.lower(): unit for unit in _USUAL} | _OTHERS

_GLUED = re.compile(r"(.*\d)(\s*)([^\d\s.,+-].*)", re.ASCII | re.DOTALL)


def usual_unit(text: str | None) -> str | None:
    """Spell a unit the usual way; None where there is none or it says nothing.

    >>> usual_unit("KWH")
    'kWh'
    """
    if text is None or text in _USUAL_SET:
        return text
    text = text.strip()
    lower = text.lower()
    return None if lower in _NO_UNIT else _KNOWN.get(lower, text)


def split_unit(text: str) -> tuple[str, str | None]:
    """Take a known unit off the end of a value: `012345 kWh`, `123.34kWh`.

    A single letter counts only behind a blank, since "00F" and "83A" are more
    often hexadecimal than amperes. None: the value ends with no known unit.
    """
    match = _GLUED.fullmatch(text)
    if match is None:
        return text, None
    number, gap, letters = match.groups()
    unit = _KNOWN.get(letters.strip().lower())
    if unit is None or (len(unit) == 1 and not gap):
        return text, None
    return number, unit
