"""From bytes on the line to the data block in them: parity, start, end, check.

Rule 1: everything behind `strip_parity` is seven bits wide. A port may leave
the parity bit on; nothing above this module has to know.

Rule 2: the block check is the character after ETX, by position. It can be any
character, line ends and control characters included, so nothing searches for it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
import re
from typing import Final

from .const import ETX, LINE_END, STX
from .exceptions import ChecksumError, TelegramError
from .telegram import Check

MAX_READOUT: Final = 1 << 20
"""Bytes of one readout at most; at 300 Bd these would take ten hours."""

MAX_NOISE: Final = 1024
"""Bytes without the beginning of a message after which there will be none.

Room for our own echo, a whole wake-up of NULs among it, and some noise.
"""

_MAX_LATE_NOISE: Final = 64
"""Characters of noise with a bracket behind which a frame may still begin."""

# Wake-up characters, and what a head adds when its light goes on.
_FILLERS: Final = b"\x00\x7f"

_LONG_NUMBER: Final = 512
"""Bits from which on, as measured, shortening a number pays."""

_WITHOUT_PARITY: Final = bytes(value & 0x7F for value in range(256))
_WITH_PARITY: Final = bytes(
    (value & 0x7F) | ((value & 0x7F).bit_count() % 2 << 7) for value in range(256)
)

# The end of a block without frame, with the four digits that DSMR puts there.
# Values never hold "!", but addresses of other meters' echoes do, so the mark
# counts only behind a data set or at the beginning of a line.
# It begins with the mark itself, so that the search jumps from one to the next.
END_OF_BLOCK = re.compile(rb"!(?<![^\r\n) \x00]!)([0-9A-Fa-f]{1,4})?(?=[\r\n])")
# Whichever comes first: a frame, a data set, or the end of a block with neither.
# An alternative each, not a set of characters, lets the search jump from one to
# the next as well.
_START = re.compile(rb"\x02|\(|" + END_OF_BLOCK.pattern)
_END_OF_CAPTURE = re.compile(rb"!(?<![^\r\n) \x00]!)([0-9A-Fa-f]{1,4})?\x00*\Z")


def strip_parity(data: bytes | bytearray) -> bytes:
    """Take bit 7 off every byte, as a port at seven data bits does."""
    return bytes(data if data.isascii() else data.translate(_WITHOUT_PARITY))


def add_parity(data: bytes) -> bytes:
    """Put even parity into bit 7, for a port that sends eight bits as they are."""
    return data.translate(_WITH_PARITY)


def xor_check(data: bytes) -> int:
    """Return the norm's block check of `data` (clause 6.2), seven bits.

    `data` begins after the first STX or SOH and includes ETX or EOT.
    """
    # Folding one long number is many times faster than a loop over its bytes. What
    # stands above the fold does no harm; only in a long number it costs time.
    value = int.from_bytes(data)
    width = 4 << len(data).bit_length()
    while width >= 8:
        value ^= value >> width
        if width > _LONG_NUMBER:
            value &= (1 << width) - 1
        width >>= 1
    return value & 0x7F


def sum_check(data: bytes) -> int:
    """Return Energomera's block check of the same span, seven bits."""
    return sum(data) & 0x7F


_BLOCK_CHECKS: Final[dict[Check, Callable[[bytes], int]]] = {
    Check.XOR: xor_check,
    Check.SUM: sum_check,
}


