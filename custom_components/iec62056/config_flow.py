"""Ask for the link, find the meter behind it, and ask how it is to be read."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal, Self, override

from homeassistant.components import usb
from homeassistant.config_entries import (
    SOURCE_USB,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_DEVICE, CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import DOMAIN as HOMEASSISTANT_DOMAIN, callback
from homeassistant.data_entry_flow import AbortFlow, section
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    SerialPortSelector,
    TextSelector,
)
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.util.ulid import ulid_now
import voluptuous as vol

from .const import (
    CONF_ADDRESS,
    CONF_MANUFACTURER,
    CONF_METER_ID,
    CONF_THROTTLE,
    CONF_UNCONFIRMED,
    DEFAULT_THROTTLE,
    DOMAIN,
)
from .explain import UNKNOWN, async_explain
from .form import (
    CONF_ADD_ANYWAY,
    CONF_ADVANCED,
    CONF_DETAILS,
    CONF_GATEWAY,
    CONF_TIMES,
    CONF_TRACE,
    GATEWAYS,
    add_anyway_field,
    advanced_section,
    battery_cost,
    combined_settings,
    departures,
    details_section,
    in_words,
    invalid_fields,
    line_settings,
    network_fields,
    reading_fields,
    schedule_options,
    throttle_field,
    typed_settings,
    usual_options,
    with_settings,
)
from .iec21.nameplate import Supply
from .iec21.settings import Mode, Settings
from .iec21.transport import display_port
from .meter import Meter, free_title, plain_address
from .move import Move
from .neighbours import (
    async_connections,
    async_entries_at,
    async_is_read_there,
    free_unique_id,
    may_be_of,
    sharing_entries,
)
from .options_flow import IecOptionsFlow
from .ports import async_bus, async_port_identity, async_stable_path, gateway_url
from .search import Progress, Search

CONF_CONNECTION: Final = "connection"

NEVER_FOUND: Final = "IEC 62056-21 meter"
"""Name of a meter that has never answered."""

_TICK: Final = 1.0
"""Seconds between two movements of the progress bar."""

type LinkForm = Literal["serial", "network", "shared", "usb_confirm", "reconfigure"]
"""The forms that lead to a search, and that come back when it fails."""


class IecConfigFlow(ConfigFlow, domain=DOMAIN):
    """Set up one meter, or find it again elsewhere."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Begin without anything known."""
        self._form: LinkForm = "serial"
        self._input: dict[str, Any] = {}
        self._errors: dict[str, str] = {}
        self._placeholders: dict[str, str] = {}
        self._device = ""
        self._identity = ""
        self._head = ""
        self._search: Search | None = None
        self._find_task: asyncio.Task[Meter | None] | None = None
        self._watch_task: asyncio.Task[None] | None = None
        self._shown: Progress | None = None
        self._trace: str | None = None
        self._meter: Meter | None = None
        self._answers: dict[str, Any] = {}
        self._move: Move | None = None
        self._reason: str | None = None
        self._is_over = False

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> IecOptionsFlow:
        """Return the dialog for the options of an entry."""
        return IecOptionsFlow()

    # -- which link -------------------------------------------------------------------

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how the meter is connected."""
        options = ["serial", "network"]
        if sharing_entries(self.hass):
            options.append("shared")
        return self.async_show_menu(step_id="user", menu_options=options)

    async def async_step_serial(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a port that Home Assistant knows, or any that serialx knows."""
        if user_input is not None:
            port = self._checked_port(user_input)
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
        return self._show("network", network_fields())

    async def async_step_shared(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for one more meter on a line where another one is read already."""
        if user_input is not None:
            port, settings = "", {}
            neighbour = self.hass.config_entries.async_get_entry(
                user_input[CONF_CONNECTION]
            )
            if neighbour is None:
                self._errors[CONF_CONNECTION] = "connection_gone"
            else:
                port = neighbour.data[CONF_DEVICE]
                settings = line_settings(neighbour.data)
            if not user_input[CONF_ADDRESS].strip():
                self._errors[CONF_ADDRESS] = "address_required"
            return await self._async_begin("shared", user_input, port, settings)
        return self._show(
            "shared",
            {
                vol.Required(CONF_CONNECTION): SelectSelector(
                    SelectSelectorConfig(
                        options=await async_connections(self.hass),
                        mode=SelectSelectorMode.LIST,
                    )
                ),
                vol.Required(CONF_ADDRESS): TextSelector(),
            },
            advanced=advanced_section(
                collapsed=CONF_ADVANCED not in self._errors, address=False, blank=True
            ),
        )

    @override
    async def async_step_usb(self, discovery_info: UsbServiceInfo) -> ConfigFlowResult:
        """Offer a head that is made for meters and was plugged in."""
        # Until the meter is known, the head stands for it: so it can be ignored.
        await self.async_set_unique_id(
            usb.usb_unique_id_from_service_info(discovery_info)
        )
        self._abort_if_unique_id_configured()
        self._device = await async_stable_path(self.hass, discovery_info.device)
        self._head = discovery_info.description or discovery_info.device
        self.context["title_placeholders"] = {"name": self._head}
        return await self.async_step_usb_confirm()

    async def async_step_usb_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask before anything is sent through a head that was discovered."""
        self._identity = await async_port_identity(self.hass, self._device)
        if await async_entries_at(self.hass, self._identity):
            raise AbortFlow("already_configured")
        if user_input is not None:
            return await self._async_begin("usb_confirm", user_input, self._device)
        self._placeholders = {
            "name": self._head,
            "device": display_port(self._device),
            **self._placeholders,
        }
        return self._show("usb_confirm", {})

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where a meter is to be found from now on."""
        if self._move is None:
            self._move = Move(self.hass, self._get_reconfigure_entry())
            self._input = self._move.answers
        if user_input is not None:
            port = self._checked_port(user_input)
            return await self._async_begin(
                "reconfigure", user_input, port, self._move.kept_settings(port)
            )
        return self._show(
            "reconfigure",
            {
                vol.Required(CONF_DEVICE): SerialPortSelector(),
                vol.Optional(CONF_ADDRESS): TextSelector(),
            },
            advanced=advanced_section(
                collapsed=CONF_ADVANCED not in self._errors, address=False
            ),
        )

    def _checked_port(self, user_input: Mapping[str, Any]) -> str:
        """Return the port that was typed, and note down if it cannot be one."""
        port: str = user_input[CONF_DEVICE].strip()
        if not port or not port.isprintable():
            self._errors[CONF_DEVICE] = "invalid_device"
        return port

    def _show(
        self,
        step_id: LinkForm,
        fields: dict[Any, Any],
        *,
        advanced: section | None = None,
    ) -> ConfigFlowResult:
        """Show a form with what was typed before and what went wrong, if any."""
        errors, self._errors = self._errors, {}
        placeholders, self._placeholders = self._placeholders, {}
        fields = {
            **fields,
            vol.Required(CONF_ADVANCED): advanced
            or advanced_section(collapsed=CONF_ADVANCED not in errors),
        }
        if self._trace:
            fields[vol.Optional(CONF_DETAILS)] = details_section()
        if self._trace is not None and self._move is None:
            fields |= add_anyway_field()
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(fields),
                {**self._input, CONF_DETAILS: {CONF_TRACE: self._trace}},
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    # -- the search -------------------------------------------------------------------

    async def _async_begin(
        self,
        step_id: LinkForm,
        user_input: dict[str, Any],
        port: str,
        settings: Mapping[str, Any] | None = None,
    ) -> ConfigFlowResult:
        """Look for a meter at `port`, unless the form itself has an error.

        `settings` are known from before; what was typed goes before them.
        """
        self._form = step_id
        self._input = {
            name: value
            for name, value in user_input.items()
            if name not in (CONF_DETAILS, CONF_ADD_ANYWAY)
        }
        typed = typed_settings(user_input)
        for name in invalid_fields(typed):
            # Fields within a section cannot show errors, the section can.
            where = name if name in user_input else CONF_ADVANCED
            self._errors[where] = f"invalid_{name}"
        if self._errors:
            return await self._async_back_to_form()

        wanted = combined_settings(settings or {}, typed)
        self._device = await async_stable_path(self.hass, port)
        self._identity = await async_port_identity(self.hass, self._device)
        self._check_open()
        if user_input.get(CONF_ADD_ANYWAY):
            return await self._async_add_unknown(wanted)
        if self._move is not None:
            if self._move.costs_battery:
                return await self._async_move_unseen(self._move, wanted)
            await self._move.async_release_port()
            self._check_open()
        if self._find_task is not None and not self._find_task.done():
            # The form was submitted twice; one search is enough.
            return await self.async_step_search()
        if self.hass.config_entries.flow.async_has_matching_flow(self):
            self._errors["base"] = "already_in_progress"
            if self._move is not None:
                self._move.give_port_back()
            return await self._async_back_to_form()
        self._trace = None
        self._search = Search(self.hass, self._device, wanted)
        self._find_task = self.hass.async_create_task(
            self._search.async_find(), eager_start=False
        )
        return await self.async_step_search()

    @callback
    def _check_open(self) -> None:
        """Stop here if the dialog was closed meanwhile; nobody would end a search."""
        if self._is_over:
            if self._move is not None:
                self._move.give_port_back()
            raise AbortFlow("already_in_progress")

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
        """Show the form again, with the errors that have been noted down."""
        show = {
            "serial": self.async_step_serial,
            "network": self.async_step_network,
            "shared": self.async_step_shared,
            "usb_confirm": self.async_step_usb_confirm,
            "reconfigure": self.async_step_reconfigure,
        }[self._form]
        return await show()

    async def async_step_search(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002  # Never any.
    ) -> ConfigFlowResult:
        """Show progress until the meter is known or not found.

        Home Assistant calls this again when the task of the progress is over, and
        shows what has changed in the text. That is how the text moves.
        """
        assert self._find_task is not None  # noqa: S101  # For the type checker.
        assert self._search is not None  # noqa: S101
        if not self._find_task.done():
            if self._watch_task is None or self._watch_task.done():
                self._shown = self._search.progress
                self._watch_task = self.hass.async_create_task(
                    self._async_watch(self._search, self._find_task),
                    eager_start=False,
                )
            assert self._shown is not None  # noqa: S101  # Set with the task.
            return self.async_show_progress(
                step_id="search",
                progress_action=self._shown.stage,
                progress_task=self._watch_task,
                description_placeholders={
                    "device": display_port(self._device),
                    **self._shown.placeholders,
                },
            )
        self._meter = self._find_task.result()
        if self._meter is None:
            if self._move is not None:
                self._move.give_port_back()
            self._trace = await self._search.async_shareable_trace()
            key, self._placeholders = await async_explain(self.hass, self._search)
            self._errors["base"] = key
            return self.async_show_progress_done(next_step_id=self._form)
        if self._move is not None:
            # At once: nobody may be there any more to see the next step.
            await self._async_move(self._move, *self._found())
            return self.async_show_progress_done(next_step_id="moved")
        return self.async_show_progress_done(next_step_id="meter")

    async def _async_watch(
        self, search: Search, find_task: asyncio.Task[Meter | None]
    ) -> None:
        """Move the bar until the text has to change, or the search is over."""
        while not find_task.done():
            self.async_update_progress(search.fraction)
            if search.progress != self._shown:
                return
            await asyncio.wait({find_task}, timeout=_TICK)

    # -- the meter --------------------------------------------------------------------

    async def async_step_meter(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show who answered, and ask how it is called and read."""
        search, meter = self._found()
        await self._async_claim(search, meter)
        bus = await async_bus(self.hass, self._device)
        automatic = bus.interval(search.duration)
        if user_input is None:
            return self._show_meter(search, meter, automatic)
        self._answers = user_input
        cost = battery_cost(self._options(search), automatic)
        if cost is not None:
            self._placeholders = cost
            return await self.async_step_battery()
        return await self.async_step_accept()

    async def async_step_battery(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002  # A menu has none.
    ) -> ConfigFlowResult:
        """Say what it costs to read a meter on a battery so often."""
        return self.async_show_menu(
            step_id="battery",
            menu_options=["meter", "accept"],
            description_placeholders=self._placeholders,
        )

    async def async_step_accept(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002  # A menu has none.
    ) -> ConfigFlowResult:
        """Create the entry."""
        search, meter = self._found()
        await self._async_claim(search, meter)
        data = {
            CONF_DEVICE: self._device,
            CONF_ADDRESS: search.learned.address,
            CONF_METER_ID: self._free_meter_id(meter),
            CONF_UNCONFIRMED: True,
            CONF_MANUFACTURER: meter.code,
            **departures(search.learned),
        }
        search.hand_over(data)
        return self.async_create_entry(
            title=self._answers[CONF_NAME].strip()
            or self._free_title(meter.default_name, search.learned.address),
            data=data,
            options=self._options(search),
        )

    def _free_meter_id(self, meter: Meter) -> str:
        """Return what begins the unique ids of all that belongs to the meter.

        An entry may still carry the number of a meter that it has lost.
        """
        taken = {
            entry.data[CONF_METER_ID]
            for entry in self._async_current_entries(include_ignore=False)
        }
        if meter.unique_id is None or meter.unique_id in taken:
            return ulid_now()
        return meter.unique_id

    def _found(self) -> tuple[Search, Meter]:
        """Return the search, and who the meter is by now.

        The readout has gone on meanwhile. Its number is checked once it is complete;
        in an attempt that begins again there may be none for a while.
        """
        assert self._search is not None  # noqa: S101  # For the type checker.
        assert self._meter is not None  # noqa: S101
        latest = self._search.meter
        if latest is not None and (latest.number or not self._meter.number):
            self._meter = latest
        return self._search, self._meter

    async def _async_claim(
        self, search: Search, meter: Meter, besides: ConfigEntry | None = None
    ) -> None:
        """Find a unique id for a meter; abort if another entry has the meter.

        `besides` is the meter's own entry.
        """
        address = search.settings.address
        place = (self._identity, address)
        if await async_is_read_there(self.hass, meter, *place, besides):
            raise AbortFlow("already_configured")
        unique_id = free_unique_id(self.hass, meter, address, besides)
        await self.async_set_unique_id(unique_id, raise_on_progress=False)
        if besides is None or unique_id != besides.unique_id:
            entries = self.hass.config_entries
            known = unique_id and entries.async_entry_for_domain_unique_id(
                DOMAIN, unique_id
            )
            if known and self.source == SOURCE_USB:
                # A head that was discovered has brought the meter to another port.
                link = {CONF_DEVICE: self._device, CONF_ADDRESS: address}
                data = with_settings({**known.data, **link}, search.learned)
                entries.async_update_entry(known, data=data)
                entries.async_schedule_reload(known.entry_id)
                raise AbortFlow("moved")
            self._abort_if_unique_id_configured()

    def _free_title(self, name: str, address: str) -> str:
        titles = {entry.title for entry in self._async_current_entries()}
        return free_title(name, titles, address)

    def _options(self, search: Search) -> dict[str, Any]:
        """Return what is stored of the answers; what is usual goes without saying."""
        if search.settings.mode is not Mode.D:
            return schedule_options({**self._answers, **self._answers[CONF_TIMES]})
        throttle = self._answers[CONF_THROTTLE]
        return {} if throttle == DEFAULT_THROTTLE else {CONF_THROTTLE: throttle}

    def _show_meter(
        self, search: Search, meter: Meter, automatic: timedelta
    ) -> ConfigFlowResult:
        """Show who answered; `automatic` is how often it can be read with ease."""
        title = self._free_title(meter.default_name, search.learned.address)
        fields: dict[Any, Any] = {
            vol.Required(CONF_NAME, default=title): TextSelector()
        }
        if search.settings.mode is Mode.D:
            fields |= throttle_field(DEFAULT_THROTTLE)
        else:
            fields |= reading_fields(search.supply, automatic)
        return self.async_show_form(
            step_id="meter",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(fields), self._answers
            ),
            description_placeholders={
                "manufacturer": meter.manufacturer,
                "model": meter.model or UNKNOWN,
                "number": meter.number or UNKNOWN,
                "values": search.values_as_text or UNKNOWN,
                "interval": in_words(automatic),
            },
            last_step=True,
        )

    async def _async_add_unknown(self, settings: Settings) -> ConfigFlowResult:
        """Create an entry for a meter that has not answered yet."""
        if await self._async_is_taken(settings.address):
            return await self._async_back_to_form()
        await self.async_set_unique_id(None)
        return self.async_create_entry(
            title=self._free_title(NEVER_FOUND, settings.address),
            data={
                CONF_DEVICE: self._device,
                CONF_ADDRESS: settings.address,
                CONF_METER_ID: ulid_now(),
                CONF_MANUFACTURER: "",
                **departures(settings),
            },
            # Whoever has to be woken up lives on a battery.
            options=usual_options(Supply.BATTERY) if settings.wake_up else {},
        )

    async def _async_is_taken(
        self, address: str, besides: ConfigEntry | None = None
    ) -> bool:
        """Whether another entry reads at this place; the form then says so."""
        plain = plain_address(address)
        entries = await async_entries_at(self.hass, self._identity, plain)
        if is_taken := any(entry is not besides for entry in entries):
            self._errors["base"] = "address_taken"
        return is_taken

    # -- an entry that moves ----------------------------------------------------------

    async def _async_move(self, move: Move, search: Search, meter: Meter) -> None:
        """Let an entry read its meter where that was found again."""
        if may_be_of(move.entry, meter, is_read=search.readout is not None):
            try:
                await self._async_claim(search, meter, besides=move.entry)
            except AbortFlow as abort:
                self._reason = abort.reason
        else:
            self._reason = "unique_id_mismatch"
        if self._reason is None:
            await move.async_finish(search, meter, self.unique_id)
        else:
            move.give_port_back()

    async def async_step_moved(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002  # Never any.
    ) -> ConfigFlowResult:
        """Say what has become of an entry that was to move."""
        if self._reason is not None:
            return self.async_abort(reason=self._reason)
        return self.async_abort(
            reason="reconfigure_successful", translation_domain=HOMEASSISTANT_DOMAIN
        )

    async def _async_move_unseen(
        self, move: Move, settings: Settings
    ) -> ConfigFlowResult:
        """Let an entry read its meter elsewhere from the next readout on.

        That one shows whether it is the right meter. To ask now would wake it up.
        """
        if await self._async_is_taken(settings.address, besides=move.entry):
            return await self._async_back_to_form()
        return self.async_update_reload_and_abort(
            move.entry,
            unique_id=move.unseen_unique_id(settings.address),
            data=move.data(self._device, settings, {}),
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Stop reading when the dialog is closed without an entry."""
        self._is_over = True
        if self._search is not None:
            self._search.abandon()
        if self._move is not None:
            self._move.give_port_back()
