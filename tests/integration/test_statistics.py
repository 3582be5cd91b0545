"""What the energy dashboard books: the difference of the counter, and nothing else.

Everything here goes through the recorder and a database that outlives a restart.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import history
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_test_home_assistant,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
    statistics_during_period,
)

from custom_components.iec62056.const import DOMAIN
from custom_components.iec62056.iec21.simulator import (
    Fault,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.iec21.telegram import Check
from tests.integration.common import (
    CONTENT,
    NAME,
    UNIQUE_ID,
    entry_data,
    settled,
    state_of,
)
from tests.integration.conftest import Ports

ENERGY = "sensor.iskraemeco_mt174_0001_energy_import"
BEGINNING = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)
PERIOD = timedelta(minutes=5)
POWER = 1200
"""Watts, all the time."""

WEEK = 7 * 24 * 60
"""Minutes."""

type Recording = Callable[[HomeAssistant], AbstractAsyncContextManager[Recorder]]

pytestmark = pytest.mark.parametrize("persistent_database", [True])


@pytest.fixture(autouse=True)
def _enabled() -> None:
    """Have no Home Assistant but those that a test starts and stops."""


def counter() -> int:
    """Return what the meter has counted by now, in watt hours."""
    return 8_048_375 + POWER * (datetime.now(UTC) - BEGINNING) // timedelta(hours=1)


def content(watt_hours: int) -> bytes:
    """Return what the meter sends at a state of its counter."""
    return CONTENT.replace(b"0008048.375", b"%07d.%03d" % divmod(watt_hours, 1000))


def rows_after(*minutes: int) -> list[tuple[int, int]]:
    """Return state and sum as they are right when the meter was read at minutes."""
    flowed = [POWER * minute // 60 for minute in minutes]
    return [(8_048_375 + sum_, sum_) for sum_ in flowed]


class House:
    """A house with a meter, whose Home Assistant comes and goes."""

    def __init__(
        self,
        meter: SimulatedMeter,
        freezer: FrozenDateTimeFactory,
        storage: dict[str, Any],
        recording: Recording,
    ) -> None:
        """Move in; nobody reads the meter yet."""
        self.meter = meter
        self.storage = storage
        self.entry_id = "01METER"
        self._freezer = freezer
        self._recording = recording

    @asynccontextmanager
    async def home_assistant(self) -> AsyncIterator[HomeAssistant]:
        """Start Home Assistant with the entry of the meter, and stop it again."""
        async with async_test_home_assistant() as hass, self._recording(hass):
            hass.data.pop(DATA_CUSTOM_COMPONENTS)
            entry = MockConfigEntry(
                entry_id=self.entry_id,
                domain=DOMAIN,
                title=NAME,
                unique_id=UNIQUE_ID,
                data=entry_data(),
            )
            entry.add_to_hass(hass)
            assert await hass.config_entries.async_setup(entry.entry_id)
            await settled(hass)
            yield hass
            await hass.async_stop()

    async def live(self, hass: HomeAssistant, how_long: timedelta) -> None:
        """Let time pass, with a readout and a row of statistics every five minutes."""
        for _ in range(how_long // PERIOD):
            start = datetime.now(UTC)
            self._freezer.tick(PERIOD)
            async_fire_time_changed(hass)
            await settled(hass)
            await async_wait_recording_done(hass)
            do_adhoc_statistics(hass, start=start)
            await async_wait_recording_done(hass)

    def be_away(self, how_long: timedelta) -> None:
        """Let time pass without Home Assistant."""
        self._freezer.tick(how_long)


@pytest.fixture(params=[Check.XOR, Check.NONE])
def house(
    request: pytest.FixtureRequest,
    async_test_recorder: Recording,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    ports: Ports,
) -> House:
    """Return a house whose meter sends a check, or none."""
    freezer.move_to(BEGINNING)
    meter = SimulatedMeter(
        identification=b"/ISk5MT174-0001"
        if request.param is Check.XOR
        else b"/ISk0MT174-0001",
        content=lambda: content(counter()),
        check=request.param,
    )
    ports.link = SimulatedLink(meter)
    return House(meter, freezer, hass_storage, async_test_recorder)


async def rows(hass: HomeAssistant) -> list[tuple[int, int]]:
    """Return state and sum of every row of the energy register, in watt hours."""
    found = await get_instance(hass).async_add_executor_job(
        lambda: statistics_during_period(
            hass, BEGINNING, statistic_ids={ENERGY}, period="5minute"
        )
    )
    return [
        (round(row["state"] * 1000), round(row["sum"] * 1000)) for row in found[ENERGY]
    ]


async def test_a_restart_books_the_difference(house: House) -> None:
    """What flowed meanwhile is booked with the next readout."""
    async with house.home_assistant() as hass:
        await house.live(hass, timedelta(minutes=30))
    house.be_away(timedelta(minutes=10))
    async with house.home_assistant() as hass:
        await house.live(hass, timedelta(minutes=30))
        booked = await rows(hass)
    assert booked == rows_after(0, 5, 10, 15, 20, 25, 40, 45, 50, 55, 60, 65)


async def test_a_week_of_outage_books_the_difference(house: House) -> None:
    """Two hundred kilowatt hours in one step are no leap after a week."""
    async with house.home_assistant() as hass:
        await house.live(hass, timedelta(minutes=15))
    house.be_away(timedelta(minutes=WEEK))
    async with house.home_assistant() as hass:
        await house.live(hass, timedelta(minutes=15))
        booked = await rows(hass)
    assert booked == rows_after(0, 5, 10, WEEK + 15, WEEK + 20, WEEK + 25)


async def test_an_old_backup_books_the_difference(house: House) -> None:
    """The storage of a week ago knows less than the database of today."""
    key = f"{DOMAIN}.{house.entry_id}"
    async with house.home_assistant() as hass:
        await house.live(hass, timedelta(minutes=15))
        backup = deepcopy(house.storage[key])
        house.be_away(timedelta(minutes=WEEK))
        await house.live(hass, timedelta(minutes=15))
    house.storage[key] = backup
    async with house.home_assistant() as hass:
        await house.live(hass, timedelta(minutes=15))
        booked = await rows(hass)
    assert booked == rows_after(
        *(0, 5, 10, 15, WEEK + 20, WEEK + 25, WEEK + 30, WEEK + 35, WEEK + 40)
    )


def spoilt(content: bytes, place: int, by: int) -> bytes:
    """Return a readout with another digit in its energy register."""
    digit = content.index(b"1.8.0*255(") + len(b"1.8.0*255(") + place
    wrong = b"%d" % ((content[digit] - ord("0") + by) % 10)
    return content[:digit] + wrong + content[digit + 1 :]


@pytest.mark.parametrize("place", [0, 2, 5])
async def test_a_damaged_digit_books_nothing(house: House, place: int) -> None:
    """Up or down, it is found out by the check or by the readout right after it."""
    sent = 0

    def send() -> bytes:
        """Damage every fourth readout."""
        nonlocal sent
        sent += 1
        if sent % 4:
            house.meter.fault = Fault.NONE
            return content(counter())
        house.meter.fault = Fault.DAMAGED_CHECK
        return spoilt(content(counter()), place, by=1 + sent // 4 % 8)

    house.meter.content = send
    async with house.home_assistant() as hass:
        await house.live(hass, timedelta(minutes=50))
        booked = await rows(hass)
        found_out = {
            int(state_of(hass, f"sensor.iskraemeco_mt174_0001_{one}"))
            for one in ("check_errors", "refused_values")
        }
    assert found_out == {0, sent // 4}
    assert booked == rows_after(*range(0, 50, 5))


@pytest.mark.parametrize("house", [Check.NONE], indirect=True)
async def test_damage_that_could_be_true_is_taken_back(house: House) -> None:
    """One kilowatt hour may flow in five minutes; without a check nobody knows."""
    async with house.home_assistant() as hass:
        await house.live(hass, timedelta(minutes=10))
        house.meter.content = lambda: spoilt(content(counter()), 6, by=1)
        await house.live(hass, PERIOD)
        house.meter.content = lambda: content(counter())
        await house.live(hass, timedelta(minutes=15))
        booked = await rows(hass)
    assert booked == [
        *rows_after(0, 5, 10),
        (8_048_375 + 1300, 1300),
        *rows_after(20, 25),
    ]


async def test_history_stays_when_an_entry_is_removed(house: House) -> None:
    """The sensors are gone, and what they have recorded is not."""
    async with house.home_assistant() as hass:
        await house.live(hass, timedelta(minutes=15))
        before = await rows(hass)
        assert await hass.config_entries.async_remove(house.entry_id)
        await async_wait_recording_done(hass)
        assert hass.states.get(ENERGY) is None
        assert er.async_get(hass).async_get(ENERGY) is None
        assert await rows(hass) == before
        before_it = BEGINNING - PERIOD
        states = await get_instance(hass).async_add_executor_job(
            history.state_changes_during_period, hass, before_it, None, ENERGY
        )
    assert [state.state for state in states[ENERGY]][:4] == [
        "8048.375",
        "8048.475",
        "8048.575",
        "8048.675",
    ]
