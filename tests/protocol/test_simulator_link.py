"""Simulated meters on a line whose time is virtual."""

import asyncio
from itertools import pairwise
import time

from hypothesis import given, strategies as st
import pytest

from iec21 import IecError, LinkError, Readout, Settings
from iec21.client import drive
from iec21.session import ReadoutSession
from iec21.simulator import Fault, SimulatedLine, SimulatedLink, SimulatedMeter
from iec21.simulator.faults import NOISE_BEFORE
from iec21.simulator.wire import MAX_UNREAD, SLOW_PAUSE, Wire, garble, line_time
from iec21.steps import ReadoutReceived

BLOCK = b"".join(b"1.8.%d(000123.456*kWh)\r\n" % tariff for tariff in range(20))
SIGN_ON = b"/?!\r\n"
IDENTIFICATION = b"/XMP5EXAMPLE\r\n"


def meter(
    fault: Fault = Fault.NONE, *, identification: bytes = IDENTIFICATION
) -> SimulatedMeter:
    """Return a meter in mode C that offers 9600 Bd."""
    return SimulatedMeter(identification=identification, content=BLOCK, fault=fault)


async def read_out(link: SimulatedLink, settings: Settings | None = None) -> Readout:
    """Carry out a session over `link`, and close it."""
    settings = settings or Settings()
    session = ReadoutSession(settings, can_switch=link.can_switch)
    try:
        async for event in drive(link, session):
            if isinstance(event, ReadoutReceived):
                return event.readout
    finally:
        await link.close()
    raise AssertionError("the session ended without a readout")


async def read_all(link: SimulatedLink, patience: float = 3.0) -> bytes:
    """Return what comes until nothing has come for `patience` seconds."""
    received = b""
    while data := await link.read(patience):
        received += data
    return received


# -- time -----------------------------------------------------------------------


async def test_a_readout_takes_the_time_of_its_bits_and_reactions() -> None:
    """Every byte both ways, and three pauses of 200 ms; nothing else."""
    link = SimulatedLink(meter())
    await read_out(link)
    slow = line_time(SIGN_ON + IDENTIFICATION + b"\x06050\r\n", 300)
    fast = line_time(BLOCK + b"\x02!\r\n\x03q", 9600)
    # The client's timers run on the real clock, which stands still here: what it
    # has waited for the line feed of the identification it waits once more.
    assert 0 <= link.clock - (slow + fast + 3 * 0.2) < 0.034


async def test_no_test_waits_for_a_slow_line() -> None:
    """Minutes on the link's clock are milliseconds of ours."""
    link = SimulatedLink(meter(identification=b"/XMP@EXAMPLE"))
    started = time.perf_counter()
    await read_out(link)
    assert link.clock > 15
    assert time.perf_counter() - started < 1


async def test_silence_takes_as_long_as_the_patience() -> None:
    """The clock stands where the waiting ended."""
    link = SimulatedLink(meter())
    assert await link.read(1.25) == b""
    assert link.clock == 1.25


