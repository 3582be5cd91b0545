"""Programming mode from the meter's side: bytes in, bytes out.

Whole conversations with the client are in `test_client_programming`.
"""

from datetime import UTC, datetime, timedelta

import pytest

from iec21 import Lock, Password, Settings, client, programming
from iec21.commands import Command, ErrorMessage, write_in_blocks
from iec21.const import INACTIVITY_TIMEOUT
from iec21.framing import MAX_READOUT, frame
from iec21.passwords import ENERGOMERA
from iec21.simulator import (
    CorrectorDevice,
    Fault,
    LoadProfile,
    ProgrammingMode,
    RegisterDevice,
    SimulatedLink,
    SimulatedMeter,
    Trouble,
)
from iec21.simulator.dormancy import FastDormancy
from iec21.simulator.programming import DROPPED_AFTER, Lines, Reply, trouble_of
from iec21.simulator.registers import KEPT, registers_of
from iec21.simulator.sample import PASSWORD, PROGRAMMING_SAMPLES, load_sample
from iec21.steps import MeterStep, Pause, Send, SetBaudRate, StartTimer
from iec21.telegram import Check

BLOCK = b"0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n"
ACK = b"\x06"
NAK = b"\x15"
SIGN_OFF = b"\x01B0\x03q"


def mode(**options: object) -> ProgrammingMode:
    """Return programming mode in a session that has just begun."""
    device = RegisterDevice(content=BLOCK, writable=frozenset({"C.1", "FFFF"}))
    begun = ProgrammingMode(**{"device": device, **options})  # type: ignore[arg-type]
    begun.begin()
    return begun


def meter(
    identification: bytes = b"/ABC5METER", fault: Fault = Fault.NONE
) -> SimulatedMeter:
    """Return a meter with programming mode."""
    return SimulatedMeter(
        identification=identification,
        content=BLOCK,
        fault=fault,
        programming=mode(),
    )


def sent(steps: list[MeterStep]) -> bytes:
    """Return all that a meter sends."""
    return b"".join(step.data for step in steps if isinstance(step, Send))


# -- the norm -----------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 3, 4096])
def test_commands_are_answered_however_they_arrive(piece: int) -> None:
    """One message for each, in order."""
    line = (
        b"\x01R1\x020.0.0()\x03S"
        b"\x01R5\x021.8.0()\x03^"
        b"\x01W1\x02C.1(7)\x03\r"
        b"\x01R1\x02C.1()\x03?"
        b"\x01E2\x020001()\x03v"
    )
    session = mode()
    answers: list[bytes] = []
    for start in range(0, len(line), piece):
        answers += session.receive_data(line[start : start + piece])
    assert answers == [
        b"\x020.0.0(12345678)\x03:",
        b"\x021.8.0(000123.456*kWh)\x03\\",
        ACK,
        b"\x02C.1(7)\x03i",
        ACK,
    ]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (Command("R1", "9.9.9()"), "ER01"),
        (Command("W1", "1.8.0(1)"), "ER02"),
        (Command("R1", "1.8.0(?)"), "ER03"),
        (Command("W9", "C.1(1)"), "ER02"),
        (Command("E9", "0001()"), "ER01"),
    ],
)
def test_what_is_understood_and_not_done_is_an_error(
    command: Command, answer: str
) -> None:
    """The session goes on."""
    session = mode()
    assert session.receive_data(command.to_bytes()) == [ErrorMessage(answer).to_bytes()]
    assert session.open


def test_what_is_not_understood_is_answered_with_nak() -> None:
    """A wrong block check, or a command that nobody has defined (Fig. A.1)."""
    session = mode()
    read = Command("R1", "1.8.0()").to_bytes()
    assert session.receive_data(read[:-1] + b"?") == [NAK]
    assert session.receive_data(Command("X1", "()").to_bytes()) == [NAK]
    assert session.receive_data(b"\x01R1\x02" + b"x" * (MAX_READOUT + 2)) == []
    assert len(session.receive_data(read)) == 1


def test_blocks_follow_acknowledgements() -> None:
    """NAK repeats one, and the last one has another end mark."""
    registers = {f"{i:04d}": str(i) for i in range(10)}
    session = mode(device=RegisterDevice(registers=registers))
    (first,) = session.receive_data(Command("R3", "0000(A)").to_bytes())
    assert first.startswith(b"\x020000(0)\r\n0001(1)\r\n")
    assert first[-2] == 0x04
    assert session.receive_data(NAK) == [first]
    (last,) = session.receive_data(ACK)
    assert last[:-1] == b"\x020008(8)\r\n0009(9)\x03"
    assert session.receive_data(NAK) == [last]
    assert session.receive_data(ACK) == []


