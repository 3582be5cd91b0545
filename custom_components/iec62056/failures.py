"""Why there is no readout, in Home Assistant's words.

Errors of the protocol package become Home Assistant's here, and nowhere else.
"""

from enum import StrEnum

from homeassistant.helpers.update_coordinator import UpdateFailed

from .const import DOMAIN
from .iec21.exceptions import (
    ChecksumError,
    EchoOnlyError,
    IecError,
    LinkError,
    MeterRefusedError,
    MeterTimeoutError,
)
from .iec21.transport import link_kind
from .ports import without_secrets


class Failure(StrEnum):
    """What went wrong with a readout, by what its owner has to look after."""

    NO_ANSWER = "no_answer"
    """The meter said nothing."""

    ONLY_ECHO = "only_echo"
    """Our own sign-on came back, so the head hangs on no meter."""

    GARBLED = "garbled"
    """Something came that could not be used."""

    PORT_MISSING = "port_missing"
    """The port is not there, or cannot be opened."""

    GATEWAY_UNREACHABLE = "gateway_unreachable"
    """The same for a port in the network."""

    OTHER_METER = "other_meter"
    """Another meter answered, or one that does not say which one it is."""

    REFUSED = "refused"
    """The meter said no."""


class ReadoutFailed(UpdateFailed):
    """There is no readout to book, for a reason that is counted."""

    def __init__(self, failure: Failure, key: str, **placeholders: str) -> None:
        """Say it by the translation `key`."""
        super().__init__(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders=placeholders,
        )
        self.failure = failure


def readout_failed(error: IecError, port: str) -> ReadoutFailed:
    """Say in Home Assistant's words why there is no readout from `port`."""
    garbled = Failure.GARBLED
    match error:
        case LinkError():
            is_local = link_kind(port) == "serial"
            failed = ReadoutFailed(
                Failure.PORT_MISSING if is_local else Failure.GATEWAY_UNREACHABLE,
                "link_failed",
                detail=without_secrets(str(error), port),
            )
        case EchoOnlyError():
            failed = ReadoutFailed(Failure.ONLY_ECHO, "echo_only")
        case MeterTimeoutError(waiting_for="readout"):
            failed = ReadoutFailed(garbled, "answer_incomplete")
        case MeterTimeoutError(received=b""):
            failed = ReadoutFailed(Failure.NO_ANSWER, "no_answer")
        case MeterTimeoutError():
            failed = ReadoutFailed(garbled, "answer_garbled")
        case ChecksumError():
            failed = ReadoutFailed(garbled, "damaged")
        case MeterRefusedError():
            failed = ReadoutFailed(Failure.REFUSED, "refused", detail=error.answer)
        case _:
            failed = ReadoutFailed(garbled, "not_understood", detail=str(error))
    return failed
