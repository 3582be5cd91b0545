"""The commands of programming mode: `get`, `set` and `profile`.

Most meters are simulated ones in memory, put in the place of `open_transport`; the
last tests run against real ports.
"""

import asyncio
from asyncio import base_events
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import io
import json
import os
import signal
import sys
import threading
import time
from typing import Any, override
from zoneinfo import ZoneInfo

import pytest

from iec21 import Check, LinkError, Settings
from iec21.cli import main
from iec21.cli.cells import titles_of
from iec21.commands import ErrorMessage
from iec21.load_profile import ProfileRow
from iec21.passwords import DZG, Password
from iec21.simulator import (
    CorrectorDevice,
    Fault,
    LoadProfile,
    ProgrammingMode,
    RegisterDevice,
    SimulatedLink,
    SimulatedMeter,
    Trouble,
    serve_tcp,
)
from iec21.simulator.corrector import CUSTOMER_CODE, IDENTIFICATION, SEED
from iec21.simulator.programming import Lines, Reply
from iec21.simulator.terminal import serve_pty
from iec21.status_words import Status

BLOCK = (
    b"0.0.0(SYN00001)\r\n"
    b"1.8.0(000123.456*kWh)\r\n"
    b"1.6.0(02.468*kW)(2603101815)\r\n"
    b"P.77(1)\r\n"
)
CODE_WORD = "s3cr3t42"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DEVICE_TIME = datetime(2026, 11, 21, 10, 30)  # noqa: DTZ001  # It knows no zone.

type Connect = Callable[..., SimulatedLink]


@pytest.fixture(autouse=True)
def no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep passwords of whoever runs the tests out of them."""
    monkeypatch.delenv("IEC21_PASSWORD", raising=False)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Return a function that puts a simulated meter on every port."""

    def connect(
        meter: SimulatedMeter, link: type[SimulatedLink] = SimulatedLink
    ) -> SimulatedLink:
        made = link(meter)
        monkeypatch.setattr("iec21.client.open_transport", made.open)
        # The command has to see the time go that passes on the link.
        monkeypatch.setattr(
            base_events.BaseEventLoop, "time", lambda _: time.monotonic() + made.clock
        )
        return made

    return connect


@dataclass
class LogBook:
    """A log book, or whatever else has rows of its own."""

    rows: tuple[str, ...]

    def lines(self, _code: str, _limits: str) -> Iterable[str]:
        """Return all of it, whatever the range."""
        return self.rows


class Registers(RegisterDevice):
    """Registers and log books."""

    books: dict[str, LogBook]

    @override
    def read(self, name: str, address: str, value: str) -> Reply:
        if address in self.books:
            return Lines(self.books[address].lines(address, value))
        return super().read(name, address, value)


def registers(**changes: Any) -> RegisterDevice:
    """Return what the meter holds; some of it can be written."""
    changes.setdefault("profiles", {"P.01": LoadProfile(now=lambda: NOW)})
    device = Registers(
        content=BLOCK, writable=frozenset({"0.9.1", "C003", "D104"}), **changes
    )
    device.books = {}
    return device


def with_books(**books: tuple[str, ...]) -> RegisterDevice:
    """Return the registers with log books, by code with "_" for the point."""
    device = registers()
    assert isinstance(device, Registers)
    device.books = {
        name.replace("_", "."): LogBook(rows) for name, rows in books.items()
    }
    return device


def meter(
    device: RegisterDevice | None = None,
    *,
    identification: bytes = b"/ABC5METER",
    fault: Fault = Fault.NONE,
    **mode: Any,
) -> SimulatedMeter:
    """Return a meter with programming mode; `mode` is how it is protected."""
    return SimulatedMeter(
        identification=identification,
        content=BLOCK,
        fault=fault,
        programming=ProgrammingMode(device=device or registers(), **mode),
    )


def corrector(**changes: Any) -> SimulatedMeter:
    """Return a gas volume corrector."""
    device = CorrectorDevice(now=lambda: DEVICE_TIME, **changes)
    return SimulatedMeter(
        identification=IDENTIFICATION,
        content=b"",
        programming=ProgrammingMode(device=device, seed=SEED),
    )


def passwords(link: SimulatedLink) -> int:
    """Return how many passwords went over the wire."""
    return sum(data[1:2] == b"P" for data in link.sent)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    @override
    def isatty(self) -> bool:
        return True

    @override
    def fileno(self) -> int:
        return 0


