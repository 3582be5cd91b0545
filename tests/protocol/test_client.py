"""Whole readouts over a link in memory: every mode, every way a line cuts bytes.

The link has its own clock, so that minutes at 300 Bd pass in milliseconds, and
the meter at its end garbles what is sent at another speed than its own.
"""

import asyncio
from collections.abc import Iterator
import logging

import pytest

from iec21 import (
    ChecksumError,
    DataArrived,
    EchoOnlyError,
    Event,
    Identified,
    LinkError,
    MeterTimeoutError,
    Mode,
    Retrying,
    Settings,
    TelegramError,
    client,
    identify,
    read_out,
)
from iec21.const import INACTIVITY_TIMEOUT
from iec21.simulator import Fault, SimulatedLink, SimulatedMeter
from iec21.steps import ReadoutReceived
from iec21.telegram import Check

PORT = "/dev/simulated"
BLOCK = b"0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n2.8.0(000000.000*kWh)\r\n"


def meter(
    identification: bytes = b"/ABC5METER", fault: Fault = Fault.NONE
) -> SimulatedMeter:
    """Return a meter with a short readout."""
    return SimulatedMeter(identification=identification, content=BLOCK, fault=fault)


@pytest.fixture(name="plug_in")
def fixture_plug_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[SimulatedLink]]:
    """Make the client open the links put into this list, and see them closed."""
    links: list[SimulatedLink] = []

    async def open_link(port: str, settings: Settings) -> SimulatedLink:
        return await links[-1].open(port, settings)

    monkeypatch.setattr(client, "open_transport", open_link)
    yield links
    assert all(link.closed for link in links)


@pytest.mark.parametrize("piece", [1, 7, None])
@pytest.mark.parametrize(
    ("identification", "mode", "baud_rate"),
    [
        (b"/ABC METER", "A", 300),
        (b"/ABCCMETER", "B", 2400),
        (b"/ABC5METER", "C", 9600),
        (b"/ABc5METER", "C", 9600),
        (b"/ABC0METER", "C", 300),
    ],
)
async def test_each_mode_is_read_however_the_bytes_arrive(
    plug_in: list[SimulatedLink],
    identification: bytes,
    mode: str,
    baud_rate: int,
    piece: int | None,
) -> None:
    """The readout is whole, checked, and came at the speed that was agreed."""
    link = SimulatedLink(meter(identification), piece=piece)
    plug_in.append(link)
    readout = await read_out(PORT)
    assert [str(item) for item in readout.data_sets] == BLOCK.decode().split()
    assert (readout.mode, readout.baud_rate) == (mode, baud_rate)
    assert readout.check is Check.XOR
    assert link.baud_rates == ([] if baud_rate == 300 else [baud_rate])


async def test_a_readout_can_be_watched(plug_in: list[SimulatedLink]) -> None:
    """Who answered comes first, then every data set once."""
    plug_in.append(SimulatedLink(meter(), piece=10))
    events: list[Event] = []
    readout = await read_out(PORT, on_event=events.append)
    assert isinstance(events[0], Identified)
    arrived = [event for event in events if isinstance(event, DataArrived)]
    assert sum((event.data_sets for event in arrived), ()) == readout.data_sets
    assert [event.received for event in arrived] == sorted(
        event.received for event in arrived
    )
    assert not any(isinstance(event, ReadoutReceived) for event in events)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.DEAF_ONCE,
        Fault.ECHO,
        Fault.NOISE,
        Fault.PARITY_BIT,
        Fault.ANSWERS_TWICE,
        Fault.SLOW,
        Fault.WRONG_SPEED,
        Fault.ECHO | Fault.NOISE,
        Fault.ECHO | Fault.PARITY_BIT | Fault.DEAF_ONCE,
    ],
)
async def test_a_readout_survives(plug_in: list[SimulatedLink], fault: Fault) -> None:
    """Ordinary trouble costs time and nothing else."""
    plug_in.append(SimulatedLink(meter(fault=fault)))
    readout = await read_out(PORT)
    assert [str(item) for item in readout.data_sets] == BLOCK.decode().split()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.SILENT, MeterTimeoutError),
        (Fault.ADDRESS_WANTED, MeterTimeoutError),
        (Fault.SILENT | Fault.ECHO, EchoOnlyError),
        (Fault.DAMAGED_CHECK, ChecksumError),
        (Fault.CUT_OFF, TelegramError),
        (Fault.HANG_UP, LinkError),
    ],
)
async def test_a_readout_fails_with_what_happened(
    plug_in: list[SimulatedLink], fault: Fault, error: type[Exception]
) -> None:
    """The class says what to do; nothing is ever read wrong."""
    plug_in.append(SimulatedLink(meter(fault=fault)))
    events: list[Event] = []
    with pytest.raises(error) as caught:
        await read_out(PORT, on_event=events.append)
    assert type(caught.value) is error
    retries = [event for event in events if isinstance(event, Retrying)]
    assert len(retries) == (0 if fault is Fault.HANG_UP else 2)


