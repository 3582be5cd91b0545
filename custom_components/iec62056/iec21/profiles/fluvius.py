"""The Belgian customer port (e-MUCS), whatever meter is behind it."""

from __future__ import annotations

from typing import Final

from ..catalog import Measure, Medium, Quantity, Register
from .base import MeterProfile

FLUVIUS_P1: Final = MeterProfile(
    name="Fluvius P1",
    manufacturers=("FLU",),
    evidence=("FLU_fluvius_v171_1.txt", "FLU_fluvius_v171_alt_1.txt"),
    samples=("fluvius_p1",),
    registers=(
        # The norm has an average of the current for it.
        Register(
            code="31.4.0",
            key="fuse_threshold",
            quantity=Quantity.CURRENT,
            measure=Measure.LIMIT,
            unit="A",
            medium=Medium.ELECTRICITY,
        ),
        # A device number in the norm; here the version of the specification.
        Register(
            code="0-0:96.1.4",
            key="emucs_version",
            quantity=Quantity.TEXT,
            measure=Measure.FIXED,
        ),
    ),
)
