"""Elster."""

from __future__ import annotations

from typing import Final

from .base import Billing, MeterProfile

ELSTER_AS3000: Final = MeterProfile(
    name="Elster AS3000",
    manufacturers=("ELS",),
    # What it says of itself is not in the capture, and its relatives count their
    # resets. `profile_for` knows it by its data.
    identification=r"(?!)",
    evidence=("ELS_AS3000_1.txt",),
    samples=("elster_as3000",),
    # *02 *01 *12 *11, although 0.1.0 counts 15 resets.
    billing=Billing.MONTH,
)
