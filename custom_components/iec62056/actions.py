"""Actions that read and answer: registers, a load profile, a whole readout.

Nothing here writes to a meter. An action takes its turn on the port like a poll, and
it belongs to the entry: unloading that breaks it off. How a meter is spoken to is
`reader`'s business, and why it did not work is said in words by `failures`.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
import re
from typing import Final, assert_never

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType, JsonValueType
import voluptuous as vol

from .booking import MeterData
from .clock import Habit
from .const import CONF_CLOCK, DOMAIN
from .coordinator import JUST_READ, IecConfigEntry, IecCoordinator
from .failures import readout_failed
from .iec21.conversation import Conversation
from .iec21.exceptions import CommandRefusedError, IecError
from .iec21.lis200_archive import ArchiveRequest, ArchiveRow
from .iec21.load_profile import LogEntry, ProfileItem, ProfileRow
from .iec21.load_profile_request import ProfileRequest
from .iec21.messages import Identification
from .iec21.nameplate import Supply
from .iec21.ranges import ArchiveItem
from .iec21.reading import Value
from .iec21.status_words import Status
from .iec21.telegram import BadLine, DataSet
from .iec21.traces import Trace
from .reader import TRACE_LIMIT

READ_REGISTERS: Final = "read_registers"
READ_LOAD_PROFILE: Final = "read_load_profile"
READ_RAW: Final = "read_raw"

ATTR_CONFIG_ENTRY: Final = "config_entry"
ATTR_REGISTERS: Final = "registers"
ATTR_REGISTER: Final = "register"
ATTR_START: Final = "start"
ATTR_END: Final = "end"
ATTR_COMMAND: Final = "command"

COMMANDS: Final = ("R1", "R2", "R3", "R4", "R5", "R6")
"""The commands that read (IEC 62056-21, clause 6.3.7, and VDEW's R5 and R6)."""

MAX_DAYS: Final = 31
"""Days of a load profile in one answer: the longest month.

Its 2976 quarter hours of two channels take a minute at 9600 Bd and half an hour at
300 Bd; nobody else can use the port meanwhile.
"""

_LOAD_PROFILE: Final = "P.01"
_INTERVALS: Final = 3
"""The archive of intervals, in devices that have archives in place of profiles."""

_PROFILE_COMMAND: Final = "R5"
"""The command for load profiles, unless somebody asks for another: VDEW's."""

# What fits into a message: the printable characters of ASCII.
_SENDABLE = re.compile(r"[ -~]+")
_ARCHIVE = re.compile(r"0?(\d{1,2})(?::V(?:\.0)?)?", re.ASCII | re.IGNORECASE)

_ENTRY_SCHEMA: Final = {vol.Required(ATTR_CONFIG_ENTRY): cv.string}
_COMMAND_SCHEMA: Final = {vol.Optional(ATTR_COMMAND): vol.In(COMMANDS)}

READ_REGISTERS_SCHEMA: Final = vol.Schema(
    {
        **_ENTRY_SCHEMA,
        vol.Required(ATTR_REGISTERS): vol.All(
            cv.ensure_list, [cv.string], vol.Length(min=1)
        ),
        **_COMMAND_SCHEMA,
    }
)
READ_LOAD_PROFILE_SCHEMA: Final = vol.Schema(
    {
        **_ENTRY_SCHEMA,
        vol.Optional(ATTR_REGISTER, default=_LOAD_PROFILE): cv.string,
        vol.Required(ATTR_START): cv.datetime,
        vol.Required(ATTR_END): cv.datetime,
        **_COMMAND_SCHEMA,
    }
)
READ_RAW_SCHEMA: Final = vol.Schema(_ENTRY_SCHEMA)


@callback
def async_setup_actions(hass: HomeAssistant) -> None:
    """Register the actions, which are there whether an entry is loaded or not."""
    for name, action, schema in (
        (READ_REGISTERS, _async_read_registers, READ_REGISTERS_SCHEMA),
        (READ_LOAD_PROFILE, _async_read_load_profile, READ_LOAD_PROFILE_SCHEMA),
        (READ_RAW, _async_read_raw, READ_RAW_SCHEMA),
    ):
        hass.services.async_register(
            DOMAIN, name, action, schema, supports_response=SupportsResponse.ONLY
        )


# -- registers ------------------------------------------------------------------------


async def _async_read_registers(call: ServiceCall) -> ServiceResponse:
    """Read single registers; those that the meter refuses cost no others.

    Raises:
        ServiceValidationError: what is asked for makes no sense.
        HomeAssistantError: the meter or the port says no, or a battery is spared.

    """
    entry = _entry_of(call)
    registers = [_sendable(one) for one in dict.fromkeys(call.data[ATTR_REGISTERS])]
    command: str | None = call.data.get(ATTR_COMMAND)

    async def read(meter: Conversation) -> JsonObjectType:
        found: JsonObjectType = {}
        refused: JsonObjectType = {}
        for register in registers:
            try:
                data_sets = await meter.read(register, command=command)
            except CommandRefusedError as error:
                refused[register] = error.answer
            else:
                found[register] = _data_sets(data_sets)
        return {
            "identification": _raw(meter.identification),
            "registers": found,
            "refused": refused,
        }

    return await _async_converse(call.hass, entry, read)


# -- load profile ---------------------------------------------------------------------


async def _async_read_load_profile(call: ServiceCall) -> ServiceResponse:
    """Read a range of a load profile, a log book or an archive.

    Raises:
        ServiceValidationError: what is asked for makes no sense.
        HomeAssistantError: the meter or the port says no, or a battery is spared.

    """
    entry = _entry_of(call)
    register = _sendable(call.data[ATTR_REGISTER])
    start, end = _range(call.data[ATTR_START], call.data[ATTR_END])
    zone = _zone_of(entry, start.year)
    request = ProfileRequest(register, start.astimezone(zone), end.astimezone(zone))
    command: str = call.data.get(ATTR_COMMAND, _PROFILE_COMMAND)

    async def read(meter: Conversation) -> JsonObjectType:
        rows: list[JsonValueType] = []
        bad_lines: list[JsonValueType] = []
        async with aclosing(_items(meter, request, command, zone)) as items:
            async for item in items:
                if isinstance(item, BadLine):
                    bad_lines.append(item.text)
                else:
                    rows.append(_row(item, zone))
        return {
            "identification": _raw(meter.identification),
            "rows": rows,
            "bad_lines": bad_lines,
        }

    return await _async_converse(call.hass, entry, read)


def _range(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return both ends of a range, aware; without a zone they are of the home's.

    Raises:
        ServiceValidationError: it is no range, or too long for one answer.

    """
    # The meter's years have two digits. Far outside there is no time zone either.
    if not all(2000 <= one.year < 2100 for one in (start, end)):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="range_outside"
        )
    start, end = dt_util.as_local(start), dt_util.as_local(end)
    if end < start:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="range_backwards"
        )
    if end - start > timedelta(days=MAX_DAYS):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="range_too_long",
            translation_placeholders={"days": str(MAX_DAYS)},
        )
    return start, end


def _zone_of(entry: IecConfigEntry, year: int) -> tzinfo:
    """Return the time zone that the meter's clock is set to, as the options say."""
    home = dt_util.get_default_time_zone()
    match Habit(entry.options.get(CONF_CLOCK, Habit.AUTOMATIC)):
        case Habit.UTC:
            return UTC
        case Habit.STANDARD:
            offsets = (
                datetime(year, month, 1, tzinfo=home).utcoffset() or timedelta()
                for month in (1, 7)
            )
            return timezone(min(offsets))
        case Habit.LOCAL | Habit.AUTOMATIC:
            return home
        case never:
            assert_never(never)


def _items(
    meter: Conversation, request: ProfileRequest, command: str, zone: tzinfo
) -> AsyncGenerator[ProfileItem | ArchiveItem]:
    """Ask for the rows in the way of the meter.

    Raises:
        ServiceValidationError: the meter has archives, and this is none.

    """
    if not meter.is_lis200:
        return meter.load_profile(request, command=command, zone=zone)
    archive = _INTERVALS
    if request.register != _LOAD_PROFILE:
        match = _ARCHIVE.fullmatch(request.register)
        if match is None:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="no_archive",
                translation_placeholders={"register": request.register},
            )
        archive = int(match[1])
    return meter.archive(
        ArchiveRequest(archive=archive, start=request.start, end=request.end)
    )


def _row(item: ProfileRow | LogEntry | ArchiveRow, zone: tzinfo) -> JsonObjectType:
    """Return one row of the answer."""
    match item:
        case ProfileRow():
            return {
                "time": item.end.isoformat(),
                "period": int(item.period.total_seconds() // 60),
                "status": _words(item.status),
                "status_word": item.status_text,
                "values": [
                    _value(channel.code, value, channel.unit)
                    for channel, value in zip(item.channels, item.values, strict=True)
                ],
            }
        case LogEntry():
            return {
                "time": item.time.isoformat(),
                "status": _words(item.status),
                "status_word": item.status_text,
                "values": [
                    _value(reading.code, reading.value, reading.unit)
                    for reading in item.readings
                ],
            }
        case ArchiveRow():
            # These clocks know nothing of zones.
            moment = item.time and item.time.replace(tzinfo=zone)
            return {
                "time": moment.isoformat() if moment else None,
                "intact": item.intact,
                "values": [
                    _value(column.heading, value, column.unit)
                    for column, value in zip(item.columns, item.values, strict=True)
                ],
            }
        case never:
            assert_never(never)


def _words(status: Status) -> list[JsonValueType]:
    """Return what a meter notes: "power_failed", "clock_set" and so on."""
    return [str(flag.name).lower() for flag in status]


def _value(code: str, value: Value, unit: str | None) -> JsonObjectType:
    """Return one value of a row; numbers as text, with every digit that was sent."""
    match value:
        case Decimal():
            text: str | None = format(value, "f")
        case datetime() | date() | time():
            text = value.isoformat()
        case str() | None:
            text = value
        case never:
            assert_never(never)
    return {"code": code, "value": text, "unit": unit}


# -- a whole readout ------------------------------------------------------------------


async def _async_read_raw(call: ServiceCall) -> ServiceResponse:
    """Read the meter now, and return what it sent; its sensors get it as well.

    Raises:
        ServiceValidationError: there is no such entry, or its meter is never asked.
        HomeAssistantError: it failed, or the battery is to be spared.

    """
    coordinator = _entry_of(call).runtime_data.coordinator
    # There are none before the first readout.
    known: MeterData | None = coordinator.data
    await coordinator.async_read_now()
    data = coordinator.data
    readout, before = data.readout, known and known.readout
    is_old = dt_util.utcnow() - data.taken_at > timedelta(seconds=JUST_READ)
    if readout is None or (readout is before and is_old):
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="readout_unconfirmed"
        )
    return {
        "taken_at": data.taken_at.isoformat(),
        "mode": readout.mode,
        "baud_rate": readout.baud_rate,
        "check": readout.check.value,
        "identification": _raw(readout.identification),
        "data_sets": _data_sets(readout.data_sets),
        "bad_lines": [*readout.bad_lines],
        # Every byte has a character in this encoding.
        "raw": readout.raw.decode("latin-1"),
    }


# -- all of them ----------------------------------------------------------------------


def _entry_of(call: ServiceCall) -> IecConfigEntry:
    """Return the entry that an action is about.

    Raises:
        ServiceValidationError: it is not there, or its meter is never asked.

    """
    entry: IecConfigEntry = service.async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY]
    )
    if entry.runtime_data.coordinator.reader.pushes:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="never_asked"
        )
    return entry


