"""The command line: what it prints, where, and how it ends.

Meters are simulated ones in memory, put in the place of `open_transport`.
"""

import builtins
from collections.abc import Callable, Sequence
import io
import json
import os
from pathlib import Path
import queue
import runpy
import signal
import socket
import subprocess
import sys
import threading
from typing import Any, override

import pytest

from iec21 import (
    Check,
    CommandRefusedError,
    EchoOnlyError,
    Framing,
    IecError,
    LinkError,
    MeterRefusedError,
    MeterTimeoutError,
    Mode,
    OtherProtocolError,
    PasswordRefusedError,
    PasswordSpentError,
    Pin,
    Retrying,
    SessionEndedError,
    Settings,
    SettingsFound,
    TelegramError,
    UnusablePasswordError,
)
from iec21.cli import main, output
from iec21.cli.commands import COMMANDS
from iec21.cli.failures import explain
from iec21.framing import frame
from iec21.messages import Identification
from iec21.simulator import Fault, SimulatedLink, SimulatedMeter
from iec21.simulator.sample import (
    DEFAULT_IDENTIFICATION,
    HOUSEHOLD,
    SAMPLES,
    load_sample,
    load_telegram,
    read_sample,
)
from iec21.steps import DataArrived, Identified
from iec21.traces import Trace

BLOCK = (
    b"0.0.0(SYN00001)\r\n"
    b"1.8.0(001234.567*kWh)\r\n"
    b"1.8.0*03(001000.000*kWh)\r\n"
    b"1.6.0(02.468*kW)(2603101815)\r\n"
    b"94.91.0(\x1b[2J)\r\n"
    b"Rubbish\r\n"
)
TIME = "2026-03-10T18:15:00"
IDENTIFICATION = b"/ISk5MT174-0001"
CAPTURE = IDENTIFICATION + b"\r\n" + frame(BLOCK)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., SimulatedLink]:
    """Return a function that puts a simulated meter on every port."""

    def connect(fault: Fault = Fault.NONE, link: Any = SimulatedLink) -> SimulatedLink:
        meter = SimulatedMeter(
            identification=IDENTIFICATION, content=BLOCK, fault=fault, address="12"
        )
        made: SimulatedLink = link(meter)
        monkeypatch.setattr("iec21.client.open_transport", made.open)
        return made

    return connect


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    @override
    def isatty(self) -> bool:
        return True

    @override
    def fileno(self) -> int:
        return 0


def document(text: str) -> Any:
    """Return the one JSON document in `text`."""
    return json.loads(text)


# -- read -----------------------------------------------------------------------


