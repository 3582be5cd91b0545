"""Taipit (NEVA)."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from ..catalog import Flow, Measure, Medium, Quantity, Register
from .base import MeterProfile

_ENERGY: Final = Register(
    code="15.8.128",
    key="active_energy_absolute",
    quantity=Quantity.ACTIVE_ENERGY,
    measure=Measure.TOTAL,
    unit="kWh",
    flow=Flow.ABSOLUTE,
    medium=Medium.ELECTRICITY,
)

TAIPIT_NEVA: Final = MeterProfile(
    name="Taipit NEVA",
    manufacturers=("TPC",),
    identification=r"NEVA",
    evidence=("TPC_NEVA_MT324_dialogue_1.txt", "TPC_LUNA_README_1.txt"),
    samples=("taipit_neva",),
    # "(01)" is what an MT324 says to a code that it does not know.
    plain_errors=True,
    # E = 128 asks for the total and the four tariffs in one pair of brackets.
    lists=MappingProxyType(
        {
            "15.8.128": (
                _ENERGY,
                *(
                    replace(
                        _ENERGY,
                        key=f"active_energy_absolute_tariff_{tariff}",
                        tariff=tariff,
                    )
                    for tariff in range(1, 5)
                ),
            )
        }
    ),
)
