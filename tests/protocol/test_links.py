"""Whole readouts through every kind of link, over real sockets and terminals.

Most meters here listen at 19 200 Bd and react after 20 ms, so that a readout at
line rate takes a tenth of a second.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path
import time

import pytest
from serialx.platforms.serial_rfc2217 import RFC2217Serial

from iec21 import (
    Check,
    ChecksumError,
    Framing,
    IecError,
    LinkError,
    MeterTimeoutError,
    Retrying,
    Settings,
    SettingsFound,
    TelegramError,
    read_out,
    search,
    transport,
)
from iec21.simulator import Fault, SimulatedMeter, serve_tcp
from iec21.steps import Event
from iec21.transport import open_transport
from tests.protocol.links import (
    Link,
    in_single_bytes,
    over_pty,
    over_rfc2217,
    over_ser2net,
    over_socat,
    over_tcp,
    relay,
)
from tests.protocol.rfc2217_server import (
    STOPS_AFTER_OPENING,
    STOPS_AT_THE_CHANGE,
    Manners,
    serve_rfc2217,
)

pytestmark = [pytest.mark.socket, pytest.mark.usefixtures("socket_enabled")]

BLOCK = b"".join(b"1.8.%d(000123.456*kWh)\r\n" % tariff for tariff in range(3))
FAST = Settings(baud_rate=19200, attempts=1)
IMPATIENT = replace(FAST, timeout=0.2)
"""For what fails by silence; a readout that succeeds waits for nothing."""

LINKS = {
    "tcp": over_tcp,
    "pty": over_pty,
    "rfc2217": over_rfc2217,
    "single bytes": in_single_bytes,
    "socat": over_socat,
    "ser2net": over_ser2net,
}
every_link = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)


def meter(
    fault: Fault = Fault.NONE,
    *,
    identification: bytes = b"/XMp5EX",
    first_baud_rate: int = 19200,
    content: bytes = BLOCK,
    check: Check = Check.XOR,
) -> SimulatedMeter:
    """Return a meter in mode C that offers 9600 Bd."""
    return SimulatedMeter(
        identification=identification,
        content=content,
        check=check,
        fault=fault,
        first_baud_rate=first_baud_rate,
    )


def mode_a(fault: Fault = Fault.NONE) -> SimulatedMeter:
    """Return one that sends everything after the sign-on."""
    return meter(fault, identification=b"/XMp@EX", check=Check.NONE)


def open_descriptors() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def settled(files: int, tasks: int) -> None:
    """Wait until no more files and tasks are there than before; fail if never."""
    # The other side has to notice first that a connection was closed.
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            while (  # noqa: ASYNC110  # No event tells.
                open_descriptors() > files or len(asyncio.all_tasks()) > tasks
            ):
                await asyncio.sleep(0.002)
    assert open_descriptors() <= files
    assert len(asyncio.all_tasks()) <= tasks


@asynccontextmanager
async def nothing_left_behind() -> AsyncIterator[None]:
    """Check that files and tasks are as many at the end as at the beginning."""
    files, tasks = open_descriptors(), len(asyncio.all_tasks())
    yield
    await settled(files, tasks)


# -- every link ---------------------------------------------------------------


@every_link
@pytest.mark.parametrize(
    "fault",
    [Fault.NONE, Fault.ECHO, Fault.ECHO | Fault.NOISE | Fault.PARITY_BIT],
    ids=["clean", "echo", "echo, noise, parity bit"],
)
async def test_a_meter_is_read_through_every_link(link: Link, fault: Fault) -> None:
    """A gateway without a way to change its speed keeps the meter at it."""
    async with nothing_left_behind(), link(meter(fault)) as port:
        readout = await read_out(port, FAST)
    assert readout.raw == BLOCK
    assert readout.check is Check.XOR
    switches = link in {over_pty, over_rfc2217}
    assert readout.baud_rate == (9600 if switches else 19200)


@every_link
async def test_a_link_is_left_as_it_was_found(link: Link) -> None:
    """The next readout begins like the first."""
    if link in {over_socat, over_ser2net}:
        pytest.skip("socat takes one connection, and ser2net frees its port later")
    async with link(meter()) as port:
        first = await read_out(port, FAST)
        assert await read_out(port, FAST) == first


@pytest.mark.parametrize("link", [over_pty, over_ser2net])
async def test_a_meter_that_sends_everything_at_once_is_read(link: Link) -> None:
    """Mode A, without frame and check: the link ends nothing early."""
    async with link(mode_a()) as port:
        readout = await read_out(port, FAST)
    assert readout.raw == BLOCK
    assert readout.mode == "A"


@every_link
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.SILENT, MeterTimeoutError),
        (Fault.DAMAGED_CHECK, ChecksumError),
        (Fault.HANG_UP, LinkError),
    ],
    ids=["silent", "damaged", "lost"],
)
async def test_what_goes_wrong_is_the_same_through_every_link(
    link: Link, fault: Fault, error: type[IecError]
) -> None:
    """A caller acts by the kind of error, whatever lies between."""
    # ser2net does not always tell its client that its own port is gone.
    errors = (error, TelegramError) if link is over_ser2net else error
    async with nothing_left_behind(), link(meter(fault)) as port:
        with pytest.raises(errors):
            await read_out(port, IMPATIENT)


async def test_a_gateway_at_300_baud_is_never_asked_for_more() -> None:
    """The settings' defaults are the norm's, and so is this gateway."""
    content = b"1.8.0(1*kWh)\r\n"
    async with over_ser2net(meter(first_baud_rate=300, content=content)) as port:
        readout = await read_out(port)
    assert readout.baud_rate == 300
    assert readout.raw == content


# -- an access server ---------------------------------------------------------


async def test_an_access_server_changes_its_speed_with_the_meter() -> None:
    """Mode C from 300 Bd on: nothing is cut short, and the framing is the norm's."""
    async with serve_rfc2217(meter(first_baud_rate=300)) as server:
        readout = await read_out(server.port_url)
        assert server.baud_rates == [300, 9600]
        assert server.framings == {(7, "E")}
        assert not server.cut_short
        assert bytes(server.received) == b"/?!\r\n\x06050\r\n"
    assert readout.baud_rate == 9600
    assert readout.raw == BLOCK


