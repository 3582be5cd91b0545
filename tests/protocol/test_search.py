"""A search finds out how a meter wants to be spoken to."""

from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from iec21 import (
    Check,
    DataArrived,
    EchoOnlyError,
    Event,
    Framing,
    Identified,
    LinkError,
    MeterTimeoutError,
    Mode,
    OtherProtocolError,
    Retrying,
    Settings,
    SettingsFound,
    TelegramError,
    UnsupportedSettingsError,
    client,
    listen,
    read_out,
    search,
)
from iec21.framing import add_parity, crc16, frame, strip_parity
from iec21.simulator import Fault, SimulatedLine, SimulatedLink, SimulatedMeter
from iec21.traces import Trace

BLOCK = b"0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n"
PUSH = b"/ABC5METER\r\n\r\n" + BLOCK + b"!\r\n"
PORT = "/dev/simulated"


class ScriptedLink:
    """A meter that is heard and hears only under the settings that it wants.

    It answers at once, and silence costs no time.
    """

    def __init__(self, *, wants: Settings | None = None, answer: bytes = b"") -> None:
        """Answer a sign-on under the settings `wants`, None: under any."""
        self.wants = wants
        self.answer = answer
        self.stream = b""
        """What comes by itself under those settings."""
        self.parity = False
        """Whether a sign-on needs its parity bits."""
        self.can_switch = True
        self.opened: list[Settings] = []
        self.closed = 0
        self._pending = b""

    async def open(self, _port: str, settings: Settings) -> "ScriptedLink":
        """Stand in for `open_transport`."""
        self.opened.append(settings)
        self._pending = self.stream if self._suits(settings) else b""
        return self

    def _suits(self, settings: Settings) -> bool:
        if self.wants is None:
            return True
        names = ("mode", "baud_rate", "framing", "wake_up", "selector")
        return all(getattr(settings, n) == getattr(self.wants, n) for n in names)

    async def write(self, data: bytes) -> None:
        """Answer a sign-on."""
        hears = data == add_parity(data) if self.parity else data == strip_parity(data)
        if hears and data.endswith(b"!\r\n"[-1:]) and self._suits(self.opened[-1]):
            self._pending += self.answer

    async def read(self, _patience: float) -> bytes:
        """Return what is there."""
        data, self._pending = self._pending, b""
        return data

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Nothing depends on the speed of the readout here."""

    async def close(self) -> None:
        """Count how often the link was closed."""
        self.closed += 1


@pytest.fixture(name="link")
def fixture_link(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedLink]:
    """Make the client open a scripted link, and see it closed each time."""
    link = ScriptedLink(answer=b"/ABC METER\r\n" + frame(BLOCK))
    monkeypatch.setattr(client, "open_transport", link.open)
    yield link
    assert link.closed == len(link.opened)


async def test_an_ordinary_meter_is_found_at_once(link: ScriptedLink) -> None:
    """The settings that worked come before the data, and need no more search."""
    events: list[Event] = []
    found, readout = await search(PORT, on_event=events.append)
    assert found == Settings(check=Check.XOR)
    assert len(readout.data_sets) == 2
    assert [type(event) for event in events] == [
        Identified,
        SettingsFound,
        DataArrived,
    ]
    assert len(link.opened) == 1


@pytest.mark.parametrize(
    "wanted",
    [
        Settings(framing=Framing.SEVEN_EVEN_TWO),
        Settings(baud_rate=9600),
        Settings(wake_up=66, framing=Framing.SEVEN_EVEN_TWO),
        Settings(wake_up=40, selector="#", framing=Framing.SEVEN_EVEN_TWO),
    ],
)
async def test_a_stubborn_meter_is_found(link: ScriptedLink, wanted: Settings) -> None:
    """Each recipe is tried in its turn; what worked works without a search."""
    link.wants = wanted
    found, _ = await search(PORT)
    assert found == replace(wanted, check=Check.XOR)
    assert (await read_out(PORT, found)).data_sets


async def test_a_meter_that_needs_software_parity_is_found(link: ScriptedLink) -> None:
    """An adapter may only claim to know seven data bits."""
    link.wants = Settings(framing=Framing.EIGHT_NONE_ONE)
    link.parity = True
    found, _ = await search(PORT)
    assert found == Settings(
        framing=Framing.EIGHT_NONE_ONE, software_parity=True, check=Check.XOR
    )


async def test_a_gateway_is_tried_with_parity_in_the_second_sign_on(
    link: ScriptedLink,
) -> None:
    """No recipe of its own is needed for that."""
    link.parity = True
    link.can_switch = False
    found, _ = await search("socket://gateway:2001")
    assert found == Settings(software_parity=True, check=Check.XOR)
    assert len(link.opened) == 1


@pytest.mark.parametrize(
    "wanted", [Settings(mode=Mode.D, baud_rate=9600), Settings(mode=Mode.D)]
)
async def test_a_meter_that_sends_by_itself_is_found(
    link: ScriptedLink, wanted: Settings
) -> None:
    """And never spoken to again."""
    link.wants, link.answer, link.stream = wanted, b"", PUSH
    found, readout = await search(PORT)
    assert found == wanted
    assert readout.mode == "D"


async def test_the_users_settings_are_kept(link: ScriptedLink) -> None:
    """A recipe adds to them."""
    link.wants = Settings(wake_up=66, framing=Framing.SEVEN_EVEN_ONE)
    mine = Settings(address="7", timeout=5, framing=Framing.SEVEN_EVEN_ONE)
    found, _ = await search(PORT, mine)
    assert found == replace(mine, wake_up=66, check=Check.XOR)


async def test_an_address_is_tried_with_other_zeros(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And never without any: nobody else on the line is called."""
    meters = [
        SimulatedMeter(
            identification=b"/ABC5METER",
            content=BLOCK,
            address=address,
            fault=Fault.ZEROS_COUNT,
        )
        for address in ("42", "43", "")
    ]
    simulated = SimulatedLink(SimulatedLine(meters=meters))
    monkeypatch.setattr(client, "open_transport", simulated.open)
    found, readout = await search(PORT, Settings(address="0042"))
    assert found == Settings(address="42", check=Check.XOR)
    assert len(readout.data_sets) == 2
    sign_ons = [data for data in simulated.sent if data.startswith(b"/")]
    assert sign_ons == [b"/?0042!\r\n", b"/?0042!\r\n", b"/?42!\r\n"]
    assert (await read_out(PORT, found)).data_sets


