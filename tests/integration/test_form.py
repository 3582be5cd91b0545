"""Settings between the form, the entry and the protocol package."""

from dataclasses import fields
import json

import pytest

from custom_components.iec62056.form import (
    departures,
    invalid_fields,
    settings_from,
    with_settings,
)
from custom_components.iec62056.iec21.settings import Framing, Mode, Settings
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
    acknowledge_delay=0.3,
    quiet_time=0.1,
    switch_delay=0.25,
    close_delay=1.0,
    attempts=2,
    check=Check.SUM,
)


def test_every_setting_survives_the_storage() -> None:
    """What the search has found out is there after a restart."""
    stored = departures(UNUSUAL)
    assert stored.keys() == {field.name for field in fields(Settings)}
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
