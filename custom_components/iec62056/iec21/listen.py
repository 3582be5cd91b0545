"""The client's side of meters that send by themselves: mode D and its relatives.

Rule: nothing is ever sent. The stream may be entered anywhere, a telegram may be
damaged, and the next one is as good as the first.
"""

from __future__ import annotations

import re
from typing import Final

from .beginning import FILLERS
from .collect import ReadoutCollector
from .exceptions import (
    ChecksumError,
    MeterTimeoutError,
    OtherProtocolError,
    TelegramError,
)
from .foreign import recognise
from .framing import END_OF_BLOCK, strip_parity
from .messages import MAX_IDENTIFICATION, Identification
from .settings import Settings
from .steps import (
    ClientStep,
    DataArrived,
    Identified,
    ReadoutReceived,
    Retrying,
    StartTimer,
)
from .telegram import Check, Readout

PUSH_INTERVAL_MAX: Final = 12.0
"""Seconds of silence between two telegrams.

DSMR 4 sends every ten seconds, everything newer or older more often.
"""

_OWN_BEGINNING: Final = 8
"""Characters of an identification that data never hold by chance."""

MAX_STREAM: Final = 8192
"""Bytes without the beginning of a telegram after which there will be none."""


class ListenSession:
    """Receive telegram after telegram until somebody stops listening.

    If any method raises something that is not an `IecError`, that is a bug.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        patience: float | None = None,
        damaged: int | None = None,
    ) -> None:
        """Prepare to listen.

        `patience` is how many seconds may pass without the beginning of a
        telegram; None: as long as any meter needs. After `damaged` telegrams in
        a row it is time to give up; None: never.
        """
        self._settings = settings
        if patience is None:
            patience = max(PUSH_INTERVAL_MAX, settings.timeout)
        self._patience = patience
        self._damaged_limit = damaged
        self._damaged = 0
        self.answered = False
        """Whether a telegram has begun."""
        self._noise = bytearray()
        self._open_line = b""
        self._collector: ReadoutCollector | None = None

    def start(self) -> list[ClientStep]:
        """Return the first step: to wait."""
        return [StartTimer(self._patience)]

    def receive_data(self, data: bytes) -> list[ClientStep]:
        """Take what arrived, in pieces of any size, and return what follows.

        A damaged telegram is a `Retrying` among the steps.

        Raises:
            OtherProtocolError: the stream is of another protocol.
            TelegramError: it is of none that is known, or too often damaged.

        """
        steps: list[ClientStep] = []
        while data:
            data = self._receive_telegram(data, steps)
        if steps:
            # Noise alone does not earn a meter more time.
            steps.append(self._start_timer())
        return steps

    def _start_timer(self) -> StartTimer:
        """Wait for the next character of a telegram, or for the next telegram."""
        if self._collector is None:
            return StartTimer(self._patience)
        limit = self._settings.character_timeout
        return StartTimer(self._settings.timeout if limit is None else limit)

    @property
    def learned(self) -> Settings:
        """The settings; there is nothing to find out about a stream."""
        return self._settings

    def handle_timeout(self) -> list[ClientStep]:
        """Wait for the next telegram, or give up if there is none.

        A telegram that has broken off is a `Retrying` among the steps.

        Raises:
            MeterTimeoutError: the line has been silent for too long.
            TelegramError: a telegram has broken off, and too many were damaged.

        """
        if self._collector is None:
            # The line end behind the last telegram is no noise.
            raise MeterTimeoutError("telegram", bytes(self._noise).strip(FILLERS))
        steps: list[ClientStep] = []
        self._give_up_telegram(_broken_off(self._collector), steps)
        return [*steps, self._start_timer()]

    def _receive_telegram(self, data: bytes, steps: list[ClientStep]) -> bytes:
        """Take `data` up to the end of a telegram; return what is behind it."""
        if self._collector is None:
            data = self._find_identification(data, steps)
            if self._collector is None:
                return b""
        collector = self._collector
        data = strip_parity(data)
        next_one = self._find_next(collector, data)
        try:
            readout = self._collect(collector, data, steps, broken_off=bool(next_one))
        except TelegramError as error:
            self._give_up_telegram(error, steps)
        else:
            if readout is None:
                return b""
            self._end_telegram()
            self._damaged = 0
            steps.append(ReadoutReceived(readout))
        return next_one or (collector.reader.rest if collector.complete else b"")

    def _collect(
        self,
        collector: ReadoutCollector,
        data: bytes,
        steps: list[ClientStep],
        *,
        broken_off: bool,
    ) -> Readout | None:
        """Take `data` into the telegram; return it once it is complete.

        Raises:
            TelegramError: it never will be, or it is damaged.

        """
        if broken_off:
            raise _broken_off(collector)
        new = collector.receive_data(data)
        steps.append(DataArrived(collector.reader.received, new))
        if not collector.complete:
            return None
        readout = collector.finish(
            self._settings.check, mode="D", baud_rate=self._settings.first_baud_rate
        )
        if readout.check is Check.SUM is not self._settings.check:
            raise ChecksumError("the data arrived damaged: only their sum is right")
        return readout

    def _give_up_telegram(self, error: TelegramError, steps: list[ClientStep]) -> None:
        """Leave a telegram out, unless too many before it were damaged as well."""
        self._end_telegram()
        self._damaged += 1
        if self._damaged == self._damaged_limit:
            raise error
        steps.append(Retrying(error))

    def _end_telegram(self) -> None:
        self._collector = None
        self._open_line = b""

    def _find_next(self, collector: ReadoutCollector, data: bytes) -> bytes:
        """Return the next telegram, where it begins before this one has ended.

        Its identification stands in a line of its own, or wherever this one's is
        repeated: data hold no slash.
        """
        assert collector.identification is not None  # noqa: S101 - made with one
        line = self._open_line + data
        end = END_OF_BLOCK.search(line)
        line = line[: end.start()] if end else line
        own = re.escape(collector.identification.raw[:_OWN_BEGINNING].encode("latin-1"))
        match = re.search(
            rb"(?:(?<=[\r\n])/[A-Za-z]{3}[^\r\n()]+[\r\n]|%b)" % own, line
        )
        if match:
            return (self._open_line + data)[match.start() :]
        keep = 1 + max(line.rfind(b"\r"), line.rfind(b"\n"))
        self._open_line = b"\n" + line[keep:][:MAX_IDENTIFICATION]
        return b""

    def _find_identification(self, data: bytes, steps: list[ClientStep]) -> bytes:
        """Look for the beginning of a telegram; return what follows its first line."""
        searched = max(0, len(self._noise) - MAX_IDENTIFICATION - 8)
        self._noise += data
        found = Identification.find(strip_parity(self._noise), searched)
        identified = found is not None
        before = len(self._noise) if found is None else found[1]
        if protocol := recognise(self._noise[:before], identified=identified):
            raise OtherProtocolError(protocol, bytes(self._noise))
        if found is None:
            if len(self._noise) > MAX_STREAM:
                raise TelegramError(
                    f"no telegram begins within {MAX_STREAM} bytes", bytes(self._noise)
                )
            return b""
        self.answered = True
        identification, start, end = found
        preamble, rest = bytes(self._noise[start:end]), bytes(self._noise[end:])
        self._noise.clear()
        self._collector = ReadoutCollector(identification, strip_parity(preamble))
        steps.append(Identified(identification, self._settings.first_baud_rate))
        return rest


def _broken_off(collector: ReadoutCollector) -> TelegramError:
    return TelegramError("the telegram broke off", collector.reader.block)
