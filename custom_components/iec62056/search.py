"""A readout that begins in the config flow and may end in the entry.

At 300 Bd a readout takes minutes, and the number of the meter is among its first
lines. So the flow goes on as soon as that is known, and the entry that it creates
takes over what is still being read.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
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
from .iec21.reading import Reading, interpret
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
from .meter import Meter
from .ports import async_port_lock

_HANDED_OVER: Final[HassKey[dict[tuple[str, str], Search]]] = HassKey(
    f"{DOMAIN}_handed_over"
)

TURN_TIME: Final = 300.0
"""Seconds to wait for a port that another meter's readout keeps busy.

One readout takes up to five minutes at 300 Bd, and only one comes before this.
"""

SEARCH_TIME: Final = 35.0
"""Seconds after which a meter should have sent its number.

The search itself gives up after 30 s without an answer, and what it then has to
say is worth waiting for.
"""

VALUES_TIME: Final = 2.0
"""Seconds to wait for a few values to show, once the number is known."""

FIRST_VALUE_TIME: Final = 3.0
"""Seconds more to wait for at least one; a line takes one at 300 Bd."""

SHOWN_VALUES: Final = 4
"""How many values are enough to recognise one's own meter by its display."""

_TICK: Final = 1.0
"""Seconds between two movements of the progress bar."""


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
        self._hass = hass
        self._key = (port, settings.address)
        self._taken_over = False
        self._news = asyncio.Event()
        self.task = hass.async_create_background_task(
            self._async_search(), f"{DOMAIN} search"
        )

    async def _async_search(self) -> None:
        try:
            async with await async_port_lock(self._hass, self.port):
                self.has_turn = True
                self._news.set()
                self.settings, readout = await client.search(
                    self.port, self.settings, on_event=self._watch
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
        self._news.set()

    @callback
    def _watch(self, event: Event) -> None:
        match event:
            case Identified(identification=identification):
                self.identification = identification
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
    def values(self) -> list[Reading]:
        """A few values that the meter's display shows as well, counters first."""
        readout = Readout(
            identification=self.identification,
            data_sets=tuple(self.data_sets),
            check=Check.NONE,
        )
        return sorted(_present_values(readout), key=_is_no_counter)[:SHOWN_VALUES]

    async def async_find(self, report: Callable[[float], None]) -> Meter | None:
        """Wait until the meter is known; None if it is not found.

        It is known with its number, or else with whatever it has sent when the
        readout or the time is over. `report` hears how much of the time that is
        at most needed has passed, from 0 to 1.
        """
        await self._async_wait(TURN_TIME, lambda: self.has_turn)
        if self.has_turn:
            await self._async_wait(SEARCH_TIME, self._has_number, report)
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

    async def _async_wait(
        self,
        seconds: float,
        enough: Callable[[], bool],
        report: Callable[[float], None] | None = None,
    ) -> None:
        """Wait for `enough`, the end of the search, or the end of the time."""
        clock = self._hass.loop.time
        deadline = clock() + seconds
        while not self.task.done() and not enough():
            if (left := deadline - clock()) <= 0:
                return
            if report:
                report(1 - left / seconds)
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, _TICK)):
                    await self._news.wait()

    def cancel(self) -> None:
        """Stop reading; the port is closed and free soon afterwards."""
        self.task.cancel()

    @callback
    def hand_over(self) -> None:
        """Leave this to the entry that is about to be created."""
        self._hass.data.setdefault(_HANDED_OVER, {})[self._key] = self

    @callback
    def abandon(self) -> None:
        """Stop reading, unless an entry has taken over."""
        if not self._taken_over:
            self._hass.data.get(_HANDED_OVER, {}).pop(self._key, None)
            self.cancel()

    @staticmethod
    @callback
    def take_over(hass: HomeAssistant, data: Mapping[str, Any]) -> Search | None:
        """Return what the flow has begun for the entry with `data`, once."""
        key = (data[CONF_DEVICE], data.get(CONF_ADDRESS, ""))
        search = hass.data.get(_HANDED_OVER, {}).pop(key, None)
        if search is not None:
            search._taken_over = True  # noqa: SLF001  # It is this class's own.
        return search


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
