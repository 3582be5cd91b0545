"""Where a data message begins and ends, and whether it is whole."""

from functools import reduce
from operator import xor

from hypothesis import given, strategies as st
import pytest

from iec21 import Check, ChecksumError, TelegramError
from iec21.framing import (
    MAX_NOISE,
    MAX_READOUT,
    BlockReader,
    add_parity,
    crc16,
    frame,
    strip_parity,
    sum_check,
    xor_check,
)

BLOCK = b"0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n"


@pytest.mark.parametrize(
    ("message", "check"),
    [
        (b"\x01B0\x03", 0x71),
        (b"\x01B1\x03", 0x70),
        (b"\x01P0\x02()\x03", 0x60),
        (b"\x01P1\x02(00000000)\x03", 0x61),
        (b"\x01R1\x021.8.0()\x03", 0x5A),
        (b"\x01R5\x021.8.0()\x03", 0x5E),
        (b"\x01R1\x023:B04.0(1)\x03", 0x03),
        (b"\x01W4\x02FFFF(012345)\x04", 0x65),
        (b"\x02(0033402.264*kWh)\x03", 0x54),
        (b"\x027-2:302.2(68276.6694*m3)\x03", 0x57),
        (b"\x02!\r\n\x03", 0x25),
        (b"\x02()\x03", 0x02),
    ],
)
def test_the_norms_block_check(message: bytes, check: int) -> None:
    """Exclusive or from behind the first STX or SOH to ETX or EOT."""
    assert xor_check(message[1:]) == check


@pytest.mark.parametrize("size", [0, 1, 2, 3, 63, 64, 65, 127, 128, 129, 5000])
def test_the_norms_block_check_of_any_length(size: int) -> None:
    """However long the message is, every byte of it counts once."""
    message = bytes(value * 89 % 128 for value in range(size))
    assert xor_check(message) == reduce(xor, message, 0)


@pytest.mark.parametrize(
    ("message", "check"),
    [
        (b"\x01B0\x03", 0x75),
        (b"\x01R1\x02HELLO()\x03", 0x4D),
        (b"\x02FREQU(49.96)\r\n\x03", 0x78),
    ],
)
def test_energomeras_block_check(message: bytes, check: int) -> None:
    """The sum of the same characters."""
    assert sum_check(message[1:]) == check


def test_the_crc_of_dsmr() -> None:
    """Polynomial A001, reflected, beginning at zero."""
    assert crc16(b"123456789") == 0xBB3D


def test_parity_is_put_on_and_taken_off() -> None:
    """Even parity in bit 7, as a port at eight data bits shows it."""
    command = bytes.fromhex("81 D2 B2 82 C3 30 30 33 28 A9 03 90")
    assert strip_parity(command) == b"\x01R2\x02C003()\x03\x10"
    assert add_parity(strip_parity(command)) == command


@pytest.mark.parametrize(
    ("check", "end"),
    [
        (Check.XOR, b"!\r\n\x03" + bytes([xor_check(BLOCK + b"!\r\n\x03")])),
        (Check.SUM, b"!\r\n\x03" + bytes([sum_check(BLOCK + b"!\r\n\x03")])),
        (Check.NONE, b"!\r\n"),
    ],
)
def test_a_block_is_framed(check: Check, end: bytes) -> None:
    """With either check, or in the form without frame."""
    start = b"" if check is Check.NONE else b"\x02"
    assert frame(BLOCK, check) == start + BLOCK + end


@pytest.mark.parametrize("check", [Check.AUTO, Check.CRC16])
def test_there_is_no_frame_with_another_check(check: Check) -> None:
    """A mistake of the caller, not of a meter."""
    with pytest.raises(ValueError, match="no block check"):
        frame(BLOCK, check)


