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
CONF_ACKNOWLEDGE_DELAY: Final = "acknowledge_delay"
CONF_QUIET_TIME: Final = "quiet_time"
CONF_CLOSE_DELAY: Final = "close_delay"
CONF_METER_ID: Final = "meter_id"
"""What begins the unique ids of all that belongs to the meter.

It stays as it is from the first entity on, whatever becomes of the entry's own
unique id: that follows the number of the meter, which may come late.
"""
CONF_MANUFACTURER: Final = "manufacturer"
"""FLAG code of the meter: all that is known of one that sends no number."""
CONF_INTERVAL: Final = "interval"
"""Seconds between the end of a readout and the next one."""

DEFAULT_INTERVAL: Final = timedelta(minutes=1)
"""The energy dashboard counts in hours; a minute shows a change of power in time."""

BATTERY_INTERVAL: Final = timedelta(hours=1)
"""For meters that have to be woken up: each readout costs a bit of their battery."""

MIN_INTERVAL: Final = timedelta(seconds=5)
"""Home Assistant's own lower limit for polling."""

MAX_INTERVAL: Final = timedelta(days=7)
