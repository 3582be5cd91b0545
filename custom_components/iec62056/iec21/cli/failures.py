"""Exit statuses, and the one line that says what happened and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..exceptions import (
    ChecksumError,
    CommandRefusedError,
    EchoOnlyError,
    IecError,
    LinkError,
    MeterRefusedError,
    MeterTimeoutError,
    OtherProtocolError,
    PasswordRefusedError,
    PasswordSpentError,
    UnusablePasswordError,
)
from ..lis200 import ErrorNumber

DONE: Final = 0
WRONG_USAGE: Final = 2
NOBODY_ANSWERED: Final = 3
PORT_UNUSABLE: Final = 4
ANSWER_UNUSABLE: Final = 5
REFUSED: Final = 6
INTERRUPTED: Final = 130
"""As every program that ends with Ctrl-C (128 and the signal's number)."""
BROKEN_PIPE: Final = 141
"""As every program whose reader goes away (128 and the signal's number)."""


_BARE_ANSWERS: Final = {
    "ACK": "it acknowledged, and sent nothing",
    "NAK": "it did not understand",
}
"""What a meter means that says no more than that."""

_MAKE_SURE: Final = (
    "make sure of it before you try again: some meters lock up after a few wrong ones"
)


class UsageError(Exception):
    """The command line does not make sense; the text is one sentence."""


def explain(error: IecError) -> tuple[str, int]:
    """Return what happened with what to do, and the exit status.

    The notes of the error say what was tried.
    """
    advice, status = _advice(error)
    what = str(error)
    if isinstance(error, CommandRefusedError):
        what = f"the meter refused: {reason_of(error)}"
    return "; ".join([what, *getattr(error, "__notes__", ()), advice]), status


# The first that fits counts, so the narrow classes stand before the wide ones.
_ADVICE: Final = (
    (LinkError, "check the cable and the name of the port", PORT_UNUSABLE),
    (EchoOnlyError, "put the head on the meter, or turn it", NOBODY_ANSWERED),
    (PasswordRefusedError, _MAKE_SURE, REFUSED),
    (PasswordSpentError, _MAKE_SURE, REFUSED),
    (UnusablePasswordError, "it was not sent", WRONG_USAGE),
    (
        MeterRefusedError,
        "asking again does not help; see the meter's manual",
        REFUSED,
    ),
    (
        ChecksumError,
        "read again, and if it stays try a lower --max-baud",
        ANSWER_UNUSABLE,
    ),
    (
        OtherProtocolError,
        "no setting of this program helps",
        ANSWER_UNUSABLE,
    ),
    (
        IecError,
        "try again, then another --baud and --framing",
        ANSWER_UNUSABLE,
    ),
)


def reason_of(error: CommandRefusedError) -> str:
    """Return what the meter said to a command, in words where they are known."""
    number = ErrorNumber.parse(error.answer)
    if number is not None:
        return f"{error.answer}: {number.meaning}"
    return _BARE_ANSWERS.get(error.answer, error.answer)


def _advice(error: IecError) -> tuple[str, int]:
    if isinstance(error, CommandRefusedError):
        return advice_on_refusals([error]), REFUSED
    if isinstance(error, MeterTimeoutError) and not isinstance(error, EchoOnlyError):
        return _advice_on_silence(error), NOBODY_ANSWERED
    return next(
        (advice, status) for kind, advice, status in _ADVICE if isinstance(error, kind)
    )


def advice_on_refusals(errors: Iterable[CommandRefusedError]) -> str:
    """Say what may make the meter do it, in a few words."""
    numbers = [ErrorNumber.parse(error.answer) for error in errors]
    if any(number is not None and number.wants_lock for number in numbers):
        return "--lock with a password opens one"
    return "see the meter's manual for what it knows, and whether it wants a password"


def _advice_on_silence(error: MeterTimeoutError) -> str:
    if error.waiting_for != "identification":
        return "move the head a little, or try --max-baud 300"
    if error.received:
        return "try another --baud and --framing"
    if hasattr(error, "__notes__"):
        return "check how the head sits, the port, and --address"
    return (
        "check how the head sits, then --address and --baud;"
        " a meter on a battery wants --wake-up 66"
    )