@pytest.mark.parametrize("check", [Check.XOR, Check.SUM, Check.NONE])
@pytest.mark.parametrize("before", [b"", b"\x06000\r\n", b"\x7f\x00", b"\r\n"])
@pytest.mark.parametrize("piece", [1, 2, 7, 4096])
def test_a_message_is_read_in_pieces_of_any_size(
    check: Check, before: bytes, piece: int
) -> None:
    """Noise before it is skipped, and what follows it is left alone."""
    data = before + frame(BLOCK, check) + b"\x7f/?!\r\n"
    reader = BlockReader()
    text = "".join(
        reader.receive_data(data[index : index + piece])
        for index in range(0, len(data), piece)
    )
    assert reader.complete
    assert reader.block == BLOCK
    assert text == BLOCK.decode()
    assert reader.verify(Check.AUTO) is check
    assert reader.verify(check) is check
    assert reader.rest.endswith(b"\x7f/?!\r\n")


@pytest.mark.parametrize(
    "value", [0x00, 0x01, 0x02, 0x03, 0x0A, 0x0D, 0x11, 0x15, 0x21]
)
def test_the_block_check_can_be_any_character(value: int) -> None:
    """Line ends, STX, ETX, NAK and the mark included: its place says what it is."""
    filler = xor_check(frame(b"1.8.0( )\r\n")[1:-1]) ^ ord(" ") ^ value
    block = b"1.8.0(" + bytes([filler]) + b")\r\n"
    if filler in b"()\r\n\x02\x03!":
        block = b"1.8.0(@" + bytes([filler ^ ord("@")]) + b")\r\n"
    message = frame(block)
    assert message[-1] == value
    reader = BlockReader()
    reader.receive_data(message)
    assert reader.verify(Check.XOR) is Check.XOR


@pytest.mark.parametrize("check", [Check.AUTO, Check.XOR, Check.SUM])
def test_a_damaged_message_is_refused(check: Check) -> None:
    """Unless the check is to be ignored."""
    reader = BlockReader()
    reader.receive_data(frame(BLOCK).replace(b"kWh", b"kWi"))
    assert reader.complete
    with pytest.raises(ChecksumError, match="arrived damaged"):
        reader.verify(check)
    assert reader.verify(Check.NONE) is Check.NONE


def test_a_frame_that_ends_without_its_check_is_refused() -> None:
    """The last character is missing, so nothing says that the rest is right."""
    reader = BlockReader()
    text = reader.receive_data(frame(BLOCK)[:-1])
    assert not reader.complete
    assert text + reader.end_of_data() == BLOCK.decode()
    assert reader.complete
    assert not reader.checked
    with pytest.raises(ChecksumError, match="missing"):
        reader.verify(Check.AUTO)


def test_a_frame_that_breaks_off_is_not_complete() -> None:
    """What has come is handed out, and nothing more."""
    reader = BlockReader()
    assert reader.receive_data(b"\x02" + BLOCK + b"2.8.0(0") == BLOCK.decode()
    assert reader.received == len(BLOCK) + 7
    assert reader.end_of_data() == "2.8.0(0"
    assert not reader.complete
    assert reader.end_of_data() == ""


def test_a_frame_without_its_end_character_ends_at_the_mark() -> None:
    """Seen in captures whose last two characters were lost."""
    reader = BlockReader()
    reader.receive_data(b"\x02" + BLOCK + b"!\r\n")
    assert not reader.complete
    reader.end_of_data()
    assert reader.complete
    assert reader.block == BLOCK
    with pytest.raises(ChecksumError, match="missing"):
        reader.verify(Check.AUTO)


def test_a_frame_without_mark_ends_at_etx() -> None:
    """Some meters leave the exclamation mark out."""
    body = b"1.8.0(1)\r\n\x03"
    reader = BlockReader()
    assert (
        reader.receive_data(b"\x02" + body + bytes([xor_check(body)])) == "1.8.0(1)\r\n"
    )
    assert reader.verify(Check.AUTO) is Check.XOR


@pytest.mark.parametrize("end", [b"!", b"!\x00", b"!1F2A"])
def test_a_block_without_frame_may_end_with_the_bare_mark(end: bytes) -> None:
    """Nothing follows, so the mark is the end after all."""
    reader = BlockReader()
    reader.receive_data(BLOCK + end)
    assert not reader.complete
    reader.end_of_data()
    assert reader.complete
    assert reader.block == BLOCK


