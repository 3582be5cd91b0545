"""Characters, speeds and times of IEC 62056-21, each with its clause.

Clauses are those of the first edition (2002).
"""

from typing import Final

# Control characters (ISO 646; clause 6.3.14).
SOH: Final = 0x01
STX: Final = 0x02
ETX: Final = 0x03
EOT: Final = 0x04
ACK: Final = 0x06
NAK: Final = 0x15

LINE_END: Final = b"\r\n"
"""The completion characters of every line (clause 6.3.14, item 3)."""

INITIAL_BAUD_RATE: Final = 300
"""Where modes A, B and C begin and the acknowledgement is sent (clause 5.2)."""

BITS_PER_CHARACTER: Final = 10
"""One start, seven data, one parity and one stop bit (clause 5.1)."""

MODE_B_BAUD_RATES: Final = {
    "A": 600,
    "B": 1200,
    "C": 2400,
    "D": 4800,
    "E": 9600,
    "F": 19200,
}
"""Baud rate characters without acknowledgement (clause 6.3.14, item 13)."""

MODE_C_BAUD_RATES: Final = {
    "0": 300,
    "1": 600,
    "2": 1200,
    "3": 2400,
    "4": 4800,
    "5": 9600,
    "6": 19200,
}
"""Baud rate characters with acknowledgement (clause 6.3.14, item 13)."""

REACTION_TIME_MIN: Final = 0.2
"""Seconds before either side may answer (tr; clause 6.4.3.6)."""

REACTION_TIME_MIN_FAST: Final = 0.02
"""The same for meters whose third letter is lower case (clause 6.3.14, item 12)."""

REACTION_TIME_MAX: Final = 1.5
"""Seconds after which an answer is missing (tr; clause 6.4.3.6)."""

CHARACTER_GAP_MAX: Final = 1.5
"""Seconds between two characters of one message (ta; clause 6.4.3.6)."""

ACKNOWLEDGE_TIMEOUT_MIN: Final = 1.5
"""Seconds for which a meter in mode C waits for the acknowledgement at least (tt)."""

ACKNOWLEDGE_TIMEOUT_MAX: Final = 2.2
"""Seconds after which it reads out at 300 Bd instead (tt; clause 6.4.3.6)."""

RETRY_PAUSE: Final = 1.5
"""Seconds of silence before a new attempt (Annex B, there for battery meters)."""

INACTIVITY_TIMEOUT: Final = 120.0
"""Seconds after which every meter is back at its start (Annex A, note 1)."""
