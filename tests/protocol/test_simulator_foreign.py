"""The simulated meters, asked by a client that is not ours.

The library `iec62056-21` blocks, so it has a thread of its own.
"""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from iec21.simulator import CorrectorDevice, ProgrammingMode, SimulatedMeter, serve_tcp
from iec21.simulator.corrector import IDENTIFICATION, SEED
from iec21.simulator.sample import load_sample

foreign_client: Any = pytest.importorskip("iec62056_21.client")
foreign_messages: Any = pytest.importorskip("iec62056_21.messages")
foreign_lis200: Any = pytest.importorskip("iec62056_21.lis200")

pytestmark = [pytest.mark.socket, pytest.mark.usefixtures("socket_enabled")]

ADDRESS = "1"


def connect(port_url: str) -> Any:
    """Open programming mode; return the client, and what the meter opened it with."""
    host, _, port = port_url.removeprefix("socket://").rpartition(":")
    client = foreign_client.Iec6205621Client.with_tcp_transport(
        (host, int(port)), device_address=ADDRESS
    )
    client.connect()
    return client, client.access_programming_mode().data_set.value


def read_and_write(port_url: str) -> tuple[str, str, str]:
    """Read a register, send the password, and write another register."""
    client, seed = connect(port_url)
    number = client.read_single_value("0.0.0").value
    # Its own `send_password` raises TypeError in 0.0.2.
    password = foreign_messages.DataSet(address="", value="00000000")
    command = foreign_messages.CommandMessage("P", 1, password)
    client.transport.send(command.to_bytes())
    assert client.transport.recv(1) == b"\x06"
    client.write_single_value("0.9.1", "120000")
    clock = client.read_single_value("0.9.1").value
    client.disconnect()
    return seed, number, clock


async def test_a_foreign_client_reads_and_writes() -> None:
    """It is a mode C client with a password."""
    sample = load_sample("household")
    meter = SimulatedMeter(
        identification=sample.identification,
        content=sample.content,
        programming=sample.programming,
        address=ADDRESS,
    )
    async with serve_tcp(meter) as server:
        found = await asyncio.to_thread(read_and_write, server.port_url)
    assert found == ("", "SYN00000001", "120000")


def read_archive(port_url: str) -> tuple[str, Any, list[Any]]:
    """Open a lock, read a value, and an archive in blocks."""
    client, seed = connect(port_url)
    client.write_single_value("4:171.0", "11111111")
    assert client.read_single_value("4:170.0").value == "1"
    value = client.read_single_value("2:302.0")
    request = foreign_lis200.ArchiveReadoutCommand(
        archive=3,
        start="2026-11-20,12:00:00",
        position=3,
        partial_blocks=True,
        rows_per_block=4,
    )
    answers = []
    for message in (
        request.to_representation().encode("ascii"),
        *(
            foreign_messages.CommandMessage.for_single_read(
                f"3:V.{item}", "1"
            ).to_bytes()
            for item in ("4", "3")
        ),
    ):
        client.transport.send(message)
        answers.append(client.read_response())
    client.disconnect()
    archive = foreign_lis200.ArchiveReadout(*answers, 3, None)
    return seed, value, archive.data


async def test_a_foreign_client_reads_an_archive() -> None:
    """It acknowledges each block, and asks for sources and units on its own."""
    device = CorrectorDevice(now=lambda: datetime(2026, 11, 21, 10, 30))  # noqa: DTZ001
    meter = SimulatedMeter(
        identification=IDENTIFICATION,
        content=b"",
        programming=ProgrammingMode(device=device, seed=SEED),
        address=ADDRESS,
    )
    async with serve_tcp(meter) as server:
        seed, value, points = await asyncio.to_thread(read_archive, server.port_url)
    assert seed == SEED
    assert (value.value, value.unit) == ("6830.1122", "m3")
    volumes = [point for point in points if point.address == "2:302.0"]
    assert len(volumes) == 23
    assert volumes[-1].timestamp == datetime(2026, 11, 21, 10)  # noqa: DTZ001
