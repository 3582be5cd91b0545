r"""Traces and readouts without what names a meter, its owner or its place.

What is secret is found by `secrecy`, and hidden in texts by `masking`; here are
the bytes of whole sessions, and the names that others use.

Rule: lengths stay, and checks change by as much as what they cover, so that a
telegram stays as right or as wrong as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product
import re
from typing import Final, NamedTuple

from .const import ETX, STX
from .exceptions import TelegramError
from .framing import add_parity, crc16, strip_parity, sum_check, xor_check
from .masking import MASK, SECRET_COMMAND, SIGN_ON, mask, redact_text
from .messages import Identification
from .secrecy import (
    FILLERS,
    SEPARATED,
    SHORTEST_SECRET,
    WORD,
    Secrets,
    find_secrets,
    find_similar,
    secrets_of,
)
from .traces import Trace

__all__ = [
    "MASK",
    "SHORTEST_SECRET",
    "mask",
    "redact_text",
    "redact_trace",
    "secrets_of",
]

_OTHER_MASKS: Final = b"XxYy"

# The identification on a line, fillers and noise before it allowed.
_BYTES_OF_LINE = re.compile(rb"[^\r\n]+")
_BEGINNING = re.compile(rb"/(?:[\x00\x7f]*[A-Za-z]){3}")

# A repeated STX begins the block anew. The check is one character by position.
_FRAME = re.compile(rb"\x02([^\x02\x03]*\x03)(.)", re.DOTALL)
_CRC = re.compile(rb"(?<=[\r\n)])!([0-9A-Fa-f]{1,4})(?=[\r\n]|\Z)")


def redact_trace(trace: Trace, known: frozenset[str] = frozenset()) -> Trace:
    """Return a copy of `trace` that may be shown to anybody.

    It plays back like the original: same lengths, same times, and checks that
    are right or wrong as before. `known` are secrets that other sessions with the
    same meter have told (`secrets_of`); a session that failed may hold a part of
    them, or show them damaged.
    """
    received, sent = strip_parity(trace.received), strip_parity(trace.sent)
    secrets = known | _secrets_in(received, sent, known)
    shown = _renew_block_checks(received, _redact_bytes(received, secrets))
    shown = _renew_crcs(received, shown)
    copy = replace(
        trace,
        entries=trace.replaced("receive", _with_parity_of(trace.received, shown)),
    )
    shown = _renew_block_checks(sent, _redact_bytes(sent, secrets))
    return replace(
        copy, entries=copy.replaced("send", _with_parity_of(trace.sent, shown))
    )


def _redact_bytes(data: bytes, secrets: frozenset[str]) -> bytes:
    return redact_text(data.decode("ascii"), secrets).encode("ascii")


def _secrets_in(received: bytes, sent: bytes, known: frozenset[str]) -> frozenset[str]:
    """Find the secrets of everything that passed over the line, seven bits wide."""
    found = Secrets()
    trusted: set[str] = set()
    damaged: list[str] = []
    for match in SIGN_ON.finditer(_separated(sent)):
        found.certain.add(match[2] or match[4])
    for match in SECRET_COMMAND.finditer(sent.decode("ascii")):
        found.certain.add(match[2])
    for segment in _segments(received):
        text = received[segment.body : segment.end].decode("ascii")
        right = _is_right(received, segment)
        one = find_secrets(segment.identification, text, right=right)
        found.certain |= one.certain
        found.doubtful |= one.doubtful
        if right:
            trusted.update(WORD.findall(text.translate(SEPARATED)))
        else:
            damaged.append(text)
    found.doubtful -= trusted
    for text in damaged:
        found.doubtful |= find_similar(text, found.certain | known)
    return frozenset(found.certain | found.doubtful)


def _separated(data: bytes) -> str:
    return data.decode("ascii").translate(SEPARATED)


# -- telegrams and their checks -----------------------------------------------


class _Segment(NamedTuple):
    """What came from one identification up to the next one."""

    identification: Identification | None
    """None for what came before the first."""

    start: int
    """Where the slash is."""

    body: int
    """Where the line of the identification ends."""

    end: int


def _segments(received: bytes) -> Iterator[_Segment]:
    """Cut what was received at its identifications; values may hold a slash."""
    identification, start, body = None, 0, 0
    for line in _BYTES_OF_LINE.finditer(received):
        found = _BEGINNING.search(line[0].partition(b"(")[0])
        if found is None:
            continue
        slash = line.start() + found.start()
        text = received[slash : line.end()].translate(None, bytes(FILLERS))
        with suppress(TelegramError):
            following = Identification.parse(text)
            yield _Segment(identification, start, body, slash)
            identification, start, body = following, slash, line.end()
    yield _Segment(identification, start, body, len(received))


def _is_right(received: bytes, segment: _Segment) -> bool | None:
    """Whether the checks in a segment match for sure; None: there is none."""
    body = received[segment.body : segment.end]
    # The sum of few meters would do, but it fits a block with one damaged bit
    # now and then, and then a code that is wrong would be believed.
    verdicts = [match[2][0] == xor_check(match[1]) for match in _FRAME.finditer(body)]
    if crc := _crc_in(received, segment):
        telegram = received[segment.start : crc.start() + 1]
        verdicts.append(int(crc[1], 16) == crc16(telegram))
    rest = _FRAME.sub(b"", body)
    if STX in rest or (ETX in rest and not verdicts):
        return False
    return all(verdicts) if verdicts else None


def _crc_in(received: bytes, segment: _Segment) -> re.Match[bytes] | None:
    """Find the CRC-16 of a telegram; in a frame "!bad" is only a bad line."""
    if STX in received[segment.body : segment.end]:
        return None
    return _CRC.search(received, segment.body, segment.end)


def _renew_block_checks(original: bytes, redacted: bytes) -> bytes:
    """Change each block check by as much as the redaction has changed what it covers.

    So a check that was right stays right, and one that was wrong stays wrong.
    """
    result = bytearray(redacted)
    for match in _FRAME.finditer(original):
        before, after = match[1], redacted[match.start(1) : match.end(1)]
        check = match[2][0]
        if check == sum_check(before) != xor_check(before):
            check = sum_check(after)
        else:
            check ^= xor_check(before) ^ xor_check(after)
        result[match.start(2)] = check
    return bytes(result)


def _renew_crcs(original: bytes, redacted: bytes) -> bytes:
    """Change each CRC-16 in the same way."""
    result = bytearray(redacted)
    for segment in _segments(original):
        if crc := _crc_in(original, segment):
            _renew_crc(original, result, segment.start, crc)
    return bytes(result)


def _renew_crc(
    original: bytes, result: bytearray, start: int, crc: re.Match[bytes]
) -> None:
    """Change the CRC-16 of the telegram that begins at `start`.

    Some meters leave zeros in front of it out. Where the new one has too many
    digits for their place, other letters mask the number until it fits.
    """
    telegram = slice(start, crc.start() + 1)
    width = len(crc[1])
    hidden = [i for i in range(start, crc.start()) if original[i] != result[i]][:4]
    difference = int(crc[1], 16) ^ crc16(original[telegram])
    value = difference ^ crc16(bytes(result[telegram]))
    for letters in product(_OTHER_MASKS, repeat=len(hidden)):
        if value < 1 << 4 * width:
            break
        for position, letter in zip(hidden, letters, strict=True):
            result[position] = letter
        value = difference ^ crc16(bytes(result[telegram]))
    result[crc.start(1) : crc.end(1)] = f"{value:0{width}X}"[-width:].encode()


def _with_parity_of(original: bytes, redacted: bytes) -> bytes:
    """Put the parity bits of `original` back onto `redacted`."""
    if original == strip_parity(original):
        return redacted
    with_parity = add_parity(redacted)
    return bytes(
        old if old & 0x7F == new & 0x7F else new
        for old, new in zip(original, with_parity, strict=True)
    )
