"""What two years bring: many registers, damaged lines, and clocks that change."""

from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import (
    CONF_SCHEDULE,
    CONF_TIME,
    CONF_UNCONFIRMED,
    DOMAIN,
)
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
    make_meter,
    pass_time,
    set_up,
    settled,
    state_of,
)
from tests.integration.conftest import Ports

METER = "sensor.iskraemeco_mt174_0001"

ENERGIES = tuple(
    f"1-0:{quantity}.8.{tariff}" for quantity in range(1, 11) for tariff in range(9)
)
"""Active, reactive and apparent energy each way, and in each quadrant."""

EVERYDAY = {
    *(f"1-0:{flow}.8.{tariff}" for flow in (1, 2) for tariff in range(9)),
    *(f"1-0:{flow}.6.0" for flow in (1, 2)),
    *(f"1-0:{flow}.7.0" for flow in (1, 2, 16)),
    *(f"1-0:{phase}{flow}.7.0" for phase in (2, 4, 6) for flow in (1, 2)),
    *(f"1-0:{phase}{one}.7.0" for phase in (3, 5, 7) for one in (1, 2)),
    "1-0:14.7.0",
}
"""Totals, tariffs, power, phases, and what the energy dashboard can use."""


def line(code: str, period: str = "") -> str:
    """Return one data line of a register."""
    _, c, d, _ = code.replace(":", ".").split(".")
    match int(c), d:
        case ((1 | 2 | 16 | 21 | 22 | 41 | 42 | 61 | 62), "7"):
            value = "(00.123*kW)"
        case ((31 | 51 | 71), _):
            value = "(001.23*A)"
        case ((32 | 52 | 72), _):
            value = "(230.1*V)"
        case 14, _:
            value = "(50.0*Hz)"
        case ((1 | 2), "6"):
            value = "(01.234*kW)(2611010930)"
        case ((1 | 2 | 21 | 41 | 61), _):
            value = "(001234.567*kWh)"
        case ((9 | 10), _):
            value = "(001234.567*kVAh)"
        case ((3 | 4 | 5 | 6 | 7 | 8), _):
            value = "(001234.567*kvarh)"
        case _:
            value = "(00042)"
    return f"{code}{period}{value}"


def everything() -> bytes:
    """Return a readout of four hundred registers."""
    lines = [line(code) for code in dict.fromkeys([*ENERGIES, *sorted(EVERYDAY)])]
    lines += [line(f"1-0:{phase}1.8.0") for phase in (2, 4, 6)]
    lines += [line(f"1-0:1.6.{tariff}") for tariff in range(1, 5)]
    lines += [
        line(code, f"*{period:02d}")
        for period in range(1, 13)
        for code in ENERGIES
        if code.endswith((".8.0", ".8.1"))
    ][: 300 - len(lines)]
    lines += [line(f"1-0:128.{number}.0") for number in range(400 - len(lines) - 1)]
    return "\r\n".join(["1-0:0.0.0*255(0012345678)", *lines, ""]).encode()


def registers(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, bool]:
    """Return the registers that have a sensor, and whether it is enabled."""
    return {
        one.unique_id.removeprefix(f"{UNIQUE_ID}_"): one.disabled_by is None
        for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if ":" in one.unique_id and not one.unique_id.endswith("_timestamp")
    }


async def test_four_hundred_registers_do_not_flood_the_recorder(
    hass: HomeAssistant, ports: Ports
) -> None:
    """A tenth of them is enabled; the rest is one click away, but for the history."""
    content = everything()
    assert content.count(b"\r\n") == 400
    ports.link = SimulatedLink(make_meter(content))
    entry = await set_up(hass)
    found = registers(hass, entry)
    assert {one for one, is_enabled in found.items() if is_enabled} == EVERYDAY
    assert len(EVERYDAY) < 40
    assert not any("*" in one for one in found)
    assert found.keys() >= {*ENERGIES, "1-0:1.6.4", "1-0:128.7.0", "1-0:61.8.0"}
    # With the diagnostic ones, and the button.
    assert len(hass.states.async_all()) < 50


