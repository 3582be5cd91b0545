"""A readout between the dialog that begins it and the entry that takes it over."""

from unittest.mock import patch

from homeassistant.core import HomeAssistant

from custom_components.iec62056.iec21.nameplate import Supply
from custom_components.iec62056.iec21.settings import Settings
from custom_components.iec62056.iec21.simulator import Fault, SimulatedLink
from custom_components.iec62056.search import SIGN_ON_TIME, Search
from tests.integration.common import (
    PORT,
    HeldLink,
    bytes_until,
    entry_data,
    make_meter,
    settled,
)
from tests.integration.conftest import Ports


async def test_a_readout_has_lasted_from_its_sign_on(
    hass: HomeAssistant, ports: Ports
) -> None:
    """So far while it goes on, and altogether once it is over."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    search = Search(hass, PORT, Settings())
    assert search.duration == 0
    await link.held.wait()
    begun = search.duration
    assert begun >= SIGN_ON_TIME
    now = hass.loop.time()
    with patch.object(hass.loop, "time", lambda: now + 60):
        assert search.duration >= begun + 60 - 1
    link.let_go.set()
    await settled(hass)
    over = search.duration
    with patch.object(hass.loop, "time", lambda: now + 60):
        assert search.duration == over


async def test_only_what_the_user_has_decided_limits_the_speed_for_good(
    hass: HomeAssistant, ports: Ports
) -> None:
    """A speed that was stepped down is in the settings, and not in what is stored."""
    ports.link = SimulatedLink(make_meter(fault=Fault.WRONG_SPEED))
    search = Search(hass, PORT, Settings())
    await settled(hass)
    assert search.settings.max_baud_rate == 300
    assert search.learned.max_baud_rate is None

    ports.link = SimulatedLink(make_meter())
    search = Search(hass, PORT, Settings(max_baud_rate=2400))
    await settled(hass)
    assert search.learned.max_baud_rate == 2400


async def test_what_has_to_be_woken_up_lives_on_a_battery(
    hass: HomeAssistant, ports: Ports
) -> None:
    """Others are told by what they measure."""
    search = Search(hass, PORT, Settings())
    await settled(hass)
    assert search.supply is Supply.MAINS
    ports.link = SimulatedLink(make_meter(fault=Fault.WAKE_UP_WANTED))
    search = Search(hass, PORT, Settings())
    await settled(hass)
    assert search.readout is not None
    assert search.supply is Supply.BATTERY


async def test_a_readout_is_handed_over_once(hass: HomeAssistant, ports: Ports) -> None:
    """To the entry with the same port and address, and it goes on meanwhile."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    search = Search(hass, PORT, Settings())
    await link.held.wait()
    search.hand_over(entry_data())
    assert Search.take_over(hass, entry_data(address="7")) is None
    assert Search.take_over(hass, entry_data()) is search
    assert Search.take_over(hass, entry_data()) is None
    search.abandon()
    link.let_go.set()
    await settled(hass)
    assert search.readout is not None


async def test_a_readout_that_nobody_takes_over_ends(
    hass: HomeAssistant, ports: Ports
) -> None:
    """The entry could not be set up."""
    link = ports.link = HeldLink(make_meter(), after=bytes_until(b"2.7.0"))
    search = Search(hass, PORT, Settings())
    await link.held.wait()
    search.hand_over(entry_data())
    search.abandon()
    await settled(hass)
    assert link.closed
    assert Search.take_over(hass, entry_data()) is None


async def test_waiting_ends_with_the_search(hass: HomeAssistant, ports: Ports) -> None:
    """Even with one that is broken off from outside, in the middle of a wait."""
    link = ports.link = HeldLink(make_meter(), after=3)
    search = Search(hass, PORT, Settings())
    finding = hass.async_create_task(search.async_find())
    await link.held.wait()
    search.cancel()
    assert await finding is None
    await settled(hass)
