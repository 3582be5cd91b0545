"""Other protocols on the same kind of port, told apart by their bytes.

People point this package at meters that speak something else, and see noise.
Naming what it is sends them to the integration that reads it.
"""

from __future__ import annotations

import re
from typing import Final

from .telegram import Check, Readout

SML: Final = "SML"
DLMS: Final = "DLMS"
DSMR: Final = "DSMR"

# An SML file begins with its escape sequence and version 1 (BSI TR-03109-1).
# None of these bytes has bit 7 set, so a port at seven bits shows them too.
_SML_START: Final = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"

# Flag and frame format of an HDLC frame (type 3, no segmentation); its length
# follows in three bits and the next byte. Seven bits are all that may be left.
_HDLC_START = re.compile(rb"\x7e[\x20-\x27\xa0-\xa7][\x00-\xff]")

# The version of the P1 companion standard, in the first lines of its telegrams.
# Other meters use the second code as well, for a number of theirs.
_DSMR_VERSION = re.compile(r"(?:1-3:0\.2\.8|0-0:96\.1\.4)(?:\*255)?")


def recognise(data: bytes | bytearray, *, identified: bool = False) -> str | None:
    """Return the protocol that `data` shows, None if it is none of those known.

    `data` is what a port received, with or without its parity bits. Before an
    identification (`identified`) only SML counts: the frame of DLMS is so short
    that noise may look like one.
    """
    if _SML_START in data:
        return SML
    if identified:
        return None
    for match in _HDLC_START.finditer(data):
        length = (match[0][1] & 0x07) << 8 | match[0][2]
        end = match.start() + 1 + length
        # Nine bytes are an empty frame; the closing flag stands where it says.
        if length >= 7 and data[end : end + 1] == b"\x7e":
            return DLMS
    return None


def recognise_readout(readout: Readout) -> str | None:
    """Return "DSMR" for the telegram of a P1 port, None for any other readout.

    Only P1 ports put a CRC-16 behind a telegram. Those from before DSMR 4 have
    their version alone, and like all of them they wait for no sign-on.
    """
    if readout.check is Check.CRC16:
        return DSMR
    if readout.mode == "D" and any(
        _DSMR_VERSION.fullmatch(data_set.address) for data_set in readout.data_sets
    ):
        return DSMR
    return None
