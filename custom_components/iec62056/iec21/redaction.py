r"""Traces and readouts without what names a meter, its owner or its place.

Rule 1: what a register means decides. The number that an identity register holds
is made unreadable wherever it turns up as a number of its own: never in a code,
never as the digits of a measured value.

Rule 2: where damage hides the meaning, long numbers count as secrets. That holds
for lines that are cut off, for codes that are none, and for blocks whose check is
wrong. One number too many costs a reader little, one too few costs its owner.

Rule 3: lengths stay, and checks change by as much as what they cover, so that a
telegram stays as right or as wrong as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, time
from functools import lru_cache
from itertools import product
import re
from typing import Final, NamedTuple

from .catalog import TIMES
from .const import ETX, STX
from .exceptions import TelegramError
from .framing import add_parity, crc16, strip_parity, sum_check, xor_check
from .messages import Identification
from .obis import ObisCode
from .reading import Reading, interpret
from .telegram import BadLine, Check, DataSet, Readout, parse_data_lines
from .times import parse_moment, parse_timestamp
from .traces import Trace
from .values import decode_number, decode_text, strip

MASK: Final = "X"
"""What each character of a secret becomes; blanks and separators stay."""

_OTHER_MASKS: Final = b"XxYy"

SHORTEST_SECRET: Final = 4
"""Shorter texts name nobody, and would make half of a telegram unreadable.

Leading zeros do not count.
"""

_SHORTEST_NUMBER: Final = 5
"""Digits of a number that is recognised among letters, or in a damaged line."""

_LONG_NUMBER: Final = 6
"""Digits of what may be a meter's number where nothing says what it is."""

_WORDS_MAX: Final = 8
"""Words that are looked for at once; a longer secret is looked for in parts."""

_CODE_MAX: Final = 64
"""Characters of a code that is recognised before a bracket; the norm has 16."""

_FILLERS: Final = {0x00: None, 0x7F: None}
_SEPARATED: Final = _FILLERS | dict.fromkeys(range(1, 7), "\n")
"""What takes the marks around data for line ends (SOH, STX, ETX, EOT, ACK)."""

_LINE = re.compile(r"[^\r\n]+")
_WORD = re.compile(r"[0-9A-Za-z]+")
_DIGITS = re.compile(r"[0-9]+")
_PIECE = re.compile(r"[^()]+")
_ADDRESS = re.compile(r"[!-~]+")
_LETTER_BEHIND_NUMBER = re.compile(r"[0-9]\.[A-Za-z]")
_BEFORE_POINT = re.compile(r"[0-9]\.")
_BEHIND_POINT = re.compile(r"\.[0-9]")
_ERROR = re.compile(r"ER+(?:OR)?[0-9]*", re.IGNORECASE)

# A sign-on, or its echo. Its end may be missing where nothing else begins so.
_SIGN_ON = re.compile(r"(/\?)([^!/()\n]+)|(/[#0-9])([^!/()\n]{1,64})(?=!)")

# An identification up to where its type begins. Of an escape the character after
# the backslash says what the meter can do, and a raw 02 stands for "\2".
_IDENTIFICATION = re.compile(r"(/[A-Za-z]{3}[^/](?:\\[^/\\!]|\x02)*)([^/]*)")
# Landis+Gyr's types have seven digits: ZMD3104407 (LGZ_ZMD3104407_B24_1.txt).
_NUMBER_IN_TYPE = re.compile(r"(?P<type>Z[A-Z]{2}[0-9]{7}(?![0-9]))|[0-9]{6,}")

# The identification on a line, fillers and noise before it allowed.
_BYTES_OF_LINE = re.compile(rb"[^\r\n]+")
_BEGINNING = re.compile(rb"/(?:[\x00\x7f]*[A-Za-z]){3}")

# A repeated STX begins the block anew. The check is one character by position.
_FRAME = re.compile(rb"\x02([^\x02\x03]*\x03)(.)", re.DOTALL)
_CRC = re.compile(rb"(?<=[\r\n)])!([0-9A-Fa-f]{1,4})(?=[\r\n]|\Z)")