async def test_a_search_signs_off_a_session_that_was_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once, and not in every recipe."""
    device = SimulatedMeter(
        identification=b"/ABC5METER",
        content=BLOCK,
        fault=Fault.LEFT_OPEN,
    )
    simulated = SimulatedLink(device)
    monkeypatch.setattr(client, "open_transport", simulated.open)
    found, _ = await search(PORT, left_at=9600)
    assert found == Settings(check=Check.XOR)
    assert simulated.opened == 1

    silent = SimulatedLink(
        SimulatedMeter(identification=b"/ABC5METER", content=BLOCK, fault=Fault.SILENT)
    )
    monkeypatch.setattr(client, "open_transport", silent.open)
    with pytest.raises(MeterTimeoutError):
        await search(PORT, left_at=9600)
    assert silent.opened > 5
    assert silent.sent.count(b"\x01B0\x03q") == 2


async def test_a_p1_port_is_named_and_not_used(link: ScriptedLink) -> None:
    """Home Assistant has an integration for it."""
    telegram = b"/ABC5\\2METER\r\n\r\n1-3:0.2.8(50)\r\n!"
    telegram += f"{crc16(telegram):04X}\r\n".encode()
    link.answer, link.stream = b"", telegram
    link.wants = Settings(mode=Mode.D, baud_rate=115200, framing=Framing.EIGHT_NONE_ONE)
    with pytest.raises(OtherProtocolError, match="DSMR"):
        await search(PORT)


async def test_sml_is_named_at_once(link: ScriptedLink) -> None:
    """Nothing else is tried on a line that shows another protocol."""
    link.answer, link.stream = b"", b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01\x76"
    with pytest.raises(OtherProtocolError, match="SML"):
        await search(PORT)
    assert len(link.opened) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", MeterTimeoutError),
        (b"/?!\r\n", EchoOnlyError),
        (b"\x7f\x55", MeterTimeoutError),
        (b"x" * 2000, TelegramError),
    ],
)
async def test_a_failed_search_tells_what_was_observed(
    link: ScriptedLink, answer: bytes, error: type[Exception]
) -> None:
    """The most telling of all the failures."""
    link.answer = answer
    with pytest.raises(error) as caught:
        await search(PORT)
    assert type(caught.value) is error
    assert len(link.opened) > 5


async def test_once_somebody_has_answered_nothing_else_is_tried(
    link: ScriptedLink,
) -> None:
    """A damaged readout is asked for again in the same way."""
    link.answer = b"/ABC METER\r\n" + frame(BLOCK).replace(b"kWh", b"kWi")
    events: list[Event] = []
    with pytest.raises(TelegramError):
        await search(PORT, on_event=events.append)
    assert len(link.opened) == 1
    assert sum(isinstance(event, Retrying) for event in events) == 2
    assert sum(isinstance(event, SettingsFound) for event in events) == 1


async def test_a_port_that_is_gone_ends_the_search(
    link: ScriptedLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No recipe helps against that."""

    async def fail(_port: str, _settings: Settings) -> ScriptedLink:
        raise LinkError("/dev/simulated: there is no such port")

    monkeypatch.setattr(client, "open_transport", fail)
    with pytest.raises(LinkError):
        await search(PORT)
    assert link.opened == []


