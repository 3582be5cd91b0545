"""What to try, in which order, until a meter answers.

What a meter wants to hear first cannot be known from its identification, which
comes after it: a wake-up, another framing, another character in the sign-on, or
nothing at all because it sends by itself. So a search tries recipes, the
ordinary ones first and the wake-up last, since that costs a battery life.

An address is never left out or replaced. A sign-on without one calls every meter on
the line: they would answer all at once, or another one would answer alone, and its
readings would pass for those of the meter that was meant. What is tried is the same
address written in another way. Leading zeros do not count (clause 6.3.14, item 22),
so no other meter may answer to it, while some meters compare them all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .settings import Framing, Mode, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way to begin a session."""

    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    """The settings that it needs, by name."""

    preferences: dict[str, Any] = field(default_factory=dict)
    """Settings that help, and that give way to what the user has set."""

    attempts: int | None = 1
    """Sign-ons before the next recipe is tried; None: as set."""

    patience: float | None = None
    """Seconds until an answer or a telegram has to begin; None: as set.

    They are chosen so that a whole search takes no more than 30 s, and 5 s more
    with an address.
    """

    left_at: int | None = None
    """Speed in baud at which a session of ours was left without its end.

    No recipe of the search has one; the caller knows.
    """

    @property
    def signs_on(self) -> bool:
        """Whether it asks for a sign-on, and a particular one."""
        return bool(self.changes) and self.changes.get("mode") is not Mode.D

    def apply(self, settings: Settings) -> Settings | None:
        """Return the user's settings with those of the recipe.

        None if the user has decided otherwise: what is set is never overruled.
        """
        if settings.mode is Mode.D and self.signs_on:
            return None
        if settings.fast_wake_up and "wake_up" in self.changes:
            return None
        defaults = Settings()
        for name, value in self.changes.items():
            current = getattr(settings, name)
            if current not in (getattr(defaults, name), value):
                return None
        wishes = {
            name: value
            for name, value in self.preferences.items()
            if getattr(settings, name) == getattr(defaults, name)
        }
        return replace(settings, **self.changes, **wishes)


RECIPES: tuple[Recipe, ...] = (
    Recipe(name="plain", attempts=2),
    # eHZ, EasyMeter, eBZ and Hager send every one or two seconds at 9600 Bd.
    Recipe(
        name="listen at 9600 Bd",
        changes={"mode": Mode.D, "baud_rate": 9600},
        patience=2.2,
    ),
    # The norm's mode D (clause 6.4.4).
    Recipe(name="listen at 2400 Bd", changes={"mode": Mode.D}, patience=2.2),
    # The P1 port since DSMR 4; the search only names it.
    Recipe(
        name="listen at 115200 Bd",
        changes={
            "mode": Mode.D,
            "baud_rate": 115200,
            "framing": Framing.EIGHT_NONE_ONE,
        },
        patience=1.2,
    ),
    # An adapter that only claims to know seven data bits.
    Recipe(
        name="software parity",
        changes={"framing": Framing.EIGHT_NONE_ONE, "software_parity": True},
        patience=1.7,
    ),
    # Two stop bits help some heads (Ultraheat).
    Recipe(name="7E2", changes={"framing": Framing.SEVEN_EVEN_TWO}, patience=1.7),
    # Ultraheat's modules on RS-232 and some RS-485 meters begin at their speed.
    Recipe(name="9600 Bd", changes={"baud_rate": 9600}, patience=1.7),
    # Annex B.1: 2.2 s of NULs, which is 66 of them at 300 Bd.
    # The second stop bit helps some heads, and disturbs no meter.
    Recipe(
        name="wake-up",
        changes={"wake_up": 66},
        preferences={"framing": Framing.SEVEN_EVEN_TWO},
    ),
    # Ultraheat UH50 and T550: fewer NULs and another sign-on.
    Recipe(
        name="wake-up, other sign-on",
        changes={"wake_up": 40, "selector": "#"},
        preferences={"framing": Framing.SEVEN_EVEN_TWO},
        patience=1.7,
    ),
)
"""In the order in which a search tries them."""

_OTHER_ZEROS = Recipe(name="address with other zeros", patience=1.7)
"""Comes behind the plain recipe, where an address is set."""

_METER_NUMBER = 8
"""Digits of an ordinary meter number, which is what makers take for the address."""


def recipes_for(
    settings: Settings, *, can_switch: bool = True
) -> list[tuple[Recipe, Settings]]:
    """Return the recipes worth trying with `settings`, with what they make of them.

    On a link whose speed and framing are fixed, those that differ in nothing
    else are left out, and the plain one tries even parity by itself.
    """
    found: list[tuple[Recipe, Settings]] = []
    for recipe in RECIPES:
        changed = recipe.apply(settings)
        if changed is None:
            continue
        if not can_switch:
            changed = replace(
                changed,
                baud_rate=settings.baud_rate,
                framing=settings.framing,
                software_parity=settings.software_parity,
            )
        if all(changed != other for _, other in found):
            found.append((recipe, changed))
    address = _with_other_zeros(settings.address)
    if settings.mode is not Mode.D and address != settings.address:
        found.insert(1, (_OTHER_ZEROS, replace(settings, address=address)))
    return found


def _with_other_zeros(address: str) -> str:
    """Return the same address with its leading zeros left out, or filled up to eight.

    It is returned as it is where there is nothing to leave out or to fill up.
    """
    significant = address.lstrip("0")
    if not significant:
        return address
    if significant != address:
        return significant
    return address.zfill(_METER_NUMBER) if address.isdecimal() else address
