"""Readouts that somebody asks for: by the button, or by updating an entity."""

import asyncio

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.iec62056.const import (
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_TIME,
    DOMAIN,
)
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from tests.integration.common import (
    CONTENT,
    HeldLink,
    bytes_until,
    pass_time,
    set_up,
    settled,
    state_of,
    told,
)
from tests.integration.conftest import Ports

METER = "sensor.iskraemeco_mt174_0001"
ENERGY = f"{METER}_energy_import"
LAST_ERROR = f"{METER}_last_error"
BUTTON = "button.iskraemeco_mt174_0001_read_now"

ONCE_A_DAY = {CONF_SUPPLY: "battery", CONF_SCHEDULE: "daily", CONF_TIME: "03:00:00"}

RISEN = CONTENT.replace(b"0008048.375", b"0008048.500")


async def press(hass: HomeAssistant) -> None:
    """Press the button, and wait for what it does."""
    await hass.services.async_call(
        "button", "press", {"entity_id": BUTTON}, blocking=True
    )


async def update(hass: HomeAssistant) -> None:
    """Have a sensor updated, as automations do."""
    await async_setup_component(hass, "homeassistant", {})
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": ENERGY}, blocking=True
    )


async def settle() -> None:
    """Let tasks go on that do not end by themselves."""
    for _ in range(20):
        await asyncio.sleep(0)


async def why_not(press: asyncio.Task[None]) -> str | None:
    """Return the translation key of what whoever pressed is told."""
    with pytest.raises(HomeAssistantError) as caught:
        await press
    assert caught.value.translation_domain == DOMAIN
    return caught.value.translation_key


@pytest.fixture
def held(ports: Ports, meter: SimulatedMeter, loaded: MockConfigEntry) -> HeldLink:
    """Have the next readout stand still in the middle; the first one is over."""
    meter.content = RISEN
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0", RISEN))
    return link


# -- one readout for all ----------------------------------------------------------


async def test_many_presses_at_once_are_one_readout(
    hass: HomeAssistant, ports: Ports, held: HeldLink
) -> None:
    """Each is over when the new readings are there, the late ones included."""
    presses = [hass.async_create_task(press(hass)) for _ in range(3)]
    await held.held.wait()
    presses += [hass.async_create_task(press(hass)) for _ in range(3)]
    presses.append(hass.async_create_task(update(hass)))
    await settle()
    assert not any(one.done() for one in presses)
    held.let_go.set()
    await asyncio.gather(*presses)
    assert state_of(hass, ENERGY) == "8048.500"
    await settled(hass)
    assert len(ports.opened) == 2


@pytest.mark.parametrize("works", [True, False])
async def test_a_press_during_a_planned_readout_waits_for_that(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    held: HeldLink,
    freezer: FrozenDateTimeFactory,
    *,
    works: bool,
) -> None:
    """And is told how it ended; the press after that is a readout of its own."""
    meter.fault = Fault.NONE if works else Fault.DAMAGED_CHECK
    freezer.tick(62)
    async_fire_time_changed(hass)
    await held.held.wait()
    pressed = hass.async_create_task(press(hass))
    await settle()
    assert not pressed.done()
    held.let_go.set()
    if works:
        await pressed
    else:
        assert await why_not(pressed) == "damaged"
    assert len(ports.opened) == 2
    meter.fault = Fault.NONE
    ports.link = SimulatedLink(meter)
    await press(hass)
    assert len(ports.opened) == 3
    assert state_of(hass, ENERGY) == "8048.500"


