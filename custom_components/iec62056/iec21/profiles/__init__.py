"""The families of meters that depart from the norm, and how to find theirs.

To add one, write its file and put its profile into `PROFILES`. The captures
that it names as evidence have to need it; `test_profiles.py` looks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
import re
from typing import Final

from ..catalog import REGISTERS, UNITS, Quantity, Register
from ..messages import Identification
from ..telegram import DataSet
from ..units import usual_unit
from .base import Billing, MeterProfile
from .ebz import EBZ_DD3
from .elster import ELSTER_AS3000
from .emh import EMH_SERVICE_LIST
from .energomera import ENERGOMERA
from .fluvius import FLUVIUS_P1
from .heat import HEAT_METER
from .iskraemeco import ISKRAEMECO_MT17X
from .kamstrup import KAMSTRUP_382
from .landisgyr import LANDISGYR_ZMD
from .lis200 import LIS200_CORRECTOR, LIS200_LOGGER
from .logarex import LOGAREX_LK13
from .taipit import TAIPIT_NEVA

NORM: Final = MeterProfile(name="IEC 62056-21")
"""A meter without departures."""

PROFILES: Final = (
    EBZ_DD3,
    ELSTER_AS3000,
    EMH_SERVICE_LIST,
    ENERGOMERA,
    FLUVIUS_P1,
    HEAT_METER,
    ISKRAEMECO_MT17X,
    KAMSTRUP_382,
    LANDISGYR_ZMD,
    LIS200_CORRECTOR,
    LIS200_LOGGER,
    LOGAREX_LK13,
    TAIPIT_NEVA,
)
"""No identification fits two of them."""

# Objects of LIS-200: a colon and one point. A code of the norm may be as short
# ("7-1:1.0"), but its groups end at 255.
_OBJECT = re.compile(
    r"(?:\d-)?\d\d?:[\dA-F]{1,4}(?:_\d{1,3})?\.[\dA-F]", re.ASCII | re.IGNORECASE
)
_BEYOND_THE_NORM = re.compile(r".*:0?[3-9]\d\d[_.]", re.ASCII)

__all__ = [
    "NORM",
    "PROFILES",
    "Billing",
    "MeterProfile",
    "all_registers",
    "profile_for",
    "registers_of",
]


def all_registers() -> Iterator[Register]:
    """Every row there is: the catalogue's, then those of the profiles.

    Whoever needs a name or an icon for each `name_key` walks these.
    """
    yield from REGISTERS
    for profile in PROFILES:
        yield from registers_of(profile)


def registers_of(profile: MeterProfile) -> Iterator[Register]:
    """Every row of a profile, those of its lists last."""
    yield from profile.registers
    for parts in profile.lists.values():
        yield from parts


def profile_for(
    identification: Identification | None, data_sets: Iterable[DataSet] = ()
) -> MeterProfile:
    """Find the profile of a meter: `NORM` if it has none, or nobody knows.

    Where the identification is missing or fits no profile, `data_sets` may
    still tell. The 6.8 of a heat meter comes in joules or watt hours, which no
    reactive energy does. Where the first billing period stands right before the
    twelfth, the numbers are those of months. Numbered objects are of LIS-200, and
    what all its devices have is known of them.
    """
    if identification is not None:
        for profile in PROFILES:
            if profile.fits(identification):
                return profile
    data_sets = tuple(data_sets)
    if _are_objects([one.address for one in data_sets if one.address]):
        return LIS200_LOGGER
    previous = ""
    for data_set in data_sets:
        address = data_set.address
        if (
            address.startswith("6.8")
            and usual_unit(data_set.unit) in UNITS[Quantity.HEAT_ENERGY]
        ):
            return HEAT_METER
        if previous.endswith("*01") and address == f"{previous[:-3]}*12":
            return ELSTER_AS3000
        previous = address
    return NORM


def _are_objects(addresses: Collection[str]) -> bool:
    """Whether all addresses are those of LIS-200, and one can be nothing else."""
    return all(map(_OBJECT.fullmatch, addresses)) and any(
        map(_BEYOND_THE_NORM.match, addresses)
    )
