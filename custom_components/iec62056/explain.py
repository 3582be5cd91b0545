"""Why a search has found no meter, in words that say what to try."""

from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .iec21.exceptions import (
    EchoOnlyError,
    LinkError,
    MeterRefusedError,
    MeterTimeoutError,
    OtherProtocolError,
    TelegramError,
)
from .iec21.transport import display_port
from .ports import async_port_users, without_secrets
from .search import Search

UNKNOWN: Final = "–"
"""What a form shows where nothing is known."""

_MAX_SHOWN_BYTES: Final = 24


async def async_explain(
    hass: HomeAssistant, search: Search
) -> tuple[str, dict[str, str]]:
    """Return the key of the text that fits, and what to put into it."""
    port = search.port
    details = {"device": display_port(port)}
    if search.has_turn and not isinstance(search.error, LinkError | HomeAssistantError):
        key, observed = _explain(search)
        return key, {**details, **observed}
    users = await async_port_users(hass, port)
    details["detail"] = without_secrets(str(search.error), port)
    details["users"] = ", ".join(users) or UNKNOWN
    if not search.has_turn:
        key = "port_busy"
    else:
        key = "port_in_use" if users else "cannot_open"
    return key, details


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
