"""The meter of these tests, and links that do what a test needs."""

import asyncio
from datetime import timedelta
import logging
from typing import Any, Final, override

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.const import CONF_DEVICE, CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.iec62056.const import (
    CONF_ADDRESS,
    CONF_INTERVAL,
    CONF_MANUFACTURER,
    CONF_METER_ID,
    CONF_MINUTE,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_TIME,
    DOMAIN,
)
from custom_components.iec62056.form import CONF_ADVANCED, CONF_TIMES
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLine,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.iec21.telegram import Check

PORT: Final = "/dev/ttyUSB7"
NUMBER: Final = "0012345678"
UNIQUE_ID: Final = f"ISK_{NUMBER}"
NAME: Final = "Iskraemeco MT174-0001"

CONTENT: Final = b"\r\n".join(
    [
        b"1-0:0.0.0*255(0012345678)",
        b"1-0:0.0.1*255(1ISK0012345678)",
        b"1-0:0.2.0*255(1.03)",
        b"1-0:0.9.1*255(135907)",
        b"1-0:0.9.2*255(0261121)",
        b"0-0:C.1.0*255(0012345678)",
        b"1-0:0.1.0*255(33)",
        b"1-0:0.1.2*255(2611010000)",
        b"1-0:1.2.0*255(0123.45*kW)",
        b"1-0:1.6.0*255(02.468*kW)(2611200930)",
        b"1-0:1.6.1*255(02.468*kW)(2611200930)",
        b"1-0:1.7.0*255(0.908*kW)",
        b"1-0:2.7.0*255(000.000*kW)",
        b"1-0:1.8.0*255(0008048.375*kWh)",
        b"1-0:1.8.1*255(0008048.375*kWh)",
        b"1-0:1.8.2*255(0000000.000*kWh)",
        b"1-0:2.8.0*255(0000000.000*kWh)",
        b"1-0:3.8.0*255(0000123.456*kvarh)",
        b"1-0:9.8.0*255(0000987.654*kVAh)",
        b"1-0:16.8.0*255(0008048.375*kWh)",
        b"1-0:21.8.0*255(0002682.791*kWh)",
        b"1-0:32.7.0*255(235.2*V)",
        b"1-0:31.7.0*255(000.90*A)",
        b"1-0:13.7.0*255(0.98)",
        b"1-0:14.7.0*255(49.9*Hz)",
        b"1-0:81.7.4*255(032*deg)",
        b"1-2:1.8.0*255(0000001.000*kWh)",
        b"1-0:94.91.0*255(00042*kWh)",
        b"1-0:94.8.7*255(0000077.7*kWh)",
        b"1-0:94.8.8*255(0000077.7)",
        b"0-0:F.F.0*255(00000000)",
        b"1-0:1.8.0*01(0007000.000*kWh)",
        b"1-0:1.8.0*02(0006000.000*kWh)",
        b"",
    ]
)
"""A readout in the shape of an MT174's; every number in it is made up."""

REPLIES: Final = {CONF_DEVICE: PORT, CONF_ADVANCED: {}}
"""What a user types who leaves everything as it is."""


TIMES: Final = {CONF_INTERVAL: 60, CONF_MINUTE: 0, CONF_TIME: "23:45:00"}

ACCEPTED: Final = {
    CONF_NAME: NAME,
    CONF_SUPPLY: "mains",
    CONF_SCHEDULE: "automatic",
    CONF_TIMES: TIMES,
}
"""What the form about a meter that was found suggests, and most users accept."""


def make_meter(
    content: bytes = CONTENT,
    *,
    fault: Fault = Fault.NONE,
    identification: bytes = b"/ISk5MT174-0001",
    address: str = "",
) -> SimulatedMeter:
    """Make a meter in mode C."""
    return SimulatedMeter(
        identification=identification, content=content, fault=fault, address=address
    )


def unchecked_meter(energy: bytes) -> SimulatedMeter:
    """Make a meter in mode A that sends no check, at a state of its counters."""
    return SimulatedMeter(
        identification=b"/ISk0MT174-0001",
        content=CONTENT.replace(b"0008048.375", energy),
        check=Check.NONE,
    )


