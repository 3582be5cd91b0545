"""Landis+Gyr's electricity meters. Its heat meters are in `heat`."""

from __future__ import annotations

from typing import Final

from ..catalog import Flow, Measure, Medium, Quantity, Register, per_phase
from .base import MeterProfile

# C = 131 is the reactive counterpart of 16, import less export; the norm leaves
# the numbers from 128 on to the manufacturer.
_REACTIVE_NET: Final = Register(
    code="131.7.0",
    key="reactive_power_net",
    quantity=Quantity.REACTIVE_POWER,
    measure=Measure.INSTANT,
    unit="kvar",
    flow=Flow.NET,
    medium=Medium.ELECTRICITY,
)

LANDISGYR_ZMD: Final = MeterProfile(
    name="Landis+Gyr E550, E650 and E850",
    manufacturers=("LGZ",),
    identification=r"Z[MF][DGQ]",
    evidence=("LGZ_ZMD310_B40_1.txt",),
    samples=("landisgyr_zmd310",),
    registers=(_REACTIVE_NET, *per_phase(_REACTIVE_NET)),
)
