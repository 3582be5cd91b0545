"""What a readout says: data sets and the catalogue become readings.

Every data set becomes a reading, known to the catalogue or not, in the order
sent; nothing is left out and nothing raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
import re
from typing import Final

from .billing import age_by_number, ages
from .catalog import (
    TEXTS,
    TIMES,
    UNITS,
    Medium,
    Quantity,
    Register,
)
from .clock import meter_clock
from .exceptions import TelegramError
from .lis200_objects import SERIAL_NUMBER, object_code
from .obis import NOT_USED, SERVICE, ObisCode
from .profiles import MeterProfile, profile_for
from .register_table import RegisterTable, lookup, medium_of
from .telegram import DataSet, Readout
from .times import looks_like_timestamp, parse_moment, parse_timestamp
from .units import split_unit, usual_unit
from .values import (
    decode_number,
    decode_text,
    from_hexadecimal,
    is_blank,
    parse_number,
    strip,
)

type Value = Decimal | datetime | date | time | str | None
"""None: the meter has no value there, which is not the same as zero."""

# The norm allows 16 characters for a code. Longer ones are read as well, but
# never remembered: what a meter sends does not fill our memory.
_REMEMBERED_LENGTH_MAX: Final = 64

# Types of other meters, as 0-n:24.1.0 gives them (EN 13757-3, table 3).
_DEVICE_TYPES: Final = {
    "2": Medium.ELECTRICITY,
    "3": Medium.GAS,
    "4": Medium.HEAT,
    "6": Medium.HOT_WATER,
    "7": Medium.WATER,
    "10": Medium.COOLING,
    "11": Medium.COOLING,
    "12": Medium.HEAT,
}

# A code of another meter, read through this one.
_CHANNEL = re.compile(r"0-(\d{1,3}):", re.ASCII)

# Where meters put their number, as patterns. 96.1.1 is a second number with
# most meters and the only one with DSMR; 0.0.1 is all that the AS3000 has.
_METER_NUMBER_CODES: Final = tuple(
    ObisCode.parse(text)
    for text in (
        *("0.0.0", "0.0.1", "9.20.0", "42.0.0"),
        *("96.1.0", "0-0:96.1.1", "96.90.1"),
    )
)
_METER_NUMBER_LENGTH_MIN: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One register of one readout, with its value."""

    address: str
    """The code exactly as printed; "" where the meter printed none."""

    occurrence: int = 0
    """0 for the first reading with this address, 1 for the next, and so on."""

    code: str
    """The code in normal form without billing period: "1-0:1.8.0".

    An F that is no billing period stays. Of an LIS-200 device it is the code of the
    object (`lis200_objects`). As printed where it is neither.
    """

    key: str
    """The register's key, or a made-up one: "obis_94_91_0".

    Not unique in a readout: billing periods share it, and so do B = 1 and B = 2.
    """

    register: Register | None
    """None where neither the catalogue nor the profile knows the code."""

    value: Value

    unit: str | None
    """In its usual spelling. None: none, or not known."""

    timestamp: datetime | None = None
    """When the value came about, such as the time of a maximum.

    Naive, in the meter's local time, unless the meter says how far UTC is.
    """

    billing_period: str | None = None
    """The printed suffix with its separator: "*12", "&12". None: current value."""

    age: int | None = None
    """How many billing periods ago the value was taken: 1 is the last one.

    None: a current value, or nothing in the readout proves it.
    """

    precision: int | None = None
    """Digits after the decimal point as sent; None unless the value is a number."""

    more: tuple[str, ...] = ()
    """Texts of further brackets that are no time: the rest of a log or profile."""


def interpret(
    readout: Readout, profile: MeterProfile | None = None
) -> tuple[Reading, ...]:
    """Read the meaning out of every data set, in the order sent.

    `profile` overrides the one that the identification chooses.
    """
    if profile is None:
        profile = profile_for(readout.identification, readout.data_sets)
    return tuple(_Interpreter(readout.data_sets, profile).readings())


