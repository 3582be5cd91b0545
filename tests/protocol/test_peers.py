"""Another client reads and writes our simulated meters, over TCP.

It is `iec62056-21`, the Python library for programming mode that others use. So what
both sides of ours understand in the same way is not only ours.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from iec62056_21.client import Iec6205621Client
from iec62056_21.constants import ACK
from iec62056_21.lis200 import (
    ArchiveReadout,
    ArchiveReadoutCommand,
    Lis200ErrorParser,
    NoReadAuthorizationError,
    NoWriteAuthorization,
    WrongAccessCodeError,
)
from iec62056_21.messages import CommandMessage, DataSet
import pytest

from iec21 import Password
from iec21.simulator import (
    CorrectorDevice,
    ProgrammingMode,
    RegisterDevice,
    SimulatedMeter,
    serve_tcp,
)
from iec21.simulator.corrector import CUSTOMER_CODE, IDENTIFICATION, SEED

pytestmark = [pytest.mark.socket, pytest.mark.usefixtures("socket_enabled")]

BLOCK = b"0.0.0(SYN00001)\r\n1.8.0(000123.456*kWh)\r\n"
CODE_WORD = "s3cr3t42"
DEVICE_TIME = datetime(2026, 11, 21, 10, 30)  # noqa: DTZ001  # It knows no zone.
LIMIT = 20.0
"""Seconds for a conversation; it takes one."""

type Talk = Callable[[Iec6205621Client], None]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it rest for as long as our meter wants, which is not at all."""
    monkeypatch.setattr(Iec6205621Client, "rest", lambda *_: None)


async def let_talk(meter: SimulatedMeter, talk: Talk, **options: object) -> None:
    """Let the other client talk to a meter; it blocks, so on another thread."""
    async with serve_tcp(meter) as server, asyncio.timeout(LIMIT):
        host, _, port = server.port_url.removeprefix("socket://").rpartition(":")
        client = Iec6205621Client.with_tcp_transport((host, int(port)), **options)
        client.transport.timeout = LIMIT
        client.connect()
        try:
            await asyncio.to_thread(talk, client)
        finally:
            client.disconnect()


def meter(**changes: object) -> SimulatedMeter:
    """Return a meter with two registers and one that can be written."""
    device = RegisterDevice(content=BLOCK, writable=frozenset({"0.9.1"}))
    mode = ProgrammingMode(device=device, seed="0123", **changes)  # type: ignore[arg-type]
    # It takes what stands behind the speed for granted.
    identification = b"/XMP5\\@EXAMPLE"
    return SimulatedMeter(
        identification=identification, content=BLOCK, address="77", programming=mode
    )


def corrector(**changes: object) -> SimulatedMeter:
    """Return a gas volume corrector."""
    device = CorrectorDevice(now=lambda: DEVICE_TIME, **changes)  # type: ignore[arg-type]
    return SimulatedMeter(
        identification=replace(IDENTIFICATION, text="EK280"),
        content=b"",
        programming=ProgrammingMode(device=device, seed=SEED),
    )


# -- registers ------------------------------------------------------------------


async def test_it_reads_and_writes_registers() -> None:
    """In programming mode, with an address, and to the sign-off."""
    simulated = meter()

    def talk(client: Iec6205621Client) -> None:
        operand = client.access_programming_mode()
        assert (operand.command, operand.command_type) == ("P", 0)
        assert operand.data_set.value == "0123"
        assert client.manufacturer_id == "XMP"
        found = client.read_single_value("1.8.0", additional_data="")
        assert (found.address, found.value, found.unit) == (
            "1.8.0",
            "000123.456",
            "kWh",
        )
        client.write_single_value("0.9.1", "120000")
        assert client.read_single_value("0.9.1").value == "120000"
        client.send_break()

    await let_talk(simulated, talk, device_address="77")
    assert simulated.programming is not None
    assert not simulated.programming.open


async def test_it_reads_a_readout() -> None:
    """The ordinary one, for which no programming mode is needed."""

    def talk(client: Iec6205621Client) -> None:
        message = client.standard_readout()
        lines = [line for line in message.data_block.data_lines if line.data_sets]
        assert [line.data_sets[0].address for line in lines] == ["0.0.0", "1.8.0"]

    await let_talk(meter(), talk, device_address="77")