def secrets_of(readout: Readout) -> frozenset[str]:
    """Return the texts in `readout` that name the meter, its owner or its place.

    They are what identity registers and messages hold, as sent and as read, and
    the longer runs of digits in them, which some meters repeat elsewhere with
    other letters around. Numbers in lines that nobody understands are among them.
    """
    if readout.raw:
        text = readout.raw.decode("latin-1")
    else:
        text = "\n".join([*map(str, readout.data_sets), *readout.bad_lines])
    right = None if readout.check is Check.NONE else True
    found = _find_secrets(readout.identification, text, right=right)
    return frozenset(found.certain | found.doubtful)


def mask(text: str) -> str:
    """Make `text` unreadable without changing its length or its separators."""
    return _WORD.sub(lambda word: MASK * len(word[0]), text)


def redact_text(text: str, secrets: frozenset[str]) -> str:
    """Return `text`, of the same length, with every secret masked.

    `text` may be a sentence as well as a data block. A secret is found with or
    without leading zeros, in upper or lower case, whatever separates its words.
    In data sets, codes stay, and a value with a unit stays unless the secret is
    all of it. The address of a sign-on is masked, and long numbers are in an
    identification, whether they are among `secrets` or not.
    """
    index = _index(secrets)
    plain = text.translate(_FILLERS)
    redacted = _LINE.sub(lambda line: _redact_line(line[0], index), plain)
    if len(plain) == len(text):
        return redacted
    characters = iter(redacted)
    return "".join(
        character if ord(character) in _FILLERS else next(characters)
        for character in text
    )


def redact_trace(trace: Trace) -> Trace:
    """Return a copy of `trace` that may be shown to anybody.

    It plays back like the original: same lengths, same times, and checks that
    are right or wrong as before.
    """
    received, sent = strip_parity(trace.received), strip_parity(trace.sent)
    secrets = _secrets_in(received, sent)
    redacted = _renew_checks(received, _redact_bytes(received, secrets))
    copy = replace(
        trace,
        entries=trace.replaced("receive", _with_parity_of(trace.received, redacted)),
    )
    copy.entries = copy.replaced(
        "send", _with_parity_of(trace.sent, _redact_bytes(sent, secrets))
    )
    return copy


def _redact_bytes(data: bytes, secrets: frozenset[str]) -> bytes:
    return redact_text(data.decode("ascii"), secrets).encode("ascii")


# -- what is secret -----------------------------------------------------------


@dataclass(slots=True)
class _Secrets:
    """What was found in one telegram, or in a part of one."""

    certain: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    """Numbers that may be secrets, since the code before them may be damaged."""


def _secrets_in(received: bytes, sent: bytes) -> frozenset[str]:
    """Find the secrets of everything that passed over the line, seven bits wide."""
    secrets: set[str] = set()
    doubtful: set[str] = set()
    trusted: set[str] = set()
    for match in _SIGN_ON.finditer(_separated(sent)):
        secrets.add(match[2] or match[4])
    for segment in _segments(received):
        text = _separated(received[segment.body : segment.end])
        right = _is_right(received, segment)
        found = _find_secrets(segment.identification, text, right=right)
        secrets |= found.certain
        doubtful |= found.doubtful
        if right:
            trusted.update(_WORD.findall(text))
    return frozenset(secrets | (doubtful - trusted))


def _separated(data: bytes) -> str:
    return data.decode("ascii").translate(_SEPARATED)