def test_without_an_answer_there_is_nothing_to_repeat() -> None:
    """Receipts that come out of nowhere are passed over."""
    session = mode()
    assert session.receive_data(ACK + NAK) == []


def test_a_new_command_ends_an_answer_in_blocks() -> None:
    """It is carried out (Fig. 23)."""
    registers = {f"{i:04d}": str(i) for i in range(10)}
    session = mode(device=RegisterDevice(registers=registers))
    session.receive_data(Command("R3", "0000(A)").to_bytes())
    (answer,) = session.receive_data(Command("R1", "0001()").to_bytes())
    assert answer[:-1] == b"\x020001(1)\x03"
    assert session.receive_data(ACK) == []


def test_a_write_in_blocks_is_put_together() -> None:
    """Only the first block has the address."""
    session = mode()
    blocks = [*write_in_blocks("W3", "FFFF", "0123456789", 4)]
    for block in blocks:
        assert session.receive_data(block.to_bytes()) == [ACK]
    (answer,) = session.receive_data(Command("R1", "FFFF()").to_bytes())
    assert b"FFFF(0123456789)" in answer


def test_a_sign_off_is_not_answered_and_b1_is() -> None:
    """The session is over with either; what comes behind it is not heard."""
    read = Command("R1", "1.8.0()").to_bytes()
    for sign_off, answers in ((SIGN_OFF, []), (b"\x01B1\x03p", [ACK])):
        session = mode()
        assert session.receive_data(sign_off + read) == answers
        assert not session.open
        session.end()


def test_passwords_open_and_lock() -> None:
    """A wrong one ends the session, and a few of them the patience."""
    session = mode(password=Password("1234"), protected="WE", locked_after=2)
    write = Command("W1", "C.1(1)").to_bytes()
    assert session.receive_data(write) == [ErrorMessage("ERR04").to_bytes()]
    right, wrong = (Command("P1", f"({text})").to_bytes() for text in ("1234", "1"))
    assert session.receive_data(right + write) == [ACK, ACK]
    for _ in range(2):
        session.begin()
        assert session.receive_data(wrong) == [SIGN_OFF]
    session.begin()
    assert session.receive_data(right) == [SIGN_OFF]
    assert (session.passwords, session.wrong_passwords) == (4, 3)
    # Without a password any will do.
    assert mode().receive_data(wrong) == [ACK]


def test_an_algorithm_wants_its_own_answer() -> None:
    """The plain password is wrong then."""
    session = mode(seed="12345678", password=Password("777777"), algorithm=ENERGOMERA)
    assert session.operand == b"\x01P0\x02(12345678)\x03h"
    answer = Command("P2", "(5ED5C89A)").to_bytes()
    assert session.receive_data(answer) == [ACK]
    assert session.receive_data(Command("P1", "(777777)").to_bytes()) == [SIGN_OFF]


def test_sums_are_sent_and_expected() -> None:
    """As by Energomera's meters."""
    session = mode(check=Check.SUM, seed="83BC249")
    assert session.operand == b"\x01P0\x02(83BC249)\x03e"
    assert session.receive_data(b"\x01B0\x03q") == [NAK]
    assert session.receive_data(b"\x01B0\x03u") == []


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (Fault.MISUNDERSTANDS, (True, False, False)),
        (Fault.DAMAGED_BLOCK, (False, True, False)),
        (Fault.BREAKS_OFF, (False, False, True)),
    ],
)
def test_faults_name_trouble(fault: Fault, trouble: tuple[bool, bool, bool]) -> None:
    """So that the command line can ask for it."""
    found = trouble_of(fault)
    assert (found.misunderstood(1), found.damaged(2), found.broken_off(3)) == trouble
    assert found.idle_limit == INACTIVITY_TIMEOUT
    assert trouble_of(Fault.DROPS_SESSION).idle_limit == DROPPED_AFTER
    assert trouble_of(Fault.NO_ADDRESS).without_address


# -- in a meter ---------------------------------------------------------------