async def test_it_sends_its_password() -> None:
    """By its message classes; its own `send_password` cannot."""
    simulated = meter(password=Password(CODE_WORD), protected="RWE")

    def talk(client: Iec6205621Client) -> None:
        client.access_programming_mode()
        with pytest.raises(TypeError):
            client.send_password(CODE_WORD)
        # Its parser would take the refusal for an answer.
        refusal = client.read_single_value("1.8.0")
        assert (refusal.address, refusal.value) == (None, "ERR04")
        password = DataSet(address="", value=CODE_WORD)
        command = CommandMessage(command="P", command_type=1, data_set=password)
        client.transport.send(command.to_bytes())
        assert client.transport.recv(1).decode() == ACK
        found = client.read_single_value("1.8.0", additional_data="")
        assert found.value == "000123.456"
        client.send_break()

    await let_talk(simulated, talk, device_address="77")
    assert simulated.programming is not None
    assert simulated.programming.passwords == 1


# -- LIS-200 --------------------------------------------------------------------


def open_lock(client: Iec6205621Client) -> None:
    """Open the customer's lock, as it is done on a real device."""
    client.access_programming_mode()
    assert client.read_single_value("4:0170.0").value == "0"
    client.write_single_value("4:0171.0", CUSTOMER_CODE.reveal())
    assert client.read_single_value("4:0170.0").value == "1"


async def test_it_opens_locks_and_writes() -> None:
    """Values come with their units, addresses with the medium in front."""
    simulated = corrector(lock_for_reading=True)

    def talk(client: Iec6205621Client) -> None:
        open_lock(client)
        found = client.read_single_value("2:302.0")
        assert (found.address, found.value, found.unit) == (
            "7-2:302.0",
            "6830.1122",
            "m3",
        )
        client.write_single_value("4:150.0", "30")
        assert client.read_single_value("4:150.0").value == "30"
        client.write_single_value("4:0170.0", "0")
        with pytest.raises(NoReadAuthorizationError):
            client.read_single_value("2:302.0")
        client.send_break()

    await let_talk(simulated, talk, error_parser_class=Lis200ErrorParser)


@pytest.mark.parametrize(
    ("address", "value", "error"),
    [
        ("4:0171.0", "12345678", WrongAccessCodeError),
        ("4:150.0", "30", NoWriteAuthorization),
    ],
)
async def test_it_understands_why_not(
    address: str, value: str, error: type[Exception]
) -> None:
    """A refused write is an error message where an acknowledgement should be."""

    def talk(client: Iec6205621Client) -> None:
        client.access_programming_mode()
        request = CommandMessage.for_single_write(address, value)
        client.transport.send(request.to_bytes())
        with pytest.raises(error):
            client.read_response()

    await let_talk(corrector(), talk, error_parser_class=Lis200ErrorParser)


@pytest.mark.parametrize("in_blocks", [False, True])
async def test_it_reads_an_archive(
    in_blocks: bool,  # noqa: FBT001  # pytest passes it by name.
) -> None:
    """Headings, units and rows, in one block or block by block."""

    def talk(client: Iec6205621Client) -> None:
        open_lock(client)

        def ask(attribute: str) -> object:
            command = ArchiveReadoutCommand(
                archive=3,
                start="2026-11-20,00:00:00",
                end="2026-11-20,23:00:00",
                position=3,
                attribute=attribute,
                partial_blocks=in_blocks,
                rows_per_block=5,
            )
            client.transport.send(command.to_bytes())
            return client.read_response()

        rows = ask("0")
        archive = ArchiveReadout(
            values=rows,
            addresses=ask("2"),
            units=ask("3"),
            datetime_position=3,
            utc_offset=None,
        )
        found = archive.data
        volumes = [point for point in found if point.address == "Vb"]
        assert [point.timestamp.hour for point in volumes] == [*range(24)]
        assert {point.unit for point in volumes} == {"m3"}
        assert float(volumes[1].value) > float(volumes[0].value)
        client.send_break()

    await let_talk(corrector(), talk, error_parser_class=Lis200ErrorParser)
