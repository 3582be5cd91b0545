"""Programming mode step by step: what the client sends, when, and what it makes of it.

No port, no event loop: bytes go in and steps come out. The frames are written out;
conversations with a meter are in `test_client_programming`.
"""

from contextlib import suppress

from hypothesis import given, strategies as st
import pytest

from iec21 import (
    ChecksumError,
    CommandRefusedError,
    Identification,
    Identified,
    IecError,
    MeterRefusedError,
    MeterTimeoutError,
    Mode,
    Retrying,
    SessionEndedError,
    Settings,
    TelegramError,
)
from iec21.commands import Command, write_in_blocks
from iec21.framing import MAX_NOISE, MAX_READOUT, add_parity, frame, xor_check
from iec21.programming import ProgrammingSession, State
from iec21.settings import DEFAULT_TIMEOUT
from iec21.steps import (
    BlockReceived,
    CommandDone,
    DataArrived,
    ProgrammingOpened,
    ProgrammingStep,
    Send,
    SetBaudRate,
    StartTimer,
)
from iec21.telegram import Check

MODE_C = b"/ABC5METER\r\n"
P0 = b"\x01P0\x02()\x03`"
SIGN_OFF = b"\x01B0\x03q"
ACK = b"\x06"
NAK = b"\x15"
READ = Command("R1", "1.8.0()")
VALUE = b"\x021.8.0(1*kWh)\x03t"

ANSWER_TIMER = StartTimer(DEFAULT_TIMEOUT)
REACTION_TIMER = StartTimer(0.2)


def data(text: str, *, last: bool = True) -> bytes:
    """Return a data message of a meter."""
    span = text.encode("ascii") + (b"\x03" if last else b"\x04")
    return b"\x02" + span + bytes([xor_check(span)])


def opened(
    settings: Settings | None = None, identification: bytes = MODE_C
) -> ProgrammingSession:
    """Return a session that is open for commands."""
    session = ProgrammingSession(settings or Settings())
    session.start()
    session.receive_data(identification)
    session.handle_timeout()
    session.handle_timeout()
    session.receive_data(P0)
    assert session.state is State.OPEN
    return session


def asked(
    *blocks: Command, session: ProgrammingSession | None = None
) -> ProgrammingSession:
    """Return an open session that has just sent a command."""
    session = session or opened()
    session.ask(*blocks)
    session.handle_timeout()
    assert session.state is State.ANSWER
    return session


# -- the way there ------------------------------------------------------------


def test_mode_c_from_sign_on_to_a_register() -> None:
    """The acknowledgement asks for programming mode, and the meter opens it."""
    session = ProgrammingSession(Settings())
    assert session.start() == [Send(b"/?!\r\n"), ANSWER_TIMER]
    assert session.receive_data(MODE_C) == [
        Identified(Identification.parse(MODE_C), 9600),
        REACTION_TIMER,
    ]
    assert session.handle_timeout() == [Send(b"\x06051\r\n"), StartTimer(0.02)]
    assert session.handle_timeout() == [SetBaudRate(9600), ANSWER_TIMER]
    assert session.receive_data(P0) == [ANSWER_TIMER, ProgrammingOpened("")]
    assert session.ask(READ) == [REACTION_TIMER]
    assert session.handle_timeout() == [Send(b"\x01R1\x021.8.0()\x03Z"), ANSWER_TIMER]
    assert session.receive_data(VALUE) == [BlockReceived("1.8.0(1*kWh)")]
    assert session.sign_off() == [Send(SIGN_OFF)]
    assert session.sign_off() == []