def test_mode_c_opens_programming_mode_on_request() -> None:
    """At the speed that was offered; two minutes of silence end it."""
    device = meter()
    device.receive_data(b"/?!\r\n")
    assert device.receive_data(b"\x06051\r\n") == [
        SetBaudRate(9600),
        Pause(0.2),
        Send(b"\x01P0\x02()\x03`"),
        StartTimer(INACTIVITY_TIMEOUT),
    ]
    assert device.receive_data(b"\x01R1\x020.0.0()\x03S") == [
        Pause(0.2),
        Send(b"\x020.0.0(12345678)\x03:"),
        StartTimer(INACTIVITY_TIMEOUT),
    ]
    assert device.handle_timeout() == [SetBaudRate(300)]
    assert sent(device.receive_data(b"/?!\r\n")) == b"/ABC5METER\r\n"


@pytest.mark.parametrize("acknowledgement", [b"\x06041\r\n", b"\x06151\r\n"])
def test_an_acknowledgement_of_another_speed_gives_the_readout(
    acknowledgement: bytes,
) -> None:
    """Programming mode is not entered then (clause 6.4.3.3)."""
    device = meter()
    device.receive_data(b"/?!\r\n")
    assert sent(device.receive_data(acknowledgement)) == frame(BLOCK)


def test_programming_mode_is_there_at_the_first_speed_as_well() -> None:
    """With "0" the meter stays there."""
    device = meter()
    device.receive_data(b"/?!\r\n")
    steps = device.receive_data(b"\x06001\r\n")
    assert not any(isinstance(step, SetBaudRate) for step in steps)
    assert sent(steps) == b"\x01P0\x02()\x03`"


def test_in_mode_a_commands_and_sign_ons_follow_the_readout() -> None:
    """Nobody has to ask for programming mode."""
    device = meter(b"/ABC METER")
    for _ in range(2):
        answer = sent(device.receive_data(b"/?!\r\n"))
        assert answer == b"/ABC METER\r\n" + frame(BLOCK)
        command = b"\x01R1\x020.0.0()\x03S"
        assert sent(device.receive_data(command)) == b"\x020.0.0(12345678)\x03:"
    assert device.receive_data(SIGN_OFF) == [SetBaudRate(300)]


def test_bursts_wake_a_meter_that_wants_them() -> None:
    """Not the first ones, and none of another length."""
    dormancy = FastDormancy(2400)
    for nulls, answer in (
        (132, b""),
        (66, b""),
        (132, b""),
        (200, b""),
        (132, ACK),
    ):
        assert dormancy.hear(bytes(nulls))[0] == b""
        assert sent(dormancy.handle_timeout()) == answer
    assert dormancy.wake_ups == 1
    assert dormancy.hear(b"/")[0] == b"/"
    assert dormancy.hear(b"?") == (b"?", [])
    dormancy.sleep()
    assert dormancy.hear(b"/?!")[0] == b""


def test_a_meter_that_is_not_asked_falls_asleep_again() -> None:
    """Its answer was in vain."""
    device = meter(fault=Fault.BURSTS_WANTED)
    steps: list[MeterStep] = []
    for _ in range(3):
        device.receive_data(bytes(16))
        steps = device.handle_timeout()
    assert sent(steps) == ACK
    assert device.handle_timeout() == []
    assert sent(device.receive_data(b"/?!\r\n")) == b""


# -- registers ----------------------------------------------------------------


def test_registers_are_what_stands_behind_their_codes() -> None:
    """Data sets without a code belong to the one before; the first code counts."""
    content = b"1.6.1(1*kW)(2611201215)\r\n(2)\r\n1.8.0(3)\r\n1.8.0(4)\r\nodd\r\n"
    assert registers_of(content) == {
        "1.6.1": "1*kW)(2611201215)(2",
        "1.8.0": "3)(4",
    }


