"""The demo as a user meets it: started once, looked at, and stopped with Ctrl-C.

The tests depend on their order in one way: the last one stops the demo.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
import ipaddress
from itertools import pairwise
from pathlib import Path
import re
import signal
from typing import Any

import pytest
import pytest_asyncio

from iec21.simulator.household import Household
from scripts.demo_energy import ENERGY, PAST_DAYS, POWER, ZONE, by_code
from scripts.demo_process import Demo, free_port
from scripts.home_assistant import ROOT, Client, check_port, wait_for

pytestmark = [
    pytest.mark.socket,
    pytest.mark.asyncio(loop_scope="module"),
]

READOUT_TIME = timedelta(seconds=8)
"""A readout takes three seconds at the speed of the line; a busy machine adds some."""

DIGIT = 0.001
"""What the last digit of a counter is worth, in kWh."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """Run the demo; one that a test has stopped is not stopped again."""
    demo = Demo(tmp_path_factory.mktemp("live") / "demo")
    try:
        await demo.start()
        yield demo
    finally:
        await demo.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def client(demo: Demo) -> AsyncIterator[Client]:
    """Log in with the name and the password that the demo prints."""
    async with Client.connect(demo.url) as client:
        yield client


@pytest.fixture(scope="module")
def house() -> Household:
    """Return the house that the demo's meter hangs in."""
    return Household()


async def meter_states(client: Client) -> dict[str, dict[str, Any]]:
    """Return the states of the sensors of the meter, by OBIS code."""
    states = await client.get("/api/states")
    return by_code({state["entity_id"]: state for state in states})


async def energy_sensors(client: Client) -> dict[str, str]:
    """Return the OBIS codes of the energy sensors, by entity id."""
    states = await meter_states(client)
    return {states[code]["entity_id"]: code for code in ENERGY}


def read_at(states: dict[str, dict[str, Any]]) -> datetime:
    """Return when a readout came. The power is never twice the same."""
    return datetime.fromisoformat(states[POWER]["last_updated"])


def processes_below(pid: int) -> set[int]:
    """Return a process and all that came from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold blanks.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except FileNotFoundError, ProcessLookupError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = set(), [pid]
    while waiting:
        found.add(waiting[-1])
        waiting += children.get(waiting.pop(), [])
    return found


def is_there(pid: int) -> bool:
    """Whether a process goes on."""
    return Path(f"/proc/{pid}").exists()


def open_to_others(pids: set[int]) -> Iterator[str]:
    """Name the addresses beyond this machine at which processes receive."""
    sockets = {
        match[1]
        for pid in pids
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if (match := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())))
    }
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, remote, inode = (line.split()[column] for column in (1, 2, 9))
            packed = bytes.fromhex(local.partition(":")[0])
            # Each group of four bytes is a number of this machine.
            address = ipaddress.ip_address(
                b"".join(packed[i : i + 4][::-1] for i in range(0, len(packed), 4))
            )
            listens = not int(remote.rpartition(":")[2], 16)
            if inode in sockets and listens and not address.is_loopback:
                yield f"{table} {address} {local.rpartition(':')[2]}"


async def test_it_says_where_to_go(demo: Demo) -> None:
    """The last line has the address, the account, and how to stop."""
    assert demo.said[-1] == (
        f"Home Assistant is ready: {demo.url} (demo / demo). Ctrl-C stops it."
    )


async def test_the_sensors_show_what_the_meter_counts(
    client: Client, house: Household
) -> None:
    """Two readouts, one after the other, show the counters of their time."""
    first = await meter_states(client)

    async def look() -> dict[str, dict[str, Any]] | None:
        states = await meter_states(client)
        return states if read_at(states) > read_at(first) else None

    second = await wait_for(look, 30, "There is no other readout.")
    for states in (first, second):
        end = read_at(states)
        for code, register in ENERGY.items():
            shown = float(states[code]["state"])
            least = float(register(house.counters(end - READOUT_TIME)))
            assert least <= shown <= float(register(house.counters(end)))


async def test_seven_days_lie_behind(client: Client, house: Household) -> None:
    """Statistics of every hour, each as the meter has counted it."""
    today = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=PAST_DAYS)
    codes = await energy_sensors(client)
    statistics = await client.command(
        "recorder/statistics_during_period",
        start_time=start.isoformat(),
        statistic_ids=list(codes),
        period="hour",
        types=["change", "state", "sum"],
    )
    assert statistics.keys() == codes.keys()
    for entity_id, rows in statistics.items():
        register = ENERGY[codes[entity_id]]
        times = [datetime.fromtimestamp(row["start"] / 1000, UTC) for row in rows]
        assert times[0] == start
        assert len(times) >= 24 * PAST_DAYS - 1
        assert all(b - a == timedelta(hours=1) for a, b in pairwise(times))
        assert all(a["sum"] <= b["sum"] for a, b in pairwise(rows))
        for time, row in zip(times, rows, strict=True):
            before, after = (
                float(register(house.counters(time + timedelta(hours=hours))))
                for hours in (0, 1)
            )
            if row is not rows[-1]:
                assert row["change"] == pytest.approx(after - before, abs=2 * DIGIT)


async def test_the_sums_continue_where_the_recorder_begins(client: Client) -> None:
    """The recorder counts from the first state that it has; that is where they end."""
    entity_ids = list(await energy_sensors(client))
    start = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    statistics = await client.command(
        "recorder/statistics_during_period",
        start_time=start,
        statistic_ids=entity_ids,
        period="hour",
        types=["state", "sum"],
    )
    history = await client.get(
        f"/api/history/period/{start}",
        filter_entity_id=",".join(entity_ids),
        significant_changes_only="0",
    )
    first = {
        states[0]["entity_id"]: next(
            float(state["state"])
            for state in states
            if state["state"] not in ("unknown", "unavailable")
        )
        for states in history
    }
    assert first.keys() == set(entity_ids)
    for entity_id, rows in statistics.items():
        for row in rows:
            zero = row["state"] - row["sum"]
            assert zero == pytest.approx(first[entity_id], abs=DIGIT)


async def test_the_power_has_a_past_too(client: Client) -> None:
    """The mean power of every hour is there for the dashboard's curve."""
    entity_id = (await meter_states(client))[POWER]["entity_id"]
    statistics = await client.command(
        "recorder/statistics_during_period",
        start_time=(datetime.now(UTC) - timedelta(days=PAST_DAYS)).isoformat(),
        statistic_ids=[entity_id],
        period="hour",
        types=["mean", "min", "max"],
    )
    rows = statistics[entity_id]
    assert len(rows) >= 24 * PAST_DAYS - 1
    assert all(row["min"] <= row["mean"] <= row["max"] for row in rows)