async def test_only_the_addressed_meter_answers(plug_in: list[SimulatedLink]) -> None:
    """On a line with several meters each has its address."""
    addressed = meter(fault=Fault.ADDRESS_WANTED)
    addressed.address = "00123"
    plug_in.append(SimulatedLink(addressed))
    assert (await read_out(PORT, Settings(address="123"))).data_sets
    with pytest.raises(MeterTimeoutError):
        await read_out(PORT, Settings(address="124"))


@pytest.mark.parametrize(
    ("mode", "sent"),
    [
        (Mode.AUTO, [b"/?!\r\n"]),
        (Mode.C, [b"/?!\r\n", b"\x06000\r\n"]),
    ],
)
async def test_a_speed_that_the_norm_does_not_know_is_not_used(
    plug_in: list[SimulatedLink], mode: Mode, sent: list[bytes]
) -> None:
    """The readout comes at the first one, asked for or when the meter gives up."""
    special = meter(b"/ABC:METER")
    special.special_baud_rates = {":": 38400}
    link = SimulatedLink(special)
    plug_in.append(link)
    readout = await read_out(PORT, Settings(mode=mode))
    assert [str(item) for item in readout.data_sets] == BLOCK.decode().split()
    assert readout.baud_rate == 300
    assert link.sent == sent
    assert link.baud_rates == []


async def test_a_pause_within_a_message_may_have_another_limit(
    plug_in: list[SimulatedLink],
) -> None:
    """However long the meter may take to begin."""
    plug_in.append(SimulatedLink(meter(fault=Fault.SLOW)))
    patient = Settings(timeout=0.6, character_timeout=1.3)
    assert (await read_out(PORT, patient)).data_sets
    with pytest.raises(TelegramError, match="broke off"):
        await read_out(PORT, Settings(character_timeout=1.1))


@pytest.mark.parametrize("left_at", [9600, 300])
async def test_a_session_that_was_left_is_signed_off(
    plug_in: list[SimulatedLink], left_at: int
) -> None:
    """A cancelled caller knows the speed, and the next readout does not wait."""
    offer = b"/ABC5METER" if left_at == 9600 else b"/ABC0METER"
    link = SimulatedLink(meter(offer, Fault.LEFT_OPEN))
    plug_in.append(link)
    readout = await read_out(PORT, left_at=left_at)
    assert readout.data_sets
    assert b"\x01B0\x03q" in link.sent
    assert link.clock < 10


async def test_a_session_that_nobody_owns_up_to_is_waited_out(
    plug_in: list[SimulatedLink],
) -> None:
    """It may be somebody else's, so nothing is signed off."""
    link = SimulatedLink(meter(fault=Fault.LEFT_OPEN))
    plug_in.append(link)
    with pytest.raises(MeterTimeoutError):
        await read_out(PORT)
    assert set(link.sent) == {b"/?!\r\n"}
    link.elapse(INACTIVITY_TIMEOUT)
    assert (await read_out(PORT)).data_sets


