"""The commands that look for meters, stay with one, or write down what it says.

Meters are simulated ones in memory, put in the place of `open_transport`.
"""

import asyncio
from asyncio import base_events
from collections.abc import Callable, Sequence
import errno
import io
import json
import os
from pathlib import Path
import signal
import sys
import time
from types import SimpleNamespace
from typing import Any, override

import pytest

from iec21 import Check, LinkError, Settings, TelegramError, decode
from iec21.cli import main, output
from iec21.cli.choices import options_for
from iec21.ports import SerialPort, list_ports
from iec21.settings import Framing, Mode
from iec21.simulator import (
    Fault,
    PushMeter,
    ReplayMeter,
    Responder,
    SimulatedLink,
    SimulatedMeter,
)
from iec21.simulator.sample import make_push_meter
from iec21.traces import Trace

BLOCK = b"0.0.0(SYN00001)\r\n1.8.0(001234.567*kWh)\r\n"
IDENTIFICATION = b"/XMP5EXAMPLE"


class Stopped(SimulatedLink):
    """A link during which somebody presses Ctrl-C, sooner or later."""

    opens_until_stop = 1000
    reads_until_stop = 1000
    number = signal.SIGINT

    @override
    async def open(self, port: str, settings: Settings) -> SimulatedLink:
        self.opens_until_stop -= 1
        if self.opens_until_stop < 0:
            os.kill(os.getpid(), self.number)
            await asyncio.sleep(1)
        return await super().open(port, settings)

    @override
    async def read(self, patience: float) -> bytes:
        self.reads_until_stop -= 1
        if self.reads_until_stop < 0:
            os.kill(os.getpid(), self.number)
            await asyncio.sleep(1)
        return await super().read(patience)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stopped]:
    """Return a function that puts a simulated meter on every port."""

    def connect(device: Responder, *, can_switch: bool = True) -> Stopped:
        link = Stopped(device, baud_rate=300, can_switch=can_switch)
        monkeypatch.setattr("iec21.client.open_transport", link.open)
        # The client and the trace have to see the time go.
        monkeypatch.setattr(
            base_events.BaseEventLoop, "time", lambda _: time.monotonic() + link.clock
        )
        clock = SimpleNamespace(monotonic=lambda: link.clock)
        monkeypatch.setattr("iec21.transport.time", clock)
        return link

    return connect


def meter(fault: Fault = Fault.NONE, **changes: Any) -> SimulatedMeter:
    """Return a meter in mode C with two data sets."""
    return SimulatedMeter(
        identification=IDENTIFICATION, content=BLOCK, fault=fault, **changes
    )


def push(fault: Fault = Fault.NONE, check: Check = Check.NONE) -> PushMeter:
    """Return a meter that sends by itself."""
    return PushMeter(
        identification=IDENTIFICATION,
        content=BLOCK,
        first_baud_rate=9600,
        interval=1.0,
        check=check,
        fault=fault,
    )


def documents(text: str) -> list[Any]:
    """Return the JSON documents in `text`, one per line."""
    return [json.loads(line) for line in text.splitlines()]


# -- search ---------------------------------------------------------------------

STUBBORN = [
    pytest.param(
        lambda: meter(Fault.WAKE_UP_WANTED),
        ["--framing", "7e2", "--wake-up", "66"],
        id="wake-up",
    ),
    pytest.param(
        lambda: meter(Fault.WAKE_UP_WANTED, selector="#", wake_up_time=(1.2, 1.4)),
        ["--framing", "7e2", "--sign-on", "#", "--wake-up", "40"],
        id="another sign-on",
    ),
    pytest.param(push, ["--mode", "d", "--baud", "9600"], id="push"),
    pytest.param(
        lambda: meter(Fault.PARITY_WANTED),
        ["--framing", "8n1", "--software-parity"],
        id="software parity",
    ),
    pytest.param(lambda: meter(first_baud_rate=9600), ["--baud", "9600"], id="9600 Bd"),
]
"""Meters that no ordinary sign-on reaches, and the options that do."""


@pytest.mark.parametrize(("make", "learned"), STUBBORN)
def test_read_needs_no_options(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    make: Callable[[], Responder],
    learned: list[str],
) -> None:
    """A meter that a search can find is read; what was learned is said."""
    connect(make())
    assert main(["read", "--json", "/dev/port"]) == 0
    (document,) = documents(capsys.readouterr().out)
    assert document["options"] == learned
    assert [item["value"] for item in document["data_sets"]] == [
        "SYN00001",
        "001234.567",
    ]
    assert document["duration"] < 60