@pytest.mark.parametrize("digits", [b"7C3B", b"7c3b"])
def test_a_dsmr_telegram_is_verified(digits: bytes) -> None:
    """Its CRC covers everything from the slash to the mark."""
    preamble = b"/TST5\\2SYNTHETIC\r\n"
    block = b"\r\n1-0:1.8.1(000123.456*kWh)\r\n"
    crc = f"{crc16(preamble + block + b'!'):04X}".encode()
    assert crc != digits
    reader = BlockReader(preamble)
    reader.receive_data(block + b"!" + crc + b"\r\n")
    assert reader.verify(Check.AUTO) is Check.CRC16
    damaged = BlockReader(preamble)
    damaged.receive_data(block + b"!" + digits + b"\r\n")
    with pytest.raises(ChecksumError, match="its CRC is"):
        damaged.verify(Check.AUTO)


def test_nuls_only_fill_the_line() -> None:
    """Some meters pause with them; they count for the check and nowhere else."""
    block = b"\x001.8.0(\x0012)\r\n\x00"
    reader = BlockReader()
    assert reader.receive_data(frame(block)) == "1.8.0(12)\r\n"
    assert reader.verify(Check.AUTO) is Check.XOR


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_a_bracket_in_noise_does_not_hide_the_frame(piece: int) -> None:
    """What began before STX was no data set."""
    data = b"~(U" + frame(BLOCK)
    reader = BlockReader()
    for index in range(0, len(data), piece):
        reader.receive_data(data[index : index + piece])
    assert reader.block == BLOCK
    assert reader.certain
    assert reader.verify(Check.AUTO) is Check.XOR


def test_only_what_is_checked_is_certain() -> None:
    """Behind a block without frame the rest of a frame may still follow."""
    reader = BlockReader()
    assert not reader.certain
    reader.receive_data(frame(BLOCK)[1:-2])
    assert reader.complete
    assert not reader.certain
    reader.receive_data(frame(BLOCK)[-2:-1])
    assert not reader.certain
    reader.receive_data(frame(BLOCK)[-1:])
    assert reader.certain
    assert reader.verify(Check.AUTO) is Check.XOR


def test_an_empty_readout_is_a_readout() -> None:
    """A meter may have nothing to say, with frame and without."""
    reader = BlockReader()
    assert reader.receive_data(b"\x02!\r\n\x03\x25") == ""
    assert reader.verify(Check.AUTO) is Check.XOR
    bare = BlockReader()
    assert bare.receive_data(b"\r\n!\r\n") == "\r\n"
    assert bare.complete


def test_nothing_has_begun_before_the_first_data() -> None:
    """Noise is counted apart from the readout."""
    reader = BlockReader()
    assert reader.receive_data(b"noise\r\n") == ""
    assert not reader.started
    assert reader.received == 0
    assert reader.block == b""
    assert reader.rest == b"noise\r\n"
    assert reader.end_of_data() == ""


def test_noise_without_end_is_refused() -> None:
    """No meter answers with so many bytes and no data set."""
    with pytest.raises(TelegramError, match="no data block"):
        BlockReader().receive_data(b"x" * (MAX_NOISE + 1))


def test_a_readout_without_end_is_refused() -> None:
    """Memory is bounded whatever the other side sends."""
    reader = BlockReader()
    line = b"1.8.0(1)\r\n" * 10_000
    for _ in range(MAX_READOUT // len(line)):
        reader.receive_data(line)
    with pytest.raises(TelegramError, match="no end of the readout"):
        reader.receive_data(line)


@given(st.binary(max_size=300))
def test_any_bytes_give_text_or_our_error(data: bytes) -> None:
    """And the text never holds more than came."""
    reader = BlockReader()
    text = reader.receive_data(strip_parity(data)) + reader.end_of_data()
    assert len(text) <= len(data)
