r"""A recorded session: what passed over the line, when, and at what speed.

The file is JSON, version 1, and made to be read by people too::

    {"format": "iec21-trace", "version": 1,
     "link": "serial", "framing": "7e1", "baud_rate": 300,
     "entries": [
      [0.0, "send", "/?!\r\n"],
      [0.62, "receive", "/ABC5METER\r\n"],
      [1.05, "speed", 9600]
    ]}

Each entry has the seconds since the port was opened, what happened, and the bytes
or the speed in baud. Bytes are written as the characters of the same number, so
"\u0002" is STX and nothing is lost. A password is never recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
import json
from typing import Any, Final, Literal, Self

from .exceptions import TelegramError

FORMAT: Final = "iec21-trace"
VERSION: Final = 1

MAX_ENTRIES: Final = 20_000
"""Entries that are recorded; a readout of an hour at 300 Bd has fewer."""

type EntryKind = Literal["send", "receive", "speed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened on the line."""

    time: float
    """Seconds since the port was opened."""

    kind: EntryKind

    data: bytes = b""
    """What was sent or received."""

    baud_rate: int = 0
    """The new speed in baud."""


@dataclass(slots=True, kw_only=True)
class Trace:
    """What passed over the line in one session, or in several after each other."""

    link: str = ""
    """The kind of link ("serial", "socket", "rfc2217" …), never its address."""

    framing: str = ""
    baud_rate: int = 0
    """The first speed in baud."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Record one more entry; those beyond the limit are lost."""
        if len(self.entries) < MAX_ENTRIES:
            self.entries.append(entry)

    @property
    def received(self) -> bytes:
        """All bytes that came from the meter, parity bits and noise included."""
        return b"".join(entry.data for entry in self._of("receive"))

    @property
    def sent(self) -> bytes:
        """All bytes that went to the meter."""
        return b"".join(entry.data for entry in self._of("send"))

    def replaced(self, kind: EntryKind, data: bytes) -> list[Entry]:
        """Return the entries with `data` in place of all bytes of one kind.

        `data` is as long as what it replaces, and is cut in the same places.
        """
        entries = []
        for entry in self.entries:
            if entry.kind == kind:
                size = len(entry.data)
                entry, data = Entry(entry.time, kind, data[:size]), data[size:]  # noqa: PLW2901 - the entry is what is replaced
            entries.append(entry)
        return entries

    def to_json(self) -> str:
        """Write the trace, one entry per line."""
        head = {
            "format": FORMAT,
            "version": VERSION,
            "link": self.link,
            "framing": self.framing,
            "baud_rate": self.baud_rate,
        }
        lines = ",\n ".join(json.dumps(_to_list(entry)) for entry in self.entries)
        return f'{json.dumps(head)[:-1]},\n "entries": [\n {lines}\n]}}\n'

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a trace.

        Raises:
            TelegramError: it is none, or of a version that is not known.

        """
        try:
            document = json.loads(text)
            if document["format"] != FORMAT:
                raise TelegramError(f"not a trace but {document['format']!r}")
            if document["version"] != VERSION:
                raise TelegramError(
                    f"a trace of version {document['version']}, which this program"
                    f" does not know; it knows version {VERSION}"
                )
            return cls(
                link=str(document.get("link", "")),
                framing=str(document.get("framing", "")),
                baud_rate=int(document.get("baud_rate", 0)),
                entries=[_from_list(item) for item in document["entries"]],
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise TelegramError(f"not a readable trace: {error}") from error

    def _of(self, kind: EntryKind) -> Iterable[Entry]:
        return (entry for entry in self.entries if entry.kind == kind)


def is_trace(data: bytes) -> bool:
    """Whether `data` looks like the file of a trace."""
    return data.lstrip().startswith(b"{") and FORMAT.encode() in data[:200]


def _to_list(entry: Entry) -> list[float | int | str]:
    value = entry.baud_rate if entry.kind == "speed" else entry.data.decode("latin-1")
    return [round(entry.time, 4), entry.kind, value]


def _from_list(item: Any) -> Entry:
    time, kind, value = item
    match kind:
        case "send" | "receive":
            return Entry(float(time), kind, value.encode("latin-1"))
        case "speed":
            return Entry(float(time), kind, baud_rate=int(value))
        case _:
            raise ValueError(f"{kind!r} is nothing that happens on a line")
