"""Other protocols are told apart by their bytes."""

import pytest

from iec21 import Check, DataSet, Readout
from iec21.foreign import recognise, recognise_readout
from iec21.framing import strip_parity

SML = bytes.fromhex("00 1b1b1b1b 01010101 76 05 00000001")
# An SNRM frame and an information frame, synthetic, each with its two flags.
SNRM = bytes.fromhex("7e a007 03 21 93 0f01 7e")
LONGER = bytes.fromhex("7e a00a 0002 23 41 93 1234 56 7e")


@pytest.mark.parametrize("before", [b"", b"\xff\x00", b"~"])
@pytest.mark.parametrize(
    ("data", "protocol"), [(SML, "SML"), (SNRM, "DLMS"), (LONGER, "DLMS")]
)
def test_a_protocol_is_recognised(data: bytes, protocol: str, before: bytes) -> None:
    """Behind noise, and where the port has taken bit 7 off."""
    assert recognise(before + data) == protocol
    assert recognise(before + strip_parity(data)) == protocol


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"/ISk5MT174-0001\r\n",
        b"\x1b\x1b\x1b\x1b\x1a",
        SNRM[:-1],
        b"~ ~~~",
        b"~\x20\x05abc~",
    ],
)
def test_nothing_else_is_taken_for_one(data: bytes) -> None:
    """Least of all the norm itself."""
    assert recognise(data) is None


@pytest.mark.parametrize(
    ("data_set", "check", "protocol"),
    [
        (DataSet("1-3:0.2.8", "50"), Check.NONE, "DSMR"),
        (DataSet("0-0:96.1.4", "50217"), Check.NONE, "DSMR"),
        (DataSet("1-0:1.8.0", "1", "kWh"), Check.CRC16, "DSMR"),
        (DataSet("1-0:1.8.0", "1", "kWh"), Check.XOR, None),
    ],
)
def test_a_p1_telegram_is_recognised(
    data_set: DataSet, check: Check, protocol: str | None
) -> None:
    """By its version, or by the check that nothing else has."""
    readout = Readout(identification=None, data_sets=(data_set,), check=check)
    assert recognise_readout(readout) == protocol
