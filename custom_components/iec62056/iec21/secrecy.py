"""What names a meter, its owner or its place in the text of a telegram.

Finds; hiding is left to `masking`, and checks to `redaction`.

Rule 1: what a register means decides, as long as the telegram can be believed.

Rule 2: where damage may hide the meaning, long numbers are secrets unless what
stands before them is known to be harmless. One number too many costs a reader
little, one too few costs its owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, time
import re
from typing import Final

from .catalog import TIMES
from .exceptions import TelegramError
from .messages import Identification
from .obis import ObisCode
from .profiles import all_registers
from .reading import Reading, interpret
from .telegram import BadLine, Check, DataSet, Readout, parse_data_lines
from .times import parse_moment, parse_time, parse_timestamp
from .units import split_unit
from .values import decode_number, decode_text, strip

SHORTEST_SECRET: Final = 4
"""Shorter texts name nobody, and would make half of a telegram unreadable.

Leading zeros do not count.
"""

SHORTEST_NUMBER: Final = 5
"""Digits of a number that is recognised among letters, or in a damaged line."""

LONG_NUMBER: Final = 6
"""Digits of what may be a meter's number where nothing says what it is."""

COMPARED_MAX: Final = 100
"""Secrets that damaged text is compared with: more than a meter has.

Noise may hold any number of them, and each one costs a search.
"""

COMPARED_LENGTH_MAX: Final = 34
"""Characters of a secret that is compared: DSMR's longest number in hexadecimal."""

FILLERS: Final = {0x00: None, 0x7F: None}
"""What may stand between any two characters and means nothing."""

SEPARATED: Final = FILLERS | dict.fromkeys(range(1, 7), "\n")
"""What takes the marks around data for line ends (SOH, STX, ETX, EOT, ACK)."""

WORD: Final = re.compile(r"[0-9A-Za-z]+")
DIGITS: Final = re.compile(r"[0-9]+")

# An identification up to where its type begins. Of an escape the character after
# the backslash says what the meter can do, and a raw 02 stands for "\2".
IDENTIFICATION: Final = re.compile(r"(/[A-Za-z]{3}[^/](?:\\[^/\\!]|\x02)*)([^/]*)")

# What stands between blanks and what meters put between the parts of a value. Any
# other character in a number was a digit once.
_RUN = re.compile(r"[^ .,*+/&_()\r\n-]+")
_NOT_IN_CODES = re.compile(r"[0-9]\.[A-Z]|[a-z]")
_BEFORE_POINT = re.compile(r"[0-9]\.")
_BEHIND_POINT = re.compile(r"\.[0-9]")
_BEHIND_NUMBER = re.compile(r"[0-9]| *\*[^0-9)]")
_ERROR = re.compile(r"ER+(?:OR)?[0-9]*", re.IGNORECASE)
_QUANTITY = re.compile(r"(?:.*:)?(\d+)\.(\d+)")


def _quantity_of(code: str) -> tuple[str, str] | None:
    """Return the groups C and D of a code in normal form; None if it has none."""
    match = _QUANTITY.match(code)
    return match and (match[1], match[2])


_IDENTITIES: Final = frozenset(
    quantity
    for register in all_registers()
    if register.identity and (quantity := _quantity_of(register.code))
)
"""C and D of all codes that a number of the meter stands under."""


@dataclass(slots=True)
class Secrets:
    """What was found in one telegram, or in a part of one."""

    certain: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    """What may be one, since the telegram may be damaged.

    It is none if a telegram with a right check says so.
    """


def secrets_of(readout: Readout) -> frozenset[str]:
    """Return the texts in `readout` that name the meter, its owner or its place.

    They are what identity registers and messages hold, as sent and as read, and
    the longer runs of digits in them, which some meters repeat elsewhere with
    other letters around. Numbers in lines that nobody understands are among them,
    and of a readout without check those whose code may be a damaged one.
    """
    if readout.raw:
        text = readout.raw.decode("latin-1")
    else:
        text = "\n".join([*map(str, readout.data_sets), *readout.bad_lines])
    right = None if readout.check is Check.NONE else True
    found = find_secrets(readout.identification, text, right=right)
    if right is None:
        found.doubtful |= find_similar(text, found.certain)
    return frozenset(found.certain | found.doubtful)