def meter_number(data_sets: Iterable[DataSet]) -> str | None:
    """Find the number of the meter; None where it is not among `data_sets`.

    The first number that a meter sends is taken, so a readout that is still
    arriving gives the same answer as a whole one. Any other order would have to
    wait for the end, minutes away at 300 Bd. Codes that count are 0.0.0 and
    C.1.0 in all their forms, 0.0.1, C.90.1, 9.20 of heat meters, 0-0:42.0.0 and
    0-0:96.1.1 of DSMR, and 1:180 of LIS-200. Blanks around it go; zeros, dashes,
    error words and anything shorter than four characters are no number.
    """
    for data_set in data_sets:
        address = data_set.address
        if len(address) <= _REMEMBERED_LENGTH_MAX and _holds_meter_number(address):
            number = decode_number(strip(data_set.value))
            if _is_meter_number(number):
                return number
    return None


@lru_cache(maxsize=2048)
def _holds_meter_number(address: str) -> bool:
    """Whether the number of the meter may stand under an address."""
    if object_code(address) == SERIAL_NUMBER:
        return True
    try:
        code = ObisCode.parse(address)
    except TelegramError:
        return False
    if _channel(code):
        return False
    return any(code.matches(pattern) for pattern in _METER_NUMBER_CODES)


def _is_meter_number(text: str) -> bool:
    """Whether a text can name a meter."""
    significant = text.lstrip("0")
    return (
        len(significant) >= _METER_NUMBER_LENGTH_MIN
        and not significant.upper().startswith(("ER", "(ER"))
        and not is_blank(text)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """What a printed code means for one profile; the same in every readout."""

    code: str
    unknown_key: str
    """What the key is where nobody knows the register, or it takes no such unit."""

    register: Register | None = None
    billing_period: str | None = None
    period: int | None = None
    """The number of the billing period, where periods of this code are counted."""

    age: int | None = None
    """How many billing periods ago, where the number alone says so."""

    parts: tuple[Register, ...] = ()
    hexadecimal: bool = False

    @property
    def key(self) -> str:
        """What the key is as long as the unit fits."""
        return self.register.key if self.register else self.unknown_key


class _Interpreter:
    """One pass over the data sets of one readout."""

    def __init__(self, data_sets: Sequence[DataSet], profile: MeterProfile) -> None:
        self._data_sets = data_sets
        self._profile = profile
        self._occurrences: dict[str, int] = {}
        self._units: dict[str, str] = {}
        self._channels: dict[int, Medium] | None = None
        self._ages: dict[str, int] | None = None

    def readings(self) -> Iterator[Reading]:
        """Read everything, in the order sent."""
        for head, further in _groups(self._data_sets):
            meaning = self._meaning_of(head)
            if meaning.parts:
                yield from self._parts(head, meaning)
            elif meaning.code.endswith(":24.3.0") and len(further) >= 6:
                yield self._captured(head, further)
            elif further:
                yield self._group(head, further, meaning)
            else:
                yield self._reading(head, meaning)

    def _meaning_of(self, data_set: DataSet) -> _Meaning:
        """Find out what a data set is about."""
        address = data_set.address
        if self._profile.lis200:
            return _object_meaning(data_set, self._profile)
        medium: Medium | None = self._profile.medium
        if address.startswith("0-") and not address.startswith("0-0:"):
            medium = self._channel_medium(address)
        return _find_meaning(address, self._profile, medium)

    def _reading(
        self,
        data_set: DataSet,
        meaning: _Meaning,
        *,
        address: str | None = None,
        timestamp: datetime | None = None,
        more: tuple[str, ...] = (),
    ) -> Reading:
        """Read one value; `address` is where it stood if not in its own set."""
        address = data_set.address if address is None else address
        register, key = meaning.register, meaning.key
        text, unit = data_set.value, self._unit(data_set.unit)
        value: Value
        precision = None
        if register is not None and register.quantity in TEXTS:
            value = _text(text, register.quantity, hexadecimal=meaning.hexadecimal)
        elif register is not None and register.quantity in TIMES:
            value = parse_moment(
                text,
                has_date=register.quantity is not Quantity.TIME,
                has_time=register.quantity is not Quantity.DATE,
            )
        else:
            if unit is None:
                text, unit = self._inherit_unit(text, meaning)
            else:
                self._units[meaning.code] = unit
            if register is not None and not _takes(register, unit):
                register, key = None, meaning.unknown_key
            if register is None and unit is None:
                value = strip(text) or None
            else:
                if key in self._profile.hexadecimal:
                    text = from_hexadecimal(text)
                value, precision = parse_number(text)
                if isinstance(value, str) and looks_like_timestamp(value):
                    value = parse_timestamp(value)
        occurrence = self._occurrences.get(address, 0)
        self._occurrences[address] = occurrence + 1
        age = meaning.age
        # The same place once more is of another period, nobody knows which.
        if age is None and meaning.period is not None and occurrence == 0:
            age = self._age(meaning)
        return Reading(
            address=address,
            occurrence=occurrence,
            code=meaning.code,
            key=key,
            register=register,
            value=value,
            unit=unit,
            timestamp=timestamp,
            billing_period=meaning.billing_period,
            age=age,
            precision=precision,
            more=more,
        )

    def _group(
        self, head: DataSet, further: Sequence[DataSet], meaning: _Meaning
    ) -> Reading:
        """Read a value and the brackets that follow it without a code."""
        register = meaning.register
        if register is not None and register.quantity is Quantity.PROFILE:
            return self._reading(
                head, meaning, more=tuple(_bracket(one) for one in further)
            )
        value, *others = (head, *further)
        # DSMR prints the time first: 0-1:24.2.1(261120121500W)(01234.567*m3).
        if (
            (_is_number(register) or further[0].unit is not None)
            and looks_like_timestamp(head.value)
            and not looks_like_timestamp(further[0].value)
        ):
            value, others = further[0], [head, *further[1:]]
        when = next((one for one in others if looks_like_timestamp(one.value)), None)
        return self._reading(
            value,
            meaning,
            address=head.address,
            timestamp=None if when is None else parse_timestamp(when.value),
            more=tuple(_bracket(one) for one in others if one is not when),
        )

    def _captured(self, head: DataSet, further: Sequence[DataSet]) -> Reading:
        """Read the value that DSMR 2 and 3 wrap into a profile of one row.

        `0-1:24.3.0(time)(status)(period)(1)(0-1:24.2.1)(m3)(value)`: the code
        and the unit stand in brackets of their own.
        """
        _status, _period, _count, code, unit, value, *_ = (one.value for one in further)
        meaning = _find_meaning(code, self._profile, self._channel_medium(code))
        return self._reading(
            DataSet(code, value, unit),
            meaning,
            address=head.address,
            timestamp=parse_timestamp(head.value),
        )

    def _parts(self, data_set: DataSet, meaning: _Meaning) -> Iterator[Reading]:
        """Read the values of a list, each as a register of its own.

        Values that the meter leaves out are None; those beyond the registers
        are kept with the last one.
        """
        texts = re.split("[&,]", _bracket(data_set))
        more = tuple(texts[len(meaning.parts) :])
        missing = [""] * (len(meaning.parts) - len(texts))
        for register, text in zip(meaning.parts, [*texts, *missing], strict=False):
            value, _, unit = text.partition("*")
            yield self._reading(
                DataSet(data_set.address, value, unit or None),
                replace(meaning, register=register),
                more=more if register is meaning.parts[-1] else (),
            )

    def _unit(self, text: str | None) -> str | None:
        """Spell a unit the usual way, or the way of the profile."""
        return self._profile.units.get(text or "") or usual_unit(text)

    def _inherit_unit(self, text: str, meaning: _Meaning) -> tuple[str, str | None]:
        """Find the unit of a value without one.

        It stands at the end of the value, or with the current value of the same
        code, or it goes without saying.
        """
        text, unit = split_unit(text)
        if unit is not None:
            self._units[meaning.code] = unit
            return text, unit
        unit = self._units.get(meaning.code)
        if unit is None and meaning.register is not None:
            unit = meaning.register.unit
        return text, unit

    def _age(self, meaning: _Meaning) -> int | None:
        """Find how many billing periods ago a value was taken."""
        if self._ages is None:
            self._ages = self._find_ages()
        return self._ages.get(meaning.billing_period or "")

    def _find_ages(self) -> dict[str, int]:
        """Find the ages of all billing periods of the readout."""
        periods: dict[str, int] = {}
        ends: dict[str, datetime] = {}
        resets: int | None = None
        for data_set in self._data_sets:
            meaning = _find_meaning(
                data_set.address, self._profile, self._profile.medium
            )
            period = meaning.billing_period
            if period is None and meaning.key == "billing_resets" and resets is None:
                resets = _count(data_set.value)
            elif period is not None and meaning.period is not None:
                periods.setdefault(period, meaning.period)
                # Landis+Gyr print the times under 0.1.0, too.
                if meaning.key in {"billing_resets", "billing_reset_timestamp"}:
                    end = parse_timestamp(data_set.value)
                    if end is not None:
                        ends.setdefault(period, end)
        clock = meter_clock(self._data_sets)
        return ages(
            self._profile.billing,
            periods,
            resets=resets,
            month=clock.moment.month if clock else None,
            ends=ends,
        )

    def _channel_medium(self, address: str) -> Medium | None:
        """Find what the other meter at the channel of an address measures."""
        if self._channels is None:
            self._channels = dict(_device_types(self._data_sets))
        match = _CHANNEL.match(address)
        return self._channels.get(int(match[1])) if match else None


def _bracket(data_set: DataSet) -> str:
    """Return the text between the brackets of a data set."""
    return str(data_set)[len(data_set.address) + 1 : -1]


def _groups(
    data_sets: Sequence[DataSet],
) -> Iterator[tuple[DataSet, Sequence[DataSet]]]:
    """Put each data set together with those after it that have no address."""
    start = 0
    end = len(data_sets)
    while start < end:
        stop = start + 1
        while stop < end and not data_sets[stop].address:
            stop += 1
        yield data_sets[start], data_sets[start + 1 : stop]
        start = stop


def _device_types(data_sets: Iterable[DataSet]) -> Iterator[tuple[int, Medium]]:
    """Find what the other meters measure, by channel."""
    for data_set in data_sets:
        match = _CHANNEL.match(data_set.address)
        if match and data_set.address.endswith(":24.1.0"):
            medium = _DEVICE_TYPES.get(data_set.value.lstrip("0"))
            if medium is not None:
                yield int(match[1]), medium


@lru_cache(maxsize=128)
def _table(profile: MeterProfile) -> RegisterTable:
    """Index the rows of a profile."""
    return RegisterTable(profile.registers)


def _find_meaning(
    address: str, profile: MeterProfile, medium: Medium | None
) -> _Meaning:
    """Find out what a printed code means, from memory if it is of a usual length."""
    if len(address) > _REMEMBERED_LENGTH_MAX:
        return _meaning.__wrapped__(address, profile, medium)
    return _meaning(address, profile, medium)


@lru_cache(maxsize=8192)
def _meaning(address: str, profile: MeterProfile, medium: Medium | None) -> _Meaning:
    """Find out what a printed code means for a meter."""
    try:
        code = ObisCode.parse(address)
    except TelegramError:
        return _Meaning(code=address, unknown_key=_generic_key(address))
    window = code.f in profile.windows
    fourth = code.f is not None and code.separator == "."
    register = _table(profile).find(code, medium_of(code, medium))
    if register is None and not window and not fourth:
        register = lookup(code, medium)
    normal = _normal(code, profile.medium)
    if not window and not fourth:
        normal = replace(normal, f=None)
    billing_period = None if window else _billing_period(code, address)
    period = None
    if billing_period is not None and _is_stored_at_a_reset(code, register):
        period = code.f
    return _Meaning(
        code=str(normal),
        unknown_key=_generic_key(str(normal)),
        register=register,
        billing_period=billing_period,
        period=period,
        age=None if period is None else age_by_number(profile.billing, period),
        parts=profile.lists.get(f"{code.c}.{code.d}.{code.tariff}", ()),
        hexadecimal=code.a == 0,
    )


def _object_meaning(data_set: DataSet, profile: MeterProfile) -> _Meaning:
    """Find out what an address of an LIS-200 device means."""
    has_unit = data_set.unit is not None
    code = object_code(data_set.address, has_unit=has_unit)
    if code is None:
        return _Meaning(
            code=data_set.address, unknown_key=_generic_key(data_set.address)
        )
    return _Meaning(
        code=code,
        unknown_key=f"object_{re.sub('[^0-9a-z]', '_', code.lower())}",
        register=_table(profile).find_object(code),
    )


def _normal(code: ObisCode, medium: Medium) -> ObisCode:
    """Fill in the groups that go without saying.

    The short codes of a heat meter are no OBIS codes of its medium, so they
    stay as they are.
    """
    if code.a is None:
        if code.c >= SERVICE:
            code = replace(code, a=0, b=0)
        elif medium is Medium.ELECTRICITY:
            code = replace(code, a=1, b=0)
        else:
            return code
    return replace(code, e=code.tariff)


def _billing_period(code: ObisCode, address: str) -> str | None:
    """Take the suffix off a printed code."""
    if code.f in (None, NOT_USED) or code.separator == ".":
        return None
    _, separator, suffix = address.rpartition(code.separator)
    return f"*{code.f}" if not separator else separator + suffix.strip()


def _is_stored_at_a_reset(code: ObisCode, register: Register | None) -> bool:
    """Whether a number behind a code can count billing periods.

    Service codes have logs behind them, with the last event first, and a text
    is a setting.
    """
    return code.c < SERVICE and (register is None or register.quantity not in TEXTS)


def _channel(code: ObisCode) -> int | None:
    """Give the channel of a meter read through this one; 0 or None: there is none."""
    return code.b if code.a == 0 else None


def _generic_key(code: str) -> str:
    """Make a key for a code that the catalogue does not know."""
    reduced = re.sub(r"^[\d-]+:", "", code).lower()
    prefix = "obis" if re.match(r"\d+\.\d", reduced) else "code"
    return re.sub(r"[^a-z0-9]+", "_", f"{prefix}_{reduced}").strip("_")


def _is_number(register: Register | None) -> bool:
    """Whether a register is known to hold a number."""
    return (
        register is not None
        and register.quantity not in TEXTS
        and register.quantity not in TIMES
    )


def _count(text: str) -> int | None:
    """Read how many there are; None where no number stands."""
    count, precision = parse_number(text)
    return int(count) if isinstance(count, Decimal) and precision == 0 else None


def _takes(register: Register, unit: str | None) -> bool:
    """Whether a unit is one of the register's quantity."""
    units = UNITS.get(register.quantity)
    return units is None or unit is None or unit in units


def _text(text: str, quantity: Quantity, *, hexadecimal: bool) -> str | None:
    """Read a text, which DSMR prints in hexadecimal digits; None if it is blank."""
    text = strip(text)
    if hexadecimal and quantity is Quantity.IDENTIFIER:
        text = decode_number(text)
    elif hexadecimal and quantity is Quantity.TEXT:
        text = decode_text(text)
    return text or None
