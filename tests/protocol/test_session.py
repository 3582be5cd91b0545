"""A readout step by step: what the client sends, when, and what it makes of answers.

No port, no event loop: bytes go in and steps come out. A whole conversation
with a meter is in `test_client`.
"""

import pytest

from iec21 import (
    ChecksumError,
    DataArrived,
    DataSet,
    EchoOnlyError,
    Identification,
    Identified,
    MeterRefusedError,
    MeterTimeoutError,
    Mode,
    OtherProtocolError,
    Retrying,
    Settings,
    TelegramError,
)
from iec21.delays import EARLY_DELAY, MAX_EARLY, PAUSES, PAUSES_BEFORE_ANSWER
from iec21.framing import MAX_NOISE, add_parity, frame, xor_check
from iec21.session import ReadoutSession, State
from iec21.settings import DEFAULT_TIMEOUT
from iec21.steps import ClientStep, ReadoutReceived, Send, SetBaudRate, StartTimer
from iec21.telegram import Check, Readout

SIGN_ON = b"/?!\r\n"
BLOCK = b"0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n"
DATA_SETS = (DataSet("0.0.0", "12345678"), DataSet("1.8.0", "000123.456", "kWh"))
MODE_C = b"/ABC5METER\r\n"
ANSWER_TIMER = StartTimer(DEFAULT_TIMEOUT)


def session_after(
    identification: bytes, settings: Settings | None = None, **options: bool
) -> ReadoutSession:
    """Return a session whose meter has just identified itself."""
    session = ReadoutSession(settings or Settings(), **options)
    session.start()
    session.receive_data(identification)
    return session


def readout_in(steps: list[ClientStep]) -> Readout:
    """Return the readout that `steps` end with."""
    assert isinstance(steps[-1], ReadoutReceived)
    return steps[-1].readout


def answer_every_attempt(session: ReadoutSession, data: bytes) -> list[ClientStep]:
    """Answer each sign-on with `data` and silence; return all steps.

    Raises:
        IecError: the session gave up.

    """
    steps = session.start()
    while session.state is not State.DONE:
        if session.state is State.IDENTIFICATION:
            steps += session.receive_data(data)
        steps += session.handle_timeout()
    return steps


def test_mode_c_from_sign_on_to_readout() -> None:
    """The speed changes after the acknowledgement and before the data."""
    session = ReadoutSession(Settings())
    assert session.start() == [Send(SIGN_ON), ANSWER_TIMER]
    assert session.receive_data(MODE_C) == [
        Identified(Identification.parse(MODE_C), 9600),
        StartTimer(0.2),
    ]
    assert session.handle_timeout() == [Send(b"\x06050\r\n"), StartTimer(0.02)]
    assert session.handle_timeout() == [SetBaudRate(9600), ANSWER_TIMER]
    data = frame(BLOCK)
    assert session.receive_data(data[:20]) == [
        DataArrived(19, DATA_SETS[:1]),
        ANSWER_TIMER,
    ]
    assert session.receive_data(data[20:]) == [
        DataArrived(len(data) - 1, DATA_SETS[1:]),
        ReadoutReceived(
            Readout(
                identification=Identification.parse(MODE_C),
                data_sets=DATA_SETS,
                check=Check.XOR,
                mode="C",
                baud_rate=9600,
                raw=BLOCK,
            )
        ),
    ]
    assert session.state is State.DONE
    assert session.receive_data(b"/?!") == session.handle_timeout() == []


def test_mode_a_sends_its_data_at_once() -> None:
    """No acknowledgement, no change of speed (clause 6.4.1)."""
    session = ReadoutSession(Settings())
    session.start()
    steps = session.receive_data(b"/ABC METER\r\n" + frame(BLOCK))
    assert not [step for step in steps if isinstance(step, Send | SetBaudRate)]
    readout = readout_in(steps)
    assert (readout.mode, readout.baud_rate) == ("A", 300)


def test_mode_b_changes_speed_without_acknowledgement() -> None:
    """The meter pauses while both sides change (clause 6.4.2)."""
    session = ReadoutSession(Settings())
    session.start()
    assert session.receive_data(b"/LUGCMETER\r\n") == [
        Identified(Identification.parse(b"/LUGCMETER"), 2400),
        SetBaudRate(2400),
        ANSWER_TIMER,
    ]
    steps = session.receive_data(frame(BLOCK, Check.NONE))
    assert steps[-1] == StartTimer(0.3)
    readout = readout_in(session.handle_timeout())
    assert (readout.mode, readout.baud_rate, readout.check) == ("B", 2400, Check.NONE)