async def test_a_cancelled_caller_knows_the_speed_of_its_session(
    plug_in: list[SimulatedLink],
) -> None:
    """It stands in the event that named the meter."""
    link = SimulatedLink(meter(), piece=5)
    plug_in.append(link)
    events: asyncio.Queue[Event] = asyncio.Queue()
    task = asyncio.create_task(read_out(PORT, on_event=events.put_nowait))
    identified = await events.get()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(identified, Identified)
    assert identified.baud_rate == 9600


async def test_a_gateway_without_speed_is_asked_to_stay(
    plug_in: list[SimulatedLink],
) -> None:
    """The readout then comes at 300 Bd."""
    link = SimulatedLink(meter(), can_switch=False)
    plug_in.append(link)
    readout = await read_out(PORT)
    assert readout.baud_rate == 300
    assert link.sent == [b"/?!\r\n", b"\x06000\r\n"]


async def test_who_is_there_is_asked_without_a_readout(
    plug_in: list[SimulatedLink],
) -> None:
    """It is acknowledged, so that the meter is soon done with what nobody reads."""
    link = SimulatedLink(meter())
    plug_in.append(link)
    assert (await identify(PORT)).text == "METER"
    assert link.sent == [b"/?!\r\n", b"\x06050\r\n"]
    assert link.clock < 2


async def test_who_is_there_is_asked_again(plug_in: list[SimulatedLink]) -> None:
    """The first sign-on is often lost on a sleeping meter."""
    plug_in.append(SimulatedLink(meter(fault=Fault.DEAF_ONCE)))
    assert (await identify(PORT)).text == "METER"


async def test_a_lost_link_is_closed(plug_in: list[SimulatedLink]) -> None:
    """And named as what it is, at once."""
    plug_in.append(SimulatedLink(meter(), lose_after=40))
    with pytest.raises(LinkError):
        await read_out(PORT)


async def test_a_port_that_cannot_be_opened_is_an_error(
    plug_in: list[SimulatedLink],
) -> None:
    """Nothing was opened, so nothing is closed."""
    link = SimulatedLink(meter())
    await link.close()
    link.open_error = LinkError("/dev/simulated: another program uses it")
    plug_in.append(link)
    with pytest.raises(LinkError, match="another program uses it"):
        await read_out(PORT)


@pytest.mark.parametrize("steps", range(12))
async def test_a_cancelled_readout_closes_its_port(
    plug_in: list[SimulatedLink], steps: int
) -> None:
    """Wherever it was: opening, sending, waiting or reading."""
    link = SimulatedLink(meter(), piece=5)
    plug_in.append(link)
    task = asyncio.create_task(read_out(PORT))
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await link.close()
    assert link.closed


async def test_the_debug_log_is_enough_to_repeat_a_session(
    plug_in: list[SimulatedLink], caplog: pytest.LogCaptureFixture
) -> None:
    """Both directions and the speed are in it, and nothing of it above debug."""
    caplog.set_level(logging.DEBUG, logger="iec21")
    plug_in.append(SimulatedLink(meter()))
    await read_out("esphome://house:6053/?key=secret")
    assert "> b'/?!\\r\\n'" in caplog.messages
    assert "= 9600 Bd" in caplog.messages
    assert any(message.startswith("< b'\\x02") for message in caplog.messages)
    assert all(record.levelno == logging.DEBUG for record in caplog.records)
    assert "secret" not in caplog.text


async def test_closing_can_be_delayed(plug_in: list[SimulatedLink]) -> None:
    """Some gateways drop what is still on its way when they are closed."""
    link = SimulatedLink(meter())
    plug_in.append(link)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await read_out(PORT, Settings(close_delay=0.05))
    assert loop.time() - started >= 0.05


async def test_a_cancelled_readout_does_not_wait_for_its_delay(
    plug_in: list[SimulatedLink],
) -> None:
    """Home Assistant stops without it; the delay is for what is still on its way."""
    link = SimulatedLink(meter(), piece=5)
    plug_in.append(link)
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Event] = asyncio.Queue()
    settings = Settings(close_delay=10)
    task = asyncio.create_task(read_out(PORT, settings, on_event=events.put_nowait))
    await events.get()
    started = loop.time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert loop.time() - started < 1
