"""Several meters on one port: each has its turn, and nobody waits for the others."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
import logging
from typing import override

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import DOMAIN
from custom_components.iec62056.iec21.simulator import (
    Responder,
    SimulatedLink,
    serve_tcp,
)
from custom_components.iec62056.iec21.simulator.terminal import serve_pty
from custom_components.iec62056.iec21.simulator.wire import line_time
from tests.integration.common import (
    PORT,
    make_meter,
    pass_time,
    settled,
    state_of,
)
from tests.integration.conftest import Ports
from tests.integration.lines import (
    FAST,
    content_of,
    energy_of,
    energy_sensor,
    make_entry,
    make_line,
    next_polls,
    until,
)

FLATS = 12
ROUNDS = 3


@pytest.fixture(autouse=True)
def _short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the line alone for a shorter while; simulated meters do not mind."""
    monkeypatch.setattr("custom_components.iec62056.ports.QUIET_TIME", 0.02)


async def set_up_all(hass: HomeAssistant, entries: list[MockConfigEntry]) -> None:
    """Set up what is configured, as at a start; nothing waits for a readout."""
    for entry in entries:
        entry.add_to_hass(hass)
    await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what we have said in the log that sounds like trouble."""
    return [
        record.getMessage()
        for record in caplog.records
        if "iec62056" in record.name and record.levelno > logging.INFO
    ]


async def polled_in_rounds(
    hass: HomeAssistant, entries: list[MockConfigEntry], asked: list[int]
) -> None:
    """Poll all meters of a line some times; everybody has a turn in each round."""
    places = list(range(1, len(entries) + 1))
    await set_up_all(hass, entries)
    await settled(hass)
    assert sorted(asked) == places
    for _ in range(ROUNDS):
        asked.clear()
        began = datetime.now(UTC)
        await next_polls(hass)
        assert sorted(asked) == places
        for place, entry in enumerate(entries, 1):
            assert state_of(hass, energy_sensor(place)) == energy_of(place)
            assert entry.runtime_data.coordinator.data.taken_at >= began
    for entry in entries:
        coordinator = entry.runtime_data.coordinator
        assert coordinator.record.readouts == 1 + ROUNDS
        assert coordinator.record.check_errors == 0
        assert coordinator.record.last_error is None
        assert coordinator.last_update_success
        # There is time for all of them before the next round.
        assert sum(coordinator.bus.durations.values()) < 10


@pytest.mark.socket
async def test_two_meters_on_one_port_have_their_turns(
    hass: HomeAssistant, socket_enabled: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Only their addresses tell them apart, and neither keeps the other from it."""
    asked: list[int] = []
    async with serve_pty(make_line(2, asked=asked)) as server:
        entries = [make_entry(server.port_url, place, **FAST) for place in (1, 2)]
        await polled_in_rounds(hass, entries, asked)
        assert complaints(caplog) == []
        for entry in entries:
            assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.socket
async def test_twelve_meters_on_one_gateway_have_their_turns(
    hass: HomeAssistant, socket_enabled: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A gateway takes one connection at a time; the last in line is not forgotten."""
    asked: list[int] = []
    async with serve_tcp(make_line(FLATS, asked=asked)) as server:
        entries = [
            make_entry(server.port_url, place, **FAST) for place in range(1, FLATS + 1)
        ]
        await polled_in_rounds(hass, entries, asked)
        assert complaints(caplog) == []
        for entry in entries:
            assert await hass.config_entries.async_unload(entry.entry_id)


class ClockedLink(SimulatedLink):
    """A link on which everybody's time goes by, as fast as its bits take."""

    def __init__(self, meter: Responder, freezer: FrozenDateTimeFactory) -> None:
        """Lay a line to `meter`."""
        super().__init__(meter)
        self._freezer = freezer
        self._seen = 0.0

    @override
    async def read(self, patience: float) -> bytes:
        data = await super().read(patience)
        self._freezer.tick(self.clock - self._seen)
        self._seen = self.clock
        return data


async def test_at_line_speed_the_port_is_free_most_of_the_time(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> None:
    """The interval follows from what all of them need, and everybody keeps to it.

    One of them is slow. It delays the others by one readout at most, not by more
    with each round.
    """
    read: dict[int, list[datetime]] = {place: [] for place in range(1, FLATS + 1)}
    line = make_line(FLATS)
    for place, meter in enumerate(line.meters, 1):

        def send(place: int = place) -> bytes:
            read[place].append(datetime.now(UTC))
            return content_of(place)

        meter.content = send
    line.meters[4] = replace(line.meters[4], identification=b"/ISk0MT174-0001")
    ports.link = ClockedLink(line, freezer)
    entries = [make_entry(PORT, place) for place in read]
    await set_up_all(hass, entries)
    await settled(hass)
    bus = entries[0].runtime_data.coordinator.bus
    busy = timedelta(seconds=sum(bus.durations.values()))
    assert timedelta(seconds=30) < busy < timedelta(minutes=2)
    interval = bus.interval()
    assert interval >= 10 * busy

    step = timedelta(seconds=15)
    for _ in range(6 * interval // step):
        await pass_time(hass, freezer, seconds=step.total_seconds())
    for times in read.values():
        # The first interval began when not all of them had been measured.
        assert len(times) in {7, 8}
        for sooner, later in pairwise(times[1:]):
            assert interval - busy < later - sooner < interval + busy
    for entry in entries:
        record = entry.runtime_data.coordinator.record
        assert (record.last_error, record.check_errors) == (None, 0)


@pytest.mark.socket
async def test_home_assistant_starts_without_waiting_for_meters(
    hass: HomeAssistant, socket_enabled: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither for twelve of them on a bus nor for one that takes 318 seconds."""
    slow_content = content_of(0)
    while line_time(slow_content, 300) < 318:
        slow_content += content_of(0)
    slow_meter = make_meter(slow_content, identification=b"/ISK0MT174-0001")
    async with (
        serve_tcp(make_line(FLATS)) as fast,
        serve_tcp(slow_meter, line_rate=True) as slow,
    ):
        flats = [
            make_entry(fast.port_url, place, **FAST) for place in range(1, FLATS + 1)
        ]
        house = make_entry(slow.port_url)
        hass.set_state(CoreState.not_running)
        async with asyncio.timeout(5):
            await set_up_all(hass, [*flats, house])
            await hass.async_start()
        assert hass.state is CoreState.running
        assert all(one.state is ConfigEntryState.LOADED for one in [*flats, house])

        coordinators = [flat.runtime_data.coordinator for flat in flats]
        await until(lambda: all(one.data for one in coordinators))
        await until(lambda: house.runtime_data.coordinator.reader.arrivals)
        assert house.runtime_data.coordinator.record.last_error is None
        assert complaints(caplog) == []
        for entry in [*flats, house]:
            assert await hass.config_entries.async_unload(entry.entry_id)
