"""Which readings may be booked, and the last trusted one of every register.

What was booked stays in Home Assistant's statistics for good, so a number that may
have been damaged on its way waits until the next readout agrees with it. Four rules:

- A readout that passed its check is booked as it is.
- Without a check, a register that was never seen waits, and so does a counter that
  fell or rose by more than can have flowed.
- What waits is booked once the next readout can follow it, and dropped if that one
  follows what was booked before.
- A register that is no longer sent stays with its last reading; only billing periods
  go with the readout.

Nothing here looks at a clock or knows of Home Assistant.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, Self

from .iec21.catalog import UNITS, Flow, Measure, Quantity
from .iec21.exceptions import TelegramError
from .iec21.obis import ObisCode
from .iec21.reading import Reading
from .iec21.storage import reading_from_json, reading_to_json

_ELECTRICITY: Final = (
    Quantity.ACTIVE_ENERGY,
    Quantity.REACTIVE_ENERGY,
    Quantity.APPARENT_ENERGY,
)

_USUAL_POWER: Final = Decimal(69)
"""kW: three phases of 100 A and 230 V, the largest usual connection of a house."""

# The largest Ultraheat T550 has a nominal flow of 60 m³/h and takes twice as much for
# a while. District heating cools the nominal flow by 60 K in winter (110 to 50 °C),
# which is 1.163 kWh for each m³ and kelvin.
_HEAT_VOLUME: Final = Decimal(120)
_HEAT_ENERGY: Final = 60 * 60 * Decimal("1.163")

_RATES: Final[dict[Quantity, Decimal]] = {
    Quantity.HEAT_ENERGY: _HEAT_ENERGY,
    Quantity.COOLING_ENERGY: _HEAT_ENERGY,
    Quantity.HEAT_VOLUME: _HEAT_VOLUME,
    # Q4 of a meter with Q3 = 100 m³/h, as large buildings have (ISO 4064: 1.25 Q3).
    Quantity.WATER_VOLUME: Decimal(125),
    # Qmax of the largest size, G 1000 (Directive 71/318/EEC, chapter III).
    Quantity.GAS_VOLUME: Decimal(1600),
    # Twice the time itself: a register is not always read at the same moment of a
    # readout. What comes without a unit may be seconds, which rise fastest.
    Quantity.DURATION: Decimal(2 * 3600),
    # A pulse and the pause behind it last 30 ms each at least (IEC 62053-31).
    Quantity.COUNT: Decimal(60_000),
}
"""The most that a counter can rise in an hour, in the units of `_SCALES`."""

_SCALES: Final[dict[str, tuple[str, Decimal]]] = {
    **{
        prefix + unit: ("k" + unit, Decimal(factor))
        for unit in ("Wh", "varh", "VAh")
        for prefix, factor in (("", "0.001"), ("k", "1"), ("M", "1000"), ("G", "1E6"))
    },
    **{
        prefix + "J": ("kWh", Decimal(factor) / 3600)
        for prefix, factor in (("", "0.001"), ("k", "1"), ("M", "1000"), ("G", "1E6"))
    },
    "Mcal": ("kWh", Decimal("1.163")),
    "Gcal": ("kWh", Decimal(1163)),
    "l": ("m³", Decimal("0.001")),
    "m³": ("m³", Decimal(1)),
    "s": ("s", Decimal(1)),
    "min": ("s", Decimal(60)),
    "h": ("s", Decimal(3600)),
    "d": ("s", Decimal(24 * 3600)),
}
"""In which unit a unit is compared, and how many of that it is.

Home Assistant's converters know neither Mvarh nor VAh.
"""

NET_CODES: Final = (16, 36, 56, 76)
"""Groups C of import less export: of all phases and of each."""

_COUNTED: Final = (Measure.TOTAL, Measure.PERIOD)

_STOPPED_MAX: Final = 500
"""Registers that have stopped and are kept; a meter must not fill our memory."""

_STEADY: Final = 3
"""Readouts in a row that were in doubt, each no lower than the one before.