def damaged(content: bytes, number: int) -> bytes:
    """Return a readout in which one bit is another one, each time another bit."""
    # The step has no common divisor with any length that a readout here has.
    place = 7919 * number % len(content)
    bit = 1 << number % 7
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


@pytest.mark.parametrize("check", [Check.XOR, Check.NONE])
async def test_a_damaged_line_never_makes_an_entity(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
    check: Check,
) -> None:
    """In sixty readouts with a wrong bit each there is no new register."""
    meter = SimulatedMeter(
        identification=b"/ISk5MT174-0001" if check is Check.XOR else b"/ISk0MT174-0001",
        content=CONTENT,
        check=check,
    )
    ports.link = SimulatedLink(meter)
    entry = await set_up(hass)
    before = registers(hass, entry)
    sent = 0

    def send() -> bytes:
        nonlocal sent
        sent += 1
        return damaged(CONTENT, sent)

    meter.content = send
    # What is damaged on the way has a check that does not fit.
    meter.fault = Fault.DAMAGED_CHECK
    while sent < 60:
        await pass_time(hass, freezer, hours=1, seconds=1)
        assert registers(hass, entry) == before
    meter.content, meter.fault = CONTENT, Fault.NONE
    await pass_time(hass, freezer, hours=1, seconds=1)
    assert state_of(hass, f"{METER}_energy_import") == "8048.375"
    assert state_of(hass, f"{METER}_last_error") == "none"
    assert registers(hass, entry) == before
    await hass.config_entries.async_reload(entry.entry_id)
    assert registers(hass, entry) == before


@pytest.mark.parametrize("unconfirmed", [{CONF_UNCONFIRMED: True}, {}])
@pytest.mark.parametrize("place", [1, 2, 3])
async def test_a_damaged_number_does_not_make_it_another_meter(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
    place: int,
    unconfirmed: dict[str, bool],
) -> None:
    """Not even among the first readouts, where whoever answers is the meter."""
    sent = 0

    def send() -> bytes:
        nonlocal sent
        sent += 1
        return CONTENT.replace(b"5678", b"5679") if sent == place else CONTENT

    meter = SimulatedMeter(
        identification=b"/ISk0MT174-0001", content=send, check=Check.NONE
    )
    ports.link = SimulatedLink(meter)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        unique_id=UNIQUE_ID,
        data=entry_data() | unconfirmed,
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    for _ in range(3):
        await pass_time(hass, freezer, seconds=62)
    assert entry.unique_id == UNIQUE_ID
    assert state_of(hass, f"{METER}_energy_import") == "8048.375"
    assert state_of(hass, f"{METER}_last_error") == "none"


@pytest.mark.parametrize(
    ("begin", "kept"),
    [
        # The hour from two to three comes twice; its first half past counts.
        ("2026-10-22 12:00:00+02:00", "02:30 +0200"),
        # It does not come at all, and the meter is read when it would have begun.
        ("2027-03-25 12:00:00+01:00", "03:00 +0200"),
    ],
)
async def test_a_daily_readout_is_daily_when_the_clocks_change(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
    begin: str,
    kept: str,
) -> None:
    """At half past two in the morning, a time that comes twice or never."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    freezer.move_to(begin)
    read: list[datetime] = []

    def send() -> bytes:
        read.append(datetime.now(UTC).astimezone(dt_util.get_default_time_zone()))
        return CONTENT

    ports.link = SimulatedLink(make_meter())
    await set_up(hass, {CONF_SCHEDULE: "daily", CONF_TIME: "02:30:00"})
    ports.link = SimulatedLink(
        SimulatedMeter(identification=b"/ISk5MT174-0001", content=send)
    )
    days = 6
    for _ in range(days * 24 * 4):
        await pass_time(hass, freezer, minutes=15)
    first = dt_util.parse_datetime(begin, raise_on_error=True).date()
    assert [moment.date() for moment in read] == [
        first + timedelta(days=day) for day in range(1, days + 1)
    ]
    changed = 3
    assert f"{read[changed - 1]:%H:%M %z}" == kept
    others = read[: changed - 1] + read[changed:]
    assert {f"{moment:%H:%M}" for moment in others} == {"02:30"}
    assert {moment.utcoffset() for moment in others} == {
        timedelta(hours=1),
        timedelta(hours=2),
    }
