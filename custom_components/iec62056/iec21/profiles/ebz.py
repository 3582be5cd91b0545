"""eBZ."""

from __future__ import annotations

from typing import Final

from ..catalog import Measure, Quantity, Register
from .base import MeterProfile

EBZ_DD3: Final = MeterProfile(
    name="eBZ DD3",
    manufacturers=("EBZ",),
    identification="DD3",
    evidence=("EBZ_DD3BZ06_1.txt",),
    samples=("ebz_dd3",),
    # 96.8.0 counts the seconds of operation in eight hexadecimal digits.
    hexadecimal=frozenset({"operating_time"}),
    registers=(
        Register(
            code="96.8.0",
            key="operating_time",
            quantity=Quantity.DURATION,
            measure=Measure.TOTAL,
            unit="s",
        ),
    ),
)
