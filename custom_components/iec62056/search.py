"""A readout that begins in the config flow and may end in the entry.

At 300 Bd a readout takes minutes, and the number of the meter is among its first
lines. So the flow goes on as soon as that is known, and the entry that it creates
takes over what is still being read.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from math import ceil
from typing import Any, Final

from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.hass_dict import HassKey

from .const import CONF_ADDRESS, DOMAIN, LOGGER
from .iec21 import client
from .iec21.catalog import Measure
from .iec21.exceptions import IecError
from .iec21.messages import Identification
from .iec21.nameplate import Supply
from .iec21.reading import Reading, interpret
from .iec21.redaction import redact_trace
from .iec21.settings import Settings
from .iec21.steps import (
    DataArrived,
    Event,
    Identified,
    ReadoutReceived,
    Retrying,
    SettingsFound,
)
from .iec21.telegram import Check, DataSet, Readout
from .iec21.traces import Trace
from .meter import Meter, supply_found
from .ports import async_bus

_HANDED_OVER: Final[HassKey[dict[tuple[str, str], Search]]] = HassKey(
    f"{DOMAIN}_handed_over"
)

TURN_TIME: Final = 300.0
"""Seconds to wait for a port that another meter's readout keeps busy.

One readout takes up to five minutes at 300 Bd, and only one comes before this.
"""

SEARCH_TIME: Final = 40.0
"""Seconds after which a meter should have sent its number.

The search itself gives up after 30 s without an answer, or 35 s with an address, and
what it then has to say is worth waiting for.
"""

VALUES_TIME: Final = 2.0
"""Seconds to wait for a few values to show, once the number is known."""

FIRST_VALUE_TIME: Final = 3.0
"""Seconds more to wait for at least one; a line takes one at 300 Bd."""

SHOWN_VALUES: Final = 4
"""How many values are enough to recognise one's own meter by its display."""

SIGN_ON_TIME: Final = 2.0
"""Seconds from the opening of a port to the end of an identification at 300 Bd."""

_SHOWN_SECONDS: Final = 5
"""Steps in which the time that is left is shown; the text moves with each of them."""


class Stage(StrEnum):
    """What a search is doing."""

    WAIT = "wait"
    """Another meter is being read at the port."""

    SEARCH = "search"
    """Nobody has answered yet."""

    READ = "read"
    """Somebody has, and the number of the meter is still to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a search has come, as far as a text shows it."""

    stage: Stage

    baud_rate: int
    """Speed of the line in baud."""

    registers: int
    """Data sets that have arrived."""

    meter: str
    """Who answers: manufacturer and type. Empty as long as nobody does."""

    seconds_left: int
    """How long this goes on at most, in steps that do not make a text flicker."""

    @property
    def placeholders(self) -> dict[str, str]:
        """What goes into the text."""
        return {
            "meter": self.meter,
            "baud_rate": str(self.baud_rate),
            "registers": str(self.registers),
            "time_left": str(self.seconds_left),
        }


