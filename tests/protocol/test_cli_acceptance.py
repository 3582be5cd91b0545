"""What a user may rely on, seen through the command line.

Whatever is wrong with meter, head, cable or gateway: right data, or an exit status
that says what is wrong. Never wrong data, never a traceback, never a hang.

The combinations run in memory, where time costs nothing; a few run as programs
that talk to each other through real ports.
"""

from asyncio import base_events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
import json
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from iec21.cli import main
from iec21.simulator import Fault, SimulatedLink, SimulatedMeter
from iec21.simulator.sample import load_sample
from iec21.traces import Trace

BLOCK = b"0.0.0(SYN00001)\r\n" + b"".join(
    b"1.8.%d(001234.567*kWh)\r\n" % tariff for tariff in range(20)
)
EXPECTED = [("0.0.0", "SYN00001")] + [
    (f"1.8.{tariff}", "001234.567") for tariff in range(20)
]

HARMLESS = [
    *(Fault.NONE, Fault.ECHO, Fault.NOISE, Fault.PARITY_BIT, Fault.SLOW),
    *(Fault.DEAF_ONCE, Fault.ANSWERS_TWICE, Fault.WRONG_SPEED),
    *(Fault.ECHO | Fault.NOISE, Fault.ECHO | Fault.PARITY_BIT | Fault.SLOW),
    *(Fault.DEAF_ONCE | Fault.ECHO, Fault.NOISE | Fault.ANSWERS_TWICE),
]
"""What a readout has to come through."""

HARMFUL = [
    (Fault.SILENT, 3),
    (Fault.SILENT | Fault.ECHO, 3),
    (Fault.SILENT | Fault.NOISE, 3),
    (Fault.ADDRESS_WANTED, 3),
    (Fault.HANG_UP, 4),
    (Fault.DAMAGED_CHECK, 5),
    (Fault.DAMAGED_CHECK | Fault.ECHO | Fault.NOISE, 5),
    (Fault.CUT_OFF, 5),
    (Fault.CUT_OFF | Fault.PARITY_BIT, 5),
    (Fault.SIGNS_OFF, 6),
]
"""What it cannot, and the exit status."""

LINKS: dict[str, tuple[str, dict[str, Any], Fault]] = {
    "serial": ("/dev/port", {}, Fault.NONE),
    "single bytes": ("/dev/port", {"piece": 1}, Fault.NONE),
    "gateway": ("socket://gateway:1", {"can_switch": False}, Fault.NONE),
    "gateway at 8N1": (
        "socket://gateway:1",
        {"can_switch": False},
        Fault.PARITY_BIT | Fault.PARITY_WANTED,
    ),
}


MODES = {
    "A": b"/XMP EX",
    "B": b"/XMPEEX",
    "C": b"/XMP5EX",
    # Reacts after 20 ms, and is waited for no longer.
    "C, fast": b"/XMp5EX",
}

# A gateway stays at one speed, and mode B changes it unasked.
_CANNOT_BE_READ = {"gateway": "B", "gateway at 8N1": "B"}


def readable() -> Iterator[Any]:
    """Yield every link, mode and fault that a readout has to come through."""
    for link, mode, fault in product(LINKS, MODES, HARMLESS):
        if mode == _CANNOT_BE_READ.get(link):
            continue
        if link == "gateway at 8N1" and Fault.DEAF_ONCE in fault:
            # The first sign-on is lost for want of parity already.
            continue
        yield pytest.param(link, mode, fault)


type Lay = Callable[[str, str, Fault], tuple[str, SimulatedLink]]


@pytest.fixture
def lay(monkeypatch: pytest.MonkeyPatch) -> Lay:
    """Return a function that puts a meter of a mode behind a link."""

    def lay(where: str, mode: str, fault: Fault) -> tuple[str, SimulatedLink]:
        name, how, also = LINKS[where]
        meter = SimulatedMeter(
            identification=MODES[mode],
            content=BLOCK,
            address="1",
            fault=fault | also,
        )
        link = SimulatedLink(meter, **how)
        monkeypatch.setattr("iec21.client.open_transport", link.open)
        monkeypatch.setattr(
            base_events.BaseEventLoop, "time", lambda _: time.monotonic() + link.clock
        )
        return name, link

    return lay


