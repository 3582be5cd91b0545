"""The messages of programming mode, to bytes and back (clauses 6.3.7 to 6.3.12).

Frozen values. What is secret never shows: the data of passwords, and of writes,
which may carry one as well, are left out of every `repr`.

The bytes of a line are cut into messages elsewhere (`command_reader`), and what is
asked when, and how often, is decided by sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
import re
from typing import Final

from .const import ACK, EOT, ETX, NAK, SOH, STX
from .framing import sum_check, xor_check
from .telegram import Check

_NAME = re.compile(r"[A-Z][0-9]", re.ASCII)
# What would end or begin a frame in the middle of another.
_FRAME_CHARACTERS = re.compile(r"[\x01-\x04]|[^\x00-\x7f]")

# The convention of the norm (6.3.12) is a text that begins with ER. A letter
# behind it makes a word of it, which is somebody's name before it is an error.
# One meter puts its errors into brackets of their own (AM550).
_ERROR = re.compile(
    r"\s*(\()?\(((?:ER(?:R(?:OR)?)?(?![A-Z])|#(?=\d))[^()]{0,32})\)(?(1)\))\s*",
    re.ASCII | re.IGNORECASE,
)
_PLAIN_ERROR = re.compile(r"\s*\((\d{2})\)\s*", re.ASCII)


def block_check(span: bytes, check: Check) -> int:
    """Return the block check of what follows the first SOH or STX (clause 6.2)."""
    return sum_check(span) if check is Check.SUM else xor_check(span)


def _frame(start: int, body: bytes, *, last: bool, check: Check) -> bytes:
    """Put a message between its marks, with its block check."""
    span = body + bytes([ETX if last else EOT])
    return bytes([start]) + span + bytes([block_check(span, check)])


@dataclass(frozen=True, slots=True, repr=False)
class Command:
    r"""One command, or one block of it (clause 6.3.7).

    Raises:
        ValueError: the name is no letter with a digit, or the data hold a
            character that cannot stand in a frame; the text quotes neither.

    >>> Command("R1", "1.8.0()").to_bytes()
    b'\x01R1\x021.8.0()\x03Z'

    """

    name: str
    """Kind and number, such as "R5"; `B0` and `B1` end a session."""

    data: str | None = None
    """The data sets as text, such as "1.8.0()". None: no STX and nothing behind."""

    more: bool = field(default=False, kw_only=True)
    """Whether further blocks of the command follow: EOT in place of ETX."""

    def __post_init__(self) -> None:
        """Refuse what would not be one frame."""
        if not _NAME.fullmatch(self.name):
            raise ValueError("a command is called by a letter and a digit")
        if self.data is not None and _FRAME_CHARACTERS.search(self.data):
            raise ValueError("a command holds a character that cannot be sent in one")

    def __repr__(self) -> str:
        """Show the command without what may be secret."""
        data = self.data
        if data is not None and self.secret:
            data = data.partition("(")[0] + "(…)"
        return f"Command({self.name!r}, {data!r}, more={self.more})"

    @property
    def secret(self) -> bool:
        """Whether the data may hold a password, and belong in no log or trace.

        So they may in `P1` and `P2`, and in writes: W5 carries one in its second
        data set, and the locks of LIS-200 are registers.
        """
        return self.name[0] in "PW"

    def to_bytes(self, check: Check = Check.XOR) -> bytes:
        """Write the command with the norm's block check, or with `Check.SUM`'s."""
        body = self.name.encode("ascii")
        if self.data is not None:
            body += bytes([STX]) + self.data.encode("ascii")
        return _frame(SOH, body, last=not self.more, check=check)


SIGN_OFF: Final = Command("B0")
"""Ends a session; no meter has to answer it."""

SIGN_OFF_BATTERY: Final = Command("B1")
"""Ends a session with a meter that was woken fast; it answers ACK (Annex B.2)."""


def write_in_blocks(
    name: str, address: str, value: str, length: int
) -> Iterator[Command]:
    """Cut a write into blocks of `length` characters of the value (clause 6.4.7).

    `name` is "W3" or "W4". Only the first block carries the address, and an
    empty value is one block.
    """
    for position in range(0, max(len(value), 1), length):
        end = position + length
        data = f"{'' if position else address}({value[position:end]})"
        yield Command(name, data, more=end < len(value))


class Receipt(Enum):
    """An answer of a single character, from either side."""

    ACK = ACK
    """Done; in the middle of blocks: the next one, please."""

    NAK = NAK
    """Not understood: the same once more (Annex A, note 3)."""

    def to_bytes(self) -> bytes:
        """Write the character."""
        return bytes([self.value])


@dataclass(frozen=True, slots=True)
class DataMessage:
    """Data that were asked for, or one block of them; the check was right."""

    text: str
    """Everything between STX and the end mark, line ends included."""

    last: bool = True
    """Whether nothing follows. Otherwise the next block comes after our ACK."""

    def to_bytes(self, check: Check = Check.XOR) -> bytes:
        """Write the message as a meter does."""
        return _frame(STX, self.text.encode("ascii"), last=self.last, check=check)


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """The meter understood a command and does not carry it out.

    The session goes on, and the same command would fail again.
    """

    text: str
    """The meter's own words, without brackets: "ER01", "#0017"."""

    def to_bytes(self, check: Check = Check.XOR) -> bytes:
        """Write the message as a meter does."""
        return DataMessage(f"({self.text})").to_bytes(check)


@dataclass(frozen=True, slots=True)
class Operand:
    """`P0`: programming mode is open; a password may be wanted."""

    seed: str
    """What an algorithm starts from; often a constant, or "" (`passwords`)."""

    def to_bytes(self, check: Check = Check.XOR) -> bytes:
        """Write the message as a meter does."""
        return Command("P0", f"({self.seed})").to_bytes(check)


@dataclass(frozen=True, slots=True)
class SignOff:
    """`B0` from the meter: the session is over, whatever was asked."""

    def to_bytes(self, check: Check = Check.XOR) -> bytes:
        """Write the message."""
        return SIGN_OFF.to_bytes(check)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A message whose block check does not match; nothing in it may be used."""

    received: bytes = field(repr=False)
    """All of it, for the error that is raised if it stays so."""


type Answer = Receipt | DataMessage | ErrorMessage | Operand | SignOff | Damaged
"""What a meter says in programming mode."""


def error_text(text: str, *, plain: bool = False) -> str | None:
    """Return the words of an error message, or None where `text` is none.

    `text` is a whole answer to a command. Only there is "(ER01)" an error; in a
    readout it may be a value. With `plain`, two digits are one as well, as NEVA's
    meters have it.

    >>> error_text("(ERR12)")
    'ERR12'
    """
    if match := _ERROR.fullmatch(text):
        return match[2]
    if plain and (match := _PLAIN_ERROR.fullmatch(text)):
        return match[1]
    return None
