"""A trace plays back as the meter that it was taken from."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from iec21 import (
    Mode,
    Readout,
    Settings,
    client,
    read_out,
    search,
)
from iec21.framing import frame
from iec21.simulator import (
    Fault,
    PushMeter,
    ReplayMeter,
    Responder,
    SimulatedLink,
    SimulatedMeter,
    serve_tcp,
)
from iec21.steps import MeterStep, Send, SetBaudRate, StartTimer
from iec21.traces import Entry, Trace

BLOCK = b"".join(b"1.8.%d(000123.456*kWh)\r\n" % tariff for tariff in range(20))
READOUT = frame(BLOCK)
SIGN_ON = b"/?!\r\n"
ANSWER = b"/XMP5EXAMPLE\r\n"

TRACE = Trace(
    link="serial",
    baud_rate=300,
    entries=[
        Entry(0.0, "send", SIGN_ON),
        Entry(2.5, "send", SIGN_ON),
        Entry(3.0, "receive", ANSWER[:7]),
        Entry(3.4, "receive", ANSWER[7:]),
        Entry(3.6, "send", b"\x06050\r\n"),
        Entry(3.82, "speed", baud_rate=9600),
        Entry(5.0, "receive", READOUT),
    ],
)
"""A sign-on that stays unanswered, and one that does not."""


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[Responder], SimulatedLink]:
    """Return a function that puts a meter on every port."""

    def connect(device: Responder) -> SimulatedLink:
        link = SimulatedLink(device, baud_rate=300)
        monkeypatch.setattr(client, "open_transport", link.open)
        # What is recorded are the times of the simulated line.
        clock = SimpleNamespace(monotonic=lambda: link.clock)
        monkeypatch.setattr("iec21.transport.time", clock)
        return link

    return connect


def seconds(steps: Sequence[MeterStep]) -> float:
    """Return the time of the one timer in `steps`."""
    (timer,) = [step for step in steps if isinstance(step, StartTimer)]
    return timer.seconds


def test_what_the_client_sends_moves_it_on() -> None:
    """Nothing to the first sign-on, the identification to the second."""
    device = ReplayMeter(TRACE)
    assert device.answer(SIGN_ON) == [SetBaudRate(300)]
    steps = device.answer(SIGN_ON)
    # The sign-on takes 0.167 s at 300 Bd, and the first character 0.033 s.
    assert seconds(steps) == pytest.approx(0.5 - 50 / 300 - 10 / 300)
    steps = device.handle_timeout()
    assert steps[1:] == [Send(ANSWER[:7])]
    assert seconds(steps) == pytest.approx(0.4)
    assert device.handle_timeout() == [Send(ANSWER[7:])]
    assert device.handle_timeout() == []


def test_the_speed_changes_when_the_client_changed_it() -> None:
    """And is the old one again when the next message comes."""
    device = ReplayMeter(TRACE)
    device.answer(SIGN_ON * 2)
    assert seconds(device.answer(b"\x06050\r\n")) == pytest.approx(0.02)
    steps = device.handle_timeout()
    assert steps[1:] == [SetBaudRate(9600)]
    assert device.first_baud_rate == 9600
    # The first 15 characters are what an adapter hands on at once.
    assert seconds(steps) == pytest.approx(1.18 - 15 * 10 / 9600)
    assert device.handle_timeout() == [Send(READOUT)]
    assert device.answer(SIGN_ON) == [SetBaudRate(300)]
    assert device.first_baud_rate == 300


def test_a_message_may_come_in_pieces() -> None:
    """And with parity bits or without; noise before it does not matter."""
    device = ReplayMeter(TRACE)
    device.answer(SIGN_ON)
    for byte in b"\x7f\xaf?!\r":
        assert device.answer(bytes([byte])) == []
    assert device.answer(b"\n") != []
    device.answer(b"x")
    device.reset()
    assert seconds(device.answer(b"\x06050\r\n")) == pytest.approx(0.02)


def test_a_message_of_a_kind_that_was_never_sent_is_not_answered() -> None:
    """Nobody knows what the meter would have said."""
    assert ReplayMeter(TRACE).answer(b"\x01R1\x021.8.0()\x03Z") == []
    assert ReplayMeter(TRACE).answer(b"/2!\r\n") == []


def test_the_first_turn_follows_the_last() -> None:
    """A test may read as often as it likes."""
    device = ReplayMeter(TRACE)
    device.answer(SIGN_ON * 2)
    device.answer(b"\x06050\r\n")
    assert device.answer(SIGN_ON) == [SetBaudRate(300)]


def test_an_address_does_not_have_to_be_the_recorded_one() -> None:
    """In a trace that is shown around it is masked."""
    trace = Trace(
        entries=[Entry(0.0, "send", b"/?XXX!\r\n"), Entry(1.0, "receive", ANSWER)]
    )
    assert ReplayMeter(trace).answer(b"/?123!\r\n") != []


def test_a_wake_up_is_another_kind_of_sign_on() -> None:
    """A client that knows to send it gets the answer to it."""
    trace = Trace(
        entries=[
            Entry(0.0, "send", SIGN_ON),
            Entry(3.0, "send", bytes(66)),
            Entry(7.0, "send", SIGN_ON),
            Entry(8.0, "receive", ANSWER),
        ]
    )
    device = ReplayMeter(trace)
    assert device.answer(bytes(66)) == []
    assert seconds(device.answer(SIGN_ON)) > 0


def test_a_link_without_speed_keeps_its_times() -> None:
    """The bytes of a gateway come in packets, whatever their line time."""
    trace = Trace(
        link="socket",
        baud_rate=300,
        entries=[Entry(0.0, "send", SIGN_ON), Entry(0.25, "receive", ANSWER)],
    )
    assert seconds(ReplayMeter(trace).answer(SIGN_ON)) == 0.25


def test_behind_a_gap_nothing_is_sent_until_the_next_message() -> None:
    """What it answered is missing, and so is the speed that it had."""
    trace = Trace(
        entries=[
            Entry(0.0, "send", SIGN_ON),
            Entry(0.5, "receive", ANSWER),
            Entry(1.0, "gap", missing=5000),
            Entry(9.0, "receive", READOUT),
            Entry(9.5, "send", b"\x06050\r\n"),
            Entry(10.0, "receive", READOUT),
        ],
    )
    device = ReplayMeter(Trace.from_json(trace.to_json()))
    device.answer(SIGN_ON)
    assert device.handle_timeout() == [Send(ANSWER)]
    assert device.handle_timeout() == []
    device.answer(b"\x06050\r\n")
    assert device.handle_timeout() == [Send(READOUT)]


def test_an_empty_trace_is_a_silent_meter() -> None:
    """It listens at 300 Bd, as most do."""
    device = ReplayMeter(Trace(), Fault.SLOW)
    assert device.first_baud_rate == 300
    assert device.start() == []
    assert device.answer(SIGN_ON) == []
    assert device.fault is Fault.SLOW


async def record(port: str, settings: Settings | None = None) -> tuple[Trace, Readout]:
    """Return the trace of a search, or of a readout with `settings`."""
    trace = Trace()
    if settings is None:
        _, readout = await search(port, trace=trace)
    else:
        readout = await read_out(port, settings, trace=trace)
    return trace, readout


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault.NONE, Fault.ECHO, Fault.NOISE, Fault.PARITY_BIT, Fault.DEAF_ONCE),
        *(Fault.WRONG_SPEED, Fault.ANSWERS_TWICE),
    ],
    ids=str,
)
@pytest.mark.parametrize("identification", [b"/XMP5EX", b"/XMPEEX", b"/XMP EX"])
async def test_a_recorded_readout_can_be_read_again_and_again(
    connect: Callable[[Responder], SimulatedLink], fault: Fault, identification: bytes
) -> None:
    """In every mode, with the trouble that it had; the data are the same."""
    connect(SimulatedMeter(identification=identification, content=BLOCK, fault=fault))
    trace, original = await record("/dev/port", Settings())
    device = ReplayMeter(Trace.from_json(trace.to_json()))
    connect(device)
    for _ in range(3):
        assert (await read_out("/dev/port")).data_sets == original.data_sets


async def test_a_recorded_search_finds_the_same(
    connect: Callable[[Responder], SimulatedLink],
) -> None:
    """A report about a stubborn meter is the test for it."""
    connect(
        SimulatedMeter(identification=ANSWER, content=BLOCK, fault=Fault.WAKE_UP_WANTED)
    )
    trace, original = await record("/dev/port")
    connect(ReplayMeter(trace))
    found, readout = await search("/dev/port")
    assert found.wake_up == 66
    assert readout.data_sets == original.data_sets
    assert (await read_out("/dev/port", found)).data_sets == original.data_sets


@pytest.mark.socket
@pytest.mark.usefixtures("socket_enabled")
async def test_a_recorded_stream_is_sent_to_whoever_connects() -> None:
    """Nobody has to ask for it."""
    telegram = b"/XMP3EX\r\n\r\n" + BLOCK + b"!\r\n"
    trace = Trace(
        link="socket",
        entries=[Entry(0.01, "receive", telegram), Entry(0.02, "receive", telegram)],
    )
    async with serve_tcp(ReplayMeter(trace)) as server:
        readout = await read_out(server.port_url, Settings(mode=Mode.D))
    assert len(readout.data_sets) == 20


async def test_a_recorded_push_meter_sends_at_its_speed(
    connect: Callable[[Responder], SimulatedLink],
) -> None:
    """Listened to as it was recorded."""
    settings = Settings(mode=Mode.D, baud_rate=9600)
    connect(PushMeter(identification=b"/XMP3EX", content=BLOCK, first_baud_rate=9600))
    trace, original = await record("/dev/port", settings)
    connect(ReplayMeter(trace))
    readout = await read_out("/dev/port", settings)
    assert readout.data_sets == original.data_sets
