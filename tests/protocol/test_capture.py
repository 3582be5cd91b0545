"""Captured telegrams in every form that people send them in."""

import pytest

from iec21 import (
    Check,
    DamagedCaptureError,
    DataSet,
    Identification,
    OtherProtocolError,
    TelegramError,
    decode,
)
from iec21.capture import normalise, split_capture
from iec21.framing import add_parity, frame, xor_check

IDENTIFICATION = b"/ABC5METER\r\n"
BLOCK = b"0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n"
DATA_SETS = (DataSet("0.0.0", "12345678"), DataSet("1.8.0", "000123.456", "kWh"))
CAPTURE = IDENTIFICATION + frame(BLOCK)
NOTATION = b"""\
>> /?!<CR><LF>
<< /ABC5METER<CR><LF>
>> <ACK>050<CR><LF>
<< <STX>0.0.0(12345678)<CR><LF>
<< 1.8.0(000123.456*kWh)<CRLF>!<CRLF><ETX>"""


@pytest.mark.parametrize(
    "data",
    [
        CAPTURE,
        b"\x7f/?!\r\n" + CAPTURE + b"\x7f",
        IDENTIFICATION + b"\x06050\r\n" + frame(BLOCK),
        add_parity(CAPTURE),
        CAPTURE.hex().encode(),
        CAPTURE.hex(" ").upper().encode() + b"\n",
        add_parity(CAPTURE).hex("\n", 16).encode(),
        NOTATION + CAPTURE[-1:],
    ],
)
def test_every_form_gives_the_same_readout(data: bytes) -> None:
    """Raw bytes, with parity, hexadecimal text, or names for control characters."""
    readout = decode(data)
    assert readout.identification == Identification.parse(IDENTIFICATION)
    assert readout.data_sets == DATA_SETS
    assert readout.check is Check.XOR
    assert (readout.mode, readout.baud_rate) == ("C", 9600)
    assert readout.raw == BLOCK


@pytest.mark.parametrize(
    "data",
    [
        BLOCK,
        BLOCK + b"!\r\n",
        BLOCK.replace(b"\r\n", b"\n"),
        b"\x02" + BLOCK,
        b"\x02" + BLOCK + b"!\r\n\x03",
        b"<STX>0.0.0(12345678)\n1.8.0(000123.456*kWh)\n",
    ],
)
def test_parts_of_a_telegram_are_read_unverified(data: bytes) -> None:
    """Without identification, frame, end or check: what is there is read."""
    readout = decode(data)
    assert readout.identification is None
    assert readout.data_sets == DATA_SETS
    assert readout.check is Check.NONE
    assert (readout.mode, readout.baud_rate) == ("", 0)


def test_telegrams_that_follow_each_other_are_joined() -> None:
    """The first may lack its beginning, as when a stream is entered."""
    data = b"0(1\r\n1.8.0(1)\r\n!\r\n" + IDENTIFICATION + b"\r\n1.8.0(2)\r\n!\r\n"
    readout = decode(data)
    assert readout.identification is not None
    assert readout.data_sets == (DataSet("1.8.0", "1"), DataSet("1.8.0", "2"))
    assert readout.bad_lines == ("0(1",)


def test_a_blank_line_behind_the_identification_is_mode_d() -> None:
    """Only meters that send by themselves put one there."""
    assert decode(IDENTIFICATION + b"\r\n" + BLOCK + b"!\r\n").mode == "D"


def test_a_damaged_capture_is_shown_all_the_same() -> None:
    """The error holds what can be read, and says what is wrong."""
    with pytest.raises(DamagedCaptureError, match="arrived damaged") as caught:
        decode(CAPTURE.replace(b"123.456", b"123.457"))
    assert caught.value.readout.data_sets[1].value == "000123.457"
    assert caught.value.readout.check is Check.NONE
    assert decode(CAPTURE.replace(b"6*", b"7*"), Check.NONE).check is Check.NONE


def test_an_identification_alone_is_a_capture() -> None:
    """It says who answered, if nothing else."""
    readout = decode(b"<< /POZ4METER*<CR><LF>\n")
    assert readout.identification is not None
    assert readout.identification.text == "METER*"
    assert readout.data_sets == ()


def test_another_protocol_is_named() -> None:
    """A user who captured SML is told so."""
    with pytest.raises(OtherProtocolError, match="SML"):
        decode(b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01\x76\x05")


@pytest.mark.parametrize("data", [b"", b"hello world", b"\x1b\x1b\x1b\x1b"])
def test_what_is_no_telegram_is_refused(data: bytes) -> None:
    """One sentence says so."""
    with pytest.raises(TelegramError, match="neither data set nor identification"):
        decode(data)


def test_brackets_in_a_type_name_do_not_hide_the_identification() -> None:
    """Some manufacturers print them there."""
    readout = decode(b"/MKS6<2>ADM(M550.2251)\r\n" + frame(BLOCK))
    assert readout.identification is not None
    assert readout.identification.text == "<2>ADM(M550.2251)"
    assert readout.data_sets == DATA_SETS


def test_a_capture_is_taken_apart_for_a_simulated_meter() -> None:
    """Line ends are made whole, the check is made anew, nothing else changes."""
    capture = split_capture(
        b"/ABC5METER\n\x020.0.0(12345678)\n1.8.0(000123.456*kWh)\n!\n\x03?"
    )
    assert capture.identification == Identification.parse(IDENTIFICATION)
    assert capture.block == BLOCK


def test_a_capture_without_data_is_no_meter() -> None:
    """There would be nothing to send."""
    with pytest.raises(TelegramError, match="no data set"):
        split_capture(IDENTIFICATION)


@pytest.mark.parametrize("check", [0x0B, 0x0C, 0x20])
def test_a_block_check_that_looks_like_a_blank_stays(check: int) -> None:
    """In notation too, where it is the last character of its line."""
    filler = xor_check(frame(b"1.8.0()\r\n")[1:-1]) ^ check
    block = b"1.8.0(" + bytes([filler ^ ord("@"), ord("@")]) + b")\r\n"
    message = frame(block)
    assert message[-1] == check
    named = message.replace(b"\x02", b"<STX>").replace(b"\r\n", b"<CRLF>")
    named = named.replace(b"\x03", b"<ETX>") + b"\n"
    assert decode(named).check is Check.XOR


def test_text_that_happens_to_be_digits_is_hexadecimal() -> None:
    """A telegram always holds brackets, so nothing is lost by that."""
    assert normalise(b"2f 41\n42,43") == b"/ABC"
