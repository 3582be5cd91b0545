"""What a user may change about a meter: how it is read, and what its values mean."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.const import CONF_DEVICE, UnitOfEnergy, UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from .booking import MeterData
from .clock import Habit
from .const import (
    CONF_BILLING_PERIODS,
    CONF_CLOCK,
    CONF_CURRENT_RATIO,
    CONF_GRACE,
    CONF_INTERVAL,
    CONF_MANUFACTURER,
    CONF_MINUTE,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_THROTTLE,
    CONF_TIME,
    CONF_UNITS,
    CONF_VOLTAGE_RATIO,
    DEFAULT_THROTTLE,
    MAX_BILLING_PERIODS,
)
from .coordinator import IecConfigEntry
from .explain import UNKNOWN
from .form import (
    battery_cost,
    choice,
    in_words,
    schedule_fields,
    schedule_options,
    settings_from,
    throttle_field,
    times_fields,
    usual_options,
    whole_number,
)
from .iec21.catalog import Measure, Quantity
from .iec21.exceptions import TelegramError
from .iec21.nameplate import Supply
from .iec21.obis import ObisCode
from .iec21.reading import Reading
from .iec21.settings import Mode
from .iec21.units import split_unit
from .iec21.values import parse_number
from .ports import async_bus
from .schedule import Kind, Schedule

CONF_POLLING: Final = "polling"
CONF_VALUES: Final = "values"

MAX_GRACE: Final = 30 * 24 * 60
"""Minutes; a month without a readout is an outage by any measure."""

MAX_RATIO: Final = 100_000

_USUAL: Final[dict[str, Any]] = {
    CONF_THROTTLE: DEFAULT_THROTTLE,
    CONF_GRACE: None,
    CONF_CURRENT_RATIO: 1,
    CONF_VOLTAGE_RATIO: 1,
    CONF_BILLING_PERIODS: 0,
    CONF_CLOCK: Habit.AUTOMATIC.value,
}
"""What is stored only if it differs: a better default reaches those who never chose."""

_COUNTED: Final = (
    Quantity.ACTIVE_ENERGY,
    Quantity.HEAT_ENERGY,
    Quantity.COOLING_ENERGY,
)
_TIME_INTEGRAL: Final = 8
"""Group D of the counters among the codes (IEC 62056-61, table 5)."""


class IecOptionsFlow(OptionsFlowWithReload):
    """Change the options of one meter."""

    config_entry: IecConfigEntry

    def __init__(self) -> None:
        """Begin with the options as they are."""
        self._answers: dict[str, Any] = {}
        self._options: dict[str, Any] = {}
        self._cost: dict[str, str] = {}

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show everything that may be changed."""
        bus = await async_bus(self.hass, self.config_entry.data[CONF_DEVICE])
        automatic = bus.interval()
        if user_input is not None:
            self._answers = user_input
            self._options = self._changed(user_input)
            cost = battery_cost(self._options, automatic)
            if cost is None or _schedule(self._options) == _schedule(
                self.config_entry.options
            ):
                # There is nothing to warn of, or not for the first time.
                return await self.async_step_accept()
            self._cost = cost
            return await self.async_step_battery()
        data = self._data
        ratios = {
            "current_ratio": _ratio(data, "current_transformer_ratio"),
            "voltage_ratio": _ratio(data, "voltage_transformer_ratio"),
        }
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                self._schema(automatic), self._answers or self._suggested()
            ),
            description_placeholders={"interval": in_words(automatic), **ratios},
        )

    async def async_step_battery(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002  # A menu has none.
    ) -> ConfigFlowResult:
        """Say what it costs to read a meter on a battery so often."""
        return self.async_show_menu(
            step_id="battery",
            menu_options=["init", "accept"],
            description_placeholders=self._cost,
        )

    async def async_step_accept(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002  # A menu has none.
    ) -> ConfigFlowResult:
        """Store the options."""
        return self.async_create_entry(data=self._options)

    @property
    def _pushes(self) -> bool:
        """Whether the meter sends by itself."""
        return settings_from(self.config_entry.data).mode is Mode.D

    @property
    def _data(self) -> MeterData | None:
        """What is known of the meter; None if nothing is, or it is not set up."""
        entry = self.config_entry
        if entry.state is not ConfigEntryState.LOADED:
            return None
        data: MeterData | None = entry.runtime_data.coordinator.data
        return data

    def _schema(self, automatic: timedelta) -> vol.Schema:
        if self._pushes:
            polling = throttle_field(_USUAL[CONF_THROTTLE])
        else:
            polling = {
                **schedule_fields(Supply.MAINS, Kind.AUTOMATIC),
                **times_fields(Schedule(interval=automatic)),
            }
        polling[vol.Optional(CONF_GRACE)] = whole_number(
            1, MAX_GRACE, UnitOfTime.MINUTES
        )
        values: dict[Any, Any] = {
            vol.Required(name, default=_USUAL[name]): NumberSelector(
                NumberSelectorConfig(
                    min=1, max=MAX_RATIO, step="any", mode=NumberSelectorMode.BOX
                )
            )
            for name in (CONF_CURRENT_RATIO, CONF_VOLTAGE_RATIO)
        }
        values[vol.Required(CONF_BILLING_PERIODS, default=0)] = whole_number(
            0, MAX_BILLING_PERIODS
        )
        values[vol.Required(CONF_CLOCK, default=_USUAL[CONF_CLOCK])] = choice(
            CONF_CLOCK, [one.value for one in Habit]
        )
        sections: dict[Any, Any] = {
            vol.Required(CONF_POLLING): section(vol.Schema(polling)),
            vol.Required(CONF_VALUES): section(vol.Schema(values)),
        }
        if codes := self._unitless_codes():
            units = {vol.Optional(code): _unit_field() for code in codes}
            sections[vol.Optional(CONF_UNITS)] = section(vol.Schema(units))
        return vol.Schema(sections)

    def _suggested(self) -> dict[str, Any]:
        """Return the options as they are, section by section."""
        options = self.config_entry.options
        return {
            CONF_POLLING: options,
            CONF_VALUES: options,
            CONF_UNITS: options.get(CONF_UNITS, {}),
        }

    def _changed(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that `answers` stand for."""
        polling = answers[CONF_POLLING]
        changed = {} if self._pushes else schedule_options(polling)
        if not self.config_entry.data[CONF_MANUFACTURER]:
            # Nobody knows yet what suits the meter, unless the user has decided.
            for name, usual in usual_options(Supply.MAINS).items():
                if name not in self.config_entry.options and changed[name] == usual:
                    del changed[name]
        chosen = {CONF_GRACE: None, **polling, **answers[CONF_VALUES]}
        for name, usual in _USUAL.items():
            if name in chosen and chosen[name] != usual:
                changed[name] = chosen[name]
        if units := answers.get(CONF_UNITS):
            changed[CONF_UNITS] = units
        return changed

    def _unitless_codes(self) -> list[str]:
        """Return the codes of the counters without unit, known ones included."""
        stored = self.config_entry.options.get(CONF_UNITS, {})
        data = self._data
        found = {} if data is None else dict.fromkeys(_unitless_codes(data))
        return list(found | dict.fromkeys(stored))


def _schedule(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the options decides how often the meter is read."""
    names = (CONF_SUPPLY, CONF_SCHEDULE, CONF_INTERVAL, CONF_MINUTE, CONF_TIME)
    return {name: options.get(name) for name in names}


def _unit_field() -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(
            options=[UnitOfEnergy.WATT_HOUR, UnitOfEnergy.KILO_WATT_HOUR],
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


def _ratio(data: MeterData | None, key: str) -> str:
    """Return what the meter itself says about its transformers, as a hint."""
    readings = () if data is None else data.readings.values()
    for reading in readings:
        if reading.key == key and isinstance(reading.value, Decimal):
            return str(reading.value)
    return UNKNOWN


def _unitless_codes(data: MeterData) -> Iterator[str]:
    """Find the counters that may be energy, and that came without a unit.

    A known register has the usual unit then, so only the latest readout can tell.
    """
    plain = {
        data_set.address
        for data_set in (data.readout.data_sets if data.readout else ())
        if data_set.unit is None and split_unit(data_set.value)[1] is None
    }
    for reading in data.readings.values():
        if reading.billing_period is not None:
            continue
        register = reading.register
        if register is None:
            if reading.unit is None and _may_count(reading):
                yield reading.code
        elif (
            register.measure is Measure.TOTAL
            and register.quantity in _COUNTED
            and reading.address in plain
        ):
            yield reading.code


def _may_count(reading: Reading) -> bool:
    """Whether a register that nobody knows looks like a counter."""
    try:
        code = ObisCode.parse(reading.code)
    except TelegramError:
        return False
    # Without a unit the value of an unknown register is text.
    return code.d == _TIME_INTEGRAL and isinstance(
        parse_number(str(reading.value))[0], Decimal
    )
