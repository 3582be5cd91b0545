"""Who a meter is, as far as its readout says so."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count
import re
from typing import Final, Self

from .iec21.manufacturers import manufacturer_name
from .iec21.messages import Identification
from .iec21.nameplate import Supply, supply_of
from .iec21.reading import meter_number
from .iec21.settings import Settings
from .iec21.telegram import DataSet

_TELLING: Final = 4
"""Characters of a number that name a meter; shorter ones are in many a type."""

_RUN = re.compile(r"[0-9]{5,}")
"""Digits in a row that a number and a type do not share by chance."""

_NO_TYPE = re.compile(r"[0-9]{8}")
"""A number whatever we know: Landis+Gyr's types have seven digits (ZMD3104407)."""


_NAMELESS: Final = "@"
"""What a unique id holds that was made without a number, and no number does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One meter."""

    code: str
    """FLAG code of its manufacturer."""

    manufacturer: str
    """Name of its manufacturer; the FLAG code where that is all we know."""

    model: str
    """Its type as it identifies itself; may be empty."""

    number: str | None
    """The number on its plate. None: it sends none, or has not done so yet."""

    @classmethod
    def of(
        cls, identification: Identification, data_sets: Sequence[DataSet] = ()
    ) -> Self:
        """Find out from whom `data_sets` come."""
        return cls(
            code=identification.manufacturer,
            manufacturer=manufacturer_name(identification.manufacturer)
            or identification.manufacturer,
            model=identification.text.strip(),
            number=meter_number(data_sets),
        )

    @property
    def unique_id(self) -> str | None:
        """What tells it from every other meter; None without a number.

        Never taken from the adapter: cheap ones all carry the same number.
        """
        return f"{self.code}_{self.number}" if self.number else None

    def nameless_id(self, address: str) -> str | None:
        """Return what stands in for the number of a meter that has none, or not yet.

        It is how it identifies itself, and the device address that it answers to.
        None without an address: many a meter answers to everybody. Even with one
        there may be its twin on another port.
        """
        if not address:
            return None
        return f"{self.code}_{self.model}{_NAMELESS}{plain_address(address)}"

    @property
    def default_name(self) -> str:
        """A name for it that does not give its number away.

        The name ends up in entity ids and logs, and some meters put their
        number into the type that they send.
        """
        words = [
            "-".join(part for part in word.split("-") if not self._is_told_by(part))
            for word in self.model.split()
        ]
        if self._is_told_by("".join(words)):
            # It is spread over several words.
            words = []
        return " ".join([self.manufacturer, *filter(None, words)])

    def _is_told_by(self, text: str) -> bool:
        """Whether a part of the type gives the number away, or most of it."""
        text = text.casefold()
        number = re.sub(r"[\W_]", "", self.number or "").lstrip("0").casefold()
        runs = [run.lstrip("0") for run in _RUN.findall(number)]
        return (
            _NO_TYPE.search(text) is not None
            or any(len(one) >= _TELLING and one in text for one in (number, *runs))
            or any(run in number for run in _RUN.findall(text))
        )


def supply_found(
    settings: Settings,
    identification: Identification | None,
    data_sets: Sequence[DataSet],
) -> Supply:
    """Tell what a meter lives on, as far as it shows; who sleeps has a battery."""
    if settings.wake_up or settings.fast_wake_up:
        return Supply.BATTERY
    return supply_of(identification, data_sets)


def is_nameless(unique_id: str | None) -> bool:
    """Whether a unique id was made without the number of the meter."""
    return unique_id is None or _NAMELESS in unique_id


def plain_address(address: str) -> str:
    """Return a device address in the shortest spelling: leading zeros do not count.

    (IEC 62056-21, clause 6.3.14, item 22.)
    """
    return address.lstrip("0") or address[-1:]


def free_title(name: str, taken: Collection[str], address: str = "") -> str:
    """Return `name`, made distinct by `address` or a counter where it is taken.

    A longer address is not used: it often is the number of the meter.
    """
    if name not in taken:
        return name
    short = plain_address(address)
    if 0 < len(short) < _TELLING and (title := f"{name} {short}") not in taken:
        return title
    return next(title for n in count(2) if (title := f"{name} ({n})") not in taken)