def test_a_fast_meter_is_acknowledged_after_20_ms() -> None:
    """A lower-case third letter shortens both delays (clause 6.3.14, item 12)."""
    session = ReadoutSession(Settings())
    session.start()
    timer = session.receive_data(b"/ISk5METER\r\n")[-1]
    # A little longer, so as to notice a meter that is still sending.
    assert isinstance(timer, StartTimer)
    assert timer.seconds == pytest.approx(0.045)
    assert session.handle_timeout() == [Send(b"\x06050\r\n"), StartTimer(0.005)]


def test_delays_can_be_set() -> None:
    """Some heads and gateways need more time than the norm."""
    settings = Settings(acknowledge_delay=0.5, switch_delay=0.25, timeout=7)
    session = ReadoutSession(settings)
    assert session.start() == [Send(SIGN_ON), StartTimer(7)]
    assert StartTimer(0.5) in session.receive_data(MODE_C)
    assert session.handle_timeout() == [Send(b"\x06050\r\n"), StartTimer(0.25)]


def test_a_message_that_has_begun_has_a_time_of_its_own() -> None:
    """What a meter needs to begin says nothing about the pauses within (ta)."""
    settings = Settings(timeout=7, character_timeout=0.6)
    session = ReadoutSession(settings)
    assert session.start() == [Send(SIGN_ON), StartTimer(7)]
    assert session.receive_data(MODE_C[:3]) == [StartTimer(0.6)]
    session.receive_data(MODE_C[3:])
    session.handle_timeout()
    assert session.handle_timeout() == [SetBaudRate(9600), StartTimer(7)]
    # An echo of the acknowledgement is not the beginning of the data.
    assert session.receive_data(b"\x06050\r\n")[-1] == StartTimer(7)
    assert session.receive_data(frame(BLOCK)[:20])[-1] == StartTimer(0.6)


def test_a_battery_meter_is_woken_first() -> None:
    """One write of NULs, silence of 1.6 s, then the sign-on (Annex B.1)."""
    session = ReadoutSession(Settings(wake_up=66))
    assert session.start() == [Send(bytes(66)), StartTimer(1.6)]
    assert session.receive_data(b"\x00") == []
    assert session.handle_timeout() == [Send(SIGN_ON), ANSWER_TIMER]


def test_silence_can_be_kept_before_the_sign_on() -> None:
    """Whatever still comes makes it longer, but not for ever."""
    session = ReadoutSession(Settings(quiet_time=0.1))
    assert session.start() == [StartTimer(0.1)]
    for _ in range(PAUSES_BEFORE_ANSWER):
        assert session.receive_data(b"x") == []
        assert session.handle_timeout() == [StartTimer(1.5)]
    session.receive_data(b"x")
    assert session.handle_timeout() == [Send(SIGN_ON), ANSWER_TIMER]


@pytest.mark.parametrize(
    ("settings", "can_switch", "acknowledgement"),
    [
        (Settings(), False, b"\x06000\r\n"),
        (Settings(switch_baud_rate=False), True, b"\x06000\r\n"),
        (Settings(max_baud_rate=4800), True, b"\x06000\r\n"),
        (Settings(max_baud_rate=9600), True, b"\x06050\r\n"),
        (Settings(gateway_baud_rate=9600), False, b"\x06050\r\n"),
        (Settings(baud_rate=9600), True, b"\x06050\r\n"),
        (Settings(baud_rate=9600, switch_baud_rate=False), True, b"\x06050\r\n"),
        (Settings(gateway_baud_rate=115200), False, b"\x06000\r\n"),
    ],
)
def test_the_acknowledgement_asks_for_what_the_link_can_do(
    settings: Settings, acknowledgement: bytes, *, can_switch: bool
) -> None:
    """The offer if the link manages it, else to stay where the link is."""
    session = session_after(MODE_C, settings, can_switch=can_switch)
    assert session.handle_timeout()[0] == Send(acknowledgement)


def test_a_link_without_speed_reads_mode_b_as_it_comes() -> None:
    """The gateway has the speed, if anybody."""
    session = ReadoutSession(Settings(), can_switch=False)
    session.start()
    steps = session.receive_data(b"/LUGCMETER\r\n" + frame(BLOCK))
    assert not [step for step in steps if isinstance(step, SetBaudRate)]
    assert readout_in(steps).data_sets == DATA_SETS


