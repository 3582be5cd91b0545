"""From options to settings, and from settings to options."""

from __future__ import annotations

import argparse
import os
from typing import Final

from ..credentials import Credentials
from ..exceptions import UnusablePasswordError
from ..lis200 import Lock
from ..passwords import ALGORITHMS, PLAIN, Password
from ..settings import Framing, Mode, Pin, Settings
from ..telegram import Check
from .failures import UsageError

VARIABLE: Final = "IEC21_PASSWORD"
"""The environment variable that a password is taken from."""

LOCKS: Final = {lock.name.lower(): lock for lock in Lock}
"""The locks of LIS-200 devices by what users call them."""


def settings_of(options: argparse.Namespace) -> Settings:
    """Return how the meter is to be spoken to.

    Raises:
        UsageError: a setting is outside its range.

    """
    try:
        return Settings(
            address=options.address,
            mode=Mode(options.mode),
            baud_rate=options.baud,
            max_baud_rate=options.max_baud,
            switch_baud_rate=not options.no_switch,
            framing=Framing(options.framing),
            software_parity=options.software_parity or None,
            selector=options.sign_on,
            option=options.option,
            wake_up=options.wake_up,
            fast_wake_up=options.fast_wake_up,
            timeout=options.timeout,
            character_timeout=options.character_timeout,
            dtr=Pin(options.dtr),
            rts=Pin(options.rts),
            check=Check(options.check),
            acknowledge_last_block=options.acknowledge_last_block,
        )
    except ValueError as error:
        raise UsageError(f"{error}; see iec21 {options.command} --help") from error


def credentials_of(options: argparse.Namespace) -> Credentials | None:
    """Return what opens the meter; None where no password is given.

    Raises:
        UsageError: it cannot be one, or there is none where one is needed.

    """
    text: str | None = options.password
    if text is None:
        text = os.environ.get(VARIABLE) or None
    if text is None:
        if options.lock or options.algorithm:
            raise UsageError(f"--lock and --algorithm need a password: set {VARIABLE}")
        return None
    try:
        password = Password(text)
    except UnusablePasswordError as error:
        raise UsageError(str(error)) from error
    return Credentials(
        password,
        algorithm=ALGORITHMS[options.algorithm] if options.algorithm else PLAIN,
        lock=LOCKS[options.lock] if options.lock else None,
    )


def may_search(options: argparse.Namespace) -> bool:
    """Whether other ways than an ordinary sign-on are to be tried as well.

    They are unless the user has said how to begin, or forbidden it.
    """
    return not options.no_search and _beginning_of(settings_of(options)) == (
        _beginning_of(Settings())
    )


def _beginning_of(settings: Settings) -> tuple[object, ...]:
    """Return the settings without which a session would begin in another way."""
    return (
        settings.mode,
        settings.baud_rate,
        settings.switch_baud_rate,
        settings.framing,
        settings.software_parity,
        settings.selector,
        settings.wake_up,
        settings.fast_wake_up,
    )


def options_for(settings: Settings, asked: Settings) -> list[str]:
    """Return the options that lead from the settings `asked` to `settings`."""
    found: list[str] = []
    if settings.address != asked.address:
        found += ["--address", settings.address]
    if settings.mode is not asked.mode:
        found += ["--mode", settings.mode.value]
    if settings.baud_rate != asked.baud_rate:
        found += ["--baud", str(settings.first_baud_rate)]
    if settings.max_baud_rate != asked.max_baud_rate:
        found += ["--max-baud", str(settings.max_baud_rate)]
    if settings.framing is not asked.framing:
        found += ["--framing", settings.framing.value]
    if settings.software_parity and not asked.software_parity:
        found += ["--software-parity"]
    if settings.selector != asked.selector:
        found += ["--sign-on", settings.selector]
    if settings.wake_up != asked.wake_up:
        found += ["--wake-up", str(settings.wake_up)]
    return found