def _find_secrets(
    identification: Identification | None, text: str, *, right: bool | None
) -> _Secrets:
    """Find the secrets in the text of a telegram.

    `right` says whether its check matches; None: it has none. A code means what
    it says if the check is right, and most likely if it is a known one and there
    is no check.
    """
    lines = list(_parse(text.translate(_SEPARATED)))
    data_sets = tuple(item for item in lines if isinstance(item, DataSet))
    readings = {
        reading.address: reading
        for reading in interpret(
            Readout(
                identification=identification, data_sets=data_sets, check=Check.NONE
            )
        )
    }
    found = _Secrets()
    head = ""
    for item in lines:
        if isinstance(item, BadLine):
            # The next telegram may begin where this one was cut off; what is
            # secret in its first line does not depend on this one.
            code, _, value = _IDENTIFICATION.sub("", item.text).partition("(")
            found.certain |= _numbers(code, _SHORTEST_NUMBER, decimals=True)
            found.certain |= _numbers(value, _SHORTEST_NUMBER)
            continue
        head = item.address or head
        reading = readings.get(head)
        if reading is not None and _is_private(reading):
            found.certain.update(
                text
                for text in _texts(item.value, reading)
                if _is_telling(text) and not _is_type(text, identification)
            )
        elif item.unit is None and not _is_time(item.value, reading):
            numbers = _numbers(item.value, _LONG_NUMBER)
            known = reading is not None and reading.register is not None
            if not _is_code(head):
                found.certain |= numbers
            elif right is False or (right is None and not known):
                found.doubtful |= numbers
    return found


def _parse(text: str) -> Iterator[DataSet | BadLine]:
    """Read data sets, and what may have been some before it was damaged.

    A code may have lost its brackets to the next line, and brackets their end.
    """
    code = ""
    for item in parse_data_lines(text):
        if isinstance(item, DataSet):
            yield item if item.address else replace(item, address=code)
            code = ""
        else:
            yield item
            code, bracket, rest = item.text.partition("(")
            code = code.strip()
            if bracket:
                yield DataSet(code, rest)
                code = ""


def _is_private(reading: Reading) -> bool:
    """Whether a reading names somebody: an identity register, or a message."""
    register = reading.register
    return (register is not None and register.identity) or _is_message(reading)


def _is_message(reading: Reading) -> bool:
    """Whether a reading is what a supplier has to say to a customer (0-0:96.13.x)."""
    return ":96.13." in reading.code


def _texts(value: str, reading: Reading) -> set[str]:
    """Return a private value as sent and as read, and the numbers in it."""
    value = strip(value)
    if _is_message(reading):
        return {value, decode_text(value)}
    if _ERROR.fullmatch(value):
        return set()
    texts = {value, decode_number(value)}
    numbers = {run.lstrip("0") for text in texts for run in _DIGITS.findall(text)}
    return texts | {number for number in numbers if len(number) >= _SHORTEST_NUMBER}


def _numbers(text: str, digits: int, *, decimals: bool = False) -> set[str]:
    """Return the words of `text` with so many digits, leading zeros not counted.

    Those that stand before or behind a decimal point only count with `decimals`.
    """
    return {
        word[0]
        for word in _WORD.finditer(text)
        if sum(map(str.isdigit, word[0].lstrip("0"))) >= digits
        and (decimals or not _is_part_of_decimal(text, *word.span()))
    }


def _is_telling(text: str) -> bool:
    """Whether a text is long enough to name somebody, zeros in front not counted."""
    return len("".join(_WORD.findall(text)).lstrip("0")) >= SHORTEST_SECRET


