"""The client's side of meters that send by themselves: mode D and its relatives.

Rule: nothing is ever sent. The stream may be entered anywhere, a telegram may be
damaged, and the next one is as good as the first.
"""

from __future__ import annotations

from typing import Final

from .collect import ReadoutCollector
from .exceptions import MeterTimeoutError, OtherProtocolError, TelegramError
from .foreign import recognise
from .framing import strip_parity
from .messages import Identification
from .settings import Settings
from .steps import (
    ClientStep,
    DataArrived,
    Identified,
    ReadoutReceived,
    Retrying,
    StartTimer,
)

PUSH_INTERVAL_MAX: Final = 12.0
"""Seconds of silence between two telegrams.

DSMR 4 sends every ten seconds, everything newer or older more often.
"""

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
            steps.append(StartTimer(self._patience))
        return steps

    @property
    def learned(self) -> Settings:
        """The settings; there is nothing to find out about a stream."""
        return self._settings

    def handle_timeout(self) -> list[ClientStep]:
        """Give up: the line has been silent for too long.

        Raises:
            MeterTimeoutError: always.

        """
        raise MeterTimeoutError("telegram", bytes(self._noise))

    def _receive_telegram(self, data: bytes, steps: list[ClientStep]) -> bytes:
        """Take `data` up to the end of a telegram; return what is behind it."""
        if self._collector is None:
            data = self._find_identification(data, steps)
            if self._collector is None:
                return b""
        collector = self._collector
        try:
            new = collector.receive_data(strip_parity(data))
            steps.append(DataArrived(collector.reader.received, new))
            if not collector.complete:
                return b""
            readout = collector.finish(
                self._settings.check,
                mode="D",
                baud_rate=self._settings.first_baud_rate,
            )
        except TelegramError as error:
            self._damaged += 1
            if self._damaged == self._damaged_limit:
                raise
            steps.append(Retrying(error))
        else:
            self._damaged = 0
            steps.append(ReadoutReceived(readout))
        rest = collector.reader.rest if collector.complete else b""
        self._collector = None
        return rest

    def _find_identification(self, data: bytes, steps: list[ClientStep]) -> bytes:
        """Look for the beginning of a telegram; return what follows its first line."""
        self._noise += data
        found = Identification.find(strip_parity(self._noise))
        before = len(self._noise) if found is None else found[1]
        if protocol := recognise(self._noise[:before]):
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
