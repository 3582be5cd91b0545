"""Speak with one meter, and remember how it wants to be spoken to."""

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
)
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_DEVICE
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .const import CONF_MANUFACTURER
from .form import settings_from, with_settings
from .iec21 import client
from .iec21.conversation import Conversation
from .iec21.exceptions import ChecksumError, IecError, LinkError
from .iec21.nameplate import Supply
from .iec21.settings import Mode, Settings
from .iec21.steps import DataArrived, Identified, ProgrammingEvent, Retrying
from .iec21.telegram import Readout
from .iec21.traces import Trace
from .ports import Bus
from .search import Search
from .store import Record

TRACES: Final = 3
"""Sessions that are kept for a bug report: a good one tells what a bad one lacks."""

TRACE_LIMIT: Final = 50_000
"""About how many bytes of a session are kept: five of the longest readouts known."""

TRY_UPWARD_AFTER: Final = timedelta(days=1)
"""How long a meter is read at the speed that it was stepped down to.

A dirty head gets cleaned; the higher speed costs one failed attempt a day otherwise.
"""


class Reader:
    """One meter on one port."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry[Any], bus: Bus, record: Record
    ) -> None:
        """Prepare to read; nothing is opened yet.

        Raises:
            ValueError: the entry holds a setting that is outside its range.

        """
        self._hass = hass
        self._entry = entry
        self._bus = bus
        self._record = record
        self.port: Final[str] = entry.data[CONF_DEVICE]
        self.settings = settings_from(entry.data)
        """How the meter is spoken to, as the entry has it."""
        self.traces: Final[deque[Trace]] = deque(maxlen=TRACES)
        """What passed over the line in the last sessions, the latest one last."""
        self.arrivals: dict[str, datetime] = {}
        """When each address of the latest readout had arrived, in UTC."""
        self.has_sent = False
        """Whether the meter was sent anything in the latest readout."""
        self._began = 0.0
        self._offered: int | None = None
        # Speed at which a session of ours was left without its end.
        self._left_at: int | None = None

    @property
    def pushes(self) -> bool:
        """Whether the meter sends by itself, and is never asked."""
        return self.settings.mode is Mode.D

    async def async_take_over(self, search: Search) -> Readout | None:
        """Wait for what the config flow has begun to read; None if it fails."""
        self._record.readouts += 1
        self.has_sent = True
        await search.task
        self.traces.append(search.trace)
        if search.readout is not None:
            self._learn(search.settings)
            self._took(search.duration)
        return search.readout

    async def async_read_out(self, supply: Supply) -> Readout:
        """Read the meter once, as soon as nobody else uses the port.

        Raises:
            IecError: as `client.read_out`.

        """
        self.has_sent = False
        async with self._bus.turn(self._entry.entry_id):
            self._begin()
            try:
                readout = await self._async_ask(supply)
            except HomeAssistantError as error:
                # The integration that has the port at its end is not ready.
                raise LinkError(str(error)) from error
            except LinkError:
                # The meter may still wait for us, and at another speed.
                raise
            except IecError:
                self._left_at = None
                raise
            finally:
                self.has_sent = bool(self.traces[-1].sent)
                self._record.readouts += self.has_sent
            self._took(self._hass.loop.time() - self._began)
            self._left_at = None
            return readout

    async def _async_ask(self, supply: Supply) -> Readout:
        settings = self._effective(supply)
        trace = self.traces[-1]
        if not self._entry.data[CONF_MANUFACTURER]:
            # Nobody has answered here yet.
            found, readout = await client.search(
                self.port,
                settings,
                on_event=self._watch,
                trace=trace,
                left_at=self._left_at,
            )
            self._learn(replace(found, attempts=self.settings.attempts))
            return readout
        readout = await client.read_out(
            self.port,
            settings,
            on_event=self._watch,
            trace=trace,
            left_at=self._left_at,
        )
        self._learn_speed(readout, settings)
        return readout

    async def async_listen(self) -> AsyncGenerator[Readout]:
        """Yield what a meter sends by itself; the port stays open meanwhile.

        Raises:
            IecError: as `client.listen`.

        """
        async with self._bus.turn(self._entry.entry_id):
            self._begin()
            self._bus.is_listened_to = True
            try:
                async with aclosing(
                    client.listen(
                        self.port,
                        self.settings,
                        on_event=self._watch,
                        trace=self.traces[-1],
                    )
                ) as readouts:
                    async for readout in readouts:
                        self._record.readouts += 1
                        yield readout
                        self.arrivals = {}
            except HomeAssistantError as error:
                raise LinkError(str(error)) from error
            finally:
                self._bus.is_listened_to = False

    @asynccontextmanager
    async def async_program(
        self, supply: Supply, trace: Trace
    ) -> AsyncGenerator[Conversation]:
        """Open programming mode, as soon as nobody else uses the port.

        What passes over the line is taken down in `trace`. Whatever happens, the
        meter is signed off and the port is closed.

        Raises:
            IecError: as `client.programming`.

        """
        async with self._bus.turn(self._entry.entry_id):
            self._begin(trace)
            session = client.programming(
                self.port,
                self._effective(supply),
                on_event=self._watch,
                trace=trace,
                left_at=self._left_at,
            )
            try:
                async with AsyncExitStack() as stack:
                    yield await _async_entered(stack, session)
            except LinkError:
                # The meter may still wait for us, and at another speed.
                raise
            except IecError:
                self._left_at = None
                raise
            self._left_at = None

    def _begin(self, trace: Trace | None = None) -> None:
        """Forget the session before, and take the next one down."""
        self._began = self._hass.loop.time()
        self.arrivals = {}
        self._offered = None
        self.traces.append(Trace(limit=TRACE_LIMIT) if trace is None else trace)

    @callback
    def _watch(self, event: ProgrammingEvent) -> None:
        match event:
            case Identified(baud_rate=baud_rate):
                self._left_at = baud_rate
                if self._offered is None:
                    self._offered = baud_rate
            case DataArrived(data_sets=data_sets):
                now = dt_util.utcnow()
                for data_set in data_sets:
                    self.arrivals.setdefault(data_set.address, now)
            case Retrying(error):
                self.arrivals = {}
                if isinstance(error, ChecksumError):
                    self._record.check_errors += 1
            case _:
                pass

    def _took(self, seconds: float) -> None:
        self._record.duration = seconds
        self._bus.durations[self._entry.entry_id] = seconds

    def _effective(self, supply: Supply) -> Settings:
        """Return the settings for the next session."""
        settings = self.settings
        if supply is Supply.BATTERY:
            # Every attempt wakes the meter up.
            settings = replace(settings, attempts=1)
        record = self._record
        if (
            record.stepped_down_to is not None
            and record.stepped_down_at is not None
            and settings.max_baud_rate is None
            and dt_util.utcnow() - record.stepped_down_at < TRY_UPWARD_AFTER
        ):
            settings = replace(settings, max_baud_rate=record.stepped_down_to)
        return settings

    def _learn_speed(self, readout: Readout, settings: Settings) -> None:
        """Remember a speed that had to be stepped down, for a while."""
        if settings.max_baud_rate is not None or self._offered is None:
            return
        record = self._record
        record.stepped_down_to = record.stepped_down_at = None
        if readout.baud_rate < self._offered:
            record.stepped_down_to = readout.baud_rate
            record.stepped_down_at = dt_util.utcnow()

    def _learn(self, settings: Settings) -> None:
        """Keep what a search has found out, but for a speed it had to step down."""
        settings = replace(settings, max_baud_rate=self.settings.max_baud_rate)
        self.settings = settings
        self._hass.config_entries.async_update_entry(
            self._entry, data=with_settings(self._entry.data, settings)
        )


async def _async_entered[T](
    stack: AsyncExitStack, session: AbstractAsyncContextManager[T]
) -> T:
    """Enter `session`, to be left with `stack`.

    Raises:
        IecError: as `session` does; the integration that has the port at its end is
            not ready.

    """
    try:
        return await stack.enter_async_context(session)
    except HomeAssistantError as error:
        raise LinkError(str(error)) from error