@pytest.mark.parametrize("piece", [1, 2, 7])
def test_how_the_bytes_arrive_makes_no_difference(piece: int) -> None:
    """Any split of operand and answer gives the same conversation."""
    session = ProgrammingSession(Settings())
    session.start()
    session.receive_data(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    operand = b"\x01P0\x02(1234567)\x03P"
    steps = in_pieces(session, operand, piece)
    assert steps[-1] == ProgrammingOpened("1234567")
    asked(READ, session=session)
    assert in_pieces(session, VALUE, piece)[-1] == BlockReceived("1.8.0(1*kWh)")


def in_pieces(
    session: ProgrammingSession, received: bytes, piece: int
) -> list[ProgrammingStep]:
    """Hand over bytes in pieces; return all steps."""
    steps: list[ProgrammingStep] = []
    for start in range(0, len(received), piece):
        steps += session.receive_data(received[start : start + piece])
    return steps


def test_in_mode_a_commands_follow_the_readout() -> None:
    """There is no acknowledgement and no operand, and the speed stays."""
    session = ProgrammingSession(Settings())
    session.start()
    session.receive_data(b"/ABC METER\r\n")
    steps = session.receive_data(frame(b"0.0.0(1)\r\n"))
    assert isinstance(steps[0], DataArrived)
    assert steps[1:] == [ProgrammingOpened("")]
    assert session.ask(Command("P1", "(00000000)")) == [REACTION_TIMER]
    assert session.handle_timeout()[0] == Send(b"\x01P1\x02(00000000)\x03a")
    assert session.receive_data(ACK) == [CommandDone()]


def test_in_mode_b_commands_go_at_the_first_speed_again() -> None:
    """Only the readout comes at the other one (Fig. 10)."""
    session = ProgrammingSession(Settings())
    session.start()
    steps = session.receive_data(b"/ABCCMETER\r\n")
    assert SetBaudRate(2400) in steps
    steps = session.receive_data(frame(b"0.0.0(1)\r\n"))
    assert steps[-2:] == [SetBaudRate(300), ProgrammingOpened("")]
    assert session.baud_rate == 300


def test_data_without_identification_lead_there_as_well() -> None:
    """So answer some meters to a sign-on for another list."""
    session = ProgrammingSession(Settings(selector="2"))
    session.start()
    steps = session.receive_data(frame(b"0.0.0(1)\r\n"))
    assert steps[-1] == ProgrammingOpened("")
    assert session.identification is None
    assert session.ask(READ) == [REACTION_TIMER]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (SIGN_OFF, "it signed off instead of opening programming mode"),
        (data("(ER07)"), "ER07"),
        (frame(b"1.8.0(1)\r\n"), "it sent its readout instead of opening"),
    ],
)
def test_a_meter_may_refuse_programming_mode(answer: bytes, text: str) -> None:
    """It says so in its own words, or sends what it would have sent anyway."""
    session = ProgrammingSession(Settings())
    session.start()
    session.receive_data(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    with pytest.raises(MeterRefusedError, match=text):
        session.receive_data(answer)


def test_a_damaged_operand_ends_in_another_attempt() -> None:
    """The meter is signed off with either block check, and signed on again."""
    session = ProgrammingSession(Settings(attempts=2))
    session.start()
    session.receive_data(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    steps = session.receive_data(P0[:-1] + b"?")
    assert steps[:2] == [ANSWER_TIMER, Send(b"\x01B0\x03u")]
    assert isinstance(steps[2], Retrying)
    assert steps[3:] == [Send(SIGN_OFF), SetBaudRate(300), StartTimer(1.5)]
    assert session.handle_timeout()[0] == Send(b"/?!\r\n")
    session.receive_data(MODE_C)
    # The last attempt is made at the first speed.
    assert session.handle_timeout()[0] == Send(b"\x06001\r\n")
    with pytest.raises(ChecksumError):
        session.receive_data(P0[:-1] + b"?")


def test_a_missing_end_of_the_operand_does_too() -> None:
    """What has begun and does not go on is no operand."""
    session = ProgrammingSession(Settings(attempts=1))
    session.start()
    session.receive_data(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    assert session.receive_data(P0[:5]) == [ANSWER_TIMER, ANSWER_TIMER]
    # Whatever this is, it is no operand.
    assert session.receive_data(b"~") == [ANSWER_TIMER]
    assert session.receive_data(VALUE) == []
    with pytest.raises(MeterTimeoutError, match="operand"):
        session.handle_timeout()


def test_silence_in_place_of_the_operand_is_answered_with_a_sign_off() -> None:
    """The meter may be in programming mode all the same, deaf to a sign-on."""
    session = ProgrammingSession(Settings())
    session.start()
    session.receive_data(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    steps = session.handle_timeout()
    assert steps[1:] == [Send(SIGN_OFF), SetBaudRate(300), StartTimer(1.5)]


def test_a_sum_is_learned_from_two_operands() -> None:
    """The first one might be damaged; then all messages have the sum."""
    session = ProgrammingSession(Settings())
    session.start()
    for _ in range(2):
        session.receive_data(MODE_C)
        session.handle_timeout()
        session.handle_timeout()
        session.receive_data(b"\x01P0\x02(83BC249)\x03e")
        if session.state is State.OPENING:
            session.handle_timeout()
    assert session.state is State.OPEN
    assert session.learned.check is Check.SUM
    assert ProgrammingSession(Settings()).learned == Settings()
    session.ask(Command("P1", "(777777)"))
    assert session.handle_timeout()[0] == Send(b"\x01P1\x02(777777)\x03!")
    assert session.sign_off() == [Send(b"\x01B0\x03u")]


def test_the_profile_knows_the_sum() -> None:
    """Energomera's meters need no second operand, and a sign-off with the sum."""
    session = ProgrammingSession(Settings())
    session.start()
    session.receive_data(b"/EKT5CE301v4\r\n")
    session.handle_timeout()
    session.handle_timeout()
    assert session.receive_data(b"\x01P0\x02(83BC249)\x03e")[-1] == (
        ProgrammingOpened("83BC249")
    )
    assert session.sign_off() == [Send(b"\x01B0\x03u")]


def test_parity_is_put_on_by_hand_where_it_has_to_be() -> None:
    """Behind a gateway at 8N1 the meter hears nothing else; answers lose theirs."""
    session = ProgrammingSession(Settings(software_parity=True))
    session.start()
    session.receive_data(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    session.receive_data(add_parity(P0))
    session.ask(READ)
    assert session.handle_timeout()[0] == Send(add_parity(READ.to_bytes()))
    assert session.receive_data(add_parity(VALUE)) == [BlockReceived("1.8.0(1*kWh)")]
    assert session.sign_off() == [Send(add_parity(SIGN_OFF))]


def test_a_fast_meter_is_asked_sooner() -> None:
    """A third letter in lower case stands for a reaction time of 20 ms."""
    session = opened(identification=b"/ABc5METER\r\n")
    assert session.ask(READ) == [StartTimer(0.02)]


# -- every command ------------------------------------------------------------

# Table 6.1 of the norm, and VDEW's: what is sent, and what comes back.
READS = [
    (Command("R1", "1.8.0()"), b"\x01R1\x021.8.0()\x03Z"),
    (Command("R1", "3:B04.0(1)"), b"\x01R1\x023:B04.0(1)\x03\x03"),
    (Command("R2", "C003()"), b"\x01R2\x02C003()\x03\x10"),
    (Command("R5", "1.8.0()"), b"\x01R5\x021.8.0()\x03^"),
]
READS_IN_BLOCKS = [
    (Command("R3", "0000(93)"), b"\x01R3\x020000(93)\x03k"),
    (
        Command("R3", "3:V.0(3;2003-09-15,00:00:00;;1)"),
        b"\x01R3\x023:V.0(3;2003-09-15,00:00:00;;1)\x039",
    ),
    (Command("R4", "9000()"), b"\x01R4\x029000()\x03o"),
    (Command("R6", "P.01(;)"), b"\x01R6\x02P.01(;)\x03 "),
]
WRITES = [
    (Command("P1", "(00000000)"), b"\x01P1\x02(00000000)\x03a"),
    (Command("P1", "()"), b"\x01P1\x02()\x03a"),
    (Command("P2", "(5ED5C89A)"), b"\x01P2\x02(5ED5C89A)\x03`"),
    (Command("W1", "4:171.0(0)"), b"\x01W1\x024:171.0(0)\x03q"),
    (Command("W1", "4:170.0(0)"), b"\x01W1\x024:170.0(0)\x03p"),
    (Command("W2", "C003()"), b"\x01W2\x02C003()\x03\x15"),
    (
        Command("W5", "0.9.2(0171021)(00000000)"),
        b"\x01W5\x020.9.2(0171021)(00000000)\x03l",
    ),
    (Command("E2", "0001()"), b"\x01E2\x020001()\x03v"),
]


@pytest.mark.parametrize(("command", "sent"), READS)
def test_reading_takes_one_message(command: Command, sent: bytes) -> None:
    """The answer is handed out as it came, and the session is open again."""
    session = opened()
    session.ask(command)
    assert session.handle_timeout() == [Send(sent), ANSWER_TIMER]
    assert session.receive_data(data("(0033402.264*kWh)")) == [
        BlockReceived("(0033402.264*kWh)")
    ]
    assert session.state is State.OPEN


@pytest.mark.parametrize(("command", "sent"), READS_IN_BLOCKS)
def test_reading_in_blocks_acknowledges_all_but_the_last(
    command: Command, sent: bytes
) -> None:
    """Each block is handed out at once; the end mark says whether more follow."""
    session = opened()
    session.ask(command)
    assert session.handle_timeout()[0] == Send(sent)
    assert session.receive_data(data("(1)\r\n", last=False)) == [
        BlockReceived("(1)\r\n", last=False),
        REACTION_TIMER,
    ]
    assert session.handle_timeout() == [Send(ACK), ANSWER_TIMER]
    assert session.receive_data(data("(2)")) == [BlockReceived("(2)")]
    assert session.handle_timeout() == []


@pytest.mark.parametrize(("command", "sent"), WRITES)
def test_what_is_written_is_acknowledged(command: Command, sent: bytes) -> None:
    """One character says that it was done."""
    session = opened()
    session.ask(command)
    assert session.handle_timeout()[0] == Send(sent)
    assert session.receive_data(ACK) == [CommandDone()]
    assert session.state is State.OPEN


def test_a_write_in_blocks_is_acknowledged_block_by_block() -> None:
    """The address stands in the first one, and EOT behind all but the last."""
    session = asked(*write_in_blocks("W4", "FFFF", "012345F01234", 6))
    steps = session.receive_data(ACK)
    assert steps == [REACTION_TIMER]
    assert session.handle_timeout()[0] == Send(b"\x01W4\x02(F01234)\x03\x11")
    assert session.receive_data(ACK) == [CommandDone()]


def test_the_blocks_of_a_write_are_the_norms() -> None:
    """W3 and W4 differ from W1 and W2 in the end mark only."""
    session = opened()
    session.ask(*write_in_blocks("W4", "FFFF", "012345F01234", 6))
    assert session.handle_timeout()[0] == Send(b"\x01W4\x02FFFF(012345)\x04e")
    session.ask(*write_in_blocks("W3", "FFFF", "0123456", 6))
    assert session.handle_timeout()[0] == Send(b"\x01W3\x02FFFF(012345)\x04b")


def test_carrying_something_out_may_give_a_readout() -> None:
    """Code 0000 asks for one (Annex C.5)."""
    session = asked(Command("E2", "0000(0000)"))
    answer = data("0001(1)\r\n!\r\n")
    assert session.receive_data(answer) == [BlockReceived("0001(1)\r\n!\r\n")]


def test_a_session_with_a_battery_meter_ends_with_b1() -> None:
    """It acknowledges that before it goes to sleep (Annex B.2)."""
    session = ProgrammingSession(Settings(fast_wake_up=True, baud_rate=2400))
    burst = Send(bytes(132))
    assert session.start() == [burst, StartTimer(2 * 10 / 2400 + 0.04)]
    assert session.receive_data(bytes(132)) == []
    assert session.handle_timeout()[0] == burst
    assert session.receive_data(bytes(132) + ACK) == [REACTION_TIMER]
    assert session.receive_data(ACK) == []
    assert session.handle_timeout()[0] == Send(b"/?!\r\n")
    session.receive_data(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    session.receive_data(P0)
    assert session.sign_off() == [Send(b"\x01B1\x03p")]


def test_bursts_end_when_nobody_answers() -> None:
    """After five seconds comes a pause, and in the end an error."""
    session = ProgrammingSession(Settings(fast_wake_up=True, attempts=2))
    steps = session.start()
    while not isinstance(steps[-2], Retrying):
        steps += session.handle_timeout()
    assert sum(isinstance(step, Send) for step in steps) == 8
    with pytest.raises(MeterTimeoutError, match="answer to the wake-up"):
        give_up(session)


def give_up(session: ProgrammingSession) -> None:
    """Let time pass until the session raises."""
    while True:
        session.handle_timeout()


def test_a_slow_wake_up_is_one_message() -> None:
    """Its NULs must not have gaps (Annex B.1)."""
    session = ProgrammingSession(Settings(wake_up=66))
    assert session.start() == [Send(bytes(66)), StartTimer(1.6)]
    assert session.receive_data(bytes(66)) == []
    assert session.handle_timeout()[0] == Send(b"/?!\r\n")


# -- what a meter may say ------------------------------------------------------


@pytest.mark.parametrize("text", ["ER01", "ERR12", "ERROR", "#0017"])
def test_an_error_message_is_the_meters_last_word(text: str) -> None:
    """It understood and does not do it; the session goes on."""
    session = asked(READ)
    with pytest.raises(CommandRefusedError) as caught:
        session.receive_data(data(f"({text})"))
    assert caught.value.answer == text
    assert session.state is State.OPEN
    assert asked(READ, session=session).receive_data(VALUE)


def test_two_digits_are_an_error_where_the_profile_says_so() -> None:
    """NEVA's meters leave the letters out."""
    session = opened(identification=b"/TPC5NEVAMT324\r\n")
    asked(READ, session=session)
    with pytest.raises(CommandRefusedError) as caught:
        session.receive_data(data("(01)"))
    assert caught.value.answer == "01"
    assert asked(READ).receive_data(data("(01)")) == [BlockReceived("(01)")]


def test_nak_repeats_the_command_twice() -> None:
    """Three transmissions are all that a command gets (clause 6.4.7)."""
    session = asked(Command("W1", "C.1(2)"))
    for _ in range(2):
        assert session.receive_data(NAK) == [REACTION_TIMER]
        assert session.handle_timeout()[0] == Send(Command("W1", "C.1(2)").to_bytes())
    with pytest.raises(CommandRefusedError) as caught:
        session.receive_data(NAK)
    assert caught.value.answer == "NAK"
    assert session.state is State.OPEN


@pytest.mark.parametrize("command", [Command("P1", "(1)"), Command("P2", "(1)")])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (NAK, CommandRefusedError),
        (data("(ER03)"), CommandRefusedError),
        (SIGN_OFF, SessionEndedError),
        (data("(ER03)")[:-1] + b"?", ChecksumError),
        (data("1.8.0(1)"), TelegramError),
        (data("(ER03)")[:-1], TelegramError),
        (b"", MeterTimeoutError),
    ],
)
def test_a_password_is_never_sent_again(
    command: Command, answer: bytes, error: type[Exception]
) -> None:
    """Not after NAK, an error, a sign-off, damage, or silence."""
    session = asked(command)
    with pytest.raises(error):
        hear(session, answer)
    assert session.state in {State.OPEN, State.ENDED}


def hear(session: ProgrammingSession, answer: bytes) -> None:
    """Hand over an answer and let time pass; nothing may be sent meanwhile."""
    steps = session.receive_data(answer) + session.handle_timeout()
    assert steps == []


def test_what_goes_once_is_not_sent_again() -> None:
    """So is the code of a lock, which is written like a value."""
    session = opened()
    session.ask(Command("W1", "4:171.0(1)"), once=True)
    session.handle_timeout()
    with pytest.raises(CommandRefusedError):
        session.receive_data(NAK)


def test_a_damaged_answer_is_asked_for_with_nak() -> None:
    """The meter repeats it; nothing of a damaged one is handed out."""
    session = asked(READ)
    for _ in range(2):
        assert session.receive_data(VALUE[:-1] + b"?") == [REACTION_TIMER]
        assert session.handle_timeout() == [Send(NAK), ANSWER_TIMER]
    with pytest.raises(ChecksumError):
        session.receive_data(VALUE[:-1] + b"?")
    assert session.state is State.OPEN


def test_a_damaged_block_is_repeated_in_its_place() -> None:
    """Three transmissions are for each block; what is right is handed out once."""
    session = asked(Command("R6", "P.01(;)"))
    for text in ("(1)\r\n", "(2)\r\n"):
        block = data(text, last=False)
        for _ in range(2):
            assert session.receive_data(block[:-1] + b"?") == [REACTION_TIMER]
            assert session.handle_timeout()[0] == Send(NAK)
        steps = session.receive_data(block)
        assert steps[0] == BlockReceived(text, last=False)
        assert session.handle_timeout()[0] == Send(ACK)
    assert session.receive_data(data("(3)")) == [BlockReceived("(3)")]


def test_an_acknowledgement_that_arrived_damaged_is_repeated() -> None:
    """The meter says NAK to it, and means that and not the command."""
    session = asked(Command("R6", "P.01(;)"))
    session.receive_data(data("(1)\r\n", last=False))
    session.handle_timeout()
    assert session.receive_data(NAK) == [REACTION_TIMER]
    assert session.handle_timeout()[0] == Send(ACK)


def test_an_answer_that_breaks_off_counts_as_damaged() -> None:
    """Its block check may be all that is missing."""
    session = asked(READ)
    assert session.receive_data(VALUE[:-1]) == [ANSWER_TIMER]
    assert session.handle_timeout() == [REACTION_TIMER]
    assert session.handle_timeout()[0] == Send(NAK)
    # A meter that does not know NAK hears the command once more.
    assert session.handle_timeout() == [REACTION_TIMER]
    assert session.handle_timeout()[0] == Send(READ.to_bytes())
    assert session.receive_data(VALUE) == [BlockReceived("1.8.0(1*kWh)")]


def test_a_silent_meter_is_asked_twice() -> None:
    """Whoever has dropped the session stays silent; a third time is of no use."""
    session = asked(READ)
    assert session.handle_timeout() == [REACTION_TIMER]
    assert session.handle_timeout()[0] == Send(READ.to_bytes())
    with pytest.raises(MeterTimeoutError, match="answer"):
        session.handle_timeout()


@pytest.mark.parametrize("command", [Command("W1", "C.1(2)"), Command("E2", "0001()")])
def test_silence_does_not_repeat_what_changes_something(command: Command) -> None:
    """It may have been done, and doing it twice may do harm."""
    session = asked(command)
    with pytest.raises(MeterTimeoutError):
        session.handle_timeout()
    assert session.state is State.OPEN


def test_silence_between_blocks_ends_the_answer() -> None:
    """The next block or the one before it? A wrong guess would lose rows."""
    session = asked(Command("R6", "P.01(;)"))
    session.receive_data(data("(1)\r\n", last=False))
    session.handle_timeout()
    with pytest.raises(MeterTimeoutError):
        session.handle_timeout()


def test_a_command_for_reading_cannot_be_acknowledged() -> None:
    """EMH's meters do so before they sign off; another command may help."""
    session = asked(READ)
    with pytest.raises(CommandRefusedError) as caught:
        session.receive_data(ACK)
    assert caught.value.answer == "ACK"
    session.receive_data(SIGN_OFF)
    with pytest.raises(SessionEndedError):
        session.ask(READ)


def test_data_do_not_acknowledge_a_write() -> None:
    """Nobody knows what they belong to."""
    with pytest.raises(TelegramError, match="acknowledged"):
        asked(Command("W1", "C.1(2)")).receive_data(VALUE)


def test_the_meter_may_sign_off_at_any_moment() -> None:
    """The session is over then, whatever was asked."""
    with pytest.raises(SessionEndedError):
        asked(READ).receive_data(SIGN_OFF)
    session = opened()
    assert session.receive_data(SIGN_OFF) == []
    assert session.state is State.ENDED
    assert session.sign_off() == []
    session = asked(Command("R6", "P.01(;)"))
    session.receive_data(data("(1)\r\n", last=False) + SIGN_OFF)
    with pytest.raises(SessionEndedError):
        session.handle_timeout()


def test_it_may_do_so_before_the_operand_is_complete() -> None:
    """Then there is no session."""
    session = ProgrammingSession(Settings())
    session.start()
    session.receive_data(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    session.receive_data(P0[:5])
    with pytest.raises(SessionEndedError):
        session.receive_data(SIGN_OFF)


def test_a_sign_off_behind_an_answer_leaves_the_answer() -> None:
    """MetCom's meters close like this."""
    session = asked(READ)
    assert session.receive_data(VALUE + SIGN_OFF) == [BlockReceived("1.8.0(1*kWh)")]
    assert session.state is State.ENDED


def test_echo_and_repetitions_are_passed_over() -> None:
    """A head gives back what was sent, and some lines give all twice."""
    session = asked(READ)
    steps = session.receive_data(READ.to_bytes() + VALUE + VALUE)
    assert steps == [BlockReceived("1.8.0(1*kWh)")]
    session = asked(Command("R6", "P.01(;)"))
    block = data("(1)\r\n", last=False)
    assert session.receive_data(block + block) == [
        BlockReceived("(1)\r\n", last=False),
        REACTION_TIMER,
        REACTION_TIMER,
    ]
    session = asked(READ)
    assert session.receive_data(P0 + VALUE) == [BlockReceived("1.8.0(1*kWh)")]


def test_noise_gives_nobody_more_time() -> None:
    """Neither to an answer that has not begun nor to what is to be sent, for ever."""
    session = asked(READ)
    assert session.receive_data(b"~~") == []
    session.ask(READ)
    received = 0
    while session.receive_data(b"~" * 64):
        received += 64
    assert MAX_NOISE <= received <= 2 * MAX_NOISE
    with pytest.raises(TelegramError):
        asked(READ).receive_data(b"\x02" + b"x" * (MAX_READOUT + 2))


def test_the_last_block_is_acknowledged_on_request() -> None:
    """Drivers for LIS-200 devices do it; the norm shows no such thing."""
    session = opened(Settings(acknowledge_last_block=True))
    asked(Command("R3", "3:V.0(3;;;1)"), session=session)
    assert session.receive_data(data("(1)")) == [REACTION_TIMER]
    assert session.handle_timeout() == [Send(ACK), BlockReceived("(1)")]
    # An answer that was not asked for in blocks has none to acknowledge.
    asked(READ, session=session)
    assert session.receive_data(VALUE) == [BlockReceived("1.8.0(1*kWh)")]


def test_blocks_come_even_where_nobody_asked_for_them() -> None:
    """The end mark decides, not the command."""
    session = asked(READ)
    assert session.receive_data(data("(1)", last=False))[-1] == REACTION_TIMER
    assert session.handle_timeout()[0] == Send(ACK)


def test_a_new_command_gives_up_what_was_asked_before() -> None:
    """The meter does the same (Fig. 23)."""
    session = asked(Command("R6", "P.01(;)"))
    session.receive_data(data("(1)\r\n", last=False))
    assert session.ask(READ) == [REACTION_TIMER]
    assert session.handle_timeout()[0] == Send(READ.to_bytes())
    assert session.receive_data(VALUE) == [BlockReceived("1.8.0(1*kWh)")]


# -- the way out --------------------------------------------------------------


def test_leaving_before_the_end_of_the_opening_signs_off() -> None:
    """But for a meter that has not said anything: nobody is there."""
    session = ProgrammingSession(Settings())
    session.start()
    assert session.sign_off() == []
    session = ProgrammingSession(Settings())
    session.start()
    session.receive_data(MODE_C)
    assert session.sign_off() == [Send(SIGN_OFF)]


def test_leaving_while_the_speed_changes_signs_off_at_the_new_one() -> None:
    """The meter is there already."""
    session = ProgrammingSession(Settings())
    session.start()
    session.receive_data(MODE_C)
    session.handle_timeout()
    assert session.sign_off() == [SetBaudRate(9600), Send(SIGN_OFF)]
    assert session.baud_rate == 9600


def test_modes_can_be_set() -> None:
    """A meter that announces mode C can be spoken to as one of mode A."""
    session = ProgrammingSession(Settings(mode=Mode.A))
    session.start()
    session.receive_data(MODE_C)
    steps = session.receive_data(frame(b"0.0.0(1)\r\n"))
    assert steps[-1] == ProgrammingOpened("")


PIECES = [
    *(MODE_C, b"/ABC METER\r\n", b"/ABCCMETER\r\n", P0, SIGN_OFF, ACK, NAK, VALUE),
    *(data("(ER01)"), data("(1)\r\n", last=False), frame(b"0.0.0(1)\r\n")),
    *(READ.to_bytes(), b"\x01", b"\x02", b"\x03", b"\x04", b"\x00~"),
]
COMMANDS = [command for command, _ in READS + READS_IN_BLOCKS + WRITES]


@given(
    st.lists(
        st.one_of(
            st.none(), st.sampled_from(PIECES), st.binary(), st.sampled_from(COMMANDS)
        ),
        max_size=60,
    )
)
def test_nothing_that_a_meter_says_raises_anything_else(
    happenings: list[bytes | Command | None],
) -> None:
    """Bytes, silence and commands in any order lead to our own errors, or to none."""
    session = ProgrammingSession(Settings())
    session.start()
    for happening in happenings:
        with suppress(IecError):
            if happening is None:
                session.handle_timeout()
            elif isinstance(happening, bytes):
                session.receive_data(happening)
            elif session.state is not State.OPENING:
                session.ask(happening)
    session.sign_off()
    assert session.state is State.ENDED
