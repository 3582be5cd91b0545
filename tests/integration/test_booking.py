"""What is booked: exactly what the meter has counted, whatever happens to a readout."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import (
    CONF_CLOCK,
    CONF_CURRENT_RATIO,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_UNITS,
    DOMAIN,
)
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.settings import Settings
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.search import Search
from tests.integration.common import (
    CONTENT,
    NUMBER,
    PORT,
    entry_data,
    pass_time,
    set_up,
    state_of,
    unchecked_meter,
)
from tests.integration.conftest import Ports

METER = "sensor.iskraemeco_mt174_0001"
ENERGY = f"{METER}_energy_import"


@pytest.fixture
def unchecked(ports: Ports) -> SimulatedMeter:
    """Put a meter that sends no check behind every port."""
    meter = unchecked_meter(b"0008048.375")
    ports.link = SimulatedLink(meter)
    return meter


def with_energy(value: bytes) -> bytes:
    """Return what the meter sends at a state of its counters."""
    return CONTENT.replace(b"0008048.375", value)


async def test_a_first_readout_without_check_is_read_twice(
    hass: HomeAssistant, ports: Ports, unchecked: SimulatedMeter
) -> None:
    """A damaged first value would be the zero point of the statistics."""
    await set_up(hass)
    assert ports.link.opened == 2
    assert state_of(hass, ENERGY) == "8048.375"
    assert state_of(hass, f"{METER}_refused_values") == "0"


@pytest.mark.parametrize("damaged", [b"9008048.375", b"0000000.000", b"0008048.374"])
async def test_a_leap_or_a_fall_is_asked_for_again_at_once(
    hass: HomeAssistant,
    ports: Ports,
    unchecked: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
    damaged: bytes,
) -> None:
    """The second readout knows better, and nobody sees the first."""
    await set_up(hass)
    opened = ports.link.opened
    sends = iter([with_energy(damaged), with_energy(b"0008048.500")])
    unchecked.content = lambda: next(sends)
    await pass_time(hass, freezer, seconds=62)
    assert ports.link.opened == opened + 2
    assert state_of(hass, ENERGY) == "8048.500"
    assert state_of(hass, f"{METER}_refused_values") == "3"


async def test_a_leap_that_stays_is_believed(
    hass: HomeAssistant,
    unchecked: SimulatedMeter,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The meter was exchanged for one without number, or has counted elsewhere."""
    await set_up(hass)
    unchecked.content = with_energy(b"0020000.000")
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "20000.000"


async def test_a_second_readout_that_fails_leaves_the_first_one_standing(
    hass: HomeAssistant,
    ports: Ports,
    unchecked: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was not in doubt is booked, the rest waits."""
    await set_up(hass)
    unchecked.content = CONTENT.replace(
        b"1-0:1.8.0*255(0008048.375", b"1-0:1.8.0*255(9008048.375"
    ).replace(b"0.908", b"0.777")
    close = ports.link.close

    async def close_for_good() -> None:
        await close()
        ports.link.open_error = LinkError("the adapter was unplugged")

    ports.link.close = close_for_good  # type: ignore[method-assign]  # The port, not our code.
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "8048.375"
    assert state_of(hass, f"{METER}_power_import") == "0.777"
    assert state_of(hass, f"{METER}_last_error") == "none"


async def test_a_second_readout_of_another_meter_leaves_the_first_one_standing(
    hass: HomeAssistant,
    ports: Ports,
    unchecked: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A damaged number in what was to confirm it is no reason to book nothing."""
    await set_up(hass)
    leap = CONTENT.replace(
        b"1-0:1.8.0*255(0008048.375", b"1-0:1.8.0*255(9008048.375"
    ).replace(b"0.908", b"0.777")
    other = leap.replace(NUMBER.encode(), b"0012345679").replace(b"0.777", b"0.111")
    sends = iter([leap, other])
    unchecked.content = lambda: next(sends)
    await pass_time(hass, freezer, seconds=62)
    assert next(sends, None) is None
    assert state_of(hass, ENERGY) == "8048.375"
    assert state_of(hass, f"{METER}_power_import") == "0.777"
    assert state_of(hass, f"{METER}_last_error") == "none"


@pytest.mark.parametrize("checked", [True, False])
async def test_a_damaged_digit_is_never_booked(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    unchecked: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
    *,
    checked: bool,
) -> None:
    """With a check it is the check that says so, and without one the next readout."""
    device = meter if checked else unchecked
    ports.link = SimulatedLink(device)
    await set_up(hass)
    true = 8048375
    damage = 0
    for minute in range(30):
        true += 7
        # A digit that is worth 10 kWh or more, and so a leap.
        whole = with_energy(b"%07d.%03d" % divmod(true, 1000))
        digit = whole.index(b"1.8.0*255(") + 10 + minute % 6

        def send(whole: bytes = whole, digit: int = digit) -> bytes:
            nonlocal damage
            damage += 1
            if damage % 3:
                return whole
            return whole[:digit] + b"%d" % (damage % 10) + whole[digit + 1 :]

        if checked:
            device.fault = Fault.NONE if minute % 3 else Fault.DAMAGED_CHECK
            device.content = whole
        else:
            device.content = send
        await pass_time(hass, freezer, seconds=62)
        booked = Decimal(state_of(hass, ENERGY)) * 1000
        assert true - 21 <= booked <= true


async def restart(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Unload an entry and set it up again, as a restart does."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert await hass.config_entries.async_setup(entry.entry_id)


async def test_a_week_of_outage_books_the_difference(
    hass: HomeAssistant,
    ports: Ports,
    unchecked: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was known before comes from the storage, and the clock tells how long."""
    entry = await set_up(hass)
    assert await hass.config_entries.async_unload(entry.entry_id)
    freezer.tick(7 * 24 * 3600)
    opened = ports.link.opened
    # 100 kWh a day are no leap in a week.
    unchecked.content = with_energy(b"0008748.375")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, ENERGY) == "8748.375"
    assert ports.link.opened == opened + 1


async def test_after_a_restart_the_last_readings_are_there_at_once(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The meter is asked when it would have been asked anyway."""
    entry = await set_up(hass)
    await restart(hass, entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, ENERGY) == "8048.375"
    assert ports.link.opened == 1
    await pass_time(hass, freezer, seconds=62)
    assert ports.link.opened == 2
    assert hass_storage[f"{DOMAIN}.{entry.entry_id}"]["version"] == 1


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"record": None, "meter": None, "book": None, "budget": None},
        {"record": {"readouts": 1, "nonsense": 2}, "meter": {"x": 1}, "book": [7]},
        {"record": {"last_attempt": "yesterday"}, "meter": 5, "book": {}},
        {"record": {"last_error": "unheard of"}},
    ],
)
async def test_a_storage_that_cannot_be_read_is_read_from_the_meter_again(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    entry: MockConfigEntry,
    saved: dict[str, Any],
) -> None:
    """Somebody has edited it, or a newer version has written it."""
    hass_storage[f"{DOMAIN}.{entry.entry_id}"] = {
        "version": 1,
        "minor_version": 1,
        "key": f"{DOMAIN}.{entry.entry_id}",
        "data": saved,
    }
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, ENERGY) == "8048.375"


