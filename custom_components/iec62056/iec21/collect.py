"""One readout, put together from bytes as they come."""

from __future__ import annotations

from .exceptions import TelegramError
from .framing import BlockReader
from .messages import Identification
from .telegram import Check, DataSet, Readout, parse_data_lines


class ReadoutCollector:
    """Take a data message in pieces; hand out data sets, and the readout at the end.

    What it hands out before the end is unchecked.
    """

    def __init__(
        self, identification: Identification | None = None, preamble: bytes = b""
    ) -> None:
        """Begin behind `preamble`, the bytes of the identification line."""
        self.identification = identification
        self.reader = BlockReader(preamble)
        self.data_sets: list[DataSet] = []
        self.bad_lines: list[str] = []

    @property
    def complete(self) -> bool:
        """Whether the end of the message is here."""
        return self.reader.complete

    def receive_data(self, data: bytes) -> tuple[DataSet, ...]:
        """Take seven-bit bytes; return the data sets that they complete.

        Raises:
            TelegramError: this can never become a readout.

        """
        return self._take(self.reader.receive_data(data))

    def end_of_data(self) -> tuple[DataSet, ...]:
        """Say that nothing more comes; return the data sets that were still open."""
        return self._take(self.reader.end_of_data())

    def finish(self, check: Check, *, mode: str = "", baud_rate: int = 0) -> Readout:
        """Return the complete readout.

        Raises:
            ChecksumError: its check does not match, or its frame has none.
            TelegramError: it is not complete.

        """
        if not self.complete:
            raise TelegramError(
                f"the readout broke off after {self.reader.received} bytes",
                self.reader.block,
            )
        verified = self.reader.verify(check)
        return self.as_it_is(verified, mode=mode, baud_rate=baud_rate)

    def as_it_is(self, verified: Check, *, mode: str, baud_rate: int) -> Readout:
        """Return what is there, on the caller's word that `verified` is right.

        A CRC-16 is what meters put on the telegrams that they send by
        themselves, whatever speed they announce: that is mode D.
        """
        return Readout(
            identification=self.identification,
            data_sets=tuple(self.data_sets),
            bad_lines=tuple(self.bad_lines),
            check=verified,
            mode="D" if verified is Check.CRC16 else mode,
            baud_rate=baud_rate,
            raw=self.reader.block,
        )

    def _take(self, text: str) -> tuple[DataSet, ...]:
        first = len(self.data_sets)
        for item in parse_data_lines(text):
            if isinstance(item, DataSet):
                self.data_sets.append(item)
            else:
                self.bad_lines.append(item.text)
        return tuple(self.data_sets[first:])
