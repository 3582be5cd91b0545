"""What a user may set, and what is refused before a port is opened."""

from typing import Any

import pytest

from iec21 import Mode, Settings


def test_the_defaults_are_the_norm() -> None:
    """300 Bd, whatever the identification offers, no address, no wake-up."""
    settings = Settings()
    assert settings.first_baud_rate == 300
    assert settings.mode is Mode.AUTO
    assert settings.address == ""
    assert settings.wake_up == 0


@pytest.mark.parametrize(
    ("settings", "baud_rate"),
    [
        (Settings(mode=Mode.D), 2400),
        (Settings(mode=Mode.D, baud_rate=9600), 9600),
        (Settings(baud_rate=9600), 9600),
    ],
)
def test_the_first_speed_is_the_set_one_or_the_modes(
    settings: Settings, baud_rate: int
) -> None:
    """Mode D sends at 2400 Bd from the start (clause 5.2)."""
    assert settings.first_baud_rate == baud_rate


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("address", "1" * 33, "device address"),
        ("address", "12/4", "device address"),
        ("address", "12!4", "device address"),
        ("address", "Zähler", "device address"),
        ("address", "1\n2", "device address"),
        ("selector", "", "''"),
        ("selector", "!", "'!'"),
        ("selector", "12", "'12'"),
        ("baud_rate", 49, "49 baud"),
        ("max_baud_rate", 5_000_000, "5000000 baud"),
        ("gateway_baud_rate", 0, "0 baud"),
        ("timeout", 0.0, "timeout of 0.0 s"),
        ("timeout", 61, "timeout of 61 s is not 0.1 to 60 s"),
        ("character_timeout", 0.0, "character_timeout of 0.0 s"),
        ("character_timeout", 61, "character_timeout of 61 s"),
        ("acknowledge_delay", -0.1, "acknowledge_delay of -0.1 s"),
        ("quiet_time", 11, "quiet_time of 11 s"),
        ("switch_delay", 11, "switch_delay of 11 s"),
        ("close_delay", 11, "close_delay of 11 s"),
        ("wake_up", 251, "251 wake-up"),
        ("option", "1", "option '1'"),
        ("option", "", "option ''"),
        ("keep_alive", 0.4, "keep_alive of 0.4 s"),
        ("attempts", 0, "0 attempts"),
    ],
)
def test_what_could_never_work_is_refused(field: str, value: Any, said: str) -> None:
    """The text names the setting, its value and what is possible."""
    with pytest.raises(ValueError, match=said):
        Settings(**{field: value})


def test_a_meter_is_woken_in_one_way_only() -> None:
    """Bursts, or one long row of NULs."""
    with pytest.raises(ValueError, match="one way or the other"):
        Settings(wake_up=66, fast_wake_up=True)
