"""Load profiles and archives, asked for in parts and put together again.

What one request gets is small, so that damage costs little and a year never sits
in memory; the parts of an answer are read by `load_profile` and `lis200_archive`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import tzinfo
from typing import Final, Protocol

from .commands import Command
from .exceptions import (
    CommandRefusedError,
    MeterTimeoutError,
    SessionEndedError,
    TelegramError,
)
from .lis200 import ErrorNumber
from .lis200_archive import (
    ArchiveReader,
    ArchiveRequest,
    ArchiveRow,
    parse_columns,
)
from .load_profile import ProfileItem, ProfileReader
from .load_profile_request import ProfileRequest
from .messages import Identification
from .profiles import profile_for
from .status_words import status_layout
from .steps import BlockReceived
from .telegram import BadLine

MAX_REQUESTS: Final = 3
"""How often the same part is asked for in a row."""

_WORTH_ASKING_AGAIN = (MeterTimeoutError, SessionEndedError, TelegramError)

type ArchiveItem = ArchiveRow | BadLine


class Asked(Protocol):
    """Who is asked: a meter in programming mode."""

    @property
    def identification(self) -> Identification | None:
        """Who it is. None: it has not said."""

    def blocks(self, command: Command) -> AsyncGenerator[BlockReceived]:
        """Send a command; yield each block of the answer."""


async def read_load_profile(
    meter: Asked, request: ProfileRequest, *, command: str, zone: tzinfo | None
) -> AsyncGenerator[ProfileItem]:
    """Do what `Conversation.load_profile` says."""
    reader = ProfileReader(
        profile=profile_for(meter.identification),
        layout=status_layout(meter.identification),
        zone=zone,
    )
    refusal: CommandRefusedError | None = None
    answered = False
    for part in request.by_day():
        reader.begin_range()
        failures = 0
        while True:
            try:
                async for block in meter.blocks(part.to_command(command)):
                    for item in reader.receive_text(block.text, last=block.last):
                        yield item
            except CommandRefusedError as error:
                # The meter may have nothing left of that day.
                refusal = refusal or error
            except _WORTH_ASKING_AGAIN:
                failures += 1
                if failures == MAX_REQUESTS:
                    raise
                reader.begin_again()
                continue
            else:
                answered = True
            break
    if refusal is not None and not answered:
        raise refusal


async def read_archive(
    meter: Asked, request: ArchiveRequest
) -> AsyncGenerator[ArchiveItem]:
    """Do what `Conversation.archive` says."""
    headings = await _text(meter, request.headings_command())
    units = await _text(meter, request.units_command())
    reader = ArchiveReader(parse_columns(headings, units))
    last: ArchiveItem | None = None
    failures = 0
    while True:
        # Of an answer that comes again, all up to the last row is known.
        known = last is not None
        try:
            async with aclosing(meter.blocks(request.rows_command())) as blocks:
                async for block in blocks:
                    for item in reader.receive_text(block.text, last=block.last):
                        if known:
                            known = item != last
                            continue
                        last = item
                        yield item
        except CommandRefusedError as error:
            number = ErrorNumber.parse(error.answer)
            if number is None or not number.says_nothing_there:
                raise
        except _WORTH_ASKING_AGAIN:
            failures += 1
            if failures == MAX_REQUESTS:
                raise
            reader.begin_again()
            continue
        if known:
            raise TelegramError("the archive was overwritten while it was read")
        return


async def _text(meter: Asked, command: Command) -> str:
    """Return the text of a whole answer."""
    return "".join([block.text async for block in meter.blocks(command)])