def test_an_unknown_baud_rate_character_keeps_the_first_speed() -> None:
    """Guessing would lose the readout; the meter stays at 300 Bd as well."""
    session = session_after(b"/ABC8METER\r\n")
    assert session.handle_timeout() == [Send(b"\x06000\r\n"), ANSWER_TIMER]


def test_a_set_mode_wins_over_the_announced_one() -> None:
    """For meters whose identification says something else than they do."""
    session = session_after(b"/ABC5METER\r\n", Settings(mode=Mode.A))
    assert readout_in(session.receive_data(frame(BLOCK))).mode == "A"


def test_data_that_come_unasked_are_read() -> None:
    """A meter may announce 9600 Bd and send at 300 at once."""
    session = session_after(MODE_C)
    assert session.receive_data(b"\r\n\x00") == [StartTimer(0.2 + EARLY_DELAY)]
    readout = readout_in(session.receive_data(frame(BLOCK)))
    assert (readout.mode, readout.baud_rate) == ("A", 300)


def test_our_own_echo_is_skipped() -> None:
    """Heads and two-wire loops send everything back."""
    session = ReadoutSession(Settings())
    session.start()
    assert session.receive_data(SIGN_ON) == []
    session.receive_data(MODE_C)
    session.handle_timeout()
    assert session.receive_data(b"\x06050\r\n") == []
    session.handle_timeout()
    late_echo = b"50\r\n"
    assert readout_in(session.receive_data(late_echo + frame(BLOCK))).data_sets


def test_the_parity_bit_is_taken_off() -> None:
    """Gateways at eight data bits leave it in bit 7."""
    session = session_after(add_parity(MODE_C))
    session.handle_timeout()
    session.handle_timeout()
    readout = readout_in(session.receive_data(add_parity(frame(BLOCK))))
    assert readout.data_sets == DATA_SETS


@pytest.mark.parametrize(
    ("noise", "kind", "waiting_for"),
    [
        (b"", MeterTimeoutError, "identification"),
        (b"\x7f\x00?", MeterTimeoutError, "identification"),
        (SIGN_ON, EchoOnlyError, "identification"),
        (b"\x00" + SIGN_ON + b"\x00", EchoOnlyError, "identification"),
    ],
)
def test_a_silent_meter_is_asked_three_times(
    noise: bytes, kind: type[MeterTimeoutError], waiting_for: str
) -> None:
    """With 1.5 s of silence between, and then it is an error."""
    session = ReadoutSession(Settings())
    session.start()
    for _ in range(2):
        session.receive_data(noise)
        retrying, pause = session.handle_timeout()
        assert isinstance(retrying, Retrying)
        assert pause == StartTimer(1.5)
        assert session.handle_timeout() == [Send(SIGN_ON), ANSWER_TIMER]
    session.receive_data(noise)
    with pytest.raises(MeterTimeoutError) as caught:
        session.handle_timeout()
    assert type(caught.value) is kind
    assert caught.value.waiting_for == waiting_for
    assert caught.value.received == noise


def test_the_second_sign_on_is_enough() -> None:
    """The first one is often lost on a sleeping meter."""
    session = ReadoutSession(Settings())
    session.start()
    session.handle_timeout()
    assert session.handle_timeout() == [Send(SIGN_ON), ANSWER_TIMER]
    assert isinstance(session.receive_data(MODE_C)[0], Identified)


def test_a_line_that_is_never_quiet_is_no_meter() -> None:
    """Noise earns no more time, and no pause lasts for ever."""
    session = ReadoutSession(Settings())
    assert session.start() == [Send(SIGN_ON), ANSWER_TIMER]
    for _ in range(100):
        assert session.receive_data(b"x") == []
    assert isinstance(session.handle_timeout()[0], Retrying)
    for _ in range(PAUSES_BEFORE_ANSWER):
        session.receive_data(b"x")
        assert session.handle_timeout() == [StartTimer(1.5)]
    session.receive_data(b"x")
    assert session.handle_timeout() == [Send(SIGN_ON), ANSWER_TIMER]
    steps = session.receive_data(b"x" * (MAX_NOISE + 1))
    assert isinstance(steps[0], Retrying)


