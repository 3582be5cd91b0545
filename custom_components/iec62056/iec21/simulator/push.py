"""A meter that sends by itself: mode D and its relatives.

Nobody asks it, so whoever opens the port is in the middle of a telegram.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ..const import LINE_END
from ..framing import crc16
from ..messages import Identification
from ..steps import MeterStep, StartTimer
from ..telegram import Check
from .faults import Fault, spoil
from .meter import Content

PUSH_INTERVAL: Final = 2.0
"""Seconds; eHZ, EasyMeter, eBZ and Hager send every one or two."""

PUSH_BAUD_RATE: Final = 2400
"""The only speed of mode D in the norm (clause 5.2)."""


@dataclass(slots=True, kw_only=True)
class PushMeter:
    r"""One meter that sends its telegram over and over again.

    >>> meter = PushMeter(identification=b"/XMP3EXAMPLE", content=b"1.8.0(1)\r\n")
    >>> meter.handle_timeout()[1].data
    b'/XMP3EXAMPLE\r\n\r\n1.8.0(1)\r\n!\r\n'
    """

    identification: Identification | bytes
    """Who it is. Bytes are the line from the slash on, with or without its end."""

    content: Content

    first_baud_rate: int = PUSH_BAUD_RATE
    """Speed in baud at which it sends, the first and only one."""

    interval: float = PUSH_INTERVAL
    """Seconds from the beginning of one telegram to that of the next."""

    blank_line: bool = True
    """Whether a blank line stands behind the identification."""

    check: Check = Check.NONE
    """`CRC16` for the four digits behind the end, as DSMR has them."""

    fault: Fault = Fault.NONE

    _announced: Identification = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Take the identification apart.

        Raises:
            TelegramError: the identification given as bytes is none.

        """
        self._announced = (
            Identification.parse(self.identification)
            if isinstance(self.identification, bytes)
            else self.identification
        )

    def start(self) -> list[MeterStep]:
        """Go on with the second half of a telegram."""
        telegram = self._telegram()
        return self._send(telegram[len(telegram) // 2 :])

    def answer(self, _data: bytes) -> list[MeterStep]:
        """Hear nothing."""
        return []

    def handle_timeout(self) -> list[MeterStep]:
        """Send the next telegram."""
        return self._send(self._telegram())

    def reset(self) -> None:
        """Forget nothing: there is nothing to remember."""

    def _send(self, message: bytes) -> list[MeterStep]:
        if Fault.SILENT in self.fault:
            return []
        # The timer stands first, since it counts from beginning to beginning.
        return [StartTimer(self.interval), *spoil(message, self.fault)]

    def _telegram(self) -> bytes:
        block = self.content if isinstance(self.content, bytes) else self.content()
        blank = LINE_END if self.blank_line else b""
        telegram = self._announced.to_bytes() + blank + block + b"!"
        if self.check is Check.CRC16:
            wrong = Fault.DAMAGED_CHECK in self.fault
            telegram += f"{crc16(telegram) ^ wrong:04X}".encode("ascii")
        telegram += LINE_END
        if Fault.CUT_OFF in self.fault:
            telegram = telegram[: len(telegram) // 2]
        return telegram
