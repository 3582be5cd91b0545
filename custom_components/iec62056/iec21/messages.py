"""The messages around the data: sign-on, identification, option select.

Frozen values, to and from the bytes on the line. Bytes are seven bits here:
whoever reads them from a port has taken the parity bit off (`framing`).
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Final, Self

from .const import (
    ACK,
    INITIAL_BAUD_RATE,
    LINE_END,
    MODE_B_BAUD_RATES,
    MODE_C_BAUD_RATES,
    REACTION_TIME_MIN,
    REACTION_TIME_MIN_FAST,
)
from .exceptions import TelegramError

MAX_IDENTIFICATION: Final = 256
"""Characters of an identification that are read; the norm has 16."""

# The third character after the slash may be a blank or anything printable as
# baud rate character; the pairs of a backslash and a letter follow each other
# (clause 6.3.14, items 23 and 24). A raw 0x02 for "\2" and long texts are seen
# in captures, so only the slash and the three letters are insisted on.
_IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}[ -~][^\r\n]*")
# The same with its end, which is one character on some meters and two on most.
_IDENTIFICATION_LINE = re.compile(
    rb"(/[A-Za-z]{3}[ -~][^\r\n]{0,%d})(?:\r\n?|\n)" % MAX_IDENTIFICATION
)
_ESCAPES = re.compile(r"(?:\\[^/\\!])+")


@dataclass(frozen=True, slots=True)
class SignOn:
    r"""The request that opens a session (clause 6.3.1).

    >>> SignOn().to_bytes()
    b'/?!\r\n'
    """

    address: str = ""
    """Device address, up to 32 characters. "" calls every meter on the line."""

    selector: str = "?"
    """"?" for the norm's readout; a digit asks some meters for another list."""

    def to_bytes(self) -> bytes:
        """Write the message.

        Raises:
            UnicodeEncodeError: the address is not ASCII; `Settings` refuses it.

        """
        return f"/{self.selector}{self.address}!".encode("ascii") + LINE_END

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """Read a sign-on, or return None if `data` is none."""
        match = re.fullmatch(rb"/([?#0-9])([^!/\r\n]*)!\r?\n?", data)
        if match is None:
            return None
        selector, address = match.groups()
        return cls(
            address=address.decode("ascii", "replace"), selector=selector.decode()
        )

    def calls(self, address: str) -> bool:
        """Whether a meter with `address` has to answer (clause 6.3.14, item 22).

        Leading zeros do not count, on either side.
        """
        if not self.address:
            return True
        return self.address.lstrip("0") == address.lstrip("0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """Who answered the sign-on (clause 6.3.2).

    >>> Identification.parse(b"/ISk5MT174-0001").manufacturer
    'ISK'
    """

    raw: str
    """The whole line from the slash on, without its end."""

    manufacturer: str
    """FLAG code, three letters, always upper case."""

    baud_character: str
    """The character that offers a baud rate and with it the mode; may be " "."""

    text: str
    """Type of the meter as sent, without the backslash pairs before it."""

    escapes: str = ""
    """The characters after the backslashes, in order. "2" offers HDLC (mode E)."""

    fast: bool = False
    """Whether the meter may answer after 20 ms instead of 200 ms."""

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Read an identification line; text before its slash is skipped.

        Raises:
            TelegramError: there is no identification in `line`.

        """
        match = _IDENTIFICATION.search(line)
        if match is None:
            raise TelegramError("not an identification", line)
        return cls._from_line(match[0])

    @classmethod
    def find(
        cls, data: bytes | bytearray, start: int = 0
    ) -> tuple[Self, int, int] | None:
        """Find the first complete identification line in `data` from `start` on.

        Return it with the positions where it begins and ends, or None while
        there is none. An echo of the sign-on is none: no code has a "?".
        """
        match = _IDENTIFICATION_LINE.search(data, start)
        if match is None:
            return None
        return cls._from_line(match[1]), match.start(), match.end()

    @classmethod
    def _from_line(cls, line: bytes) -> Self:
        """Take apart what `_IDENTIFICATION` matches as a whole."""
        # Bytes beyond ASCII stand for themselves, so that nothing is lost.
        raw = line.decode("latin-1")
        pairs = _ESCAPES.match(raw, 5)
        return cls(
            raw=raw,
            manufacturer=raw[1:4].upper(),
            baud_character=raw[4],
            text=raw[pairs.end() :] if pairs else raw[5:],
            escapes=pairs[0].replace("\\", "") if pairs else "",
            fast=raw[3].islower(),
        )

    def to_bytes(self) -> bytes:
        """Write the line as the meter sent it, with its end."""
        return self.raw.encode("latin-1") + LINE_END

    @property
    def baud_rate(self) -> int:
        """Baud rate of the readout that the meter offers.

        A character outside the norm's tables offers nothing: 300.
        """
        return (
            MODE_C_BAUD_RATES.get(self.baud_character)
            or MODE_B_BAUD_RATES.get(self.baud_character)
            or INITIAL_BAUD_RATE
        )

    @property
    def mode(self) -> str:
        """The mode that the baud rate character stands for: "A", "B" or "C"."""
        if self.baud_character.isdigit():
            return "C"
        return "B" if self.baud_character in MODE_B_BAUD_RATES else "A"

    @property
    def reaction_time(self) -> float:
        """Seconds that both sides leave before they answer at least (tr)."""
        return REACTION_TIME_MIN_FAST if self.fast else REACTION_TIME_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSelect:
    r"""The acknowledgement that chooses speed and kind of session (clause 6.3.3).

    >>> OptionSelect(baud_character="5").to_bytes()
    b'\x06050\r\n'
    """

    baud_character: str
    """Z: the meter's own offer, or "0" to stay at 300 Bd."""

    protocol: str = "0"
    """V: "0" normal, "1" secondary, "2" HDLC."""

    mode: str = "0"
    """Y: "0" readout, "1" programming mode, "6" to "9" the manufacturer's own."""

    def to_bytes(self) -> bytes:
        """Write the message."""
        text = f"{self.protocol}{self.baud_character}{self.mode}"
        return bytes([ACK]) + text.encode("ascii") + LINE_END

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """Read an acknowledgement, or return None if `data` is none."""
        match = re.fullmatch(rb"\x06([ -~])([ -~])([ -~])\r?\n?", data)
        if match is None:
            return None
        protocol, baud_character, mode = (part.decode() for part in match.groups())
        return cls(baud_character=baud_character, protocol=protocol, mode=mode)
