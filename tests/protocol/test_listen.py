"""Meters that send by themselves: telegram after telegram, whatever is between."""

import pytest

from iec21 import (
    ChecksumError,
    DataArrived,
    DataSet,
    Identified,
    MeterTimeoutError,
    Mode,
    OtherProtocolError,
    Retrying,
    Settings,
    TelegramError,
)
from iec21.framing import add_parity, crc16, frame
from iec21.listen import MAX_STREAM, PUSH_INTERVAL_MAX, ListenSession
from iec21.settings import DEFAULT_TIMEOUT
from iec21.steps import ClientStep, ReadoutReceived, StartTimer
from iec21.telegram import Check, Readout

SETTINGS = Settings(mode=Mode.D, baud_rate=9600)
BLOCK = b"1-0:1.8.0*255(000123.4567*kWh)\r\n1-0:16.7.0*255(000250*W)\r\n"
DATA_SETS = (
    DataSet("1-0:1.8.0*255", "000123.4567", "kWh"),
    DataSet("1-0:16.7.0*255", "000250", "W"),
)
PLAIN = b"/ABC5METER\r\n\r\n" + BLOCK + b"!\r\n"


def with_crc(block: bytes) -> bytes:
    """Return a telegram as a DSMR meter sends it."""
    telegram = b"/ABC5\\2METER\r\n\r\n" + block + b"!"
    return telegram + f"{crc16(telegram):04X}\r\n".encode()


def received(data: bytes, piece: int = 4096) -> list[ClientStep]:
    """Return the steps of a session that hears `data` in pieces."""
    session = ListenSession(SETTINGS)
    assert session.start() == [StartTimer(PUSH_INTERVAL_MAX)]
    steps: list[ClientStep] = []
    for index in range(0, len(data), piece):
        steps += session.receive_data(data[index : index + piece])
    return steps


def readouts(steps: list[ClientStep]) -> list[Readout]:
    """Return the readouts among `steps`."""
    return [step.readout for step in steps if isinstance(step, ReadoutReceived)]


@pytest.mark.parametrize("piece", [1, 7, 4096])
@pytest.mark.parametrize(
    ("telegram", "check"),
    [
        (PLAIN, Check.NONE),
        (PLAIN.replace(b"\r\n\r\n", b"\r\n"), Check.NONE),
        (add_parity(PLAIN), Check.NONE),
        (with_crc(BLOCK), Check.CRC16),
        (b"/ABC5METER\r\n" + frame(BLOCK), Check.XOR),
    ],
)
def test_every_telegram_of_a_stream_is_read(
    telegram: bytes, check: Check, piece: int
) -> None:
    """With and without blank line, parity bit, frame and check."""
    found = readouts(received(telegram * 3, piece))
    assert [readout.data_sets for readout in found] == [DATA_SETS] * 3
    assert {(readout.mode, readout.check) for readout in found} == {("D", check)}
    assert found[0].baud_rate == 9600


@pytest.mark.parametrize("cut", [1, 8, 20, 40])
def test_a_stream_may_be_entered_anywhere(cut: int) -> None:
    """The rest of the telegram before is no telegram."""
    found = readouts(received(PLAIN[cut:] + PLAIN))
    assert [readout.data_sets for readout in found] == [DATA_SETS]


def test_a_telegram_is_watched_while_it_arrives() -> None:
    """Who sends it, its data sets, the whole, and then patience for the next."""
    steps = received(PLAIN)
    assert isinstance(steps[0], Identified)
    assert isinstance(steps[1], DataArrived)
    assert steps[1].data_sets == DATA_SETS
    assert isinstance(steps[2], ReadoutReceived)
    assert steps[3:] == [StartTimer(PUSH_INTERVAL_MAX)]


def test_a_damaged_telegram_is_left_out() -> None:
    """The next one is as good as the first."""
    damaged = with_crc(BLOCK).replace(b"250", b"251")
    steps = received(damaged + with_crc(BLOCK))
    assert len(readouts(steps)) == 1
    errors = [step.error for step in steps if isinstance(step, Retrying)]
    assert [type(error) for error in errors] == [ChecksumError]


def test_too_many_damaged_telegrams_are_an_error() -> None:
    """For whoever wants one telegram and no stream; good ones begin anew."""
    session = ListenSession(SETTINGS, damaged=2)
    damaged = with_crc(BLOCK).replace(b"250", b"251")
    session.receive_data(damaged + with_crc(BLOCK) + damaged)
    with pytest.raises(ChecksumError):
        session.receive_data(damaged)