def test_what_has_begun_earns_more_time() -> None:
    """An identification takes half a second at 300 Bd, and may pause."""
    session = ReadoutSession(Settings())
    session.start()
    for character in MODE_C[:-2]:
        assert session.receive_data(bytes([character])) == [ANSWER_TIMER]


def test_a_meter_that_has_answered_may_finish_first() -> None:
    """Its readout may take minutes at 300 Bd."""
    session = ReadoutSession(Settings())
    session.start()
    session.receive_data(b"/ABC METER\r\n" + frame(BLOCK).replace(b"kWh", b"kWi"))
    for _ in range(PAUSES):
        session.receive_data(b"1.8.0(1)")
        assert session.handle_timeout() == [StartTimer(1.5)]
    session.receive_data(b"1.8.0(1)")
    assert session.handle_timeout() == [Send(SIGN_ON), ANSWER_TIMER]


@pytest.mark.parametrize(
    ("identification", "second_delay"), [(MODE_C, 0.15), (b"/ABc5METER\r\n", 0.015)]
)
def test_an_offered_speed_that_fails_twice_is_left(
    identification: bytes, second_delay: float
) -> None:
    """The second attempt changes later, the last one stays at what works."""
    session = session_after(identification)
    session.handle_timeout()
    session.handle_timeout()
    session.receive_data(b"\x7f\x00")
    steps = session.handle_timeout()
    assert isinstance(steps[0], Retrying)
    assert isinstance(steps[0].error, MeterTimeoutError)
    assert steps[0].error.waiting_for == "readout"
    assert steps[1:] == [SetBaudRate(300), StartTimer(1.5)]
    assert session.handle_timeout() == [Send(SIGN_ON), ANSWER_TIMER]
    session.receive_data(identification)
    assert session.handle_timeout() == [Send(b"\x06050\r\n"), StartTimer(second_delay)]
    session.handle_timeout()
    damaged = session.receive_data(frame(BLOCK).replace(b"kWh", b"kWi"))
    assert isinstance(damaged[0], Retrying)
    assert isinstance(damaged[0].error, ChecksumError)
    session.handle_timeout()
    session.receive_data(identification)
    assert session.handle_timeout() == [Send(b"\x06000\r\n"), ANSWER_TIMER]
    readout = readout_in(session.receive_data(frame(BLOCK)))
    assert (readout.mode, readout.baud_rate) == ("C", 300)
    assert session.learned == Settings(max_baud_rate=300, check=Check.XOR)


def test_a_meter_in_mode_b_may_stay_as_well() -> None:
    """Where the announced speed gives nothing, the first one is tried."""
    session = session_after(b"/ABCCMETER\r\n", Settings(attempts=2))
    session.handle_timeout()
    session.handle_timeout()
    steps = session.receive_data(b"/ABCCMETER\r\n" + frame(BLOCK))
    assert readout_in(steps).baud_rate == 300


def test_a_readout_that_is_damaged_every_time_is_an_error() -> None:
    """Nothing of it ever becomes a reading."""
    damaged = b"/ABC METER\r\n" + frame(BLOCK).replace(b"kWh", b"kWi")
    with pytest.raises(ChecksumError):
        answer_every_attempt(ReadoutSession(Settings()), damaged)


def test_a_readout_that_breaks_off_every_time_is_an_error() -> None:
    """With the number of bytes that had come."""
    cut_off = b"/ABC METER\r\n" + frame(BLOCK)[:30]
    with pytest.raises(TelegramError, match="broke off after 29 bytes"):
        answer_every_attempt(ReadoutSession(Settings()), cut_off)


def test_a_frame_without_its_check_is_an_error() -> None:
    """Silence after ETX does not make the block right."""
    session = ReadoutSession(Settings(attempts=1))
    session.start()
    session.receive_data(b"/ABC METER\r\n" + frame(BLOCK)[:-1])
    with pytest.raises(ChecksumError, match="missing"):
        session.handle_timeout()


def test_a_block_may_end_with_the_bare_mark_and_silence() -> None:
    """Some meters leave the last line end out."""
    session = ReadoutSession(Settings())
    session.start()
    session.receive_data(b"/ABC METER\r\n" + BLOCK + b"!")
    assert readout_in(session.handle_timeout()).data_sets == DATA_SETS


