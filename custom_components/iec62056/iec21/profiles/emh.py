"""EMH metering."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..catalog import REGISTERS, Measure, Medium
from .base import MeterProfile

EMH_SERVICE_LIST: Final = MeterProfile(
    name="EMH LZQJ and DMTZ",
    manufacturers=("EMH",),
    # A raw octal 0x81 stands before the type in some captures.
    identification=r".*(LZQJ|DMTZ)",
    evidence=("EMH_LZQJ_table4_1.txt", "EMH_DMTZ-XC_notes_1.txt"),
    samples=("emh_lzqj_service_list",),
    # The service list prints its present values under D = 25, which the norm
    # has for an average over a short time. A list has one of the two.
    registers=tuple(
        replace(row, code=row.code.replace(".7.", ".25."))
        for row in REGISTERS
        if row.medium is Medium.ELECTRICITY
        and row.measure is Measure.INSTANT
        and ".7." in row.code
    ),
)