async def test_other_tasks_get_their_turn() -> None:
    """A link that never really waits must not starve the loop."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(count())
    await read_out(SimulatedLink(meter()))
    task.cancel()
    assert turns > 10


async def test_a_meter_reads_out_by_itself_when_nobody_acknowledges() -> None:
    """It takes 2.2 s for it, at the first speed."""
    link = SimulatedLink(meter())
    await link.write(SIGN_ON)
    assert await read_all(link, 1.0) == IDENTIFICATION
    assert BLOCK in await read_all(link)


async def test_time_may_pass_between_two_polls() -> None:
    """A meter left waiting for its acknowledgement is at its start by then."""
    link = SimulatedLink(meter())
    await link.write(SIGN_ON)
    await link.close()
    link.elapse(60)
    await link.open("port", Settings())
    assert (await read_out(link)).baud_rate == 9600


# -- the link -------------------------------------------------------------------


async def test_the_log_tells_the_whole_story() -> None:
    """Times, directions, bytes and speeds."""
    link = SimulatedLink(meter())
    await link.open("port", Settings(baud_rate=300))
    await read_out(link)
    kinds = [entry.kind for entry in link.log if entry.kind != "read"]
    assert kinds == ["open", "write", "write", "switch", "close"]
    assert link.sent == [SIGN_ON, b"\x06050\r\n"]
    assert link.baud_rates == [9600]
    assert link.baud_rate == 9600
    times = [entry.time for entry in link.log]
    assert times == sorted(times)


async def test_a_link_is_opened_once_and_closed() -> None:
    """As a port that is locked by whoever has it."""
    link = SimulatedLink(meter())
    settings = Settings()
    assert await link.open("port", settings) is link
    assert link.settings is settings
    with pytest.raises(LinkError, match="already open"):
        await link.open("port", settings)
    await link.close()
    await link.close()
    assert link.closed
    assert link.opened == 1
    for action in (link.read(0), link.write(b""), link.set_baud_rate(300)):
        with pytest.raises(LinkError, match="closed"):
            await action


async def test_opening_can_fail() -> None:
    """Until the cause is removed."""
    link = SimulatedLink(meter())
    link.open_error = LinkError("unplugged")
    with pytest.raises(LinkError, match="unplugged"):
        await link.open("port", Settings())
    link.open_error = None
    await link.open("port", Settings())


async def test_what_came_while_the_link_was_closed_is_lost() -> None:
    """A port that nobody has open keeps nothing."""
    link = SimulatedLink(meter())
    await link.write(SIGN_ON)
    await link.close()
    link.elapse(30)
    await link.open("port", Settings())
    assert await link.read(1) == b""


@pytest.mark.parametrize("piece", [1, 7, None])
async def test_how_the_bytes_arrive_makes_no_difference(piece: int | None) -> None:
    """A read returns at most `piece` bytes, and nothing is lost."""
    link = SimulatedLink(meter(Fault.NOISE), piece=piece)
    readout = await read_out(link)
    assert len(readout.data_sets) == 20
    if piece is not None:
        reads = [entry.data for entry in link.log if entry.kind == "read"]
        assert max(map(len, reads)) <= piece


async def test_a_link_of_fixed_speed_stays_there() -> None:
    """The meter is asked to stay as well."""
    link = SimulatedLink(meter(), can_switch=False)
    readout = await read_out(link)
    assert readout.baud_rate == 300
    await SimulatedLink(meter(), can_switch=False).set_baud_rate(9600)
    assert link.baud_rates == []


async def test_a_link_may_be_lost_on_the_way() -> None:
    """What arrived before is there; everything after it fails until a new start."""
    link = SimulatedLink(meter(), lose_after=20)
    await link.open("port", Settings())
    with pytest.raises(LinkError, match="lost"):
        await read_out(link)
    reads = [entry.data for entry in link.log if entry.kind == "read"]
    assert len(b"".join(reads)) == 20
    link._lose_after = None  # noqa: SLF001
    await link.open("port", Settings())
    assert len((await read_out(link)).data_sets) == 20


async def test_the_meter_may_hang_up() -> None:
    """In the middle of its readout; the next session succeeds or fails anew."""
    link = SimulatedLink(meter(Fault.HANG_UP))
    with pytest.raises(LinkError, match="lost"):
        await read_out(link)
    received = b"".join(entry.data for entry in link.log if entry.kind == "read")
    assert BLOCK[:100] in received
    assert b"1.8.19(" not in received


async def test_a_meter_that_sends_hears_nothing() -> None:
    """The line is half duplex: who acknowledges too early is not understood."""
    link = SimulatedLink(meter())
    await link.write(SIGN_ON)
    received = b""
    while not received.endswith(b"\r"):
        received += await link.read(1)
    await link.write(b"\x06050\r\n")
    assert await read_all(link) == b"\n"


# -- faults ---------------------------------------------------------------------

READABLE = (
    Fault.NONE,
    Fault.DEAF_ONCE,
    Fault.ZEROS_COUNT,
    Fault.ECHO,
    Fault.NOISE,
    Fault.PARITY_BIT,
    Fault.ANSWERS_TWICE,
    Fault.WRONG_SPEED,
    Fault.SLOW,
    # What goes wrong in programming mode only.
    Fault.MISUNDERSTANDS,
    Fault.DAMAGED_BLOCK,
    Fault.BREAKS_OFF,
    Fault.DROPS_SESSION,
    Fault.NO_ADDRESS,
    Fault.ECHO | Fault.NOISE | Fault.PARITY_BIT | Fault.SLOW,
)


@pytest.mark.parametrize("fault", READABLE, ids=str)
@pytest.mark.parametrize("piece", [1, None])
async def test_a_client_reads_such_a_meter_all_the_same(
    fault: Fault, piece: int | None
) -> None:
    """What the norm or experience allows for costs nothing but time."""
    readout = await read_out(SimulatedLink(meter(fault), piece=piece))
    assert len(readout.data_sets) == 20


@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault not in READABLE], ids=str
)
async def test_a_client_does_not_believe_such_a_meter(fault: Fault) -> None:
    """And the port is closed afterwards."""
    link = SimulatedLink(meter(fault))
    with pytest.raises(IecError):
        await read_out(link)
    assert link.closed


async def test_an_echo_arrives_while_its_bytes_are_sent() -> None:
    """Light that falls back into the head knows no delay."""
    link = SimulatedLink(meter(Fault.ECHO | Fault.SILENT))
    await link.write(SIGN_ON)
    assert await link.read(0) == SIGN_ON


async def test_a_slow_meter_pauses_within_its_messages() -> None:
    """For just less than the norm's 1.5 s."""
    link = SimulatedLink(meter(Fault.SLOW))
    await read_out(link)
    times = [entry.time for entry in link.log if entry.kind == "read"]
    pauses = [b - a for a, b in pairwise(times)]
    assert sum(pause > SLOW_PAUSE for pause in pauses) > 10
    assert max(pauses) < 1.5


