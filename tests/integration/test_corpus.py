"""Real telegrams through everything: TCP, the dialog, the entry, the states.

What is expected is read from the capture by a regular expression of its own, so
that no mistake of the protocol package can hide itself.
"""

from collections.abc import Iterator
from decimal import Decimal
import re
from unittest.mock import patch

from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from yarl import URL

from custom_components.iec62056.form import CONF_ADVANCED, CONF_GATEWAY
from custom_components.iec62056.iec21.capture import split_capture
from custom_components.iec62056.iec21.simulator import SimulatedMeter, serve_tcp
from tests.corpus import CORPUS, needs_corpus
from tests.integration.common import defaults, find, open_form, submit

CAPTURES = (
    "ISK_MT174_1.txt",
    "LGZ_ZMD310_2.txt",
    "LGZ_ZMD310_B40_1.txt",
    "LOG_LK13BE_1.txt",
)

# x.8.y of the current billing period, with the unit of an energy.
_ENERGY = re.compile(
    rb"^\x02?((?:\d+-\d+:)?\d+\.8\.\d+(?:\*255)?)"
    rb"\(\s*([+-]?\d+(?:\.\d+)?)\*((?:k|M)?(?:Wh|varh|VAh))\)",
    re.MULTILINE,
)


@pytest.fixture(autouse=True)
def _all_enabled() -> Iterator[None]:
    """Enable every sensor, whatever its default."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default", new=True
    ):
        yield


@needs_corpus
@pytest.mark.socket
@pytest.mark.parametrize("name", CAPTURES)
async def test_every_energy_register_reaches_home_assistant(
    hass: HomeAssistant, socket_enabled: None, name: str
) -> None:
    """With exactly the digits and the unit that the meter sent."""
    data = (CORPUS / name).read_bytes()
    expected = {
        (address.decode(), Decimal(value.decode()), unit.decode())
        for address, value, unit in _ENERGY.findall(data)
    }
    assert expected

    capture = split_capture(data)
    meter = SimulatedMeter(
        # Excerpts in forums begin behind the identification.
        identification=capture.identification or b"/XXX5TEST",
        content=capture.block,
    )
    async with serve_tcp(meter) as server:
        url = URL(server.port_url)
        form = await open_form(hass, "network")
        shown = await find(
            hass,
            form,
            {
                CONF_HOST: url.host,
                CONF_PORT: url.port,
                CONF_GATEWAY: "tcp",
                CONF_ADVANCED: {},
            },
        )
        result = await submit(hass, shown, {**defaults(shown), CONF_NAME: "Capture"})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done(wait_background_tasks=True)
        states = {
            (
                state.attributes.get("obis_code", ""),
                Decimal(state.state),
                state.attributes["unit_of_measurement"],
            )
            for state in hass.states.async_all("sensor")
            if re.fullmatch(
                r"(?:\d+-\d+:)?\d+\.8\.\d+(?:\*255)?",
                state.attributes.get("obis_code", ""),
            )
        }
        assert states == expected
        assert await hass.config_entries.async_unload(result["result"].entry_id)
