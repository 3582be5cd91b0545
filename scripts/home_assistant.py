"""A Home Assistant of one's own: its folder, its process, and how to talk to it.

The demo runs it and sets it up, the screenshots and tests/live look at it. All of
them use what every user has: HTTP, and the WebSocket of the frontend.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
import fcntl
import json
import os
from pathlib import Path
import shutil
import signal
import socket
import sys
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse

ROOT: Final = Path(__file__).resolve().parent.parent
HOST: Final = "127.0.0.1"
"""A demo with a password that everybody knows is for its own machine only."""

USER: Final = "demo"
PASSWORD: Final = "demo"  # noqa: S105  # It is printed for everybody to see.

TIME_ZONE: Final = "Europe/Berlin"

START_TIME: Final = 90.0
"""Seconds until Home Assistant has to run; on a slow machine it takes twenty."""

STOP_TIME: Final = 10.0
"""Seconds that it may take to stop before it is killed."""

_NOT_STARTED: Final = "Home Assistant did not start in time; its log may say why."

RESTART: Final = 100
"""Exit status of a Home Assistant that a user has told to restart."""

_POLL: Final = 0.2
"""Seconds between two looks at something that comes by itself."""

_MARKER: Final = ".made-by-scripts-demo"

# `default_config` is left out: it brings what has to be compiled, and what talks
# to the internet. The log tells enough about everything but our own integration.
_CONFIGURATION: Final = f"""\
homeassistant:
  name: Demo
  unit_system: metric
  country: DE
  currency: EUR
  language: en
  time_zone: {TIME_ZONE}
frontend:
config:
energy:
history:
logbook:
usb:
recorder:
  commit_interval: 1
logger:
  default: warning
  logs:
    custom_components.iec62056: info
"""


class DemoError(Exception):
    """Something is wrong that a person can do something about, in one sentence."""


async def wait_for[T](
    look: Callable[[], Awaitable[T | None]], seconds: float, failure: str
) -> T:
    """Look until there is something, and return it.

    Raises:
        DemoError: there was nothing all the time; `failure` says what that means.

    """
    try:
        async with asyncio.timeout(seconds):
            # Nothing outside this process tells that something is there now.
            while (found := await look()) is None:  # noqa: ASYNC110
                await asyncio.sleep(_POLL)
    except TimeoutError:
        raise DemoError(failure) from None
    return found


# -- the folder ---------------------------------------------------------------


def _storage(port: int) -> dict[str, dict[str, Any]]:
    """Return the files of `.storage` that Home Assistant shall find.

    Their oldest format asks for least, and Home Assistant knows how to migrate it.
    """
    return {
        # Without this it listens to the whole network. Said in YAML, it would be a
        # trial that is taken back after five minutes.
        "http": {"data": {"server_host": [HOST], "server_port": port}},
        # These steps of the onboarding would ask for a place, offer analytics and
        # set up a weather service. What is left is to create the account.
        "onboarding": {
            "version": 4,
            "data": {"done": ["core_config", "analytics", "integration"]},
        },
    }


@contextmanager
def fresh_folder(folder: Path, port: int) -> Iterator[Path]:
    """Make `folder` a new configuration of Home Assistant, and keep others out.

    Raises:
        DemoError: it is in use, or holds what is not ours to delete.

    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(
                f"Another demo is running in {folder}; stop it first."
            ) from None
        _empty(folder)
        (folder / _MARKER).touch()
        (folder / "configuration.yaml").write_text(_CONFIGURATION)
        (folder / "custom_components").symlink_to(ROOT / "custom_components")
        (folder / ".storage").mkdir()
        for key, content in _storage(port).items():
            text = json.dumps({"version": 1, "key": key, **content}, indent=2)
            (folder / ".storage" / key).write_text(text)
        yield folder
    finally:
        os.close(handle)


def _empty(folder: Path) -> None:
    content = list(folder.iterdir())
    if content and not (folder / _MARKER).exists():
        raise DemoError(f"{folder} was not made by the demo; choose another folder.")
    for path in content:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


# -- the process --------------------------------------------------------------


def check_port(port: int) -> None:
    """Make sure that Home Assistant can listen on `port`.

    Raises:
        DemoError: it cannot.

    """
    with socket.socket() as probe:
        # As servers do: what is left of a connection that was closed does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise DemoError(
                f"Port {port} of {HOST} cannot be used ({error.strerror});"
                " choose another one with --http-port."
            ) from None


class Server:
    """Home Assistant in a process of its own."""

    def __init__(self, folder: Path) -> None:
        """Prepare to run with the configuration in `folder`."""
        self.log = folder / "home-assistant.log"
        self.output = folder / "output.txt"
        """What is not logged, such as a traceback from before there is a log."""
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; `Client.connect` waits until it runs."""
        with self.output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", ROOT / "scripts" / "lean_home_assistant.py"),
                *("--config", self._folder),
                # All it needs has been installed, at versions that we know.
                "--skip-pip",
                # It shall not find another `custom_components` than its own.
                env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for us: we stop it when its meter is still there.
                start_new_session=True,
            )

    async def wait(self) -> int:
        """Return the exit status once it has ended."""
        assert self._process is not None  # noqa: S101  # It has been started.
        return await self._process.wait()

    async def stop(self) -> None:
        """End it with all its children, in a bounded time."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIME):
                await self._process.wait()
        # The group outlives its leader where a child is left.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