With the next such one it is the limit that is wrong: there are larger meters than we
think of, and chance does not damage a number upward four times running.
"""


def reading_id(reading: Reading) -> str:
    """Return what tells a reading from all others of the same meter, for good.

    Meters print one code several times, with the channel as the only difference
    or with none at all, so this is the whole code as printed and its number.
    """
    if not reading.occurrence:
        return reading.address
    return f"{reading.address}#{reading.occurrence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that can flow through a meter."""

    rated_power: Decimal | None = None
    """kW that the meter is built for, behind its transformers; None: it did not say."""

    ratio: Decimal = Decimal(1)
    """Of the transformers before a meter that does not say what it is built for."""

    def rate(self, quantity: Quantity) -> Decimal | None:
        """Return the most that a counter can rise in an hour; None: by anything.

        In kWh, kvarh, kVAh, m³ or seconds, whichever belongs to the quantity.
        """
        if quantity not in _ELECTRICITY:
            return _RATES.get(quantity)
        if self.rated_power is not None:
            return self.rated_power
        return _USUAL_POWER * self.ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A reading, and when it was taken."""

    reading: Reading

    at: datetime
    """When the readout was taken, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What a second readout has to confirm, by `reading_id`."""

    new: frozenset[str]
    """Registers that were never booked."""

    refused: frozenset[str]
    """Registers that keep the reading they had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubted:
    """A reading that waits for the next readout."""

    entry: Booked

    times: int = 1
    """Readouts in a row that were in doubt, each no lower than the one before."""