@pytest.mark.parametrize(("make", "learned"), STUBBORN)
def test_what_was_learned_spares_the_search(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    make: Callable[[], Responder],
    learned: list[str],
) -> None:
    """The port is opened once with the options that were found."""
    link = connect(make())
    assert main(["read", "--json", "/dev/port", *learned]) == 0
    (document,) = documents(capsys.readouterr().out)
    assert "options" not in document
    assert link.opened == 1


def test_read_says_how_to_spare_the_search(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """As a line to copy, on standard error."""
    connect(meter(Fault.WAKE_UP_WANTED))
    assert main(["read", "/dev/port"]) == 0
    assert capsys.readouterr().err == (
        "iec21: without a search next time:"
        " iec21 read /dev/port --framing 7e2 --wake-up 66\n"
    )


@pytest.mark.parametrize(
    ("device", "status"), [(Fault.SILENT, 3), (Fault.ADDRESS_WANTED, 3)]
)
@pytest.mark.parametrize("command", ["read", "identify"])
def test_a_silent_meter_ends_the_search(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    command: str,
    device: Fault,
    status: int,
) -> None:
    """Within 40 s, with what was tried, in one line."""
    link = connect(meter(device, address="12"))
    assert main([command, "/dev/port"]) == status
    printed = capsys.readouterr().err
    assert "tried: plain, " in printed
    assert "wake-up" in printed
    assert "--address" in printed
    assert printed.count("\n") == 1
    assert link.clock < 40
    assert link.closed


@pytest.mark.parametrize(
    "options", [["--no-search"], ["--baud", "300"], ["--wake-up", "5"]]
)
def test_a_search_is_not_for_those_who_know(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    """What the user has said about the beginning is all that is tried."""
    link = connect(meter(Fault.SILENT))
    assert main(["read", "/dev/port", *options]) == 3
    assert link.opened == 1
    assert "tried" not in capsys.readouterr().err


def test_once_a_meter_has_answered_nothing_was_tried_in_vain(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence is about the damage."""
    connect(meter(Fault.DAMAGED_CHECK))
    assert main(["read", "/dev/port"]) == 5
    assert "tried" not in capsys.readouterr().err


def test_a_p1_port_is_named(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """With who reads it."""
    connect(make_push_meter("p1"))
    assert main(["read", "/dev/port"]) == 5
    assert "DSMR" in capsys.readouterr().err


def test_identify_finds_stubborn_meters(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """And does not wait for the readout."""
    link = connect(meter(Fault.WAKE_UP_WANTED))
    assert main(["identify", "/dev/port", "--json"]) == 0
    (document,) = documents(capsys.readouterr().out)
    assert list(document) == [
        *("port", "mode", "baud_rate", "identification", "options"),
    ]
    assert document["mode"] == "C"
    assert link.sent[-1] == b"/?!\r\n"


def test_identify_may_be_told_not_to_search(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """Then only those answer who are ordinary."""
    connect(meter())
    assert main(["identify", "/dev/port", "--no-search"]) == 0
    assert capsys.readouterr().out.startswith("/XMP5EXAMPLE\n")


def test_identify_says_that_a_meter_sends_by_itself(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """The speed is that of its telegrams."""
    connect(push())
    assert main(["identify", "/dev/port"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "sends by itself at 9600 Bd"
    assert main(["identify", "/dev/port", "--json"]) == 0
    (document,) = documents(capsys.readouterr().out)
    assert document["mode"] == "D"
    assert document["baud_rate"] == 9600


def test_identify_cannot_name_who_does_not_say(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """Some meters send a list without identification."""
    device = meter(lists={"2": b"2.8.0(1)\r\n"}, bare_lists=True, selector="#")
    device.lists = {"?": BLOCK}
    connect(device)
    assert main(["identify", "/dev/port"]) == 5
    assert "without saying who it is" in capsys.readouterr().err


def test_every_setting_of_a_recipe_has_its_option() -> None:
    """Whatever a search may find can be said on the command line."""
    found = Settings(
        address="42",
        mode=Mode.D,
        baud_rate=9600,
        max_baud_rate=300,
        framing=Framing.SEVEN_EVEN_TWO,
        software_parity=True,
        selector="#",
        wake_up=40,
    )
    assert options_for(found, Settings(address="0042")) == [
        *("--address", "42"),
        *("--mode", "d", "--baud", "9600", "--max-baud", "300", "--framing", "7e2"),
        *("--software-parity", "--sign-on", "#", "--wake-up", "40"),
    ]
    assert options_for(found, found) == []
    assert options_for(Settings(software_parity=False), Settings()) == []


# -- watch ----------------------------------------------------------------------


def test_watch_reads_again_and_again(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """One document per line, until Ctrl-C, which is no failure."""
    link = connect(meter())
    link.opens_until_stop = 3
    assert main(["watch", "/dev/port", "--json", "--interval", "0"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert len(documents(printed.out)) == 3
    assert list(documents(printed.out)[0]) == [
        *("port", "mode", "baud_rate", "check", "duration"),
        *("identification", "data_sets", "readings", "time"),
    ]
    assert link.closed


def test_watch_prints_tables(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with the time; SIGTERM ends it as well."""
    link = connect(meter())
    link.opens_until_stop = 2
    link.number = signal.SIGTERM
    assert main(["watch", "/dev/port", "--interval", "0"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("/XMP5EXAMPLE\n") == 2
    assert printed.startswith("20")


def test_watch_keeps_its_interval(
    connect: Callable[..., Stopped], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the beginning of one readout to that of the next."""
    link = connect(meter())
    link.opens_until_stop = 3
    pauses: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds > 10:
            pauses.append(seconds + link.clock)
            link.elapse(seconds)
        await real_sleep(0)

    monkeypatch.setattr("iec21.cli.watch.asyncio.sleep", sleep)
    assert main(["watch", "/dev/port"]) == 0
    assert pauses == pytest.approx([60.0, 120.0, 180.0], abs=5)


def test_watch_searches_once(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """What has worked is used from then on; each readout is one wake-up."""
    device = meter(Fault.WAKE_UP_WANTED)
    link = connect(device)
    link.opens_until_stop = 11
    assert main(["watch", "/dev/port", "--json", "--interval", "0"]) == 0
    found = len(documents(capsys.readouterr().out))
    assert found >= 3
    assert device.wake_ups == found


def test_watch_goes_on_after_a_failure(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is a line on standard error, and a document."""
    device = meter(Fault.DAMAGED_CHECK)
    link = connect(device)
    link.opens_until_stop = 2
    assert main(["watch", "/dev/port", "--json", "--interval", "0"]) == 0
    printed = capsys.readouterr()
    assert [list(one) for one in documents(printed.out)] == [["error", "exit"]] * 2
    assert {one["exit"] for one in documents(printed.out)} == {5}
    assert printed.err.count("\n") == 2


def test_watch_waits_for_a_port_that_is_away(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says so once, and comes back with the port."""
    link = connect(meter())
    link.opens_until_stop = 6
    link.open_error = LinkError("/dev/port: there is no such port")

    async def open_later(port: str, settings: Settings) -> SimulatedLink:
        if link.opens_until_stop == 2:
            link.open_error = None
        return await link.open(port, settings)

    monkeypatch.setattr("iec21.client.open_transport", open_later)
    assert main(["watch", "/dev/port", "--interval", "0"]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("there is no such port") == 1
    assert printed.out.count("/XMP5EXAMPLE\n") == 2


@pytest.mark.parametrize("options", [[], ["--mode", "d", "--baud", "9600"]])
def test_watch_shows_every_telegram(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    """Of a meter that sends by itself, found by a search or known."""
    link = connect(push())
    link.reads_until_stop = 400
    assert main(["watch", "/dev/port", "--json", *options]) == 0
    printed = documents(capsys.readouterr().out)
    assert len(printed) > 5
    assert {one["mode"] for one in printed} == {"D"}
    assert all(len(one["data_sets"]) == 2 for one in printed)
    assert all(one["duration"] < 1 for one in printed[1:])


def test_watch_says_when_a_telegram_is_damaged(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """And waits for the next one."""
    link = connect(push(Fault.DAMAGED_CHECK, Check.CRC16))
    link.reads_until_stop = 100
    options = ["--mode", "d", "--baud", "9600", "--json"]
    assert main(["watch", "/dev/port", *options]) == 0
    printed = documents(capsys.readouterr().out)
    assert len(printed) > 3
    assert {one["exit"] for one in printed} == {5}


def test_watch_listens_again_after_silence(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """The adapter may have been moved; the port is opened anew."""
    link = connect(push(Fault.SILENT))
    link.opens_until_stop = 2
    options = ["--mode", "d", "--baud", "9600", "--json", "--interval", "0"]
    assert main(["watch", "/dev/port", *options]) == 0
    assert [one["exit"] for one in documents(capsys.readouterr().out)] == [3, 3]


def test_watch_does_not_wait_for_another_protocol_to_change(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """A P1 port stays one."""
    connect(make_push_meter("p1"))
    assert main(["watch", "/dev/port"]) == 5
    assert "DSMR" in capsys.readouterr().err


# -- record ---------------------------------------------------------------------

SECRET = BLOCK.replace(b"SYN00001", b"12345678")


def test_record_writes_a_trace_to_send_along(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """The number of the meter is masked, and all the rest can be played back."""
    device = meter()
    device.content = SECRET
    connect(device)
    file = tmp_path / "meter.json"
    assert main(["record", "/dev/port", "-o", str(file)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith(f"{file}: ")
    assert f"iec21 decode {file}" in printed.out
    text = file.read_text()
    assert "12345678" not in text
    assert "XXXXXXXX" in text
    connect(ReplayMeter(Trace.from_json(text)))
    assert main(["read", "--json", "/dev/port"]) == 0
    (document,) = documents(capsys.readouterr().out)
    assert document["data_sets"][1]["value"] == "001234.567"
    assert main(["decode", "--json", str(file)]) == 0


def test_record_may_keep_everything(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """On request, with a warning."""
    device = meter()
    device.content = SECRET
    connect(device)
    file = tmp_path / "meter.json"
    assert main(["record", "/dev/port", "--raw", "--json", "-o", str(file)]) == 0
    printed = capsys.readouterr()
    assert "nothing was masked" in printed.err
    assert "12345678" in file.read_text()
    (document,) = documents(printed.out)
    trace = Trace.from_json(file.read_text())
    assert document == {
        "file": str(file),
        "redacted": False,
        "entries": len(trace.entries),
        "received": len(trace.received),
    }


def test_record_finds_a_name_by_itself(
    connect: Callable[..., Stopped],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A new one in the folder where the user is."""
    connect(meter())
    monkeypatch.chdir(tmp_path)
    assert main(["record", "/dev/port"]) == 0
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("iec21-trace-20")


def test_record_may_write_to_standard_output(
    connect: Callable[..., Stopped], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else is there, then."""
    connect(meter())
    assert main(["record", "/dev/port", "-o", "-"]) == 0
    assert len(decode(capsys.readouterr().out.encode()).data_sets) == 2


@pytest.mark.parametrize(
    ("fault", "status"), [(Fault.DAMAGED_CHECK, 5), (Fault.SILENT, 3)]
)
def test_record_keeps_a_failure(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    fault: Fault,
    status: int,
) -> None:
    """That is what it is for."""
    connect(meter(fault))
    file = tmp_path / "meter.json"
    assert main(["record", "/dev/port", "--json", "-o", str(file)]) == status
    printed = capsys.readouterr()
    (document,) = documents(printed.out)
    assert document["exit"] == status
    assert document["error"] in printed.err
    assert b"/?!" in Trace.from_json(file.read_text()).sent


def test_record_writes_no_empty_file(
    connect: Callable[..., Stopped], tmp_path: Path
) -> None:
    """A port that cannot be opened has nothing to tell."""
    connect(meter()).open_error = LinkError("/dev/port: there is no such port")
    assert main(["record", "/dev/port", "-o", str(tmp_path / "meter.json")]) == 4
    assert list(tmp_path.iterdir()) == []


def test_record_replaces_a_file_that_was_named(
    connect: Callable[..., Stopped], tmp_path: Path
) -> None:
    """The old one is there until the new one is complete."""
    connect(meter())
    file = tmp_path / "meter.json"
    file.write_text("old")
    assert main(["record", "/dev/port", "-o", str(file)]) == 0
    assert Trace.from_json(file.read_text()).entries


# -- scan -----------------------------------------------------------------------


class Ports:
    """A machine with several ports."""

    def __init__(self, **links: Responder | Exception) -> None:
        """Put a meter or a failure on each."""
        self.links = {
            name: link
            if isinstance(link, Exception)
            else SimulatedLink(link, baud_rate=300)
            for name, link in links.items()
        }

    async def open(self, port: str, settings: Settings) -> SimulatedLink:
        """Stand in for `open_transport`."""
        link = self.links[port]
        if isinstance(link, Exception):
            raise link
        return await link.open(port, settings)


def busy() -> LinkError:
    """Return the error of a port that another program uses."""
    error = LinkError("used: another program uses it")
    error.__cause__ = OSError(errno.EBUSY, "busy")
    return error


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that gives this machine its ports."""

    def machine(**links: Responder | Exception) -> None:
        ports = Ports(**links)
        monkeypatch.setattr("iec21.client.open_transport", ports.open)
        found = [SerialPort(name, f"adapter {name}") for name in ports.links]
        monkeypatch.setattr("iec21.cli.scan.list_ports", lambda: found)

    return machine


def test_scan_says_what_answers_on_each_port(
    machine: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """In the order of the ports; a failure of one is no failure of the scan."""
    machine(
        head=meter(),
        heat=meter(Fault.WAKE_UP_WANTED),
        nobody=meter(Fault.SILENT),
        mirror=meter(Fault.SILENT | Fault.ECHO),
        used=busy(),
        gone=LinkError("gone: the adapter was unplugged"),
        modem=TelegramError("odd"),
    )
    assert main(["scan", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "iec21: opening a port may reset what hangs on it\n"
    (document,) = documents(printed.out)
    assert [(one["port"], one["status"]) for one in document["ports"]] == [
        ("head", "meter"),
        ("heat", "meter"),
        ("nobody", "silent"),
        ("mirror", "echo"),
        ("used", "in use"),
        ("gone", "unusable"),
        ("modem", "garbled"),
    ]
    head, heat, nobody = document["ports"][:3]
    assert list(head) == [
        *("port", "description", "status", "mode", "baud_rate", "identification"),
        *("options", "error"),
    ]
    assert head["identification"]["raw"] == "/XMP5EXAMPLE"
    assert head["error"] is None
    assert heat["options"] == ["--framing", "7e2", "--wake-up", "66"]
    assert list(nobody) == list(head)
    assert nobody["identification"] is None


def test_scan_prints_the_command_that_reads_the_meter(
    machine: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """And one line about every other port."""
    machine(head=meter(), used=busy())
    assert main(["scan"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "head (adapter head)",
        "  /XMP5EXAMPLE",
        "  manufacturer XMP, type EXAMPLE, offers mode C at 9600 Bd",
        "  iec21 read head",
        "used (adapter used)",
        (
            "  in use: used: another program uses it; check the cable and the name of"
            " the port"
        ),
    ]


def test_scan_of_other_protocols_names_them(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And of ports that are named it looks at no others."""
    link = connect(meter())

    async def sml(_patience: float) -> bytes:
        await asyncio.sleep(0)
        return b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01\x76\x05\x00"

    monkeypatch.setattr(link, "read", sml)
    assert main(["scan", "/dev/port"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("/dev/port\n  other protocol: the meter speaks SML")


def test_scan_of_no_port_finds_nothing(
    machine: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """That is no failure."""
    machine()
    assert main(["scan"]) == 0
    assert capsys.readouterr() == ("there is no serial port on this machine\n", "")
    assert main(["scan", "--json"]) == 0
    assert documents(capsys.readouterr().out) == [{"ports": []}]


def test_scan_never_hangs(
    connect: Callable[..., Stopped],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever a port does when it is opened."""
    monkeypatch.setattr("iec21.cli.scan.LIMIT", 0.01)
    link = connect(meter())

    async def hang(_port: str, _settings: Settings) -> SimulatedLink:
        await asyncio.sleep(3600)
        return link

    monkeypatch.setattr("iec21.client.open_transport", hang)
    assert main(["scan", "/dev/port", "--json"]) == 0
    (document,) = documents(capsys.readouterr().out)
    assert document["ports"][0]["status"] == "unusable"


def test_scan_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, in one line that is erased at the end."""

    class Terminal(io.StringIO):
        @override
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    count = output.Count(2, "ports", quiet=False)
    count.advance()
    count.erase()
    assert terminal.getvalue().split("\r\x1b[K") == [
        *("", "0 of 2 ports done", "1 of 2 ports done", ""),
    ]


def test_the_ports_of_this_machine_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order; the adapter's maker is named once."""

    def port(device: str, maker: str | None, product: str | None) -> Any:
        return SimpleNamespace(device=device, manufacturer=maker, product=product)

    listed: Sequence[Any] = [
        port("/dev/ttyUSB1", "FTDI", "FT232R"),
        port("/dev/ttyS0", None, None),
        port("/dev/ttyUSB0", "Silicon Labs", "Silicon Labs CP2102"),
    ]
    monkeypatch.setattr("iec21.ports.serialx.list_serial_ports", lambda: listed)
    assert list_ports() == [
        SerialPort("/dev/ttyS0", ""),
        SerialPort("/dev/ttyUSB0", "Silicon Labs CP2102"),
        SerialPort("/dev/ttyUSB1", "FTDI FT232R"),
    ]