def test_noise_never_becomes_a_telegram() -> None:
    """Nor does it earn the meter more time."""
    session = ListenSession(SETTINGS)
    assert session.receive_data(b"x" * MAX_STREAM) == []
    with pytest.raises(TelegramError, match="no telegram begins"):
        session.receive_data(b"x")


def test_noise_instead_of_data_is_left_out() -> None:
    """An identification alone does not make a telegram."""
    steps = received(b"/ABC5METER\r\n" + b"x" * 2000)
    assert any(isinstance(step, Retrying) for step in steps)


def test_silence_is_an_error_after_the_patience() -> None:
    """A search is less patient than a user."""
    session = ListenSession(SETTINGS, patience=2.2)
    assert session.start() == [StartTimer(2.2)]
    session.receive_data(b"noise")
    with pytest.raises(MeterTimeoutError, match="telegram") as caught:
        session.handle_timeout()
    assert caught.value.received == b"noise"


@pytest.mark.parametrize(
    ("settings", "gap"),
    [
        (SETTINGS, DEFAULT_TIMEOUT),
        (Settings(mode=Mode.D, character_timeout=0.7), 0.7),
    ],
)
def test_a_telegram_that_stops_in_the_middle_is_left_out(
    settings: Settings, gap: float
) -> None:
    """Between two characters there is less time than between two telegrams."""
    session = ListenSession(settings)
    steps = session.receive_data(PLAIN[:40])
    assert isinstance(steps[0], Identified)
    assert steps[-1] == StartTimer(gap)
    retrying, patience = session.handle_timeout()
    assert isinstance(retrying, Retrying)
    assert "broke off" in str(retrying.error)
    assert patience == StartTimer(PUSH_INTERVAL_MAX)
    steps = session.receive_data(PLAIN)
    assert [readout.data_sets for readout in readouts(steps)] == [DATA_SETS]
    with pytest.raises(MeterTimeoutError):
        session.handle_timeout()


def test_telegrams_that_stop_in_the_middle_count_as_damaged() -> None:
    """Whoever wants one telegram is told why there is none."""
    session = ListenSession(SETTINGS, damaged=2)
    session.receive_data(PLAIN[:40])
    assert session.handle_timeout()
    session.receive_data(PLAIN[:40])
    with pytest.raises(TelegramError, match="broke off"):
        session.handle_timeout()


def test_another_protocol_is_named() -> None:
    """Most meters that send by themselves today speak SML."""
    with pytest.raises(OtherProtocolError, match="SML"):
        received(b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01\x76")


def test_there_is_nothing_to_learn_from_a_stream() -> None:
    """It comes as it comes."""
    assert ListenSession(SETTINGS).learned is SETTINGS


@pytest.mark.parametrize("piece", [1, 7, 4096])
@pytest.mark.parametrize(
    "broken",
    [
        PLAIN.replace(b"!", b"a"),
        PLAIN[:40],
        PLAIN[:20] + b"\r\n/XYZ5OTHER\r\n\r\n1.8.0(1*kWh)\r\n!\r\n",
    ],
)
def test_a_telegram_that_breaks_off_never_swallows_the_next(
    broken: bytes, piece: int
) -> None:
    """Not even where the next one comes from another meter."""
    found = readouts(received(broken + PLAIN, piece))
    assert found[-1].data_sets == DATA_SETS
    assert all(len(readout.data_sets) < 3 for readout in found)
    for readout in found[:-1]:
        assert readout.identification is not None
        assert readout.identification.manufacturer == "XYZ"


def test_a_sum_is_never_believed_unasked() -> None:
    """No meter that sends by itself is known to send one."""
    telegram = b"/ABC5METER\r\n" + frame(BLOCK, Check.SUM)
    assert readouts(received(telegram)) == []
    session = ListenSession(Settings(mode=Mode.D, check=Check.SUM))
    assert len(readouts(session.receive_data(telegram))) == 1


def test_a_meter_that_falls_silent_has_left_no_noise_behind() -> None:
    """The line end of its last telegram does not count as such."""
    session = ListenSession(SETTINGS)
    session.receive_data(PLAIN)
    with pytest.raises(MeterTimeoutError) as raised:
        session.handle_timeout()
    assert raised.value.received == b""
