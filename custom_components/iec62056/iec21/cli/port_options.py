"""Options that say how a meter is reached, which several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from ..passwords import ALGORITHMS
from ..settings import DEFAULT_TIMEOUT, Framing, Mode, Pin
from ..telegram import Check
from .choices import LOCKS, VARIABLE

_LIST_OPTIONS = ("0", "5", "6", "7", "8", "9")
"""Those of the acknowledgement that ask for data to be read out."""


def add_readout_options(parser: argparse.ArgumentParser) -> None:
    """Add PORT, and how to get a readout from there."""
    _add_port(parser, [*Mode], "; d: it sends by itself")
    parser.add_argument(
        "--option",
        choices=_LIST_OPTIONS,
        default="0",
        help="the last character of the acknowledgement; 5 to 9 ask some meters for"
        " another list",
    )
    parser.add_argument(
        "--no-search",
        action="store_true",
        help="try nothing but an ordinary sign-on",
    )
    add_check_option(parser)


def add_programming_options(parser: argparse.ArgumentParser) -> None:
    """Add PORT, and how to get into programming mode there."""
    _add_port(parser, [mode for mode in Mode if mode is not Mode.D])
    parser.add_argument(
        "--password",
        metavar="TEXT",
        help="what the meter wants to hear first; better set the environment variable"
        f" {VARIABLE}, which no list of processes shows",
    )
    parser.add_argument(
        "--algorithm",
        type=str.lower,
        choices=[*ALGORITHMS],
        help="how the password is sent (default: plain)",
    )
    parser.add_argument(
        "--lock",
        type=str.lower,
        choices=[*LOCKS],
        help="which lock of an LIS-200 device the password opens (default: customer)",
    )
    _add_check(parser, [Check.AUTO, Check.XOR, Check.SUM])


def add_check_option(parser: argparse.ArgumentParser) -> None:
    """Add which block check a readout has."""
    _add_check(
        parser,
        [Check.AUTO, Check.XOR, Check.SUM, Check.NONE],
        "; none takes a damaged readout, too",
    )


def _add_port(
    parser: argparse.ArgumentParser, modes: Iterable[Mode], more: str = ""
) -> None:
    parser.set_defaults(option="0", acknowledge_last_block=False)
    parser.add_argument("port", metavar="PORT", help="device path or URL")
    parser.add_argument(
        "--address",
        default="",
        help="device address, where several meters share a line",
    )
    parser.add_argument(
        "--mode",
        type=str.lower,
        choices=[mode.value for mode in modes],
        default=Mode.AUTO.value,
        help=f"protocol mode (default: what the meter offers{more})",
    )
    parser.add_argument(
        "--baud",
        metavar="N",
        type=int,
        help="first baud rate (default: 300, in mode d 2400)",
    )
    parser.add_argument(
        "--max-baud", metavar="N", type=int, help="accept no higher baud rate than this"
    )
    parser.add_argument(
        "--no-switch", action="store_true", help="never change the baud rate"
    )
    parser.add_argument(
        "--framing",
        type=str.lower,
        choices=[framing.value for framing in Framing],
        default=Framing.AUTO.value,
        help="byte size, parity, stop bits (default: 7e1)",
    )
    parser.add_argument(
        "--software-parity",
        action="store_true",
        help="put even parity into bit 7, for a meter behind a gateway at 8n1",
    )
    parser.add_argument(
        "--sign-on",
        metavar="CHAR",
        default="?",
        help="the character after the slash of the sign-on; a digit or # asks some"
        " meters for another list",
    )
    parser.add_argument(
        "--wake-up",
        metavar="N",
        type=int,
        default=0,
        help="send N zero bytes first, 66 for most meters on a battery",
    )
    parser.add_argument(
        "--fast-wake-up",
        action="store_true",
        help="send zero bytes in bursts until the meter answers",
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        default=DEFAULT_TIMEOUT,
        help=f"seconds of silence that end the wait (default: {DEFAULT_TIMEOUT})",
    )
    parser.add_argument(
        "--character-timeout",
        metavar="S",
        type=float,
        help="seconds of silence that break off what has begun (default: as --timeout)",
    )
    for pin in ("dtr", "rts"):
        parser.add_argument(
            f"--{pin}",
            type=str.lower,
            choices=[state.value for state in Pin],
            default=Pin.HIGH.value,
            help=f"state of the pin {pin.upper()}, which feeds some heads"
            " (default: high)",
        )


def _add_check(
    parser: argparse.ArgumentParser, checks: Iterable[Check], more: str = ""
) -> None:
    parser.add_argument(
        "--check",
        type=str.lower,
        choices=[check.value for check in checks],
        default=Check.AUTO.value,
        help=f"which block check to expect{more}",
    )