class Search:
    """One meter being looked for and read, watched while that goes on."""

    def __init__(self, hass: HomeAssistant, port: str, settings: Settings) -> None:
        """Begin as soon as nobody else uses the port.

        `settings` are what the user has decided; the rest is tried out.
        """
        self.port = port
        self.settings = settings
        """How the meter wants to be spoken to, once it has answered."""
        self.has_turn = False
        """Whether the port was free, so that the meter could be asked."""
        self.answered = False
        """Whether somebody did, in whatever attempt."""
        self.identification: Identification | None = None
        self.data_sets: list[DataSet] = []
        self.readout: Readout | None = None
        """The whole readout; None until it has come, and where it never does."""
        self.error: Exception | None = None
        """Why there is none, or why the last attempt failed."""
        self.ended_at = 0.0
        """When it ended, on the clock of the event loop."""
        self.trace = Trace()
        """What has passed over the line."""
        self._hass = hass
        self._typed = settings
        self._key: tuple[str, str] | None = None
        self._taken_over = False
        self._is_waiting = False
        self._began_at: float | None = None
        self._expect_at_most(SEARCH_TIME)
        self._news = asyncio.Event()
        self.task = hass.async_create_background_task(
            self._async_search(), f"{DOMAIN} search"
        )
        self.task.add_done_callback(lambda _: self._news.set())

    async def _async_search(self) -> None:
        try:
            bus = await async_bus(self._hass, self.port)
            # A meter that sends by itself never lets go, and `hold` says so.
            self.has_turn = bus.is_listened_to
            if bus.lock.locked() and not self.has_turn:
                self._is_waiting = True
                self._expect_at_most(TURN_TIME)
            async with bus.hold(self.port):
                self.has_turn = True
                self._news.set()
                self.settings, readout = await client.search(
                    self.port,
                    self._typed,
                    on_event=self._watch,
                    trace=self.trace,
                )
        except (IecError, HomeAssistantError) as error:
            self._forget(error)
        except Exception as error:  # noqa: BLE001  # A bug; the flow says so.
            LOGGER.exception("Unexpected error while a meter was searched")
            self._forget(error)
        else:
            self.error = None
            self.readout = readout
            self.identification = readout.identification
            self.data_sets = list(readout.data_sets)
        self.ended_at = self._hass.loop.time()

    @callback
    def _watch(self, event: Event) -> None:
        match event:
            case Identified(identification=identification):
                self.identification = identification
                self._began_at = self._hass.loop.time() - SIGN_ON_TIME
            case SettingsFound(settings):
                self.answered = True
                self.settings = settings
            case DataArrived(data_sets=data_sets):
                self.data_sets += data_sets
            case Retrying(error):
                self._forget(error)
            case ReadoutReceived():  # pragma: no cover  # Returned, not reported.
                pass
        self._news.set()

    def _forget(self, error: Exception) -> None:
        """Drop what came in an attempt that failed."""
        self.error = error
        self.identification = None
        self.data_sets = []

    @property
    def meter(self) -> Meter | None:
        """Who answers; None as long as nobody has sent any data."""
        if self.identification is None or not self.data_sets:
            return None
        return Meter.of(self.identification, self.data_sets)

    @property
    def supply(self) -> Supply:
        """What the meter lives on, as far as it shows."""
        return supply_found(self.settings, self.identification, self.data_sets)

    @property
    def learned(self) -> Settings:
        """What is worth storing of `settings`.

        A speed that was stepped down to is not: a dirty head gets cleaned.
        """
        return replace(self.settings, max_baud_rate=self._typed.max_baud_rate)

    @property
    def duration(self) -> float:
        """Seconds that the readout has taken, or so far; 0 if nobody has answered."""
        if self._began_at is None:
            return 0.0
        return (self.ended_at or self._hass.loop.time()) - self._began_at

    @property
    def progress(self) -> Progress:
        """How far the search has come."""
        stage, meter = Stage.SEARCH, ""
        if self._is_waiting and not self.has_turn:
            stage = Stage.WAIT
        elif self.identification is not None:
            stage = Stage.READ
            found = Meter.of(self.identification)
            meter = f"{found.manufacturer} {found.model}".strip()
        speeds = (
            entry.baud_rate
            for entry in reversed(self.trace.entries)
            if entry.kind == "speed"
        )
        return Progress(
            stage=stage,
            baud_rate=next(speeds, self.trace.baud_rate)
            or self.settings.first_baud_rate,
            registers=len(self.data_sets),
            meter=meter,
            seconds_left=ceil(self._left / _SHOWN_SECONDS) * _SHOWN_SECONDS,
        )

    @property
    def fraction(self) -> float:
        """How much of the time that is at most needed has passed, from 0 to 1."""
        return 1 - self._left / self._patience

    @property
    def _left(self) -> float:
        return max(0.0, self._deadline - self._hass.loop.time())

    async def async_shareable_trace(self) -> str:
        """Return what has passed over the line, fit to be shown to anybody.

        Empty if nothing has.
        """
        trace = replace(self.trace, entries=list(self.trace.entries))
        if not trace.entries:
            return ""
        # A long trace takes longer than the event loop may stand still.
        return await self._hass.async_add_executor_job(
            lambda: redact_trace(trace).to_json()
        )

    @property
    def values(self) -> list[Reading]:
        """A few values that the meter's display shows as well, counters first."""
        readout = Readout(
            identification=self.identification,
            data_sets=tuple(self.data_sets),
            check=Check.NONE,
        )
        return sorted(_present_values(readout), key=_is_no_counter)[:SHOWN_VALUES]

    @property
    def values_as_text(self) -> str:
        """The same, line by line, with codes as a display shows them."""
        return "\n".join(
            # Without medium and channel.
            f"- {reading.code.rpartition(':')[2]}: {reading.value} {reading.unit}"
            for reading in self.values
        )

    async def async_find(self) -> Meter | None:
        """Wait until the meter is known; None if it is not found.

        It is known with its number, or else with whatever it has sent when the
        readout or the time is over.
        """
        await self._async_wait(TURN_TIME, lambda: self.has_turn)
        if self.has_turn:
            self._expect_at_most(SEARCH_TIME)
            await self._async_wait(SEARCH_TIME, self._has_number)
        if (meter := self.meter) is None:
            self.cancel()
            return None
        await self._async_wait(VALUES_TIME, self._has_counters)
        await self._async_wait(FIRST_VALUE_TIME, lambda: bool(self.values))
        failed = self.task.done() and self.readout is None
        return None if failed else meter

    def _has_number(self) -> bool:
        return (meter := self.meter) is not None and meter.number is not None

    def _has_counters(self) -> bool:
        values = self.values
        return len(values) == SHOWN_VALUES and not any(map(_is_no_counter, values))

    def _expect_at_most(self, seconds: float) -> None:
        self._patience = seconds
        self._deadline = self._hass.loop.time() + seconds

    async def _async_wait(self, seconds: float, enough: Callable[[], bool]) -> None:
        """Wait for `enough`, the end of the search, or the end of the time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.task.done() and not enough():
                    self._news.clear()
                    await self._news.wait()

    def cancel(self) -> None:
        """Stop reading; the port is closed and free soon afterwards."""
        self.task.cancel()

    @callback
    def hand_over(self, data: Mapping[str, Any]) -> None:
        """Leave this to the entry with `data`, which is about to be set up."""
        self._key = _key(data)
        self._hass.data.setdefault(_HANDED_OVER, {})[self._key] = self

    @callback
    def abandon(self) -> None:
        """Stop reading, unless an entry has taken over."""
        if not self._taken_over:
            if self._key is not None:
                self._hass.data[_HANDED_OVER].pop(self._key, None)
            self.cancel()

    @staticmethod
    @callback
    def take_over(hass: HomeAssistant, data: Mapping[str, Any]) -> Search | None:
        """Return what the flow has begun for the entry with `data`, once."""
        search = hass.data.get(_HANDED_OVER, {}).pop(_key(data), None)
        if search is not None:
            search._taken_over = True  # noqa: SLF001  # It is this class's own.
        return search


def _key(data: Mapping[str, Any]) -> tuple[str, str]:
    return data[CONF_DEVICE], data.get(CONF_ADDRESS, "")


def _present_values(readout: Readout) -> Iterator[Reading]:
    """Find the present values with a unit, in the order sent."""
    for reading in interpret(readout):
        if (
            reading.billing_period is None
            and reading.unit is not None
            and isinstance(reading.value, Decimal)
        ):
            yield reading


def _is_no_counter(reading: Reading) -> bool:
    register = reading.register
    return register is None or register.measure is not Measure.TOTAL
