"""Who a meter is: its ids, and a name that no other one has."""

import pytest

from custom_components.iec62056.iec21.messages import Identification
from custom_components.iec62056.iec21.telegram import DataSet
from custom_components.iec62056.meter import (
    Meter,
    free_title,
    is_nameless,
    plain_address,
)

IDENTIFICATION = Identification.parse(b"/ISk5MT174-0001")


def test_a_number_tells_a_meter_from_all_others() -> None:
    """With its manufacturer, since numbers are given by each."""
    meter = Meter.of(IDENTIFICATION, (DataSet("0.0.0", "0012345678", None),))
    assert meter.unique_id == "ISK_0012345678"
    assert not is_nameless(meter.unique_id)


@pytest.mark.parametrize("address", ["42", "0042"])
def test_type_and_address_stand_in_for_a_number(address: str) -> None:
    """However many zeros the address is written with."""
    meter = Meter.of(IDENTIFICATION)
    assert meter.unique_id is None
    assert meter.nameless_id(address) == "ISK_MT174-0001@42"
    assert is_nameless(meter.nameless_id(address))


def test_without_an_address_there_is_no_id() -> None:
    """Every meter of the type would have the same."""
    assert Meter.of(IDENTIFICATION).nameless_id("") is None
    assert is_nameless(None)


@pytest.mark.parametrize(
    ("address", "plain"), [("", ""), ("0", "0"), ("000", "0"), ("0120", "120")]
)
def test_leading_zeros_of_an_address_do_not_count(address: str, plain: str) -> None:
    """An address of zeros is one all the same."""
    assert plain_address(address) == plain


@pytest.mark.parametrize(
    ("taken", "address", "title"),
    [
        (set(), "7", "Meter"),
        ({"Meter"}, "", "Meter (2)"),
        ({"Meter"}, "007", "Meter 7"),
        ({"Meter", "Meter 7"}, "007", "Meter (2)"),
        ({"Meter", "Meter (2)"}, "1234", "Meter (3)"),
    ],
)
def test_a_title_that_is_taken_is_made_distinct(
    taken: set[str], address: str, title: str
) -> None:
    """By a short address, or else by counting: a long one may be a number."""
    assert free_title("Meter", taken, address) == title