async def test_an_adapter_that_refuses_settings_is_tried_with_others(
    link: ScriptedLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some know eight data bits only."""
    link.wants = Settings(framing=Framing.EIGHT_NONE_ONE)
    link.parity = True

    async def open_some(port: str, settings: Settings) -> ScriptedLink:
        if settings.framing is not Framing.EIGHT_NONE_ONE:
            raise UnsupportedSettingsError(f"{port}: it does not take these")
        return await link.open(port, settings)

    monkeypatch.setattr(client, "open_transport", open_some)
    found, _ = await search(PORT)
    assert found.software_parity


async def test_a_search_is_taken_down(link: ScriptedLink) -> None:
    """A trace of everything that was tried helps to add a stubborn meter."""
    link.wants = Settings(wake_up=66, framing=Framing.SEVEN_EVEN_TWO)
    trace = Trace()
    await search(PORT, trace=trace)
    assert trace.link == "serial"
    assert trace.baud_rate == 300
    assert bytes(66) in [entry.data for entry in trace.entries]
    assert [entry.baud_rate for entry in trace.entries if entry.kind == "speed"][
        :2
    ] == [
        9600,
        2400,
    ]
    times = [entry.time for entry in trace.entries]
    assert times == sorted(times)
    assert trace.received == link.answer


async def test_a_readout_is_taken_down(link: ScriptedLink) -> None:
    """Both directions, and the change of speed between them."""
    link.answer = b"/ABCCMETER\r\n" + frame(BLOCK)
    trace = Trace()
    await read_out("socket://gateway:2001", trace=trace)
    assert trace.link == "socket"
    assert [entry.kind for entry in trace.entries] == ["send", "receive", "speed"]


async def test_a_stream_is_listened_to_until_nobody_listens(
    link: ScriptedLink,
) -> None:
    """Every telegram is handed out; then the port is closed."""
    link.stream = PUSH * 3
    events: list[Event] = []
    settings = Settings(mode=Mode.D, baud_rate=9600)
    async with aclosing(listen(PORT, settings, on_event=events.append)) as stream:
        readouts = [await anext(stream) for _ in range(2)]
    assert [len(readout.data_sets) for readout in readouts] == [2, 2]
    assert any(isinstance(event, Identified) for event in events)


async def test_a_stream_that_ends_is_an_error(link: ScriptedLink) -> None:
    """Silence is for whoever listens to judge."""
    link.stream = PUSH
    stream = listen(PORT, Settings(mode=Mode.D))
    assert len((await anext(stream)).data_sets) == 2
    with pytest.raises(MeterTimeoutError):
        await anext(stream)
