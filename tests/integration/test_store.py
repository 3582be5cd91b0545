"""What is kept over a restart, and what becomes of a file that is damaged."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import DOMAIN
from custom_components.iec62056.failures import Failure
from custom_components.iec62056.schedule import Budget
from custom_components.iec62056.store import SAVE_DELAY, MeterStore, Record
from tests.integration.common import (
    HeldLink,
    bytes_until,
    make_meter,
    pass_time,
    set_up,
    settled,
    state_of,
    told,
)
from tests.integration.conftest import Ports

METER = "sensor.iskraemeco_mt174_0001"
ENERGY = f"{METER}_energy_import"

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def key_of(entry: MockConfigEntry) -> str:
    """Return the name of the file of an entry."""
    return f"{DOMAIN}.{entry.entry_id}"


async def load(hass: HomeAssistant, entry: MockConfigEntry) -> MeterStore:
    """Read the file of an entry once more."""
    store = MeterStore(hass, entry.entry_id)
    await store.async_load()
    return store


# -- what is kept -----------------------------------------------------------------


def test_a_record_comes_back_as_it_was_written() -> None:
    """Every count, time and reason; only the meter's clock is measured anew."""
    record = Record(
        last_readout=NOW - timedelta(hours=2),
        last_attempt=NOW - timedelta(hours=1),
        duration=12.5,
        last_error=Failure.GARBLED,
        readouts=7,
        check_errors=3,
        refused_values=2,
        stepped_down_to=300,
        stepped_down_at=NOW - timedelta(minutes=1),
    )
    assert Record.from_json(record.as_json(), NOW) == record
    assert Record.from_json(Record().as_json(), NOW) == Record()
    record.clock_deviation = timedelta(seconds=5)
    assert Record.from_json(record.as_json(), NOW).clock_deviation is None


@pytest.mark.parametrize("name", ["last_readout", "last_attempt", "stepped_down_at"])
def test_no_time_of_a_record_lies_in_the_future(name: str) -> None:
    """Without a clock of its own this machine may have lived there."""
    saved = {**Record().as_json(), name: "2030-01-01T00:00:00+00:00"}
    assert getattr(Record.from_json(saved, NOW), name) == NOW


@pytest.mark.parametrize(
    "damage",
    [
        {"last_readout": "2026-01-01T00:00:00"},
        {"last_attempt": "yesterday"},
        {"stepped_down_at": 7},
        {"readouts": "many"},
        {"check_errors": None},
        {"duration": "long"},
        {"duration": []},
        {"last_error": "unheard of"},
        {"stepped_down_to": "slow"},
    ],
)
async def test_a_damaged_record_is_begun_anew_and_costs_nothing_else(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    damage: dict[str, Any],
) -> None:
    """A time without a zone, for instance, can be compared with no other."""
    entry = await set_up(hass)
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[key_of(entry)]["data"]["record"].update(damage)
    store = await load(hass, entry)
    assert store.record == Record()
    assert "1-0:1.8.0*255" in store.book.booked
    assert store.meter is not None
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    assert state_of(hass, ENERGY) == "8048.375"


@pytest.mark.parametrize(
    "damage", [{"meter": {"code": "ISK", "colour": "grey"}}, {"meter": 5}, {"book": []}]
)
async def test_other_damage_leaves_the_counts_alone(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    damage: dict[str, Any],
) -> None:
    """How often a battery was woken up is worth keeping whatever else is lost."""
    entry = await set_up(hass)
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[key_of(entry)]["data"].update(damage)
    store = await load(hass, entry)
    assert store.record.readouts == 1
    assert (store.meter is None) == ("meter" in damage)
    assert store.book.is_empty == ("book" in damage)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize("data", [[], "nonsense", 7, {}])
async def test_a_file_of_something_else_is_no_file(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    entry: MockConfigEntry,
    data: object,
) -> None:
    """Everything in it is read from the meter again."""
    hass_storage[key_of(entry)] = {
        "version": 1,
        "minor_version": 1,
        "key": key_of(entry),
        "data": data,
    }
    store = await load(hass, entry)
    assert store.record == Record()
    assert store.book.is_empty
    assert store.meter is None
    assert store.budget.as_json() == Budget().as_json()
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    assert state_of(hass, ENERGY) == "8048.375"


async def test_a_file_of_a_newer_version_is_said_and_begun_anew(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever goes back to an older version has a meter that works."""
    hass_storage[key_of(entry)] = {
        "version": 2,
        "minor_version": 1,
        "key": key_of(entry),
        "data": {"record": "in another shape"},
    }
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, ENERGY) == "8048.375"
    assert told(caplog, "newer version") == 1
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert hass_storage[key_of(entry)]["version"] == 1


# -- when it is written -----------------------------------------------------------


async def test_nothing_is_written_once_the_store_is_closed(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is closed is written at once, and belongs to the next run from then on."""
    store: MeterStore = loaded.runtime_data.coordinator.store
    assert await hass.config_entries.async_unload(loaded.entry_id)
    written = hass_storage.pop(key_of(loaded))
    assert written["data"]["record"]["readouts"] == 1
    store.save()
    await pass_time(hass, freezer, seconds=SAVE_DELAY + 1)
    assert key_of(loaded) not in hass_storage


async def test_a_file_does_not_come_back_after_its_entry_was_removed(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    ports: Ports,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A readout may still end while the disk writes what was known before it."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await link.held.wait()
    coordinator = entry.runtime_data.coordinator
    ended = asyncio.Event()
    coordinator.async_add_listener(ended.set)
    write = Store._async_write_data  # noqa: SLF001  # The disk has no other seam.
    written: list[str] = []

    async def write_slowly(store: Store[Any], data: dict[str, Any]) -> None:
        if store.key == key_of(entry):
            written.append(store.key)
            link.let_go.set()
            await ended.wait()
        await write(store, data)

    with patch.object(Store, "_async_write_data", write_slowly):
        await hass.config_entries.async_remove(entry.entry_id)
        await settled(hass)
        assert coordinator.data is not None
        assert key_of(entry) not in hass_storage
        await pass_time(hass, freezer, seconds=SAVE_DELAY + 1)
    assert key_of(entry) not in hass_storage
    assert written == [key_of(entry)]
