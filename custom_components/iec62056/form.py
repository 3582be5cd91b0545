"""The advanced part of the connection form, and the settings it stands for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from homeassistant.const import UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import voluptuous as vol

from .const import (
    CONF_ACKNOWLEDGE_DELAY,
    CONF_ADDRESS,
    CONF_BAUD_RATE,
    CONF_CLOSE_DELAY,
    CONF_FRAMING,
    CONF_GATEWAY_BAUD_RATE,
    CONF_MAX_BAUD_RATE,
    CONF_MODE,
    CONF_QUIET_TIME,
    CONF_TIMEOUT,
    CONF_WAKE_UP,
)
from .iec21.settings import BAUD_RATES, Framing, Mode, Settings
from .iec21.telegram import Check

CONF_ADVANCED: Final = "advanced"

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
    CONF_WAKE_UP: int,
    CONF_TIMEOUT: float,
    CONF_ACKNOWLEDGE_DELAY: float,
    CONF_QUIET_TIME: float,
    "switch_delay": float,
    CONF_CLOSE_DELAY: float,
    "attempts": int,
    "check": Check,
}

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


def advanced_section(*, collapsed: bool) -> section:
    """Build the part of the form that an ordinary meter leaves alone."""
    return section(
        vol.Schema(
            {
                vol.Optional(CONF_ADDRESS): TextSelector(),
                vol.Required(CONF_MODE, default=Mode.AUTO.value): _choice(
                    CONF_MODE, [mode.value for mode in Mode]
                ),
                vol.Optional(CONF_BAUD_RATE): _baud_rate(),
                vol.Required(CONF_FRAMING, default=Framing.AUTO.value): _choice(
                    CONF_FRAMING, [framing.value for framing in Framing]
                ),
                vol.Optional(CONF_MAX_BAUD_RATE): _baud_rate(),
                vol.Required(CONF_WAKE_UP, default=_DEFAULTS.wake_up): NumberSelector(
                    NumberSelectorConfig(
                        min=0, max=1000, step=1, mode=NumberSelectorMode.BOX
                    )
                ),
                vol.Optional(CONF_GATEWAY_BAUD_RATE): _baud_rate(),
                vol.Required(CONF_TIMEOUT, default=_DEFAULTS.timeout): _seconds(
                    minimum=0.1, maximum=60
                ),
                vol.Optional(CONF_ACKNOWLEDGE_DELAY): _seconds(maximum=5, step=0.01),
                vol.Required(CONF_QUIET_TIME, default=_DEFAULTS.quiet_time): _seconds(),
                vol.Required(
                    CONF_CLOSE_DELAY, default=_DEFAULTS.close_delay
                ): _seconds(),
            }
        ),
        {"collapsed": collapsed},
    )


def _choice(name: str, values: list[str]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(
            options=values, translation_key=name, mode=SelectSelectorMode.DROPDOWN
        )
    )


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