async def test_a_poll_does_not_write_to_the_disk_each_time(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
    ports: Ports,
    loaded: MockConfigEntry,
) -> None:
    """Memory cards wear out; but what is known is written before long."""
    key = f"{DOMAIN}.{loaded.entry_id}"
    for _ in range(4):
        await pass_time(hass, freezer, seconds=62)
        assert key not in hass_storage
    await pass_time(hass, freezer, seconds=62)
    assert key in hass_storage


async def test_a_counter_without_unit_is_guarded_in_the_unit_that_the_user_knows(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Watt hours rise a thousand times faster than kilowatt hours."""
    meter = unchecked_meter(b"0008048.375")
    content = b"0.0.0(0012345678)\r\n1.8.0(%08d)\r\n"
    meter.content = content % 1_000_000
    ports.link = SimulatedLink(meter)
    await set_up(hass, {CONF_UNITS: {"1-0:1.8.0": "Wh"}})
    opened = ports.link.opened
    meter.content = content % 1_000_500
    await pass_time(hass, freezer, seconds=62)
    assert state_of(hass, ENERGY) == "1000500"
    assert ports.link.opened == opened + 1


async def test_transformers_let_more_flow(
    hass: HomeAssistant,
    ports: Ports,
    unchecked: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What would be a leap for a house is none for a factory."""
    await set_up(hass, {CONF_CURRENT_RATIO: 40})
    opened = ports.link.opened
    unchecked.content = with_energy(b"0008068.375")
    await pass_time(hass, freezer, seconds=62)
    assert ports.link.opened == opened + 1
    assert Decimal(state_of(hass, ENERGY)) == Decimal("8068.375") * 40


@pytest.mark.parametrize(
    ("habit", "ahead"), [("automatic", 7), ("local", 3607), ("standard", 7)]
)
async def test_the_clock_of_the_meter_is_compared_with_ours(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    freezer: FrozenDateTimeFactory,
    habit: str,
    ahead: int,
) -> None:
    """When its line arrived, in the time that the meter keeps."""
    await hass.config.async_set_time_zone("America/New_York")
    freezer.move_to("2026-07-21 17:59:00+00:00")
    # Standard time all year round: one hour behind the clock on the wall.
    meter.content = CONTENT.replace(b"(135907)", b"(125907)").replace(
        b"(0261121)", b"(260721)"
    )
    entry = await set_up(hass, {CONF_CLOCK: habit})
    deviation = entry.runtime_data.coordinator.record.clock_deviation
    assert abs(deviation.total_seconds()) == (ahead if habit != "local" else 3593)


async def test_removing_an_entry_leaves_no_file(
    hass: HomeAssistant, hass_storage: dict[str, Any], ports: Ports
) -> None:
    """Nor anything else of ours."""
    entry = await set_up(hass)
    await restart(hass, entry)
    assert f"{DOMAIN}.{entry.entry_id}" in hass_storage
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert f"{DOMAIN}.{entry.entry_id}" not in hass_storage


@pytest.mark.parametrize(
    ("options", "kept", "opened"),
    [
        ({}, 50, 1),
        ({}, 70, 2),
        ({CONF_SUPPLY: "battery", CONF_SCHEDULE: "daily"}, 6 * 3600, 1),
    ],
)
async def test_a_readout_from_the_flow_has_the_time_at_which_it_ended(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
    options: dict[str, str],
    kept: int,
    opened: int,
) -> None:
    """Its last form may stay open for long; what is older than a poll is read anew."""
    freezer.move_to("2026-11-21 12:00:00+00:00")
    search = Search(hass, PORT, Settings())
    await asyncio.wait([search.task])
    freezer.tick(kept)
    search.hand_over(entry_data())
    entry = await set_up(hass, options)
    assert ports.link.opened == opened
    data = entry.runtime_data.coordinator.data
    late = 0 if opened == 1 else kept
    assert data.taken_at == datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(
        seconds=late
    )
    assert state_of(hass, f"{METER}_last_readout") == data.taken_at.isoformat()
