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
    ("data", "protocol"), [(SML, "SML"), (SNRM, None), (LONGER, None), (b"", None)]
)
def test_a_meter_that_has_identified_itself_is_believed(
    data: bytes, protocol: str | None
) -> None:
    """Noise makes three bytes of HDLC now and then, eight of SML never."""
    assert recognise(data, identified=True) == protocol


@pytest.mark.parametrize("address", ["1-3:0.2.8", "0-0:96.1.4", "0-0:96.1.4*255"])
def test_a_p1_telegram_is_recognised_by_its_version(address: str) -> None:
    """If the meter sent it by itself."""
    assert recognise_readout(readout_of(address, mode="D")) == "DSMR"


@pytest.mark.parametrize("mode", ["A", "B", "C", ""])
def test_whoever_answers_a_sign_on_is_no_p1_port(mode: str) -> None:
    """Elsewhere 0-0:96.1.4 is the fifth number of a meter (IEC 62056-61)."""
    assert recognise_readout(readout_of("0-0:96.1.4", mode=mode)) is None


@pytest.mark.parametrize(
    "address",
    ["0-0:96.1.40", "0-0:96.1.4*1", "10-0:96.1.4", "1-3:0.2.80", "1-3:0x2y8", ""],
)
def test_a_similar_code_is_no_version(address: str) -> None:
    """The whole of it has to be right."""
    assert recognise_readout(readout_of(address, mode="D")) is None


@pytest.mark.parametrize("mode", ["C", "D"])
@pytest.mark.parametrize(
    ("check", "protocol"),
    [(Check.CRC16, "DSMR"), (Check.XOR, None), (Check.NONE, None)],
)
def test_a_p1_telegram_is_recognised_by_its_check(
    mode: str, check: Check, protocol: str | None
) -> None:
    """Nothing else has it."""
    assert recognise_readout(readout_of("1-0:1.8.0", check, mode)) == protocol


def readout_of(address: str, check: Check = Check.NONE, mode: str = "D") -> Readout:
    """Return a readout of one data set."""
    data_set = DataSet(address, "50217")
    return Readout(identification=None, data_sets=(data_set,), check=check, mode=mode)
