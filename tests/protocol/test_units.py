"""Units in the spelling of every meter."""

from hypothesis import given, strategies as st
import pytest

from iec21.units import split_unit, usual_unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("kWh", "kWh"),
        ("KWh", "kWh"),
        ("KWH", "kWh"),
        ("wh", "Wh"),
        ("kVArh", "kvarh"),
        ("KVAR", "kvar"),
        ("kva", "kVA"),
        ("m3", "m³"),
        ("m3ph", "m³/h"),
        ("M3/H", "m³/h"),
        ("C", "°C"),
        ("{C", "°C"),
        ("m3|h", "m³/h"),
        ("Minutes", "min"),
        ("Mon", "mo"),
        ("K", "K"),
        (" bar", "bar"),
        ("Deg", "°"),
        ("deg", "°"),
        ("GJ", "GJ"),
        ("kHz", "kHz"),
        ("imp/kWh", "imp/kWh"),
        ("P/S", None),
        ("k", None),
        ("", None),
        (None, None),
    ],
)
def test_a_unit_gets_its_usual_spelling(text: str | None, unit: str | None) -> None:
    """Unknown units stay, and those that mean "no unit" go."""
    assert usual_unit(text) == unit


@given(st.text(max_size=16))
def test_a_usual_unit_stays(text: str) -> None:
    """Spelling a unit twice changes nothing more."""
    unit = usual_unit(text)
    assert usual_unit(unit) == unit


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("012345 kWh", ("012345", "kWh")),
        ("123.34kWh", ("123.34", "kWh")),
        ("12 A", ("12", "A")),
        ("83A", ("83A", None)),
        ("123.4", ("123.4", None)),
        ("1 of 2", ("1 of 2", None)),
        ("V1.0", ("V1.0", None)),
        ("", ("", None)),
    ],
)
def test_a_unit_may_stand_in_the_value(
    text: str, parts: tuple[str, str | None]
) -> None:
    """Only a known one is taken off, and a single letter only behind a blank."""
    assert split_unit(text) == parts