class Person:
    """Somebody at a terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
        """Sit down, and type `answer`."""
        self.screen = Terminal()
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        monkeypatch.setattr(sys, "stderr", self.screen)


# -- get ------------------------------------------------------------------------


def test_get_prints_a_table(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what was asked for, and what it means."""
    link = connect(meter())
    assert main(["get", "/dev/ttyUSB0", "1.8.0", "1.6.0"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "/ABC5METER",
        "Code     Value  Unit  Meaning                       Time",
        "1.8.0  123.456  kWh   active energy import",
        "1.6.0    2.468  kW    active demand import maximum  2026-03-10T18:15:00",
    ]
    assert printed.err == ""
    assert link.closed
    assert link.sent[-1] == b"\x01B0\x03q"


def test_get_prints_a_document(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts rely on these keys, their order and their types."""
    connect(meter())
    assert main(["get", "--json", "port", "1.8.0", "--check", "xor"]) == 0
    document = json.loads(capsys.readouterr().out)
    duration = document.pop("duration")
    # 25 characters at 300 Bd and five reactions take 1.8 s.
    assert 1.8 < duration < 2
    assert document == {
        "port": "port",
        "mode": "C",
        "baud_rate": 9600,
        "identification": {
            "raw": "/ABC5METER",
            "manufacturer": "ABC",
            "manufacturer_name": document["identification"]["manufacturer_name"],
            "baud_character": "5",
            "text": "METER",
            "fast": False,
        },
        "registers": [
            {
                "register": "1.8.0",
                "data_sets": [
                    {"address": "1.8.0", "value": "000123.456", "unit": "kWh"}
                ],
                "readings": [
                    {
                        "code": "1-0:1.8.0",
                        "key": "active_energy_import",
                        "value": "123.456",
                        "unit": "kWh",
                        "timestamp": None,
                        "billing_period": None,
                        "age": None,
                    }
                ],
                "error": None,
            }
        ],
    }


def test_a_refused_register_costs_nothing_but_itself(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named, the others are read, and the exit status says so."""
    connect(meter())
    assert main(["get", "port", "9.9.9", "1.8.0", "8.8.8"]) == 6
    printed = capsys.readouterr()
    assert "123.456" in printed.out
    assert printed.err.startswith(
        "iec21: the meter refused 9.9.9 (ER01), 8.8.8 (ER01); "
    )
    assert main(["get", "port", "9.9.9", "--json"]) == 6
    document = json.loads(capsys.readouterr().out)
    assert document["registers"] == [
        {"register": "9.9.9", "data_sets": [], "readings": [], "error": "ER01"}
    ]
    assert document["exit"] == 6
    assert document["error"].startswith("the meter refused 9.9.9 (ER01); ")


@pytest.mark.parametrize(
    ("known", "text"),
    [("R5", "sent nothing"), ("R1", "123.456")],
)
def test_the_command_may_be_chosen(
    connect: Connect, capsys: pytest.CaptureFixture[str], known: str, text: str
) -> None:
    """A meter that only acknowledges it has refused."""
    link = connect(meter(registers(commands=frozenset({known}))))
    main(["get", "port", "1.8.0", "--command", "r1"])
    printed = capsys.readouterr()
    assert text in printed.out + printed.err
    assert [data for data in link.sent if data[1:2] == b"R"] == [
        b"\x01R1\x021.8.0()\x03Z"
    ]


def test_an_answer_without_code_is_that_of_the_question(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data sets stay as they came; readings know what was asked."""
    connect(meter(trouble=Trouble(without_address=True)))
    assert main(["get", "port", "1.8.0", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["registers"]
    assert found["data_sets"][0]["address"] == ""
    assert found["readings"][0]["key"] == "active_energy_import"


def test_what_came_before_a_failure_is_shown(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the exit status of the failure."""
    connect(meter(trouble=Trouble(unanswered=lambda number: number > 1)))
    assert main(["get", "port", "1.8.0", "1.6.0"]) == 3
    printed = capsys.readouterr()
    assert "123.456" in printed.out
    assert printed.err.count("\n") == 1
    connect(meter(trouble=Trouble(unanswered=lambda number: number > 1)))
    assert main(["get", "--json", "port", "1.8.0", "1.6.0"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert [item["register"] for item in document["registers"]] == ["1.8.0"]
    assert document["exit"] == 3


def test_nothing_read_is_nothing_but_a_failure(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with every command."""
    connect(meter(fault=Fault.SILENT))
    assert main(["get", "--json", "port", "1.8.0"]) == 3
    assert list(json.loads(capsys.readouterr().out)) == ["error", "exit"]


def test_get_knows_objects_of_volume_correctors(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """A closed lock says which option opens it."""
    connect(corrector(lock_for_reading=True))
    assert main(["get", "port", "2:302.0"]) == 6
    text = "(#0018: reading needs an open lock); --lock with a password opens one"
    assert text in capsys.readouterr().err
    assert main(["get", "port", "2:302.0", "--password", CUSTOMER_CODE.reveal()]) == 0
    assert "6830.1122" in capsys.readouterr().out


def test_ctrl_c_signs_off(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    """The meter does not stay in a session that nobody wants."""

    class Interrupted(SimulatedLink):
        @override
        async def write(self, data: bytes) -> None:
            await super().write(data)
            if data[1:2] == b"R":
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0.1)

    link = connect(meter(), Interrupted)
    assert main(["get", "port", "1.8.0"]) == 130
    assert link.sent[-1] == b"\x01B0\x03q"
    assert link.closed
    assert capsys.readouterr() == ("", "")


def test_progress_shows_on_a_terminal(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who answered, until there is something to see."""
    person = Person(monkeypatch, "")
    connect(meter())
    assert main(["get", "port", "1.8.0"]) == 0
    assert person.screen.getvalue().startswith("\r\x1b[K/ABC5METER answers")
    assert person.screen.getvalue().endswith("\r\x1b[K")


# -- options --------------------------------------------------------------------


def test_every_setting_of_programming_mode_has_its_option(connect: Connect) -> None:
    """They reach the client."""
    link = connect(meter(fault=Fault.SILENT))
    argv = ["--mode", "c", "--check", "sum", "--baud", "300", "--fast-wake-up"]
    main(["profile", "port", *argv, "--acknowledge-last-block"])
    assert link.settings == Settings(
        mode=link.settings.mode if link.settings else Settings().mode,
        check=Check.SUM,
        baud_rate=300,
        fast_wake_up=True,
        acknowledge_last_block=True,
    )


WRONG = [
    (["get", "port"], "REGISTER"),
    (["get", "port", "1.8.0\x03"], "cannot be sent"),
    (["get", "port", "1.8.0", "--mode", "d"], "--mode"),
    (["get", "port", "1.8.0", "--check", "none"], "--check"),
    (["get", "port", "1.8.0", "--command", "W1"], "--command"),
    (["get", "port", "1.8.0", "--lock", "customer"], "IEC21_PASSWORD"),
    (["get", "port", "1.8.0", "--algorithm", "dzg"], "IEC21_PASSWORD"),
    (["get", "port", "1.8.0", "--password", "(x)"], "brackets"),
    (["get", "port", "1.8.0", "--timeout", "1000"], "iec21 get --help"),
    (["set", "port", "0.9.1"], "VALUE"),
    (["set", "port", "0.9.1", "1", "--command", "R1"], "--command"),
    (["set", "port", "--yes", "0.9.1", "1)(2"], "brackets"),
    (["set", "port", "--yes", "0.9.1", "\x03"], "cannot be sent"),
    (["set", "port", "0.9.1", "120000"], "--yes"),
    (["profile", "port", "--from", "soon"], "'soon'"),
    (["profile", "port", "--from", "1999-01-01"], "two digits"),
    (["profile", "port", "--to", "9999-12-31"], "'9999-12-31'"),
    (["profile", "port", "--from", "2026-11-02", "--to", "2026-10-01"], "behind"),
    (["profile", "port", "--from", "2026-11-20T10:00+01:00"], "--zone"),
    (["profile", "port", "--zone", "Nowhere/Else"], "'Nowhere/Else'"),
    (["profile", "port", "--zone", "../etc"], "'../etc'"),
    (["profile", "port", "--csv", "--json"], "not both"),
    (["profile", "port", "--register", "\x01"], "cannot be sent"),
]


@pytest.mark.parametrize(("argv", "text"), WRONG)
def test_wrong_usage_is_one_sentence(
    connect: Connect, capsys: pytest.CaptureFixture[str], argv: list[str], text: str
) -> None:
    """And no port is opened for it."""
    link = connect(meter())
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert text in printed.err
    assert printed.err.count("\n") == 1
    assert link.opened == 0


# -- passwords ------------------------------------------------------------------


@pytest.mark.parametrize("way", ["option", "variable"])
def test_a_password_opens_the_meter(
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """It comes from the command line, or better from the environment."""
    link = connect(meter(password=Password(CODE_WORD), protected="RWE"))
    argv = ["-v", "get", "port", "1.8.0"]
    assert main(["get", "port", "1.8.0"]) == 6
    assert "whether it wants a password" in capsys.readouterr().err
    argv = ["get", "-v", "--json", "port", "1.8.0"]
    if way == "option":
        argv += ["--password", CODE_WORD]
    else:
        monkeypatch.setenv("IEC21_PASSWORD", CODE_WORD)
    assert main(argv) == 0
    printed = capsys.readouterr()
    assert passwords(link) == 1
    assert "P1" in printed.err
    assert CODE_WORD not in printed.out + printed.err


def test_a_wrong_password_is_sent_once(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is to be read; one sentence says what happened."""
    link = connect(meter(password=Password(CODE_WORD), protected="RWE"))
    argv = ["get", "-v", "--json", "port", "1.8.0", "1.6.0", "--password", "wr0ngw0rd"]
    assert main(argv) == 6
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert document["error"].startswith("the meter refused the password: ")
    assert document["exit"] == 6
    assert passwords(link) == 1
    assert "wr0ngw0rd" not in printed.out + printed.err


def test_an_unknown_outcome_is_told(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever tries again should know that it may be the second time."""
    link = connect(
        meter(
            password=Password(CODE_WORD),
            trouble=Trouble(unanswered=lambda number: number == 1),
        )
    )
    assert main(["get", "port", "1.8.0", "--password", CODE_WORD]) == 3
    assert "the password may be wrong" in capsys.readouterr().err
    assert passwords(link) == 1


def test_an_algorithm_may_be_named(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """A password that it cannot take is wrong usage, and is not sent."""
    link = connect(meter(password=Password("abcdef"), algorithm=DZG, seed="0A1B2C3D"))
    argv = ["set", "--yes", "port", "0.9.1", "1", "--algorithm", "DZG", "--password"]
    assert main([*argv, "abcdef"]) == 0
    assert main([*argv, "abc"]) == 2
    assert "six characters; it was not sent" in capsys.readouterr().err
    assert passwords(link) == 1


def test_a_lock_may_be_named(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong code reaches the device once."""
    link = connect(corrector())
    argv = ["get", "port", "3:170.0", "--lock", "supplier", "--password"]
    assert main([*argv, "00000000"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["7-3:170.0", "1"]
    assert main([*argv, "00000001"]) == 6
    assert "the code of the lock is wrong" in capsys.readouterr().err
    assert sum(b"3:171.0(00000001)" in data for data in link.sent) == 1


# -- set ------------------------------------------------------------------------


def test_set_writes_and_reads_back(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one session, where nobody is to be asked."""
    link = connect(meter(registers(registers={"0.9.1": "110000"})))
    assert main(["set", "--yes", "port", "0.9.1", "120000"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "/ABC5METER",
        "Code   Before  Written   After",
        "0.9.1  110000   120000  120000",
    ]
    assert printed.err == ""
    assert link.opened == 1


def test_set_prints_a_document(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts rely on these keys."""
    connect(meter())
    argv = ["set", "-y", "--json", "port", "C003", "5*kW", "--command", "W1"]
    assert main(argv) == 0
    document = json.loads(capsys.readouterr().out)
    assert [*document] == [
        *("port", "mode", "baud_rate", "identification", "duration"),
        *("register", "value", "before", "after", "verified"),
    ]
    assert document["register"] == "C003"
    assert document["value"] == "5*kW"
    assert document["before"] is None
    assert document["after"] == [{"address": "C003", "value": "5", "unit": "kW"}]
    assert document["verified"] is True


@pytest.mark.parametrize(
    ("answer", "status", "written"), [("y\n", 0, 1), ("YES\n", 0, 1), ("\n", 130, 0)]
)
def test_set_asks_first(
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    status: int,
    written: int,
) -> None:
    """With the old value; no session is kept open for the answer."""
    person = Person(monkeypatch, answer)
    device = registers(registers={"0.9.1": "110000"})
    link = connect(meter(device, password=Password(CODE_WORD)))
    argv = ["set", "port", "0.9.1", "120000", "--password", CODE_WORD]
    assert main(argv) == status
    assert "iec21: 0.9.1 is 110000; write 120000? [y/N] " in person.screen.getvalue()
    assert ("nothing was written" in person.screen.getvalue()) is not written
    assert link.opened == 1 + written
    assert passwords(link) == 1 + written
    assert device.registers["0.9.1"] == ("120000" if written else "110000")


def test_set_is_refused(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    """The meter's own words, and that nothing has changed."""
    link = connect(meter())
    assert main(["set", "--yes", "port", "1.8.0", "0"]) == 6
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "the meter refused: ER02; nothing was written; " in printed.err
    assert sum(data[1:2] == b"W" for data in link.sent) == 1


class Clock(Registers):
    """A meter whose clock goes on."""

    @override
    def write(self, name: str, address: str, value: str) -> ErrorMessage | None:
        return super().write(name, address, str(int(value) + 1))


def test_set_says_what_it_reads_back(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clock goes on, and a meter may round; that is no failure."""
    device = Clock(writable=frozenset({"0.9.1"}))
    device.books = {}
    connect(meter(device))
    assert main(["set", "--yes", "--json", "port", "0.9.1", "120000"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["verified"] is False
    assert "reads back something else" in printed.err


@pytest.mark.parametrize(
    ("value", "found", "verified"),
    [
        ("5", "0005.0", True),
        ("5*kW", "5*kvar", False),
        ("5", "5*kW", True),
        ("text", "test", False),
    ],
)
def test_a_number_may_be_printed_otherwise(
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    value: str,
    found: str,
    verified: bool,  # noqa: FBT001  # pytest passes it by name.
) -> None:
    """A unit that was written has to be there."""

    class Rounding(Registers):
        @override
        def write(self, name: str, address: str, value: str) -> ErrorMessage | None:
            return super().write(name, address, found)

    device = Rounding(writable=frozenset({"0.9.1"}))
    device.books = {}
    connect(meter(device))
    assert main(["set", "--yes", "--json", "port", "0.9.1", value]) == 0
    assert json.loads(capsys.readouterr().out)["verified"] is verified


def test_what_cannot_be_read_back_is_not_verified(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty answer shows nothing, and a refusal even less."""

    class Forgetful(Registers):
        @override
        def read(self, name: str, address: str, value: str) -> Reply:
            return Lines([])

    device = Forgetful(writable=frozenset({"0.9.1"}))
    connect(meter(device))
    assert main(["set", "--yes", "--json", "port", "0.9.1", "1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["before"], document["after"]) == ([], [])
    assert document["verified"] is False


def test_formatted_codes_are_read_as_such(connect: Connect) -> None:
    """`W2` goes with `R2` (Annex C)."""
    link = connect(meter())
    assert main(["set", "--yes", "port", "C003", "2", "--command", "W2"]) == 0
    commands = [data[1:3] for data in link.sent if data[:1] == b"\x01"]
    assert commands == [b"R2", b"W2", b"R2", b"B0"]


@pytest.mark.parametrize(
    ("unanswered", "after", "verified"),
    [
        (lambda number: number == 2, "110000", False),
        (lambda number: number >= 2, None, None),
    ],
    ids=["readable", "silent"],
)
def test_an_unknown_write_shows_in_the_register(
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    unanswered: Callable[[int], bool],
    after: str | None,
    verified: bool | None,  # noqa: FBT001  # pytest passes it by name.
) -> None:
    """It is not sent twice; what is there now is shown with the failure."""
    device = registers(registers={"0.9.1": "110000"})
    link = connect(meter(device, trouble=Trouble(unanswered=unanswered)))
    argv = ["set", "--yes", "--json", "port", "0.9.1", "120000"]
    assert main(argv) == 3
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert "nobody knows whether it was written" in document["error"]
    assert [item["value"] for item in document["after"] or []] == [after] * bool(after)
    assert document["verified"] is verified
    assert sum(data[1:2] == b"W" for data in link.sent) == 1
    assert printed.err.count("\n") == 1


def test_a_failed_reading_back_is_no_failed_write(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so, and shows what it has."""
    device = registers(registers={"0.9.1": "110000"})
    connect(meter(device, trouble=Trouble(unanswered=lambda number: number > 2)))
    assert main(["set", "--yes", "port", "0.9.1", "120000"]) == 3
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].split() == ["0.9.1", "110000", "120000", "?"]
    assert "it was written, and not read back" in printed.err
    assert device.registers["0.9.1"] == "120000"


@pytest.mark.parametrize(
    ("command", "text"),
    [(b"W", "nobody knows whether it was written"), (b"R", "it was written")],
)
def test_a_lost_link_says_what_is_known(
    connect: Connect, capsys: pytest.CaptureFixture[str], command: bytes, text: str
) -> None:
    """Before the acknowledgement nobody knows, and behind it everybody."""

    class Cut(SimulatedLink):
        writes = 0

        @override
        async def write(self, data: bytes) -> None:
            if data[1:2] == b"W":
                self.writes += 1
            if self.writes and data[1:2] == command:
                raise LinkError("the cable is out")
            await super().write(data)

    connect(meter(registers(registers={"0.9.1": "1"})), Cut)
    assert main(["set", "--yes", "port", "0.9.1", "2"]) == 4
    assert f"the cable is out; {text}; " in capsys.readouterr().err


@pytest.mark.parametrize("register", ["4:171.0", "04:0171", "7-4:171.0"])
def test_the_code_of_a_lock_does_not_show(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, register: str
) -> None:
    """Not in the question, not in the document; it is not read back either."""
    person = Person(monkeypatch, "y\n")
    written = Terminal()
    monkeypatch.setattr(sys, "stdout", written)
    link = connect(corrector())
    main(["set", "--json", "port", register, "11111111"])
    shown = person.screen.getvalue() + written.getvalue()
    assert "write …? [y/N]" in shown
    assert "11111111" not in shown
    assert not any(data[1:2] == b"R" for data in link.sent)


def test_the_password_of_a_meter_does_not_show(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Annex C has registers for them."""
    connect(meter())
    assert main(["set", "--yes", "port", "D104", CODE_WORD]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["D104", "?", "…", "?"]


# -- profile --------------------------------------------------------------------

RANGE = ["--from", "2026-11-20T10:00", "--to", "2026-11-20T10:30"]


def test_profile_prints_a_table(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both ends belong to the range; times are those of the meter's clock."""
    connect(meter())
    assert main(["profile", "port", *RANGE]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "/ABC5METER"
    assert lines[1].split("  ")[0] == "Time"
    assert lines[1].split() == [
        *("Time", "Season", "Status", "1.5", "(kW)", "2.5", "(kW)")
    ]
    assert [line.split()[:3] for line in lines[2:]] == [
        ["2026-11-20", f"10:{minute}:00", "winter"] for minute in ("00", "15", "30")
    ]
    assert {len(line) for line in lines[1:]} == {len(lines[1])}
    assert printed.err == ""


def test_profile_prints_a_document(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document, a row on each line."""
    connect(meter())
    assert main(["profile", "--json", "port", *RANGE]) == 0
    text = capsys.readouterr().out
    document = json.loads(text)
    assert len(text.splitlines()) == 5
    assert [*document] == [
        *("port", "mode", "baud_rate", "identification", "register", "from", "to"),
        *("rows", "bad_lines", "duration"),
    ]
    assert document["register"] == "P.01"
    assert document["from"] == "2026-11-20T10:00:00"
    row = document["rows"][1]
    values = row.pop("values")
    assert row == {
        "time": "2026-11-20T10:15:00",
        "season": "winter",
        "period": 15,
        "status": [],
        "status_word": "00",
    }
    assert [(item["code"], item["unit"]) for item in values] == [
        ("1-0:1.5.0", "kW"),
        ("1-0:2.5.0", "kW"),
    ]
    assert all(float(item["value"]) >= 0 for item in values)


def test_profile_prints_comma_separated_values(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a zone times say how far UTC is, and summer time is asked for as such."""
    profile = LoadProfile(now=lambda: NOW, zone=ZoneInfo("Europe/Berlin"))
    link = connect(meter(registers(profiles={"P.01": profile})))
    argv = ["--zone", "Europe/Berlin", "--csv"]
    summer = ["--from", "2026-07-01T10:00Z", "--to", "2026-07-01T12:15"]
    assert main(["profile", "port", *summer, *argv]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == ["Time", "Season", "Status", "1.5 (kW)", "2.5 (kW)"]
    assert [row[:3] for row in rows[1:]] == [
        ["2026-07-01 12:00:00+02:00", "summer", ""],
        ["2026-07-01 12:15:00+02:00", "summer", ""],
    ]
    assert b"\x01R5\x02P.01(12607011200;12607011215)\x03" in b"".join(link.sent)


def test_days_are_read_whole(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """A date alone is all of it, and each day is a request of its own."""
    link = connect(meter())
    days = ["--from", "2026-11-01", "--to", "2026-11-03", "--command", "R6"]
    assert main(["profile", "--json", "port", *days]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    times = [datetime.fromisoformat(row["time"]) for row in rows]
    first = datetime(2026, 11, 1)  # noqa: DTZ001  # The meter's clock.
    assert times == [first + timedelta(minutes=15) * i for i in range(3 * 96 + 1)]
    assert sum(data[1:3] == b"R6" for data in link.sent) == 3


@pytest.mark.parametrize("register", [None, "P.01", "P.2"])
def test_without_a_range_it_is_yesterday_and_today(
    connect: Connect, register: str | None
) -> None:
    """All of two years would take an hour."""
    link = connect(meter())
    dates: list[Any] = []
    while len(set(dates)) != 1:
        # Not while a day ends.
        link.log.clear()
        dates = [datetime.now(UTC).date()]
        chosen = ["--register", register] if register else []
        main(["profile", "port", "--zone", "utc", *chosen])
        dates.append(datetime.now(UTC).date())
    begin = dates[0] - timedelta(days=1)
    asked = f"{register or 'P.01'}(2{begin:%y%m%d}0000;2{dates[0]:%y%m%d}0000)"
    assert asked.encode() in b"".join(link.sent)


def test_one_end_of_a_range_is_enough(connect: Connect) -> None:
    """The other one is a day away, or today."""
    link = connect(meter())
    main(["profile", "port", "--to", "2026-03-10"])
    assert b"(02603100000;02603110000)" in b"".join(link.sent)
    link.log.clear()
    main(["profile", "port", "--from", "2098-01-01"])
    assert b"(09801010000;09801020000)" in b"".join(link.sent)


LOG = (
    "P.98(0261103000000)(00000010)()(0)",
    "P.98(0261104235646)(00008020)()(2)(0.9.1)()(1.8)(kWh)(235703)(12.5)",
    "P.98(0261105000000)(00040000)()(0)",
    "rubbish",
)


def test_profile_reads_log_books(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of it, with what happened in words; odd lines are named apart."""
    link = connect(meter(with_books(P_98=LOG)))
    assert main(["profile", "port", "--register", "P.98"]) == 0
    printed = capsys.readouterr()
    events = [line.split(maxsplit=3) for line in printed.out.splitlines()[2:]]
    assert events[0] == ["2026-11-03", "00:00:00", "winter", "reset"]
    assert events[1][3].startswith("clock_set before_clock_set")
    assert events[1][3].endswith("  0.9.1 23:57:03, 1.8 12.5 kWh")
    # Nobody knows the bit, so the word stands there.
    assert events[2][3] == "00040000"
    assert printed.err == "iec21: not understood: rubbish\n"
    assert b"P.98(;)" in b"".join(link.sent)
    assert main(["profile", "port", "--register", "P.98", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["bad_lines"] == 1
    assert document["rows"][1]["status"] == ["clock_set", "before_clock_set"]
    assert [item["value"] for item in document["rows"][1]["readings"]] == [
        "23:57:03",
        "12.5",
    ]
    assert [*document["rows"][0]] == [
        *("time", "season", "status", "status_word", "readings")
    ]


MIXED = (
    "P.60(261103001500)(00)(15)(1)(1.5)(kW)",
    "(1.5)",
    "()",
    "P.60(261103010000)(80)(15)(2)(1.5)(kW)(0.2.2)()",
    "(2.5)(1)",
)


def test_other_columns_get_other_titles(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings change; what was not measured stays empty."""
    connect(meter(with_books(P_60=MIXED)))
    assert main(["profile", "port", "--register", "P.60", "--csv"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Time,Season,Status,1.5 (kW)",
        "2026-11-03 00:15:00,,,1.5",
        "2026-11-03 00:30:00,,,",
        "Time,Season,Status,1.5 (kW),0.2.2",
        "2026-11-03 01:00:00,,power_failed,2.5,1",
    ]
    assert main(["profile", "port", "--register", "P.60", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows[1]["values"][0]["value"] is None


def test_no_rows_are_no_failure(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table says so; the other forms have none."""
    connect(meter())
    nothing = ["--from", "2050-01-01", "--to", "2050-01-01"]
    assert main(["profile", "port", *nothing]) == 0
    assert capsys.readouterr().out.splitlines() == ["/ABC5METER", "no rows"]
    assert main(["profile", "port", *nothing, "--csv"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["profile", "port", *nothing, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == []


def test_a_load_profile_that_the_meter_has_not(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, with the other command that may do if it did not understand."""
    connect(meter())
    assert main(["profile", "port", "--register", "P.44"]) == 6
    assert "the meter refused: ER01; see" in capsys.readouterr().err
    connect(meter(registers(commands=frozenset({"R1"}))))
    assert main(["profile", "port"]) == 6
    assert "another --command than R5 may do" in capsys.readouterr().err


def test_rows_come_before_a_failure(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are printed as they come: nothing waits for the end, or is lost by it."""
    trouble = Trouble(damaged=lambda number: number > 2)
    connect(meter(trouble=trouble))
    days = ["--from", "2026-11-01", "--to", "2026-11-05"]
    assert main(["profile", "--json", "port", *days]) == 5
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert len(document["rows"]) == 2 * 96 + 1
    assert document["exit"] == 5
    assert document["error"] in printed.err


def test_a_failure_at_once_is_all_there_is(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with every command."""
    connect(meter(fault=Fault.SILENT))
    assert main(["profile", "--json", "port"]) == 3
    assert list(json.loads(capsys.readouterr().out)) == ["error", "exit"]


def test_profile_reads_archives(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of volume correctors, with the headings and units of the device."""
    connect(corrector())
    day = ["--from", "2026-11-20", "--to", "2026-11-20"]
    assert main(["profile", "port", *day]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:5] == ["GONo", "AONo", "Time", "Vb", "(m³)"]
    assert len(lines) == 2 + 25
    assert main(["profile", "port", *day, "--register", "03:V.0", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["register"] == "3"
    row = document["rows"][0]
    assert (row["time"], row["intact"]) == ("2026-11-20T00:00:00", True)
    assert row["values"][3] == {"heading": "Vb", "value": "8876.0000", "unit": "m³"}


@pytest.mark.parametrize(
    ("register", "status", "text"),
    [("P.01", 2, "--register 3"), ("7", 6, "there is no such archive")],
)
def test_an_archive_that_is_none(
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    register: str,
    status: int,
    text: str,
) -> None:
    """These devices have numbers for them, and not all of them."""
    link = connect(corrector())
    assert main(["profile", "port", "--register", register]) == status
    assert text in capsys.readouterr().err
    assert link.closed


def test_progress_says_how_many_rows_there_are(
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the rows themselves go into a file."""
    person = Person(monkeypatch, "")
    connect(meter(with_books(P_98=LOG)))
    assert main(["profile", "port", "--register", "P.98", "--csv"]) == 0
    assert "\r\x1b[K1 rows, the last one of 2026-11-03" in person.screen.getvalue()
    assert person.screen.getvalue().endswith("\r\x1b[K")
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_titles_have_a_unit_where_there_is_one() -> None:
    """A channel may have none."""
    row = ProfileRow(
        end=DEVICE_TIME,
        season=None,
        period=timedelta(minutes=15),
        status=Status(0),
        status_text="00",
        channels=(),
        values=(),
    )
    assert titles_of(row) == ("Time", "Season", "Status")


# -- real ports -----------------------------------------------------------------


@contextmanager
def served(link: str, device: SimulatedMeter) -> Iterator[str]:
    """Put a meter behind a real port, on a thread of its own; give the port."""
    found: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serve_tcp(device) if link == "tcp" else serve_pty(device) as server:
            found.append(server.port_url)
            ready.set()
            while not stop.is_set():  # noqa: ASYNC110  # It is of another thread.
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        stop.set()
        thread.join(10)


real_ports = pytest.mark.parametrize("link", ["tcp", "pty"])
SPEED = ["--baud", "9600"]
FAST = {"tcp": b"/ABc5METER", "pty": b"/ABc6METER"}
"""Meters that react within 20 ms, on a quick line, keep these tests short.

A gateway stays at its speed. A pty has to change it.
"""


def real(
    link: str, device: RegisterDevice | None = None, **mode: Any
) -> SimulatedMeter:
    """Return a meter for a real port."""
    made = meter(device, identification=FAST[link], **mode)
    made.first_baud_rate = 9600
    return made


@pytest.mark.socket
@pytest.mark.usefixtures("socket_enabled")
@real_ports
def test_a_wrong_password_goes_over_a_real_wire_once(
    capsys: pytest.CaptureFixture[str], link: str
) -> None:
    """And a meter that has locked up refuses the right one, once for each command."""
    device = real(link, password=Password(CODE_WORD), protected="RWE", locked_after=1)
    assert device.programming is not None
    with served(link, device) as port:
        assert main(["get", port, "1.8.0", "1.6.0", "--password", "wrong", *SPEED]) == 6
        assert device.programming.passwords == 1
        assert (
            main(
                [
                    "set",
                    "--yes",
                    port,
                    "0.9.1",
                    "1",
                    "--password",
                    CODE_WORD,
                    *SPEED,
                ]
            )
            == 6
        )
        assert device.programming.passwords == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("the meter refused the password") == 2
    assert "wrong;" not in printed.err


@pytest.mark.socket
@pytest.mark.usefixtures("socket_enabled")
@real_ports
def test_trouble_on_a_real_wire_is_mended(
    capsys: pytest.CaptureFixture[str], link: str
) -> None:
    """A command that was not understood, a damaged block, a dropped session."""
    trouble = Trouble(
        misunderstood={1}.__contains__,
        damaged={1}.__contains__,
        unanswered={3}.__contains__,
        idle_limit=0.6,
    )
    with served(link, real(link, trouble=trouble)) as port:
        argv = ["--json", port, "1.8.0", "1.6.0", "--timeout", "0.7", *SPEED]
        assert main(["get", *argv]) == 0
        document = json.loads(capsys.readouterr().out)
        assert [item["error"] for item in document["registers"]] == [None, None]
        assert main(["set", "--yes", *SPEED, port, "0.9.1", "120000"]) == 0
        assert main(["profile", "--csv", port, "--command", "R6", *RANGE, *SPEED]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3 + 4


@pytest.mark.socket
@pytest.mark.usefixtures("socket_enabled")
@real_ports
def test_a_session_that_the_meter_ends_is_a_refusal(
    capsys: pytest.CaptureFixture[str], link: str
) -> None:
    """A write is not sent again into a new session."""
    device = registers(registers={"0.9.1": "110000"})
    trouble = Trouble(broken_off={2}.__contains__)
    with served(link, real(link, device, trouble=trouble)) as port:
        assert main(["set", "--yes", *SPEED, port, "0.9.1", "120000"]) == 6
    assert "nobody knows whether it was written" in capsys.readouterr().err
    assert device.registers == {"0.9.1": "110000"}
