"""Iskraemeco."""

from __future__ import annotations

from typing import Final

from ..catalog import Measure, Quantity, Register
from .base import Billing, MeterProfile

ISKRAEMECO_MT17X: Final = MeterProfile(
    name="Iskraemeco MT17x",
    manufacturers=("ISK",),
    identification=r"M[ET]17\d",
    evidence=("ISK_MT174_1.txt", "ISK_MT174_0001_2.txt"),
    samples=("iskraemeco_mt174",),
    # The values fall from *01 to *15, and 0.1.0 is far beyond.
    billing=Billing.AGE,
    registers=(
        # A device number in the norm; here the check sum of the program.
        Register(
            code="96.1.6",
            key="firmware_checksum",
            quantity=Quantity.TEXT,
            measure=Measure.FIXED,
        ),
        # The power failures of phase 1 in the norm; here when the last one was.
        Register(
            code="96.7.1",
            key="power_failure_timestamp",
            quantity=Quantity.TIMESTAMP,
            measure=Measure.INSTANT,
        ),
        # The norm has no C.51. The counter, and with *01 to *03 the times of the
        # three openings before the last one.
        Register(
            code="96.51.1",
            key="terminal_cover_openings",
            quantity=Quantity.COUNT,
            measure=Measure.TOTAL,
        ),
        Register(
            code="96.51.2",
            key="terminal_cover_timestamp",
            quantity=Quantity.TIMESTAMP,
            measure=Measure.INSTANT,
        ),
    ),
)
