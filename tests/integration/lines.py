"""Simulated meters behind real ports, and entries that read them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.iec62056.const import (
    CONF_BAUD_RATE,
    CONF_METER_ID,
    CONF_TIMEOUT,
    DOMAIN,
)
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLine,
    SimulatedMeter,
)
from tests.integration.common import CONTENT, NUMBER, entry_data, make_meter, settled

FAST: Final[dict[str, Any]] = {CONF_BAUD_RATE: 19200, CONF_TIMEOUT: 0.5}
"""What keeps a test at a real port short: a sign-on takes 4 ms, a silence 0.5 s."""


def number_of(place: int) -> str:
    """Return the number of the meter at a place on a line."""
    return f"{12345678 + place:010d}"


def energy_of(place: int) -> str:
    """Return the state of the energy register of the meter at a place."""
    return f"{8048 + place}.375"


def content_of(place: int) -> bytes:
    """Return what the meter at a place sends."""
    return CONTENT.replace(NUMBER.encode(), number_of(place).encode()).replace(
        b"0008048.375", b"%07d.375" % (8048 + place)
    )


def make_line(places: int, *, asked: list[int] | None = None) -> SimulatedLine:
    """Lay a line with some meters; their addresses are the places 1, 2, 3 and so on.

    Each readout writes its place into `asked`.
    """

    def make(place: int) -> SimulatedMeter:
        meter = make_meter(address=str(place), fault=Fault.ADDRESS_WANTED)

        def send() -> bytes:
            if asked is not None:
                asked.append(place)
            return content_of(place)

        meter.content = send
        return meter

    return SimulatedLine(meters=[make(place) for place in range(1, places + 1)])


def make_entry(port: str, place: int = 0, **settings: Any) -> MockConfigEntry:
    """Make the entry of the meter at a place; at 0 it needs no address."""
    meter_id = f"ISK_{number_of(place)}"
    data = entry_data(port, str(place or ""), meter_id=meter_id)
    return MockConfigEntry(
        domain=DOMAIN,
        title=title_of(place),
        unique_id=data[CONF_METER_ID],
        data={**data, **settings},
    )


def title_of(place: int) -> str:
    """Return what the user calls the meter at a place."""
    return f"Flat {place}"


def energy_sensor(place: int = 0) -> str:
    """Return the sensor of the energy register of the meter at a place."""
    return f"sensor.flat_{place}_energy_import"


async def next_polls(hass: HomeAssistant, **later: float) -> None:
    """Run what is due within some time (a minute and a bit), up to its end."""
    after = timedelta(**(later or {"seconds": 61}))
    async_fire_time_changed(hass, dt_util.utcnow() + after)
    await settled(hass)


async def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so, for ten seconds at most."""
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came")
