"""Ask a meter, in the ordinary way or by a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import client
from ..exceptions import IecError, MeterTimeoutError, TelegramError
from ..messages import Identification
from ..recipes import recipes_for
from ..settings import Settings
from ..steps import Event, Identified, SettingsFound
from ..telegram import Readout
from ..traces import Trace
from ..transport import can_switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whom to ask, and how."""

    port: str
    settings: Settings

    search: bool
    """Whether to try other ways if the ordinary one brings nothing."""


async def read_meter(
    question: Question, on_event: Callable[[Event], None], trace: Trace | None = None
) -> tuple[Settings, Readout]:
    """Read a meter out once; return how it was reached as well.

    Raises:
        IecError: as `client.search`; its notes say what was tried in vain.

    """
    port, settings = question.port, question.settings
    if not question.search:
        readout = await client.read_out(port, settings, on_event=on_event, trace=trace)
        return settings, readout
    found = False

    def watch(event: Event) -> None:
        nonlocal found
        found = found or isinstance(event, SettingsFound)
        on_event(event)

    try:
        return await client.search(port, settings, on_event=watch, trace=trace)
    except (MeterTimeoutError, TelegramError) as error:
        if not found:
            _note_what_was_tried(error, question)
        raise


async def identify_meter(question: Question) -> tuple[Settings, Identification]:
    """Ask who is there, and do not wait for the readout.

    Raises:
        IecError: as `read_meter`.

    """
    if not question.search:
        settings = question.settings
        return settings, await client.identify(question.port, settings)
    identification: Identification | None = None

    def watch(event: Event) -> None:
        nonlocal identification
        match event:
            case Identified():
                identification = event.identification
            case SettingsFound(settings):
                raise _AnsweredError(settings)
            case _:
                pass

    try:
        settings, _ = await read_meter(question, watch)
    except _AnsweredError as answer:
        settings = answer.settings
    if identification is None:
        raise TelegramError("the meter sends its data without saying who it is")
    return settings, identification


class _AnsweredError(Exception):
    """Enough is known; the port is closed on the way out."""

    def __init__(self, settings: Settings) -> None:
        """Record how the meter was reached."""
        self.settings = settings


def _note_what_was_tried(error: IecError, question: Question) -> None:
    recipes = recipes_for(question.settings, can_switch=can_switch(question.port))
    error.add_note(f"tried: {', '.join(recipe.name for recipe, _ in recipes)}")
