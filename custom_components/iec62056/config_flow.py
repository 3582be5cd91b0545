"""Ask for the port, find the meter behind it, give it a name."""

import asyncio
from typing import Any, Final, Literal, Self, override

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import (
    CONF_DEVICE,
    CONF_HOST,
    CONF_NAME,
    CONF_PORT,
    UnitOfTime,
)
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    SerialPortSelector,
    TextSelector,
)
from homeassistant.util.ulid import ulid_now
import voluptuous as vol

from .const import (
    BATTERY_INTERVAL,
    CONF_ADDRESS,
    CONF_INTERVAL,
    CONF_MANUFACTURER,
    CONF_METER_ID,
    DEFAULT_INTERVAL,
    DOMAIN,
    MAX_INTERVAL,
    MIN_INTERVAL,
)
from .form import (
    CONF_ADVANCED,
    advanced_section,
    departures,
    invalid_fields,
    settings_from,
)
from .iec21.exceptions import (
    EchoOnlyError,
    LinkError,
    MeterRefusedError,
    MeterTimeoutError,
    OtherProtocolError,
    TelegramError,
)
from .iec21.transport import display_port
from .meter import Meter
from .ports import (
    async_port_identity,
    async_port_users,
    async_stable_path,
    gateway_url,
    without_secrets,
)
from .search import Search

CONF_GATEWAY: Final = "gateway"

GATEWAYS: Final = {"tcp": "socket", "rfc2217": "rfc2217"}
"""Kinds of gateways, and the scheme of serialx for each."""

DEFAULT_TCP_PORT: Final = 2000
"""The first port in the configuration that ser2net comes with."""

_MAX_SHOWN_BYTES: Final = 24

_UNKNOWN: Final = "–"
"""What a form shows where the meter has said nothing."""