def test_a_meter_that_signs_off_has_refused() -> None:
    """Asking again would not help."""
    session = session_after(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    with pytest.raises(MeterRefusedError, match="signed off"):
        session.receive_data(b"\x01B0\x03q")
    assert session.state is State.DONE


def test_bad_lines_are_kept_and_cost_nothing() -> None:
    """They are counted apart from the data sets."""
    session = ReadoutSession(Settings())
    session.start()
    block = b"1.8.0)\r\n" + BLOCK
    readout = readout_in(session.receive_data(b"/ABC METER\r\n" + frame(block)))
    assert readout.data_sets == DATA_SETS
    assert readout.bad_lines == ("1.8.0)",)


def test_nothing_happens_before_the_start() -> None:
    """Bytes on the line belong to somebody else."""
    session = ReadoutSession(Settings())
    assert session.receive_data(MODE_C) == session.handle_timeout() == []


def test_a_readout_without_identification_is_read() -> None:
    """Some meters answer the sign-on for another list with the list itself."""
    session = ReadoutSession(Settings(selector="2"))
    assert session.start() == [Send(b"/2!\r\n"), ANSWER_TIMER]
    assert session.receive_data(b"\x02") == [ANSWER_TIMER]
    readout = readout_in(session.receive_data(frame(BLOCK)[1:]))
    assert readout.identification is None
    assert readout.data_sets == DATA_SETS


def test_a_gateway_hears_every_second_sign_on_with_parity() -> None:
    """What the meter answered to is kept for the rest of the session."""
    session = ReadoutSession(Settings(), can_switch=False)
    assert session.start() == [Send(SIGN_ON), ANSWER_TIMER]
    session.handle_timeout()
    assert session.handle_timeout() == [Send(add_parity(SIGN_ON)), ANSWER_TIMER]
    session.receive_data(add_parity(MODE_C))
    assert session.handle_timeout()[0] == Send(add_parity(b"\x06000\r\n"))
    damaged = add_parity(frame(BLOCK).replace(b"kWh", b"kWi"))
    assert isinstance(session.receive_data(damaged)[0], Retrying)
    assert session.handle_timeout() == [Send(add_parity(SIGN_ON)), ANSWER_TIMER]
    assert session.learned == Settings(software_parity=True)


@pytest.mark.parametrize("parity", [True, False])
def test_software_parity_can_be_set(*, parity: bool) -> None:
    """Then nothing is tried by turns."""
    settings = Settings(software_parity=parity)
    session = ReadoutSession(settings, can_switch=False)
    sign_on = Send(add_parity(SIGN_ON) if parity else SIGN_ON)
    assert session.start()[0] == sign_on
    session.handle_timeout()
    assert session.handle_timeout()[0] == sign_on
    assert session.learned == settings


def test_our_own_echo_is_known_with_parity_too() -> None:
    """The gateway sends back what it was sent."""
    session = ReadoutSession(Settings(software_parity=True, attempts=1))
    session.start()
    session.receive_data(add_parity(SIGN_ON))
    with pytest.raises(EchoOnlyError):
        session.handle_timeout()


def test_another_protocol_is_named_at_once() -> None:
    """Trying again would not help."""
    session = ReadoutSession(Settings())
    session.start()
    with pytest.raises(OtherProtocolError, match="the meter speaks SML") as caught:
        session.receive_data(b"\x00\x1b\x1b\x1b\x1b\x01\x01\x01\x01\x76")
    assert caught.value.protocol == "SML"
    assert session.state is State.DONE


def test_a_search_may_ask_less_often_and_less_long() -> None:
    """Once the meter has answered, it gets all the attempts of the settings."""
    session = ReadoutSession(Settings(), sign_ons=1, patience=1.7)
    assert session.start() == [Send(SIGN_ON), StartTimer(1.7)]
    session.receive_data(b"/ABC METER\r\n" + frame(BLOCK)[:9])
    assert isinstance(session.handle_timeout()[0], Retrying)
    hasty = ReadoutSession(Settings(), sign_ons=1, patience=1.7)
    hasty.start()
    with pytest.raises(MeterTimeoutError):
        hasty.handle_timeout()


@pytest.mark.parametrize("between", [b"\x03", b"\xf0", MODE_C, b"~U"])
def test_what_follows_an_identification_does_not_stop_the_acknowledgement(
    between: bytes,
) -> None:
    """An ETX, the identification once more, or a head's noise."""
    session = session_after(MODE_C)
    assert session.receive_data(between) == [StartTimer(0.2 + EARLY_DELAY)]
    assert session.handle_timeout()[0] == Send(b"\x06050\r\n")


def test_a_block_whose_beginning_was_lost_is_refused() -> None:
    """The ETX behind it shows that there was a check, and it cannot match."""
    session = ReadoutSession(Settings(attempts=1))
    session.start()
    session.receive_data(b"/ABC METER\r\n" + frame(BLOCK)[4:-2])
    assert session.state is State.LAST_CHANCE
    assert session.receive_data(b"\r\n") == [DataArrived(len(BLOCK) + 2, ())]
    with pytest.raises(ChecksumError, match="beginning of the data block was lost"):
        session.receive_data(frame(BLOCK)[-2:])


def test_a_damaged_stx_is_no_harm() -> None:
    """The check that follows the block covers everything behind it."""
    session = ReadoutSession(Settings())
    session.start()
    damaged_start = b"x" + frame(BLOCK)[1:]
    readout = readout_in(session.receive_data(b"/ABC METER\r\n" + damaged_start))
    assert readout.check is Check.XOR


def test_a_set_check_has_to_be_there() -> None:
    """Data without frame are no readout then."""
    session = ReadoutSession(Settings(check=Check.XOR, attempts=1))
    session.start()
    session.receive_data(b"/ABC METER\r\n" + frame(BLOCK, Check.NONE))
    with pytest.raises(ChecksumError, match="without the block check"):
        session.handle_timeout()


def test_a_sum_is_believed_at_the_second_time() -> None:
    """One damaged frame in a hundred has the right sum by chance."""
    session = ReadoutSession(Settings())
    session.start()
    data = b"/ABC METER\r\n" + frame(BLOCK, Check.SUM)
    assert any(isinstance(step, Retrying) for step in session.receive_data(data))
    session.handle_timeout()
    assert readout_in(session.receive_data(data)).check is Check.SUM
    assert session.learned == Settings(check=Check.SUM)


@pytest.mark.parametrize(
    ("identification", "check"),
    [(b"/EKT ", Check.AUTO), (b"/EMR ", Check.AUTO), (b"/ABC ", Check.SUM)],
)
def test_an_expected_sum_is_believed_at_once(
    identification: bytes, check: Check
) -> None:
    """Energomera's meters send one, and a user may say so."""
    session = ReadoutSession(Settings(check=check))
    session.start()
    data = identification + b"METER\r\n" + frame(BLOCK, Check.SUM)
    assert readout_in(session.receive_data(data)).check is Check.SUM


def test_the_check_that_a_meter_has_is_learned() -> None:
    """From then on nothing else is believed."""
    session = ReadoutSession(Settings())
    session.start()
    session.receive_data(b"/ABC METER\r\n" + frame(BLOCK))
    assert session.learned == Settings(check=Check.XOR)


def test_programming_mode_is_left_at_once() -> None:
    """A meter that is left in it hears no sign-on for two minutes."""
    session = session_after(MODE_C)
    session.handle_timeout()
    session.handle_timeout()
    assert session.receive_data(b"\x01P0\x02(12345678)\x03h") == [
        Send(b"\x01B0\x03q"),
        StartTimer(0),
    ]
    with pytest.raises(MeterRefusedError, match="programming mode"):
        session.handle_timeout()


def test_fillers_within_an_identification_are_dropped() -> None:
    """A head adds them when its light goes on."""
    session = ReadoutSession(Settings())
    session.start()
    steps = session.receive_data(b"/A\x00BC\x7f5METER\r\n")
    assert steps[0] == Identified(Identification.parse(MODE_C), 9600)


def test_a_meter_that_sends_sums_is_signed_off_with_one() -> None:
    """An ordinary block check would be damage to it."""
    session = session_after(b"/EKT5CE301\r\n")
    session.handle_timeout()
    session.handle_timeout()
    assert session.receive_data(b"\x01P0\x02(777777)\x03\x60")[0] == Send(
        b"\x01B0\x03u"
    )


def test_a_session_that_was_left_is_ended_first() -> None:
    """Where it was, and at the first speed; then the sign-on is repeated, once."""
    session = ReadoutSession(Settings(attempts=1), left_at=9600)
    assert session.start() == [Send(SIGN_ON), ANSWER_TIMER]
    retrying, *steps = session.handle_timeout()
    assert isinstance(retrying, Retrying)
    assert steps == [SetBaudRate(9600), Send(b"\x01B0\x03q"), StartTimer(0.02)]
    assert session.receive_data(b"\x15") == []
    assert session.handle_timeout() == [
        SetBaudRate(300),
        Send(b"\x01B0\x03q"),
        StartTimer(1.5),
    ]
    assert session.handle_timeout() == [Send(SIGN_ON), ANSWER_TIMER]
    with pytest.raises(MeterTimeoutError):
        session.handle_timeout()


@pytest.mark.parametrize(
    ("settings", "can_switch", "left_at"),
    [
        (Settings(), True, 300),
        (Settings(), False, 9600),
        (Settings(switch_baud_rate=False), True, 9600),
        (Settings(baud_rate=9600), True, 9600),
    ],
)
def test_a_session_that_was_left_at_the_first_speed_is_ended_there(
    settings: Settings, left_at: int, *, can_switch: bool
) -> None:
    """So it is on a link without speed."""
    session = ReadoutSession(settings, can_switch=can_switch, left_at=left_at)
    session.start()
    assert session.handle_timeout()[1:] == [Send(b"\x01B0\x03q"), StartTimer(1.5)]
    # The sign-off has cost no attempt, and nothing was tried by turns.
    assert session.handle_timeout() == [Send(SIGN_ON), ANSWER_TIMER]


def test_a_meter_that_answers_is_never_signed_off() -> None:
    """Whatever became of the session before, and whatever comes of this one."""
    session = ReadoutSession(Settings(), left_at=9600)
    damaged = b"/ABC METER\r\n" + frame(BLOCK).replace(b"kWh", b"kWi")
    session.start()
    assert session.receive_data(damaged)[-1] == StartTimer(1.5)
    session.handle_timeout()
    retrying, pause = session.handle_timeout()
    assert isinstance(retrying, Retrying)
    assert pause == StartTimer(1.5)


def test_noise_is_no_reason_to_sign_off() -> None:
    """Only a meter that keeps silent may be in a session still."""
    session = ReadoutSession(Settings(), left_at=9600)
    session.start()
    assert session.receive_data(b"x" * (MAX_NOISE + 1))[1:] == [StartTimer(1.5)]


@pytest.mark.parametrize("check", [0x00, 0x7F])
def test_what_follows_an_identification_is_taken_as_it_is(check: int) -> None:
    """A block check may be a character that fills the line elsewhere."""
    filler = xor_check(frame(b"1.8.0()\r\n")[1:-1]) ^ check
    block = b"1.8.0(" + bytes([filler ^ ord("@"), ord("@")]) + b")\r\n"
    assert frame(block)[-1] == check
    session = ReadoutSession(Settings())
    session.start()
    data = b"\x7f/A\x00BC METER\r\n" + frame(block)
    assert readout_in(session.receive_data(data)).check is Check.XOR


@pytest.mark.parametrize("piece", [1, 4096])
def test_a_meter_that_sends_by_itself_is_recognised(piece: int) -> None:
    """Behind a gateway with its speed, its stream looks like an answer."""
    session = ReadoutSession(Settings(), can_switch=False)
    session.start()
    stream = b"/ABC5METER\r\n\r\n" + BLOCK + b"!\r\n"
    for index in range(0, len(stream), piece):
        session.receive_data(stream[index : index + piece])
    assert readout_in(session.handle_timeout()).mode == "D"
    assert session.learned.mode is Mode.D


def test_brackets_behind_stx_may_belong_to_an_identification() -> None:
    """Some meters send a raw 0x02 for its escape, and brackets as well."""
    session = ReadoutSession(Settings())
    session.start()
    for character in b"/ABC \x02ADM(M550)":
        session.receive_data(bytes([character]))
    steps = session.receive_data(b"\r\n" + frame(BLOCK))
    assert isinstance(steps[0], Identified)
    assert readout_in(steps).data_sets == DATA_SETS


def test_a_meter_that_is_still_sending_is_not_acknowledged() -> None:
    """It would hear nothing; noise without end is not waited for."""
    session = session_after(MODE_C)
    for _ in range(MAX_EARLY):
        assert session.receive_data(b"~") == [StartTimer(0.2 + EARLY_DELAY)]
    assert session.receive_data(b"~") == []
    assert session.handle_timeout()[0] == Send(b"\x06050\r\n")
