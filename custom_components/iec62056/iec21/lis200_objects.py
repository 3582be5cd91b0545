"""Which object of an LIS-200 device a data set is about.

Its answers carry the address in more than one spelling. What the objects mean
stands in the device's profile.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .exceptions import TelegramError
from .lis200 import Address, Attribute

SERIAL_NUMBER: Final = "1:180"
CLOCK: Final = "1:400"

# What other devices keep there are digits and words, never anything with a unit.
_SOMETIMES_VALUE: Final = frozenset({Attribute.ACCESS, Attribute.NAME})


def object_code(address: str, *, has_unit: bool = False) -> str | None:
    """Return the code of an object in normal form; None: that is no address of one.

    The value of an object has instance and number, without zeros in front: "2:300".
    The first of several parts goes without saying, as some devices leave it out; the
    second is "6:310_2". Any other attribute than the value stands behind: "2:300.3".
    Some devices were seen to print values under the attributes 1 and 2; what has a
    unit there (`has_unit`) is a value.
    """
    try:
        parsed = Address.parse(address)
    except TelegramError:
        return None
    part = None if parsed.part == 1 else parsed.part
    code = str(replace(parsed, medium=None, part=part))
    attribute = parsed.attribute
    if attribute == Attribute.VALUE or (has_unit and attribute in _SOMETIMES_VALUE):
        code, _, _ = code.rpartition(".")
    return code