@pytest.mark.parametrize(("where", "mode", "fault"), list(readable()), ids=str)
def test_trouble_does_not_change_the_data(
    lay: Lay,
    capsys: pytest.CaptureFixture[str],
    where: str,
    mode: str,
    fault: Fault,
) -> None:
    """In modes A, B and C, over every kind of link."""
    name, link = lay(where, mode, fault)
    assert main(["read", "--json", name]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [
        (item["address"], item["value"]) for item in document["data_sets"]
    ] == EXPECTED
    assert document["check"] == "xor"
    assert link.closed


@pytest.mark.parametrize(("fault", "status"), HARMFUL, ids=str)
@pytest.mark.parametrize("where", LINKS)
def test_what_cannot_be_read_has_its_exit_status(
    lay: Lay,
    capsys: pytest.CaptureFixture[str],
    where: str,
    fault: Fault,
    status: int,
) -> None:
    """And one line, and no data."""
    name, link = lay(where, "C", fault)
    assert main(["read", "--json", name]) == status
    printed = capsys.readouterr()
    assert json.loads(printed.out)["exit"] == status
    assert printed.err.count("\n") == 1
    assert link.closed


# -- programs -------------------------------------------------------------------

IEC21 = [sys.executable, "-m", "iec21"]


@contextmanager
def simulated(*argv: str) -> Iterator[str]:
    """Run `iec21 simulate`; give the port that it prints."""
    with subprocess.Popen(  # noqa: S603  # Our own program.
        [*IEC21, "simulate", *argv], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0


def run(*argv: str) -> tuple[int, str, str]:
    """Run `iec21`; return its exit status and what it printed."""
    process = subprocess.run(  # noqa: S603  # Our own program.
        [*IEC21, *argv], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in process.stderr
    return process.returncode, process.stdout, process.stderr


SAMPLE = "logarex_lk13be"
"""A short one: 678 bytes take 0.7 s at 9600 Bd."""

socket = pytest.mark.socket


def sample_lines() -> list[str]:
    """Return the data lines of the sample."""
    content = load_sample(SAMPLE).content
    assert isinstance(content, bytes)
    return content.decode().split()


def lines_of(text: str) -> list[str]:
    """Return the data lines that a document was made of."""
    return [
        f"{item['address']}({item['value']}{'*' * bool(item['unit'])}"
        f"{item['unit'] or ''})"
        for item in json.loads(text)["data_sets"]
    ]


@socket
@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("link", ["pty", "tcp"])
def test_programs_read_each_other(link: str, tmp_path: Path) -> None:
    """A simulated meter with much trouble, read, recorded, played back, decoded."""
    where = ["--pty", str(tmp_path / "meter")] if link == "pty" else ["--tcp", "0"]
    trace = str(tmp_path / "trace.json")
    faults = ["--fault", "echo", "--fault", "noise", "--fault", "parity-bit"]
    with simulated(*where, "--sample", SAMPLE, *faults) as port:
        status, printed, _ = run("read", "--json", port)
        assert (status, lines_of(printed)) == (0, sample_lines())
        assert run("record", port, "-o", trace)[0] == 0
    assert Trace.from_json(Path(trace).read_text()).entries
    with simulated(*where, "--trace", trace) as port:
        status, printed, _ = run("read", "--json", port)
        assert status == 0
        assert len(lines_of(printed)) == len(sample_lines())
    assert run("decode", trace)[0] == 0


@socket
@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(
    ("fault", "status"),
    [("hang-up", 4), ("signs-off", 6)],
)
def test_a_program_ends_with_what_is_wrong(fault: str, status: int) -> None:
    """Over TCP; one sentence on standard error."""
    with simulated("--tcp", "0", "--fault", fault) as port:
        ended, printed, said = run("read", port)
    assert (ended, printed) == (status, "")
    assert said.count("\n") == 1


@socket
@pytest.mark.usefixtures("socket_enabled")
def test_a_program_watches_until_ctrl_c() -> None:
    """Every telegram is one line, at once; the exit status is 0."""
    argv = ["watch", "--json", "--mode", "d"]
    with (
        simulated("--tcp", "0", "--sample", "push") as port,
        subprocess.Popen(  # noqa: S603  # Our own program.
            [*IEC21, *argv, port], stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert document["mode"] == "D"
    assert len(document["data_sets"]) > 30