async def test_an_access_server_begins_every_readout_at_the_first_speed() -> None:
    """It keeps what the last client has set; this one sets it anew."""
    async with serve_rfc2217(meter()) as server:
        for _ in range(2):
            await read_out(server.port_url, FAST)
        assert server.baud_rates == [19200, 9600] * 2


async def test_a_meter_that_does_not_change_its_speed_is_garbage_at_the_new_one() -> (
    None
):
    """The server's port really has the speed that was set."""
    async with serve_rfc2217(meter(Fault.WRONG_SPEED)) as server:
        with pytest.raises((TelegramError, MeterTimeoutError)) as caught:
            await read_out(server.port_url, IMPATIENT)
    assert isinstance(caught.value, TelegramError | MeterTimeoutError)
    assert b"1.8.0" not in caught.value.received


@pytest.mark.parametrize(
    ("framing", "software_parity", "heard"),
    [
        (Framing.SEVEN_EVEN_ONE, None, True),
        (Framing.EIGHT_NONE_ONE, True, True),
        (Framing.EIGHT_NONE_ONE, None, False),
        (Framing.SEVEN_ODD_ONE, None, False),
    ],
)
async def test_an_access_server_has_the_framing_that_is_set(
    framing: Framing, *, software_parity: bool | None, heard: bool
) -> None:
    """What has no even parity is not heard; at 8N1 it comes in software."""
    settings = replace(FAST, framing=framing, software_parity=software_parity)
    # With parity in bit 7, the 0x7F of the noise is telnet's own character.
    async with serve_rfc2217(meter(Fault.NOISE)) as server:
        if heard:
            readout = await read_out(server.port_url, settings)
            assert readout.raw == BLOCK
        else:
            with pytest.raises(MeterTimeoutError):
                await read_out(server.port_url, replace(settings, timeout=0.2))


async def test_the_character_of_telnet_reaches_the_meter_once() -> None:
    """On the connection it is doubled."""
    every = bytes(range(256))
    async with serve_rfc2217(meter(Fault.SILENT)) as server:
        link = await open_transport(
            server.port_url, Settings(baud_rate=19200, framing=Framing.EIGHT_NONE_ONE)
        )
        await link.write(every)
        await link.close()
        assert bytes(server.received) == every


@pytest.mark.parametrize(
    "manners",
    [Manners(negotiates=False), Manners(acknowledgements=0), Manners(com_port=False)],
    ids=["mute", "sets nothing", "plain telnet"],
)
async def test_what_is_no_access_server_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, manners: Manners
) -> None:
    """Not even a server that takes the connection can hold a readout up."""
    # serialx waits five seconds, and has no other way to say less.
    defaults = RFC2217Serial.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "connect_timeout", 0.2)
    async with nothing_left_behind(), serve_rfc2217(meter(), manners) as server:
        started = time.perf_counter()
        with pytest.raises(LinkError, match=r"rfc2217://"):
            await read_out(server.port_url, FAST)
        assert time.perf_counter() - started < 1


