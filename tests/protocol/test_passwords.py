"""Passwords: how they are sent, and that they never show."""

import copy
from dataclasses import dataclass, replace

from hypothesis import given, strategies as st
import pytest

from iec21 import Identification, IecError, TelegramError
from iec21.commands import Command
from iec21.exceptions import UnusablePasswordError
from iec21.passwords import ALGORITHMS, DZG, ENERGOMERA, PLAIN, Algorithm, Password

METER = Identification.parse(b"/ABC5X\r\n")


def test_a_plain_password_is_sent_as_it_is() -> None:
    """Whatever the seed; an empty one is a password, too."""
    assert PLAIN.solve("1234567", Password("00000000"), METER) == Command(
        "P1", "(00000000)"
    )
    assert PLAIN.solve("", Password(""), None) == Command("P1", "()")


@pytest.mark.parametrize(
    ("password", "seed", "answer"),
    [
        ("777777", "12345678", "5ED5C89A"),
        ("777777", "00000000", "6E1C65B5"),
        ("777777", "0", "6E1C65B5"),
        ("123456789", "FFFFFFFF", "340BC6D9"),
        ("123456789", "ffffffff", "340BC6D9"),
    ],
)
def test_energomera_starts_a_crc_from_the_seed(
    password: str, seed: str, answer: str
) -> None:
    """The polynomial is the usual one, without the usual inversions."""
    assert ENERGOMERA.solve(seed, Password(password), METER) == Command(
        "P2", f"({answer})"
    )


@pytest.mark.parametrize(
    ("seed", "answer"), [("1A2B3C4D", "E5E51717F9F9"), ("00000000", "323232323232")]
)
def test_dzg_turns_and_shifts_the_characters(seed: str, answer: str) -> None:
    """It goes with P1, although it is computed."""
    assert DZG.solve(seed, Password("222222"), METER) == Command("P1", f"({answer})")


@pytest.mark.parametrize("password", ["", "12345", "1234567"])
def test_dzg_wants_six_characters(password: str) -> None:
    """Nothing is sent then, and the error does not quote what was given."""
    with pytest.raises(UnusablePasswordError, match="six characters") as caught:
        DZG.solve("1A2B3C4D", Password(password), METER)
    assert not password or password not in str(caught.value)


@pytest.mark.parametrize("algorithm", [ENERGOMERA, DZG])
@pytest.mark.parametrize("seed", ["", "XYZ", "123456789", "-1", "0x12", "\u0661"])
def test_a_seed_that_is_no_number_is_refused(algorithm: Algorithm, seed: str) -> None:
    """The meter is another one than it was taken for."""
    with pytest.raises(TelegramError, match="seed"):
        algorithm.solve(seed, Password("222222"), METER)


@given(
    name=st.sampled_from(sorted(ALGORITHMS)),
    seed=st.text(max_size=12),
    text=st.text(max_size=12),
)
def test_any_password_is_sent_or_refused(name: str, seed: str, text: str) -> None:
    """Whatever the user typed and the meter sent."""
    try:
        command = ALGORITHMS[name].solve(seed, Password(text), METER)
    except IecError:
        return
    assert command.to_bytes()[:2] == b"\x01P"


@pytest.mark.parametrize("text", ["(1)", "1)", "é", "\x03", "\n", "\x7f"])
def test_a_password_has_to_fit_into_a_message(text: str) -> None:
    """The error does not quote it."""
    with pytest.raises(UnusablePasswordError, match="printable") as caught:
        Password(text)
    assert text not in str(caught.value)


@dataclass(frozen=True, slots=True)
class Owner:
    """Something that has a password, such as settings."""

    password: Password


def test_a_password_shows_nowhere() -> None:
    """Neither printed nor as part of something that is printed."""
    password = Password("geheim42")
    owner = Owner(password)
    shown = f"{password} {password!r} {password!s} {[password]} {owner} {owner!r}"
    assert "geheim" not in shown
    assert shown.startswith("Password(…)")


def test_equal_passwords_are_equal() -> None:
    """And nothing else is."""
    password = Password("geheim42")
    assert password == Password("geheim42") == copy.copy(password)
    assert password != Password("geheim43")
    assert password != password.reveal()
    assert len({password, Password("geheim42"), Password("")}) == 2
    assert replace(Owner(password), password=Password("")) != Owner(password)


def test_a_mark_tells_that_a_password_was_sent_to_a_meter() -> None:
    """HMAC-SHA-256 with the meter's number as key: it may be stored."""
    mark = Password("Jefe?").mark("00012345")
    assert len(mark) == 64
    assert mark == Password("Jefe?").mark("00012345")
    assert mark != Password("Jefe!").mark("00012345")
    assert mark != Password("Jefe?").mark("00012346")
    # RFC 4231, test case 2.
    assert Password("what do ya want for nothing?").mark("Jefe") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
