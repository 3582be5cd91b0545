"""The fields of the forms, and the settings and options that they stand for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, assert_never

from homeassistant.const import CONF_HOST, CONF_PORT, UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TimeSelector,
)
import voluptuous as vol

from .const import (
    CONF_ACKNOWLEDGE_DELAY,
    CONF_ADDRESS,
    CONF_BAUD_RATE,
    CONF_CHARACTER_TIMEOUT,
    CONF_CLOSE_DELAY,
    CONF_DTR,
    CONF_FRAMING,
    CONF_GATEWAY_BAUD_RATE,
    CONF_INTERVAL,
    CONF_MAX_BAUD_RATE,
    CONF_MINUTE,
    CONF_MODE,
    CONF_QUIET_TIME,
    CONF_RTS,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_THROTTLE,
    CONF_TIME,
    CONF_TIMEOUT,
    CONF_WAKE_UP,
    MAX_INTERVAL,
    MIN_INTERVAL,
    MIN_THROTTLE,
)
from .iec21.nameplate import Supply
from .iec21.settings import BAUD_RATES, MAX_WAKE_UP, Framing, Mode, Pin, Settings
from .iec21.telegram import Check
from .schedule import Kind, Schedule

CONF_GATEWAY: Final = "gateway"
CONF_ADVANCED: Final = "advanced"
CONF_DETAILS: Final = "details"
CONF_TRACE: Final = "trace"
CONF_ADD_ANYWAY: Final = "add_anyway"
CONF_TIMES: Final = "times"
CONF_SLOW: Final = "slow"

GATEWAYS: Final = {"tcp": "socket", "rfc2217": "rfc2217"}
"""Kinds of gateways, and the scheme of serialx for each."""

DEFAULT_TCP_PORT: Final = 2000
"""The first port in the configuration that ser2net comes with."""

SLOW: Final = timedelta(minutes=5)
"""Interval of an automatic schedule from which on the form says what helps."""

READOUT_COST: Final = timedelta(minutes=30)
"""Life that each readout takes from the battery of a Landis+Gyr Ultraheat.

It is the number that the README of ultraheat-api gives, for want of a better one.
"""

_MANY_SECONDS: Final = 120
_MANY_MINUTES: Final = 120
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

# How each setting comes out of JSON or of a form.
_SETTINGS: Final[dict[str, Callable[[Any], Any]]] = {
    CONF_ADDRESS: str.strip,
    CONF_MODE: Mode,
    CONF_BAUD_RATE: int,
    CONF_MAX_BAUD_RATE: int,
    "switch_baud_rate": bool,
    CONF_GATEWAY_BAUD_RATE: int,
    CONF_FRAMING: Framing,
    "software_parity": bool,
    "selector": str,
    "option": str,
    CONF_WAKE_UP: int,
    "fast_wake_up": bool,
    CONF_TIMEOUT: float,
    CONF_CHARACTER_TIMEOUT: float,
    CONF_ACKNOWLEDGE_DELAY: float,
    CONF_QUIET_TIME: float,
    "switch_delay": float,
    CONF_CLOSE_DELAY: float,
    CONF_DTR: Pin,
    CONF_RTS: Pin,
    "attempts": int,
    "check": Check,
    "keep_alive": float,
    "acknowledge_last_block": bool,
}

# What belongs to the adapter and to the line, whatever hangs on it.
_OF_THE_LINE: Final = (
    "switch_baud_rate",
    CONF_GATEWAY_BAUD_RATE,
    "software_parity",
    CONF_TIMEOUT,
    CONF_CHARACTER_TIMEOUT,
    CONF_QUIET_TIME,
    "switch_delay",
    CONF_CLOSE_DELAY,
    CONF_DTR,
    CONF_RTS,
)

# Push meters go beyond the speeds of the norm; any other may be typed in.
_OFFERED_BAUD_RATES: Final = (*BAUD_RATES, 38400, 57600, 115200)

_DEFAULTS: Final = Settings()


def settings_from(data: Mapping[str, Any]) -> Settings:
    """Build the settings that a form or a config entry holds.

    Raises:
        ValueError: one of them is outside its range.

    """
    return Settings(
        **{
            name: convert(data[name])
            for name, convert in _SETTINGS.items()
            if name in data
        }
    )


def typed_settings(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in the answers to a form, as they were typed."""
    typed = {
        name: value
        for name, value in answers[CONF_ADVANCED].items()
        # A field that was emptied comes back as an empty text.
        if value != ""
    }
    if CONF_ADDRESS in answers:
        typed[CONF_ADDRESS] = answers[CONF_ADDRESS]
    return typed


def combined_settings(known: Mapping[str, Any], typed: Mapping[str, Any]) -> Settings:
    """Build the settings from what was known before and what was typed now.

    What was typed counts, also where the two exclude each other, such as two ways to
    wake a meter up.

    Raises:
        ValueError: what was typed is outside its range.

    """
    try:
        return settings_from({**known, **typed})
    except ValueError:
        return settings_from(typed)