class IecConfigFlow(ConfigFlow, domain=DOMAIN):
    """Set up one meter."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Begin without anything known."""
        self._form: Literal["serial", "network"] = "serial"
        self._input: dict[str, Any] = {}
        self._errors: dict[str, str] = {}
        self._placeholders: dict[str, str] = {}
        self._device = ""
        self._address = ""
        self._identity = ""
        self._search: Search | None = None
        self._find_task: asyncio.Task[Meter | None] | None = None
        self._meter: Meter | None = None

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how the meter is connected."""
        return self.async_show_menu(step_id="user", menu_options=["serial", "network"])

    async def async_step_serial(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a port that Home Assistant knows, or any that serialx knows."""
        if user_input is not None:
            port = user_input[CONF_DEVICE].strip()
            if not port or not port.isprintable():
                self._errors[CONF_DEVICE] = "invalid_device"
            return await self._async_begin("serial", user_input, port)
        return self._show("serial", {vol.Required(CONF_DEVICE): SerialPortSelector()})

    async def async_step_network(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a gateway in the network."""
        if user_input is not None:
            try:
                port = gateway_url(
                    GATEWAYS[user_input[CONF_GATEWAY]],
                    user_input[CONF_HOST],
                    user_input[CONF_PORT],
                )
            except ValueError:
                self._errors[CONF_HOST] = "invalid_host"
                port = ""
            return await self._async_begin("network", user_input, port)
        return self._show(
            "network",
            {
                vol.Required(CONF_HOST): TextSelector(),
                vol.Required(CONF_PORT, default=DEFAULT_TCP_PORT): vol.All(
                    NumberSelector(
                        NumberSelectorConfig(
                            min=1, max=65535, step=1, mode=NumberSelectorMode.BOX
                        )
                    ),
                    vol.Coerce(int),
                ),
                vol.Required(CONF_GATEWAY, default="tcp"): SelectSelector(
                    SelectSelectorConfig(
                        options=list(GATEWAYS),
                        translation_key=CONF_GATEWAY,
                        mode=SelectSelectorMode.LIST,
                    )
                ),
            },
        )

    def _show(self, step_id: str, fields: dict[Any, Any]) -> ConfigFlowResult:
        """Show a form with what was typed before and what went wrong, if any."""
        errors, self._errors = self._errors, {}
        placeholders, self._placeholders = self._placeholders, {}
        schema = vol.Schema(
            {
                **fields,
                vol.Required(CONF_ADVANCED): advanced_section(
                    collapsed=CONF_ADVANCED not in errors
                ),
            }
        )
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, self._input),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def _async_begin(
        self,
        step_id: Literal["serial", "network"],
        user_input: dict[str, Any],
        port: str,
    ) -> ConfigFlowResult:
        """Look for a meter at `port`, unless the form itself has an error."""
        self._form = step_id
        self._input = user_input
        # A field that was emptied comes back as an empty text.
        advanced = {
            name: value
            for name, value in user_input[CONF_ADVANCED].items()
            if value != ""
        }
        for name in invalid_fields(advanced):
            # Fields within a section cannot show errors, the section can.
            self._errors[CONF_ADVANCED] = f"invalid_{name}"
        if self._errors:
            return await self._async_back_to_form()

        settings = settings_from(advanced)
        port = await async_stable_path(self.hass, port)
        self._device = port
        self._address = settings.address
        self._identity = await async_port_identity(self.hass, port)
        if self._find_task is not None and not self._find_task.done():
            # The form was submitted twice; one search is enough.
            return await self.async_step_search()
        if self.hass.config_entries.flow.async_has_matching_flow(self):
            self._errors["base"] = "already_in_progress"
            return await self._async_back_to_form()
        self._search = Search(self.hass, port, settings)
        self._find_task = self.hass.async_create_task(
            self._search.async_find(self.async_update_progress), eager_start=False
        )
        return await self.async_step_search()

    @override
    def is_matching(self, other_flow: Self) -> bool:
        """Whether another flow is reading at the same port right now.

        A dialog that was left open does not count: it would lock the port until
        the next restart.
        """
        search = other_flow._search  # It is this class's own.
        return (
            search is not None
            and not search.task.done()
            and other_flow._identity == self._identity
        )

    async def _async_back_to_form(self) -> ConfigFlowResult:
        if self._form == "network":
            return await self.async_step_network()
        return await self.async_step_serial()

    async def async_step_search(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002  # Never any.
    ) -> ConfigFlowResult:
        """Show progress until the meter is known or not found."""
        assert self._find_task is not None  # noqa: S101  # For the type checker.
        if not self._find_task.done():
            return self.async_show_progress(
                step_id="search",
                progress_action="search",
                progress_task=self._find_task,
                description_placeholders={"device": display_port(self._device)},
            )
        self._meter = self._find_task.result()
        if self._meter is None:
            await self._async_explain()
            return self.async_show_progress_done(next_step_id=self._form)
        return self.async_show_progress_done(next_step_id="meter")

    async def async_step_meter(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show who answered, and ask for a name."""
        assert self._search is not None  # noqa: S101  # For the type checker.
        assert self._meter is not None  # noqa: S101
        # The readout has gone on meanwhile. Its number is checked once it is
        # complete; in an attempt that begins again there may be none for a while.
        latest = self._search.meter
        if latest is not None and (latest.number or not self._meter.number):
            self._meter = latest
        await self._async_abort_if_known(self._meter)

        if user_input is None:
            return self._show_meter(self._meter)
        self._search.hand_over()
        return self.async_create_entry(
            title=user_input[CONF_NAME].strip() or self._meter.default_name,
            data={
                CONF_DEVICE: self._device,
                CONF_ADDRESS: self._address,
                CONF_METER_ID: self._meter.unique_id or ulid_now(),
                CONF_MANUFACTURER: self._meter.code,
                **departures(self._search.settings),
            },
            options={CONF_INTERVAL: user_input[CONF_INTERVAL]},
        )

    async def _async_abort_if_known(self, meter: Meter) -> None:
        """Abort if this meter is set up already.

        Where one of the two has no number, what is read at the same port under the
        same address is taken for the same meter.
        """
        await self.async_set_unique_id(meter.unique_id, raise_on_progress=False)
        self._abort_if_unique_id_configured()
        for entry in self._async_current_entries():
            if (
                None in (meter.unique_id, entry.unique_id)
                and entry.data[CONF_ADDRESS] == self._address
                and await async_port_identity(self.hass, entry.data[CONF_DEVICE])
                == self._identity
            ):
                raise AbortFlow("already_configured")

    def _show_meter(self, meter: Meter) -> ConfigFlowResult:
        """Show who answered."""
        assert self._search is not None  # noqa: S101  # For the type checker.
        interval = (
            BATTERY_INTERVAL if self._search.settings.wake_up else DEFAULT_INTERVAL
        )
        values = [
            # As the meter's display shows it: without medium and channel.
            f"- {reading.code.rpartition(':')[2]}: {reading.value} {reading.unit}"
            for reading in self._search.values
        ]
        return self.async_show_form(
            step_id="meter",
            data_schema=vol.Schema(
                {
                    vol.Required(CONF_NAME, default=meter.default_name): TextSelector(),
                    vol.Required(
                        CONF_INTERVAL, default=int(interval.total_seconds())
                    ): vol.All(
                        NumberSelector(
                            NumberSelectorConfig(
                                min=int(MIN_INTERVAL.total_seconds()),
                                max=int(MAX_INTERVAL.total_seconds()),
                                step=1,
                                unit_of_measurement=UnitOfTime.SECONDS,
                                mode=NumberSelectorMode.BOX,
                            )
                        ),
                        vol.Coerce(int),
                    ),
                }
            ),
            description_placeholders={
                "manufacturer": meter.manufacturer,
                "model": meter.model or _UNKNOWN,
                "number": meter.number or _UNKNOWN,
                "values": "\n".join(values) or _UNKNOWN,
            },
            last_step=True,
        )

    async def _async_explain(self) -> None:
        """Say in the form why no meter was found, and what to try."""
        assert self._search is not None  # noqa: S101  # For the type checker.
        port = self._device
        details: dict[str, str] = {}
        if not self._search.has_turn or isinstance(
            self._search.error, LinkError | HomeAssistantError
        ):
            users = await async_port_users(self.hass, port)
            details["detail"] = without_secrets(str(self._search.error), port)
            details["users"] = ", ".join(users) or _UNKNOWN
            if not self._search.has_turn:
                key = "port_busy"
            else:
                key = "port_in_use" if users else "cannot_open"
        else:
            key, details = _explain(self._search)
        self._errors["base"] = key
        self._placeholders = {"device": display_port(port), **details}

    @callback
    @override
    def async_remove(self) -> None:
        """Stop reading when the dialog is closed without an entry."""
        if self._search is not None:
            self._search.abandon()


def _explain(search: Search) -> tuple[str, dict[str, str]]:
    """Return the key of what was observed at an open port, and its details."""
    details: dict[str, str] = {}
    match search.error:
        case MeterTimeoutError() | None if search.answered:
            key = "no_data"
        case EchoOnlyError():
            key = "echo_only"
        case MeterTimeoutError(received=b"") | None:
            key = "no_answer"
        case OtherProtocolError(protocol=protocol):
            key = protocol.lower()
        case TelegramError() if search.answered:
            key = "damaged"
        case MeterTimeoutError(received=received) | TelegramError(received=received):
            key = "garbled"
            details = _show_bytes(received)
        case MeterRefusedError(answer=answer):
            key = "refused"
            details = {"detail": answer}
        case _:
            key = "unknown"
    return key, details


def _show_bytes(received: bytes) -> dict[str, str]:
    """Show how many bytes came, and the first of them."""
    shown = received[:_MAX_SHOWN_BYTES].hex(" ")
    if len(received) > _MAX_SHOWN_BYTES:
        shown += " …"
    return {"count": str(len(received)), "received": shown}
