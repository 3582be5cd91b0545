"""Programming mode on the line: noise, echoes, damage, any size of pieces."""

from typing import Final

from hypothesis import given, strategies as st
import pytest

from iec21 import Check, IecError, TelegramError
from iec21.command_reader import AnswerReader, CommandReader
from iec21.commands import (
    SIGN_OFF,
    SIGN_OFF_BATTERY,
    Answer,
    Command,
    Damaged,
    DataMessage,
    ErrorMessage,
    Operand,
    Receipt,
    SignOff,
)
from iec21.framing import MAX_READOUT, add_parity

READ = Command("R5", "1.8.0()").to_bytes()
VALUE = DataMessage("1.8.0(000123.456*kWh)")

type Sent = Receipt | DataMessage | ErrorMessage | Operand | SignOff

CONVERSATION: Final[list[Sent]] = [
    Operand("00000001"),
    Receipt.ACK,
    VALUE,
    DataMessage("P.01(1)\r\n(1)\r\n", last=False),
    DataMessage("(2)\r\n"),
    ErrorMessage("ER01"),
    Receipt.NAK,
    SignOff(),
]


STREAM_OF_ANSWERS = b"".join(answer.to_bytes() for answer in CONVERSATION)


def read(reader: AnswerReader, data: bytes, piece: int = 4096) -> list[Answer]:
    """Hand bytes to a reader in pieces; return all that it makes of them."""
    return [
        answer
        for index in range(0, len(data), piece)
        for answer in reader.receive_data(data[index : index + piece])
    ]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 4096])
def test_answers_come_in_the_order_sent(piece: int) -> None:
    """Whole, one byte at a time, or cut anywhere."""
    assert read(AnswerReader(), STREAM_OF_ANSWERS, piece) == CONVERSATION


@pytest.mark.parametrize("piece", [1, 4096])
def test_parity_bits_do_not_matter(piece: int) -> None:
    """A port at eight data bits leaves them on."""
    data = add_parity(STREAM_OF_ANSWERS)
    assert read(AnswerReader(), data, piece) == CONVERSATION


@pytest.mark.parametrize(
    "data",
    [
        # The check is ETX, STX, NAK, ACK, EOT, SOH: nothing may look for it.
        b"\x02()\x03\x02",
        *(DataMessage(f"({chr(0x61 ^ n)})").to_bytes() for n in range(0x40)),
    ],
)
def test_the_block_check_is_taken_by_its_position(data: bytes) -> None:
    """It can be any character, and the next message follows it."""
    answers = read(AnswerReader(Check.XOR), data + VALUE.to_bytes(), 1)
    assert answers == [DataMessage(data[1:-2].decode()), VALUE]


@pytest.mark.parametrize("noise", [b"\x00\x00\x7f", b"/?!\r\n", b"(1)", b"q\x03\x04"])
@pytest.mark.parametrize("piece", [1, 4096])
def test_noise_before_a_message_is_skipped(noise: bytes, piece: int) -> None:
    """Whatever stands before the character that begins one."""
    answers = read(AnswerReader(), noise + VALUE.to_bytes(), piece)
    assert answers == [VALUE]


@pytest.mark.parametrize(
    "noise", [b"\x01", b"\x01r5", b"\x01\x06", b"\x01R", b"\x01R51"]
)
def test_a_start_mark_without_a_command_costs_nothing(noise: bytes) -> None:
    """Noise may look like the beginning of one."""
    answers = read(AnswerReader(), noise + VALUE.to_bytes(), 1)
    assert [one for one in answers if not isinstance(one, Receipt)] == [VALUE]


@pytest.mark.parametrize("broken", [b"\x021.8.0(0001", b"\x01P0\x02(12", b"\x02"])
def test_a_message_that_broke_off_costs_only_itself(broken: bytes) -> None:
    """Data hold no start mark, so another message begins there."""
    assert read(AnswerReader(), broken + VALUE.to_bytes(), 1) == [VALUE]


def test_nuls_in_a_message_only_fill_the_line() -> None:
    """They change no block check."""
    data = VALUE.to_bytes().replace(b"(", b"\x00(\x00")
    assert read(AnswerReader(), data) == [VALUE]