async def test_several_meters_share_a_line() -> None:
    """Each is read by its address."""
    meters = [
        SimulatedMeter(
            identification=b"/XMP5EX-%d" % number, content=BLOCK, address=str(number)
        )
        for number in (1, 2)
    ]
    link = SimulatedLink(SimulatedLine(meters=meters))
    for number in ("1", "2"):
        await link.open("port", Settings(address=number))
        readout = await read_out(link, Settings(address=number))
        assert readout.identification is not None
        assert readout.identification.text == f"EX-{number}"


# -- speeds ---------------------------------------------------------------------


async def test_at_the_wrong_speed_the_meter_hears_garbage() -> None:
    """So it keeps silent."""
    link = SimulatedLink(meter(), baud_rate=2400)
    await link.write(SIGN_ON)
    assert await read_all(link) == b""


async def test_at_the_wrong_speed_the_client_hears_garbage() -> None:
    """Bytes come, and none of them is right."""
    link = SimulatedLink(meter())
    await link.write(SIGN_ON)
    await link.set_baud_rate(1200)
    received = await read_all(link, 1.0)
    assert received
    assert b"/" not in received


@given(st.binary(max_size=50), st.sampled_from([50, 300, 19200, 12345]))
def test_at_the_right_speed_nothing_changes(data: bytes, baud_rate: int) -> None:
    """Not even an eighth bit."""
    assert garble(data, baud_rate, baud_rate) == data


@given(
    st.binary(max_size=50),
    st.sampled_from([300, 600, 2400, 9600, 12345]),
    st.sampled_from([300, 1200, 2400, 19200]),
)
def test_any_two_speeds_give_an_end(data: bytes, sent: int, read: int) -> None:
    """A receiver never makes more of a stream than its own speed allows."""
    received = garble(data, sent, read)
    if sent != read:
        assert len(received) <= 1 + len(data) * read / sent


@pytest.mark.parametrize("read_at", [291, 309])
def test_a_clock_that_is_three_percent_off_is_good_enough(read_at: int) -> None:
    """As it is for every UART: the last bit is still met."""
    data = bytes(byte for byte in IDENTIFICATION for _ in range(3))
    assert garble(data, 300, read_at) == data


def test_a_bit_too_short_to_be_a_start_is_no_character() -> None:
    """A receiver looks again in the middle of what might be a start bit."""
    assert garble(b"\x7f", 9600, 300) == b""


def test_a_fast_receiver_sees_many_characters_in_a_slow_one() -> None:
    """Each falling edge may begin one."""
    received = garble(b"U", 300, 9600)
    assert len(received) > 3
    assert set(received) == {0}


# -- the wire -------------------------------------------------------------------


def test_without_line_rate_the_answer_is_there_at_once() -> None:
    """No bit takes time, and no reaction."""
    wire = Wire(meter(identification=b"/XMP@EXAMPLE"), line_rate=False)
    assert wire.receive_data(SIGN_ON, 5.0) == 5.0
    arrivals = wire.advance(5.0)
    assert {arrival.time for arrival in arrivals} == {5.0}
    assert BLOCK in b"".join(arrival.data for arrival in arrivals)


def test_without_line_rate_a_slow_meter_is_still_slow() -> None:
    """Whoever asks for pauses gets them."""
    wire = Wire(meter(Fault.SLOW, identification=b"/XMP@EXAMPLE"), line_rate=False)
    wire.receive_data(SIGN_ON, 0.0)
    wire.advance(0.0)
    assert wire.next_event == SLOW_PAUSE


def test_bytes_count_once_they_are_through() -> None:
    """A second piece follows the first, even if it was handed over too early."""
    wire = Wire(meter())
    first = wire.receive_data(b"/?", 0.0)
    assert first == pytest.approx(line_time(b"/?", 300))
    assert wire.receive_data(b"!\r\n", 0.0) == pytest.approx(line_time(SIGN_ON, 300))
    assert wire.receive_data(b"", 9.0) == 9.0


def test_a_flood_of_bytes_costs_no_memory() -> None:
    """What a busy meter cannot take is lost, as in a UART."""
    wire = Wire(meter(Fault.NOISE))
    for _ in range(10):
        wire.receive_data(b"x" * 1000, 0.0)
    assert len(wire._inbox) <= MAX_UNREAD + 1000  # noqa: SLF001
    wire.reset()
    assert wire.advance(1e9) == []
    wire.receive_data(SIGN_ON, 1e9)
    assert wire.advance(2e9)[0].data == NOISE_BEFORE[:1]
