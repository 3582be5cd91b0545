"""The simulated meter by itself: bytes and timer ends in, steps out."""

from collections.abc import Sequence
from typing import Any

import pytest

from iec21 import Check, TelegramError
from iec21.framing import add_parity, frame
from iec21.messages import Identification
from iec21.simulator import Fault, MeterState, SimulatedLine, SimulatedMeter
from iec21.simulator.faults import NOISE_AFTER, NOISE_BEFORE
from iec21.simulator.meter import MAX_COMMAND
from iec21.steps import MeterStep, Pause, Send, SetBaudRate, StartTimer

BLOCK = b"0.0.0(SYN00001)\r\n1.8.0(000123.456*kWh)\r\n"
READOUT = frame(BLOCK)
MODE_A = b"/XMP@EXAMPLE"
MODE_B = b"/XMPEEXAMPLE"
MODE_C = b"/XMP5EXAMPLE"
SIGN_ON = b"/?!\r\n"
IDENTIFIED: Sequence[MeterStep] = [
    Pause(0.2),
    Send(MODE_C + b"\r\n"),
    StartTimer(2.2),
]


def meter(
    fault: Fault = Fault.NONE,
    *,
    identification: bytes = MODE_C,
    address: str = "",
    check: Check = Check.XOR,
) -> SimulatedMeter:
    """Return a meter with two data sets."""
    return SimulatedMeter(
        identification=identification,
        content=BLOCK,
        address=address,
        check=check,
        fault=fault,
    )


def signed_on(fault: Fault = Fault.NONE) -> SimulatedMeter:
    """Return a meter in mode C that waits for its acknowledgement."""
    device = meter(fault)
    assert device.receive_data(SIGN_ON)[-1] == StartTimer(2.2)
    assert device.state is MeterState.ACKNOWLEDGEMENT
    return device


def sent(steps: list[MeterStep]) -> bytes:
    """Return all bytes that `steps` send."""
    return b"".join(step.data for step in steps if isinstance(step, Send))


def test_mode_c_reads_out_at_the_speed_that_was_acknowledged() -> None:
    """The three steps of mode C, in the order the norm gives them."""
    device = meter()
    assert device.receive_data(SIGN_ON) == IDENTIFIED
    assert device.receive_data(b"\x06050\r\n") == [
        Pause(0.2),
        SetBaudRate(9600),
        Send(READOUT),
        SetBaudRate(300),
    ]
    assert device.state is MeterState.START


def test_mode_a_follows_its_identification_with_the_data_at_once() -> None:
    """No pause, no acknowledgement, no other speed (clause 6.4.1)."""
    assert meter(identification=MODE_A).receive_data(SIGN_ON) == [
        Pause(0.2),
        Send(MODE_A + b"\r\n"),
        Send(READOUT),
    ]


def test_mode_b_changes_the_speed_without_being_asked() -> None:
    """A pause gives the client time to follow (clause 6.4.2)."""
    assert meter(identification=MODE_B).receive_data(SIGN_ON) == [
        Pause(0.2),
        Send(MODE_B + b"\r\n"),
        Pause(0.2),
        SetBaudRate(9600),
        Send(READOUT),
        SetBaudRate(300),
    ]


def test_a_lower_case_third_letter_makes_the_meter_fast() -> None:
    """It reacts after 20 ms (clause 6.3.14, item 12)."""
    identification = Identification.parse(b"/XMp5EXAMPLE")
    device = SimulatedMeter(identification=identification, content=BLOCK)
    assert device.receive_data(SIGN_ON)[0] == Pause(0.02)


def test_an_identification_that_is_none_is_refused() -> None:
    """Whoever builds a meter hears so at once."""
    with pytest.raises(TelegramError):
        meter(identification=b"EXAMPLE")


@pytest.mark.parametrize("piece", [1, 2, 3, 100])
def test_how_the_bytes_arrive_makes_no_difference(piece: int) -> None:
    """The sign-on is found in any cut, among noise, with or without parity bits."""
    device = meter()
    data = b"\x00\x00\xff~/?" + add_parity(SIGN_ON)
    steps = [
        step
        for start in range(0, len(data), piece)
        for step in device.receive_data(data[start : start + piece])
    ]
    assert steps == IDENTIFIED


