"""Logarex."""

from __future__ import annotations

from typing import Final

from ..catalog import Flow, Measure, Medium, Quantity, Register
from .base import MeterProfile

_WINDOWS: Final = {
    96: "last_1",
    97: "last_7",
    98: "last_30",
    99: "last_365",
    100: "since_reset",
}

LOGAREX_LK13: Final = MeterProfile(
    name="Logarex LK13",
    manufacturers=("LOG",),
    identification=r"LK1",
    evidence=("LOG_LK13BE_1.txt", "LOG_LK13BE803039_1.txt"),
    samples=("logarex_lk13",),
    # The energy of the last day, week, month and year, and since a reset. Read
    # as billing periods they would be totals that fall.
    windows=frozenset(_WINDOWS),
    registers=(
        *(
            Register(
                code=f"{c}.8.0*{f}",
                key=f"active_energy_{flow}_{window}",
                quantity=Quantity.ACTIVE_ENERGY,
                measure=Measure.PERIOD,
                unit="kWh",
                flow=flow,
                medium=Medium.ELECTRICITY,
            )
            for c, flow in ((1, Flow.IMPORT), (2, Flow.EXPORT))
            for f, window in _WINDOWS.items()
        ),
        # A device address in the norm; here the check sum of the program.
        Register(
            code="96.90.2",
            key="firmware_checksum",
            quantity=Quantity.TEXT,
            measure=Measure.FIXED,
        ),
    ),
)
