"""What may be said on the command line, and what it means."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, override

from ..simulator import Fault
from ..simulator.sample import (
    HOUSEHOLD,
    PROGRAMMING_SAMPLES,
    PUSH_SAMPLES,
    SAMPLES,
)
from . import help_texts
from .failures import UsageError
from .port_options import (
    add_check_option,
    add_programming_options,
    add_readout_options,
)

WATCH_INTERVAL: Final = 60.0
"""Seconds; registers of energy hardly move in less."""

_READ_COMMANDS: Final = ("R1", "R2", "R3", "R4", "R5", "R6")
_WRITE_COMMANDS: Final = ("W1", "W2", "W3", "W4", "W5")

_FAULTS = {str(fault.name).lower().replace("_", "-"): fault for fault in Fault}


@dataclass(slots=True)
class MeterOptions:
    """One meter that is to be simulated."""

    address: str | None = None
    sample: str | None = None
    telegram: str | None = None


class _Parser(argparse.ArgumentParser):
    """One that raises instead of printing its whole usage."""

    @override
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


class _MeterAction(argparse.Action):
    """Collect the options of several meters.

    An option belongs to the meter in hand. One that this meter has already
    begins the next.
    """

    @override
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        meters: list[MeterOptions] = namespace.meters or [MeterOptions()]
        taken = {self.dest}
        if self.dest != "address":
            taken = {"sample", "telegram"}
        if any(getattr(meters[-1], name) is not None for name in taken):
            meters.append(MeterOptions())
        setattr(meters[-1], self.dest, values)
        namespace.meters = meters


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Understand the command line; `command` in the result names what to do.

    Raises:
        UsageError: it does not make sense.
        SystemExit: help was asked for, and given.

    """
    parser = _Parser(
        prog="iec21",
        description=help_texts.INTRODUCTION,
        epilog=help_texts.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(
        metavar="COMMAND", required=True, parser_class=_Parser
    )
    _add_read(subparsers)
    _add_identify(subparsers)
    _add_watch(subparsers)
    _add_record(subparsers)
    _add_scan(subparsers)
    _add_decode(subparsers)
    _add_get(subparsers)
    _add_set(subparsers)
    _add_profile(subparsers)
    _add_simulate(subparsers)
    return parser.parse_args(argv)


def _add_command(
    subparsers: Any, name: str, summary: str, examples: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=name)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document instead of a table"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show every byte sent and received"
    )
    return parser


def _add_read(subparsers: Any) -> None:
    parser = _add_command(
        subparsers,
        "read",
        "read a meter out once and show what it says",
        help_texts.READ,
    )
    add_readout_options(parser)


def _add_identify(subparsers: Any) -> None:
    parser = _add_command(
        subparsers, "identify", "ask who answers, and nothing else", help_texts.IDENTIFY
    )
    add_readout_options(parser)


def _add_watch(subparsers: Any) -> None:
    parser = _add_command(
        subparsers,
        "watch",
        "read a meter again and again, or show what it sends by itself",
        help_texts.WATCH,
    )
    add_readout_options(parser)
    parser.add_argument(
        "--interval",
        metavar="S",
        type=_seconds,
        default=WATCH_INTERVAL,
        help="seconds from the beginning of a readout to that of the next"
        f" (default: {WATCH_INTERVAL:.0f}); a meter that sends by itself decides",
    )


def _add_record(subparsers: Any) -> None:
    parser = _add_command(
        subparsers, "record", "write down one readout, byte by byte", help_texts.RECORD
    )
    add_readout_options(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to (default: a new file here), - for standard output",
    )
    parser.add_argument(
        "--raw", action="store_true", help="mask nothing: keep all numbers"
    )


def _add_scan(subparsers: Any) -> None:
    parser = _add_command(
        subparsers, "scan", "look which port has a meter", help_texts.SCAN
    )
    parser.add_argument(
        "ports", metavar="PORT", nargs="*", help="look at these ports only"
    )


def _add_decode(subparsers: Any) -> None:
    parser = _add_command(
        subparsers, "decode", "show what a captured telegram says", help_texts.DECODE
    )
    parser.add_argument("file", metavar="FILE", help="a file, or - for standard input")
    add_check_option(parser)


