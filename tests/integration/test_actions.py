"""Actions that read a meter and answer with what it sends."""

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
import json
import logging
from typing import Any, override
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol
import yaml

from custom_components.iec62056 import actions
from custom_components.iec62056.actions import (
    READ_LOAD_PROFILE,
    READ_LOAD_PROFILE_SCHEMA,
    READ_RAW,
    READ_RAW_SCHEMA,
    READ_REGISTERS,
    READ_REGISTERS_SCHEMA,
)
from custom_components.iec62056.const import (
    CONF_ADDRESS,
    CONF_CLOCK,
    CONF_MANUFACTURER,
    CONF_METER_ID,
    CONF_MODE,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_TIME,
    DOMAIN,
)
from custom_components.iec62056.coordinator import IecCoordinator
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.simulator import (
    CorrectorDevice,
    Fault,
    LoadProfile,
    ProgrammingMode,
    RegisterDevice,
    SimulatedLink,
    SimulatedMeter,
    Trouble,
)
from custom_components.iec62056.iec21.simulator.household import WINTER_TIME
from custom_components.iec62056.iec21.simulator.programming import Lines, Reply
from custom_components.iec62056.iec21.telegram import Check
from custom_components.iec62056.iec21.transport import Transport
from tests.integration.common import (
    CONTENT,
    NAME,
    NUMBER,
    PORT,
    UNIQUE_ID,
    HeldLink,
    make_meter,
    pass_time,
    set_up,
    settled,
    state_of,
)
from tests.integration.conftest import Ports
from tests.integration.test_translations import ENGLISH, FOLDER, ICONS

ENERGY = "1-0:1.8.0*255"
SIGN_OFF = b"\x01B0\x03q"
ON_BATTERY = {CONF_SUPPLY: "battery", CONF_SCHEDULE: "daily", CONF_TIME: "03:00:00"}
BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class _Device(RegisterDevice):
    """A device with a log book as well."""

    @override
    def read(self, name: str, address: str, value: str) -> Reply:
        if address != "P.98":
            return super().read(name, address, value)
        event = "P.98(0261120081500)(20)()(2)(0.9.1)()(0.9.2)()"
        return Lines([event, "(081459)(261120)", "nonsense"])


def program(meter: SimulatedMeter, trouble: Trouble | None = None) -> None:
    """Give a meter a programming mode in which something may go wrong."""
    profile = LoadProfile(zone=BERLIN, now=lambda: NOON)
    meter.programming = ProgrammingMode(
        device=_Device(content=CONTENT, profiles={"P.01": profile}),
        trouble=trouble or Trouble(),
    )


@pytest.fixture
def meter() -> SimulatedMeter:
    """Return a meter with a programming mode."""
    meter = make_meter()
    program(meter)
    return meter


@pytest.fixture
async def battery(
    hass: HomeAssistant, ports: Ports, freezer: FrozenDateTimeFactory
) -> MockConfigEntry:
    """Return the entry of a battery meter, at noon, after its first readout."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to(NOON)
    return await set_up(hass, ON_BATTERY)


async def call(
    hass: HomeAssistant, action: str, entry: MockConfigEntry, **fields: Any
) -> dict[str, Any]:
    """Call an action and return its answer, which has to fit into JSON."""
    response = await hass.services.async_call(
        DOMAIN,
        action,
        {"config_entry": entry.entry_id, **fields},
        blocking=True,
        return_response=True,
    )
    answer: dict[str, Any] = json.loads(json.dumps(response))
    return answer


async def read(
    hass: HomeAssistant, entry: MockConfigEntry, *registers: str, **fields: Any
) -> dict[str, Any]:
    """Read registers; the energy where none is named."""
    codes = [*registers] or [ENERGY]
    return await call(hass, READ_REGISTERS, entry, registers=codes, **fields)


async def read_profile(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    start: str = "2026-11-20 00:15:00",
    end: str = "2026-11-20 01:00:00",
    **fields: Any,
) -> dict[str, Any]:
    """Read three quarters of an hour, or another range."""
    return await call(hass, READ_LOAD_PROFILE, entry, start=start, end=end, **fields)


def coordinator_of(entry: MockConfigEntry) -> IecCoordinator:
    """Return the coordinator of a loaded entry."""
    coordinator: IecCoordinator = entry.runtime_data.coordinator
    return coordinator


def asked(link: SimulatedLink, name: bytes) -> list[bytes]:
    """Return the commands of a name that were sent."""
    return [data for data in link.sent if data.startswith(b"\x01" + name)]


# -- registers ------------------------------------------------------------------------


async def test_registers_come_as_the_meter_sends_them(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """With their zeros and units, under the code that was asked for."""
    answer = await read(hass, loaded, ENERGY, " 1-0:13.7.0*255 ")
    assert answer == {
        "identification": "/ISk5MT174-0001",
        "registers": {
            ENERGY: [{"address": ENERGY, "value": "0008048.375", "unit": "kWh"}],
            "1-0:13.7.0*255": [
                {"address": "1-0:13.7.0*255", "value": "0.98", "unit": None}
            ],
        },
        "refused": {},
    }
    assert ports.link.sent[-1] == SIGN_OFF
    assert ports.link.closed
    # It shows in the diagnostics.
    assert coordinator_of(loaded).reader.traces[-1].sent.endswith(SIGN_OFF)


async def test_a_register_that_the_meter_refuses_costs_no_other(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """It is named, with the meter's own words; one asked for twice is read once."""
    answer = await read(hass, loaded, "9.9.9", ENERGY, ENERGY, command="R5")
    assert answer["refused"] == {"9.9.9": "ER01"}
    assert [*answer["registers"]] == [ENERGY]
    assert len(asked(ports.link, b"R5")) == 2
    assert not asked(ports.link, b"R1")