def test_noise_without_end_is_forgotten() -> None:
    """A line that never falls silent costs no memory."""
    device = meter()
    device.receive_data(b"/?" + b"x" * 10_000)
    assert len(device._buffer) == MAX_COMMAND  # noqa: SLF001
    assert device.receive_data(SIGN_ON) == IDENTIFIED


@pytest.mark.parametrize(
    ("address", "called", "answers"),
    [
        ("12345", b"/?12345!\r\n", True),
        ("12345", b"/?0012345!\r\n", True),
        ("0012345", b"/?12345!\r\n", True),
        ("12345", b"/?!\r\n", True),
        ("12345", b"/?1234!\r\n", False),
        ("", b"/?12345!\r\n", False),
        ("", b"/?000!\r\n", True),
    ],
)
def test_only_the_meter_called_answers(
    address: str, called: bytes, *, answers: bool
) -> None:
    """Leading zeros do not count; no address calls all (clause 6.3.14, item 22)."""
    assert bool(meter(address=address).receive_data(called)) is answers


def test_another_list_than_the_readout_is_not_known() -> None:
    """Some makes put a digit in place of the question mark; ours has one list."""
    assert meter().receive_data(b"/1!\r\n") == []


def test_a_meter_may_have_other_lists() -> None:
    """A digit or "#" in place of the question mark asks for them."""
    device = SimulatedMeter(
        identification=MODE_A, content=BLOCK, lists={"2": b"2.8.0(1)\r\n"}
    )
    assert sent(device.receive_data(b"/2!\r\n")) == (
        MODE_A + b"\r\n" + frame(b"2.8.0(1)\r\n")
    )
    assert sent(device.receive_data(SIGN_ON)) == MODE_A + b"\r\n" + READOUT


def test_another_list_may_come_without_identification() -> None:
    """The readout keeps its own."""
    device = SimulatedMeter(
        identification=MODE_C,
        content=BLOCK,
        lists={"2": b"2.8.0(1)\r\n"},
        bare_lists=True,
    )
    assert device.receive_data(b"/2!\r\n") == [
        Pause(0.2),
        Send(frame(b"2.8.0(1)\r\n")),
    ]
    assert device.receive_data(SIGN_ON) == IDENTIFIED


def test_a_meter_may_want_another_character() -> None:
    """Some Ultraheats answer nothing else."""
    device = SimulatedMeter(identification=MODE_C, content=BLOCK, selector="#")
    assert device.receive_data(SIGN_ON) == []
    assert device.receive_data(b"/#!\r\n") == IDENTIFIED


@pytest.mark.parametrize(
    "acknowledgement",
    [
        pytest.param(b"\x06000\r\n", id="please stay"),
        pytest.param(b"\x06040\r\n", id="not the speed offered"),
        pytest.param(b"\x06256\r\n", id="protocol not supported"),
        pytest.param(b"\x06059\r\n", id="mode not supported"),
        pytest.param(b"\x00\x7f\x06000\r\n", id="noise before it"),
    ],
)
def test_whatever_is_not_the_offer_is_answered_at_the_first_speed(
    acknowledgement: bytes,
) -> None:
    """The meter falls back to mode A's way (clause 6.4.3.2)."""
    assert signed_on().receive_data(acknowledgement) == [Pause(0.2), Send(READOUT)]


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\x0605\r\n", id="too short"),
        pytest.param(b"\x15050\r\n", id="no acknowledgement"),
        pytest.param(SIGN_ON, id="another sign-on"),
        pytest.param(b"\x01B0\x03q", id="sign-off"),
        pytest.param(b"\x01R1\x02\x06050\r\n\x04q", id="a command in the wrong place"),
    ],
)
def test_a_protocol_error_is_answered_with_silence(garbage: bytes) -> None:
    """The meter is at its start again (Fig. A.1), and answers the next sign-on."""
    device = signed_on()
    assert device.receive_data(garbage) == []
    assert device.state is MeterState.START
    assert device.receive_data(SIGN_ON) == IDENTIFIED