async def test_the_energy_dashboard_is_content(client: Client) -> None:
    """It has import, export and power, and nothing to complain about."""
    (source,) = (await client.command("energy/get_prefs"))["energy_sources"]
    assert source["type"] == "grid"
    assert source["stat_energy_from"]
    assert source["stat_energy_to"]
    assert source["stat_rate"]
    validation = await client.command("energy/validate")
    assert validation["energy_sources"] == [[]]


async def test_nobody_else_can_reach_it(demo: Demo) -> None:
    """An account that everybody knows is not open to the network."""
    assert demo.process is not None
    assert not list(open_to_others(processes_below(demo.process.pid)))


async def test_the_log_is_clean(demo: Demo) -> None:
    """Nothing failed, and our integration has nothing to warn of."""
    log = (demo.folder / "home-assistant.log").read_text()
    assert not [line for line in log.splitlines() if " ERROR " in line]
    assert not [
        line
        for line in log.splitlines()
        if " WARNING " in line and "[custom_components.iec62056" in line
    ]


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["--folder", "{folder}", "--http-port", "{free}"], "Another demo is running"),
        (["--folder", "{other}", "--http-port", "{taken}"], "cannot be used"),
        (["--folder", "{other}", "--http-port", "99999"], "is no port from 1 to 65535"),
        (["--folder", "{other}", "--http-port", "{free}"], "was not made by the demo"),
    ],
    ids=["same folder", "taken port", "no port", "somebody's folder"],
)
async def test_what_cannot_be_is_said_in_one_line(
    demo: Demo, tmp_path: Path, arguments: list[str], answer: str
) -> None:
    """It ends at once and says what to do; nothing is touched."""
    (tmp_path / "precious").touch()
    names = {
        "folder": demo.folder,
        "other": tmp_path,
        "taken": demo.port,
        "free": free_port(),
    }
    process = await asyncio.create_subprocess_exec(
        ROOT / "scripts" / "demo",
        *(argument.format_map(names) for argument in arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode in (1, 2)
    assert answer in output.splitlines()[-1]
    assert (tmp_path / "precious").exists()


async def test_ctrl_c_leaves_nothing_behind(demo: Demo) -> None:
    """It ends in time; no process, no port, no terminal is left."""
    assert demo.process is not None
    pids = processes_below(demo.process.pid)
    assert len(pids) > 1
    assert await demo.stop(signal.SIGINT) == 0
    assert not any(is_there(pid) for pid in pids)
    assert not (demo.folder / "meter").is_symlink()
    check_port(demo.port)
