"""How long a session of the client keeps still or waits, where no setting says so."""

from typing import Final

WAKE_UP_PAUSE: Final = 1.6
"""Seconds between the wake-up and the sign-on; 1.5 to 1.7 in Annex B.1."""

BURST: Final = 0.55
"""Seconds of NULs in a burst of the fast wake-up; 0.5 to 0.6 in Annex B.2."""

LISTENING: Final = 0.04
"""Seconds to listen behind a burst, and two characters on top (Annex B.2)."""

BURSTS: Final = 8
"""Bursts before a meter counts as not to be woken: five seconds, 4.5 at least."""

SWITCH_DELAY: Final = 0.02
"""Seconds after the acknowledgement before the speed changes.

USB adapters report the last bit as sent a few milliseconds early. The meter
keeps still for 200 ms, so this loses nothing.
"""

SWITCH_DELAY_FAST: Final = 0.005
"""The same for a meter that may answer after 20 ms."""

SECOND_SWITCH_DELAY: Final = 0.15
"""Seconds in the second attempt: some adapters need longer for the last bit."""

SECOND_SWITCH_DELAY_FAST: Final = 0.015
"""The same for a meter that may answer after 20 ms."""

SWITCH_DELAYS: Final = (SWITCH_DELAY, SECOND_SWITCH_DELAY)
SWITCH_DELAYS_FAST: Final = (SWITCH_DELAY_FAST, SECOND_SWITCH_DELAY_FAST)

LAST_CHANCE: Final = 0.3
"""Seconds to wait for an ETX behind a block without frame: it had one, then."""

EARLY_DELAY: Final = 0.01
"""Seconds added to the delay before the acknowledgement while something comes.

Adapters hand characters on in batches.
"""

MAX_EARLY: Final = 64
"""Bytes behind an identification that delay the acknowledgement; more is noise."""

PAUSES: Final = 240
"""Pauses of 1.5 s for which a meter that has answered may go on sending.

They make six minutes: more than the longest readout known takes at 300 Bd.
"""

PAUSES_BEFORE_ANSWER: Final = 2
"""The same for noise from whatever has not answered."""