@pytest.mark.parametrize("manners", [STOPS_AFTER_OPENING, STOPS_AT_THE_CHANGE])
async def test_an_access_server_that_falls_silent_is_a_lost_link(
    monkeypatch: pytest.MonkeyPatch, manners: Manners
) -> None:
    """Neither writing, nor changing the speed, nor closing waits for ever."""
    monkeypatch.setattr(transport, "_ANSWER_TIMEOUT", 0.2)
    monkeypatch.setattr(transport, "_CLOSE_TIMEOUT", 0.2)
    async with nothing_left_behind(), serve_rfc2217(meter(), manners) as server:
        with pytest.raises(LinkError, match="does not answer"):
            async with asyncio.timeout(5):
                await read_out(server.port_url, FAST)


async def test_a_readout_over_a_silent_access_server_can_be_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has a session open and unsent bytes, which nobody acknowledges any more."""
    monkeypatch.setattr(transport, "_CLOSE_TIMEOUT", 0.2)
    async with (
        nothing_left_behind(),
        serve_rfc2217(meter(), STOPS_AFTER_OPENING) as server,
    ):
        task = asyncio.create_task(read_out(server.port_url, FAST))
        await asyncio.sleep(0.1)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=2)
        assert done
        assert task.cancelled()


async def test_a_link_that_does_not_close_in_time_can_be_closed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does the second time look like a cancellation."""
    monkeypatch.setattr(transport, "_ANSWER_TIMEOUT", 0.1)
    monkeypatch.setattr(transport, "_CLOSE_TIMEOUT", 0.1)
    async with serve_rfc2217(meter(), STOPS_AFTER_OPENING) as server:
        link = await open_transport(server.port_url, FAST)
        with pytest.raises(LinkError, match="does not answer"):
            await link.write(b"/?!\r\n")
        await link.close()
        await link.close()


# -- a gateway at 8N1 ---------------------------------------------------------


async def test_a_meter_behind_8n1_is_found_by_the_second_sign_on() -> None:
    """It hears even parity in bit 7; what was found is right from the start."""
    device = meter(Fault.PARITY_BIT | Fault.PARITY_WANTED)
    events: list[Event] = []
    settings = Settings(timeout=0.3)
    async with serve_tcp(device) as server:
        found, readout = await search(server.port_url, settings, on_event=events.append)
        assert found.software_parity
        assert readout.raw == BLOCK
        assert [type(event) for event in events[:2]].count(Retrying) == 1
        # What is announced as soon as somebody answers says so already.
        announced = [e.settings for e in events if isinstance(e, SettingsFound)]
        assert announced[0].software_parity

        events.clear()
        again = await read_out(server.port_url, found, on_event=events.append)
        assert again == readout
        assert not any(isinstance(event, Retrying) for event in events)


# -- a long way ---------------------------------------------------------------


async def test_a_modem_that_delays_everything_does_not_lose_the_meter() -> None:
    """300 ms each way, as over GSM; the settings' defaults leave time for it."""
    started = time.perf_counter()
    async with serve_tcp(meter()) as server, relay(server.port_url, delay=0.3) as port:
        readout = await read_out(port)
    assert readout.raw == BLOCK
    assert time.perf_counter() - started >= 4 * 0.3


@pytest.mark.parametrize("received", [0, 5, 9, 10, 40])
async def test_a_gateway_that_hangs_up_is_a_lost_link(received: int) -> None:
    """Before the identification, within it, behind it, within the data."""
    async with (
        nothing_left_behind(),
        serve_tcp(meter()) as server,
        relay(server.port_url, hang_up_after=received) as port,
    ):
        with pytest.raises(LinkError, match=r"closed|lost"):
            await read_out(port, FAST)


@pytest.mark.parametrize("link", [over_tcp, over_pty, over_rfc2217])
async def test_a_readout_can_be_cancelled_at_any_time(link: Link) -> None:
    """No file stays open, and the next readout is whole."""
    # A pty looks untouched only while the simulator has not seen its client go;
    # until then the C library wants more to change than what a pty refuses.
    framings = cycle((Framing.SEVEN_EVEN_ONE, Framing.SEVEN_EVEN_TWO))
    attempts = (replace(FAST, framing=framing) for framing in framings)
    async with link(meter()) as port:
        before = open_descriptors(), len(asyncio.all_tasks())
        started = time.perf_counter()
        await read_out(port, next(attempts))
        duration = time.perf_counter() - started
        for tenth in range(10):
            task = asyncio.create_task(read_out(port, next(attempts)))
            await asyncio.sleep(duration * tenth / 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await settled(*before)
        # A meter whose session was broken off may not hear the first sign-on.
        patient = replace(next(attempts), attempts=2, timeout=0.5)
        assert (await read_out(port, patient)).raw == BLOCK
