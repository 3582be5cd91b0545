"""Billing periods: how long ago a stored value was taken.

Behind the code of a stored value stands a number, and meters number in
different ways (`Billing`). An age is told only where it follows from the readout
itself; a wrong one would pass last year's value off as last month's.

Three things hold for every meter whose captures say when each period ended: the
youngest period is sent first, the others follow one by one, and places that were
never used are called 00. Where the numbers prove nothing, the times of the resets
do if they are all there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, assert_never

from .profiles import Billing

# 101 is the last one, 102 the one before it; 126 means several (IEC 62056-61).
_AGES_OF_THE_NORM: Final = range(101, 126)

# After 99 comes 00: the counter has two digits (VDEW; IEC 62056-61, group F).
_COUNTER_MODULUS: Final = 100

_NO_ENDS: Final[Mapping[str, datetime]] = MappingProxyType({})


def age_by_number(style: Billing, number: int) -> int | None:
    """Tell how many billing periods ago, where the number alone says so."""
    if number in _AGES_OF_THE_NORM:
        return number - _AGES_OF_THE_NORM.start + 1
    return number if style is Billing.AGE and number else None


def ages(
    style: Billing,
    periods: Mapping[str, int],
    *,
    resets: int | None = None,
    month: int | None = None,
    ends: Mapping[str, datetime] = _NO_ENDS,
) -> dict[str, int]:
    """Tell how many billing periods ago each of `periods` is, 1 the youngest.

    `periods` are those of a whole readout in the order sent: what is printed
    ("*12", "&11") and its number. `resets` is what 0.1.0 counts, `month` the one
    of the meter's clock; None: it did not say. `ends` is when periods ended.
    Periods whose age is not known are missing.
    """
    numbered = _used(list(periods.items()))
    numbers = [number for _period, number in numbered]
    found: dict[str, int] = {}
    if _begins_with_the_youngest(style, numbers, resets, month):
        expected = numbers[0]
        for period, number in numbered:
            if number != expected:
                break
            found[period] = len(found) + 1
            expected = _before(style, number)
    return found or _by_end([period for period, _number in numbered], ends)


def _by_end(periods: list[str], ends: Mapping[str, datetime]) -> dict[str, int]:
    """Put periods in the order of their ends, if each has one of its own."""
    # One meter has one time zone; whatever else it sends must not raise.
    known = {
        ends[period].replace(tzinfo=None): period
        for period in periods
        if period in ends
    }
    if len(known) != len(periods):
        return {}
    return {known[end]: age for age, end in enumerate(sorted(known, reverse=True), 1)}


def _used(numbered: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Leave out the places that were never used.

    Their number is 00, which is a billing period only where 99 comes next.
    """
    following = [number for _period, number in numbered[1:]]
    return [
        (period, number)
        for (period, number), after in zip(numbered, [*following, None], strict=False)
        if number or after == _COUNTER_MODULUS - 1
    ]


def _begins_with_the_youngest(
    style: Billing, numbers: list[int], resets: int | None, month: int | None
) -> bool:
    """Whether the first number is known to be that of the youngest period."""
    if not numbers:
        return False
    first = numbers[0]
    match style:
        case Billing.COUNTER if resets is not None:
            return first == resets % _COUNTER_MODULUS
        case Billing.COUNTER:
            # Numbers that fall are those of a counter or of months; both begin
            # with the youngest.
            return numbers[1:2] == [_before(style, first)]
        case Billing.MONTH:
            # The month that is running if somebody has ended the period by hand.
            return month is not None and first in (month, _before(style, month))
        case Billing.AGE:
            return False
        case _:
            assert_never(style)


def _before(style: Billing, number: int) -> int:
    """Return the number of the period before."""
    if style is Billing.MONTH:
        return number - 1 or 12
    return (number - 1) % _COUNTER_MODULUS
