"""Measure what users wait for. Run through `scripts/bench`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
import subprocess
import sys

from iec21.framing import frame
from iec21.messages import OptionSelect, SignOn
from iec21.simulator.sample import SAMPLES, load_sample
from iec21.simulator.wire import line_time
from scripts.bench_decode import bench_decode

IEC21 = str(Path(sys.executable).with_name("iec21"))
READOUT_LIMIT = 1.03
"""Duration of a readout over the time that line and norm take at least."""


def main() -> int:
    """Run one benchmark; return 1 if a number is out of its limit."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    subparsers = parser.add_subparsers(required=True)
    readout = subparsers.add_parser(
        "readout", help="a mode C readout against the time that its bits take"
    )
    readout.add_argument("samples", nargs="*", metavar="SAMPLE", default=list(SAMPLES))
    readout.set_defaults(run=bench_readout)
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
            document = read(port)
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
    character = identification.baud_character
    slow = (
        SignOn().to_bytes()
        + identification.to_bytes()
        + OptionSelect(baud_character=character).to_bytes()
    )
    return len(data), (
        line_time(slow, 300)
        + line_time(data, identification.baud_rate)
        + 3 * identification.reaction_time
    )


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


def read(port: str) -> dict[str, float]:
    """Return what the command line says of one readout."""
    result = subprocess.run(  # noqa: S603  # Our own program.
        [IEC21, "read", "--json", port], stdout=subprocess.PIPE, check=True
    )
    document: dict[str, float] = json.loads(result.stdout)
    return document


if __name__ == "__main__":
    sys.exit(main())
