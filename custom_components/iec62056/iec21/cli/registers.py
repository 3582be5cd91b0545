"""`iec21 get` and `iec21 set`: single registers, in programming mode."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
import re
from typing import Final

from ..conversation import Conversation
from ..credentials import Credentials
from ..exceptions import (
    CommandRefusedError,
    IecError,
    LinkError,
    MeterTimeoutError,
    SessionEndedError,
    TelegramError,
)
from ..messages import Identification
from ..reading import Reading, interpret
from ..telegram import Check, DataSet, Readout
from ..values import parse_number
from . import output
from .choices import credentials_of
from .documents import (
    Document,
    programming_document,
    register_document,
    write_document,
)
from .failures import (
    DONE,
    INTERRUPTED,
    REFUSED,
    UsageError,
    advice_on_refusals,
    explain,
    reason_of,
)
from .opening import check_sendable, opened

# Where locks of LIS-200 devices take their codes (spelled as `lis200.Address`), and
# where meters with formatted codes keep their passwords (Annex C).
_SECRET = re.compile(
    r"(?:\d{1,3}-)?\d{1,2}:0?171(?:\..*)?|D1[0-7][4-8]", re.ASCII | re.IGNORECASE
)

_OUTCOME_UNKNOWN: Final = "nobody knows whether it was written"


@dataclass(slots=True, kw_only=True)
class _Session:
    """What is known of the meter, and of the time that it took."""

    identification: Identification | None = None
    baud_rate: int = 0

    duration: float = 0.0
    """Seconds from opening the port to the last answer."""

    error: IecError | None = None
    """What ended the session too early, with something to show all the same."""

    def document(self, port: str) -> Document:
        """Return what the documents of both commands begin with."""
        head = programming_document(port, self.identification, self.baud_rate)
        return head | {"duration": round(self.duration, 3)}


@dataclass(slots=True, kw_only=True)
class _Answer:
    """What the meter said about one register."""

    register: str
    data_sets: tuple[DataSet, ...] = ()
    readings: tuple[Reading, ...] = ()
    refusal: CommandRefusedError | None = None


@dataclass(slots=True, kw_only=True)
class _Visit(_Session):
    """A session in which registers are read."""

    answers: list[_Answer] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Write(_Session):
    """A session in which one is written."""

    before: tuple[DataSet, ...] | None = None
    after: tuple[DataSet, ...] | None = None
    """None: it could not be read."""


# -- get ----------------------------------------------------------------------


def get(options: argparse.Namespace) -> int:
    """Read single registers."""
    check_sendable(*options.registers)
    visit = asyncio.run(_get(options, credentials_of(options)))
    document = {
        "registers": [
            register_document(
                answer.register,
                answer.data_sets,
                answer.readings,
                reason_of(answer.refusal) if answer.refusal else None,
            )
            for answer in visit.answers
        ]
    }
    if not options.json:
        _print_who(visit.identification)
        readings = [one for answer in visit.answers for one in answer.readings]
        if readings:
            output.print_readings(readings)
    failure = explain(visit.error) if visit.error else _explain_refusals(visit.answers)
    return _finish(options, visit, document, failure)


async def _get(options: argparse.Namespace, credentials: Credentials | None) -> _Visit:
    """Read one register after the other.

    Raises:
        IecError: nothing could be read.

    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    visit = _Visit()
    try:
        async with opened(options, credentials) as meter:
            visit.identification = meter.identification
            visit.baud_rate = meter.baud_rate
            for register in options.registers:
                answer = await _ask(meter, register, options.command_name)
                visit.answers.append(answer)
                visit.duration = loop.time() - started
    except IecError as error:
        if not visit.answers:
            raise
        visit.error = error
    return visit


async def _ask(meter: Conversation, register: str, command: str | None) -> _Answer:
    try:
        data_sets = await meter.read(register, command=command)
    except CommandRefusedError as error:
        return _Answer(register=register, refusal=error)
    named = data_sets
    if data_sets and not data_sets[0].address:
        # Some meters leave the code out: what was asked is what they answer.
        first = replace(data_sets[0], address=register.partition("(")[0])
        named = (first, *data_sets[1:])
    readout = Readout(
        identification=meter.identification, data_sets=named, check=Check.AUTO
    )
    return _Answer(register=register, data_sets=data_sets, readings=interpret(readout))


def _explain_refusals(answers: Sequence[_Answer]) -> tuple[str, int]:
    """Name the registers that were refused; the exit status if there are any."""
    refused = {answer.register: answer.refusal for answer in answers if answer.refusal}
    if not refused:
        return "", DONE
    named = ", ".join(f"{name} ({reason_of(why)})" for name, why in refused.items())
    return f"the meter refused {named}; {advice_on_refusals(refused.values())}", REFUSED


