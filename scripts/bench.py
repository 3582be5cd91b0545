"""Measure what users wait for. Run through `scripts/bench`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
import subprocess
import sys
from typing import Any

from iec21.commands import Command, DataMessage, Operand
from iec21.framing import frame
from iec21.messages import Identification, OptionSelect, SignOn
from iec21.simulator.sample import HOUSEHOLD, SAMPLES, load_sample
from iec21.simulator.wire import line_time
from scripts.bench_decode import bench_decode
from scripts.bench_live import bench_live

IEC21 = str(Path(sys.executable).with_name("iec21"))
READOUT_LIMIT = 1.03
"""Duration of a readout over the time that line and norm take at least."""

GET_LIMIT = 1.05
"""The same for a single register in programming mode."""

ROUNDS = 5
"""How often a register is read; the median counts."""


def main() -> int:
    """Run one benchmark; return 1 if a number is out of its limit."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    subparsers = parser.add_subparsers(required=True)
    readout = subparsers.add_parser(
        "readout", help="a mode C readout against the time that its bits take"
    )
    readout.add_argument("samples", nargs="*", metavar="SAMPLE", default=list(SAMPLES))
    readout.set_defaults(run=bench_readout)
    get = subparsers.add_parser(
        "get", help="a register in programming mode against the time that its bits take"
    )
    get.add_argument("register", metavar="REGISTER", nargs="?", default="1.8.0")
    get.set_defaults(run=bench_get)
    live = subparsers.add_parser(
        "live", help="three registers every five seconds, in a session kept open"
    )
    live.add_argument("minutes", metavar="MINUTES", nargs="?", type=float, default=10)
    live.set_defaults(run=live_polls)
    peers = subparsers.add_parser(
        "decode", help="telegrams decoded by us and by the Python peers"
    )
    peers.add_argument("--rounds", type=int, default=25, help="default %(default)s")
    peers.set_defaults(run=lambda options: bench_decode(options.rounds))
    options = parser.parse_args()
    within: bool = options.run(options)
    return 0 if within else 1


def bench_readout(options: argparse.Namespace) -> bool:
    """Read line-rate meters and compare with the time that nobody can beat."""
    print(f"{'sample':18}{'bytes':>7}{'Bd':>7}{'duration':>10}{'least':>9}{'ratio':>8}")
    within = True
    for name in options.samples:
        with simulated(name) as port:
            document = run("read", port)
        size, least = least_time(name)
        ratio = document["duration"] / least
        within = within and ratio <= READOUT_LIMIT
        print(
            f"{name:18}{size:7}{document['baud_rate']:7}"
            f"{document['duration']:9.3f}s{least:8.3f}s{ratio:8.4f}"
        )
    print(f"the limit of the ratio is {READOUT_LIMIT}")
    return within


def least_time(name: str) -> tuple[int, float]:
    """Return the bytes of the readout, and the seconds that a session takes.

    That is the time of all bits both ways, and three reaction times: before the
    identification, before the acknowledgement and before the data.
    """
    sample = load_sample(name)
    content = sample.content if isinstance(sample.content, bytes) else sample.content()
    data = frame(content)
    identification = sample.identification
    slow = beginning(identification, mode="0")
    return len(data), (
        line_time(slow, 300)
        + line_time(data, identification.baud_rate)
        + 3 * identification.reaction_time
    )


def beginning(identification: Identification, mode: str) -> bytes:
    """Return what passes at 300 Bd, both ways; `mode` ends the acknowledgement."""
    character = identification.baud_character
    return (
        SignOn().to_bytes()
        + identification.to_bytes()
        + OptionSelect(baud_character=character, mode=mode).to_bytes()
    )


def bench_get(options: argparse.Namespace) -> bool:
    """Read one register again and again, each time in a session of its own."""
    identification = load_sample(HOUSEHOLD).identification
    with simulated(HOUSEHOLD) as port:
        documents = [run("get", port, options.register) for _ in range(ROUNDS)]
    durations = sorted(document["duration"] for document in documents)
    (answer,) = documents[0]["registers"]
    (data_set,) = answer["data_sets"]
    text = f"{data_set['address']}({data_set['value']}*{data_set['unit']})"
    # The operand, the question and its answer; five times somebody reacts: before
    # identification, acknowledgement, operand, question and answer.
    fast = (
        Operand("").to_bytes()
        + Command("R1", f"{options.register}()").to_bytes()
        + DataMessage(text).to_bytes()
    )
    least = (
        line_time(beginning(identification, mode="1"), 300)
        + line_time(fast, identification.baud_rate)
        + 5 * identification.reaction_time
    )
    median = durations[ROUNDS // 2]
    print(f"iec21 get {options.register}: {text}")
    print(
        f"{ROUNDS} times {durations[0]:.3f} to {durations[-1]:.3f} s, least"
        f" {least:.3f} s, ratio of the median {median / least:.4f},"
        f" at most {GET_LIMIT} wanted"
    )
    within: bool = median / least <= GET_LIMIT
    return within


def live_polls(options: argparse.Namespace) -> bool:
    """Poll a line-rate meter as live power is polled."""
    with simulated(HOUSEHOLD) as port:
        return bench_live(port, options.minutes)


@contextmanager
def simulated(name: str) -> Iterator[str]:
    """Run a simulated meter on a pseudo terminal; give its port."""
    with subprocess.Popen(  # noqa: S603  # Our own program.
        [IEC21, "simulate", "--pty", "--line-rate", "--sample", name],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()


def run(command: str, port: str, *arguments: str) -> dict[str, Any]:
    """Return what the command line says of one session."""
    result = subprocess.run(  # noqa: S603  # Our own program.
        [IEC21, command, "--json", port, *arguments],
        stdout=subprocess.PIPE,
        check=True,
    )
    document: dict[str, Any] = json.loads(result.stdout)
    return document


if __name__ == "__main__":
    sys.exit(main())