def test_an_acknowledgement_may_come_in_pieces() -> None:
    """Nothing happens before its line end."""
    device = signed_on()
    for byte in b"\x06050\r":
        assert device.receive_data(bytes([byte])) == []
    assert SetBaudRate(9600) in device.receive_data(b"\n")


def test_without_acknowledgement_the_readout_comes_at_the_first_speed() -> None:
    """It does after tt, 1.5 to 2.2 s (clause 6.4.3.6)."""
    device = signed_on()
    assert device.handle_timeout() == [Send(READOUT)]
    assert device.state is MeterState.START


def test_a_timer_that_ends_at_the_start_means_nothing() -> None:
    """The acknowledgement has come, and the timer was not stopped."""
    assert meter().handle_timeout() == []


def test_a_reset_ends_the_session() -> None:
    """It stands for the silence after which every meter is at its start."""
    device = signed_on()
    device.receive_data(b"\x0605")
    device.reset()
    assert device.receive_data(SIGN_ON) == IDENTIFIED


def test_the_content_is_asked_for_at_every_readout() -> None:
    """Counters of a function advance."""
    blocks = iter([b"1.8.0(1)\r\n", b"1.8.0(2)\r\n"])
    device = SimulatedMeter(identification=MODE_A, content=lambda: next(blocks))
    assert b"1.8.0(1)" in sent(device.receive_data(SIGN_ON))
    assert b"1.8.0(2)" in sent(device.receive_data(SIGN_ON))


def test_zero_as_baud_rate_character_offers_no_other_speed() -> None:
    """Both sides stay at 300 Bd (clause 6.3.14, item 13)."""
    device = meter(identification=b"/XMP0EXAMPLE")
    device.receive_data(SIGN_ON)
    assert device.receive_data(b"\x06000\r\n") == [Pause(0.2), Send(READOUT)]


def test_a_meter_may_offer_a_speed_of_its_own() -> None:
    """It waits for the acknowledgement, whatever character stands for the speed."""
    device = SimulatedMeter(
        identification=b"/XMP:EXAMPLE", content=BLOCK, special_baud_rates={":": 38400}
    )
    assert device.receive_data(SIGN_ON)[-1] == StartTimer(2.2)
    assert device.receive_data(b"\x060:0\r\n")[1] == SetBaudRate(38400)
    device.receive_data(SIGN_ON)
    assert device.receive_data(b"\x06000\r\n") == [Pause(0.2), Send(READOUT)]


def test_a_meter_may_have_another_first_speed() -> None:
    """It returns there, and falls back there."""
    device = SimulatedMeter(identification=MODE_C, content=BLOCK, first_baud_rate=2400)
    device.receive_data(SIGN_ON)
    assert device.receive_data(b"\x06050\r\n")[-1] == SetBaudRate(2400)


@pytest.mark.parametrize("check", [Check.XOR, Check.SUM, Check.NONE])
def test_the_check_is_a_matter_of_make(check: Check) -> None:
    """The norm's, Energomera's, or a block without frame."""
    steps = meter(identification=MODE_A, check=check).receive_data(SIGN_ON)
    assert steps[-1] == Send(frame(BLOCK, check))


# -- faults ---------------------------------------------------------------------


def test_a_silent_meter_never_answers() -> None:
    """Not even to a second sign-on."""
    device = meter(Fault.SILENT)
    assert device.receive_data(SIGN_ON * 2) == []


def test_a_meter_deaf_once_answers_the_second_sign_on() -> None:
    """A reset in between does not make it deaf again."""
    device = meter(Fault.DEAF_ONCE)
    assert device.receive_data(SIGN_ON) == []
    device.reset()
    assert device.receive_data(SIGN_ON) == IDENTIFIED


def test_a_meter_may_insist_on_its_address() -> None:
    """As most do from a certain firmware on."""
    device = meter(Fault.ADDRESS_WANTED, address="12")
    assert device.receive_data(SIGN_ON) == []
    assert device.receive_data(b"/?12!\r\n") == IDENTIFIED


