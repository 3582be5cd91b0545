"""The messages of programming mode, to bytes; the block checks are the norm's."""

import pytest

from iec21 import Check
from iec21.commands import (
    SIGN_OFF,
    SIGN_OFF_BATTERY,
    Command,
    Damaged,
    DataMessage,
    ErrorMessage,
    Operand,
    Receipt,
    SignOff,
    error_text,
    write_in_blocks,
)


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (Command("P1", "()"), b"\x01P1\x02()\x03a"),
        (Command("P1", "(00000000)"), b"\x01P1\x02(00000000)\x03a"),
        (Command("P2", "(5ED5C89A)"), b"\x01P2\x02(5ED5C89A)\x03`"),
        (Command("R1", "1.8.0()"), b"\x01R1\x021.8.0()\x03Z"),
        (Command("R1", "2.8.0()"), b"\x01R1\x022.8.0()\x03Y"),
        (Command("R1", "3:B04.0(1)"), b"\x01R1\x023:B04.0(1)\x03\x03"),
        (Command("R1", "100700FF()"), b"\x01R1\x02100700FF()\x03e"),
        (Command("R1", "0F0880FF()"), b"\x01R1\x020F0880FF()\x03\x15"),
        (Command("R2", "C003()"), b"\x01R2\x02C003()\x03\x10"),
        (
            Command("R3", "3:V.0(3;2003-09-15,00:00:00;;1)"),
            b"\x01R3\x023:V.0(3;2003-09-15,00:00:00;;1)\x039",
        ),
        (Command("R3", "0000(93)"), b"\x01R3\x020000(93)\x03k"),
        (Command("R4", "C003()"), b"\x01R4\x02C003()\x03\x16"),
        (Command("R5", "1.8.0()"), b"\x01R5\x021.8.0()\x03^"),
        (Command("R5", "0.0.0()"), b"\x01R5\x020.0.0()\x03W"),
        (Command("R6", "P.01(;)"), b"\x01R6\x02P.01(;)\x03\x20"),
        (Command("W1", "4:171.0(0)"), b"\x01W1\x024:171.0(0)\x03q"),
        (Command("W1", "4:170.0(0)"), b"\x01W1\x024:170.0(0)\x03p"),
        (Command("W2", "D110()"), b"\x01W2\x02D110()\x03\x11"),
        (Command("W3", "0000(1)", more=True), b"\x01W3\x020000(1)\x04R"),
        (Command("W4", "FFFF(012345)", more=True), b"\x01W4\x02FFFF(012345)\x04e"),
        (Command("W4", "(F01234)"), b"\x01W4\x02(F01234)\x03\x11"),
        (
            Command("W5", "0.9.2(0171021)(00000000)"),
            b"\x01W5\x020.9.2(0171021)(00000000)\x03l",
        ),
        (Command("E2", "0001()"), b"\x01E2\x020001()\x03v"),
        (SIGN_OFF, b"\x01B0\x03q"),
        (SIGN_OFF_BATTERY, b"\x01B1\x03p"),
    ],
    ids=repr,
)
def test_every_command_of_a_client_is_written(command: Command, data: bytes) -> None:
    """With the exclusive or of what follows SOH, STX and end mark included."""
    assert command.to_bytes() == data


@pytest.mark.parametrize(
    ("command", "check"),
    [
        (SIGN_OFF, 0x75),
        (SIGN_OFF_BATTERY, 0x76),
        (Command("R1", "HELLO()"), 0x4D),
        (Command("R1", "ET0PE()"), 0x37),
        (Command("R1", "FREQU()"), 0x5C),
        (Command("R1", "EMD01(0.0,1)"), 0x7B),
        (Command("P1", "(777777)"), 0x21),
    ],
    ids=repr,
)
def test_a_sum_can_stand_in_place_of_the_block_check(
    command: Command, check: int
) -> None:
    """Energomera's meters take nothing else."""
    assert command.to_bytes(Check.SUM)[-1] == check


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (Operand(""), b"\x01P0\x02()\x03`"),
        (Operand("00000000"), b"\x01P0\x02(00000000)\x03`"),
        (Operand("1234567"), b"\x01P0\x02(1234567)\x03P"),
        (DataMessage("(0033402.264*kWh)"), b"\x02(0033402.264*kWh)\x03T"),
        (DataMessage("(0000013.465*kWh)"), b"\x02(0000013.465*kWh)\x03W"),
        (
            DataMessage("7-2:302.2(68276.6694*m3)"),
            b"\x027-2:302.2(68276.6694*m3)\x03W",
        ),
        (DataMessage("!\r\n"), b"\x02!\r\n\x03%"),
        (DataMessage("()"), b"\x02()\x03\x02"),
        (DataMessage("100700FF(00005.3)"), b"\x02100700FF(00005.3)\x03,"),
        (ErrorMessage("ER01"), b"\x02(ER01)\x03\x14"),
        (SignOff(), b"\x01B0\x03q"),
    ],
    ids=repr,
)
def test_every_answer_of_a_meter_is_written(
    message: Operand | DataMessage | ErrorMessage | SignOff, data: bytes
) -> None:
    """A simulated meter writes what the reader of a client reads."""
    assert message.to_bytes() == data


