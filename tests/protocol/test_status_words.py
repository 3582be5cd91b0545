"""Status words, bit by bit."""

from hypothesis import given, strategies as st
import pytest

from iec21 import Identification
from iec21.status_words import Status, StatusLayout, parse_status, status_layout


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("00", Status(0)),
        ("00000000", Status(0)),
        ("01", Status.FATAL_ERROR),
        ("02", Status.RESERVE_EXHAUSTED),
        ("04", Status.DISTURBED),
        ("08", Status.SEASON_CHANGED),
        ("10", Status.RESET),
        ("20", Status.CLOCK_SET),
        ("40", Status.POWER_RETURNED),
        ("80", Status.POWER_FAILED),
        ("00000080", Status.POWER_FAILED),
        ("00000100", Status.SETTINGS_CHANGED),
        ("00002000", Status.LOG_BOOK_DELETED),
        ("00004000", Status.LOAD_PROFILE_DELETED),
        ("00008020", Status.CLOCK_SET | Status.BEFORE_CLOCK_SET),
        ("01000000", Status.VOLTAGE),
        ("80000000", Status.VOLTAGE),
        # The manufacturer's own.
        ("00030000", Status(0)),
        ("c0", Status.POWER_FAILED | Status.POWER_RETURNED),
    ],
)
def test_the_bits_of_vdew_mean_what_happened(text: str, status: Status) -> None:
    """Eight of them, and more in front of them in a long word."""
    assert parse_status(text, StatusLayout.VDEW) == status


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("00", Status(0)),
        ("01", Status.FATAL_ERROR),
        ("02", Status.CLOCK_INVALID),
        ("04", Status.DISTURBED),
        ("08", Status.SUMMER_TIME),
        ("10", Status(0)),
        ("20", Status.CLOCK_SET),
        ("40", Status(0)),
        ("80", Status.POWER_FAILED),
    ],
)
def test_the_bits_of_dlms_mean_something_else(text: str, status: Status) -> None:
    """Summer time is a state there, and set for half of the year."""
    assert parse_status(text, StatusLayout.DLMS) == status


@given(st.text(max_size=12), st.sampled_from(StatusLayout))
def test_any_text_is_read_or_none(text: str, layout: StatusLayout) -> None:
    """Up to eight hexadecimal digits are a word."""
    digits = set(text) <= set("0123456789abcdefABCDEF")
    assert (parse_status(text, layout) is not None) is (digits and 0 < len(text) < 9)


@pytest.mark.parametrize(
    ("line", "layout"),
    [
        (b"/MCS5\\@0050010099999", StatusLayout.DLMS),
        (b"/EMH5\\@01LZQJL9999X", StatusLayout.VDEW),
    ],
)
def test_the_manufacturer_tells_the_layout(line: bytes, layout: StatusLayout) -> None:
    """The width of a word does not."""
    assert status_layout(Identification.parse(line)) is layout
    assert status_layout(None) is StatusLayout.VDEW