def _add_get(subparsers: Any) -> None:
    parser = _add_command(
        subparsers, "get", "read single registers (programming mode)", help_texts.GET
    )
    add_programming_options(parser)
    parser.add_argument(
        "registers",
        metavar="REGISTER",
        nargs="+",
        help="a code as the meter prints it: 1.8.0, C003, 2:300.0",
    )
    _add_command_name(parser, _READ_COMMANDS, "what the meter knows")


def _add_set(subparsers: Any) -> None:
    parser = _add_command(
        subparsers, "set", "write a register (programming mode)", help_texts.SET
    )
    add_programming_options(parser)
    parser.add_argument(
        "register", metavar="REGISTER", help="a code as the meter prints it: 0.9.1"
    )
    parser.add_argument(
        "value", metavar="VALUE", help="what is to stand in its brackets"
    )
    parser.add_argument(
        "-y", "--yes", action="store_true", help="write without asking first"
    )
    _add_command_name(
        parser, _WRITE_COMMANDS, "W5 for a meter that is read with R5, else W1"
    )


def _add_profile(subparsers: Any) -> None:
    parser = _add_command(
        subparsers,
        "profile",
        "read a load profile, a log book or an archive (programming mode)",
        help_texts.PROFILE,
    )
    add_programming_options(parser)
    parser.add_argument(
        "--register",
        metavar="CODE",
        help="P.01, P.02, P.98 …, or the number of an archive of an LIS-200 device"
        " (default: P.01, or archive 3)",
    )
    parser.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        help="2026-11-20, or 2026-11-20T06:15",
    )
    parser.add_argument(
        "--to",
        dest="end",
        metavar="TIME",
        help="likewise; a date includes the whole day",
    )
    parser.add_argument(
        "--zone",
        metavar="NAME",
        help="time zone of the meter's clock, such as Europe/Berlin"
        " (default: times are as its clock shows them)",
    )
    parser.add_argument(
        "--csv", action="store_true", help="print comma-separated values"
    )
    parser.add_argument(
        "--acknowledge-last-block",
        action="store_true",
        help="acknowledge the last of several blocks as well",
    )
    _add_command_name(parser, _READ_COMMANDS, "R5")


def _add_command_name(
    parser: argparse.ArgumentParser, names: Sequence[str], default: str
) -> None:
    parser.add_argument(
        "--command",
        dest="command_name",
        type=str.upper,
        choices=names,
        help=f"which command of the norm to use (default: {default})",
    )


def _add_simulate(subparsers: Any) -> None:
    named = SAMPLES | PROGRAMMING_SAMPLES | PUSH_SAMPLES
    samples = "\n".join(f"  {name:18}{text}" for name, text in named.items())
    faults = "  " + "\n  ".join(sorted(_FAULTS))
    parser = _add_command(
        subparsers,
        "simulate",
        "be a meter, for trying things out",
        help_texts.SIMULATE.format(samples=samples, faults=faults),
    )
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument(
        "--tcp",
        metavar="[HOST:]PORT",
        type=_tcp_address,
        help="listen on a TCP port, as a gateway does; port 0 is any free one",
    )
    place.add_argument(
        "--pty",
        metavar="LINK",
        nargs="?",
        const="",
        help="be a serial port; LINK becomes a symbolic link to it",
    )
    parser.add_argument(
        "--sample",
        metavar="NAME",
        action=_MeterAction,
        choices=named,
        help=f"which meter to be (default: {HOUSEHOLD})",
    )
    parser.add_argument(
        "--telegram",
        metavar="FILE",
        action=_MeterAction,
        help="be the meter that sent this capture",
    )
    parser.add_argument(
        "--trace", metavar="FILE", help="play back a trace of iec21 record"
    )
    parser.add_argument(
        "--address",
        action=_MeterAction,
        help="answer to this address; may repeat: several meters on one line",
    )
    parser.add_argument(
        "--fault",
        metavar="NAME",
        action="append",
        choices=_FAULTS,
        default=[],
        help="misbehave; may repeat",
    )
    parser.add_argument(
        "--line-rate",
        action="store_true",
        help="take the time that a real line takes; without, answer at once",
    )
    parser.set_defaults(meters=None)


def faults_of(options: argparse.Namespace) -> Fault:
    """Return everything that is to go wrong."""
    fault = Fault.NONE
    for name in options.fault:
        fault |= _FAULTS[name]
    return fault


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _tcp_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not [HOST:]PORT")
    return host.strip("[]") or "127.0.0.1", int(port)
