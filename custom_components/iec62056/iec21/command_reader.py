"""Programming mode on the line: from bytes in pieces to messages, for both sides.

Rule 1: the block check is the one character behind ETX or EOT, by position. It
can be any character, control characters included, so nothing searches for it.

Rule 2: a frame that another one begins in has broken off. No data hold an SOH or
an STX, so a damaged message costs no other.
"""

from __future__ import annotations

from dataclasses import dataclass
import re

from .commands import (
    Answer,
    Command,
    Damaged,
    DataMessage,
    ErrorMessage,
    Operand,
    Receipt,
    SignOff,
    block_check,
    error_text,
)
from .const import ACK, ETX, NAK, SOH, STX
from .exceptions import TelegramError
from .framing import MAX_READOUT, strip_parity, sum_check, xor_check
from .telegram import Check

_START = re.compile(rb"[\x01\x02\x06\x15]")
_MARK = re.compile(rb"[\x01-\x04]")
_COMMAND = re.compile(rb"\x01([A-Z][0-9])(\x02|(?=[\x03\x04]))")
_BEGIN_OF_COMMAND = re.compile(rb"\x01(?:[A-Z][0-9]?)?")

# Commands that only a client sends. A meter's side of the line shows them as
# echoes of our own.
_OF_CLIENT = re.compile(r"[RWE][0-9]|P[12]|B1", re.ASCII)


class AnswerReader:
    """What a meter says, from bytes that come in pieces of any size.

    Noise before a message is skipped, and so is our own echo. Memory stays below
    `MAX_READOUT`.
    """

    def __init__(
        self, check: Check = Check.AUTO, *, plain_errors: bool = False
    ) -> None:
        """Begin with the block check that the meter is known to use.

        `AUTO` finds out, as `check` says then: a sum counts once it has been
        right twice in a row, because a damaged message now and then has the
        right one. `NONE` takes every message as it is. `plain_errors` is as
        `plain` of `error_text`.
        """
        self._frames = _FrameReader(check)
        self._plain_errors = plain_errors

    @property
    def check(self) -> Check:
        """The block check that the meter uses; `AUTO` while nothing has shown it."""
        return self._frames.check

    @property
    def received(self) -> bytes:
        """The message that has begun and is not complete."""
        return self._frames.received

    def sent(self, data: bytes) -> None:
        """Say what is being sent, without parity, so that its echo is known.

        What came before it is forgotten: it can belong to nothing any more. A
        single character is taken for an echo until a longer message has come
        back as none.
        """
        self._frames.expect_echo(data)

    def receive_data(self, data: bytes) -> list[Answer]:
        """Take bytes; return the answers that they complete, in order.

        Raises:
            TelegramError: a message does not end; it is forgotten.

        """
        self._frames.receive_data(data)
        answers: list[Answer] = []
        while (item := self._frames.next()) is not None:
            answer = self._answer(item)
            if answer is not None:
                answers.append(answer)
        return answers

    def _answer(self, item: Receipt | _Frame) -> Answer | None:
        """Tell what a frame means; None for one that no meter sends."""
        if isinstance(item, Receipt):
            return item
        answer: Answer | None = None
        if _OF_CLIENT.fullmatch(item.name):
            pass
        elif not item.right:
            answer = Damaged(item.received)
        elif item.name == "P0":
            seed = item.text.strip().removeprefix("(").removesuffix(")")
            answer = Operand(seed)
        elif item.name == "B0":
            answer = SignOff()
        elif not item.name:
            answer = self._data(item)
        return answer

    def _data(self, frame: _Frame) -> DataMessage | ErrorMessage:
        """Tell an error message from data, which only its content does."""
        words = error_text(frame.text, plain=self._plain_errors)
        if words is not None and frame.last:
            return ErrorMessage(words)
        return DataMessage(frame.text, frame.last)


class CommandReader:
    """What a client says, from bytes that come in pieces of any size.

    The meter's side of `AnswerReader`, for simulated meters.
    """

    def __init__(self, check: Check = Check.XOR) -> None:
        """Begin with the block check that the meter uses."""
        self._frames = _FrameReader(check)

    def receive_data(self, data: bytes) -> list[Command | Receipt | Damaged]:
        """Take bytes; return the commands that they complete, in order.

        Raises:
            TelegramError: a command does not end; it is forgotten.

        """
        self._frames.receive_data(data)
        items: list[Command | Receipt | Damaged] = []
        while (item := self._frames.next()) is not None:
            if isinstance(item, Receipt):
                items.append(item)
            elif not item.right:
                items.append(Damaged(item.received))
            elif item.name:
                data_sets = item.text if item.has_data else None
                items.append(Command(item.name, data_sets, more=not item.last))
        return items


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """A message as it stands between its marks."""

    name: str
    """Of a command; "" for data."""

    text: str
    has_data: bool
    """Whether there is an STX."""

    last: bool
    right: bool
    """Whether the block check matches."""

    received: bytes


