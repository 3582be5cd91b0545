"""Passwords made unreadable in what is sent, and in its echo.

For logs and traces, while they are written: a secret never gets into them. What is
hidden keeps its length, and the message its shape and a right block check.
"""

from __future__ import annotations

import re
from typing import Final

from .framing import add_parity, strip_parity, sum_check, xor_check

MASK: Final = "X"
"""What each character of a secret becomes."""

MAX_HELD: Final = 512
"""Bytes of an echo that are held back at most."""

# Everything of a client's that may hold a password: P1 and P2, and what is written
# (`Command.secret`). The SOH before it, and its end, may be lost in an echo.
_SECRET = re.compile(
    rb"([PW][1-9]\x02[^(\x01-\x04]*)(\([^\x01-\x04]*)(?:([\x03\x04])([\x00-\x7f])?)?"
)
_OPEN = re.compile(rb"[PW](?:[1-9](?:\x02(?:[^\x01-\x04]*[\x03\x04]?)?)?)?\Z")
_NO_BRACKET = re.compile(rb"[^()]")


def conceal(data: bytes) -> bytes:
    """Hide what is secret in messages; all else stays as it is."""
    plain = strip_parity(data)
    concealed = _SECRET.sub(_conceal, plain)
    if concealed == plain:
        return data
    return concealed if plain == data else add_parity(concealed)


def _conceal(match: re.Match[bytes]) -> bytes:
    """Hide the secret in one message, and make its block check right again."""
    head, secret, end, check = match.groups(b"")
    hidden = head + _NO_BRACKET.sub(MASK.encode("ascii"), secret) + end
    span = head + secret + end
    if check == bytes([xor_check(span)]):
        check = bytes([xor_check(hidden)])
    elif check == bytes([sum_check(span)]):
        check = bytes([sum_check(hidden)])
    return hidden + check


class Concealer:
    """Hide what is secret on one line, in both directions.

    What comes in pieces of any size is held back while it may be the echo of a
    secret.
    """

    def __init__(self, *, overhears: bool = False) -> None:
        """Begin with nothing sent.

        Who `overhears` a line hides what comes from the beginning on, since it was
        somebody else who sent the secret.
        """
        self._active = overhears
        self._held = b""
        # How many of these bytes were shown already, hidden.
        self._shown = 0

    def sent(self, data: bytes) -> bytes:
        """Return what may be shown of a message."""
        hidden = conceal(data)
        self._active = self._active or hidden != data
        return hidden

    def received(self, data: bytes) -> bytes:
        """Return what may be shown of what came; b"" while it is held back."""
        if not self._active:
            return data
        data = self._held + data
        match = _OPEN.search(strip_parity(data))
        start = match.start() if match else len(data)
        if len(data) - start > MAX_HELD:
            start = len(data)
        self._held = data[start:]
        shown, self._shown = self._shown, max(0, self._shown - start)
        return conceal(data[:start])[shown:]

    def rest(self) -> bytes:
        """Return what may be shown of what is held back; it may still go on."""
        shown, self._shown = self._shown, len(self._held)
        return conceal(self._held)[shown:]