# -- set ----------------------------------------------------------------------


def set_register(options: argparse.Namespace) -> int:
    """Write a register, once somebody has agreed."""
    register, value = options.register, options.value
    check_sendable(register, value)
    if {*register, *value} & {*"()"}:
        raise UsageError("a register or a value with brackets cannot be written")
    if not (options.yes or output.can_ask()):
        raise UsageError("nobody can be asked here; --yes writes without a question")
    credentials = credentials_of(options)
    write = _Write()
    if not options.yes:
        asyncio.run(_look(options, credentials, write))
        shown = _shown(register, value)
        if not output.ask(f"{register} is {_text(write.before)}; write {shown}?"):
            output.print_note("nothing was written")
            return INTERRUPTED
    asyncio.run(_set(options, credentials, write))
    verified = None if write.after is None else _agrees(value, write.after)
    document = write_document(
        register,
        None if _is_secret(register) else value,
        write.before,
        write.after,
        verified=verified,
    )
    if not options.json:
        _print_who(write.identification)
        texts = _text(write.before), _shown(register, value), _text(write.after)
        output.print_write(register, *texts)
    if verified is False and write.error is None:
        output.print_note(
            "the meter acknowledged, and reads back something else, as a clock does"
            " that goes on"
        )
    failure = explain(write.error) if write.error else ("", DONE)
    return _finish(options, write, document, failure)


async def _look(
    options: argparse.Namespace, credentials: Credentials | None, write: _Write
) -> None:
    """Read what is there before the question.

    The session is not kept open for it: meters drop one in which nothing happens.
    """
    async with opened(options, credentials) as meter:
        write.before = await _value(meter, options)


async def _set(
    options: argparse.Namespace, credentials: Credentials | None, write: _Write
) -> None:
    """Write, and read back.

    Raises:
        IecError: it was not written, or nobody knows; a note says which.

    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with opened(options, credentials) as meter:
        write.identification = meter.identification
        write.baud_rate = meter.baud_rate
        if options.yes:
            write.before = await _value(meter, options)
        await _write(meter, options, write)
        write.duration = loop.time() - started


async def _write(
    meter: Conversation, options: argparse.Namespace, write: _Write
) -> None:
    done = False
    try:
        await meter.write(options.register, options.value, command=options.command_name)
        done = True
        write.after = await _value(meter, options)
    except CommandRefusedError as error:
        error.add_note("nothing was written")
        raise
    except (MeterTimeoutError, SessionEndedError, TelegramError) as error:
        what = "it was written, and not read back" if done else _OUTCOME_UNKNOWN
        error.add_note(what)
        write.error = error
        if not done:
            # It shows in the register.
            with suppress(IecError):
                write.after = await _value(meter, options)
    except LinkError as error:
        error.add_note("it was written" if done else _OUTCOME_UNKNOWN)
        raise


async def _value(
    meter: Conversation, options: argparse.Namespace
) -> tuple[DataSet, ...] | None:
    """Read the register; None where the meter does not give it, or nobody may see."""
    if _is_secret(options.register):
        return None
    # What is written as a formatted code is read as one.
    formatted = options.command_name in {"W2", "W4"}
    try:
        return await meter.read(options.register, command="R2" if formatted else None)
    except CommandRefusedError:
        return None


def _is_secret(register: str) -> bool:
    """Whether what is written there opens something."""
    return _SECRET.fullmatch(register.strip()) is not None


def _shown(register: str, value: str) -> str:
    return "…" if _is_secret(register) else value


def _agrees(value: str, data_sets: Sequence[DataSet]) -> bool:
    """Whether what was read back is what was written."""
    if not data_sets:
        return False
    found = data_sets[0]
    text, _, unit = value.partition("*")
    if unit and unit != found.unit:
        return False
    return found.value == text or (
        parse_number(found.value)[0] == parse_number(text)[0]
    )


# -- both ---------------------------------------------------------------------


def _finish(
    options: argparse.Namespace,
    session: _Session,
    document: Document,
    failure: tuple[str, int],
) -> int:
    """Print what is left to be printed, and return the exit status."""
    text, status = failure
    if options.json:
        ended = {"error": text, "exit": status} if text else {}
        output.print_document(session.document(options.port) | document | ended)
    if text:
        output.print_failure(text, status, as_json=False)
    return status


def _print_who(identification: Identification | None) -> None:
    output.print_line(identification.raw if identification else "?")


def _text(data_sets: Sequence[DataSet] | None) -> str:
    """Write what stands in the brackets; "?" where nobody knows."""
    if data_sets is None:
        return "?"
    return ", ".join(
        str(item).partition("(")[2].removesuffix(")") for item in data_sets
    )
