"""Passwords: kept out of sight, and turned into what a meter wants to hear.

A meter that opens programming mode sends an operand, the seed (`P0`). Most take
the plain password then (`P1`); some want it computed with the seed, by a way of
their manufacturer's. Whether a password may be sent at all, and how often, is
decided elsewhere: this module sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
import hashlib
import hmac
import re
from types import MappingProxyType
from typing import Final, Protocol, override
import zlib

from .commands import Command
from .exceptions import TelegramError, UnusablePasswordError
from .messages import Identification

_USABLE = re.compile(r"[ -'*-~]*", re.ASCII)  # printable, but for brackets
_HEXADECIMAL = re.compile(r"[0-9A-F]{1,8}", re.ASCII | re.IGNORECASE)


class Password:
    """A password, or the code of a lock. Printed, it shows nothing.

    Raises:
        UnusablePasswordError: no message can carry it.

    >>> Password("12345678")
    Password(…)

    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Take the characters as the user typed them; "" is a password, too."""
        if not _USABLE.fullmatch(text):
            raise UnusablePasswordError(
                "a password is made of printable ASCII characters without brackets"
            )
        self._text = text

    def __repr__(self) -> str:
        """Show that it is a password, and no more."""
        return "Password(…)"

    def __eq__(self, other: object) -> bool:
        """Compare in a time that does not tell how much is equal."""
        if not isinstance(other, Password):
            return NotImplemented
        return hmac.compare_digest(self._text, other._text)

    def __hash__(self) -> int:
        """Equal passwords have equal ones."""
        return hash(self._text)

    def reveal(self) -> str:
        """Return the characters, for the message that carries them."""
        return self._text

    def mark(self, meter_number: str) -> str:
        """Return what to remember it by, once it was sent: 64 hexadecimal digits.

        The same password of another meter has another mark. It keeps the
        password out of a casual look, not from someone who tries them all.
        """
        key = meter_number.encode("utf-8")
        return hmac.new(key, self._text.encode("ascii"), hashlib.sha256).hexdigest()


class Algorithm(Protocol):
    """How a manufacturer turns a password into an answer to the seed."""

    def solve(
        self, seed: str, password: Password, identification: Identification | None
    ) -> Command:
        """Return the command that answers the seed: `P1` or `P2`.

        `seed` is the operand of `P0` without its brackets, "" where there is
        none. `identification` is None where the meter has not said who it is.

        Raises:
            TelegramError: the seed is none that the algorithm knows.
            UnusablePasswordError: neither is the password.

        """


class _Plain(Algorithm):
    """The password itself (clause 6.3.14, item 18)."""

    @override
    def solve(
        self, seed: str, password: Password, identification: Identification | None
    ) -> Command:
        return Command("P1", f"({password.reveal()})")


class _Energomera(Algorithm):
    """A CRC-32 of the password that starts from the seed (CE208, CE308)."""

    @override
    def solve(
        self, seed: str, password: Password, identification: Identification | None
    ) -> Command:
        # zlib inverts what goes in and what comes out; the meter does neither.
        start = _number(seed) ^ 0xFFFFFFFF
        crc = zlib.crc32(password.reveal().encode("ascii"), start) ^ 0xFFFFFFFF
        return Command("P2", f"({crc:08X})")


class _Dzg(Algorithm):
    """Three words of two characters, rotated and shifted by the bytes of the seed."""

    @override
    def solve(
        self, seed: str, password: Password, identification: Identification | None
    ) -> Command:
        characters = password.reveal().encode("ascii")
        if len(characters) != 6:
            raise UnusablePasswordError("a password of this meter has six characters")
        *turns, shift = _number(seed).to_bytes(4)
        answer = b""
        for position, turn, modulus in zip((0, 2, 4), turns, (13, 7, 11), strict=True):
            word = int.from_bytes(characters[position : position + 2])
            shifted = word << turn % modulus
            turned = shifted & 0xFFFF | shifted >> 16
            answer += bytes((byte - shift) & 0xFF for byte in turned.to_bytes(2))
        return Command("P1", f"({answer.hex().upper()})")


def _number(seed: str) -> int:
    """Read a seed of up to eight hexadecimal digits."""
    if not _HEXADECIMAL.fullmatch(seed):
        raise TelegramError("the seed is not up to eight hexadecimal digits")
    return int(seed, 16)


PLAIN: Final[Algorithm] = _Plain()
"""The password as it is."""

ENERGOMERA: Final[Algorithm] = _Energomera()
"""CE208 and CE308, which take the plain password as well."""

DZG: Final[Algorithm] = _Dzg()
"""Meters of DZG Metering; the password has six characters."""

ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {"plain": PLAIN, "energomera": ENERGOMERA, "dzg": DZG}
)
"""What there is, by the names that users choose from."""
