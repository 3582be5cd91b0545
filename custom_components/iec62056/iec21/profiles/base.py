"""How a family of meters departs from the norm: the shape of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
import re
from types import MappingProxyType

from ..catalog import Medium, Register
from ..messages import Identification
from ..telegram import Check

NOTHING: Mapping[str, str] = MappingProxyType({})


class Billing(Enum):
    """What the number behind a code of a past billing period counts."""

    COUNTER = "counter"
    """The resets, up to 99 and again from 0; the youngest one is in 0.1.0."""

    AGE = "age"
    """How many resets ago: 1 is the youngest."""

    MONTH = "month"
    """The month of the year in which the period ended."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeterProfile:
    """How one family of meters departs from the norm.

    The defaults *are* the norm, so a profile lists only departures, and every
    departure names the capture or the document that proves it.
    """

    name: str
    """What people call the family; unique."""

    manufacturers: tuple[str, ...] = ()
    """FLAG codes in capital letters."""

    identification: str = ""
    """Regular expression that begins the identification's text. "" takes all."""

    evidence: tuple[str, ...] = ()
    """Captures of the collection that show the departures."""

    documents: tuple[str, ...] = ()
    """What was published about them, for a family of which there is no capture."""

    samples: tuple[str, ...] = ()
    """Folders under tests/fixtures/telegrams with made-up telegrams of their shape."""

    medium: Medium = Medium.ELECTRICITY
    """What a code without group A is about."""

    registers: tuple[Register, ...] = ()
    """Rows that mean something else here than in the catalogue, or only here."""

    lis200: bool = False
    """Whether its addresses name objects (`lis200_objects`), and are no OBIS codes."""

    lists: Mapping[str, tuple[Register, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Codes with several values in one pair of brackets, and what each one is.

    Keys are C, D and E ("9.4.0"); "&" or "," stands between the values.
    """

    windows: frozenset[int] = frozenset()
    """Values of F that are no billing period but a window of time up to now.

    What each one means stands in `registers`.
    """

    billing: Billing = Billing.COUNTER
    """What tells one past billing period from the next."""

    units: Mapping[str, str] = NOTHING
    """Units that mean something else here than everywhere else."""

    hexadecimal: frozenset[str] = frozenset()
    """Keys of registers whose number is printed in hexadecimal digits."""

    check: Check = Check.AUTO
    """What verifies its messages. `AUTO`: the norm's block check; another one is
    believed only once it has been right twice in a row."""

    plain_errors: bool = False
    """Whether two digits without letters are an error message in programming mode."""

    def fits(self, identification: Identification) -> bool:
        """Whether a meter that identifies itself like this is of the family."""
        return (
            identification.manufacturer in self.manufacturers
            and re.match(self.identification, identification.text) is not None
        )