async def test_a_corrector_gives_its_objects(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """They speak nothing but programming mode."""
    connect_corrector(ports)
    answer = await read(hass, loaded, "2:300.0", "9:999.0")
    assert answer["registers"]["2:300.0"][0]["value"] == "6827.6012"
    assert answer["refused"] == {"9:999.0": "#0002"}


@pytest.mark.parametrize("register", ["", "1.8.0\r\n2.8.0", "1.8.0\x03", "°C"])
async def test_a_register_that_cannot_be_sent_is_wrong_input(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry, register: str
) -> None:
    """The port is not opened for it."""
    for action in (
        read(hass, loaded, register),
        read_profile(hass, loaded, register=register),
    ):
        with pytest.raises(ServiceValidationError) as raised:
            await action
        assert raised.value.translation_key == "not_sendable"
    assert ports.link.opened == 1


@pytest.mark.parametrize(
    "fields",
    [{"registers": []}, {"registers": [ENERGY], "command": "W5"}, {}],
    ids=["none", "a command that writes", "nothing"],
)
async def test_what_the_schema_forbids_reaches_nobody(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry, fields: dict[str, Any]
) -> None:
    """The actions only read."""
    with pytest.raises(vol.Invalid):
        await call(hass, READ_REGISTERS, loaded, **fields)
    assert ports.link.opened == 1


# -- load profile ---------------------------------------------------------------------


async def test_a_load_profile_comes_row_by_row(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Times without a zone are of the home's, and both ends belong to the range."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    answer = await read_profile(hass, loaded)
    assert [row["time"] for row in answer["rows"]] == [
        "2026-11-20T00:15:00+01:00",
        "2026-11-20T00:30:00+01:00",
        "2026-11-20T00:45:00+01:00",
        "2026-11-20T01:00:00+01:00",
    ]
    row = answer["rows"][0]
    assert (row["period"], row["status"], row["status_word"]) == (15, [], "00")
    assert [(one["code"], one["unit"]) for one in row["values"]] == [
        ("1-0:1.5.0", "kW"),
        ("1-0:2.5.0", "kW"),
    ]
    assert float(row["values"][0]["value"]) > 0
    assert answer["identification"] == "/ISk5MT174-0001"
    assert answer["bad_lines"] == []
    assert b"P.01(02611200015;02611200100)" in asked(ports.link, b"R5")[0]


@pytest.mark.parametrize(
    ("habit", "clock", "limits"),
    [
        ("automatic", BERLIN, b"(12607010015;12607010100)"),
        ("local", BERLIN, b"(12607010015;12607010100)"),
        ("standard", WINTER_TIME, b"(02606302315;02607010000)"),
        ("utc", UTC, b"(22606302215;22606302300)"),
    ],
)
async def test_the_range_is_asked_for_by_the_clock_of_the_meter(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    habit: str,
    clock: tzinfo,
    limits: bytes,
) -> None:
    """It may stay in winter time, or in UTC, as the options say."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    meter.programming = ProgrammingMode(
        device=_Device(profiles={"P.01": LoadProfile(zone=clock, now=lambda: NOON)})
    )
    hass.config_entries.async_update_entry(loaded, options={CONF_CLOCK: habit})
    answer = await read_profile(
        hass, loaded, start="2026-07-01 00:15:00", end="2026-07-01 01:00:00"
    )
    assert limits in asked(ports.link, b"R5")[0]
    first = datetime.fromisoformat(answer["rows"][0]["time"])
    assert first == datetime(2026, 6, 30, 22, 15, tzinfo=UTC)


async def test_a_log_book_comes_with_what_was_noted(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """And with what was not understood, so that nothing is lost."""
    answer = await read_profile(hass, loaded, register="P.98", command="R6")
    assert len(answer["rows"]) == 1
    row = answer["rows"][0]
    assert row["status"] == ["clock_set"]
    assert row["status_word"] == "20"
    assert [(one["code"], one["value"]) for one in row["values"]] == [
        ("1-0:0.9.1", "08:14:59"),
        ("1-0:0.9.2", "2026-11-20"),
    ]
    assert answer["bad_lines"] == ["nonsense"]
    assert asked(ports.link, b"R6")


def connect_corrector(ports: Ports) -> SimulatedMeter:
    """Put a gas volume corrector behind every port, from now on."""
    now = datetime(2026, 11, 21, 12)  # noqa: DTZ001  # Its clock has no zone.
    meter = SimulatedMeter(
        identification=b"/Els6EK280",
        content=b"",
        programming=ProgrammingMode(device=CorrectorDevice(now=lambda: now)),
    )
    ports.link = SimulatedLink(meter)
    return meter


@pytest.mark.parametrize("fields", [{}, {"register": "3"}, {"register": "03:V.0"}])
async def test_a_corrector_gives_its_archive_of_intervals(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry, fields: dict[str, str]
) -> None:
    """By its number, and where others have their load profile."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    connect_corrector(ports)
    answer = await read_profile(
        hass, loaded, "2026-11-20 01:00:00", "2026-11-20 02:00:00", **fields
    )
    assert [row["time"] for row in answer["rows"]] == [
        "2026-11-20T01:00:00+01:00",
        "2026-11-20T02:00:00+01:00",
    ]
    row = answer["rows"][0]
    assert row["intact"] is True
    values = {one["code"]: (one["value"], one["unit"]) for one in row["values"]}
    assert values["p.MP"] == ("5.66000", "bar")
    assert values["Er.Ch"] == ("0x8104", None)


async def test_a_corrector_has_no_load_profile(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Whoever asks for one is told what there is, and the device is signed off."""
    connect_corrector(ports)
    with pytest.raises(ServiceValidationError) as raised:
        await read_profile(hass, loaded, register="P.98")
    assert raised.value.translation_key == "no_archive"
    assert raised.value.translation_placeholders == {"register": "P.98"}
    assert ports.link.sent[-1] == SIGN_OFF
    assert ports.link.closed


@pytest.mark.parametrize(
    ("start", "end", "key"),
    [
        ("2026-11-20 00:00:00", "2026-11-19 23:59:00", "range_backwards"),
        ("2026-10-01 00:00:00", "2026-11-01 00:00:01", "range_too_long"),
        ("1999-12-31 00:00:00", "2000-01-01 00:00:00", "range_outside"),
        ("0001-01-01 00:00:00Z", "9999-12-31 23:59:59Z", "range_outside"),
    ],
)
async def test_a_range_that_makes_no_sense_is_wrong_input(
    hass: HomeAssistant,
    ports: Ports,
    loaded: MockConfigEntry,
    start: str,
    end: str,
    key: str,
) -> None:
    """The port is not opened for it."""
    with pytest.raises(ServiceValidationError) as raised:
        await read_profile(hass, loaded, start, end)
    assert raised.value.translation_key == key
    assert ports.link.opened == 1


async def test_a_month_is_one_answer(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """The longest one, and the hour that October has more."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    answer = await read_profile(
        hass, loaded, "2026-10-01 00:00:00", "2026-11-01 00:00:00"
    )
    times = [datetime.fromisoformat(row["time"]) for row in answer["rows"]]
    # The first row ends as the month begins, the last one as it ends.
    assert len(times) == 31 * 96 + 4 + 1
    instants = [moment.astimezone(UTC) for moment in times]
    assert {two - one for one, two in pairwise(instants)} == {timedelta(minutes=15)}


# -- a whole readout ------------------------------------------------------------------


async def test_a_readout_comes_as_it_was_sent(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """Byte by byte, and the sensors get it as well."""
    meter.content = CONTENT.replace(b"0008048.375", b"0008048.500")
    answer = await call(hass, READ_RAW, loaded)
    assert answer["raw"].encode() == meter.content
    assert answer["identification"] == "/ISk5MT174-0001"
    assert (answer["mode"], answer["baud_rate"], answer["check"]) == ("C", 9600, "xor")
    assert {"address": ENERGY, "value": "0008048.500", "unit": "kWh"} in answer[
        "data_sets"
    ]
    assert answer["bad_lines"] == []
    assert datetime.fromisoformat(answer["taken_at"]).tzinfo is not None
    assert ports.link.opened == 2
    assert state_of(hass, f"sensor.{SLUG}_energy_import") == "8048.500"


SLUG = "iskraemeco_mt174_0001"


async def test_a_readout_that_fails_says_why(
    hass: HomeAssistant, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """What was read before is no answer."""
    meter.fault = Fault.SILENT
    with pytest.raises(HomeAssistantError) as raised:
        await call(hass, READ_RAW, loaded)
    assert raised.value.translation_key == "no_answer"


@pytest.mark.parametrize("after", ["a readout", "a restart"])
async def test_a_readout_that_is_not_booked_is_no_answer(
    hass: HomeAssistant,
    ports: Ports,
    freezer: FrozenDateTimeFactory,
    after: str,
) -> None:
    """Whose it is has to be confirmed first; what was read before is not passed off."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to(NOON)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        data={
            CONF_DEVICE: PORT,
            CONF_ADDRESS: "",
            CONF_METER_ID: "made-up",
            CONF_MANUFACTURER: "ISK",
        },
        options=ON_BATTERY,
    )
    entry.add_to_hass(hass)
    nameless = CONTENT.replace(b"0012345678", b"").replace(b"1ISK", b"")
    meter = SimulatedMeter(identification=b"/ISk5MT174-0001", content=nameless)
    ports.link = SimulatedLink(meter)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    if after == "a restart":
        await hass.config_entries.async_reload(entry.entry_id)
        await settled(hass)
    # It sends its number at last, and nothing proves that it arrived undamaged.
    ports.link = SimulatedLink(
        SimulatedMeter(
            identification=b"/ISk0MT174-0001", content=CONTENT, check=Check.NONE
        )
    )
    freezer.tick(timedelta(minutes=5))
    with pytest.raises(HomeAssistantError) as raised:
        await call(hass, READ_RAW, entry)
    assert raised.value.translation_key == "readout_unconfirmed"


async def test_the_first_readout_may_be_the_answer(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter, entry: MockConfigEntry
) -> None:
    """It is the same whether there was one before or not."""
    meter.fault = Fault.SILENT
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    meter.fault = Fault.NONE
    answer = await call(hass, READ_RAW, entry)
    assert answer["raw"].encode() == CONTENT


# -- what goes wrong ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (Fault.SILENT, "no_answer"),
        (Fault.SIGNS_OFF, "refused"),
        (Fault.ECHO | Fault.SILENT, "echo_only"),
    ],
)
async def test_a_session_that_fails_says_why(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    fault: Fault,
    key: str,
) -> None:
    """In the same words as a readout, and the next one goes well."""
    meter.fault = fault
    for action in (read(hass, loaded), read_profile(hass, loaded)):
        with pytest.raises(HomeAssistantError) as raised:
            await action
        assert raised.value.translation_domain == DOMAIN
        assert raised.value.translation_key == key
        assert ports.link.closed
    meter.fault = Fault.NONE
    assert (await read(hass, loaded))["registers"]


async def test_a_load_profile_that_the_meter_refuses_says_why(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """In the words of the meter."""
    with pytest.raises(HomeAssistantError) as raised:
        await read_profile(hass, loaded, register="P.02")
    assert raised.value.translation_key == "refused"
    assert raised.value.translation_placeholders == {"detail": "ER01"}


async def test_a_block_that_arrives_damaged_is_counted(
    hass: HomeAssistant, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """Damage that stays is an error, and its values are not used."""
    program(meter, Trouble(damaged=lambda _: True))
    with pytest.raises(HomeAssistantError) as raised:
        await read(hass, loaded)
    assert raised.value.translation_key == "damaged"


@pytest.mark.parametrize(
    "error",
    [LinkError("the gateway is gone"), HomeAssistantError("ESPHome is not ready")],
)
async def test_a_port_that_cannot_be_used_says_why(
    hass: HomeAssistant,
    ports: Ports,
    loaded: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    """Whoever has it at its end."""

    async def refuse(*_: object) -> Transport:
        raise error

    monkeypatch.setattr(ports.link, "open", refuse)
    with pytest.raises(HomeAssistantError) as raised:
        await read(hass, loaded)
    assert raised.value.translation_key == "link_failed"
    assert raised.value.translation_placeholders == {"detail": str(error)}


async def test_a_session_that_lost_its_link_is_signed_off_later(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """The meter may still wait in it, at its own speed."""
    ports.link = SimulatedLink(meter, lose_after=40)
    with pytest.raises(HomeAssistantError) as raised:
        await read(hass, loaded)
    assert raised.value.translation_key == "link_failed"
    link = ports.link = SimulatedLink(make_meter(fault=Fault.SILENT))
    with pytest.raises(HomeAssistantError):
        await call(hass, READ_RAW, loaded)
    assert SIGN_OFF in link.sent


async def test_an_entry_has_to_be_there_and_loaded(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """The actions themselves are there all the time."""
    fields = {"registers": [ENERGY]}
    with pytest.raises(ServiceValidationError) as raised:
        await hass.services.async_call(
            DOMAIN,
            READ_REGISTERS,
            {"config_entry": "nobody", **fields},
            blocking=True,
            return_response=True,
        )
    assert raised.value.translation_key == "service_config_entry_not_found"
    assert await hass.config_entries.async_unload(loaded.entry_id)
    for action in (
        read(hass, loaded),
        read_profile(hass, loaded),
        call(hass, READ_RAW, loaded),
    ):
        with pytest.raises(ServiceValidationError) as raised:
            await action
        assert raised.value.translation_key == "service_config_entry_not_loaded"
    assert ports.link.opened == 1


async def test_a_meter_that_sends_by_itself_is_never_asked(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """It would not hear it."""
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_MODE: "d"})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    sent = len(ports.link.sent)
    for action in (
        read(hass, entry),
        read_profile(hass, entry),
        call(hass, READ_RAW, entry),
    ):
        with pytest.raises(ServiceValidationError) as raised:
            await action
        assert raised.value.translation_key == "never_asked"
    assert len(ports.link.sent) == sent


# -- batteries ------------------------------------------------------------------------


async def test_each_action_is_an_extra_readout_of_a_battery_meter(
    hass: HomeAssistant,
    ports: Ports,
    battery: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """There are two a day, however many registers are read in one."""
    await read(hass, battery, ENERGY, "1-0:1.7.0*255")
    await read_profile(hass, battery)
    assert ports.link.opened == 3
    await pass_time(hass, freezer, minutes=5)
    for action in (
        read(hass, battery),
        read_profile(hass, battery),
        call(hass, READ_RAW, battery),
    ):
        with pytest.raises(HomeAssistantError) as raised:
            await action
        assert raised.value.translation_key == "battery_spared"
    # Neither a reload nor a crash gives one back.
    await hass.config_entries.async_reload(battery.entry_id)
    with pytest.raises(HomeAssistantError):
        await read(hass, battery)
    assert ports.link.opened == 3
    await pass_time(hass, freezer, hours=13)
    assert (await read(hass, battery))["registers"]


async def test_a_wake_up_is_counted_before_it_is_sent(
    hass: HomeAssistant, battery: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    """A crash must not wake the meter up for nothing again and again."""
    await read(hass, battery)
    stored = hass_storage[f"{DOMAIN}.{battery.entry_id}"]["data"]
    assert stored["budget"] == {"day": "2026-11-21", "taken": 1}


async def test_a_battery_meter_that_was_not_sent_anything_costs_nothing(
    hass: HomeAssistant, ports: Ports, battery: MockConfigEntry
) -> None:
    """Two later attempts are left."""
    link, ports.link = ports.link, SimulatedLink(make_meter())
    ports.link.open_error = LinkError("the gateway is gone")
    for _ in range(3):
        with pytest.raises(HomeAssistantError) as raised:
            await read(hass, battery)
        assert raised.value.translation_key == "link_failed"
    ports.link = link
    for _ in range(2):
        await read(hass, battery)


async def test_a_battery_meter_that_stays_silent_was_woken_up_all_the_same(
    hass: HomeAssistant,
    ports: Ports,
    meter: SimulatedMeter,
    battery: MockConfigEntry,
) -> None:
    """With one attempt each: a repetition costs as much as the first one."""
    meter.fault = Fault.SILENT
    sent = len(ports.link.sent)
    for key in ("no_answer", "no_answer", "battery_spared"):
        with pytest.raises(HomeAssistantError) as raised:
            await read(hass, battery)
        assert raised.value.translation_key == key
    sign_ons = [one for one in ports.link.sent[sent:] if one.startswith(b"/?")]
    assert len(sign_ons) == 2


# -- turns ----------------------------------------------------------------------------


async def test_an_action_waits_for_its_turn(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Somebody else may use the port, and is not disturbed."""
    async with coordinator_of(loaded).bus.hold("somebody else"):
        action = asyncio.create_task(read(hass, loaded))
        await hass.async_block_till_done()
        assert ports.link.opened == 1
    assert (await action)["registers"]
    assert ports.link.opened == 2


async def test_an_action_that_is_cancelled_in_the_queue_costs_nothing(
    hass: HomeAssistant, ports: Ports, battery: MockConfigEntry
) -> None:
    """Neither the battery nor the port's next user."""
    coordinator = coordinator_of(battery)
    async with coordinator.bus.hold("somebody else"):
        for _ in range(3):
            action = asyncio.create_task(read(hass, battery))
            await hass.async_block_till_done()
            action.cancel()
            with pytest.raises(asyncio.CancelledError):
                await action
    assert ports.link.opened == 1
    for _ in range(2):
        assert (await read(hass, battery))["registers"]


async def held_action(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> tuple[HeldLink, asyncio.Task[dict[str, Any]]]:
    """Begin to read registers; return once the meter is in the middle of it."""
    meter = make_meter()
    program(meter)
    link = ports.link = HeldLink(meter, after=40)
    action = asyncio.create_task(read(hass, entry, ENERGY, "1-0:1.7.0*255"))
    await link.held.wait()
    return link, action


async def test_an_action_that_is_cancelled_signs_the_meter_off(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """And it closes the port before anybody else gets it."""
    link, action = await held_action(hass, ports, loaded)
    action.cancel()
    link.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await action
    assert link.sent[-1] == SIGN_OFF
    assert link.closed
    assert not coordinator_of(loaded).bus.lock.locked()


async def test_unloading_the_entry_breaks_an_action_off(
    hass: HomeAssistant, ports: Ports, loaded: MockConfigEntry
) -> None:
    """Whoever waits for the answer is told so."""
    link, action = await held_action(hass, ports, loaded)
    link.let_go.set()
    assert await hass.config_entries.async_unload(loaded.entry_id)
    with pytest.raises(HomeAssistantError) as raised:
        await action
    assert raised.value.translation_key == "readout_broken_off"
    assert link.sent[-1] == SIGN_OFF
    assert link.closed


# -- what is told ---------------------------------------------------------------------


async def test_the_number_of_the_meter_is_in_no_log(
    hass: HomeAssistant,
    meter: SimulatedMeter,
    loaded: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not even of an action that reads it, or that fails."""
    answer = await read(hass, loaded, "1-0:0.0.0*255")
    assert NUMBER in json.dumps(answer)
    await call(hass, READ_RAW, loaded)
    meter.fault = Fault.SILENT
    for action in (read(hass, loaded), call(hass, READ_RAW, loaded)):
        with pytest.raises(HomeAssistantError):
            await action
    for record in caplog.records:
        if record.levelno >= logging.INFO:
            assert NUMBER not in record.getMessage()
            assert UNIQUE_ID not in record.getMessage()


SCHEMAS = {
    READ_REGISTERS: READ_REGISTERS_SCHEMA,
    READ_LOAD_PROFILE: READ_LOAD_PROFILE_SCHEMA,
    READ_RAW: READ_RAW_SCHEMA,
}


def test_every_action_can_be_called_from_the_user_interface() -> None:
    """Its fields are those of the schema, and each has a text; it has an icon."""
    shown = yaml.safe_load((FOLDER / "services.yaml").read_text(encoding="utf-8"))
    texts = ENGLISH["services"]
    assert shown.keys() == texts.keys() == ICONS["services"].keys() == SCHEMAS.keys()
    for action, schema in SCHEMAS.items():
        fields = shown[action]["fields"]
        assert fields.keys() == {str(key) for key in schema.schema}
        assert fields.keys() == texts[action]["fields"].keys()
        required = {str(key) for key in schema.schema if isinstance(key, vol.Required)}
        assert required == {
            name for name, field in fields.items() if field.get("required")
        }
        assert ICONS["services"][action]["service"].startswith("mdi:")
        if "command" in fields:
            options = fields["command"]["selector"]["select"]["options"]
            assert tuple(options) == actions.COMMANDS
