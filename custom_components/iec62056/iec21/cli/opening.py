"""Programming mode for the length of a command."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .. import client
from ..commands import Command
from ..conversation import Conversation
from ..credentials import Credentials, Standing
from ..exceptions import IecError, PasswordRefusedError, PasswordSpentError
from . import output
from .choices import settings_of
from .failures import UsageError


@asynccontextmanager
async def opened(
    options: argparse.Namespace, credentials: Credentials | None
) -> AsyncIterator[Conversation]:
    """Open programming mode on the meter of the command, and leave it again.

    Raises:
        UsageError: the options make no sense.
        IecError: as `client.programming`; a note says if a password may be wrong.

    """
    loop = asyncio.get_running_loop()
    progress = output.Progress(loop.time, quiet=options.verbose)
    session = client.programming(
        options.port, settings_of(options), credentials, on_event=progress.show
    )
    try:
        async with session as meter:
            progress.erase()
            yield meter
    except (PasswordRefusedError, PasswordSpentError):
        raise
    except IecError as error:
        if credentials is not None and credentials.standing is Standing.SPENT:
            # It was sent, and nobody knows what the meter made of it.
            error.add_note(
                "the password may be wrong, and some meters lock up after a few"
                " wrong ones"
            )
        raise
    finally:
        progress.erase()


def check_sendable(*texts: str) -> None:
    """Make sure that a message can carry what the user has typed.

    Raises:
        UsageError: it cannot; nothing is quoted, since it may be secret.

    """
    try:
        for text in texts:
            Command("R1", text)
    except ValueError as error:
        raise UsageError(str(error)) from error