def profile_lines(limits: str) -> list[str]:
    """Return the lines of a load profile that ends on the 20th of November 2026."""
    found = LoadProfile(now=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
    return [*found.lines("P.01", limits)]


def test_a_load_profile_has_a_heading_for_each_day() -> None:
    """Its time is the end of the first interval."""
    lines = profile_lines("02611192330;02611200015")
    assert lines[0] == "P.01(0261119233000)(00)(15)(2)(1.5)(kW)(2.5)(kW)"
    assert lines[4].startswith("P.01(0261120001500)")
    assert len(lines) == 6
    assert profile_lines("02611192330;02611200015") == lines


def test_a_load_profile_goes_back_two_years() -> None:
    """Nothing of it is stored; open ends are as far as it goes."""
    lines = profile_lines("")
    rows = [line for line in lines if line.startswith("(")]
    assert len(rows) == KEPT // timedelta(minutes=15) + 1
    assert lines[0].startswith("P.01(0241119130000)")
    assert profile_lines("02611202330;") == ["P.01(ERROR)"]
    assert len(profile_lines("22611201200")) == 2


# -- a volume corrector -------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "answer"),
    [
        ("R1", ("1:180.0", "1"), "7-1:180.0(00011111)"),
        ("R1", ("02:0302.0", "1"), "7-2:302.0(6830.1122*m3)"),
        ("R1", ("2:302.2", "1"), "7-2:302.2(VbT)"),
        ("R1", ("2:302.3", "1"), "7-2:302.3(m3)"),
        ("R1", ("1:400.0", "1"), "7-1:400.0(2026-11-21,10:30:00)"),
        ("R1", ("4:170.0", "1"), "7-4:170.0(0)"),
        ("R1", ("3:V.A", "3;2026-11-21,00:00:00;;1"), "(11)"),
        (
            "R1",
            ("3:V.4", "1"),
            "()()(1:400.0)(2:300.0)(2:302.0)(4:300.0)(7:310.0)(6:310_1.0)(1:100.0)()()",
        ),
        ("R1", ("2:302.9", "1"), "#0005"),
        ("R1", ("2:999.0", "1"), "#0002"),
        ("R1", ("nothing", "1"), "#0001"),
        ("R1", ("2:302.0", ""), "#0200"),
        ("R5", ("2:302.0", "1"), "#0200"),
        ("R1", ("9:170.0", "1"), "#0003"),
        ("R1", ("4:171.0", "1"), "#0018"),
        ("R1", ("3:V.9", "1"), "#0005"),
        ("W1", ("4:150.0", "30"), "#0019"),
        ("W1", ("2:302.0", "0"), "#0009"),
        ("W1", ("2:999.0", "0"), "#0002"),
        ("W1", ("nothing", "0"), "#0001"),
        ("W5", ("4:150.0", "30"), "#0200"),
        ("W1", ("4:171.0", "0"), "#0017"),
        ("W1", ("9:171.0", "0"), "#0003"),
        ("E2", ("0001", ""), "#0200"),
    ],
)
def test_a_corrector_answers_in_its_own_words(
    name: str, data: tuple[str, str], answer: str
) -> None:
    """Objects, attributes, archives, and a number for everything that is wrong."""
    device = CorrectorDevice(now=lambda: datetime(2026, 11, 21, 10, 30))  # noqa: DTZ001
    found: Reply
    if name[0] == "R":
        found = device.read(name, *data)
    elif name[0] == "W":
        found = device.write(name, *data)
    else:
        found = device.execute(name, *data)
    if isinstance(found, Lines):
        assert [*found.lines] == [answer]
    else:
        assert found == ErrorMessage(answer)


def test_a_lock_of_a_corrector_opens_and_closes() -> None:
    """With its code, and with a zero."""
    device = CorrectorDevice(codes={Lock.CUSTOMER: Password("1")})
    assert device.write("W1", "4:171.0", "1") is None
    assert device.unlocked == {Lock.CUSTOMER}
    assert device.write("W1", "4:150.0", "30") is None
    device.end_session()
    assert device.write("W1", "4:170.0", "0") is None
    assert device.unlocked == set()


# -- samples ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "register", "found"),
    [("household", "0.0.0", "SYN00000001"), ("ek280", "1:181.0", "EK280")],
)
async def test_samples_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, name: str, register: str, found: str
) -> None:
    """The house knows its readout as registers as well."""
    sample = load_sample(name)
    link = SimulatedLink(
        SimulatedMeter(
            identification=sample.identification,
            content=sample.content,
            programming=sample.programming,
        )
    )
    monkeypatch.setattr(client, "open_transport", link.open)
    async with programming("/dev/simulated", Settings()) as opened:
        (data_set,) = await opened.read(register)
    assert data_set.value == found
    assert set(PROGRAMMING_SAMPLES) == {"ek280"}
    assert Password("00000000") == PASSWORD


def test_unanswered_commands_are_trouble_as_well() -> None:
    """Nothing comes, and the session goes on."""
    session = mode(trouble=Trouble(unanswered=lambda number: number == 1))
    read = Command("R1", "0.0.0()").to_bytes()
    assert session.receive_data(read) == []
    assert len(session.receive_data(read)) == 1
