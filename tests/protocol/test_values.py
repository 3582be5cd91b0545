"""Numbers and texts as meters print them."""

from decimal import Decimal

from hypothesis import given, strategies as st
import pytest

from iec21.values import (
    decode_number,
    decode_text,
    from_hexadecimal,
    parse_number,
    strip,
)


@pytest.mark.parametrize(
    ("text", "value", "precision"),
    [
        ("0000123.450", "123.450", 3),
        ("0", "0", 0),
        ("000", "0", 0),
        ("-000.12", "-0.12", 2),
        (" 001.23", "1.23", 2),
        ("+12", "12", 0),
        ("- 12", "-12", 0),
        ("000012,5", "12.5", 1),
        (".5", "0.5", 1),
        ("12.", "12", 0),
    ],
)
def test_a_number_is_read_to_its_last_digit(
    text: str, value: str, precision: int
) -> None:
    """With sign, padding, and a point or a comma."""
    assert parse_number(text) == (Decimal(value), precision)


@pytest.mark.parametrize(
    "text", ["", "   ", "---.-", "--", "-", "?????", "12?45", "****", "-.---"]
)
def test_nothing_measured_is_none(text: str) -> None:
    """Dashes, question marks and blanks are no number, and above all not zero."""
    assert parse_number(text) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "ER23",
        "012A.345",
        "12.34,7.30",
        "1,2,3",
        "NaN",
        "Infinity",
        "1_000",
        "1E5",
        "٣",
        "9" * 129,
        "a?b",
    ],
)
def test_what_is_no_number_stays_text(text: str) -> None:
    """Python would take some of these for numbers; a meter does not mean them."""
    assert parse_number(text) == (text, None)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_no_digit_is_lost_or_invented(number: Decimal) -> None:
    """A number that is written out is read back as itself."""
    assert parse_number(f"{number:f}") == (number, 4)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Everything that a meter may send is a number, nothing, or text."""
    parse_number(text)
    from_hexadecimal(text)
    decode_number(text)
    decode_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0000A1B2", "41394"),
        (" ff ", "255"),
        ("12.5", "12.5"),
        ("F" * 33, "F" * 33),
    ],
)
def test_hexadecimal_digits_become_decimal_ones(text: str, expected: str) -> None:
    """Anything else stays, and so does what no counter can hold."""
    assert from_hexadecimal(text) == expected


def test_a_number_in_hexadecimal_text_is_decoded() -> None:
    """A meter that prints its number like this has another on its plate."""
    assert decode_number("45303031323334353637383930") == "E001234567890"


@pytest.mark.parametrize(
    "text",
    [
        "34353637",  # Short: as likely a number as the text "4567".
        "1122334455667788",  # Control characters, so it is a number.
        "621234012D2C0B0C",
        "4530303132333435363738390",  # An odd count of digits.
        "E00443000123456789",  # Bytes beyond ASCII.
        "20202020202020202020",
    ],
)
def test_another_number_is_left_alone(text: str) -> None:
    """Digits stay digits where they do not give letters and digits."""
    assert decode_number(text) == text


def test_a_message_is_decoded_whatever_its_length() -> None:
    """It may hold blanks; what is no hexadecimal text stays."""
    assert decode_text("4869 there") == "4869 there"
    assert decode_text("486920796F75") == "Hi you"
    assert decode_text("0001") == "0001"
    assert decode_text("") == ""


def test_padding_goes() -> None:
    """Blanks and NULs around a value, not those inside."""
    assert strip("  1 2\0") == "1 2"