@pytest.mark.parametrize("check", [Check.XOR, Check.SUM, Check.AUTO])
@pytest.mark.parametrize("message", [VALUE, Operand("1234"), SignOff()])
def test_a_damaged_message_is_handed_out_as_such(
    check: Check, message: DataMessage | Operand | SignOff
) -> None:
    """It is for the session to ask again; the next message is not lost."""
    own = Check.XOR if check is Check.AUTO else check
    data = bytearray(message.to_bytes(own))
    data[-1] ^= 0x40
    reader = AnswerReader(check)
    assert read(reader, bytes(data), 1) == [Damaged(bytes(data))]
    assert read(reader, VALUE.to_bytes(own)) == [VALUE]


def test_a_check_that_is_to_be_ignored_is_not_compared() -> None:
    """Some meters have never heard of it."""
    assert read(AnswerReader(Check.NONE), b"\x02(1)\x03!") == [DataMessage("(1)")]


def test_the_norms_block_check_is_believed_at_once() -> None:
    """From then on a sum is damage."""
    reader = AnswerReader()
    unknown = reader.check
    assert unknown is Check.AUTO
    assert read(reader, VALUE.to_bytes()) == [VALUE]
    assert reader.check is Check.XOR
    other = VALUE.to_bytes(Check.SUM)
    assert read(reader, other + other) == [Damaged(other), Damaged(other)]


def test_a_sum_is_believed_once_it_was_right_twice() -> None:
    """One damaged message in a hundred has the right one by chance."""
    reader = AnswerReader()
    data = VALUE.to_bytes(Check.SUM)
    assert read(reader, data) == [Damaged(data)]
    unknown = reader.check
    assert unknown is Check.AUTO
    assert read(reader, data) == [VALUE]
    assert reader.check is Check.SUM
    assert read(reader, SignOff().to_bytes(Check.SUM)) == [SignOff()]


def test_a_damaged_message_between_two_sums_starts_the_count_anew() -> None:
    """Twice in a row, that is."""
    reader = AnswerReader()
    data = VALUE.to_bytes(Check.SUM)
    damaged = data[:-1] + bytes([data[-1] ^ 0x15])
    assert read(reader, data + damaged + data) == [
        Damaged(data),
        Damaged(damaged),
        Damaged(data),
    ]


def test_a_check_that_fits_both_kinds_shows_nothing() -> None:
    """The two are equal where no bit is carried."""
    reader = AnswerReader()
    both = b"\x02@\x04\x44"
    assert read(reader, both) == [DataMessage("@", last=False)]
    assert reader.check is Check.AUTO


@pytest.mark.parametrize("piece", [1, 4096])
def test_our_own_echo_is_passed_over(piece: int) -> None:
    """Heads and two-wire loops give back every byte, receipts included."""
    reader = AnswerReader()
    block = DataMessage("(1)\r\n", last=False)
    for sent, answer in (
        (b"\x06051\r\n", Operand("")),
        (READ, block),
        (b"\x06", VALUE),
        (b"\x15", VALUE),
        (SIGN_OFF.to_bytes(), SignOff()),
        (SIGN_OFF_BATTERY.to_bytes(), Receipt.ACK),
    ):
        reader.sent(sent)
        assert read(reader, sent + answer.to_bytes(), piece) == [answer]


def test_without_an_echo_a_receipt_is_the_meters() -> None:
    """A command that did not come back says that nothing does."""
    reader = AnswerReader()
    reader.sent(READ)
    assert read(reader, b"\x15") == [Receipt.NAK]
    reader.sent(b"\x15")
    assert read(reader, b"\x15") == [Receipt.NAK]


def test_a_receipt_may_be_an_echo_as_long_as_nobody_knows() -> None:
    """The first thing that is sent can be a single character."""
    reader = AnswerReader()
    reader.sent(b"\x06")
    assert read(reader, b"\x06" + VALUE.to_bytes()) == [VALUE]
    reader.sent(b"\x06")
    assert read(reader, b"\x06\x06") == [Receipt.ACK]


def test_a_damaged_echo_is_no_answer() -> None:
    """No meter sends a command for reading."""
    reader = AnswerReader()
    reader.sent(READ)
    damaged = READ[:-1] + b"\x00"
    assert read(reader, damaged + VALUE.to_bytes()) == [VALUE]


def test_what_came_before_a_command_is_forgotten() -> None:
    """An answer that broke off can have no end any more."""
    reader = AnswerReader()
    assert read(reader, b"\x021.8.0(0001)\x03") == []
    assert reader.received == b"\x021.8.0(0001)\x03"
    reader.sent(READ)
    assert reader.received == b""
    assert read(reader, VALUE.to_bytes()) == [VALUE]


