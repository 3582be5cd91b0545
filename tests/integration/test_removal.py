"""An entry that is removed leaves nothing behind, whatever it was doing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
import gc
import logging
from pathlib import Path
import threading
from typing import Any
import weakref

from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.util.async_ import get_scheduled_timer_handles
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import DOMAIN
from custom_components.iec62056.iec21.simulator import serve_tcp
from custom_components.iec62056.iec21.simulator.terminal import serve_pty
from custom_components.iec62056.ports import _BUSES
from tests.integration.common import settled
from tests.integration.lines import FAST, make_entry, make_line, until

pytestmark = [pytest.mark.socket, pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture(autouse=True)
def _short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the line alone for a shorter while; simulated meters do not mind."""
    monkeypatch.setattr("custom_components.iec62056.ports.QUIET_TIME", 0.02)


@dataclass(frozen=True, kw_only=True)
class Possessions:
    """What an entry can hold on to."""

    files: set[str]
    tasks: set[str]
    timers: set[str]
    threads: set[str]
    buses: int

    @classmethod
    def of(cls, hass: HomeAssistant) -> Possessions:
        """Look what there is now."""
        # What nobody keeps any more is gone, cycles included.
        gc.collect()
        return cls(
            files=set(open_files()),
            tasks={task.get_name() for task in asyncio.all_tasks()},
            timers={
                text
                for handle in get_scheduled_timer_handles(hass.loop)
                if not handle.cancelled()
                # The meter at the other end has its own.
                and "iec62056" in (text := repr(handle))
                and "simulator" not in text
            },
            threads={
                # Those of the pool come and go with work of all kinds.
                thread.name
                for thread in threading.enumerate()
                if not thread.name.startswith("SyncWorker")
            },
            buses=len(hass.data.get(_BUSES, ())),
        )


def open_files() -> Iterator[str]:
    """Name what this process has open, each with its number."""
    for link in Path("/proc/self/fd").iterdir():
        # The folder that is being listed is one of them, and gone by now.
        with suppress(FileNotFoundError):
            yield f"{link.name} {link.readlink()}"


async def between_polls(hass: HomeAssistant, port: str) -> list[MockConfigEntry]:
    """Leave one alone that has been read, and waits for the next time."""
    entry = make_entry(port, 1, **FAST)
    await begin(hass, entry)
    await settled(hass)
    assert entry.runtime_data.coordinator.last_update_success
    return [entry]


async def in_the_middle_of_a_readout(
    hass: HomeAssistant, port: str
) -> list[MockConfigEntry]:
    """Have one read, and two others wait for their turns."""
    entries = [make_entry(port, place, **FAST) for place in (1, 2, 3)]
    for entry in entries:
        await begin(hass, entry)
    await until(lambda: entries[0].runtime_data.coordinator.reader.arrivals)
    return entries


async def while_nobody_answers(hass: HomeAssistant, port: str) -> list[MockConfigEntry]:
    """Ask one that is not there, and wait for the next attempt."""
    entry = make_entry(port, 9, attempts=1, **FAST)
    await begin(hass, entry)
    await settled(hass)
    assert entry.runtime_data.coordinator.record.last_error == "no_answer"
    return [entry]


async def while_its_port_is_missing(
    hass: HomeAssistant, port: str
) -> list[MockConfigEntry]:
    """Look for a port that is not there."""
    entry = make_entry("/dev/serial/by-id/nothing", **FAST)
    await begin(hass, entry)
    await settled(hass)
    assert entry.runtime_data.coordinator.record.last_error == "port_missing"
    return [entry]


async def while_listening(hass: HomeAssistant, port: str) -> list[MockConfigEntry]:
    """Wait for what a meter sends by itself; the port stays open for it."""
    entry = make_entry(port, mode="d", **FAST)
    await begin(hass, entry)
    await until(lambda: entry.runtime_data.coordinator.reader.traces)
    return [entry]


async def begin(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set one up without waiting for its readout."""
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)


@pytest.mark.parametrize(
    ("kind", "doing"),
    [
        ("pty", between_polls),
        ("tcp", between_polls),
        ("pty", in_the_middle_of_a_readout),
        ("tcp", in_the_middle_of_a_readout),
        ("tcp", while_nobody_answers),
        ("pty", while_its_port_is_missing),
        ("pty", while_listening),
        ("tcp", while_listening),
    ],
)
async def test_removing_an_entry_leaves_nothing_behind(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    kind: str,
    doing: Callable[[HomeAssistant, str], Awaitable[list[MockConfigEntry]]],
) -> None:
    """No device, entity, state, task, open file, lock, timer, thread or storage."""
    # A log keeps what it tells of.
    caplog.set_level(logging.CRITICAL, logger="custom_components.iec62056")
    line = make_line(3)
    line.meters[0].first_baud_rate = 19200
    serve = serve_pty if kind == "pty" else serve_tcp
    async with serve(line, line_rate=True) as server:
        # What an integration is made of is loaded with its first entry, and stays.
        for entry in await between_polls(hass, server.port_url):
            await hass.config_entries.async_remove(entry.entry_id)
        await settled(hass)
        before = Possessions.of(hass)

        entries = await doing(hass, server.port_url)
        coordinators = [weakref.ref(one.runtime_data.coordinator) for one in entries]
        entry_ids = [entry.entry_id for entry in entries]
        del entries
        assert Possessions.of(hass) != before
        for entry_id in entry_ids:
            assert await hass.config_entries.async_remove(entry_id)
        await settled(hass)
        # A port at the other end of a socket takes a moment to close.
        await until(lambda: Possessions.of(hass) == before)
    assert before.buses == 0
    assert all(coordinator() is None for coordinator in coordinators)
    assert hass.states.async_entity_ids(("sensor", "button")) == []
    assert not ir.async_get(hass).issues
    for entry_id in entry_ids:
        assert f"{DOMAIN}.{entry_id}" not in hass_storage
        assert not er.async_entries_for_config_entry(er.async_get(hass), entry_id)
        assert not dr.async_entries_for_config_entry(dr.async_get(hass), entry_id)
