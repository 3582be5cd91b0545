"""How a meter is spoken to: everything a user may have to set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .const import MODE_B_BAUD_RATES, MODE_C_BAUD_RATES
from .telegram import Check

DEFAULT_TIMEOUT: Final = 2.5
"""Seconds without a character before an answer counts as missing.

The norm allows the meter 1.5 s (clause 6.4.3.6); slow gateways need the rest.
"""

MAX_WAKE_UP: Final = 250
"""NUL characters; 8.3 s at 300 Bd, and adapters take no more than 10 s at once."""

BAUD_RATES: Final = tuple(
    sorted({*MODE_C_BAUD_RATES.values(), *MODE_B_BAUD_RATES.values()})
)
"""The speeds of the norm, slowest first."""

_SECONDS: Final = {
    "timeout": (0.1, 60),
    "character_timeout": (0.1, 60),
    "acknowledge_delay": (0, 10),
    "quiet_time": (0, 10),
    "switch_delay": (0, 10),
    "close_delay": (0, 10),
    "keep_alive": (0.5, 120),
}
"""The range of every setting that is a time."""


class Mode(StrEnum):
    """Which protocol mode a session uses (clause 6.4)."""

    AUTO = "auto"
    """What the identification offers."""

    A = "a"
    """The readout follows at the first speed."""

    B = "b"
    """The readout follows at the offered speed, without acknowledgement."""

    C = "c"
    """The speed is acknowledged first."""

    D = "d"
    """The meter sends by itself; nothing is ever sent to it."""


class Framing(StrEnum):
    """Byte size, parity and stop bits of the line."""

    AUTO = "auto"
    """7E1, the norm's; the parity bit is taken off where the port leaves it on."""

    SEVEN_EVEN_ONE = "7e1"
    SEVEN_EVEN_TWO = "7e2"
    SEVEN_NONE_ONE = "7n1"
    SEVEN_ODD_ONE = "7o1"
    EIGHT_NONE_ONE = "8n1"
    EIGHT_EVEN_ONE = "8e1"


class Pin(StrEnum):
    """State of a modem pin while the port is open; it feeds many optical heads."""

    HIGH = "high"
    LOW = "low"

    UNTOUCHED = "untouched"
    """As the operating system leaves it, which is high on Linux."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to speak to one meter. The defaults suit an ordinary meter and head.

    Raises:
        ValueError: a setting is outside its range; the text says which.

    """

    address: str = ""
    """Device address, at most 32 printable characters without "/" and "!"."""

    mode: Mode = Mode.AUTO

    baud_rate: int | None = None
    """First speed in baud. None: 300, or 2400 in mode D."""

    max_baud_rate: int | None = None
    """Highest speed in baud to accept. None: whatever the meter offers."""

    switch_baud_rate: bool = True
    """Whether the link can change its speed. False asks the meter to stay."""

    gateway_baud_rate: int | None = None
    """Fixed speed in baud of a gateway that cannot change it.

    None: unknown, so the meter is asked to stay at its first speed.
    """

    framing: Framing = Framing.AUTO

    software_parity: bool | None = None
    """Whether even parity is put into bit 7 of what is sent at eight data bits.

    A meter behind a gateway at 8N1 hears nothing else. None: by turns, on links
    whose framing is not known, until the meter answers; never on others.
    """

    selector: str = "?"
    """The character after the slash of the sign-on. The norm's is "?"; a digit
    or "#" asks some meters for another list."""

    option: str = "0"
    """What the acknowledgement asks for: "0" is the norm's readout, "5" to "9" are
    lists of some manufacturers. Programming mode has its own."""

    wake_up: int = 0
    """NUL characters before the sign-on, for meters on a battery (Annex B.1)."""

    fast_wake_up: bool = False
    """Whether they come in bursts until the meter answers (Annex B.2)."""

    timeout: float = DEFAULT_TIMEOUT
    """Seconds without a character before an answer counts as missing."""

    character_timeout: float | None = None
    """Seconds without a character before a message that has begun is broken off.

    The norm allows a meter 1.5 s (ta; clause 6.4.3.6). None: as `timeout`.
    """

    acknowledge_delay: float | None = None
    """Seconds between identification and acknowledgement.

    None: the reaction time that the identification announces.
    """

    quiet_time: float = 0.0
    """Seconds of silence before the sign-on; some RS-485 meters want 0.1."""

    switch_delay: float | None = None
    """Seconds between the end of the acknowledgement and the change of speed.

    None: 20 ms, or 5 ms for a meter that may answer after 20 ms.
    """

    close_delay: float = 0.0
    """Seconds between the last byte and the closing of the port."""

    dtr: Pin = Pin.HIGH
    """The pin DTR. Raw TCP has no pins, and other gateways are told of a low one."""

    rts: Pin = Pin.HIGH
    """The pin RTS, likewise. Closing the port leaves both as they are."""

    attempts: int = 3
    """Sign-ons before the meter counts as silent (clause 6.4.7 repeats 3 times)."""

    check: Check = Check.AUTO

    keep_alive: float | None = None
    """Seconds without a command after which one keeps programming mode open.

    Some meters drop it after 1.5 s, and the norm lets them after 60. None: never.
    """

    acknowledge_last_block: bool = False
    """Whether the last of several blocks is acknowledged as well.

    The norm shows no such thing; drivers for LIS-200 devices do it.
    """

    def __post_init__(self) -> None:
        """Refuse what could never work, before a port is opened."""
        if (
            len(self.address) > 32
            or not self.address.isascii()
            or not (self.address.isprintable())
            or set(self.address) & set("/!")
        ):
            raise ValueError(
                f"the device address {self.address!r} is not up to 32 printable"
                ' ASCII characters without "/" and "!"'
            )
        self._check_sign_on()
        for name in ("baud_rate", "max_baud_rate", "gateway_baud_rate"):
            baud_rate = getattr(self, name)
            if baud_rate is not None and not 50 <= baud_rate <= 4_000_000:
                raise ValueError(f"{baud_rate} baud is not a usable speed")
        for name, (least, most) in _SECONDS.items():
            seconds = getattr(self, name)
            if seconds is not None and not least <= seconds <= most:
                raise ValueError(f"a {name} of {seconds} s is not {least} to {most} s")
        if not 0 <= self.wake_up <= MAX_WAKE_UP:
            raise ValueError(
                f"{self.wake_up} wake-up characters are not 0 to {MAX_WAKE_UP}"
            )
        if not 1 <= self.attempts <= 10:
            raise ValueError(f"{self.attempts} attempts are not 1 to 10")

    def _check_sign_on(self) -> None:
        """Refuse what no session could begin with."""
        if len(self.selector) != 1 or self.selector not in "?#0123456789":
            raise ValueError(
                f'the selector {self.selector!r} is not "?", "#" or a digit'
            )
        if len(self.option) != 1 or self.option not in "056789":
            raise ValueError(f'the option {self.option!r} is not "0" or "5" to "9"')
        if self.wake_up and self.fast_wake_up:
            raise ValueError("a meter is woken in one way or the other, not in both")

    @property
    def first_baud_rate(self) -> int:
        """The speed in baud at which a session begins."""
        if self.baud_rate is not None:
            return self.baud_rate
        return 2400 if self.mode is Mode.D else 300