class Book:
    """Every register of one meter with its last trusted reading."""

    def __init__(
        self,
        booked: Iterable[Booked] = (),
        missing: Iterable[str] = (),
        doubted: Iterable[_Doubted] = (),
    ) -> None:
        """Begin with what is known from earlier."""
        self._booked = {reading_id(one.reading): one for one in booked}
        self._missing = frozenset(missing) & self._booked.keys()
        self._doubted = {reading_id(one.entry.reading): one for one in doubted}

    @property
    def booked(self) -> Mapping[str, Booked]:
        """The last trusted readings by `reading_id`.

        In the order sent; those that the latest readout did not have keep their place.
        """
        return self._booked

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that the next readout could agree with."""
        return not self._booked and not self._doubted

    @property
    def missing(self) -> frozenset[str]:
        """Registers of `booked` that the latest readout did not have."""
        return self._missing

    def enter(
        self,
        readings: Sequence[Reading],
        *,
        checked: bool,
        at: datetime,
        limits: Limits,
    ) -> Doubts:
        """Book what can be trusted of a whole readout, and return what cannot.

        `checked` says whether the readout passed a check, `at` when it was taken, in
        UTC.
        """
        booked: dict[str, Booked] = {}
        doubted: dict[str, _Doubted] = {}
        for reading in readings:
            key = reading_id(reading)
            entry = Booked(reading=reading, at=at)
            doubt = None if checked else self._doubt(key, entry, limits)
            if doubt is None:
                booked[key] = entry
                continue
            doubted[key] = doubt
            if key in self._booked:
                booked[key] = self._booked[key]
        stopped = [
            key
            for key, one in self._booked.items()
            # Each reset brings a new billing period, and the oldest one goes.
            if key not in booked and one.reading.billing_period is None
        ][-_STOPPED_MAX:]
        self._booked = self._in_order(booked, stopped)
        self._missing = frozenset(stopped)
        self._doubted = doubted
        return Doubts(
            new=frozenset(doubted.keys() - booked.keys()),
            refused=frozenset(doubted.keys() & booked.keys()),
        )

    def _in_order(
        self, sent: Mapping[str, Booked], stopped: Iterable[str]
    ) -> dict[str, Booked]:
        """Put each register that has stopped behind the one it used to follow."""
        before = {key: previous for previous, key in pairwise(self._booked)}
        everything = {**self._booked, **sent}
        keys = [*sent]
        for key in stopped:
            previous = before.get(key)
            position = keys.index(previous) + 1 if previous in keys else 0
            keys.insert(position, key)
        return {key: everything[key] for key in keys}

    def _doubt(self, key: str, new: Booked, limits: Limits) -> _Doubted | None:
        """Return what has to wait; None if it can be booked."""
        known, doubted = self._booked.get(key), self._doubted.get(key)
        if known is not None and _follows(known, new, limits):
            return None
        if doubted is None:
            return _Doubted(entry=new)
        if _follows(doubted.entry, new, limits):
            return None
        if not _rises(doubted.entry, new):
            return _Doubted(entry=new)
        if doubted.times >= _STEADY:
            return None
        return _Doubted(entry=new, times=doubted.times + 1)

    def forget(self, key: str) -> None:
        """Forget a register; it is a new one when the meter sends it again."""
        self._booked = {name: one for name, one in self._booked.items() if name != key}
        self._missing -= {key}
        self._doubted.pop(key, None)

    def as_json(self) -> dict[str, Any]:
        """Write it for the storage."""
        return {
            "booked": [_to_json(one) for one in self._booked.values()],
            "missing": sorted(self._missing),
            "doubted": [
                {**_to_json(one.entry), "times": one.times}
                for one in self._doubted.values()
            ],
        }

    @classmethod
    def from_json(cls, saved: Any) -> Self:
        """Read what `as_json` has written; anything else is an empty book."""
        try:
            return cls(
                booked=[_from_json(one) for one in saved["booked"]],
                missing=saved["missing"],
                doubted=[
                    _Doubted(entry=_from_json(one), times=int(one["times"]))
                    for one in saved["doubted"]
                ],
            )
        except KeyError, TypeError, ValueError:
            return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counter:
    """What a reading says that counts something."""

    quantity: Quantity

    scale: str | None
    """Unit of the numbers here, one of `_SCALES` where the unit is known."""

    amount: Decimal

    digit: Decimal
    """One unit of the last digit."""

    is_net: bool
    """Whether it goes back while more is exported."""

    starts_anew: bool
    """Whether it starts at zero now and then."""


def _follows(old: Booked, new: Booked, limits: Limits) -> bool:
    """Whether one reading can come after another of the same register."""
    before, after = _counter(old.reading), _counter(new.reading)
    if before is None or after is None:
        return before is after
    rise = _rise(before, after)
    if rise is None or rise < 0:
        return False
    rate = limits.rate(after.quantity)
    if rate is None:
        return True
    # The clock of this machine may have been put back.
    hours = max((new.at - old.at) / timedelta(hours=1), 0)
    return rise <= rate * Decimal(hours) + max(before.digit, after.digit)


def _rises(old: Booked, new: Booked) -> bool:
    """Whether a reading is of the same counter as the one before, and no lower."""
    before, after = _counter(old.reading), _counter(new.reading)
    if before is None or after is None:
        return False
    rise = _rise(before, after)
    return rise is not None and rise >= 0


def _rise(before: _Counter, after: _Counter) -> Decimal | None:
    """Return by how much a counter has gone on; negative: it fell.

    Of a net counter it is how far it went in any direction. None: these are not
    two values of one counter.
    """
    if (before.quantity, before.scale) != (after.quantity, after.scale):
        return None
    rise = after.amount - before.amount
    if after.is_net:
        return abs(rise)
    if rise < 0 and after.starts_anew:
        return after.amount
    return rise


def _counter(reading: Reading) -> _Counter | None:
    """Tell what a reading counts; None: it is no present value of a counter."""
    value, register = reading.value, reading.register
    if not isinstance(value, Decimal) or reading.billing_period is not None:
        return None
    starts_anew = False
    if register is None:
        if (found := _counted_by_code(reading)) is None:
            return None
        quantity, is_net = found
    else:
        if register.measure not in _COUNTED or "*" in register.code:
            # A group F is a window of time that moves along.
            return None
        quantity, is_net = register.quantity, register.flow is Flow.NET
        starts_anew = register.measure is Measure.PERIOD
    scale, factor = _SCALES.get(reading.unit or "", (reading.unit, Decimal(1)))
    return _Counter(
        quantity=quantity,
        scale=scale,
        amount=value * factor,
        digit=Decimal(1).scaleb(-(reading.precision or 0)) * factor,
        is_net=is_net,
        starts_anew=starts_anew,
    )


def _counted_by_code(reading: Reading) -> tuple[Quantity, bool] | None:
    """Tell what a register counts that the catalogue does not know: x.8.y does.

    And whether that is import less export. None: nothing that we know.
    """
    try:
        code = ObisCode.parse(reading.code)
    except TelegramError:
        return None
    if code.d != 8 or code.f is not None:
        return None
    for quantity in _ELECTRICITY:
        if reading.unit in UNITS[quantity]:
            return quantity, code.c in NET_CODES
    return None


def _to_json(entry: Booked) -> dict[str, Any]:
    return {"at": entry.at.isoformat(), "reading": reading_to_json(entry.reading)}


def _from_json(saved: Any) -> Booked:
    """Read one entry.

    Raises:
        KeyError, TypeError, ValueError: it is none.

    """
    at = datetime.fromisoformat(saved["at"])
    if at.tzinfo is None:
        raise ValueError(f"{at} is without a time zone")
    return Booked(reading=reading_from_json(saved["reading"]), at=at)
