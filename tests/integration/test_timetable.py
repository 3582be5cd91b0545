"""When a meter is read: over restarts, after failures, and by clocks that jump."""

from datetime import UTC, datetime

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import CoreState, HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.iec62056.const import (
    CONF_INTERVAL,
    CONF_MANUFACTURER,
    CONF_MINUTE,
    CONF_SCHEDULE,
    CONF_TIME,
    DOMAIN,
)
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from tests.integration.common import (
    NAME,
    UNIQUE_ID,
    HeldLink,
    bytes_until,
    entry_data,
    make_meter,
    pass_time,
    set_up,
    settled,
    state_of,
)
from tests.integration.conftest import Ports

METER = "sensor.iskraemeco_mt174_0001"
ENERGY = f"{METER}_energy_import"
LAST_ERROR = f"{METER}_last_error"

ONCE_A_DAY = {CONF_SCHEDULE: "daily", CONF_TIME: "12:30:00"}


@pytest.fixture(autouse=True)
async def _noon(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Begin every test at the same time of day, in a zone without surprises."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-21 12:00:00+00:00")


async def restart(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Reload an entry, and wait for what that leads to."""
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settled(hass)


async def add(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Set up an entry, and wait for what that leads to."""
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    return entry


async def poll_by_itself(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, ports: Ports, minutes: int
) -> list[str]:
    """Let minutes pass; return those at which the port was opened."""
    times = []
    for _ in range(minutes):
        opened = len(ports.opened)
        await pass_time(hass, freezer, minutes=1)
        if len(ports.opened) > opened:
            times.append(f"{datetime.now(UTC):%H:%M}")
    return times


# -- restarts ---------------------------------------------------------------------


async def test_other_options_count_from_the_latest_readout_on(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> None:
    """A longer interval is waited for; a shorter one may have passed already."""
    entry = await set_up(hass, {CONF_SCHEDULE: "interval", CONF_INTERVAL: 180})
    assert await poll_by_itself(hass, freezer, ports, 4) == ["12:03"]
    hass.config_entries.async_update_entry(entry, options={CONF_INTERVAL: 600})
    for interval, times in ((600, ["12:13"]), (120, ["12:17", "12:19", "12:21"])):
        hass.config_entries.async_update_entry(
            entry, options={CONF_SCHEDULE: "interval", CONF_INTERVAL: interval}
        )
        opened = len(ports.opened)
        await restart(hass, entry)
        is_overdue = interval == 120
        assert len(ports.opened) == opened + is_overdue
        minutes = 6 if is_overdue else 11
        assert await poll_by_itself(hass, freezer, ports, minutes) == times


async def test_a_readout_that_had_failed_is_made_up_for_after_a_restart(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody would wait for tomorrow's."""
    entry = await set_up(hass, ONCE_A_DAY)
    meter.fault = Fault.SILENT
    await pass_time(hass, freezer, minutes=30, seconds=10)
    assert state_of(hass, LAST_ERROR) == "no_answer"
    meter.fault = Fault.NONE
    await restart(hass, entry)
    assert state_of(hass, LAST_ERROR) == "none"
    assert len(ports.opened) == 3


async def test_a_failure_before_a_restart_is_followed_by_another_attempt_soon(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Also where the next planned readout is far away; a restart is no success."""
    entry = await set_up(hass, {CONF_SCHEDULE: "daily", CONF_TIME: "11:00:00"})
    meter.fault = Fault.SILENT
    await entry.runtime_data.coordinator.async_refresh()
    opened = len(ports.opened)
    await restart(hass, entry)
    assert len(ports.opened) == opened
    assert state_of(hass, LAST_ERROR) == "no_answer"
    assert await poll_by_itself(hass, freezer, ports, 10) == ["12:01", "12:06"]


async def test_a_first_readout_that_a_reload_broke_off_is_begun_again(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    entry: MockConfigEntry,
) -> None:
    """An attempt is no readout, and there are no sensors before the first one."""
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0"))
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options=ONCE_A_DAY)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await link.held.wait()
    ports.link = SimulatedLink(meter)
    await restart(hass, entry)
    assert state_of(hass, ENERGY) == "8048.375"


async def test_no_readout_begins_while_home_assistant_stops(
    hass: HomeAssistant,
    ports: Ports,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It would be broken off, and the meter left in the middle of a session."""
    hass.set_state(CoreState.stopping)
    await pass_time(hass, freezer, minutes=2)
    await loaded.runtime_data.coordinator.async_shutdown()
    hass.set_state(CoreState.running)
    assert ports.link.opened == 1


# -- polling that is switched off -------------------------------------------------


@pytest.fixture
async def unpolled(hass: HomeAssistant, ports: Ports) -> MockConfigEntry:
    """Return an entry that the user polls, after its first readout."""
    return await add(
        hass,
        MockConfigEntry(
            domain=DOMAIN,
            title=NAME,
            unique_id=UNIQUE_ID,
            data=entry_data(),
            pref_disable_polling=True,
        ),
    )


async def test_without_polling_a_restart_reads_nothing(
    hass: HomeAssistant,
    ports: Ports,
    unpolled: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nor does anything after it, until somebody asks; the first one is a must."""
    assert ports.link.opened == 1
    for _ in range(3):
        await restart(hass, unpolled)
        await pass_time(hass, freezer, hours=25)
    assert ports.link.opened == 1


async def test_without_polling_a_failure_is_not_tried_again(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    unpolled: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Whoever asked decides when to ask again."""
    meter.fault = Fault.SILENT
    await unpolled.runtime_data.coordinator.async_refresh()
    opened = len(ports.opened)
    assert await poll_by_itself(hass, freezer, ports, 5) == []
    await restart(hass, unpolled)
    assert await poll_by_itself(hass, freezer, ports, 5) == []
    assert len(ports.opened) == opened


async def test_without_polling_readings_stay_until_a_readout_fails(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    unpolled: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody knows when the next ones are due, so they do not age."""
    await pass_time(hass, freezer, days=40)
    assert state_of(hass, ENERGY) == "8048.375"
    meter.fault = Fault.SILENT
    await unpolled.runtime_data.coordinator.async_refresh()
    await settled(hass)
    assert state_of(hass, ENERGY) == STATE_UNAVAILABLE


async def test_polling_that_is_switched_on_again_goes_on(
    hass: HomeAssistant,
    ports: Ports,
    unpolled: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """As often as before."""
    await pass_time(hass, freezer, hours=1)
    hass.config_entries.async_update_entry(unpolled, pref_disable_polling=False)
    await restart(hass, unpolled)
    times = await poll_by_itself(hass, freezer, ports, 3)
    assert times == ["13:01", "13:02", "13:03"]


# -- failures and delays ----------------------------------------------------------


async def test_a_meter_that_was_never_found_is_searched_less_and_less_often(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A search takes half a minute, and other meters may wait for the port."""
    meter.fault = Fault.SILENT
    await add(
        hass,
        MockConfigEntry(
            domain=DOMAIN,
            title=NAME,
            data={**entry_data(meter_id="01ABC"), CONF_MANUFACTURER: ""},
        ),
    )
    times = await poll_by_itself(hass, freezer, ports, 150)
    assert times == ["12:01", "12:06", "12:21", "13:21", "14:21"]


async def test_a_failed_search_is_not_repeated_sooner_than_planned(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A meter that has never answered is in no hurry."""
    meter.fault = Fault.SILENT
    await add(
        hass,
        MockConfigEntry(
            domain=DOMAIN,
            title=NAME,
            data={**entry_data(meter_id="01ABC"), CONF_MANUFACTURER: ""},
            options=ONCE_A_DAY,
        ),
    )
    assert await poll_by_itself(hass, freezer, ports, 40) == ["12:30"]


async def test_a_poll_that_falls_due_during_a_readout_is_left_out(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What it would bring has just been read; the one after it comes as planned."""
    entry = await set_up(hass, {CONF_SCHEDULE: "hourly", CONF_MINUTE: 30})
    await pass_time(hass, freezer, minutes=29)
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0"))
    asked = hass.async_create_background_task(
        entry.runtime_data.coordinator.async_read_now(), "press"
    )
    await link.held.wait()
    freezer.tick(120)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    link.let_go.set()
    await asked
    await settled(hass)
    assert len(ports.opened) == 2
    assert await poll_by_itself(hass, freezer, ports, 60) == ["13:30"]


async def test_polls_that_a_readout_was_late_for_keep_their_rhythm(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """They are counted from the beginning of the readout, and not from its end."""
    link = ports.link = HeldLink(meter, after=bytes_until(b"2.7.0"))
    entry.add_to_hass(hass)
    options = {CONF_SCHEDULE: "interval", CONF_INTERVAL: 300}
    hass.config_entries.async_update_entry(entry, options=options)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await link.held.wait()
    freezer.tick(11 * 60)
    link.let_go.set()
    await settled(hass)
    times = await poll_by_itself(hass, freezer, ports, 10)
    assert times == ["12:15", "12:20"]


# -- clocks that jump -------------------------------------------------------------


async def test_a_clock_that_leaps_ahead_during_a_readout_holds_nobody_up(
    hass: HomeAssistant,
    ports: Ports,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A machine without a clock begins in 1970; no poll since then is counted out.

    There are three hundred million of them, so one by one this would never end.
    """
    freezer.move_to("1970-01-01 00:00:02+00:00")
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    entry.add_to_hass(hass)
    options = {CONF_SCHEDULE: "interval", CONF_INTERVAL: 5}
    hass.config_entries.async_update_entry(entry, options=options)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await link.held.wait()
    freezer.move_to("2026-11-21 12:00:00+00:00")
    link.let_go.set()
    await settled(hass)
    assert state_of(hass, ENERGY) == "8048.375"
    ports.link = SimulatedLink(make_meter())
    await pass_time(hass, freezer, seconds=6)
    assert ports.link.opened == 1


async def test_a_clock_that_was_ahead_neither_stops_polls_nor_keeps_readings(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Times of a run that believed in 2030 count as now."""
    freezer.move_to("2030-11-21 12:00:00+00:00")
    entry = await set_up(hass)
    assert await hass.config_entries.async_unload(entry.entry_id)
    freezer.move_to("2026-11-21 12:00:00+00:00")
    meter.fault = Fault.SILENT
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    assert state_of(hass, ENERGY) == "8048.375"
    times = await poll_by_itself(hass, freezer, ports, 3)
    assert times == ["12:01", "12:02", "12:03"]
    await pass_time(hass, freezer, minutes=12)
    assert state_of(hass, ENERGY) == STATE_UNAVAILABLE


async def test_nothing_is_current_before_the_first_readout(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter
) -> None:
    """However long the readings may stay, there are none; then there are."""
    meter.fault = Fault.SILENT
    coordinator = (await set_up(hass)).runtime_data.coordinator
    assert not coordinator.is_current
    meter.fault = Fault.NONE
    await coordinator.async_refresh()
    assert coordinator.is_current
