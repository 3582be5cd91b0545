"""Who a meter is, as far as its readout says so."""

from collections.abc import Sequence
from dataclasses import dataclass
import re
from typing import Final, Self

from .iec21.manufacturers import manufacturer_name
from .iec21.messages import Identification
from .iec21.reading import meter_number
from .iec21.telegram import DataSet

_TELLING: Final = 4
"""Characters of a number that name a meter; shorter ones are in many a type."""

_RUN = re.compile(r"[0-9]{5,}")
"""Digits in a row that a number and a type do not share by chance."""

_NO_TYPE = re.compile(r"[0-9]{8}")
"""A number whatever we know: Landis+Gyr's types have seven digits (ZMD3104407)."""


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
