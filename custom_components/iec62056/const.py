"""Names and numbers that more than one module of the integration uses."""

from datetime import timedelta
import logging
from typing import Final

DOMAIN: Final = "iec62056"
LOGGER: Final = logging.getLogger(__package__)

# Keys of a config entry. How the meter is spoken to lies beside the port in its
# data, under the names of `iec21.Settings`; what the user likes is in its options.
CONF_ADDRESS: Final = "address"
CONF_MODE: Final = "mode"
CONF_BAUD_RATE: Final = "baud_rate"
CONF_MAX_BAUD_RATE: Final = "max_baud_rate"
CONF_GATEWAY_BAUD_RATE: Final = "gateway_baud_rate"
CONF_FRAMING: Final = "framing"
CONF_WAKE_UP: Final = "wake_up"
CONF_TIMEOUT: Final = "timeout"
CONF_CHARACTER_TIMEOUT: Final = "character_timeout"
CONF_ACKNOWLEDGE_DELAY: Final = "acknowledge_delay"
CONF_QUIET_TIME: Final = "quiet_time"
CONF_CLOSE_DELAY: Final = "close_delay"
CONF_DTR: Final = "dtr"
CONF_RTS: Final = "rts"
CONF_METER_ID: Final = "meter_id"
"""What begins the unique ids of all that belongs to the meter.

It stays as it is from the first entity on, whatever becomes of the entry's own
unique id: that follows the number of the meter, which may come late.
"""
CONF_MANUFACTURER: Final = "manufacturer"
"""FLAG code of the meter: all that is known of one that sends no number."""
CONF_UNCONFIRMED: Final = "unconfirmed"
"""True until a readout has confirmed who the meter is; absent from then on."""
CONF_SUPPLY: Final = "supply"
"""Whether a readout costs the meter its battery: a value of `iec21`'s `Supply`."""
CONF_SCHEDULE: Final = "schedule"
"""How the time of the next readout is found: a value of `schedule.Kind`."""
CONF_INTERVAL: Final = "interval"
"""Seconds between the beginnings of two readouts."""
CONF_MINUTE: Final = "minute"
"""Minute of every hour at which the meter is read."""
CONF_TIME: Final = "time"
"""Time of day at which the meter is read, HH:MM:SS in the home's time zone."""
CONF_GRACE: Final = "grace"
"""Minutes for which readings stay while the meter is silent. Absent: automatic."""
CONF_THROTTLE: Final = "throttle"
"""Least seconds between two states of an entity of a meter that sends by itself."""
CONF_CURRENT_RATIO: Final = "current_ratio"
"""What the readings have to be multiplied by for the current transformers."""
CONF_VOLTAGE_RATIO: Final = "voltage_ratio"
"""The same for the voltage transformers."""
CONF_UNITS: Final = "units"
"""Units of registers that the meter sends without, by code in normal form."""
CONF_CLOCK: Final = "clock"
"""Which time the meter's clock shows: a value of `clock.Habit`."""
CONF_BILLING_PERIODS: Final = "billing_periods"
"""How many past billing periods become sensors."""

MIN_INTERVAL: Final = timedelta(seconds=5)
"""Home Assistant's own lower limit for polling."""

MAX_INTERVAL: Final = timedelta(days=7)

DEFAULT_INTERVAL: Final = timedelta(minutes=1)
"""The energy dashboard counts in hours; a minute shows a change of power in time."""

DEFAULT_THROTTLE: Final = 10.0
"""Seconds; meters send every second, and each state costs a row in the recorder."""

MIN_THROTTLE: Final = 1.0

MAX_BILLING_PERIODS: Final = 24
"""Two years of months, which is more than most meters keep."""
