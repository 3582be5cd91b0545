"""What `scripts/demo` does, once there is a Python to do it with.

It does nothing that a user could not do: the meter is set up through the config
flow, its past is imported as statistics, the energy dashboard is configured.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
import json
from pathlib import Path
import signal
import sys
from typing import Any, Final

from iec21.exceptions import LinkError
from iec21.simulator import SimulatedMeter
from iec21.simulator.household import IDENTIFICATION, Household
from iec21.simulator.terminal import serve_pty
from scripts.demo_energy import configure_energy, write_past
from scripts.home_assistant import (
    HOST,
    PASSWORD,
    RESTART,
    ROOT,
    USER,
    Client,
    DemoError,
    Server,
    check_port,
    fresh_folder,
    wait_for,
)

DOMAIN: Final = "iec62056"
INTEGRATION: Final = ROOT / "custom_components" / DOMAIN

SIMULATED: Final = {
    "name": "House",
    "schedule": "interval",
    "times": {"interval": 10},
}
"""A readable name, and an interval in seconds that lets the counters move."""

SEARCH_TIME: Final = 90.0
"""Seconds that the config flow may take; it gives up by itself after thirty."""

READOUT_TIME: Final = 600.0
"""Seconds for the first readout; at 300 Bd a long one takes nine minutes."""

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a supervisor, and the terminal that is closed."""


def say(text: str) -> None:
    """Tell what is going on, also when nobody can see it any more."""
    with suppress(OSError):
        print(text, flush=True)


# -- the meter ----------------------------------------------------------------


@asynccontextmanager
async def simulated_meter(house: Household, link: Path) -> AsyncIterator[str]:
    """Put a house's meter behind a pseudo terminal; return the port to use."""
    meter = SimulatedMeter(identification=IDENTIFICATION, content=house)
    try:
        async with serve_pty(meter, link, line_rate=True) as server:
            say(f"Simulating a meter at {server.port_url}")
            yield server.port_url
    except LinkError as error:
        raise DemoError(f"The meter cannot be simulated: {error}.") from error


async def set_up_meter(
    client: Client, port: str, preferences: Mapping[str, Any]
) -> str:
    """Go through the config flow as a user would; return the id of the entry.

    `preferences` are answers to its last step that differ from what it suggests.

    Raises:
        DemoError: the flow found no meter; in its own words.

    """
    flows = "/api/config/config_entries/flow"
    result = await client.post(flows, {"handler": DOMAIN})
    path = f"{flows}/{result['flow_id']}"
    await client.post(path, {"next_step_id": "serial"})
    result = await client.post(path, {"device": port, "advanced": {}})
    if result["type"] == "progress":

        async def look() -> dict[str, Any] | None:
            result: dict[str, Any] = await client.get(path)
            return None if result["type"] == "progress" else result

        result = await wait_for(look, SEARCH_TIME, "The config flow does not end.")
    if result.get("step_id") != "meter":
        raise DemoError(f"No meter was set up. {_explanation(result)}")
    who = result["description_placeholders"]
    say(f"  found {who['manufacturer']} {who['model']}, number {who['number']}")
    suggested = {
        # A part of the form that is folded up has its suggestions inside.
        field["name"]: {} if field.get("type") == "expandable" else field["default"]
        for field in result["data_schema"]
    }
    result = await client.post(path, {**suggested, **preferences})
    return str(result["result"]["entry_id"])


def _explanation(result: dict[str, Any]) -> str:
    """Say in the words of the user interface why the flow went no further."""
    texts = json.loads((INTEGRATION / "translations" / "en.json").read_text())["config"]
    if result["type"] == "abort":
        kind, key = "abort", result["reason"]
    else:
        kind, key = "error", next(iter(result["errors"].values()))
    # Home Assistant itself knows some more reasons than we have texts for.
    text = str(texts[kind].get(key, key))
    return text.format_map(result.get("description_placeholders") or {})


async def first_readout(client: Client, entry_id: str) -> dict[str, dict[str, Any]]:
    """Wait for the first readout; return the states of its sensors, by entity id.

    Raises:
        DemoError: it does not come.

    """

    async def look() -> dict[str, dict[str, Any]] | None:
        states = await client.states(entry_id)
        there = any(
            "obis_code" in state["attributes"] and state["state"] != "unavailable"
            for state in states.values()
        )
        return states if there else None

    return await wait_for(
        look,
        READOUT_TIME,
        "The meter was found, but no readout came; the log may say why.",
    )


# -- the stages ---------------------------------------------------------------


async def run(options: argparse.Namespace) -> None:
    """Run until somebody stops it."""
    check_port(options.http_port)
    url = f"http://{HOST}:{options.http_port}"
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(fresh_folder(options.folder, options.http_port))
        house, port = None, options.port
        if port is None:
            house = Household()
            port = await stack.enter_async_context(
                simulated_meter(house, folder / "meter")
            )
        server = Server(folder)
        stack.push_async_callback(server.stop)
        say(f"Starting Home Assistant (log: {server.log})")
        await server.start()
        # Whichever of the two fails stops the other.
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_running(server))
            await fill(url, port, house)
            say(
                f"Home Assistant is ready: {url} ({USER} / {PASSWORD})."
                " Ctrl-C stops it."
            )


async def keep_running(server: Server) -> None:
    """Start the server again whenever a user has told it to restart.

    Raises:
        DemoError: it has ended by itself.

    """
    while (status := await server.wait()) == RESTART:
        say("Restarting Home Assistant")
        await server.start()
    raise DemoError(f"Home Assistant ended with status {status}; see {server.output}.")


async def fill(url: str, port: str, house: Household | None) -> None:
    """Give Home Assistant a user, a meter, the past of it, an energy dashboard."""
    async with Client.connect(url, new=True) as client:
        say(f"Created the account {USER} / {PASSWORD}")
        say(f"Setting up the meter at {port} through the config flow")
        entry_id = await set_up_meter(client, port, SIMULATED if house else {})
        say("Waiting for the first readout")
        states = await first_readout(client, entry_id)
        say(f"  {len(states)} sensors")
        if house is not None:
            say("Writing the statistics of the last seven days")
            await write_past(client, house, states)
        say("Configuring the energy dashboard")
        if not await configure_energy(client, states):
            say("  left empty: the meter counts no energy that it knows")


# -- the command --------------------------------------------------------------


async def supervise(options: argparse.Namespace) -> int:
    """Run until a signal comes or something fails; return the exit status."""
    running = asyncio.ensure_future(run(options))

    def stop(number: int) -> None:
        # A second signal shall not cut short what the first one has begun.
        if not running.cancelling():
            say("Stopping …")
            running.cancel(str(number))

    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    status = 0
    try:
        await running
    except* DemoError as errors:
        print(f"demo: {errors.exceptions[0]}", file=sys.stderr)
        status = 1
    except* asyncio.CancelledError:
        pass
    return status


def parse_arguments() -> argparse.Namespace:
    """Understand the command line; `scripts/demo` itself answers --help."""
    parser = argparse.ArgumentParser(
        prog="demo",
        usage="scripts/demo [--port PORT] [--http-port N]",
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("--port")
    parser.add_argument("--http-port", type=_tcp_port, default=8123)
    # Tests have a folder of their own, so that a demo may run beside them.
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo")
    return parser.parse_args()


def _tcp_port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(asyncio.run(supervise(parse_arguments())))
