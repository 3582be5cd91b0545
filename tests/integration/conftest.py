"""A Home Assistant with a simulated meter at the only seam: `open_transport`."""

from collections.abc import Iterator
from unittest.mock import patch

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

# Imported here, or the plugin's own folder custom_components would hide ours.
from custom_components.iec62056.const import CONF_INTERVAL, DOMAIN
from custom_components.iec62056.iec21.settings import Settings
from custom_components.iec62056.iec21.simulator import SimulatedLink, SimulatedMeter
from custom_components.iec62056.iec21.transport import Transport
from tests.integration.common import NAME, UNIQUE_ID, entry_data, make_meter


@pytest.fixture(autouse=True)
def _enabled(enable_custom_integrations: None) -> None:
    """Let Home Assistant load what is in custom_components."""


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write snapshots the way Home Assistant does."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def meter() -> SimulatedMeter:
    """Return the meter at the port of these tests."""
    return make_meter()


class Ports:
    """The serial ports of these tests."""

    def __init__(self, link: SimulatedLink) -> None:
        """Begin with one link behind every port."""
        self.link = link
        self.links: dict[str, SimulatedLink] = {}
        """Links behind single ports."""
        self.opened: list[str] = []

    async def open(self, port: str, settings: Settings) -> Transport:
        """Stand in for `open_transport`."""
        self.opened.append(port)
        return await self.links.get(port, self.link).open(port, settings)


@pytest.fixture
def ports(meter: SimulatedMeter) -> Iterator[Ports]:
    """Put a link to `meter` behind every port; nothing real is opened."""
    ports = Ports(SimulatedLink(meter))
    with (
        patch("custom_components.iec62056.iec21.client.open_transport", ports.open),
        # Where the clock stands still, nobody would ever have waited long enough.
        patch("custom_components.iec62056.ports.QUIET_TIME", 0),
    ):
        yield ports


@pytest.fixture
def entry() -> MockConfigEntry:
    """Return an entry for `meter`, not set up yet."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        unique_id=UNIQUE_ID,
        data=entry_data(),
        options={CONF_INTERVAL: 60},
    )


@pytest.fixture
async def loaded(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> MockConfigEntry:
    """Return the entry, set up, with its first readout."""
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    return entry
