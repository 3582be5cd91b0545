"""What may be said on the command line, and what it means."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, override

from ..settings import DEFAULT_TIMEOUT, Framing, Mode, Settings
from ..simulator.meter import Fault
from ..simulator.sample import HOUSEHOLD, SAMPLES
from ..telegram import Check

_INTRODUCTION = """\
Read meters that speak IEC 62056-21 (IEC 61107, IEC 1107): electricity, heat,
water, gas; through an optical head, RS-485, a current loop or a gateway.
"""

_EXAMPLES = """\
examples:
  iec21 read /dev/ttyUSB0                 everything the meter tells, as a table
  iec21 read --json socket://10.0.0.5:2001
  iec21 identify /dev/ttyUSB0             who is it?
  iec21 decode capture.txt                a telegram in a file, no meter needed
  iec21 simulate --tcp 2001               no meter yet? this is one:
  iec21 read socket://127.0.0.1:2001

PORT is a device (/dev/ttyUSB0, COM3) or a URL: socket://HOST:PORT for a raw TCP
gateway, rfc2217://HOST:PORT for one that can change the speed, esphome://… for
a serial proxy.

exit status:
  0 done   2 wrong usage   3 nobody answered   4 the port cannot be used
  5 the answer cannot be used (damaged, or another protocol)
  6 the meter refused
"""

_READ_EXAMPLES = """\
examples:
  iec21 read /dev/ttyUSB0
  iec21 read /dev/ttyUSB0 --address 12345678     one of several meters on a line
  iec21 read /dev/ttyUSB0 --wake-up 66           a heat meter on a battery
  iec21 read /dev/ttyUSB0 --mode d --baud 9600   a meter that sends by itself
  iec21 read --json /dev/ttyUSB0 > readout.json
"""

_DECODE_EXAMPLES = """\
The file may hold the bytes as they came, the same in hexadecimal, or text with
<STX> and its like. Identification, frame and check may be missing. A damaged
telegram is shown as far as it goes, and the exit status is 5.

examples:
  iec21 decode capture.txt
  xxd -p capture.bin | iec21 decode --json -
"""

_SIMULATE_EXAMPLES = """\
The first line printed is the PORT to give to a client. Ctrl-C ends it.

samples:
{samples}

faults:
{faults}

examples:
  iec21 simulate --tcp 2001
  iec21 simulate --pty /tmp/meter --line-rate --sample iskra_mt174
  iec21 simulate --tcp 0 --telegram capture.txt --fault noise --fault slow
  iec21 simulate --tcp 2001 --address 1 --sample household \\
                            --address 2 --sample iskra_mt174
"""

_FAULTS = {str(fault.name).lower().replace("_", "-"): fault for fault in Fault}


class UsageError(Exception):
    """The command line does not make sense; the text is one sentence."""


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
        description=_INTRODUCTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(
        metavar="COMMAND", required=True, parser_class=_Parser
    )
    _add_read(subparsers)
    _add_identify(subparsers)
    _add_decode(subparsers)
    _add_simulate(subparsers)
    return parser.parse_args(argv)


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
            wake_up=options.wake_up,
            timeout=options.timeout,
            check=Check(options.check),
        )
    except ValueError as error:
        raise UsageError(f"{error}; see iec21 read --help") from error


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
        _READ_EXAMPLES,
    )
    _add_port(parser)


def _add_identify(subparsers: Any) -> None:
    parser = _add_command(
        subparsers, "identify", "ask who answers, and nothing else", ""
    )
    _add_port(parser)


def _add_decode(subparsers: Any) -> None:
    parser = _add_command(
        subparsers, "decode", "show what a captured telegram says", _DECODE_EXAMPLES
    )
    parser.add_argument("file", metavar="FILE", help="a file, or - for standard input")
    _add_check(parser)


def _add_simulate(subparsers: Any) -> None:
    samples = "\n".join(f"  {name:18}{text}" for name, text in SAMPLES.items())
    faults = "  " + "\n  ".join(sorted(_FAULTS))
    parser = _add_command(
        subparsers,
        "simulate",
        "be a meter, for trying things out",
        _SIMULATE_EXAMPLES.format(samples=samples, faults=faults),
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
        choices=SAMPLES,
        help=f"which meter to be (default: {HOUSEHOLD})",
    )
    parser.add_argument(
        "--telegram",
        metavar="FILE",
        action=_MeterAction,
        help="be the meter that sent this capture",
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


def _tcp_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not [HOST:]PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _add_port(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("port", metavar="PORT", help="device path or URL")
    parser.add_argument(
        "--address",
        default="",
        help="device address, where several meters share a line",
    )
    parser.add_argument(
        "--mode",
        type=str.lower,
        choices=[mode.value for mode in Mode],
        default=Mode.AUTO.value,
        help="protocol mode (default: what the meter offers; d: it sends by itself)",
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
        "--wake-up",
        metavar="N",
        type=int,
        default=0,
        help="send N zero bytes first, 66 for most meters on a battery",
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        default=DEFAULT_TIMEOUT,
        help=f"seconds of silence that end the wait (default: {DEFAULT_TIMEOUT})",
    )
    _add_check(parser)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check",
        type=str.lower,
        choices=[
            check.value for check in (Check.AUTO, Check.XOR, Check.SUM, Check.NONE)
        ],
        default=Check.AUTO.value,
        help="which block check to expect; none takes a damaged readout, too",
    )
