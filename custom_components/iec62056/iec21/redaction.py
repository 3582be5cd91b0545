"""Traces and readouts without what names a meter, its owner or its place.

Rule: what a register means decides, not what it looks like. A number that an
identity register holds is made unreadable wherever it turns up; lengths stay,
and checks are made anew, so that a redacted telegram is still a valid one.
"""

from __future__ import annotations

from dataclasses import replace
import re
from typing import Final

from .capture import DamagedCaptureError, decode
from .exceptions import TelegramError
from .framing import add_parity, crc16, strip_parity, sum_check, xor_check
from .reading import interpret
from .telegram import Readout
from .traces import Trace

MASK: Final = "X"
"""What each character of a secret becomes; blanks and separators stay."""

SHORTEST_SECRET: Final = 4
"""Shorter texts name nobody, and would make half of a telegram unreadable."""

_FRAME = re.compile(rb"\x02([^\x03]*\x03)(.)", re.DOTALL)
_CRC = re.compile(rb"(/[^!]*!)([0-9A-Fa-f]{1,4})(?=[\r\n])")
_ADDRESS = re.compile(rb"(/[?#0-9])([^!\r\n]+)(!\r\n)")


def secrets_of(readout: Readout) -> frozenset[str]:
    """Return the texts in `readout` that name the meter, its owner or its place.

    Besides the values of identity registers these are their longest runs of
    digits, which some meters repeat elsewhere with other letters around.
    """
    values = {
        data_set.value.strip()
        for reading in interpret(readout)
        if reading.register is not None and reading.register.identity
        for data_set in readout.data_sets
        if data_set.address == reading.address
    }
    runs = {run.lstrip("0") for value in values for run in re.findall(r"\d+", value)}
    return frozenset(text for text in values | runs if len(text) >= SHORTEST_SECRET)


def mask(text: str) -> str:
    """Make `text` unreadable without changing its length or its separators."""
    return re.sub(r"[A-Za-z0-9]", MASK, text)


def redact_text(text: str, secrets: frozenset[str]) -> str:
    """Return `text` with every secret masked, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, mask(secret))
    return text


def redact_trace(trace: Trace) -> Trace:
    """Return a copy of `trace` that may be shown to anybody.

    It plays back like the original: same lengths, same times, valid checks.
    """
    received = strip_parity(trace.received)
    secrets = _secrets_in(received)
    redacted = redact_text(received.decode("ascii"), secrets).encode("ascii")
    redacted = _renew_checks(received, redacted)
    sent = _ADDRESS.sub(
        lambda match: match[1] + mask(match[2].decode("ascii")).encode() + match[3],
        redact_text(strip_parity(trace.sent).decode("ascii"), secrets).encode(),
    )
    copy = replace(
        trace,
        entries=trace.replaced("receive", _with_parity_of(trace.received, redacted)),
    )
    copy.entries = copy.replaced("send", _with_parity_of(trace.sent, sent))
    return copy


def _secrets_in(received: bytes) -> frozenset[str]:
    try:
        return secrets_of(decode(received))
    except DamagedCaptureError as error:
        return secrets_of(error.readout)
    except TelegramError:
        return frozenset()


def _renew_checks(original: bytes, redacted: bytes) -> bytes:
    """Change each check by as much as the redaction has changed what it covers.

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
    for match in _CRC.finditer(original):
        before, after = match[1], redacted[match.start(1) : match.end(1)]
        crc = int(match[2], 16) ^ crc16(before) ^ crc16(after)
        digits = f"{crc:0{len(match[2])}X}"[-len(match[2]) :]
        result[match.start(2) : match.end(2)] = digits.encode()
    return bytes(result)


def _with_parity_of(original: bytes, redacted: bytes) -> bytes:
    """Put the parity bits of `original` back onto `redacted`."""
    if original == strip_parity(original):
        return redacted
    with_parity = add_parity(redacted)
    return bytes(
        old if old & 0x7F == new & 0x7F else new
        for old, new in zip(original, with_parity, strict=True)
    )