def _is_type(text: str, identification: Identification | None) -> bool:
    """Whether a text is the type that a meter shows to everybody: "MT174"."""
    return (
        identification is not None
        and not text.isdigit()
        and identification.text.startswith(text)
        and all(len(run) < _LONG_NUMBER for run in _DIGITS.findall(text))
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


def _is_code(address: str) -> bool:
    """Whether an address is a code that meters print.

    That is none with a letter behind a number: 0.p.0 was 0.0.0 once.
    """
    try:
        ObisCode.parse(address)
    except TelegramError:
        return False
    return not _LETTER_BEHIND_NUMBER.search(address)


def _is_part_of_decimal(text: str, start: int, end: int) -> bool:
    """Whether the digits in `text[start:end]` go on before or behind a point."""
    if not _DIGITS.fullmatch(text, start, end):
        return False
    behind = _BEHIND_POINT.match(text, end)
    before = start >= 2 and _BEFORE_POINT.match(text, start - 2)
    return bool(behind or before)


# -- where it stands ----------------------------------------------------------


class _Index(NamedTuple):
    """Secrets, ready to be looked up."""

    secrets: frozenset[tuple[str, ...]]
    """The words of each, in upper case, without leading zeros."""

    lengths: dict[str, set[int]]
    """For a first word: of how many words the secrets are that begin with it."""


@lru_cache(maxsize=4)
def _index(secrets: frozenset[str]) -> _Index:
    """Prepare to look secrets up; their number costs no time then."""
    index = _Index(
        frozenset(part for secret in secrets for part in _parts(secret)),
        defaultdict(set),
    )
    for first, *others in index.secrets:
        index.lengths[first].add(1 + len(others))
    return index


def _parts(secret: str) -> Iterator[tuple[str, ...]]:
    """Cut a secret into words, at most `_WORDS_MAX` at once."""
    words = [word.upper() for word in _WORD.findall(secret)]
    for start in range(0, len(words), _WORDS_MAX):
        first, *others = words[start : start + _WORDS_MAX]
        if _is_telling(first + "".join(others)):
            yield first.lstrip("0"), *others


def _redact_line(line: str, index: _Index) -> str:
    """Mask the secrets in one line, and then what its form says is one."""
    if spans := list(_find(line, index)):
        characters = list(line)
        pieces = iter(list(_pieces(line)))
        piece = next(pieces)
        for start, end in spans:
            while piece.end <= start:
                piece = next(pieces)
            if not piece.keeps(line, start, end):
                characters[start:end] = mask(line[start:end])
        line = "".join(characters)
    line = _SIGN_ON.sub(
        lambda match: (match[1] or match[3]) + mask(match[2] or match[4]), line
    )
    return _IDENTIFICATION.sub(
        lambda match: match[1] + _NUMBER_IN_TYPE.sub(_unless_type, match[2]), line
    )


def _unless_type(match: re.Match[str]) -> str:
    return match["type"] or mask(match[0])


def _find(line: str, index: _Index) -> Iterator[tuple[int, int]]:
    """Find where secrets stand in a line, by the order of their first words."""
    words = list(_WORD.finditer(line))
    for position, word in enumerate(words):
        first = word[0].upper().lstrip("0")
        for length in index.lengths.get(first, ()):
            found = words[position : position + length]
            if (first, *(one[0].upper() for one in found[1:])) in index.secrets:
                yield word.start(), found[-1].end()
        for run in _DIGITS.finditer(line, *word.span()):
            number = run[0].lstrip("0")
            if len(number) >= _SHORTEST_NUMBER and (number,) in index.secrets:
                yield run.span()


class _Piece(NamedTuple):
    """What stands between two brackets of a line: a code, a value, or a text."""

    end: int

    code: range
    """Where it is a code; empty unless a bracket follows."""

    value: bool
    """Whether it stands in brackets."""

    number: tuple[int, int] | None
    """Where the number of a value with a unit is; None: there is no unit."""

    def keeps(self, line: str, start: int, end: int) -> bool:
        """Whether what looks like a secret is something else at this place."""
        if not self.value:
            return start in self.code
        if self.number is None:
            return _is_part_of_decimal(line, start, end)
        significant = line[start:end].lstrip("0")
        return (start, end) != self.number or len(significant) < _LONG_NUMBER


def _pieces(line: str) -> Iterator[_Piece]:
    """Cut a line at its brackets."""
    for match in _PIECE.finditer(line):
        start, end = match.span()
        text = match[0]
        code, number = range(0), None
        value = line[start - 1 : start] == "("
        if value:
            before, unit, behind = text.rpartition("*")
            if unit and not behind[:1].isdigit():
                number = (
                    start + len(before) - len(before.lstrip()),
                    start + len(before.rstrip()),
                )
        elif line[end : end + 1] == "(":
            *_, last = _ADDRESS.findall(text[-_CODE_MAX:]) or [""]
            if text.endswith(last) and _is_code(last):
                code = range(end - len(last), end)
        yield _Piece(end, code, value, number)


# -- telegrams and their checks -----------------------------------------------


class _Segment(NamedTuple):
    """What came from one identification up to the next one."""

    identification: Identification | None
    """None for what came before the first."""

    start: int
    """Where the slash is."""

    body: int
    """Where the line of the identification ends."""

    end: int


def _segments(received: bytes) -> Iterator[_Segment]:
    """Cut what was received at its identifications; values may hold a slash."""
    identification, start, body = None, 0, 0
    for line in _BYTES_OF_LINE.finditer(received):
        found = _BEGINNING.search(line[0].partition(b"(")[0])
        if found is None:
            continue
        slash = line.start() + found.start()
        text = received[slash : line.end()].translate(None, bytes(_FILLERS))
        with suppress(TelegramError):
            following = Identification.parse(text)
            yield _Segment(identification, start, body, slash)
            identification, start, body = following, slash, line.end()
    yield _Segment(identification, start, body, len(received))


def _is_right(received: bytes, segment: _Segment) -> bool | None:
    """Whether the checks in a segment match for sure; None: there is none."""
    body = received[segment.body : segment.end]
    # The sum of few meters would do, but it fits a block with one damaged bit
    # now and then, and then a code that is wrong would be believed.
    verdicts = [match[2][0] == xor_check(match[1]) for match in _FRAME.finditer(body)]
    if crc := _crc_in(received, segment):
        telegram = received[segment.start : crc.start() + 1]
        verdicts.append(int(crc[1], 16) == crc16(telegram))
    rest = _FRAME.sub(b"", body)
    if STX in rest or (ETX in rest and not verdicts):
        return False
    return all(verdicts) if verdicts else None


def _crc_in(received: bytes, segment: _Segment) -> re.Match[bytes] | None:
    """Find the CRC-16 of a telegram; in a frame "!bad" is only a bad line."""
    if STX in received[segment.body : segment.end]:
        return None
    return _CRC.search(received, segment.body, segment.end)


def _renew_checks(original: bytes, redacted: bytes) -> bytes:
    """Change each check by as much as the redaction has changed what it covers.

    So a check that was right stays right, and one that was wrong stays wrong.
    """
    result = bytearray(redacted)
    for match in _FRAME.finditer(original):
        before, after = match[1], redacted[match.start(1) : match.end(1)]
        check = match[2][0]
        if check == sum_check(before) != xor_check(before):
            check = sum_check(after)
        else:
            check ^= xor_check(before) ^ xor_check(after)
        result[match.start(2)] = check
    for segment in _segments(original):
        if crc := _crc_in(original, segment):
            _renew_crc(original, result, segment.start, crc)
    return bytes(result)


def _renew_crc(
    original: bytes, result: bytearray, start: int, crc: re.Match[bytes]
) -> None:
    """Change the CRC-16 of the telegram that begins at `start`.

    Some meters leave zeros in front of it out. Where the new one has too many
    digits for their place, other letters mask the number until it fits.
    """
    telegram = slice(start, crc.start() + 1)
    width = len(crc[1])
    hidden = [i for i in range(start, crc.start()) if original[i] != result[i]][:4]
    difference = int(crc[1], 16) ^ crc16(original[telegram])
    value = difference ^ crc16(bytes(result[telegram]))
    for letters in product(_OTHER_MASKS, repeat=len(hidden)):
        if value < 1 << 4 * width:
            break
        for position, letter in zip(hidden, letters, strict=True):
            result[position] = letter
        value = difference ^ crc16(bytes(result[telegram]))
    result[crc.start(1) : crc.end(1)] = f"{value:0{width}X}"[-width:].encode()


def _with_parity_of(original: bytes, redacted: bytes) -> bytes:
    """Put the parity bits of `original` back onto `redacted`."""
    if original == strip_parity(original):
        return redacted
    with_parity = add_parity(redacted)
    return bytes(
        old if old & 0x7F == new & 0x7F else new
        for old, new in zip(original, with_parity, strict=True)
    )