def find_secrets(
    identification: Identification | None, text: str, *, right: bool | None
) -> Secrets:
    """Find the secrets in the text of a telegram.

    `right` says whether its check matches; None: it has none. A code means what
    it says if the check is right. Without a check it does so, too, unless it may
    have been the code of a meter's number; with a wrong one none is believed.
    """
    lines = list(_parse(text.translate(SEPARATED)))
    data_sets = tuple(item for item in lines if isinstance(item, DataSet))
    readings = {
        reading.address: reading
        for reading in interpret(
            Readout(
                identification=identification, data_sets=data_sets, check=Check.NONE
            )
        )
    }
    found = Secrets()
    guessed = found.certain if right else found.doubtful
    head = ""
    for item in lines:
        if isinstance(item, BadLine):
            # The next telegram may begin where this one was cut off; what is
            # secret in its first line does not depend on this one.
            code, _, value = IDENTIFICATION.sub("", item.text).partition("(")
            guessed |= _numbers(code, SHORTEST_NUMBER, decimals=True)
            guessed |= _numbers(value, SHORTEST_NUMBER)
            continue
        if not right and not is_code(item.address):
            # Its brackets may have been damaged, and the next code stands behind.
            guessed |= _numbers(item.address, SHORTEST_NUMBER)
        head = item.address or head
        value = item.value if item.unit is None else f"{item.value}*{item.unit}"
        number = before_unit(value)
        reading = readings.get(head)
        if reading is not None and _is_private(reading):
            found.certain.update(
                text
                for text in _texts(value if number is None else number, reading)
                if is_telling(text) and not _is_type(text, identification)
            )
        elif number is not None or _is_time(value, reading):
            continue
        elif not is_code(head):
            guessed |= _numbers(value, SHORTEST_NUMBER)
        elif right is False or (right is None and not _is_harmless(reading)):
            guessed |= _numbers(value, LONG_NUMBER)
    return found


def find_similar(text: str, secrets: Collection[str]) -> set[str]:
    """Find what is a secret but for one character, as it stands in a damaged text.

    Any character may have come in its place. Values with a unit or a decimal
    point are none. Of very many secrets only some are compared.
    """
    candidates = {secret.strip().lstrip("0") for secret in secrets}
    similar: set[str] = set()
    for secret in sorted(candidates)[:COMPARED_MAX]:
        if LONG_NUMBER <= len(secret) <= COMPARED_LENGTH_MAX:
            similar.update(
                text[start:end].translate(FILLERS)
                for start, end in _places(text, secret)
                if not _is_measured(text, start, end)
            )
    return similar


def _places(text: str, secret: str) -> Iterator[tuple[int, int]]:
    """Find where all characters but one are those of `secret`.

    One half of it is undamaged then.
    """
    middle = len(secret) // 2
    for offset, half in ((0, secret[:middle]), (middle, secret[middle:])):
        found = text.find(half)
        while found >= 0:
            start, end = found - offset, found - offset + len(secret)
            if start >= 0 and _differences(text[start:end], secret) == 1:
                yield start, end
            found = text.find(half, found + 1)


def _differences(text: str, other: str) -> int:
    """Count the characters that differ, those that one of the two lacks included."""
    pairs = zip(text, other, strict=False)
    return len(other) - sum(one == another for one, another in pairs)


def _is_measured(text: str, start: int, end: int) -> bool:
    """Whether the digits at a place go on, or belong to a value."""
    return bool(
        text[max(0, start - COMPARED_LENGTH_MAX) : start].rstrip("0")[-1:].isdigit()
        or _BEHIND_NUMBER.match(text, end)
        or is_part_of_decimal(text, start, end)
    )


def _parse(text: str) -> Iterator[DataSet | BadLine]:
    """Read data sets, and what may have been some before it was damaged.

    A code may have lost its brackets to the next line, and brackets their end.
    What ends with a bracket continues the set before it.
    """
    code = ""
    for item in parse_data_lines(text):
        if isinstance(item, DataSet):
            yield item if item.address else replace(item, address=code)
            code = ""
            continue
        yield item
        before, bracket, value = item.text.partition("(")
        rest, end, _ = before.partition(")")
        code = ""
        if bracket:
            yield DataSet(before.strip(), value)
        elif end:
            yield DataSet("", rest)
        else:
            code = before.strip()


