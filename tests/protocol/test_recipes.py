"""What a search tries, in which order, and what it leaves alone."""

import pytest

from iec21 import Framing, Mode, Settings
from iec21.const import BITS_PER_CHARACTER, RETRY_PAUSE
from iec21.delays import WAKE_UP_PAUSE
from iec21.recipes import RECIPES, recipes_for


def names(settings: Settings, *, can_switch: bool = True) -> list[str]:
    """Return the names of the recipes for `settings`."""
    return [recipe.name for recipe, _ in recipes_for(settings, can_switch=can_switch)]


def test_the_ordinary_comes_first_and_the_wake_up_last() -> None:
    """A wake-up costs a battery meter part of its life."""
    assert names(Settings()) == [recipe.name for recipe in RECIPES]
    assert names(Settings())[0] == "plain"
    assert names(Settings())[-1].startswith("wake-up")


def test_what_the_user_has_set_is_never_overruled() -> None:
    """A set mode, speed, framing or wake-up leaves fewer things to try."""
    assert names(Settings(mode=Mode.D)) == [
        "plain",
        "listen at 9600 Bd",
        "listen at 115200 Bd",
    ]
    assert "listen at 9600 Bd" not in names(Settings(mode=Mode.C))
    assert all(
        settings.framing is Framing.SEVEN_EVEN_ONE
        for _, settings in recipes_for(Settings(framing=Framing.SEVEN_EVEN_ONE))
    )
    assert all(
        settings.wake_up in {0, 66} for _, settings in recipes_for(Settings(wake_up=66))
    )


@pytest.mark.parametrize(
    ("address", "tried"),
    [
        ("0042", ["0042", "42"]),
        ("42", ["42", "00000042"]),
        ("0AB", ["0AB", "AB"]),
        ("AB", ["AB"]),
        ("12345678", ["12345678"]),
        ("123456789", ["123456789"]),
        ("000", ["000"]),
        ("", [""]),
    ],
)
def test_an_address_stays_the_same_address(address: str, tried: list[str]) -> None:
    """Only its leading zeros differ, which by the norm make no difference."""
    found = recipes_for(Settings(address=address))
    assert list(dict.fromkeys(settings.address for _, settings in found)) == tried
    assert names(Settings(address=address))[0] == "plain"


def test_a_meter_that_sends_by_itself_has_no_address() -> None:
    """Nothing is ever sent to it."""
    assert names(Settings(mode=Mode.D, address="42")) == names(Settings(mode=Mode.D))


def test_a_gateway_with_fixed_framing_has_fewer_recipes() -> None:
    """Its speed and framing are what they are."""
    assert names(Settings(), can_switch=False) == [
        "plain",
        "listen at 9600 Bd",
        "wake-up",
        "wake-up, other sign-on",
    ]


def test_no_recipe_is_tried_twice() -> None:
    """Whatever is set already."""
    for settings in (Settings(), Settings(baud_rate=9600), Settings(mode=Mode.D)):
        tried = [changed for _, changed in recipes_for(settings)]
        assert len(tried) == len(set(tried))


@pytest.mark.parametrize(("address", "limit"), [("", 30), ("12345678", 35), ("1", 35)])
def test_a_whole_search_takes_no_more_than_half_a_minute(
    address: str, limit: float
) -> None:
    """As long as anybody waits for a dialogue to go on."""
    seconds = 0.0
    for recipe, settings in recipes_for(Settings(address=address)):
        attempts = recipe.attempts or settings.attempts
        patience = recipe.patience or settings.timeout
        line = 0.0
        if settings.mode is not Mode.D:
            characters = settings.wake_up + len(f"/?{settings.address}!\r\n")
            line = characters * BITS_PER_CHARACTER / settings.first_baud_rate
            line += WAKE_UP_PAUSE if settings.wake_up else 0
        seconds += attempts * (line + patience) + (attempts - 1) * RETRY_PAUSE
    assert seconds <= limit


def test_a_meter_that_is_woken_in_bursts_is_not_woken_in_another_way_too() -> None:
    """The two exclude each other."""
    recipes = recipes_for(Settings(fast_wake_up=True))
    assert recipes
    assert all(
        settings.fast_wake_up and not settings.wake_up for _, settings in recipes
    )
