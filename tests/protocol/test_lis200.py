"""LIS-200: addresses, locks, error numbers."""

from dataclasses import replace
import re

from hypothesis import given, strategies as st
import pytest

from iec21 import IecError, TelegramError
from iec21.commands import error_text
from iec21.lis200 import (
    Address,
    Attribute,
    ErrorNumber,
    Lock,
    read_command,
    write_command,
)
from iec21.passwords import Password


@pytest.mark.parametrize(
    ("text", "address", "printed"),
    [
        ("2:302.2", Address(instance=2, number="302", attribute="2"), "2:302.2"),
        ("02:0302.0", Address(instance=2, number="302"), "2:302.0"),
        (
            "7-2:302.2",
            Address(medium=7, instance=2, number="302", attribute="2"),
            "7-2:302.2",
        ),
        ("6:310_1.0", Address(instance=6, number="310", part=1), "6:310_1.0"),
        ("3:b04.0", Address(instance=3, number="B04"), "3:B04.0"),
        ("3:V.A", Address(instance=3, number="V", attribute="A"), "3:V.A"),
        ("1:0.0", Address(instance=1, number="0"), "1:0.0"),
        (" 4:171.0 ", Address(instance=4, number="171"), "4:171.0"),
    ],
)
def test_an_address_is_read_and_printed(
    text: str, address: Address, printed: str
) -> None:
    """Leading zeros and capital letters make no difference."""
    assert Address.parse(text) == address
    assert str(address) == printed
    assert Address.parse(printed) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "1.8.0", "1-0:1.8.0", "0:302.0", "100:302.0", "2:302", "2:30200.0"),
        *(
            "2:302.10",
            "2:302_.0",
            "-2:302.0",
            "2:W.0",
            "2:302.G",
            "(2:302.0)",
            "\u0662:302.0",
        ),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """An OBIS code is none, most of the time."""
    with pytest.raises(TelegramError, match="no address"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ("2:302.0", True),
        ("7-2:302.0", True),
        ("07-02:0302.0", True),
        ("2:302.2", False),
        ("2:303.0", False),
        ("4:302.0", False),
        ("2:302_1.0", False),
    ],
)
def test_an_answer_may_add_the_medium(answer: str, *, fits: bool) -> None:
    """It stands for the same object then."""
    asked = Address.parse("2:302.0")
    assert Address.parse(answer).matches(asked) is fits
    assert asked.matches(Address.parse(answer)) is fits
    assert not Address.parse("6-2:302.0").matches(Address.parse("7-2:302.0"))


def test_values_are_read_and_written_by_their_address() -> None:
    """Each attribute of an object is asked for on its own."""
    volume = Address(instance=4, number="302")
    assert read_command(volume).data == "4:302.0(1)"
    assert read_command(replace(volume, attribute=Attribute.UNIT)).data == "4:302.3(1)"
    assert read_command(Address.parse("3:B04.0")).to_bytes()[-1] == 0x03
    assert write_command(volume, "123.4").to_bytes()[:3] == b"\x01W1"
    with pytest.raises(ValueError, match="cannot be sent"):
        write_command(volume, "\x03")


@pytest.mark.parametrize(
    ("lock", "state", "opening", "closing", "minutes"),
    [
        (Lock.CUSTOMER, "4:170.0", "4:171.0(0)", "4:170.0(0)", "4:174.0"),
        (Lock.SUPPLIER, "3:170.0", "3:171.0(0)", "3:170.0(0)", "3:174.0"),
        (Lock.MANUFACTURER, "2:170.0", "2:171.0(0)", "2:170.0(0)", "2:174.0"),
        (Lock.CALIBRATION, "1:170.0", "1:171.0(0)", "1:170.0(0)", "1:174.0"),
    ],
)
def test_a_lock_is_opened_and_closed(
    lock: Lock, state: str, opening: str, closing: str, minutes: str
) -> None:
    """By writing its code, and a zero to its state."""
    assert str(lock.state) == state
    assert lock.open_command(Password("0")).data == opening
    assert lock.close_command().data == closing
    assert str(lock.closing_time) == minutes


def test_the_commands_of_a_lock_are_the_ones_on_the_line() -> None:
    """With the block checks that devices were seen to take; no code shows."""
    opening = Lock.CUSTOMER.open_command(Password("0"))
    assert opening.to_bytes() == b"\x01W1\x024:171.0(0)\x03q"
    assert Lock.CUSTOMER.close_command().to_bytes() == b"\x01W1\x024:170.0(0)\x03p"
    assert "8765" not in repr(Lock.CUSTOMER.open_command(Password("87654321")))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#0017", ErrorNumber.WRONG_ACCESS_CODE),
        ("#17", ErrorNumber.WRONG_ACCESS_CODE),
        ("(#0001)", ErrorNumber.UNKNOWN_ADDRESS),
        ("#0249", ErrorNumber.ENCODER),
        ("#0007", None),
        ("#0000", None),
        ("ER01", None),
        ("#", None),
        ("0017", None),
        ("#00017", None),
    ],
)
def test_an_error_is_known_by_its_number(text: str, number: ErrorNumber | None) -> None:
    """Digits are compared as a number; unknown ones have no name."""
    assert ErrorNumber.parse(text) is number


def test_every_error_says_what_it_means() -> None:
    """In words of its own, and in the form that devices send."""
    meanings = {number.meaning for number in ErrorNumber}
    assert len(meanings) == len(ErrorNumber) == 28
    for number in ErrorNumber:
        words = error_text(f"(#{number:04})")
        assert words is not None
        assert ErrorNumber.parse(words) is number


def test_errors_tell_what_to_do() -> None:
    """Open a lock, or be content with nothing; a wrong code needs neither."""
    assert [number for number in ErrorNumber if number.wants_lock] == [18, 19, 20]
    assert [number for number in ErrorNumber if number.says_nothing_there] == [
        *(103, 104, 105)
    ]


@given(st.one_of(st.text(max_size=20), st.from_regex(re.compile(r"[-0-9A-FV_.:#]*"))))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but our own errors comes of it."""
    ErrorNumber.parse(text)
    try:
        address = Address.parse(text)
    except IecError:
        return
    assert Address.parse(str(address)) == address