def test_a_meter_may_compare_the_zeros_of_its_address() -> None:
    """The norm says that they do not count."""
    device = meter(Fault.ZEROS_COUNT, address="12")
    assert device.receive_data(b"/?012!\r\n") == []
    assert device.receive_data(b"/?12!\r\n") == IDENTIFIED


@pytest.mark.parametrize(
    ("check", "sign_off"),
    [(Check.XOR, b"\x01B0\x03q"), (Check.SUM, b"\x01B0\x03u")],
)
def test_a_meter_may_be_in_a_session_that_was_left(
    check: Check, sign_off: bytes
) -> None:
    """It hears its own sign-off and nothing else, at the speed of the session."""
    device = meter(Fault.LEFT_OPEN, check=check)
    assert device.start() == [SetBaudRate(9600), StartTimer(120)]
    assert device.receive_data(SIGN_ON * 2) == []
    assert device.receive_data(b"\x01B0\x03s") == []
    assert device.receive_data(b"~" + sign_off[:3]) == []
    assert device.receive_data(sign_off[3:]) == [SetBaudRate(300)]
    assert device.receive_data(SIGN_ON) == IDENTIFIED
    assert device.start() == []


def test_a_session_that_was_left_ends_by_itself() -> None:
    """After two minutes every meter is at its start (Annex A, note 1)."""
    device = meter(Fault.LEFT_OPEN)
    device.start()
    assert device.handle_timeout() == [SetBaudRate(300)]
    assert device.receive_data(SIGN_ON) == IDENTIFIED


def test_an_ordinary_meter_does_nothing_before_it_is_asked() -> None:
    """There is no session at its start."""
    assert meter().start() == []


def test_an_echo_comes_before_the_answer() -> None:
    """Whatever was sent comes back as it was."""
    device = meter(Fault.ECHO)
    assert device.receive_data(b"/?") == [Send(b"/?")]
    assert device.receive_data(b"!\r\n") == [Send(b"!\r\n"), *IDENTIFIED]


def test_noise_surrounds_every_message() -> None:
    """It is no part of the frame."""
    steps = meter(Fault.NOISE, identification=MODE_A).receive_data(SIGN_ON)
    assert steps[1:] == [
        Send(NOISE_BEFORE + MODE_A + b"\r\n" + NOISE_AFTER),
        Send(NOISE_BEFORE + READOUT + NOISE_AFTER),
    ]


def test_the_parity_bit_may_be_left_in() -> None:
    """Every byte has an even number of ones then."""
    data = sent(meter(Fault.PARITY_BIT, identification=MODE_A).receive_data(SIGN_ON))
    assert data == add_parity(MODE_A + b"\r\n" + READOUT)
    assert not any(byte.bit_count() % 2 for byte in data)


def test_every_message_may_come_twice() -> None:
    """The identification as well as the readout."""
    data = sent(meter(Fault.ANSWERS_TWICE, identification=MODE_A).receive_data(SIGN_ON))
    assert data == (MODE_A + b"\r\n") * 2 + READOUT * 2


def test_a_damaged_check_differs_in_nothing_else() -> None:
    """One bit of the block check is wrong."""
    steps = meter(Fault.DAMAGED_CHECK, identification=MODE_A).receive_data(SIGN_ON)
    assert sent(steps[-1:])[:-1] == READOUT[:-1]
    assert sent(steps[-1:]) != READOUT


def test_where_there_is_no_check_none_is_damaged() -> None:
    """The block without frame is sent as it is."""
    device = meter(Fault.DAMAGED_CHECK, identification=MODE_A, check=Check.NONE)
    assert device.receive_data(SIGN_ON)[-1] == Send(frame(BLOCK, Check.NONE))


