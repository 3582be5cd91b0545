"""OBIS codes in every form that meters print, and back."""

from hypothesis import given, strategies as st
import pytest

from iec21 import TelegramError
from iec21.obis import ObisCode

GROUP = st.integers(0, 255)


@st.composite
def codes(draw: st.DrawFn) -> ObisCode:
    """Any code that can be printed."""
    a = draw(st.none() | GROUP)
    e = draw(st.none() | GROUP)
    f = draw(st.none() | GROUP)
    # Without an E a fourth group would be read as one, and without an F there
    # is nothing to separate.
    separators = "*" if f is None else "*&" if e is None else "*&."
    return ObisCode(
        a=a,
        b=draw(st.none() | GROUP) if a is not None else None,
        c=draw(GROUP),
        d=draw(GROUP),
        e=e,
        f=f,
        separator=draw(st.sampled_from(separators)),
    )


@given(codes())
def test_printing_and_parsing_are_inverses(code: ObisCode) -> None:
    """What is printed is read as the same code."""
    assert ObisCode.parse(str(code)) == code


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("1-0:1.8.0*255", "1-0:1.8.0*255"),
        ("1-1:1.8.0", "1-1:1.8.0"),
        ("1.8.0", "1.8.0"),
        ("1.8", "1.8"),
        ("1.8*01", "1.8*1"),
        ("0.1.2*03", "0.1.2*3"),
        ("0.1.2&01", "0.1.2&1"),
        ("7-1:1.0", "7-1:1.0"),
        ("0:96.7.19", "0:96.7.19"),
        ("C.1.0", "96.1.0"),
        ("c.1", "96.1"),
        ("0-0:C.1.0*255", "0-0:96.1.0*255"),
        ("L.1", "98.1"),
        ("P.01", "99.1"),
        ("F.F", "97.97"),
        ("F.F.1", "97.97.1"),
        ("FF", "97.97"),
        ("F", "97.97"),
        ("0.5.1.2", "0.5.1.2"),
        ("100700FF", "16.7.0*255"),
        ("0f0880ff", "15.8.128*255"),
        (" 1.8. 0 ", "1.8.0"),
        ("001.008.000", "1.8.0"),
    ],
)
def test_a_code_is_read_in_every_form(text: str, printed: str) -> None:
    """Letters and hexadecimal digits become numbers, zeros and blanks go."""
    assert str(ObisCode.parse(text)) == printed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ET0PE",
        "1",
        "1.",
        "1.8.256",
        "1.8.0*256",
        "256.8",
        "1-0:",
        "C",
        "1.8.0*",
        "²",
    ],
)
def test_what_is_no_code_is_refused(text: str) -> None:
    """Mnemonics, halves of codes and numbers beyond a byte are no OBIS codes."""
    with pytest.raises(TelegramError):
        ObisCode.parse(text)


def test_equality_is_exact() -> None:
    """A reduced code is another code than the full one."""
    assert ObisCode.parse("1.8.0") != ObisCode.parse("1-0:1.8.0")
    assert ObisCode.parse("1.8.0*01") != ObisCode.parse("1.8.0&01")
    assert ObisCode.parse("C.1.0") == ObisCode.parse("96.1.0")


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("1-0:1.8.0*255", "1.8.0", True),
        ("1-0:1.8.0", "1.8.0", True),
        ("1.8", "1.8.0", True),
        ("21.7.255", "21.7.0", True),
        ("1.8.2", "1.8", True),
        ("1.8.2", "1.8.0", False),
        ("1.8.0", "1-0:1.8.0", False),
        ("1-1:1.8.0", "1:1.8.0", True),
        ("1-1:1.8.0", "1-0:1.8.0", False),
        ("1.8.0*12", "1.8.0", True),
        ("1.8.0*12", "1.8.0*96", False),
        ("1.8.0*96", "1.8.0*96", True),
        ("1.8.0", "1.8.0*255", True),
        ("1.8.0", "2.8.0", False),
        ("1.8.0", "1.7.0", False),
    ],
)
def test_a_pattern_ignores_what_it_leaves_out(
    text: str, pattern: str, *, expected: bool
) -> None:
    """A missing or unused E is the total, a missing F the present period."""
    assert ObisCode.parse(text).matches(ObisCode.parse(pattern)) is expected