def test_read_prints_a_table(
    connect: Callable[..., SimulatedLink], capsys: pytest.CaptureFixture[str]
) -> None:
    """Who it is, how it was read, and every data set with its meaning."""
    link = connect()
    assert main(["read", "/dev/ttyUSB0"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "/ISk5MT174-0001",
        "manufacturer ISK (Iskraemeco), type MT174-0001, offers mode C at 9600 Bd",
        "6 data sets, check: xor, mode C, 9600 Bd, 0.0 s",
        "",
        "Code         Value  Unit  Meaning                            Time",
        "0.0.0     SYN00001        meter number",
        "1.8.0     1234.567  kWh   active energy import",
        "1.8.0*03  1000.000  kWh   active energy import (period *03)",
        f"1.6.0        2.468  kW    active demand import maximum       {TIME}",
        r"94.91.0    \x1b[2J",
        "not understood: Rubbish",
    ]
    assert printed.err == ""
    assert link.closed


def test_read_prints_a_document(
    connect: Callable[..., SimulatedLink], capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts rely on these keys, their order and their types."""
    connect()
    assert main(["read", "--json", "/dev/ttyUSB0"]) == 0
    printed = document(capsys.readouterr().out)
    duration = printed["duration"]
    assert isinstance(duration, float)
    assert list(printed.items())[:6] == [
        ("port", "/dev/ttyUSB0"),
        ("mode", "C"),
        ("baud_rate", 9600),
        ("check", "xor"),
        ("duration", duration),
        (
            "identification",
            {
                "raw": "/ISk5MT174-0001",
                "manufacturer": "ISK",
                "manufacturer_name": "Iskraemeco",
                "baud_character": "5",
                "text": "MT174-0001",
                "fast": True,
            },
        ),
    ]
    assert list(printed) == [
        *("port", "mode", "baud_rate", "check", "duration"),
        *("identification", "data_sets", "readings"),
    ]
    assert printed["data_sets"][3:5] == [
        {"address": "1.6.0", "value": "02.468", "unit": "kW"},
        {"address": "", "value": "2603101815", "unit": None},
    ]
    assert printed["readings"][2:4] == [
        {
            "code": "1-0:1.8.0",
            "key": "active_energy_import",
            "value": "1000.000",
            "unit": "kWh",
            "timestamp": None,
            "billing_period": "*03",
            "age": 3,
        },
        {
            "code": "1-0:1.6.0",
            "key": "active_demand_import_maximum",
            "value": "2.468",
            "unit": "kW",
            "timestamp": TIME,
            "billing_period": None,
            "age": None,
        },
    ]


ARGUMENTS = [
    *("--address", "12", "--mode", "C", "--baud", "600", "--max-baud", "4800"),
    *("--framing", "8n1", "--wake-up", "3", "--timeout", "1.5", "--check", "xor"),
    *("--no-switch", "--software-parity", "--sign-on", "2", "--no-search"),
    *("--character-timeout", "0.7", "--dtr", "LOW", "--rts", "untouched"),
    *("--option", "7"),
]


@pytest.mark.parametrize("place", [0, 1], ids=["before PORT", "after PORT"])
def test_every_setting_has_its_option(
    connect: Callable[..., SimulatedLink], place: int
) -> None:
    """They may stand before or after the port, and reach the client."""
    link = connect()
    argv = ["port"]
    argv[place:place] = ARGUMENTS
    main(["read", "--json", *argv])
    assert link.settings == Settings(
        address="12",
        mode=Mode.C,
        baud_rate=600,
        max_baud_rate=4800,
        switch_baud_rate=False,
        framing=Framing.EIGHT_NONE_ONE,
        software_parity=True,
        selector="2",
        option="7",
        wake_up=3,
        timeout=1.5,
        character_timeout=0.7,
        dtr=Pin.LOW,
        rts=Pin.UNTOUCHED,
        check=Check.XOR,
    )


def test_verbose_shows_the_bytes(
    connect: Callable[..., SimulatedLink], capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error; the table stays clean."""
    connect()
    main(["read", "-v", "port"])
    printed = capsys.readouterr()
    assert r"> b'/?!\r\n'" in printed.err
    assert "/?!" not in printed.out


# -- identify -------------------------------------------------------------------


def test_identify_asks_who_is_there(
    connect: Callable[..., SimulatedLink], capsys: pytest.CaptureFixture[str]
) -> None:
    """And does not wait for the readout."""
    link = connect()
    assert main(["identify", "port"]) == 0
    assert capsys.readouterr().out == (
        "/ISk5MT174-0001\n"
        "manufacturer ISK (Iskraemeco), type MT174-0001, offers mode C at 9600 Bd\n"
    )
    assert link.closed
    assert link.clock < 2


def test_identify_prints_a_document(
    connect: Callable[..., SimulatedLink], capsys: pytest.CaptureFixture[str]
) -> None:
    """Mode and speed are what the meter offers."""
    connect()
    assert main(["identify", "port", "--json"]) == 0
    printed = document(capsys.readouterr().out)
    assert list(printed) == ["port", "mode", "baud_rate", "identification"]
    assert printed["baud_rate"] == 9600


# -- decode ---------------------------------------------------------------------


def save(folder: Path, data: bytes) -> str:
    """Return the name of a new file with `data` in it."""
    file = folder / "capture"
    file.write_bytes(data)
    return str(file)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda data: data, id="raw"),
        pytest.param(lambda data: data.hex().encode(), id="hexadecimal"),
        pytest.param(
            lambda data: (
                data.replace(b"\x02", b"<STX>")
                .replace(b"\x03", b"<ETX>")
                .replace(b"\r\n", b"<CRLF>")
            ),
            id="notation",
        ),
    ],
)
def test_decode_takes_a_file_in_any_form(
    form: Callable[[bytes], bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The document has nothing that a file cannot know."""
    assert main(["decode", "--json", save(tmp_path, form(CAPTURE))]) == 0
    printed = document(capsys.readouterr().out)
    assert list(printed) == [
        *("mode", "baud_rate", "check", "identification", "data_sets", "readings"),
    ]
    assert printed["check"] == "xor"
    assert len(printed["data_sets"]) == 6


def test_decode_reads_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dash stands for it; without identification there is none to show."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(frame(BLOCK))))
    assert main(["decode", "-"]) == 0
    assert capsys.readouterr().out.startswith("6 data sets, check: xor\n\nCode")


def test_decode_without_identification(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody said is null."""
    assert main(["decode", "--json", save(tmp_path, BLOCK)]) == 0
    printed = document(capsys.readouterr().out)
    assert printed["identification"] is None
    assert printed["mode"] is None
    assert printed["baud_rate"] is None
    assert printed["check"] == "none"


def test_decode_shows_what_a_damaged_file_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody has to believe it: the exit status says so, and one line."""
    damaged = CAPTURE.replace(b"1234", b"1235")
    assert main(["decode", save(tmp_path, damaged)]) == 5
    printed = capsys.readouterr()
    assert "1235.567" in printed.out
    assert "the block check is " in printed.err
    assert printed.err.endswith("; the capture is damaged\n")
    assert printed.err.count("\n") == 1


def test_decode_of_a_damaged_file_is_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error stands beside the data."""
    damaged = CAPTURE.replace(b"1234", b"1235")
    assert main(["decode", "--json", save(tmp_path, damaged)]) == 5
    printed = document(capsys.readouterr().out)
    assert len(printed["data_sets"]) == 6
    assert list(printed)[-2:] == ["error", "exit"]
    assert printed["exit"] == 5


def test_decode_may_be_told_to_ignore_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then nothing verified it, and nothing is wrong."""
    damaged = CAPTURE.replace(b"1234", b"1235")
    assert main(["decode", "--check", "none", save(tmp_path, damaged)]) == 0
    assert "check: none" in capsys.readouterr().out


def test_decode_of_something_else_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is not one data set in it."""
    assert main(["decode", save(tmp_path, b"Dear Sir or Madam,")]) == 5
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1


def test_decode_of_an_unreadable_file_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, no traceback."""
    file = str(tmp_path / "nothing")
    assert main(["decode", file]) == 2
    assert capsys.readouterr().err == (
        f"iec21: {file} cannot be read: No such file or directory\n"
    )


# -- failures -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (Fault.SILENT, 3, "check how the head sits"),
        (Fault.SILENT | Fault.ECHO, 3, "turn it"),
        (Fault.HANG_UP, 4, "check the cable"),
        (Fault.DAMAGED_CHECK, 5, "try a lower --max-baud"),
        (Fault.CUT_OFF, 5, "try again"),
        (Fault.SIGNS_OFF, 6, "asking again does not help"),
    ],
    ids=str,
)
def test_a_failure_is_one_line_and_an_exit_status(
    connect: Callable[..., SimulatedLink],
    capsys: pytest.CaptureFixture[str],
    fault: Fault,
    status: int,
    text: str,
) -> None:
    """It says what happened and what to do."""
    link = connect(fault)
    assert main(["read", "port"]) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("iec21: ")
    assert text in printed.err
    assert printed.err.count("\n") == 1
    assert link.closed


def test_a_failure_is_a_document_as_well(
    connect: Callable[..., SimulatedLink], capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts read standard output, people standard error."""
    connect(Fault.SILENT)
    assert main(["identify", "--json", "port"]) == 3
    printed = capsys.readouterr()
    assert list(document(printed.out)) == ["error", "exit"]
    assert document(printed.out)["exit"] == 3
    assert document(printed.out)["error"] in printed.err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LinkError("x: there is no such port"), 4),
        (EchoOnlyError(b"/?!\r\n"), 3),
        (MeterTimeoutError("identification"), 3),
        (MeterTimeoutError("identification", b"\x80"), 3),
        (MeterTimeoutError("readout", b"\x80"), 3),
        (MeterRefusedError("ER01"), 6),
        (CommandRefusedError("ER01"), 6),
        (SessionEndedError(), 6),
        (PasswordRefusedError("ER01"), 6),
        (PasswordSpentError(), 6),
        (UnusablePasswordError("too short"), 2),
        (OtherProtocolError("SML", b""), 5),
        (TelegramError("odd"), 5),
    ],
)
def test_every_error_has_its_exit_status(error: IecError, status: int) -> None:
    """And its own advice."""
    text, number = explain(error)
    assert number == status
    assert text.startswith(f"{error}; ")


