"""OBIS codes: read, print, compare.

A code names a register: A the medium, B the channel, C the quantity, D how it
is processed, E the tariff, F the billing period. Meters leave out what goes
without saying, so every group but C and D may be missing. What a code means is
decided elsewhere (`catalog`).
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Final, Self

from .exceptions import TelegramError

NOT_USED: Final = 255
"""The value with which E and F say that they mean nothing (IEC 62056-61)."""

SERVICE: Final = 94
"""From here on C stands for what every meter has: service, errors, lists."""

# Letters stand for numbers in the groups C and D: service, error, list, profile.
_LETTERS: Final = {"C": 96, "F": 97, "L": 98, "P": 99}

# "FF" and "F" are how some meters print F.F, which is 97.97.
_PRINTED = re.compile(
    r"(?:(?P<a>\d{1,3})(?:-(?P<b>\d{1,3}))?:)?"
    r"(?:(?P<c>\d{1,3}|[CFLP])\.(?P<d>\d{1,3}|[CFLP])|FF?)"
    r"(?:\.(?P<e>\d{1,3}))?"
    r"(?:(?P<separator>[*&.])(?P<f>\d{1,3}))?",
    re.ASCII | re.IGNORECASE,
)
_HEXADECIMAL = re.compile(r"[0-9A-F]{8}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObisCode:
    """One OBIS or EDIS code. A group that was not printed is None, never 0.

    Equality is exact: `1.8.0` and `1-0:1.8.0` are two codes. `matches` compares
    with a pattern.

    >>> str(ObisCode.parse("1-0:1.8.0*255"))
    '1-0:1.8.0*255'
    """

    a: int | None = None
    """Medium: 0 none, 1 electricity, 5 cooling, 6 heat, 7 gas, 8 and 9 water."""

    b: int | None = None
    """Channel. 0 where there is only one."""

    c: int
    """Quantity, 0 to 255. From `SERVICE` on it is what every meter has."""

    d: int
    """How the quantity is processed, 0 to 255."""

    e: int | None = None
    """Tariff, mostly. 0 is the total."""

    f: int | None = None
    """Billing period. 255 is the current one."""

    separator: str = "*"
    """What stands before F: "*" after an automatic reset, "&" after a manual one.

    "." where a meter simply goes on with a fourth group.
    """

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code in any form that meters print.

        Full or reduced, with letters or numbers, or as the eight hexadecimal
        digits of C, D, E and F. Blanks and leading zeros do not count.

        Raises:
            TelegramError: the text is no OBIS code; not every address is one.

        """
        text = text.replace(" ", "")
        if _HEXADECIMAL.fullmatch(text):
            data = bytes.fromhex(text)
            return cls(c=data[0], d=data[1], e=data[2], f=data[3])
        match = _PRINTED.fullmatch(text)
        if match is None:
            raise TelegramError(f"{text!r} is no OBIS code")
        a, b, c, d, e, f = (_number(match[name]) for name in "abcdef")
        if max(group or 0 for group in (a, b, c, d, e, f)) > 255:
            raise TelegramError(f"{text!r} is no OBIS code: a group exceeds 255")
        return cls(
            a=a,
            b=b,
            c=_LETTERS["F"] if c is None else c,
            d=_LETTERS["F"] if d is None else d,
            e=e,
            f=f,
            separator=match["separator"] or "*",
        )

    def __str__(self) -> str:
        """Print the code in numbers, with the groups that it has."""
        text = f"{self.c}.{self.d}"
        if self.e is not None:
            text += f".{self.e}"
        if self.a is not None:
            channel = "" if self.b is None else f"-{self.b}"
            text = f"{self.a}{channel}:{text}"
        if self.f is not None:
            text += f"{self.separator}{self.f}"
        return text

    def matches(self, pattern: ObisCode) -> bool:
        """Whether this is the code of `pattern`, whose missing groups match all.

        An E or F that this code leaves out or does not use counts as the total
        and as the current billing period.
        """
        return (
            self.c == pattern.c
            and self.d == pattern.d
            and pattern.e in (None, self.tariff)
            and pattern.f in (None, NOT_USED if self.f is None else self.f)
            and pattern.a in (None, self.a)
            and pattern.b in (None, self.b)
        )

    @property
    def tariff(self) -> int:
        """E as a number: 0 where it is missing or not used."""
        return 0 if self.e is None or self.e == NOT_USED else self.e


def _number(group: str | None) -> int | None:
    """Read one group; None stays None."""
    if group is None:
        return None
    letter = _LETTERS.get(group.upper())
    return int(group) if letter is None else letter