def departures(settings: Settings) -> dict[str, Any]:
    """Return what has to be stored of `settings`: all that is not the default."""
    values = {name: getattr(settings, name) for name in _SETTINGS}
    return {
        name: value
        for name, value in values.items()
        if value != getattr(_DEFAULTS, name)
    }


def with_settings(data: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the data of an entry with other settings.

    The address stays among them even where there is none: an entry is found by it.
    """
    others = {
        name: value
        for name, value in data.items()
        if name == CONF_ADDRESS or name not in _SETTINGS
    }
    return {**others, **departures(settings)}


def invalid_fields(data: Mapping[str, Any]) -> Iterator[str]:
    """Name the fields whose values are outside their range."""
    for name in _SETTINGS:
        if name in data:
            try:
                settings_from({name: data[name]})
            except ValueError:
                yield name


def unseen_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in the data of an entry that stand in no form."""
    seen = {CONF_ADDRESS, *advanced_fields()}
    return {
        name: value
        for name, value in data.items()
        if name in _SETTINGS and name not in seen
    }


def line_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an entry that another meter on its line has as well.

    They are those of the adapter. How the meter itself wants to be spoken to is
    found out, since what is known is not tried in another way.
    """
    return {name: data[name] for name in _OF_THE_LINE if name in data}


def as_answers(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in the data of an entry as a user would type them."""
    return {
        # Speeds are typed in or chosen as text.
        name: str(data[name]) if name.endswith(CONF_BAUD_RATE) else data[name]
        for name in advanced_fields()
        if name in data
    }


def advanced_fields() -> Iterable[str]:
    """Name the fields of the advanced section."""
    return map(str, advanced_section(collapsed=True).schema.schema)


def network_fields() -> dict[Any, Any]:
    """Build the fields that name a gateway."""
    return {
        vol.Required(CONF_HOST): TextSelector(),
        vol.Required(CONF_PORT, default=DEFAULT_TCP_PORT): whole_number(1, 65535),
        vol.Required(CONF_GATEWAY, default="tcp"): SelectSelector(
            SelectSelectorConfig(
                options=list(GATEWAYS),
                translation_key=CONF_GATEWAY,
                mode=SelectSelectorMode.LIST,
            )
        ),
    }


def advanced_section(
    *, collapsed: bool, address: bool = True, blank: bool = False
) -> section:
    """Build the part of the form that an ordinary meter leaves alone.

    `address` is False where the form asks for the device address elsewhere. In a
    `blank` one nothing is filled in, and an empty field means something else than
    the default.
    """
    fields: dict[Any, Any] = _advanced_schema()
    if not address:
        fields = {key: field for key, field in fields.items() if key != CONF_ADDRESS}
    if blank:
        fields = {vol.Optional(str(key)): field for key, field in fields.items()}
    return section(vol.Schema(fields), {"collapsed": collapsed})


def details_section() -> section:
    """Build the place for the trace of a search that has failed, to be copied."""
    box = TextSelector(TextSelectorConfig(multiline=True))
    return section(vol.Schema({vol.Optional(CONF_TRACE): box}), {"collapsed": True})


def add_anyway_field() -> dict[Any, Any]:
    """Build the offer to go on without a meter."""
    return {vol.Optional(CONF_ADD_ANYWAY, default=False): BooleanSelector()}


def reading_fields(supply: Supply, automatic: timedelta) -> dict[Any, Any]:
    """Build the fields that say how a meter is read that was just found.

    `automatic` is how often it can be read with ease.
    """
    kind = Kind(usual_options(supply)[CONF_SCHEDULE])
    fields = schedule_fields(supply, kind)
    if automatic > SLOW:
        # It has no fields, only something to say.
        fields[vol.Optional(CONF_SLOW)] = section(vol.Schema({}))
    times = times_fields(Schedule(interval=automatic))
    fields[vol.Required(CONF_TIMES)] = section(vol.Schema(times), {"collapsed": True})
    return fields


def schedule_fields(supply: Supply, kind: Kind) -> dict[Any, Any]:
    """Build the fields that say how a meter is read."""
    return {
        vol.Required(CONF_SUPPLY, default=supply.value): choice(
            CONF_SUPPLY, [one.value for one in Supply]
        ),
        vol.Required(CONF_SCHEDULE, default=kind.value): choice(
            CONF_SCHEDULE, [one.value for one in Kind]
        ),
    }


def times_fields(schedule: Schedule) -> dict[Any, Any]:
    """Build the fields of which each belongs to one kind of schedule."""
    return {
        vol.Required(
            CONF_INTERVAL, default=int(schedule.interval.total_seconds())
        ): whole_number(
            int(MIN_INTERVAL.total_seconds()),
            int(MAX_INTERVAL.total_seconds()),
            UnitOfTime.SECONDS,
        ),
        vol.Required(CONF_MINUTE, default=schedule.minute): whole_number(0, 59),
        vol.Required(CONF_TIME, default=schedule.time.isoformat()): TimeSelector(),
    }


def throttle_field(throttle: float) -> dict[Any, Any]:
    """Build the only field about time of a meter that sends by itself."""
    return {
        vol.Required(CONF_THROTTLE, default=throttle): _seconds(
            minimum=MIN_THROTTLE, maximum=3600, step=1
        )
    }


def schedule_options(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of the answers about reading.

    The supply and the kind of schedule are always stored: what is usual differs from
    meter to meter. Of the times it is the one that the schedule goes by.
    """
    names = [CONF_SUPPLY, CONF_SCHEDULE]
    match Kind(answers[CONF_SCHEDULE]):
        case Kind.AUTOMATIC:
            pass
        case Kind.INTERVAL:
            names.append(CONF_INTERVAL)
        case Kind.HOURLY:
            names.append(CONF_MINUTE)
        case Kind.DAILY:
            names.append(CONF_TIME)
        case never:
            assert_never(never)
    return {name: answers[name] for name in names}


def usual_options(supply: Supply) -> dict[str, Any]:
    """Return how a meter is read if nobody has said anything about it."""
    kind = Kind.DAILY if supply is Supply.BATTERY else Kind.AUTOMATIC
    return {CONF_SUPPLY: supply.value, CONF_SCHEDULE: kind.value}


def in_words(interval: timedelta) -> str:
    """Write an interval as short as people say it."""
    seconds = interval.total_seconds()
    if seconds < _MANY_SECONDS:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < _MANY_MINUTES else f"{minutes / 60:.0f} h"


def battery_cost(
    options: Mapping[str, Any], automatic: timedelta
) -> dict[str, str] | None:
    """Return what reading costs a battery each day, as numbers for a text.

    None if no battery is to be spared, or the schedule does. `automatic` is the
    interval of an automatic one.
    """
    period = Schedule.from_options(options).period(automatic)
    if options.get(CONF_SUPPLY) != Supply.BATTERY or period >= _DAY:
        return None
    return {
        "readouts": f"{_DAY / period:.0f}",
        "hours": f"{_DAY / period * (READOUT_COST / _HOUR):.0f}",
    }


def _advanced_schema() -> dict[Any, Any]:
    return {
        vol.Optional(CONF_ADDRESS): TextSelector(),
        vol.Required(CONF_MODE, default=Mode.AUTO.value): choice(
            CONF_MODE, [mode.value for mode in Mode]
        ),
        vol.Optional(CONF_BAUD_RATE): _baud_rate(),
        vol.Required(CONF_FRAMING, default=Framing.AUTO.value): choice(
            CONF_FRAMING, [framing.value for framing in Framing]
        ),
        vol.Optional(CONF_MAX_BAUD_RATE): _baud_rate(),
        vol.Required(CONF_WAKE_UP, default=_DEFAULTS.wake_up): NumberSelector(
            NumberSelectorConfig(
                min=0, max=MAX_WAKE_UP, step=1, mode=NumberSelectorMode.BOX
            )
        ),
        vol.Optional(CONF_GATEWAY_BAUD_RATE): _baud_rate(),
        vol.Required(CONF_TIMEOUT, default=_DEFAULTS.timeout): _seconds(
            minimum=0.1, maximum=60
        ),
        vol.Optional(CONF_CHARACTER_TIMEOUT): _seconds(minimum=0.1, maximum=60),
        vol.Optional(CONF_ACKNOWLEDGE_DELAY): _seconds(maximum=5, step=0.01),
        vol.Required(CONF_QUIET_TIME, default=_DEFAULTS.quiet_time): _seconds(),
        vol.Required(CONF_CLOSE_DELAY, default=_DEFAULTS.close_delay): _seconds(),
        vol.Required(CONF_DTR, default=Pin.HIGH.value): _pin(),
        vol.Required(CONF_RTS, default=Pin.HIGH.value): _pin(),
    }


def whole_number(
    least: int, most: int, unit: str | None = None
) -> Callable[[Any], int]:
    """Build a field for a whole number."""
    config = NumberSelectorConfig(
        min=least, max=most, step=1, mode=NumberSelectorMode.BOX
    )
    if unit is not None:
        config["unit_of_measurement"] = unit
    return vol.All(NumberSelector(config), vol.Coerce(int))


def choice(name: str, values: list[str]) -> SelectSelector:
    """Build a field with choices whose texts stand under `name`."""
    return SelectSelector(
        SelectSelectorConfig(
            options=values, translation_key=name, mode=SelectSelectorMode.DROPDOWN
        )
    )


def _pin() -> SelectSelector:
    return choice("pin", [state.value for state in Pin])


def _baud_rate() -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(
            options=[str(baud_rate) for baud_rate in _OFFERED_BAUD_RATES],
            custom_value=True,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


def _seconds(
    *, minimum: float = 0, maximum: float = 10, step: float = 0.1
) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(
            min=minimum,
            max=maximum,
            step=step,
            unit_of_measurement=UnitOfTime.SECONDS,
            mode=NumberSelectorMode.BOX,
        )
    )