def test_ctrl_c_closes_the_port(
    connect: Callable[..., SimulatedLink], capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, and the exit status that shells expect."""

    class Interrupted(SimulatedLink):
        @override
        async def read(self, patience: float) -> bytes:
            os.kill(os.getpid(), signal.SIGINT)
            return await super().read(patience)

    link = connect(link=Interrupted)
    assert main(["read", "port"]) == 130
    assert link.closed
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_enough_is_no_error() -> None:
    """As with `iec21 … | head -1`; nothing is said about it."""
    code = "import sys; from iec21.cli import main; sys.exit(main(sys.argv[1:]))"
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(  # noqa: S603  # Our own program.
        [sys.executable, "-W", "ignore", "-c", code, "decode", "-"],
        input=CAPTURE,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert process.stderr == b""
    assert process.returncode == 141


@pytest.mark.parametrize("has_file", [True, False])
def test_what_nobody_reads_goes_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, has_file: bool
) -> None:
    """Python's own last flush would complain otherwise, if there is a file."""
    file = save(tmp_path, CAPTURE)
    with (tmp_path / "output").open("w") as real:

        class Broken(io.StringIO):
            @override
            def write(self, text: str) -> int:
                raise BrokenPipeError

            @override
            def fileno(self) -> int:
                return real.fileno() if has_file else super().fileno()

        monkeypatch.setattr(sys, "stdout", Broken())
        assert main(["decode", file]) == 141
        real.write("nowhere")
    assert ((tmp_path / "output").read_text() == "") is has_file


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        ([], "COMMAND; see iec21 --help"),
        (["dance"], "'dance'"),
        (["read"], "PORT; see iec21 read --help"),
        (["read", "port", "--baud", "fast"], "--baud"),
        (["read", "port", "--mode", "z"], "--mode"),
        (["read", "port", "--timeout", "1000"], "1000"),
        (["read", "port", "--character-timeout", "0"], "character_timeout"),
        (["read", "port", "--dtr", "off"], "--dtr"),
        (["read", "port", "--address", "a/b"], "a/b"),
        (["read", "port", "--sign-on", "x"], "'x'"),
        (["read", "port", "--option", "1"], "--option"),
        (["read", "port", "--wake-up", "66", "--fast-wake-up"], "not in both"),
        (["watch", "port", "--interval", "-1"], "--interval"),
        (["watch", "port", "--interval", "soon"], "--interval"),
        (["record", "port", "-o", "/nowhere/file"], "/nowhere/file"),
        (["simulate"], "--tcp"),
        (["simulate", "--tcp", "1", "--pty"], "--pty"),
        (["simulate", "--tcp", "port"], "[HOST:]PORT"),
        (["simulate", "--tcp", "65536"], "[HOST:]PORT"),
        (["simulate", "--tcp", "0", "--sample", "x"], "--sample"),
        (["simulate", "--tcp", "0", "--telegram", "/nothing"], "/nothing"),
        (["simulate", "--tcp", "0", "--trace", "/nothing"], "/nothing"),
        (["simulate", "--tcp", "0", "--trace", "x", "--sample", "push"], "alone"),
        (["simulate", "--tcp", "0", "--sample", "push", "--sample", "p1"], "itself"),
        (["simulate", "--tcp", "0", "--sample", "push", "--address", "1"], "itself"),
        (["simulate", "--tcp", "0", "--address", "1", "--address", "2"], ""),
    ],
)
def test_wrong_usage_is_one_sentence(
    argv: Sequence[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the option, and where the help is."""
    if argv[-2:] == ["--address", "2"]:
        argv = [
            *argv,
            "--sample",
            HOUSEHOLD,
            "--sample",
            HOUSEHOLD,
            "--sample",
            HOUSEHOLD,
        ]
        text = "an --address each"
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert text in printed.err
    assert printed.err.count("\n") == 1


def test_wrong_usage_is_a_document_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Even when the command line could not be understood."""
    assert main(["read", "--json"]) == 2
    assert document(capsys.readouterr().out)["exit"] == 2


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A newcomer sees how it is done."""
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "iec21" in printed
    assert "\x1b" not in printed


def test_the_package_can_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m iec21` is the same program."""
    monkeypatch.setattr(sys, "argv", ["iec21", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("iec21", run_name="__main__")
    assert ended.value.code == 0
    runpy.run_module("iec21.__main__", run_name="iec21.__main__")


# -- terminals ------------------------------------------------------------------


def test_on_a_terminal_the_table_is_rich(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It fits the width; what the meter sent stays text."""
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    file = save(tmp_path, CAPTURE)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["decode", file]) == 0
    printed = terminal.getvalue()
    assert "1234.567" in printed
    assert "\x1b[1m" in printed
    assert "\x1b[2J" not in printed


def test_without_rich_the_table_is_plain(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is an extra."""
    real_import = builtins.__import__

    def no_rich(name: str, *rest: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_rich)
    file = save(tmp_path, CAPTURE)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["decode", file]) == 0
    assert "\x1b" not in terminal.getvalue()


def test_what_a_terminal_cannot_show_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An old locale must not end in a traceback."""
    stream = io.BytesIO()
    file = save(tmp_path, b"1-0:81.7.1*255(120*deg)\r\n")
    stdout = io.TextIOWrapper(stream, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    assert main(["decode", file]) == 0
    assert b"120  ?" in stream.getvalue()


def test_progress_shows_on_a_terminal(
    connect: Callable[..., SimulatedLink], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that is erased at the end."""
    connect()
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["read", "--json", "port"]) == 0
    printed = terminal.getvalue()
    assert "/ISk5MT174-0001 answers" in printed
    assert printed.endswith("\r\x1b[K")
    assert "\n" not in printed


def test_progress_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes, speed and data sets; ten times a second at most."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    now = iter([1.0, 1.05, 1.2, 2.0, 3.0])
    progress = output.Progress(lambda: next(now), quiet=False)
    identification = Identification.parse(IDENTIFICATION)
    progress.show(Identified(identification, 300))
    progress.show(DataArrived(30, ()))
    progress.show(DataArrived(60, ()))
    progress.show(Retrying(TelegramError("bad\nluck")))
    progress.show(SettingsFound(Settings()))
    progress.erase()
    assert terminal.getvalue().split("\r\x1b[K") == [
        "",
        "/ISk5MT174-0001 answers",
        "60 bytes at 300 Bd, 0 data sets",
        r"again, because bad\x0aluck",
        "",
    ]


def test_progress_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that wraps could not be erased."""
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((10, 5)))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = output.Progress(lambda: 1.0, quiet=False)
    progress.show(DataArrived(30, ()))
    assert terminal.getvalue() == "\r\x1b[K30 bytes "


# -- simulate -------------------------------------------------------------------


class Lines(io.StringIO):
    """Standard output that hands on what is printed."""

    def __init__(self) -> None:
        """Begin with nothing printed."""
        super().__init__()
        self.printed: queue.Queue[str] = queue.Queue()

    @override
    def write(self, text: str) -> int:
        self.printed.put(text)
        return len(text)


def run_simulator(
    monkeypatch: pytest.MonkeyPatch,
    argv: Sequence[str],
    client: Callable[[str], None],
    number: signal.Signals = signal.SIGTERM,
) -> int:
    """Run `simulate`, hand its first line to `client`, and end it by a signal."""
    lines = Lines()
    monkeypatch.setattr(sys, "stdout", lines)
    failures: list[BaseException] = []

    def visit() -> None:
        try:
            client(lines.printed.get(timeout=5).strip())
        except BaseException as error:  # noqa: BLE001  # Shown by the test.
            failures.append(error)
        finally:
            os.kill(os.getpid(), number)

    visitor = threading.Thread(target=visit)
    visitor.start()
    status = main(["simulate", *argv])
    visitor.join()
    if failures:
        raise failures[0]
    return status


def converse(port: str, sign_on: bytes = b"/?!\r\n") -> bytes:
    """Sign on and return the identification, or b"" if nothing answers."""
    host, number = port.removeprefix("socket://").rsplit(":", 1)
    with socket.create_connection((host, int(number)), timeout=0.1) as link:
        link.sendall(sign_on)
        try:
            return link.recv(1000)
        except TimeoutError:
            return b""


@pytest.mark.socket
@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_simulate_prints_the_port_and_ends_by_a_signal(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """The household is the default; the exit status is 0."""
    answers = []
    status = run_simulator(
        monkeypatch,
        ["--tcp", "127.0.0.1:0"],
        lambda port: answers.append(converse(port)),
        number,
    )
    assert status == 0
    assert answers == [b"/XMP5SYNTHETIC-HOUSE\r\n"]


@pytest.mark.socket
@pytest.mark.usefixtures("socket_enabled")
def test_simulate_prints_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the port in it."""
    ports: list[str] = []
    run_simulator(monkeypatch, ["--tcp", "0", "--json"], ports.append)
    assert document(ports[0])["port"].startswith("socket://127.0.0.1:")


@pytest.mark.socket
@pytest.mark.usefixtures("socket_enabled")
def test_simulate_puts_several_meters_on_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An option that the meter in hand has begins the next one."""
    answers: list[bytes] = []

    def client(port: str) -> None:
        answers.extend(converse(port, b"/?%d!\r\n" % number) for number in (1, 2, 3, 4))

    run_simulator(
        monkeypatch,
        [
            *("--tcp", "0", "--address", "1", "--address", "2"),
            *("--telegram", save(tmp_path, BLOCK), "--sample", "iskra_mt174"),
            *("--address", "3", "--fault", "noise", "--fault", "parity-bit"),
        ],
        client,
    )
    assert [bytes(byte & 0x7F for byte in answer) for answer in answers] == [
        b"\x7f\x00~U\r\n/XMP5SYNTHETIC-HOUSE\r\n\x00\x7f",
        b"\x7f\x00~U\r\n/XMP5SYNTHETIC\r\n\x00\x7f",
        b"\x7f\x00~U\r\n/ISk5MT174-0001\r\n\x00\x7f",
        b"",
    ]


def test_simulate_leaves_no_link(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The port printed is the link."""
    link = tmp_path / "meter"
    ports: list[str] = []

    def client(port: str) -> None:
        assert link.is_symlink()
        ports.append(port)

    run_simulator(monkeypatch, ["--pty", str(link), "--line-rate"], client)
    assert ports == [str(link)]
    assert not link.is_symlink()


@pytest.mark.parametrize("options", [["--sample", "push"], ["--trace"]])
def test_simulate_may_be_more_than_a_meter_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str]
) -> None:
    """One that sends by itself, or a recording."""
    if options == ["--trace"]:
        options = ["--trace", save(tmp_path, Trace().to_json().encode())]
    ports: list[str] = []
    assert run_simulator(monkeypatch, ["--pty", *options], ports.append) == 0
    assert ports[0].startswith("/dev/")


def test_simulate_needs_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal has a name of its own."""
    ports: list[str] = []
    run_simulator(monkeypatch, ["--pty"], ports.append)
    assert ports[0].startswith("/dev/")


def test_simulate_says_when_the_port_cannot_be_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the link that cannot be used."""
    assert main(["simulate", "--pty", save(tmp_path, b"precious")]) == 4
    assert "something else" in capsys.readouterr().err


def test_simulate_refuses_what_is_no_telegram(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence that names the file."""
    file = save(tmp_path, b"Dear Sir or Madam,")
    assert main(["simulate", "--tcp", "0", "--telegram", file]) == 2
    assert f"{file} cannot be simulated" in capsys.readouterr().err
    assert main(["simulate", "--tcp", "0", "--trace", file]) == 2
    assert f"{file} cannot be played back" in capsys.readouterr().err


def test_without_pseudo_terminals_there_is_still_tcp(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Windows has none."""
    monkeypatch.setitem(sys.modules, "iec21.simulator.terminal", None)
    assert main(["simulate", "--pty"]) == 2
    assert "use --tcp" in capsys.readouterr().err


# -- samples --------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != HOUSEHOLD])
def test_every_sample_is_whole(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its check is right, and the meter that sends it sends the same."""
    data = read_sample(name)
    sample = load_sample(name)
    assert isinstance(sample.content, bytes)
    assert sample.identification.to_bytes() + frame(sample.content) == data


def test_every_sample_is_described() -> None:
    """The file beside them says that all of it is made up."""
    tomllib = pytest.importorskip("tomllib")
    import iec21.simulator  # noqa: PLC0415  # For the place of the folder only.

    folder = Path(iec21.simulator.__file__).parent / "samples"
    described = tomllib.loads((folder / "meta.toml").read_text())
    assert {file.stem for file in folder.glob("*.raw")} == set(described)
    assert {*described, HOUSEHOLD} == set(SAMPLES)
    assert all(sample["synthetic"] for sample in described.values())
    for name, sample in described.items():
        assert sample["description"] == SAMPLES[name]
        assert sample["baud_rate"] == load_sample(name).identification.baud_rate


def test_a_telegram_without_identification_gets_one() -> None:
    """Somebody has to answer the sign-on."""
    assert load_telegram(BLOCK).identification == DEFAULT_IDENTIFICATION


def test_the_long_sample_is_long() -> None:
    """As long as a real readout with 15 billing periods."""
    data = read_sample("iskra_mt174")
    assert 9400 < len(data) < 9700
    assert data.count(b"(") == 405