def _shift_crc(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


_CRC_TABLE: Final = tuple(_shift_crc(value) for value in range(256))


def crc16(data: bytes) -> int:
    """Return the CRC-16 of a DSMR telegram (polynomial A001, reflected, from 0).

    `data` begins with the slash and ends with the exclamation mark.
    """
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def frame(block: bytes, check: Check = Check.XOR) -> bytes:
    """Make a data message of a block that ends with a line end, or is empty.

    `Check.NONE` gives the form without frame, `Check.SUM` Energomera's.

    Raises:
        ValueError: `check` is not one that a meter puts behind a block.

    """
    body = block + b"!" + LINE_END
    if check is Check.NONE:
        return body
    if check not in _BLOCK_CHECKS:
        raise ValueError(f"no block check is called {check}")
    body += bytes([ETX])
    return bytes([STX]) + body + bytes([_BLOCK_CHECKS[check](body)])


class _Part(Enum):
    """How far a data message has been received."""

    BEFORE = "before the block"
    FRAMED = "in a framed block"
    UNFRAMED = "in a block without frame"
    COMPLETE = "complete"


class BlockReader:
    """Collect one data message from bytes that come in pieces of any size.

    Noise, an echo of the acknowledgement or a repeated identification before
    the block is skipped. What follows the message is left alone.
    """

    def __init__(self, preamble: bytes = b"") -> None:
        """Begin behind `preamble`: the identification line as received.

        Only a CRC-16 covers it.
        """
        self._preamble = preamble
        self._buffer = bytearray()
        self._part = _Part.BEFORE
        self._start = 0
        self._end = 0
        self._read_to = 0
        self._searched_to = 0
        self._lines_to = 0
        self._message_end = 0
        self._framed = False
        self._check_character: int | None = None
        self._crc: bytes | None = None

    @property
    def started(self) -> bool:
        """Whether the block has begun."""
        return self._part is not _Part.BEFORE

    @property
    def complete(self) -> bool:
        """Whether the end and all of its check are here."""
        return self._part is _Part.COMPLETE

    @property
    def certain(self) -> bool:
        """Whether nothing that may still come changes what verifies the message.

        Behind a block without frame an ETX may show that its STX was lost.
        """
        etx = self.rest.lstrip(LINE_END)
        return self.complete and (self.checked or etx[:1] == bytes([ETX]) != etx)

    @property
    def received(self) -> int:
        """Bytes of the block so far."""
        return len(self._buffer) - self._start if self.started else 0

    @property
    def block(self) -> bytes:
        """The bytes between STX and the exclamation mark, as far as they are here."""
        if not self.started:
            return b""
        end = self._end if self.complete else len(self._buffer)
        return bytes(self._buffer[self._start : end])

    @property
    def checked(self) -> bool:
        """Whether the message carries a check at all."""
        return self._check_character is not None or self._crc is not None

    @property
    def rest(self) -> bytes:
        """What arrived behind the message, or everything while there is none."""
        return bytes(self._buffer[self._message_end :])

    def receive_data(self, data: bytes) -> str:
        """Take seven-bit bytes; return the text of the lines they complete.

        Raises:
            TelegramError: this can never become a data block.

        """
        self._buffer += data
        if self._part is _Part.BEFORE:
            self._find_start()
        if self._part is _Part.FRAMED:
            self._find_end_of_frame()
        elif self._part is _Part.UNFRAMED:
            self._find_end_of_block(END_OF_BLOCK)
        if not self.complete and self.received > MAX_READOUT:
            raise TelegramError(f"no end of the readout within {MAX_READOUT} bytes")
        return self._complete_lines()

    def end_of_data(self) -> str:
        """Say that nothing more comes; return the text that was still open.

        A block without frame may end with a bare exclamation mark, and a frame
        without its block check; both are complete then.
        """
        if self._part is _Part.FRAMED and self._buffer.endswith(bytes([ETX])):
            self._finish_frame(len(self._buffer) - 1)
        for end in (END_OF_BLOCK, _END_OF_CAPTURE):
            if self.started and not self.complete:
                self._searched_to = self._start
                self._find_end_of_block(end)
        if not self.started:
            return ""
        text = _text(self._buffer[self._read_to : self._end if self.complete else None])
        self._read_to = len(self._buffer)
        return text

    def verify(self, check: Check) -> Check:
        """Return what verified the message: a check, or `NONE` where it has none.

        With `NONE` asked for nothing is compared.

        Raises:
            ChecksumError: the check does not match, or the one that is asked for
                is missing.

        """
        if check is Check.NONE:
            return Check.NONE
        if self._framed:
            return self._verify_block_check(check)
        if self._crc is not None:
            return self._verify_crc()
        if self.rest.lstrip(LINE_END)[:1] == bytes([ETX]):
            return self._verify_without_start()
        if check in _BLOCK_CHECKS:
            raise ChecksumError("the data came without the block check that was set")
        return Check.NONE

    def _verify_crc(self) -> Check:
        assert self._crc is not None  # noqa: S101 - for the type checker
        crc = crc16(self._preamble + self._buffer[: self._end] + b"!")
        if int(self._crc, 16) != crc:
            raise ChecksumError(
                f"the telegram arrived damaged: its CRC is {self._crc.decode()},"
                f" expected {crc:04X}"
            )
        return Check.CRC16

    def _verify_without_start(self) -> Check:
        """Verify a block whose STX was lost, or came as another character.

        Its end shows that there was one. What else may have been lost before the
        block shows in the check.
        """
        etx = self._buffer.index(ETX, self._message_end)
        for start in (self._start, self._start + 1):
            span = bytes(self._buffer[start : etx + 1])
            if self._buffer[etx + 1 : etx + 2] == bytes([xor_check(span)]):
                return Check.XOR
        raise ChecksumError("the beginning of the data block was lost")

    def _verify_block_check(self, check: Check) -> Check:
        if self._check_character is None:
            raise ChecksumError("the block check is missing")
        span = bytes(self._buffer[self._start : self._message_end - 1])
        kinds = (check,) if check in _BLOCK_CHECKS else tuple(_BLOCK_CHECKS)
        for kind in kinds:
            if _BLOCK_CHECKS[kind](span) == self._check_character:
                return kind
        raise ChecksumError(
            f"the data arrived damaged: the block check is {self._check_character:02X},"
            f" expected {_BLOCK_CHECKS[kinds[0]](span):02X}"
        )

    def _find_start(self) -> None:
        """Begin at whichever comes first: STX, a data set, or the end mark."""
        match = _START.search(self._buffer)
        if match is None:
            if len(self._buffer) > MAX_NOISE:
                raise TelegramError(
                    f"no data block within {MAX_NOISE} bytes", bytes(self._buffer)
                )
        elif self._buffer[match.start()] == STX:
            self._part = _Part.FRAMED
            self._framed = True
            self._start = match.end()
        else:
            self._part = _Part.UNFRAMED
            if match[0] == b"(":
                self._start = self._begin_of_line(match.start())
        self._read_to = self._searched_to = self._start

    def _begin_of_line(self, position: int) -> int:
        """Return where the line that holds `position` begins, fillers left out."""
        start = 1 + max(
            self._buffer.rfind(b"\n", 0, position),
            self._buffer.rfind(b"\r", 0, position),
        )
        while self._buffer[start] in _FILLERS:
            start += 1
        return start

    def _find_end_of_frame(self) -> None:
        etx = self._buffer.find(ETX, self._searched_to)
        if etx < 0:
            self._searched_to = len(self._buffer)
        elif etx + 1 < len(self._buffer):
            self._check_character = self._buffer[etx + 1]
            self._finish_frame(etx)
        else:
            self._searched_to = etx

    def _finish_frame(self, etx: int) -> None:
        """Close the block at `etx`; the data end at the exclamation mark before."""
        mark = self._buffer.rfind(b"!", self._start, etx)
        last_set = self._buffer.rfind(b")", self._start, etx)
        self._end = mark if mark > last_set else etx
        self._message_end = min(etx + 2, len(self._buffer))
        self._part = _Part.COMPLETE

    def _find_end_of_block(self, end: re.Pattern[bytes]) -> None:
        match = end.search(self._buffer, self._searched_to)
        limit = match.start() if match else len(self._buffer)
        if not self._framed and self._find_late_start(limit):
            self._find_end_of_frame()
        elif match is None:
            # The mark, its digits and the line end may still be cut in two.
            self._searched_to = max(self._start, len(self._buffer) - 6)
        else:
            self._end = match.start()
            self._crc = match[1]
            self._message_end = match.end()
            self._part = _Part.COMPLETE

    def _find_late_start(self, limit: int) -> bool:
        """Begin anew if what was taken for a data set was noise before a frame."""
        stx = self._buffer.find(STX, self._start, self._start + _MAX_LATE_NOISE + 1)
        if not 0 <= stx < limit or self._buffer.find(b")", self._start, stx) >= 0:
            return False
        self._start = stx + 1
        self._read_to = self._searched_to = self._lines_to = self._start
        self._framed = True
        self._part = _Part.FRAMED
        return True

    def _complete_lines(self) -> str:
        """Return the text from where the last call ended to the last line end."""
        if not self.started:
            return ""
        if self.complete:
            end = self._end
        else:
            # The beginning of an open line has been searched before.
            new = max(self._read_to, self._lines_to)
            end = 1 + max(
                self._buffer.rfind(b"\n", new), self._buffer.rfind(b"\r", new)
            )
            self._lines_to = len(self._buffer)
            if end and (mark := END_OF_BLOCK.search(self._buffer, self._read_to)):
                end = min(end, mark.start())
        text = _text(self._buffer[self._read_to : end])
        self._read_to = max(self._read_to, end)
        return text


def _text(data: bytearray) -> str:
    """Return the characters that `data` shows; NULs only fill the line."""
    return data.decode("ascii").replace("\x00", "")
