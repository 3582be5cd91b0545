"""The beginning of an answer: an identification, or data without one.

Bytes go in as they come after a sign-on, noise and our own echo among them. What
to do about what is found is the business of the session.
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Final

from .exceptions import OtherProtocolError, TelegramError
from .foreign import recognise
from .framing import MAX_NOISE, strip_parity
from .messages import Identification, SignOn

# What may precede a message without being part of it: wake-up characters, line
# ends, and the 0x7F that a head adds when the light goes on.
FILLERS: Final = b"\x00\r\n\x7f"
# The same without the line ends: they stand in the middle of messages, too.
_NO_CHARACTERS: Final = b"\x00\x7f"
# An identification whose line has not ended.
_OPEN: Final = re.compile(rb"/[A-Za-z]{3}[ -~][^\r\n]*\Z")
# An identification or a readout that has begun and is still arriving.
_BEGUN: Final = re.compile(rb"(?:/(?:[A-Za-z]{1,3}[^\r\n]{0,64})?|\x02[^(]{0,32})\Z")
# A readout that nobody has announced.
_UNANNOUNCED: Final = re.compile(rb"\x02[\r\n -\'*-~]{0,32}\(")


@dataclass(frozen=True, slots=True)
class Found:
    """What an answer begins with."""

    identification: Identification | None
    """Who it is. None: the data came without it."""

    line: bytes
    """The identification line as received; b"" without it."""

    rest: bytes
    """What has come behind it, or the data, without parity bits."""


class Beginning:
    """What has come since a sign-on, until an answer begins."""

    def __init__(self) -> None:
        """Wait for the first byte."""
        self._received = bytearray()

    @property
    def received(self) -> bytes:
        """Everything so far, as it came."""
        return bytes(self._received)

    @property
    def begun(self) -> bool:
        """Whether a message has begun and is still arriving."""
        return _BEGUN.search(self._characters) is not None

    def is_echo_of(self, sign_on: SignOn) -> bool:
        """Whether nothing has come but our own sign-on."""
        echo = strip_parity(self._received).strip(FILLERS)
        return echo == sign_on.to_bytes().strip(FILLERS)

    def receive_data(self, data: bytes) -> Found | None:
        """Take what arrived; return the beginning of an answer once it is here.

        What comes first decides, so that how the bytes are cut does not.

        Raises:
            OtherProtocolError: SML or DLMS is what comes.
            TelegramError: so much noise will never become an answer.

        """
        self._received += data
        noise = self._characters
        found = Identification.find(noise)
        before = len(noise) if found is None else found[1]
        data_set = _UNANNOUNCED.search(noise[:before])
        if data_set and _OPEN.search(noise[: data_set.start()]):
            # Some meters send STX and brackets within their identification.
            data_set = None
        if data_set:
            before = data_set.start()
        identified = before < len(noise)
        other = noise[:before] if identified else self._received
        if protocol := recognise(other, identified=identified):
            raise OtherProtocolError(protocol, self.received)
        if data_set:
            return Found(None, b"", self._behind(before))
        if found is not None:
            identification, start, end = found
            return Found(identification, noise[start:end], self._behind(end))
        if len(noise) > MAX_NOISE:
            raise TelegramError(
                f"no identification within {MAX_NOISE} bytes", self.received
            )
        return None

    @property
    def _characters(self) -> bytes:
        """What has come, without parity bits and what only fills the line."""
        return strip_parity(self._received).translate(None, _NO_CHARACTERS)

    def _behind(self, count: int) -> bytes:
        """Return what follows the first `count` characters, fillers not counted.

        Nothing is dropped from it: behind the beginning every character counts.
        """
        received = strip_parity(self._received)
        position = 0
        while count:
            count -= received[position] not in _NO_CHARACTERS
            position += 1
        return received[position:]
