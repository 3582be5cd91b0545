"""What a meter was built for: its supply, its transformers, its rating."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
import math
from typing import Final

from .catalog import Medium
from .exceptions import TelegramError
from .messages import Identification
from .obis import SERVICE, ObisCode
from .profiles import profile_for
from .reading import Reading
from .register_table import medium_of
from .telegram import DataSet

_CURRENT_RATIO: Final = ObisCode.parse("0.4.2")
_VOLTAGE_RATIO: Final = ObisCode.parse("0.4.3")
_NOMINAL_VOLTAGE: Final = ObisCode.parse("0.6.0")
# Not 0.6.1: a meter for 5(100) A has a nominal current of 5 A, and takes 100.
_MAXIMUM_CURRENT: Final = ObisCode.parse("0.6.3")

# To volts and amperes.
_FACTORS: Final = {"A": 1, "kA": 1000, "V": 1, "kV": 1000}
_PHASES_MAX: Final = 3


class Supply(StrEnum):
    """Where a meter takes the power from that a readout costs."""

    MAINS = "mains"
    """From the grid. It may be read as often as one likes."""

    BATTERY = "battery"
    """From a battery that has to last for years."""


def supply_of(
    identification: Identification | None, data_sets: Sequence[DataSet] = ()
) -> Supply:
    """Tell what most meters of this kind live on; some heat meters have mains.

    Meters of heat, cooling, water and gas have a battery. Without a profile the
    codes tell what a meter measures, and without them it is electricity.
    """
    profile = profile_for(identification, data_sets)
    if profile.lis200:
        # Its codes are none of the norm; it measures gas, whatever they say.
        return Supply.BATTERY
    media = set(_media(data_sets, profile.medium)) or {profile.medium}
    return Supply.MAINS if Medium.ELECTRICITY in media else Supply.BATTERY


def transformer_ratio(readings: Iterable[Reading]) -> Decimal | None:
    """Return how many times more flows than the meter itself sees.

    This is the ratio of the current transformers (0.4.2) times that of the voltage
    transformers (0.4.3), of which one may be missing; None if both are. It does
    not say whether the registers of the meter already take it into account.
    """
    readings = tuple(readings)
    ratios = [
        ratio
        for code in (_CURRENT_RATIO, _VOLTAGE_RATIO)
        if (ratio := _positive(readings, code)) is not None
    ]
    return math.prod(ratios, start=Decimal(1)) if ratios else None


def rated_power(readings: Iterable[Reading]) -> Decimal | None:
    """Return the most that can flow for long, in kW; None where it is not said.

    This is the nominal voltage (0.6.0) times the maximum current (0.6.3) times
    three phases, whether the meter has one or three, behind its transformers.
    """
    readings = tuple(readings)
    voltage = _positive(readings, _NOMINAL_VOLTAGE)
    current = _positive(readings, _MAXIMUM_CURRENT)
    if voltage is None or current is None:
        return None
    ratio = transformer_ratio(readings) or Decimal(1)
    return voltage * current * _PHASES_MAX * ratio / 1000


def _media(data_sets: Iterable[DataSet], default: Medium) -> Iterable[Medium]:
    """Yield what the codes are about, leaving out those that every meter has."""
    for data_set in data_sets:
        try:
            code = ObisCode.parse(data_set.address)
        except TelegramError:
            continue
        if code.a or (code.a is None and 0 < code.c < SERVICE):
            medium = medium_of(code, default)
            if medium is not None:
                yield medium


def _positive(readings: Iterable[Reading], pattern: ObisCode) -> Decimal | None:
    """Find the present value of a code, if it is a number that makes sense."""
    for reading in readings:
        value = reading.value
        if (
            isinstance(value, Decimal)
            and value > 0
            and reading.billing_period is None
            and _is(reading.code, pattern)
        ):
            return value * _FACTORS.get(reading.unit or "", 1)
    return None


def _is(text: str, pattern: ObisCode) -> bool:
    """Whether the code of a reading is that of `pattern`."""
    try:
        code = ObisCode.parse(text)
    except TelegramError:
        return False
    return code.matches(pattern) and not (code.a == 0 and code.b)