class _FrameReader:
    """Cut a stream into frames and single characters; skip what is neither."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._sum_seen = False
        self._buffer = bytearray()
        self._searched_to = 0
        self._echo = b""
        self._echoes: bool | None = None

    @property
    def received(self) -> bytes:
        """What has not become a frame yet."""
        return bytes(self._buffer)

    def expect_echo(self, data: bytes) -> None:
        """Forget the past; pass over `data` where it comes back."""
        self._drop(len(self._buffer))
        known_silent = len(data) == 1 and self._echoes is False
        self._echo = b"" if known_silent else data

    def receive_data(self, data: bytes) -> None:
        """Take bytes, of which only seven bits count."""
        self._buffer += strip_parity(data)

    def next(self) -> Receipt | _Frame | None:
        """Return what comes next in the stream, or None until more of it is here.

        Raises:
            TelegramError: a frame does not end; it is forgotten.

        """
        while self._find_start():
            if self._buffer[0] in {ACK, NAK}:
                receipt = Receipt(self._buffer[0])
                self._end_of_echo()
                self._drop(1)
                return receipt
            name, start = b"", 1
            if self._buffer[0] == SOH:
                if _BEGIN_OF_COMMAND.fullmatch(self._buffer):
                    return None
                command = _COMMAND.match(self._buffer)
                if command is None:
                    self._drop(1)
                    continue
                name, start = command[1], command.end()
            mark = _MARK.search(self._buffer, max(start, self._searched_to))
            if mark is None:
                self._wait_for_end()
                return None
            end = mark.start()
            if self._buffer[end] in {SOH, STX}:
                # The frame broke off, and another one begins.
                self._drop(end)
            elif end + 1 == len(self._buffer):
                self._searched_to = end
                return None
            else:
                return self._take_frame(name.decode("ascii"), start, end)
        return None

    def _find_start(self) -> bool:
        """Drop noise and echo; whether something that may be a message begins."""
        while match := _START.search(self._buffer):
            self._drop(match.start())
            if not self._echo:
                return True
            if self._buffer.startswith(self._echo):
                self._echoes = self._echoes or len(self._echo) > 1 or None
                self._drop(len(self._echo))
                self._echo = b""
            else:
                # The rest of the echo may still be on its way.
                return not self._echo.startswith(self._buffer)
        self._drop(len(self._buffer))
        return False

    def _wait_for_end(self) -> None:
        """Remember how far was searched."""
        self._searched_to = len(self._buffer)
        if len(self._buffer) > MAX_READOUT:
            self._drop(len(self._buffer))
            raise TelegramError(f"no end of a message within {MAX_READOUT} bytes")

    def _take_frame(self, name: str, start: int, end: int) -> _Frame:
        """Take the frame at the beginning, whose end mark and check are here."""
        received = bytes(self._buffer[: end + 2])
        self._drop(end + 2)
        if not _OF_CLIENT.fullmatch(name):
            self._end_of_echo()
        return _Frame(
            name=name,
            # NULs fill the line and change no block check.
            text=received[start:end].decode("ascii").replace("\x00", ""),
            has_data=received[start - 1] == STX,
            last=received[end] == ETX,
            right=self._verify(received[1:-1], received[-1]),
            received=received,
        )

    def _verify(self, span: bytes, received: int) -> bool:
        """Whether the block check is right; learn from it which one it is."""
        if self.check is Check.NONE:
            return True
        if self.check is not Check.AUTO:
            return received == block_check(span, self.check)
        is_xor = received == xor_check(span)
        is_sum = received == sum_check(span)
        if is_xor != is_sum:
            if is_xor or self._sum_seen:
                self.check = Check.XOR if is_xor else Check.SUM
                return True
            self._sum_seen = True
            return False
        self._sum_seen = self._sum_seen and is_xor
        return is_xor

    def _end_of_echo(self) -> None:
        """Take note that an answer came, and no echo before it."""
        if len(self._echo) > 1:
            self._echoes = False
        self._echo = b""

    def _drop(self, length: int) -> None:
        """Forget the first bytes."""
        del self._buffer[:length]
        if length:
            self._searched_to = 0
