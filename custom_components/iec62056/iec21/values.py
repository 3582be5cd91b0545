"""Values: text becomes a number here, and nowhere else.

Nothing here raises: what is no number stays the text that it was.
"""

from __future__ import annotations

from decimal import Decimal
import re
from typing import Final

# The norm allows 32 characters for a value, 128 in programming mode. A sign may
# stand apart from its digits, and a comma is a point as long as it is alone.
_NUMBER = re.compile(
    r"(?:[+-] *)?(?:\d{1,128}(?:[.,]\d{0,128})?|[.,]\d{1,128})", re.ASCII
)
_HEXADECIMAL = re.compile(r"[0-9A-F]+", re.ASCII | re.IGNORECASE)

# DSMR prints the numbers of meters as text in hexadecimal. The shortest one seen
# has 14 characters. Anything much shorter is left alone: the digits of an
# ordinary number can be read as hexadecimal text now and then.
_DECODED_LENGTH_MIN: Final = 16


def strip(text: str) -> str:
    """Take the padding off a value: blanks, and the NULs of some meters."""
    return text.strip(" \0")


def parse_number(text: str) -> tuple[Decimal | str | None, int | None]:
    """Read a number, and how many digits stand after its point.

    None where nothing was measured; the text itself where it is no number, such
    as an error word or a list. Then there is no count of digits either.

    >>> parse_number("000012,5")
    (Decimal('12.5'), 1)
    """
    text = strip(text)
    if _NUMBER.fullmatch(text):
        text = text.replace(" ", "").replace(",", ".")
        return Decimal(text), len(text.partition(".")[2])
    return (None if is_blank(text) else text), None


def is_blank(text: str) -> bool:
    """Whether nothing stands where a number should: dashes, or "?" for digits."""
    if "?" in text:
        return not text.strip("?0123456789.,+- ")
    return not text.strip("-.,*_ ")


def from_hexadecimal(text: str) -> str:
    """Turn hexadecimal digits into decimal ones; other text stays as it is."""
    text = strip(text)
    if len(text) > 32 or not _HEXADECIMAL.fullmatch(text):
        return text
    return str(int(text, 16))


def decode_number(text: str) -> str:
    """Read the number of a meter that may be text in hexadecimal digits.

    It is taken for that if it is long enough and gives letters and digits only.
    """
    decoded = _decode(text) if len(text) >= _DECODED_LENGTH_MIN else ""
    return decoded if decoded.isalnum() else text


def decode_text(text: str) -> str:
    """Read a message that may be text in hexadecimal digits."""
    decoded = _decode(text)
    return decoded if decoded and decoded.isprintable() else text


def _decode(text: str) -> str:
    """Decode hexadecimal digits as ASCII, "" if they are none."""
    if len(text) % 2 or not _HEXADECIMAL.fullmatch(text):
        return ""
    decoded = bytes.fromhex(text).decode("latin-1")
    return decoded if decoded.isascii() else ""
