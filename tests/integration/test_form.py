"""Settings between the form, the entry and the protocol package."""

from dataclasses import fields
from datetime import timedelta
import json

import pytest

from custom_components.iec62056.const import CONF_SCHEDULE, CONF_SUPPLY
from custom_components.iec62056.form import (
    CONF_ADVANCED,
    advanced_section,
    as_answers,
    battery_cost,
    departures,
    in_words,
    invalid_fields,
    line_settings,
    settings_from,
    unseen_settings,
    usual_options,
    with_settings,
)
from custom_components.iec62056.iec21.nameplate import Supply
from custom_components.iec62056.iec21.settings import Framing, Mode, Pin, Settings
from custom_components.iec62056.iec21.telegram import Check

UNUSUAL = Settings(
    address="0042",
    mode=Mode.D,
    baud_rate=9600,
    max_baud_rate=4800,
    switch_baud_rate=False,
    gateway_baud_rate=9600,
    framing=Framing.EIGHT_NONE_ONE,
    software_parity=True,
    selector="#",
    wake_up=40,
    timeout=5.0,
    character_timeout=1.5,
    acknowledge_delay=0.3,
    quiet_time=0.1,
    switch_delay=0.25,
    close_delay=1.0,
    dtr=Pin.LOW,
    rts=Pin.UNTOUCHED,
    attempts=2,
    check=Check.SUM,
    option="6",
    keep_alive=30.0,
    acknowledge_last_block=True,
)


def test_every_setting_survives_the_storage() -> None:
    """What the search has found out is there after a restart."""
    stored = departures(UNUSUAL)
    # A meter is not woken in two ways.
    fast = {"fast_wake_up"}
    assert stored.keys() == {field.name for field in fields(Settings)} - fast
    assert departures(Settings(fast_wake_up=True)).keys() == fast
    assert settings_from(json.loads(json.dumps(stored))) == UNUSUAL


def test_only_what_is_unusual_is_stored() -> None:
    """A better default of a later release reaches the entries of this one."""
    assert departures(Settings()) == {}
    assert settings_from({}) == Settings()
    assert settings_from({"device": "/dev/ttyUSB0"}) == Settings()


def test_new_settings_replace_the_old_ones() -> None:
    """One that is usual again is left out, and what is no setting stays."""
    data = {"device": "/dev/ttyUSB0", "address": "", "meter_id": "x", "wake_up": 40}
    assert with_settings(data, Settings(check=Check.XOR)) == {
        "device": "/dev/ttyUSB0",
        "address": "",
        "meter_id": "x",
        "check": Check.XOR,
    }


@pytest.mark.parametrize("name", ["address", "baud_rate", "wake_up", "timeout"])
def test_a_setting_outside_its_range_is_named(name: str) -> None:
    """The others are not blamed."""
    wrong = {"address": "!", "baud_rate": "x", "wake_up": -1, "timeout": 0}
    data = departures(UNUSUAL) | {name: wrong[name]}
    assert list(invalid_fields(data)) == [name]


def test_every_setting_stands_in_the_form_or_is_kept() -> None:
    """Who changes the form of an entry loses nothing that is not in it."""
    stored = departures(UNUSUAL)
    shown = as_answers(stored)
    kept = unseen_settings(stored)
    assert {*shown, *kept} == stored.keys()
    assert {*shown} & {*kept} == set()
    assert settings_from(kept | shown) == UNUSUAL


def test_a_form_takes_what_it_suggests() -> None:
    """Speeds are text there, and come back as they were."""
    form = advanced_section(collapsed=True)
    answers = form(as_answers(departures(UNUSUAL)))
    assert settings_from({**unseen_settings(departures(UNUSUAL)), **answers}) == (
        UNUSUAL
    )


def test_a_neighbour_gives_what_belongs_to_the_line() -> None:
    """How it wants to be spoken to itself is its own matter."""
    stored = departures(UNUSUAL)
    given = line_settings({"device": "/dev/ttyUSB0", **stored})
    assert {"gateway_baud_rate", "timeout", "dtr"} <= given.keys() <= stored.keys()
    assert not given.keys() & {"address", "check", "mode", "baud_rate", "wake_up"}


def test_a_blank_form_has_no_defaults() -> None:
    """What is left empty there is as for the neighbour."""
    form = advanced_section(collapsed=True, address=False, blank=True)
    assert form({}) == {}
    names = [str(name) for name in form.schema.schema]
    assert "address" not in names
    assert names == [
        str(name)
        for name in advanced_section(collapsed=True).schema.schema
        if name != "address"
    ]
    assert CONF_ADVANCED not in names


@pytest.mark.parametrize(
    ("options", "cost"),
    [
        ({}, None),
        (usual_options(Supply.BATTERY), None),
        (usual_options(Supply.MAINS), None),
        (
            {CONF_SUPPLY: "battery", CONF_SCHEDULE: "automatic"},
            {"readouts": "288", "hours": "144"},
        ),
        (
            {CONF_SUPPLY: "battery", CONF_SCHEDULE: "hourly"},
            {"readouts": "24", "hours": "12"},
        ),
    ],
)
def test_reading_a_battery_meter_more_than_daily_has_its_cost(
    options: dict[str, str], cost: dict[str, str] | None
) -> None:
    """Half an hour of its life for each readout."""
    assert battery_cost(options, timedelta(minutes=5)) == cost


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, "60 s"), (119, "119 s"), (120, "2 min"), (900, "15 min")],
)
def test_an_interval_is_written_the_short_way(seconds: int, words: str) -> None:
    """Nobody thinks in thousands of seconds."""
    assert in_words(timedelta(seconds=seconds)) == words
