"""Run `scripts/demo` as a user does, and stop it again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
import signal
import socket

from scripts.home_assistant import HOST, ROOT, DemoError

READY = "Home Assistant is ready"

START_TIME = 180.0
"""Seconds until the demo has to be ready once all is installed; ten are usual."""

STOP_TIME = 15.0
"""Seconds that it may take to stop."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Demo:
    """One demo in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        """Prepare one with its configuration in `folder`."""
        self.folder = folder
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.said: list[str] = []
        """What it has printed."""
        self.process: asyncio.subprocess.Process | None = None
        self._arguments = arguments

    async def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            DemoError: it is not.

        """
        self.process = await asyncio.create_subprocess_exec(
            ROOT / "scripts" / "demo",
            *("--http-port", str(self.port), "--folder", self.folder),
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self.process.stdout is not None  # noqa: S101  # It is a pipe.
        with suppress(TimeoutError):
            async with asyncio.timeout(START_TIME):
                while line := await self.process.stdout.readline():
                    self.said.append(line.decode().rstrip())
                    if self.said[-1].startswith(READY):
                        return
        raise DemoError("The demo did not start:\n" + "\n".join(self.said))

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it; return its exit status.

        Raises:
            TimeoutError: it goes on.

        """
        assert self.process is not None  # noqa: S101  # It has been started.
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        async with asyncio.timeout(STOP_TIME):
            return await self.process.wait()


@asynccontextmanager
async def running_demo(folder: Path) -> AsyncIterator[Demo]:
    """Run a demo with its configuration in `folder`."""
    demo = Demo(folder)
    try:
        await demo.start()
        yield demo
    finally:
        await demo.stop()
