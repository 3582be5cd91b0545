"""Simulated meters that send by themselves, alone and on a line."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest

from iec21 import (
    Check,
    Event,
    Framing,
    LinkError,
    MeterTimeoutError,
    Mode,
    OtherProtocolError,
    Readout,
    Retrying,
    Settings,
    TelegramError,
    client,
    listen,
    read_out,
    search,
)
from iec21.framing import crc16
from iec21.messages import Identification
from iec21.simulator import Fault, PushMeter, SimulatedLink, serve_tcp
from iec21.simulator.sample import PUSH_SAMPLES, make_push_meter
from iec21.simulator.terminal import serve_pty
from iec21.steps import Send, StartTimer

BLOCK = b"1-0:0.0.0*255(SYN00001)\r\n1-0:1.8.0*255(000123.456*kWh)\r\n"
TELEGRAM = b"/XMP3EXAMPLE\r\n\r\n" + BLOCK + b"!\r\n"
AT_9600 = Settings(mode=Mode.D, baud_rate=9600)


def meter(
    fault: Fault = Fault.NONE,
    *,
    baud_rate: int = 2400,
    check: Check = Check.NONE,
    blank_line: bool = True,
) -> PushMeter:
    """Return a meter with two data sets."""
    return PushMeter(
        identification=b"/XMP3EXAMPLE",
        content=BLOCK,
        first_baud_rate=baud_rate,
        check=check,
        blank_line=blank_line,
        fault=fault,
    )


@pytest.fixture
async def connect(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[PushMeter], SimulatedLink]:
    """Return a function that puts a meter on every port."""

    def connect(device: PushMeter) -> SimulatedLink:
        link = SimulatedLink(device, baud_rate=300)
        monkeypatch.setattr(client, "open_transport", link.open)
        # Noise keeps nobody waiting for ever; the client has to see the time go.
        loop = asyncio.get_running_loop()
        real_time = loop.time
        monkeypatch.setattr(loop, "time", lambda: real_time() + link.clock)
        return link

    return connect


# -- by itself ------------------------------------------------------------------


def test_whoever_comes_is_in_the_middle_of_a_telegram() -> None:
    """The whole ones follow, from beginning to beginning in the same time."""
    device = meter()
    assert device.start() == [StartTimer(2.0), Send(TELEGRAM[len(TELEGRAM) // 2 :])]
    for _ in range(2):
        assert device.handle_timeout() == [StartTimer(2.0), Send(TELEGRAM)]


def test_it_hears_nothing() -> None:
    """And nothing puts it back to its start."""
    device = meter()
    assert device.answer(b"/?!\r\n") == []
    device.reset()


def test_the_blank_line_may_be_missing() -> None:
    """The norm has it; some meters do not."""
    assert meter(blank_line=False).handle_timeout()[1] == Send(
        TELEGRAM.replace(b"\r\n\r\n", b"\r\n")
    )


def test_a_telegram_may_have_a_crc() -> None:
    """DSMR covers all from the slash to the exclamation mark."""
    covered = TELEGRAM.removesuffix(b"\r\n")
    expected = covered + f"{crc16(covered):04X}\r\n".encode()
    assert meter(check=Check.CRC16).handle_timeout()[1] == Send(expected)
    damaged = meter(Fault.DAMAGED_CHECK, check=Check.CRC16).handle_timeout()[1]
    assert damaged != Send(expected)


def test_its_faults_are_those_of_others() -> None:
    """As far as they make sense for a meter that nobody asks."""
    assert meter(Fault.SILENT).start() == []
    assert meter(Fault.CUT_OFF).handle_timeout()[1] == Send(
        TELEGRAM[: len(TELEGRAM) // 2]
    )
    assert meter(Fault.ANSWERS_TWICE).handle_timeout()[1:] == [Send(TELEGRAM)] * 2


def test_the_content_may_be_a_function() -> None:
    """It is called for every telegram; the identification may be taken apart."""
    blocks = iter([b"1.8.0(0)\r\n", b"1.8.0(1)\r\n", b"1.8.0(2)\r\n"])
    device = PushMeter(
        identification=Identification.parse(b"/XMP3EXAMPLE"),
        content=lambda: next(blocks),
    )
    device.start()
    for number in (b"1", b"2"):
        step = device.handle_timeout()[1]
        assert isinstance(step, Send)
        assert b"1.8.0(%b)" % number in step.data


def test_an_identification_that_is_none_is_refused() -> None:
    """Whoever builds a meter hears so at once."""
    with pytest.raises(TelegramError):
        PushMeter(identification=b"EXAMPLE", content=b"")


# -- on a line ------------------------------------------------------------------


@pytest.mark.parametrize("blank_line", [True, False])
@pytest.mark.parametrize("baud_rate", [2400, 9600])
@pytest.mark.parametrize(
    "fault", [Fault.NONE, Fault.NOISE, Fault.PARITY_BIT, Fault.ANSWERS_TWICE], ids=str
)
async def test_every_telegram_is_received(
    connect: Callable[[PushMeter], SimulatedLink],
    fault: Fault,
    baud_rate: int,
    *,
    blank_line: bool,
) -> None:
    """From the first whole one on, at the speed that is set."""
    connect(meter(fault, baud_rate=baud_rate, blank_line=blank_line))
    settings = Settings(mode=Mode.D, baud_rate=baud_rate)
    readouts: list[Readout] = []
    async with aclosing(listen("port", settings)) as stream:
        async for readout in stream:
            readouts.append(readout)
            if len(readouts) == 3:
                break
    for readout in readouts:
        assert [str(item) for item in readout.data_sets] == BLOCK.decode().split()
        assert readout.mode == "D"


@pytest.mark.parametrize("baud_rate", [2400, 9600])
async def test_a_search_finds_it(
    connect: Callable[[PushMeter], SimulatedLink], baud_rate: int
) -> None:
    """Its stream looks like noise at the other speeds; it takes half a minute."""
    device = meter(baud_rate=baud_rate)
    device.interval = 1.0
    link = connect(device)
    found, readout = await search("/dev/port")
    assert found.mode is Mode.D
    assert found.first_baud_rate == baud_rate
    assert len(readout.data_sets) == 2
    assert link.clock < 40
    assert link.closed


async def test_a_search_names_a_p1_port(
    connect: Callable[[PushMeter], SimulatedLink],
) -> None:
    """Home Assistant has an integration of its own for it."""
    connect(make_push_meter("p1"))
    with pytest.raises(OtherProtocolError, match="DSMR"):
        await search("/dev/port")


async def test_a_p1_port_can_be_read_all_the_same(
    connect: Callable[[PushMeter], SimulatedLink],
) -> None:
    """Whoever insists gets its telegrams, verified."""
    connect(make_push_meter("p1"))
    settings = Settings(mode=Mode.D, baud_rate=115200, framing=Framing.EIGHT_NONE_ONE)
    readout = await read_out("/dev/port", settings)
    assert readout.check is Check.CRC16


async def test_a_damaged_telegram_is_an_event(
    connect: Callable[[PushMeter], SimulatedLink],
) -> None:
    """It is never a readout, and the next one may be better."""
    connect(meter(Fault.DAMAGED_CHECK, check=Check.CRC16, baud_rate=9600))
    with pytest.raises(TelegramError):
        await read_out("port", AT_9600)
    enough = asyncio.Event()
    events: list[Event] = []

    def watch(event: Event) -> None:
        events.append(event)
        if sum(isinstance(event, Retrying) for event in events) == 3:
            enough.set()

    task = asyncio.ensure_future(anext(listen("port", AT_9600, on_event=watch)))
    await enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_silence_ends_the_wait(
    connect: Callable[[PushMeter], SimulatedLink],
) -> None:
    """Whoever listens decides what it means."""
    connect(meter(Fault.SILENT))
    with pytest.raises(MeterTimeoutError):
        await read_out("port", Settings(mode=Mode.D))


async def read_to_the_end(link: SimulatedLink) -> None:
    """Read until the link is lost."""
    while True:
        await link.read(60.0)


async def test_a_line_that_is_lost_comes_back_with_the_stream() -> None:
    """The meter has not waited for anybody."""
    link = SimulatedLink(meter(Fault.HANG_UP))
    await link.open("port", Settings(mode=Mode.D))
    with pytest.raises(LinkError):
        await read_to_the_end(link)
    await link.close()
    await link.open("port", Settings(mode=Mode.D))
    assert await link.read(60.0)


@pytest.mark.parametrize("name", PUSH_SAMPLES)
async def test_every_push_sample_can_be_read(
    connect: Callable[[PushMeter], SimulatedLink], name: str
) -> None:
    """Their counters are those of the house."""
    device = make_push_meter(name)
    connect(device)
    settings = Settings(mode=Mode.D, baud_rate=device.first_baud_rate)
    readout = await read_out("port", settings)
    assert any(item.address == "1.8.0" for item in readout.data_sets)


# -- behind real ports ----------------------------------------------------------


@pytest.mark.socket
@pytest.mark.usefixtures("socket_enabled")
async def test_it_sends_to_whoever_connects() -> None:
    """Each client begins in the middle; nothing is left when the server closes."""
    device = meter(baud_rate=9600)
    device.interval = 0.05
    async with serve_tcp(device) as server:
        for _ in range(2):
            readout = await read_out(server.port_url, AT_9600)
            assert len(readout.data_sets) == 2
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.socket
@pytest.mark.usefixtures("socket_enabled")
async def test_it_sends_to_whoever_opens_the_terminal() -> None:
    """At its speed."""
    device = meter(baud_rate=9600)
    device.interval = 0.1
    async with serve_pty(device, line_rate=True) as server:
        readout = await read_out(server.port_url, AT_9600)
    assert len(readout.data_sets) == 2
