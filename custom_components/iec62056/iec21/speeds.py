"""Which speed a meter is asked for, and when to change to it."""

from __future__ import annotations

from typing import Final

from .const import MODE_C_BAUD_RATES
from .delays import SWITCH_DELAYS, SWITCH_DELAYS_FAST
from .messages import Identification, OptionSelect
from .settings import Settings

_CHARACTERS: Final = {
    baud_rate: character for character, baud_rate in MODE_C_BAUD_RATES.items()
}


class SpeedChoice:
    """What to make of the speed that a meter offers, attempt after attempt.

    The offer is taken if the link manages it. After two attempts in which it gave
    no usable readout, or one before the last, the first speed is the safer one.
    """

    def __init__(self, settings: Settings, *, can_switch: bool) -> None:
        """Take what `settings` allow on a link that can change its speed or not."""
        self._settings = settings
        self.can_switch = can_switch and settings.switch_baud_rate
        self.failures = 0
        """Attempts in which the offered speed gave no usable readout."""
        self.last_attempt = settings.attempts == 1

    @property
    def stays(self) -> bool:
        """Whether the meter is asked to stay at the first speed."""
        failures = 1 if self.last_attempt else 2
        return not self.can_switch or self.failures >= failures

    def baud_rate(self, offer: Identification) -> int:
        """Return the speed in baud to ask for."""
        settings = self._settings
        stay = settings.gateway_baud_rate or settings.first_baud_rate
        if self.stays:
            return stay
        offered = MODE_C_BAUD_RATES.get(offer.baud_character, stay)
        if settings.max_baud_rate is not None and offered > settings.max_baud_rate:
            return stay
        return offered

    def acknowledgement(self, offer: Identification, option: str = "0") -> bytes:
        """Return the message that asks for it, and for what `option` stands for.

        Anything but the offer or "0" makes the meter stay (clause 6.4.3.2).
        """
        character = _CHARACTERS.get(self.baud_rate(offer), "0")
        return OptionSelect(baud_character=character, mode=option).to_bytes()

    def switch_delay(self, offer: Identification) -> float:
        """Return the seconds between the acknowledgement and the change."""
        if self._settings.switch_delay is not None:
            return self._settings.switch_delay
        delays = SWITCH_DELAYS_FAST if offer.fast else SWITCH_DELAYS
        return delays[min(self.failures, 1)]