def test_a_readout_may_be_cut_off() -> None:
    """The identification is whole, the data are not."""
    data = sent(meter(Fault.CUT_OFF, identification=MODE_A).receive_data(SIGN_ON))
    assert data == MODE_A + b"\r\n" + READOUT[: len(READOUT) // 2]


def test_the_speed_offered_may_not_be_used() -> None:
    """The data come at the first one all the same."""
    steps = signed_on(Fault.WRONG_SPEED).receive_data(b"\x06050\r\n")
    assert steps == [Pause(0.2), Send(READOUT)]


def test_a_meter_may_hear_even_parity_only() -> None:
    """What a gateway at 8N1 hands on without parity is lost."""
    device = meter(Fault.PARITY_WANTED)
    assert device.receive_data(SIGN_ON) == []
    assert device.receive_data(add_parity(SIGN_ON)) == IDENTIFIED


def test_a_meter_may_sign_off_instead_of_sending_data() -> None:
    """The check of the break is "q" (clause 6.3.14, item 19)."""
    steps = signed_on(Fault.SIGNS_OFF).receive_data(b"\x06050\r\n")
    assert steps == [Pause(0.2), Send(b"\x01B0\x03q")]


# -- sleep ----------------------------------------------------------------------

GAP = StartTimer(10 / 300 + 0.005)


def asleep(**changes: Any) -> SimulatedMeter:
    """Return a meter in mode C that has to be woken first."""
    return SimulatedMeter(
        identification=MODE_C, content=BLOCK, fault=Fault.WAKE_UP_WANTED, **changes
    )


def test_a_sleeping_meter_hears_no_sign_on() -> None:
    """Nor one that follows the NULs without the silence between them."""
    device = asleep()
    assert device.receive_data(SIGN_ON) == [GAP]
    assert device.handle_timeout() == []
    assert device.receive_data(bytes(66) + SIGN_ON) == [GAP]
    assert device.handle_timeout() == []
    assert device.wake_ups == 0


@pytest.mark.parametrize("piece", [1, 7, 66])
def test_a_wake_up_lets_the_meter_hear(piece: int) -> None:
    """NULs for 2.2 s, 1.5 s of silence, and then the sign-on (Annex B.1)."""
    device = asleep()
    for start in range(0, 66, piece):
        assert device.receive_data(bytes(min(piece, 66 - start))) == [GAP]
    (silence,) = device.handle_timeout()
    (window,) = device.handle_timeout()
    assert isinstance(silence, StartTimer)
    assert isinstance(window, StartTimer)
    assert silence.seconds == pytest.approx(1.5 - GAP.seconds)
    assert window.seconds == pytest.approx(0.2 + 10 / 300)
    assert device.receive_data(SIGN_ON[:1]) == [StartTimer(120.0)]
    assert device.receive_data(SIGN_ON[1:]) == IDENTIFIED
    assert device.wake_ups == 1


@pytest.mark.parametrize("count", [10, 62, 70, 200])
def test_too_few_or_too_many_nulls_wake_nobody(count: int) -> None:
    """They take 2.1 to 2.3 s, which is 63 to 69 at 300 Bd."""
    device = asleep()
    device.receive_data(bytes(count))
    assert device.handle_timeout() == []
    assert device.receive_data(SIGN_ON) == [GAP]


def test_another_meter_may_be_woken_by_fewer() -> None:
    """Ultraheats want 40."""
    device = asleep(wake_up_time=(1.2, 1.4))
    device.receive_data(bytes(40))
    assert device.handle_timeout() != []


def test_a_word_in_the_silence_ends_the_wake_up() -> None:
    """The meter goes on sleeping, and can be woken again."""
    device = asleep()
    device.receive_data(bytes(66))
    device.handle_timeout()
    assert device.receive_data(b"/") == [GAP]
    assert device.handle_timeout() == []
    device.receive_data(bytes(66))
    assert device.handle_timeout() != []


def woken() -> SimulatedMeter:
    """Return a meter that waits for its sign-on."""
    device = asleep()
    device.receive_data(bytes(66))
    device.handle_timeout()
    device.handle_timeout()
    return device


def test_a_meter_that_is_woken_in_vain_falls_asleep_again() -> None:
    """After 0.2 s without a sign-on, or 120 s in the middle of one."""
    device = woken()
    assert device.handle_timeout() == []
    assert device.receive_data(SIGN_ON) == [GAP]
    device = woken()
    device.receive_data(b"/?")
    assert device.handle_timeout() == []
    assert device.receive_data(b"!\r\n") == [GAP]


def test_a_meter_falls_asleep_after_its_readout() -> None:
    """Each readout costs a wake-up."""
    device = woken()
    device.receive_data(SIGN_ON)
    assert SetBaudRate(9600) in device.receive_data(b"\x06050\r\n")
    assert device.handle_timeout() == []
    assert device.receive_data(SIGN_ON) == [GAP]


def test_a_meter_without_battery_was_never_woken() -> None:
    """There is nothing to count."""
    assert meter().wake_ups == 0


def test_faults_combine() -> None:
    """Nothing stands in the way of a thoroughly bad day."""
    device = meter(Fault.ECHO | Fault.ANSWERS_TWICE, identification=MODE_A)
    data = sent(device.receive_data(SIGN_ON))
    assert data == SIGN_ON + (MODE_A + b"\r\n") * 2 + READOUT * 2


# -- several meters -------------------------------------------------------------


def line(*faults: Fault) -> SimulatedLine:
    """Return a line of meters with the addresses 1, 2, … and these faults."""
    return SimulatedLine(
        meters=[
            meter(fault, identification=b"/XMP5EX-%d" % number, address=str(number))
            for number, fault in enumerate(faults, 1)
        ]
    )


def test_on_a_line_the_meter_called_answers() -> None:
    """One after the other, each by its address."""
    bus = line(Fault.NONE, Fault.NONE)
    for number in (2, 1):
        steps = bus.receive_data(b"/?%d!\r\n" % number)
        assert sent(steps) == b"/XMP5EX-%d\r\n" % number
        assert SetBaudRate(9600) in bus.receive_data(b"\x06050\r\n")


def test_on_a_line_the_timer_is_the_one_of_the_meter_that_answered() -> None:
    """The others have none running."""
    bus = line(Fault.NONE, Fault.NONE)
    assert bus.handle_timeout() == []
    bus.receive_data(b"/?2!\r\n")
    assert bus.handle_timeout() == [Send(READOUT)]


def test_nobody_answers_to_an_address_that_nobody_has() -> None:
    """The line stays silent."""
    assert line(Fault.NONE, Fault.NONE).receive_data(b"/?3!\r\n") == []


def test_meters_that_answer_at_once_cannot_be_read() -> None:
    """A sign-on without address is for a single meter only; a 0 bit wins."""
    bus = line(Fault.NONE, Fault.NONE)
    assert bus.receive_data(SIGN_ON) == [Pause(0.2), Send(b"/XMP5EX-\x30\r\n")]
    assert all(meter.state is MeterState.START for meter in bus.meters)


def test_the_rest_of_the_longest_answer_comes_through() -> None:
    """Nobody talks over it any more."""
    bus = line(Fault.NONE, Fault.ANSWERS_TWICE | Fault.NOISE)
    assert len(sent(bus.receive_data(SIGN_ON))) == len(
        NOISE_BEFORE + b"/XMP5EX-2\r\n" + NOISE_AFTER
    )


def test_a_wake_up_wakes_the_whole_line() -> None:
    """All hear the NULs; the one that is called answers."""
    bus = line(Fault.WAKE_UP_WANTED, Fault.WAKE_UP_WANTED)
    assert bus.receive_data(bytes(66)) == [GAP]
    assert len(bus.handle_timeout()) == 1
    assert len(bus.handle_timeout()) == 1
    assert sent(bus.receive_data(b"/?2!\r\n")) == b"/XMP5EX-2\r\n"
    assert [device.wake_ups for device in bus.meters] == [1, 1]


def test_a_line_echoes_once() -> None:
    """The echo is a matter of the wire, not of each meter."""
    bus = line(Fault.ECHO, Fault.ECHO, Fault.SILENT)
    assert bus.receive_data(b"/?1!\r\n")[:2] == [Send(b"/?1!\r\n"), Pause(0.2)]
    assert bus.fault == Fault.ECHO | Fault.SILENT
    assert bus.first_baud_rate == 300