async def test_whoever_cannot_wait_any_longer_breaks_nothing_off(
    hass: HomeAssistant,
    ports: Ports,
    held: HeldLink,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A script that is stopped ends at once, and the readout goes on without it."""
    pressed = hass.async_create_task(press(hass))
    await held.held.wait()
    pressed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pressed
    assert not held.closed
    held.let_go.set()
    await settled(hass)
    assert held.closed
    assert state_of(hass, ENERGY) == "8048.500"
    await pass_time(hass, freezer, seconds=62)
    assert len(ports.opened) == 3
    assert told(caplog, "Error") == told(caplog, "recovered") == 0


# -- what is said when it fails ---------------------------------------------------


async def test_one_outage_is_one_line_in_the_log_whoever_asks(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Even if it shows in another way each time; and its end is another line."""
    meter.fault = Fault.SILENT
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, LAST_ERROR) == "no_answer"
    ports.link.open_error = LinkError("the adapter was unplugged")
    with pytest.raises(HomeAssistantError):
        await press(hass)
    assert state_of(hass, LAST_ERROR) == "port_missing"
    ports.link.open_error = None
    meter.fault = Fault.DAMAGED_CHECK
    await update(hass)
    assert state_of(hass, LAST_ERROR) == "garbled"
    assert told(caplog, "Error fetching") == 1
    meter.fault = Fault.NONE
    await press(hass)
    assert state_of(hass, LAST_ERROR) == "none"
    assert told(caplog, "Error fetching") == told(caplog, "recovered") == 1


async def test_a_press_that_unloading_breaks_off_says_so(
    hass: HomeAssistant, held: HeldLink, loaded: MockConfigEntry
) -> None:
    """It would seem to have worked otherwise."""
    coordinator = loaded.runtime_data.coordinator
    pressed = hass.async_create_task(coordinator.async_read_now())
    await held.held.wait()
    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert await why_not(pressed) == "readout_broken_off"
    assert held.closed


async def test_a_press_that_comes_too_late_says_so_as_well(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Nothing is begun once the entry is unloaded, so nothing has worked."""
    coordinator = loaded.runtime_data.coordinator
    assert await hass.config_entries.async_unload(loaded.entry_id)
    pressed = hass.async_create_task(coordinator.async_read_now())
    assert await why_not(pressed) == "readout_broken_off"
    assert ports.link.opened == 1


async def test_a_bug_is_said_in_words_and_stops_nothing(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The traceback is in the log for whoever reports it; polls go on."""
    ports.link.open_error = RuntimeError("a bug")  # type: ignore[assignment]  # What it may raise is the point.
    for _ in range(2):
        assert await why_not(hass.async_create_task(press(hass))) == (
            "readout_broken_off"
        )
    assert told(caplog, "Unexpected error fetching") == 2
    for _ in range(3):
        opened = len(ports.opened)
        await pass_time(hass, freezer, seconds=62)
        assert len(ports.opened) == opened + 1
    ports.link.open_error = None
    meter.content = RISEN
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.500"


# -- on a battery -----------------------------------------------------------------


@pytest.fixture
async def battery(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> MockConfigEntry:
    """Return the entry of a battery meter, at noon, after its first readout."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-21 12:00:00+00:00")
    return await set_up(hass, ONCE_A_DAY)


async def test_a_request_that_asks_nobody_does_not_end_an_outage(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What spares a battery meter a readout says nothing about the meter."""
    meter.fault = Fault.SILENT
    await pass_time(hass, freezer, hours=15, seconds=1)
    opened = ports.link.opened
    for asked in (1, 2, 2, 2):
        await pass_time(hass, freezer, minutes=5)
        await update(hass)
        await settled(hass)
        assert ports.link.opened == opened + asked
        assert state_of(hass, LAST_ERROR) == "no_answer"
    await pass_time(hass, freezer, hours=24)
    assert told(caplog, "Error fetching") == 1
    assert told(caplog, "recovered") == 0


async def test_a_second_press_right_after_a_failure_is_told_the_same(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It wakes nobody up, and it has not worked either."""
    meter.fault = Fault.SILENT
    await pass_time(hass, freezer, minutes=5)
    for _ in range(2):
        assert await why_not(hass.async_create_task(press(hass))) == "no_answer"
    assert ports.link.opened == 2
    assert told(caplog, "recovered") == 0