# -- the API ------------------------------------------------------------------


class Client:
    """A user who is logged in."""

    def __init__(self, session: ClientSession, url: str) -> None:
        """Talk to the Home Assistant at `url`; use `connect`."""
        self.url = url
        self._session = session
        self._headers: dict[str, str] = {}
        self._socket: ClientWebSocketResponse | None = None
        self._commands = 0

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, *, new: bool = False) -> AsyncIterator[Client]:
        """Log in as the user of the demo, who is created if `new`.

        It waits until Home Assistant is there, has loaded all it is to load, and runs.
        """
        async with ClientSession() as session:
            client = cls(session, url)
            if new:
                code = await wait_for(client._create_user, START_TIME, _NOT_STARTED)
            else:
                code = await client._log_in()
            token = await client._token(code)
            client._headers = {"Authorization": f"Bearer {token}"}
            await wait_for(client._is_running, START_TIME, _NOT_STARTED)
            async with session.ws_connect(f"{url}/api/websocket", max_msg_size=0) as ws:
                await ws.receive_json()
                await ws.send_json({"type": "auth", "access_token": token})
                await ws.receive_json()
                client._socket = ws
                yield client

    async def _create_user(self) -> str | None:
        """Create the account; return a code for it, or None if it is too early.

        The parts of Home Assistant appear one by one: first nobody listens, then
        nobody knows this address.
        """
        user = {"name": "Demo", "username": USER, "password": PASSWORD}
        with suppress(ClientError):
            async with self._session.post(
                f"{self.url}/api/onboarding/users",
                json={**user, "client_id": self._client_id, "language": "en"},
            ) as response:
                if response.ok:
                    return str((await response.json())["auth_code"])
        return None

    async def _is_running(self) -> bool | None:
        """Return True, or None if Home Assistant is still starting."""
        return (await self.get("/api/config"))["state"] == "RUNNING" or None

    async def _log_in(self) -> str:
        """Log in with name and password; return a code for it."""
        flow = await self.post(
            "/auth/login_flow",
            {
                "client_id": self._client_id,
                "handler": ["homeassistant", None],
                "redirect_uri": self._client_id,
            },
        )
        result = await self.post(
            f"/auth/login_flow/{flow['flow_id']}",
            {
                "client_id": self._client_id,
                "username": USER,
                "password": PASSWORD,
            },
        )
        return str(result["result"])

    async def _token(self, code: str) -> str:
        async with self._session.post(
            f"{self.url}/auth/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "client_id": self._client_id,
            },
        ) as response:
            return str((await response.json())["access_token"])

    @property
    def _client_id(self) -> str:
        return f"{self.url}/"

    async def get(self, path: str, **parameters: str) -> Any:
        """Ask the REST API for `path`."""
        return await self._request("GET", path, params=parameters)

    async def post(self, path: str, data: Mapping[str, Any]) -> Any:
        """Send `data` to the REST API."""
        return await self._request("POST", path, json=data)

    async def _request(self, method: str, path: str, **options: Any) -> Any:
        try:
            async with self._session.request(
                method, self.url + path, headers=self._headers, **options
            ) as response:
                if response.ok:
                    return await response.json()
                answer = f"{response.status}, {await response.text()}"
        except ClientError as error:
            raise DemoError(f"Home Assistant does not answer: {error}.") from error
        raise DemoError(f"Home Assistant refused {method} {path}: {answer}.")

    async def command(self, command: str, **fields: Any) -> Any:
        """Send a command over the WebSocket and return its result."""
        assert self._socket is not None  # noqa: S101  # `connect` has opened it.
        self._commands += 1
        try:
            await self._socket.send_json(
                {"id": self._commands, "type": command, **fields}
            )
            answer = await self._socket.receive_json()
        except (ClientError, TypeError) as error:
            # In place of an answer there may come a message that all is over.
            raise DemoError("Home Assistant has closed the connection.") from error
        if not answer["success"]:
            raise DemoError(
                f"Home Assistant refused {command}: {answer['error']['message']}."
            )
        return answer["result"]

    async def states(self, entry_id: str) -> dict[str, dict[str, Any]]:
        """Return the states of what a config entry has, by entity id."""
        mine = {
            entity["entity_id"]
            for entity in await self.command("config/entity_registry/list")
            if entity["config_entry_id"] == entry_id
        }
        states = await self.get("/api/states")
        return {
            state["entity_id"]: state for state in states if state["entity_id"] in mine
        }
