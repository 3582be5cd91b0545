"""Passwords are hidden while logs and traces are written."""

from hypothesis import given, strategies as st
import pytest

from iec21.commands import Command
from iec21.concealing import MAX_HELD, Concealer, conceal
from iec21.framing import add_parity
from iec21.telegram import Check

PASSWORD = Command("P1", "(12345678)").to_bytes()
HIDDEN = Command("P1", "(XXXXXXXX)").to_bytes()


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (PASSWORD, HIDDEN),
        (add_parity(PASSWORD), add_parity(HIDDEN)),
        (
            Command("P2", "(5ED5C89A)").to_bytes(Check.SUM),
            Command("P2", "(XXXXXXXX)").to_bytes(Check.SUM),
        ),
        (
            Command("W5", "0.9.1(1)(00000000)").to_bytes(),
            Command("W5", "0.9.1(X)(XXXXXXXX)").to_bytes(),
        ),
        (
            Command("W1", "4:171.0(1234)").to_bytes(),
            Command("W1", "4:171.0(XXXX)").to_bytes(),
        ),
        # Half of one, one without its SOH, and one with a wrong block check.
        (PASSWORD[:9], HIDDEN[:9]),
        (PASSWORD[1:], HIDDEN[1:]),
        (PASSWORD[:-1] + b"?", HIDDEN[:-1] + b"?"),
        # Nothing to hide.
        (b"/?!\r\n", b"/?!\r\n"),
        (b"\x01P0\x02(1234567)\x03P", b"\x01P0\x02(1234567)\x03P"),
        (b"\x01R1\x021.8.0()\x03Z", b"\x01R1\x021.8.0()\x03Z"),
        (b"\x01B0\x03q", b"\x01B0\x03q"),
    ],
)
def test_a_secret_keeps_its_length_and_the_message_its_check(
    data: bytes, shown: bytes
) -> None:
    """What is sent can be told from what is shown by nothing else."""
    assert conceal(data) == shown
    assert len(shown) == len(data)


@given(st.data(), st.booleans())
def test_an_echo_is_hidden_however_it_arrives(data: st.DataObject, noise: bool) -> None:  # noqa: FBT001
    """Pieces of any size, with noise around them."""
    line = b"kW\x7f" * noise + PASSWORD + b"\x06" + b"\x021.8.0(1*kW)\x03" + b"P1"
    concealer = Concealer()
    assert concealer.sent(PASSWORD) == HIDDEN
    shown = b""
    while line:
        size = data.draw(st.integers(1, len(line)))
        shown += concealer.received(line[:size])
        line = line[size:]
        assert b"123" not in shown
    shown += concealer.rest()
    assert shown.endswith(HIDDEN + b"\x06" + b"\x021.8.0(1*kW)\x03" + b"P1")
    assert concealer.rest() == b""


@given(st.integers(0, len(PASSWORD)), st.integers(0, len(PASSWORD)))
def test_an_echo_that_is_interrupted_is_hidden_as_well(first: int, second: int) -> None:
    """Whoever wants to see the rest does not see more than there is."""
    concealer = Concealer()
    concealer.sent(PASSWORD)
    first, second = sorted((first, second))
    shown = concealer.received(PASSWORD[:first]) + concealer.rest()
    shown += concealer.received(PASSWORD[first:second]) + concealer.rest()
    shown += concealer.received(PASSWORD[second:] + b"\x06") + concealer.rest()
    assert len(shown) == len(PASSWORD) + 1
    assert shown[:-2] == HIDDEN[:-1]


def test_without_a_secret_nothing_is_held_back() -> None:
    """What came is shown at once."""
    concealer = Concealer()
    assert concealer.sent(b"/?!\r\n") == b"/?!\r\n"
    assert concealer.received(b"kW") == b"kW"


def test_what_does_not_end_is_not_held_back_for_ever() -> None:
    """It is hidden all the same."""
    concealer = Concealer()
    concealer.sent(PASSWORD)
    assert concealer.received(PASSWORD[:8]) == b"\x01"
    shown = concealer.received(b"9" * MAX_HELD)
    assert shown == b"P1\x02(" + b"X" * (MAX_HELD + 3)
