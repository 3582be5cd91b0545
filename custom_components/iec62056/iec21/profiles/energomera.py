"""Energomera (CE301, CE307 and their like)."""

from __future__ import annotations

from typing import Final

from ..telegram import Check
from .base import MeterProfile

ENERGOMERA: Final = MeterProfile(
    name="Energomera",
    manufacturers=("EKT", "EMR"),
    evidence=("EKT_CE301_dialogue_1.txt", "EMR_CE307_dialogue_1.txt"),
    samples=("energomera_ce301",),
    check=Check.SUM,
)