class HeldLink(SimulatedLink):
    """A link that stands still after some bytes, until it is let go.

    Time stands still as well: that is how a readout of minutes looks to others.
    """

    def __init__(self, meter: SimulatedMeter | SimulatedLine, *, after: int) -> None:
        """Lay a line that hands on `after` bytes."""
        super().__init__(meter, piece=1)
        self.let_go = asyncio.Event()
        self.held = asyncio.Event()
        """Set once the bytes are through."""
        self._left = after
        self._awaited = b""
        self._arrived = asyncio.Event()

    @override
    async def read(self, patience: float) -> bytes:
        if not self._left:
            self.held.set()
            await self.let_go.wait()
        data = await super().read(patience)
        self._left = max(0, self._left - len(data))
        if data == self._awaited:
            self._arrived.set()
        return data

    async def until(self, byte: bytes) -> None:
        """Wait until a certain byte has been read."""
        self._awaited = byte
        await self._arrived.wait()


def bytes_until(text: bytes, content: bytes = CONTENT) -> int:
    """Return how many bytes a meter has sent when the line with `text` is through."""
    end = content.index(b"\r\n", content.index(text)) + 2
    return len(b"/ISk5MT174-0001\r\n") + len(b"\x02") + end


async def open_form(hass: HomeAssistant, step: str = "serial") -> ConfigFlowResult:
    """Start a flow and choose from its menu."""
    menu = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    return await hass.config_entries.flow.async_configure(
        menu["flow_id"], {"next_step_id": step}
    )


async def submit(
    hass: HomeAssistant, form: ConfigFlowResult, replies: dict[str, Any]
) -> ConfigFlowResult:
    """Submit a form and return what is shown at once."""
    return await hass.config_entries.flow.async_configure(form["flow_id"], replies)


async def after_progress(
    hass: HomeAssistant, progress: ConfigFlowResult
) -> ConfigFlowResult:
    """Wait until a progress step is over; return what follows."""
    for _ in range(2000):
        result = hass.config_entries.flow.async_get(progress["flow_id"])
        if result["step_id"] != "search":
            break
        await asyncio.sleep(0.01)
    return await hass.config_entries.flow.async_configure(progress["flow_id"])


async def find(
    hass: HomeAssistant,
    form: ConfigFlowResult,
    replies: dict[str, Any] | None = None,
) -> ConfigFlowResult:
    """Submit a form and return what the search leads to."""
    return await after_progress(hass, await submit(hass, form, replies or REPLIES))


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, **how_long: float
) -> None:
    """Let time pass at once, as for `timedelta`, and then all that was due by then."""
    freezer.tick(timedelta(**how_long))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


def told(caplog: pytest.LogCaptureFixture, words: str) -> int:
    """Return how often a user was told something in the log."""
    return sum(
        words in record.getMessage()
        for record in caplog.records
        if record.name == "custom_components.iec62056"
        and record.levelno >= logging.INFO
    )


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return the state of an entity that there is."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state.state


def entry_data(
    port: str = PORT, address: str = "", *, meter_id: str = UNIQUE_ID
) -> dict[str, Any]:
    """Return what an entry of an ordinary meter holds."""
    return {
        CONF_DEVICE: port,
        CONF_ADDRESS: address,
        CONF_METER_ID: meter_id,
        CONF_MANUFACTURER: "ISK",
    }


async def set_up(
    hass: HomeAssistant, options: dict[str, Any] | None = None, *, port: str = PORT
) -> MockConfigEntry:
    """Return an entry of an ordinary meter, set up, after its first readout."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        unique_id=UNIQUE_ID,
        data=entry_data(port),
        options=options or {},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return entry


def said(form: ConfigFlowResult) -> dict[str, str]:
    """Return what a form says that stands in no translation."""
    return dict(form["description_placeholders"] or {})


def defaults(form: ConfigFlowResult) -> dict[str, Any]:
    """Return what a form holds if nobody types anything."""
    assert form["data_schema"] is not None
    sections: dict[str, Any] = {
        str(name): {}
        for name, field in form["data_schema"].schema.items()
        if isinstance(field, section)
    }
    values: dict[str, Any] = form["data_schema"](sections)
    return values


def suggested(form: ConfigFlowResult) -> dict[str, Any]:
    """Return what a form shows as typed before, its sections flattened."""
    assert form["data_schema"] is not None
    fields: dict[Any, Any] = {}
    for name, field in form["data_schema"].schema.items():
        fields |= field.schema.schema if isinstance(field, section) else {name: field}
    return {
        str(key): key.description["suggested_value"]
        for key in fields
        if key.description
    }


def shown_fields(form: ConfigFlowResult) -> set[str]:
    """Return the names of the fields and sections that a form shows."""
    assert form["data_schema"] is not None
    return set(map(str, form["data_schema"].schema))


async def settled(hass: HomeAssistant) -> None:
    """Wait until nothing goes on in the background."""
    await hass.async_block_till_done(wait_background_tasks=True)