def _is_private(reading: Reading) -> bool:
    """Whether a reading names somebody: an identity register, or a message."""
    register = reading.register
    return (register is not None and register.identity) or _is_message(reading)


def _is_message(reading: Reading) -> bool:
    """Whether a reading is what a supplier has to say to a customer (0-0:96.13.x)."""
    return ":96.13." in reading.code


def _is_harmless(reading: Reading | None) -> bool:
    """Whether a code is a known one that damage does not make of an identity's.

    One damaged character leaves C or D as it was: 0.2.0 may have been 0.0.0.
    """
    if reading is None or reading.register is None:
        return False
    quantity = _quantity_of(reading.code)
    return quantity is not None and not any(
        c == quantity[0] or d == quantity[1] for c, d in _IDENTITIES
    )


def _texts(value: str, reading: Reading) -> set[str]:
    """Return a private value as sent and as read, and the numbers in it."""
    value = strip(value)
    if _is_message(reading):
        return {value, decode_text(value)}
    if _ERROR.fullmatch(value):
        return set()
    texts = {value, decode_number(value)}
    numbers = {run.lstrip("0") for text in texts for run in DIGITS.findall(text)}
    return texts | {number for number in numbers if len(number) >= SHORTEST_NUMBER}


def _numbers(text: str, digits: int, *, decimals: bool = False) -> set[str]:
    """Return what in `text` has so many digits, leading zeros not counted.

    What is neither letter nor digit counts as a damaged digit, except in times.
    Numbers before or behind a decimal point only count with `decimals`.
    """
    return {
        run[0]
        for run in _RUN.finditer(text)
        if sum(not character.isalpha() for character in run[0].lstrip("0")) >= digits
        and (decimals or not is_part_of_decimal(text, *run.span()))
        and not (":" in run[0] and parse_time(run[0]))
    }


def is_telling(text: str) -> bool:
    """Whether a text is long enough to name somebody, zeros in front not counted."""
    return len("".join(WORD.findall(text)).lstrip("0")) >= SHORTEST_SECRET


def _is_type(text: str, identification: Identification | None) -> bool:
    """Whether a text is the type that a meter shows to everybody: "MT174"."""
    return (
        identification is not None
        and not text.isdigit()
        and identification.text.startswith(text)
        and all(len(run) < LONG_NUMBER for run in DIGITS.findall(text))
    )


def _is_time(text: str, reading: Reading | None) -> bool:
    """Whether a text is a possible time, where a short one has to belong."""
    if parse_timestamp(text) is not None:
        return True
    if reading is None or reading.register is None:
        return False
    return reading.register.quantity in TIMES and isinstance(
        parse_moment(text), date | time
    )


def before_unit(text: str) -> str | None:
    """Return what stands before the unit of a value; None: there is no unit.

    It stands behind an asterisk, or behind a blank; "0C" ends many a number in
    hexadecimal. What holds a number itself is no unit but was damaged.
    """
    before, asterisk, unit = text.rpartition("*")
    if asterisk:
        return before if _is_unit(unit) else None
    before, glued = split_unit(text)
    return before if glued and text[len(before)] == " " else None


def _is_unit(text: str) -> bool:
    """Whether a text behind an asterisk may be a unit, and no damaged number."""
    return (
        text != ""
        and not text[0].isdigit()
        and all(len(run) < SHORTEST_NUMBER for run in DIGITS.findall(text))
    )


def is_code(address: str) -> bool:
    """Whether an address is a code that meters print.

    That is none with a letter behind a number, or with a small one: 0.P.0 and
    p.0.0 were 0.0.0 once.
    """
    try:
        ObisCode.parse(address)
    except TelegramError:
        return False
    return not _NOT_IN_CODES.search(address)


def is_part_of_decimal(text: str, start: int, end: int) -> bool:
    """Whether the digits in `text[start:end]` go on before or behind a point."""
    if not DIGITS.fullmatch(text, start, end):
        return False
    behind = _BEHIND_POINT.match(text, end)
    before = start >= 2 and _BEFORE_POINT.match(text, start - 2)
    return bool(behind or before)
