"""The meters that can be simulated by name.

`household` lives: its counters advance. The others always send the telegram in
`samples/`, which is synthetic as well (`samples/meta.toml`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from ..capture import split_capture
from ..messages import Identification
from .household import IDENTIFICATION, Household

HOUSEHOLD: Final = "household"

SAMPLES: Final = {
    HOUSEHOLD: "a house with panels on its roof; its counters advance",
    "iskra_mt174": "Iskraemeco MT174: 15 billing periods, a long readout",
    "landisgyr_zmd310": "Landis+Gyr ZMD310: history without unit, unused slots as *00",
    "logarex_lk13be": "Logarex LK13BE: full codes, sums over days and weeks",
}
"""Name and description of every sample."""

DEFAULT_IDENTIFICATION: Final = Identification.parse(b"/XMP5SYNTHETIC")
"""Who sends a capture that does not say."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a simulated meter needs to be somebody."""

    identification: Identification
    content: bytes | Callable[[], bytes]


def load_sample(name: str, number: int = 1) -> Sample:
    """Return the sample `name`, one of `SAMPLES`.

    `number` tells several households apart.
    """
    if name == HOUSEHOLD:
        return Sample(IDENTIFICATION, Household(number))
    return load_telegram(read_sample(name))


def read_sample(name: str) -> bytes:
    """Return the telegram of the sample `name`, any but the household."""
    return files(__package__).joinpath("samples", f"{name}.raw").read_bytes()


def load_telegram(data: bytes) -> Sample:
    """Return the meter that sends the captured telegram `data`.

    The capture may lack identification, frame and check, or have a wrong one.

    Raises:
        TelegramError: there is no data set in it.

    """
    capture = split_capture(data)
    return Sample(capture.identification or DEFAULT_IDENTIFICATION, capture.block)
