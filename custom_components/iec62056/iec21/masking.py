r"""Secrets made unreadable in a text, whose length and shape stay.

What is secret is found by `secrecy`. It is hidden wherever it turns up as a number
of its own: never in a code, never as the digits of a measured value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
import re
from typing import Final, NamedTuple

from .secrecy import (
    DIGITS,
    FILLERS,
    IDENTIFICATION,
    LONG_NUMBER,
    SHORTEST_NUMBER,
    WORD,
    before_unit,
    is_code,
    is_part_of_decimal,
    is_telling,
)

MASK: Final = "X"
"""What each character of a secret becomes; blanks and separators stay."""

_WORDS_MAX: Final = 8
"""Words that are looked for at once; a longer secret is looked for in parts."""

_CODE_MAX: Final = 64
"""Characters of a code that is recognised before a bracket; the norm has 16."""

_LINE = re.compile(r"[^\r\n]+")
_PIECE = re.compile(r"[^()]+")
_ADDRESS = re.compile(r"[!-~]+")
_NO_BRACKET = re.compile(r"[^()]")

# A sign-on, or its echo. Its end may be missing where nothing else begins so.
SIGN_ON: Final = re.compile(r"(/\?)([^!/()\n]+)|(/[#0-9])([^!/()\n]{1,64})(?=!)")

# A password or what is written, and their echo (clauses 6.3.7 and 6.3.8).
SECRET_COMMAND: Final = re.compile(
    r"(\x01[PW][0-9]\x02[^(\x01\x03\x04]*)(\([^\x01\x03\x04]*)"
)

# Landis+Gyr's types have seven digits: ZMD3104407 (LGZ_ZMD3104407_B24_1.txt).
_NUMBER_IN_TYPE = re.compile(r"(?P<type>Z[A-Z]{2}[0-9]{7}(?![0-9]))|[0-9]{6,}")


def mask(text: str) -> str:
    """Make `text` unreadable without changing its length or its separators."""
    return WORD.sub(lambda word: MASK * len(word[0]), text)


def redact_text(text: str, secrets: frozenset[str]) -> str:
    """Return `text`, of the same length, with every secret masked.

    `text` may be a sentence as well as a data block. A secret is found with or
    without leading zeros, in upper or lower case, whatever separates its words.
    In data sets, codes stay, and a value with a unit stays unless the secret is
    all of it. The address of a sign-on, passwords and what is written are masked,
    and long numbers in an identification, whether they are among `secrets` or not.
    """
    index = _index(secrets)
    plain = text.translate(FILLERS)
    redacted = _LINE.sub(lambda line: _redact_line(line[0], index), plain)
    if len(plain) == len(text):
        return redacted
    characters = iter(redacted)
    return "".join(
        character if ord(character) in FILLERS else next(characters)
        for character in text
    )


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
    words = [word.upper() for word in WORD.findall(secret)]
    for start in range(0, len(words), _WORDS_MAX):
        first, *others = words[start : start + _WORDS_MAX]
        if is_telling(first + "".join(others)):
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
    line = SIGN_ON.sub(
        lambda match: (match[1] or match[3]) + mask(match[2] or match[4]), line
    )
    line = SECRET_COMMAND.sub(
        lambda match: match[1] + _NO_BRACKET.sub(MASK, match[2]), line
    )
    return IDENTIFICATION.sub(
        lambda match: match[1] + _NUMBER_IN_TYPE.sub(_unless_type, match[2]), line
    )


def _unless_type(match: re.Match[str]) -> str:
    return match["type"] or mask(match[0])


def _find(line: str, index: _Index) -> Iterator[tuple[int, int]]:
    """Find where secrets stand in a line, by the order of their first words."""
    words = list(WORD.finditer(line))
    for position, word in enumerate(words):
        first = word[0].upper().lstrip("0")
        for length in index.lengths.get(first, ()):
            found = words[position : position + length]
            if (first, *(one[0].upper() for one in found[1:])) in index.secrets:
                yield word.start(), found[-1].end()
        for run in DIGITS.finditer(line, *word.span()):
            number = run[0].lstrip("0")
            if len(number) >= SHORTEST_NUMBER and (number,) in index.secrets:
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
            return is_part_of_decimal(line, start, end)
        significant = line[start:end].lstrip("0")
        return (start, end) != self.number or len(significant) < LONG_NUMBER


def _pieces(line: str) -> Iterator[_Piece]:
    """Cut a line at its brackets."""
    for match in _PIECE.finditer(line):
        start, end = match.span()
        text = match[0]
        code, number = range(0), None
        value = line[start - 1 : start] == "("
        if value:
            before = before_unit(text)
            if before is not None:
                number = (
                    start + len(before) - len(before.lstrip()),
                    start + len(before.rstrip()),
                )
        elif line[end : end + 1] == "(":
            *_, last = _ADDRESS.findall(text[-_CODE_MAX:]) or [""]
            if text.endswith(last) and is_code(last):
                code = range(end - len(last), end)
        yield _Piece(end, code, value, number)
