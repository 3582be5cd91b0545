"""A made-up house with a meter, to live in for a demo.

Rule: everything is a function of time and of the house's number, so whoever
asks for the same moment gets the same values, and days that have passed can be
computed as they would have been read.

Power is constant over a quarter of an hour, but for a ripple that sums up to
nothing; energy is its integral, so it grows without jumps. Energy into the
house and out of it are counted apart, and a little always flows in: the phases
are counted one by one, and the sun does not feed all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from math import cos, exp, pi, sin
from typing import Final

from ..const import LINE_END
from ..messages import Identification
from ..telegram import DataSet

IDENTIFICATION: Final = Identification.parse(rb"/XMP5SYNTHETIC-HOUSE")
"""XMP is nobody's code in the FLAG registry, so nobody's meter is meant."""

WINTER_TIME: Final = timezone(timedelta(hours=1))
"""Central European time; many meters keep it all year round."""

BILLING_PERIODS: Final = 3
"""Months of which the meter keeps the readings."""

_INSTALLED: Final = (2025, 1, 1)
_SLOTS_A_DAY: Final = 96
_SLOT: Final = 900.0
"""Seconds; energy suppliers settle by the quarter of an hour."""

_RIPPLES: Final = 3
"""Waves of the ripple in a quarter of an hour."""

_RIPPLE: Final = 0.3
"""Its height; below 1, so that the power never changes its direction."""

_ALWAYS_IMPORTED: Final = 25.0
"""Watts that flow in even at noon in June."""

_DAY_TARIFF: Final = range(6 * 4, 22 * 4)
"""Quarters of an hour in which tariff 1 counts."""

# Watts above the standby, hour of the day, and hours to either side: breakfast,
# lunch, supper, and the evening on the sofa.
_HABITS: Final = ((450, 7.2, 1.1), (380, 12.5, 1.5), (900, 19.2, 2.0), (150, 22, 1.5))
_STANDBY: Final = 220.0
_LOAD: Final = tuple(
    _STANDBY
    + sum(
        watts * exp(-(((slot + 0.5) / 4 - hour) ** 2) / (2 * width**2))
        for watts, hour, width in _HABITS
    )
    for slot in range(_SLOTS_A_DAY)
)
_SUN: Final = 2600.0
"""Watts of the panels on the roof, at noon in June."""

_PHASES: Final = ((31, 32, 0.5), (51, 52, 0.3), (71, 72, 0.2))
"""OBIS C of current and voltage of a phase, and its share of the power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What the energy registers show, in kWh with three digits."""

    import_tariff_1: Decimal
    import_tariff_2: Decimal
    export_total: Decimal

    @property
    def import_total(self) -> Decimal:
        """The sum of both tariffs."""
        return self.import_tariff_1 + self.import_tariff_2


@dataclass(frozen=True, slots=True)
class _Energy:
    """Watt hours on the three registers."""

    day: float = 0.0
    night: float = 0.0
    export: float = 0.0

    def __add__(self, other: _Energy) -> _Energy:
        return _Energy(
            self.day + other.day, self.night + other.night, self.export + other.export
        )


@dataclass(frozen=True, slots=True)
class _Maximum:
    """The highest mean power of a quarter of an hour, in watts, and its end."""

    power: float
    time: datetime


class Household:
    """One house: about 10 kWh a day bought, and some of the sun's sold.

    `number` makes another house, with its own serial number and habits. `zone`
    is the meter's clock; its days and tariffs follow it as well.
    """

    def __init__(self, number: int = 1, zone: timezone = WINTER_TIME) -> None:
        """Move in."""
        self.serial_number = f"SYN{number:08d}"
        self._number = number
        self._zone = zone
        self._installed = datetime(*_INSTALLED, tzinfo=zone)
        # Energy at the beginning of every day so far, and every day's maximum.
        self._days = [_Energy(4_321_098.0, 1_876_543.0, 1_468_013.0)]
        self._maxima: list[_Maximum] = []

    def __call__(self) -> bytes:
        """Return the data lines that the meter sends now."""
        return self.block(datetime.now(UTC))

    def block(self, at: datetime) -> bytes:
        """Return the data lines that the meter sends at the moment `at` (aware)."""
        at = at.astimezone(self._zone)
        lines = [
            *self._inventory(at),
            *self._totals(at),
            *self._demand(at),
            *self._instantaneous(at),
        ]
        return b"".join(line.encode("ascii") + LINE_END for line in lines)

    def counters(self, at: datetime) -> Counters:
        """Return what the energy registers show at the moment `at` (aware).

        Cheap: a day is computed once, and of the last one only the rest. Before
        the first of January 2025, when the meter was installed, they stand still.
        """
        energy = self._energy(at)
        watt_hour = Decimal("0.001")
        return Counters(
            import_tariff_1=int(energy.day) * watt_hour,
            import_tariff_2=int(energy.night) * watt_hour,
            export_total=int(energy.export) * watt_hour,
        )

    def power(self, at: datetime) -> tuple[float, float]:
        """Return the watts that flow into the house and out of it at `at` (aware)."""
        day, seconds = self._locate(at)
        slot, since = divmod(seconds, _SLOT)
        ripple = 1 + _RIPPLE * sin(2 * pi * _RIPPLES * since / _SLOT)
        incoming, outgoing = self._slot_power(day, int(slot))
        return incoming * ripple, outgoing * ripple

    # -- what flows -----------------------------------------------------------

    def _locate(self, at: datetime) -> tuple[int, float]:
        """Return the day since the meter was installed, and the seconds in it."""
        elapsed = max(at - self._installed, timedelta())
        return elapsed.days, elapsed.seconds + elapsed.microseconds / 1e6

    def _dice(self, *what: int) -> float:
        """Return a number from 0 to 1 that is always the same for `what`."""
        mixed = self._number
        for number in what:
            # The multiplier is Knuth's; the low bits are the poor ones.
            mixed = (mixed * 2_654_435_761 + number + 1) & 0xFFFFFFFF
        return (mixed * 2_654_435_761 & 0xFFFFFFFF) / 0xFFFFFFFF

    def _slot_power(self, day: int, slot: int) -> tuple[float, float]:
        """Return the mean watts into the house and out of it."""
        # 1 in the middle of winter, -1 in the middle of summer.
        winter = cos(2 * pi * (day - 10) / 365.25)
        load = _LOAD[slot] * (1 + 0.25 * winter) * (0.85 + 0.3 * self._dice(day))
        load *= 0.6 + 0.8 * self._dice(day, slot)
        hours_of_sun = 12 - 4 * winter
        risen = ((slot + 0.5) / 4 - 12.5) / hours_of_sun + 0.5
        sun = sin(pi * risen) ** 1.3 if 0 < risen < 1 else 0.0
        sky = 0.1 + 0.9 * self._dice(day, _SLOTS_A_DAY)
        net = load - _SUN * (0.65 - 0.35 * winter) * sky * sun
        return max(net, _ALWAYS_IMPORTED), max(_ALWAYS_IMPORTED - net, 0.0)

    def _slot_energy(self, day: int, slot: int, seconds: float = _SLOT) -> _Energy:
        """Return what flowed in the first `seconds` of a quarter of an hour."""
        ripple = 1 - cos(2 * pi * _RIPPLES * seconds / _SLOT)
        hours = (seconds + _RIPPLE * ripple * _SLOT / (2 * pi * _RIPPLES)) / 3600
        incoming, outgoing = (watts * hours for watts in self._slot_power(day, slot))
        if slot in _DAY_TARIFF:
            return _Energy(incoming, 0.0, outgoing)
        return _Energy(0.0, incoming, outgoing)

    def _energy(self, at: datetime) -> _Energy:
        day, seconds = self._locate(at)
        while len(self._days) <= day:
            self._live_another_day()
        slot, since = divmod(seconds, _SLOT)
        energy = self._days[day]
        for passed in range(int(slot)):
            energy += self._slot_energy(day, passed)
        return energy + self._slot_energy(day, int(slot), since)

    def _live_another_day(self) -> None:
        day = len(self._maxima)
        energy = self._days[day]
        for slot in range(_SLOTS_A_DAY):
            energy += self._slot_energy(day, slot)
        self._days.append(energy)
        self._maxima.append(self._maximum_of_day(day, _SLOTS_A_DAY))

    def _maximum_of_day(self, day: int, slots: int) -> _Maximum:
        """Return the maximum of the first `slots` quarters of an hour, if any."""
        power, slot = max(
            ((self._slot_power(day, slot)[0], slot) for slot in range(slots)),
            default=(0.0, -1),
        )
        end = self._installed + timedelta(days=day, seconds=_SLOT * (slot + 1))
        return _Maximum(power, end)

    def _maximum(self, start: datetime, end: datetime) -> _Maximum:
        """Return the maximum between a midnight and a moment after it."""
        self._energy(end)
        first, last = self._locate(start)[0], self._locate(end)[0]
        today = self._maximum_of_day(last, int(self._locate(end)[1] // _SLOT))
        return max([*self._maxima[first:last], today], key=lambda most: most.power)

    # -- what the meter sends -------------------------------------------------

    def _billing_ends(self, at: datetime) -> list[datetime]:
        """Return the last midnights at which a month ended, the youngest first."""
        midnight = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        ends = [midnight]
        for _ in range(BILLING_PERIODS):
            ends.append((ends[-1] - timedelta(days=1)).replace(day=1))
        return ends

    def _inventory(self, at: datetime) -> Iterable[str]:
        yield "F.F(00000000)"
        yield f"0.0.0({self.serial_number})"
        yield f"0.9.1({at:%H%M%S})"
        yield f"0.9.2({at:%y%m%d})"
        yield "0.2.0(DEMO-1.0)"
        months = (at.year - _INSTALLED[0]) * 12 + at.month - 1
        yield f"0.1.0({months % 100:02d})"
        for age, end in enumerate(self._billing_ends(at)[:-1], 1):
            yield f"0.1.2*{age:02d}({end:%y%m%d%H%M})"

    def _totals(self, at: datetime) -> Iterable[str]:
        now = self.counters(at)
        before = [self.counters(end) for end in self._billing_ends(at)[:-1]]
        yield _energy_line("1.8.0", now.import_total)
        for age, past in enumerate(before, 1):
            yield _energy_line(f"1.8.0*{age:02d}", past.import_total)
        yield _energy_line("1.8.1", now.import_tariff_1)
        yield _energy_line("1.8.2", now.import_tariff_2)
        yield _energy_line("2.8.0", now.export_total)
        for age, past in enumerate(before, 1):
            yield _energy_line(f"2.8.0*{age:02d}", past.export_total)

    def _demand(self, at: datetime) -> Iterable[str]:
        ends = self._billing_ends(at)
        yield _maximum_line("1.6.0", self._maximum(ends[0], at))
        for age, (end, start) in enumerate(pairwise(ends), 1):
            yield _maximum_line(f"1.6.0*{age:02d}", self._maximum(start, end))

    def _instantaneous(self, at: datetime) -> Iterable[str]:
        incoming, outgoing = self.power(at)
        minute = int(at.timestamp() // 60)
        yield _line("1.7.0", f"{incoming / 1000:06.3f}", "kW")
        yield _line("2.7.0", f"{outgoing / 1000:06.3f}", "kW")
        yield _line("16.7.0", f"{(incoming - outgoing) / 1000:07.3f}", "kW")
        for current, voltage, share in _PHASES:
            volts = 228 + 5 * self._dice(minute, voltage)
            amperes = share * (incoming + outgoing) / volts
            yield _line(f"{voltage}.7.0", f"{volts:05.1f}", "V")
            yield _line(f"{current}.7.0", f"{amperes:06.2f}", "A")
        yield _line("13.7.0", f"{0.94 + 0.05 * self._dice(minute):.2f}")
        yield _line("14.7.0", f"{49.97 + 0.06 * self._dice(minute, 14):.2f}", "Hz")


def _line(address: str, value: str, unit: str | None = None) -> str:
    return str(DataSet(address, value, unit))


def _energy_line(address: str, kilowatt_hours: Decimal) -> str:
    return _line(address, f"{kilowatt_hours:010.3f}", "kWh")


def _maximum_line(address: str, maximum: _Maximum) -> str:
    kilowatts = _line(address, f"{maximum.power / 1000:06.3f}", "kW")
    return f"{kilowatts}({maximum.time:%y%m%d%H%M})"
