"""Who a meter is, as far as its readout says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from .iec21.manufacturers import manufacturer_name
from .iec21.messages import Identification
from .iec21.reading import meter_number
from .iec21.telegram import DataSet


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
        words = self.model.split()
        if self.number:
            significant = self.number.lstrip("0")
            words = [word for word in words if significant not in word]
        return " ".join([self.manufacturer, *words])
