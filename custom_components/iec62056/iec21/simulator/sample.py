"""The meters that can be simulated by name.

`household`, `push` and `p1` live: their counters advance, and the household has a
load profile in programming mode. `ek280` knows nothing but that mode. The others
always send the telegram in `samples/`, which is synthetic as well
(`samples/meta.toml`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from ..capture import split_capture
from ..messages import Identification
from ..passwords import Password
from ..telegram import Check
from . import corrector
from .faults import Fault
from .household import IDENTIFICATION, Household
from .programming import ProgrammingMode
from .push import PushMeter
from .registers import LoadProfile, RegisterDevice

HOUSEHOLD: Final = "household"

SAMPLES: Final = {
    HOUSEHOLD: "a house with panels on its roof; its counters advance",
    "iskra_mt174": "Iskraemeco MT174: 15 billing periods, a long readout",
    "landisgyr_zmd310": "Landis+Gyr ZMD310: history without unit, unused slots as *00",
    "logarex_lk13be": "Logarex LK13BE: full codes, sums over days and weeks",
}
"""Name and description of every meter that answers a sign-on."""

PUSH_SAMPLES: Final = {
    "push": "the same house; its meter sends by itself every two seconds at 9600 Bd",
    "p1": "the same house behind a P1 port (DSMR), at 115200 Bd",
}
"""Name and description of every meter that sends by itself."""

PROGRAMMING_SAMPLES: Final = {
    "ek280": "a gas volume corrector (LIS-200); its customer lock opens with 11111111",
}
"""Name and description of every meter that has nothing but programming mode."""

PASSWORD: Final = Password("00000000")
"""What the household's meter wants before anything is written."""

LOCKED_AFTER: Final = 3
"""Wrong passwords after which it takes none until it is started again."""

DEFAULT_IDENTIFICATION: Final = Identification.parse(b"/XMP5SYNTHETIC")
"""Who sends a capture that does not say."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a simulated meter needs to be somebody."""

    identification: Identification
    content: bytes | Callable[[], bytes]

    programming: ProgrammingMode | None = None
    """What it does in programming mode. None: it has none."""


def load_sample(name: str, number: int = 1) -> Sample:
    """Return the sample `name`, one of `SAMPLES` and `PROGRAMMING_SAMPLES`.

    `number` tells several households apart.
    """
    if name == HOUSEHOLD:
        return _household(Household(number))
    if name in PROGRAMMING_SAMPLES:
        mode = ProgrammingMode(device=corrector.CorrectorDevice(), seed=corrector.SEED)
        return Sample(corrector.IDENTIFICATION, b"", mode)
    return load_telegram(read_sample(name))


def _household(house: Household) -> Sample:
    """Return a meter that can be read register by register, and its clock set."""
    device = RegisterDevice(
        content=house,
        writable=frozenset({"0.9.1", "0.9.2"}),
        profiles={"P.01": LoadProfile(house=house)},
    )
    mode = ProgrammingMode(device=device, password=PASSWORD, locked_after=LOCKED_AFTER)
    return Sample(IDENTIFICATION, house, mode)


def make_push_meter(name: str, fault: Fault = Fault.NONE) -> PushMeter:
    """Return the meter of the sample `name`, one of `PUSH_SAMPLES`."""
    house = Household()
    if name == "push":
        return PushMeter(
            identification=b"/XMP5SYNTHETIC-PUSH",
            content=house,
            first_baud_rate=9600,
            fault=fault,
        )
    return PushMeter(
        identification=b"/XMP5\\2SYNTHETIC-P1",
        content=lambda: b"1-3:0.2.8(50)\r\n" + house(),
        first_baud_rate=115200,
        interval=1.0,
        check=Check.CRC16,
        fault=fault,
    )


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