def test_a_reserved_command_of_a_meter_means_nothing() -> None:
    """`P4` and its like are not defined; a damaged one is damage."""
    data = Command("P4", "(1)").to_bytes()
    assert read(AnswerReader(), data) == []
    assert read(AnswerReader(), data[:-1] + b"\x00") == [Damaged(data[:-1] + b"\x00")]


@pytest.mark.parametrize(
    ("data", "seed"),
    [
        (Operand("83BC249").to_bytes(), "83BC249"),
        (Command("P0").to_bytes(), ""),
        (Command("P0", "(1)", more=True).to_bytes(), "1"),
    ],
)
def test_an_operand_comes_with_or_without_a_seed(data: bytes, seed: str) -> None:
    """Even its data set may be missing, and EOT stand in place of ETX."""
    assert read(AnswerReader(), data) == [Operand(seed)]


def test_an_error_is_told_from_data_by_its_content() -> None:
    """A block with more behind it is data, whatever it holds."""
    assert read(AnswerReader(), b"\x02(#0017)\x03'") == [ErrorMessage("#0017")]
    block = DataMessage("(ER01)", last=False)
    assert read(AnswerReader(), block.to_bytes()) == [block]
    plain = DataMessage("(01)")
    assert read(AnswerReader(), plain.to_bytes()) == [plain]
    reader = AnswerReader(plain_errors=True)
    assert read(reader, plain.to_bytes()) == [ErrorMessage("01")]


def test_a_message_without_an_end_is_given_up() -> None:
    """Memory has its limit; the next message is read again."""
    reader = AnswerReader()
    assert reader.receive_data(b"\x02" + b"1" * (MAX_READOUT - 1)) == []
    with pytest.raises(TelegramError, match="no end"):
        reader.receive_data(b"1")
    assert reader.received == b""
    assert read(reader, VALUE.to_bytes()) == [VALUE]


def test_noise_takes_no_memory() -> None:
    """A line that never stops is dropped as it comes."""
    reader = AnswerReader()
    for _ in range(100):
        assert reader.receive_data(b"\x7f" * 1000) == []
        assert reader.received == b""


@pytest.mark.parametrize("piece", [1, 4096])
def test_a_meter_reads_what_a_client_sends(piece: int) -> None:
    """Commands, receipts between blocks, damage; data are of no client."""
    damaged = READ[:-1] + b"\x00"
    data = (
        b"\x7f"
        + READ
        + b"\x06\x15"
        + damaged
        + VALUE.to_bytes()
        + Command("W3", "0000(1)", more=True).to_bytes()
        + SIGN_OFF.to_bytes()
    )
    reader = CommandReader()
    found = [
        item
        for index in range(0, len(data), piece)
        for item in reader.receive_data(data[index : index + piece])
    ]
    assert found == [
        Command("R5", "1.8.0()"),
        Receipt.ACK,
        Receipt.NAK,
        Damaged(damaged),
        Command("W3", "0000(1)", more=True),
        SIGN_OFF,
    ]


# Bytes that mean something, so that random input gets far.
TELLING = st.sampled_from(
    [b"\x01", b"\x02", b"\x03", b"\x04", b"\x06", b"\x15", b"(1)", b"\x01B0\x03q",
     b"\x01P0\x02(1)\x03P", READ, b"\x02(ER01)\x03\x14", b"\x00", b"R5", b"\r\n"]
)  # fmt: skip
STREAM = st.lists(st.one_of(TELLING, st.binary(max_size=8)), max_size=20)


@given(
    data=STREAM.map(b"".join),
    piece=st.integers(1, 9),
    check=st.sampled_from(Check),
    echo=st.booleans(),
)
def test_how_the_bytes_arrive_makes_no_difference(
    data: bytes, piece: int, check: Check, *, echo: bool
) -> None:
    """And nothing but our own errors leaves either reader."""

    def outcome(size: int) -> object:
        reader = AnswerReader(check)
        meter = CommandReader(check)
        if echo:
            reader.sent(READ)
        try:
            for index in range(0, len(data), size):
                meter.receive_data(data[index : index + size])
            return read(reader, data, size)
        except IecError as error:
            return type(error)

    assert outcome(piece) == outcome(max(1, len(data)))
