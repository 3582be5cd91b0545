"""Kamstrup's electricity meters. Its heat meters are in `heat`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..catalog import Flow, Measure, Medium, Quantity, Register
from .base import MeterProfile

_ENERGY: Final = Register(
    code="1.20.0",
    key="active_energy_import",
    quantity=Quantity.ACTIVE_ENERGY,
    measure=Measure.TOTAL,
    unit="kWh",
    flow=Flow.IMPORT,
    medium=Medium.ELECTRICITY,
)

KAMSTRUP_382: Final = MeterProfile(
    name="Kamstrup 382",
    manufacturers=("KAM",),
    identification=r" ?68\d-",
    evidence=("KAM_685-382_1.txt",),
    samples=("kamstrup_382",),
    # Energy stands under D = 20 instead of 8, hours of operation under D = 31.
    registers=(
        _ENERGY,
        replace(
            _ENERGY,
            code="1.20.{tariff}",
            key="active_energy_import_tariff_{tariff}",
        ),
        Register(
            code="1.31.0",
            key="operating_time",
            quantity=Quantity.DURATION,
            measure=Measure.TOTAL,
            unit="h",
            medium=Medium.ELECTRICITY,
        ),
    ),
)
