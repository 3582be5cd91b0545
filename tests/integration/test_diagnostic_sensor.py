"""Sensors that say how reading the meter goes."""

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import (
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    EntityCategory,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.iec62056.const import CONF_CLOCK, CONF_SUPPLY
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.iec21.telegram import Check
from tests.integration.common import CONTENT, PORT, make_meter
from tests.integration.conftest import Ports

PREFIX = "sensor.iskraemeco_mt174_0001_"
NAMES = {
    "last_readout",
    "readout_duration",
    "last_error",
    "check_errors",
    "refused_values",
    "readouts",
    "clock_deviation",
}


@pytest.fixture
def all_enabled() -> Iterator[None]:
    """Enable every sensor, whatever its default."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default", new=True
    ):
        yield


def state_of(hass: HomeAssistant, name: str) -> State:
    """Return the state of a sensor that has to be there."""
    state = hass.states.get(PREFIX + name)
    assert state is not None
    return state


def states(hass: HomeAssistant) -> dict[str, str]:
    """Return the states of all diagnostic sensors that are enabled."""
    found = {name: hass.states.get(PREFIX + name) for name in NAMES}
    return {name: state.state for name, state in found.items() if state is not None}


def entities(
    entity_registry: er.EntityRegistry, entry: MockConfigEntry
) -> dict[str, er.RegistryEntry]:
    """Return the diagnostic sensors of an entry by what they show."""
    return {
        str(entity.translation_key): entity
        for entity in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
        if entity.translation_key in NAMES
    }


async def begin(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set up an entry and wait until its first readout is over."""
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)


async def read(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Read the meter once more."""
    await entry.runtime_data.coordinator.async_refresh()
    await hass.async_block_till_done()


async def test_they_are_there_although_the_meter_never_answered(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    entry: MockConfigEntry,
    all_enabled: None,
) -> None:
    """That is when somebody looks at them."""
    meter.fault = Fault.SILENT
    await begin(hass, entry)
    assert states(hass) == {
        "last_readout": STATE_UNKNOWN,
        "readout_duration": STATE_UNKNOWN,
        "last_error": "no_answer",
        "check_errors": "0",
        "refused_values": "0",
        "readouts": "1",
        "clock_deviation": STATE_UNKNOWN,
    }


async def test_there_is_no_error_before_anybody_has_read(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """Nor is there none."""
    ports.link = SimulatedLink(make_meter())
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert state_of(hass, "last_error").state == STATE_UNKNOWN
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "last_error").state == "none"


async def test_they_follow_every_readout(
    hass: HomeAssistant,
    ports: Ports,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    all_enabled: None,
) -> None:
    """When it came, how long it took, and how many there were."""
    freezer.move_to("2026-11-21 12:00:00+00:00")
    await begin(hass, entry)
    assert state_of(hass, "last_readout").state == "2026-11-21T12:00:00+00:00"
    assert state_of(hass, "readouts").state == "1"
    assert float(state_of(hass, "readout_duration").state) >= 0
    assert state_of(hass, "readout_duration").attributes["unit_of_measurement"] == "s"
    freezer.tick(timedelta(seconds=30))
    await read(hass, entry)
    assert state_of(hass, "last_readout").state == "2026-11-21T12:00:30+00:00"
    assert state_of(hass, "readouts").state == "2"


async def test_they_stay_during_an_outage(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The readings of the meter do not."""
    last = state_of(hass, "last_readout").state
    meter.fault = Fault.SILENT
    await read(hass, loaded)
    freezer.tick(timedelta(hours=1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "energy_import").state == STATE_UNAVAILABLE
    assert state_of(hass, "last_readout").state == last
    assert state_of(hass, "last_error").state == "no_answer"
    meter.fault = Fault.NONE
    await read(hass, loaded)
    assert state_of(hass, "last_error").state == "none"


async def test_the_last_error_is_the_one_of_the_latest_readout(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """Each failure is shown, also one that follows another."""
    for fault, error in (
        (Fault.SILENT, "no_answer"),
        (Fault.SILENT | Fault.ECHO, "only_echo"),
        (Fault.DAMAGED_CHECK, "garbled"),
    ):
        meter.fault = fault
        await read(hass, loaded)
        assert state_of(hass, "last_error").state == error
    assert int(state_of(hass, "check_errors").state) > 0
    ports.link.open_error = LinkError(f"{PORT}: it is gone")
    await read(hass, loaded)
    assert state_of(hass, "last_error").state == "port_missing"


async def test_values_that_were_refused_are_counted(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """A damaged digit in a readout that nothing has checked is one of them."""
    meter = make_meter()
    meter.check = Check.NONE
    ports.link = SimulatedLink(meter)
    await begin(hass, entry)
    assert state_of(hass, "refused_values").state == "0"
    meter.content = CONTENT.replace(b"1.8.0*255(0008048", b"1.8.0*255(0000048")
    await read(hass, entry)
    assert int(state_of(hass, "refused_values").state) > 0


@pytest.mark.parametrize(
    ("clock", "deviation"), [("local", -1.0), ("utc", 3599.0), ("standard", -1.0)]
)
async def test_how_far_the_clock_of_the_meter_is_off(
    hass: HomeAssistant,
    ports: Ports,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    all_enabled: None,
    clock: str,
    deviation: float,
) -> None:
    """Positive: it is ahead. By which time it goes is an option."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    # The meter says 13:59:07.
    freezer.move_to("2026-11-21 12:59:08+00:00")
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, options={**entry.options, CONF_CLOCK: clock}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    state = state_of(hass, "clock_deviation")
    assert float(state.state) == deviation
    assert state.attributes["unit_of_measurement"] == "s"


@pytest.mark.parametrize(
    ("supply", "hidden"),
    [
        ("mains", {"readouts", "clock_deviation"}),
        # Each readout costs a bit of the battery.
        ("battery", {"clock_deviation"}),
    ],
)
async def test_what_is_enabled_by_default(
    hass: HomeAssistant,
    ports: Ports,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    supply: str,
    hidden: set[str],
) -> None:
    """What is rarely needed waits in the registry."""
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, options={**entry.options, CONF_SUPPLY: supply}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    found = entities(entity_registry, entry)
    assert found.keys() == NAMES
    assert {name for name, entity in found.items() if entity.disabled_by} == hidden


async def test_they_are_diagnostic(
    entity_registry: er.EntityRegistry, loaded: MockConfigEntry
) -> None:
    """They tell of the readouts, and not of energy."""
    assert {
        entity.entity_category for entity in entities(entity_registry, loaded).values()
    } == {EntityCategory.DIAGNOSTIC}