def _sendable(register: str) -> str:
    """Return a code as it is sent.

    Raises:
        ServiceValidationError: a message cannot carry it.

    """
    code = register.strip()
    if not _SENDABLE.fullmatch(code):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="not_sendable"
        )
    return code


async def _async_converse(
    hass: HomeAssistant,
    entry: IecConfigEntry,
    ask: Callable[[Conversation], Awaitable[JsonObjectType]],
) -> JsonObjectType:
    """Ask a meter something in programming mode, once the port is free.

    Raises:
        HomeAssistantError: the meter or the port says no, the battery is spared, or
            the entry was unloaded meanwhile.

    """
    task = entry.async_create_background_task(
        hass,
        _async_ask(entry.runtime_data.coordinator, ask),
        f"{entry.title} action",
    )
    try:
        # Whoever is cancelled here cancels the task, and waits until the meter has
        # been signed off and the port is closed.
        return await task
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is None or current.cancelling():
            raise
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="readout_broken_off"
        ) from None


async def _async_ask(
    coordinator: IecCoordinator,
    ask: Callable[[Conversation], Awaitable[JsonObjectType]],
) -> JsonObjectType:
    trace = Trace(limit=TRACE_LIMIT)
    reader = coordinator.reader
    try:
        async with (
            _battery_counted(coordinator, trace),
            reader.async_program(coordinator.supply, trace) as meter,
        ):
            return await ask(meter)
    except IecError as error:
        raise readout_failed(error, reader.port) from error


@asynccontextmanager
async def _battery_counted(
    coordinator: IecCoordinator, trace: Trace
) -> AsyncGenerator[None]:
    """Count a session as an extra readout, if the meter lives on a battery.

    It counts before anything is sent, and not at all if by the `trace` nothing was.

    Raises:
        HomeAssistantError: the battery is to be spared.

    """
    if coordinator.supply is not Supply.BATTERY:
        yield
        return
    store, today = coordinator.store, dt_util.now().date()
    if not store.budget.may_wake(today):
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="battery_spared"
        )
    store.budget.take(today)
    try:
        # Not even a crash gives a wake-up back.
        await store.async_save()
        yield
    finally:
        if not trace.sent:
            store.budget.give_back()
            store.save()


def _raw(identification: Identification | None) -> str | None:
    """Return what a meter calls itself, or None where it does not say."""
    return identification.raw if identification else None


def _data_sets(data_sets: Iterable[DataSet]) -> list[JsonValueType]:
    """Return data sets with every character as the meter sent it."""
    return [
        {"address": one.address, "value": one.value, "unit": one.unit}
        for one in data_sets
    ]
