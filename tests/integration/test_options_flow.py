"""Options: how a meter is read, and what its values mean."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.iec62056.const import (
    CONF_BILLING_PERIODS,
    CONF_CLOCK,
    CONF_CURRENT_RATIO,
    CONF_GRACE,
    CONF_INTERVAL,
    CONF_MANUFACTURER,
    CONF_MINUTE,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_THROTTLE,
    CONF_TIME,
    CONF_UNITS,
    CONF_VOLTAGE_RATIO,
    DOMAIN,
)
from custom_components.iec62056.iec21.exceptions import LinkError
from custom_components.iec62056.iec21.simulator import (
    PushMeter,
    SimulatedLink,
    SimulatedMeter,
)
from custom_components.iec62056.options_flow import CONF_POLLING, CONF_VALUES
from tests.integration.common import (
    CONTENT,
    NAME,
    UNIQUE_ID,
    defaults,
    entry_data,
    said,
    settled,
    suggested,
)
from tests.integration.conftest import Ports

POLLING = {
    CONF_SUPPLY: "mains",
    CONF_SCHEDULE: "automatic",
    CONF_INTERVAL: 60,
    CONF_MINUTE: 0,
    CONF_TIME: "23:45:00",
}
VALUES = {
    CONF_CURRENT_RATIO: 1,
    CONF_VOLTAGE_RATIO: 1,
    CONF_BILLING_PERIODS: 0,
    CONF_CLOCK: "automatic",
}
USUAL = {CONF_SUPPLY: "mains", CONF_SCHEDULE: "automatic"}


async def options_of(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigFlowResult:
    """Open the options of an entry."""
    return await hass.config_entries.options.async_init(entry.entry_id)


async def answer(
    hass: HomeAssistant, form: ConfigFlowResult, replies: dict[str, Any]
) -> ConfigFlowResult:
    """Submit what is shown, and wait until the entry is set up again."""
    result = await hass.config_entries.options.async_configure(form["flow_id"], replies)
    await settled(hass)
    return result


async def test_nothing_is_stored_that_nobody_has_chosen(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """Except what differs from meter to meter."""
    hass.config_entries.async_update_entry(loaded, options={})
    form = await options_of(hass, loaded)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "init"
    assert defaults(form) == {
        CONF_POLLING: POLLING,
        CONF_VALUES: VALUES,
        CONF_UNITS: {},
    }
    assert said(form) == {
        "interval": "60 s",
        "current_ratio": "–",
        "voltage_ratio": "–",
    }
    result = await answer(hass, form, defaults(form))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded.options == USUAL


async def test_what_is_chosen_is_stored_shown_again_and_taken_back(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """And the entry is set up anew with it."""
    polling = {
        **POLLING,
        CONF_SCHEDULE: "interval",
        CONF_INTERVAL: 600,
        CONF_GRACE: 90,
    }
    values = {
        CONF_CURRENT_RATIO: 40.0,
        CONF_VOLTAGE_RATIO: 200.0,
        CONF_BILLING_PERIODS: 12,
        CONF_CLOCK: "utc",
    }
    before = loaded.runtime_data.coordinator
    form = await options_of(hass, loaded)
    await answer(hass, form, {CONF_POLLING: polling, CONF_VALUES: values})
    stored = {
        CONF_SUPPLY: "mains",
        CONF_SCHEDULE: "interval",
        CONF_INTERVAL: 600,
        CONF_GRACE: 90,
        **values,
    }
    assert loaded.options == stored
    assert loaded.state is ConfigEntryState.LOADED
    assert loaded.runtime_data.coordinator is not before

    form = await options_of(hass, loaded)
    assert suggested(form) == stored
    await answer(hass, form, {CONF_POLLING: POLLING, CONF_VALUES: VALUES})
    assert loaded.options == USUAL


@pytest.mark.parametrize(
    ("schedule", "stored"),
    [("hourly", {CONF_MINUTE: 59}), ("daily", {CONF_TIME: "06:30:00"})],
)
async def test_a_schedule_is_stored_with_its_own_time(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    schedule: str,
    stored: dict[str, Any],
) -> None:
    """As in the dialog that sets a meter up."""
    form = await options_of(hass, loaded)
    polling = {
        **POLLING,
        CONF_SCHEDULE: schedule,
        CONF_MINUTE: 59,
        CONF_TIME: "06:30:00",
    }
    await answer(hass, form, {CONF_POLLING: polling, CONF_VALUES: VALUES})
    assert loaded.options == {CONF_SUPPLY: "mains", CONF_SCHEDULE: schedule, **stored}


async def test_reading_a_battery_meter_often_names_its_cost(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """Once: another option can be changed later without that."""
    polling = {**POLLING, CONF_SUPPLY: "battery", CONF_SCHEDULE: "hourly"}
    form = await options_of(hass, loaded)
    replies = {CONF_POLLING: polling, CONF_VALUES: VALUES}
    warning = await answer(hass, form, replies)
    assert warning["type"] is FlowResultType.MENU
    assert warning["step_id"] == "battery"
    assert said(warning) == {"readouts": "24", "hours": "12"}

    back = await answer(hass, warning, {"next_step_id": "init"})
    assert back["step_id"] == "init"
    assert suggested(back)[CONF_SCHEDULE] == "hourly"
    warning = await answer(hass, back, replies)
    result = await answer(hass, warning, {"next_step_id": "accept"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    stored = {CONF_SUPPLY: "battery", CONF_SCHEDULE: "hourly", CONF_MINUTE: 0}
    assert loaded.options == stored

    form = await options_of(hass, loaded)
    values = {**VALUES, CONF_BILLING_PERIODS: 3}
    result = await answer(hass, form, {CONF_POLLING: polling, CONF_VALUES: values})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded.options == {**stored, CONF_BILLING_PERIODS: 3}


async def test_a_meter_that_sends_by_itself_has_no_schedule(
    hass: HomeAssistant, ports: Ports
) -> None:
    """It has a throttle instead."""
    ports.link = SimulatedLink(
        PushMeter(identification=b"/ISk5MT174-0001", content=CONTENT)
    )
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=NAME,
        unique_id=UNIQUE_ID,
        # Of a port that nobody opens in this test.
        data=entry_data() | {"mode": "d"},
    )
    entry.add_to_hass(hass)
    form = await options_of(hass, entry)
    assert defaults(form)[CONF_POLLING] == {CONF_THROTTLE: 10.0}
    polling = {CONF_THROTTLE: 30.0, CONF_GRACE: 5}
    await hass.config_entries.options.async_configure(
        form["flow_id"], {CONF_POLLING: polling, CONF_VALUES: VALUES}
    )
    assert entry.options == polling
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(entry.entry_id)
    await settled(hass)


RATIOS = CONTENT + b"1-0:0.4.2*255(40)\r\n1-0:0.4.3*255(200)\r\n"


async def test_what_the_meter_says_about_its_transformers_is_a_hint(
    hass: HomeAssistant, meter: SimulatedMeter, loaded: MockConfigEntry
) -> None:
    """Nothing is multiplied by itself: many registers reckon with them already."""
    meter.content = RATIOS
    await loaded.runtime_data.coordinator.async_refresh()
    await settled(hass)
    form = await options_of(hass, loaded)
    assert said(form)["current_ratio"] == "40"
    assert said(form)["voltage_ratio"] == "200"
    assert defaults(form)[CONF_VALUES][CONF_CURRENT_RATIO] == 1


UNITLESS = b"\r\n".join(
    [
        b"1-0:0.0.0*255(0012345678)",
        b"1-0:1.8.0*255(0008048.375)",
        b"1-0:2.8.0*255(0000001.000*kWh)",
        b"1-0:1.8.1*255(0000001.000 kWh)",
        b"1-0:3.8.0*255(0000002.000)",
        b"1-0:94.8.8*255(0000077.7)",
        b"1-0:94.8.9*255(ABC)",
        b"1-0:94.91.0*255(00042)",
        b"1-0:1.8.0*01(0007000.000)",
        b"XYZ(0000077.7)",
        b"",
    ]
)


async def test_counters_without_unit_can_have_one(
    hass: HomeAssistant, ports: Ports, meter: SimulatedMeter, entry: MockConfigEntry
) -> None:
    """Of all registers these, by their codes; and it can be taken away again."""
    meter.content = UNITLESS
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    form = await options_of(hass, entry)
    assert form["data_schema"] is not None
    fields = form["data_schema"].schema[CONF_UNITS].schema.schema
    assert list(map(str, fields)) == ["1-0:1.8.0", "1-0:94.8.8"]
    units = {"1-0:1.8.0": "Wh"}
    await answer(
        hass, form, {CONF_POLLING: POLLING, CONF_VALUES: VALUES, CONF_UNITS: units}
    )
    assert entry.options == {**USUAL, CONF_UNITS: units}

    form = await options_of(hass, entry)
    assert suggested(form)["1-0:1.8.0"] == "Wh"
    await answer(
        hass, form, {CONF_POLLING: POLLING, CONF_VALUES: VALUES, CONF_UNITS: {}}
    )
    assert entry.options == USUAL


async def test_a_meter_that_is_not_set_up_keeps_its_units(
    hass: HomeAssistant, ports: Ports, entry: MockConfigEntry
) -> None:
    """Nothing is known of it then but what is stored."""
    units = {"1-0:94.8.8": "kWh"}
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options={CONF_UNITS: units})
    form = await options_of(hass, entry)
    assert said(form)["current_ratio"] == "–"
    assert suggested(form) == units
    result = await hass.config_entries.options.async_configure(
        form["flow_id"],
        {CONF_POLLING: POLLING, CONF_VALUES: VALUES, CONF_UNITS: units},
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {**USUAL, CONF_UNITS: units}
    await settled(hass)


async def test_options_of_a_meter_that_was_never_found_decide_nothing_by_themselves(
    hass: HomeAssistant, ports: Ports
) -> None:
    """It may turn out to live on a battery; only what somebody has chosen stays."""
    ports.link.open_error = LinkError("there is no such port")
    entry = MockConfigEntry(
        domain=DOMAIN, title=NAME, data={**entry_data(), CONF_MANUFACTURER: ""}
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settled(hass)
    values = {**VALUES, CONF_BILLING_PERIODS: 2}
    replies = {CONF_POLLING: POLLING, CONF_VALUES: values}
    await answer(hass, await options_of(hass, entry), replies)
    assert entry.options == {CONF_BILLING_PERIODS: 2}

    replies = {CONF_POLLING: {**POLLING, CONF_SCHEDULE: "hourly"}, CONF_VALUES: VALUES}
    await answer(hass, await options_of(hass, entry), replies)
    assert entry.options == {CONF_SCHEDULE: "hourly", CONF_MINUTE: 0}
