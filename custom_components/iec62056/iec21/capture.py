r"""Captured telegrams: from a file to the readout in it.

A capture may be the raw bytes of the line, the same as hexadecimal text, a
trace, or text with `<STX>` and its like for control characters. Identification, frame
and check may be there or not, and parts of several telegrams may follow each
other. Nothing here can know time or speed; a live meter is read by `client`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
import re

from .collect import ReadoutCollector
from .const import ACK, EOT, ETX, LINE_END, NAK, SOH, STX
from .exceptions import ChecksumError, OtherProtocolError, TelegramError
from .foreign import recognise
from .framing import strip_parity
from .messages import Identification
from .telegram import Check, Readout
from .traces import Trace, is_trace

_NAMES = {
    "NUL": b"\x00",
    "SOH": bytes([SOH]),
    "STX": bytes([STX]),
    "ETX": bytes([ETX]),
    "EOT": bytes([EOT]),
    "ACK": bytes([ACK]),
    "LF": b"\n",
    "CR": b"\r",
    "CRLF": LINE_END,
    "NAK": bytes([NAK]),
}
_NAME = re.compile(rb"<(" + "|".join(_NAMES).encode() + rb")>", re.IGNORECASE)
_LINE_ENDS_BY_NAME = re.compile(rb"<(?:CR|LF|CRLF)>", re.IGNORECASE)
_HEX = re.compile(rb"\s*(?:[0-9A-Fa-f]{2}[\s,]*)+")


@dataclass(frozen=True, slots=True)
class Capture:
    """A captured readout taken apart, so that a simulated meter can send it."""

    identification: Identification | None
    """None where the capture begins after it."""

    block: bytes
    """All data lines, each with CR LF, without frame and exclamation mark."""


class DamagedCaptureError(ChecksumError):
    """A capture whose check does not match.

    `readout` holds what it says all the same, for people to look at.
    """

    def __init__(self, error: ChecksumError, readout: Readout) -> None:
        """Record what is wrong with the capture and what can be read of it."""
        super().__init__(str(error), error.received)
        self.readout = readout


def normalise(data: bytes) -> bytes:
    """Return the bytes of the line that `data` shows, without parity bits.

    `data` is raw bytes, hexadecimal text, a trace, or text with `<STX>` and its
    like, in which lines that begin with ">>" were sent by the client.

    Raises:
        TelegramError: it is a trace that cannot be read.

    """
    if is_trace(data):
        data = Trace.from_json(data).received
    elif _HEX.fullmatch(data):
        data = bytes.fromhex(re.sub(rb"[\s,]", b"", data).decode())
    elif _NAME.search(data):
        # A block check can be any character, so only line ends are taken off.
        lines = [line.rstrip(b"\r").lstrip() for line in data.split(b"\n")]
        lines = [line.removeprefix(b"<< ") for line in lines if line[:2] != b">>"]
        named = _LINE_ENDS_BY_NAME.search(data)
        text = (b"" if named else LINE_END).join(lines)
        data = _NAME.sub(lambda match: _NAMES[match[1].decode().upper()], text)
    return strip_parity(data)


def decode(data: bytes, check: Check = Check.AUTO) -> Readout:
    """Read a captured readout in any form.

    A capture without check or without end is taken as it is: only what is
    there can be verified, and `Readout.check` says what was.

    Raises:
        DamagedCaptureError: the check does not match; `readout` is on the error.
        OtherProtocolError: it is SML or DLMS.
        TelegramError: there is neither a data set nor an identification in it.

    """
    rest = normalise(data)
    readouts: list[Readout] = []
    errors: list[ChecksumError] = []
    while not readouts or b"(" in rest:
        readout, error, rest = _read_telegram(rest, check)
        readouts.append(readout)
        if error:
            errors.append(error)
    readout = readouts[0] if len(readouts) == 1 else _join(readouts)
    if not readout.data_sets and readout.identification is None:
        if protocol := recognise(normalise(data)):
            raise OtherProtocolError(protocol, data)
        raise TelegramError("there is neither data set nor identification in it", data)
    if errors:
        raise DamagedCaptureError(errors[0], readout)
    return readout


def split_capture(data: bytes) -> Capture:
    """Take a capture apart for a simulated meter.

    Raises:
        TelegramError: there is no data set in it.

    """
    readout = decode(data, Check.NONE)
    if not readout.data_sets:
        raise TelegramError("there is no data set in the capture", data)
    lines = re.split(rb"[\r\n]+", readout.raw.strip(b"\r\n\x00"))
    return Capture(readout.identification, b"".join(line + LINE_END for line in lines))


def _read_telegram(
    data: bytes, check: Check
) -> tuple[Readout, ChecksumError | None, bytes]:
    """Return the first telegram of `data`, what is wrong with it, and the rest."""
    found = Identification.find(data)
    # An identification behind the first data set belongs to the next telegram,
    # unless the bracket is its own: some type names hold brackets.
    if found is None or found[1] > data.find(b"(") >= 0:
        identification, start, end = None, 0, 0
    else:
        identification, start, end = found
    collector = ReadoutCollector(identification, data[start:end])
    message = data[end:]
    collector.receive_data(message)
    if not collector.complete:
        collector.end_of_data()
    error = None
    verified = Check.NONE
    try:
        if collector.reader.checked:
            verified = collector.reader.verify(check)
    except ChecksumError as mismatch:
        error = mismatch
    # Only meters that send by themselves put a blank line there (clause 6.3.4).
    mode = identification.mode if identification else ""
    readout = collector.as_it_is(
        verified,
        mode="D" if mode and message.lstrip(b"\n").startswith(b"\r\n") else mode,
        baud_rate=identification.baud_rate if identification else 0,
    )
    return readout, error, collector.reader.rest if collector.complete else b""


def _join(readouts: list[Readout]) -> Readout:
    """Make one readout of telegrams that followed each other in a capture.

    Who sent them and what verified them is what the first one that knows says.
    """
    knowing = [readout for readout in readouts if readout.identification]
    return replace(
        (knowing or readouts)[0],
        data_sets=tuple(item for readout in readouts for item in readout.data_sets),
        bad_lines=tuple(line for readout in readouts for line in readout.bad_lines),
        raw=b"".join(readout.raw for readout in readouts),
    )