def test_a_block_in_the_middle_ends_with_another_mark() -> None:
    """Its check includes the EOT, not an ETX in its place."""
    rest = "(2003-09-15,08:00:00)(68098.2725)(68152.404)(71567)(71625)(1.00775)(9.95)"
    text = f"(9255)(7685){rest}(1)(0.95962)(0)(0)(0)(0)(15)(0x8104)(CRC Ok)"
    data = DataMessage(text, last=False).to_bytes()
    assert data[-2:] == b"\x04\x23"


def test_a_sum_is_written_for_a_meter_as_well() -> None:
    """Answers of Energomera's meters carry it, with a line end before ETX."""
    assert DataMessage("FREQU(49.96)\r\n").to_bytes(Check.SUM)[-1] == 0x78
    assert Operand("83BC249").to_bytes(Check.SUM)[-1] == 0x65
    assert ErrorMessage("ERR12").to_bytes(Check.SUM) == b"\x02(ERR12)\x03\x20"
    assert SignOff().to_bytes(Check.SUM) == b"\x01B0\x03u"


def test_a_receipt_is_a_single_character() -> None:
    """Without a block check."""
    assert Receipt.ACK.to_bytes() == b"\x06"
    assert Receipt.NAK.to_bytes() == b"\x15"


def test_a_long_write_is_cut_into_blocks() -> None:
    """The first one has the address, the last one an ETX (clause 6.4.7)."""
    blocks = [block.to_bytes() for block in write_in_blocks("W4", "FFFF", "0123456", 3)]
    assert [block[:-1] for block in blocks] == [
        b"\x01W4\x02FFFF(012)\x04",
        b"\x01W4\x02(345)\x04",
        b"\x01W4\x02(6)\x03",
    ]


@pytest.mark.parametrize("value", ["", "0", "012345"])
def test_a_write_that_fits_is_one_block(value: str) -> None:
    """An empty value erases what stands there, and is a block, too."""
    assert list(write_in_blocks("W3", "0000", value, 6)) == [
        Command("W3", f"0000({value})")
    ]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (Command("P1", "(87654321)"), "Command('P1', '(…)', more=False)"),
        (
            Command("W5", "0.9.2(0171021)(87654321)"),
            "Command('W5', '0.9.2(…)', more=False)",
        ),
        (Command("R5", "1.8.0()"), "Command('R5', '1.8.0()', more=False)"),
        (SIGN_OFF, "Command('B0', None, more=False)"),
    ],
)
def test_a_password_does_not_show(command: Command, shown: str) -> None:
    """Neither that of a session nor one in a write; the rest does."""
    assert repr(command) == shown
    assert "8765" not in f"{command}"
    assert command.secret is ("…" in shown)


@pytest.mark.parametrize("name", ["", "R", "r5", "R55", "5R", "R\x03"])
def test_a_command_has_a_letter_and_a_digit(name: str) -> None:
    """Anything else is no command of the norm or of a manufacturer."""
    with pytest.raises(ValueError, match="letter and a digit"):
        Command(name)


@pytest.mark.parametrize("data", ["1.8.0()\x03", "\x01", "(\x02)", "\x04", "(é)"])
def test_a_command_cannot_break_out_of_its_frame(data: str) -> None:
    """What a user types is not sent as control characters."""
    with pytest.raises(ValueError, match="cannot be sent"):
        Command("R5", data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(ER01)", "ER01"),
        ("(ER11)", "ER11"),
        ("(ERR12)", "ERR12"),
        ("(ERROR)", "ERROR"),
        ("(ERROR04)", "ERROR04"),
        ("(ERROR: no such register)", "ERROR: no such register"),
        ("(Error 4)", "Error 4"),
        ("(ER)", "ER"),
        ("((ER11))", "ER11"),
        ("(#0017)", "#0017"),
        ("(#1)", "#1"),
        ("(ER01)\r\n", "ER01"),
    ],
)
def test_an_error_message_is_known_by_its_words(text: str, words: str) -> None:
    """In every form that meters have been seen to send."""
    assert error_text(text) == words


@pytest.mark.parametrize(
    "text",
    [
        *("", "()", "(01)", "(0033402.264*kWh)", "(ERNA)", "(ERIK01)", "(#)", "(#A)"),
        *("P.01(ERROR)", "1.8.0(ER11)", "(ER01)(ER02)", "((ER01)", "(ER01))"),
        f"(ER{'1' * 40})",
    ],
)
def test_data_are_no_error_message(text: str) -> None:
    """A value with an address is one, and so is a name."""
    assert error_text(text) is None


def test_two_digits_are_an_error_where_a_profile_says_so() -> None:
    """NEVA's meters leave out the letters."""
    assert error_text("(01)", plain=True) == "01"
    assert error_text("(00005.3)", plain=True) is None
    assert error_text("(ER01)", plain=True) == "ER01"


def test_a_damaged_message_does_not_show_what_it_holds() -> None:
    """It may be anything, an identification number included."""
    assert "1234" not in repr(Damaged(b"\x020.0.0(12345678)\x03\x00"))
