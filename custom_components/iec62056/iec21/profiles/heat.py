"""Heat meters that print the short codes of EDIS.

There 6 is not a quadrant but heat, so the codes mean other things than those
of an electricity meter: Landis+Gyr's (once Siemens') Ultraheat and Kamstrup's
Multical.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from ..catalog import Measure, Medium, Quantity, Register
from .base import Billing, MeterProfile


def _heat(
    code: str,
    key: str,
    quantity: Quantity,
    unit: str | None = None,
    measure: Measure = Measure.TOTAL,
) -> Register:
    """Row of a heat meter."""
    return Register(
        code=code,
        key=key,
        quantity=quantity,
        measure=measure,
        unit=unit,
        medium=Medium.HEAT,
    )


def _with_tariffs(row: Register) -> Iterator[Register]:
    """Write a row for the total and for every tariff."""
    yield row
    yield replace(
        row,
        code=row.code.removesuffix("0") + "{tariff}",
        key=row.key + "_tariff_{tariff}",
    )


def _number(code: str, key: str) -> Register:
    """Row of a number that names the meter or its owner."""
    return replace(
        _heat(code, key, Quantity.IDENTIFIER, measure=Measure.FIXED), identity=True
    )


_TEMPERATURES: Final = tuple(
    _heat("9.4.0", key, Quantity.TEMPERATURE, "°C", Measure.MAXIMUM)
    for key in ("flow_temperature_maximum", "return_temperature_maximum")
)

HEAT_METER: Final = MeterProfile(
    name="Heat meter (Ultraheat, Multical)",
    manufacturers=("LUG", "SIE"),
    identification=r"UH|T[25]|2WR",
    evidence=(
        *("LUG_UH50_1.txt", "LUG_T550_1_GJ.txt", "LUG_2WR5_1_GJ.txt"),
        *("SIE_2WR5_2_modeD.txt", "KAM_multical_1.txt"),
    ),
    samples=("landisgyr_ultraheat",),
    medium=Medium.HEAT,
    # *01 is the last year, which ended on the due date. There is no 0.1.0.
    billing=Billing.AGE,
    registers=(
        *_with_tariffs(_heat("6.8.0", "heat_energy", Quantity.HEAT_ENERGY)),
        *_with_tariffs(_heat("6.26.0", "heat_volume", Quantity.HEAT_VOLUME, "m³")),
        _heat(
            "6.6.0", "heat_power_maximum", Quantity.HEAT_POWER, "kW", Measure.MAXIMUM
        ),
        _heat(
            "6.33.0", "heat_flow_maximum", Quantity.VOLUME_FLOW, "m³/h", Measure.MAXIMUM
        ),
        _heat("6.31.0", "operating_time", Quantity.DURATION, "h"),
        _heat("6.32.0", "fault_time", Quantity.DURATION, "h"),
        _heat("6.35.0", "demand_period", Quantity.DURATION, "min", Measure.FIXED),
        # The due date: month and day, and for *02 the day of every month.
        _heat("6.36.0", "due_date", Quantity.TEXT, measure=Measure.FIXED),
        _heat(
            "6.36.{number}",
            "maximum_date_number_{number}",
            Quantity.DATE,
            measure=Measure.MAXIMUM,
        ),
        # Two water meters may be connected to pulse inputs.
        _heat(
            "8.26.{number}", "pulse_volume_number_{number}", Quantity.WATER_VOLUME, "m³"
        ),
        _number("9.0.{number}", "pulse_meter_number_{number}"),
        _heat("9.1.0", "firmware_version", Quantity.TEXT, measure=Measure.FIXED),
        _number("9.6.0", "mbus_address"),
        _number("9.20.0", "device_number"),
        _number("9.21.0", "owner_number"),
        _heat("9.22.0", "mounting_position", Quantity.TEXT, measure=Measure.FIXED),
        _heat("9.24.0", "nominal_flow", Quantity.VOLUME_FLOW, "m³/h", Measure.FIXED),
        _heat("9.31.0", "flow_time", Quantity.DURATION, "h"),
        _heat(
            "9.34.{number}",
            "pulse_value_number_{number}",
            Quantity.RATIO,
            "m³",
            Measure.FIXED,
        ),
        _heat("9.36.0", "meter_clock", Quantity.TIMESTAMP, measure=Measure.INSTANT),
    ),
    # The highest flow and return temperature share a pair of brackets.
    lists=MappingProxyType({"9.4.0": _TEMPERATURES}),
    # Minutes, in 6.35(60*m).
    units=MappingProxyType({"m": "min"}),
)
