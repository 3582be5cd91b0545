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
"\u0002" is STX and nothing is lost. `"cut": true` stands in the head of a trace
that has lost entries between its beginning and its end. A password is never
recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
import json
import math
from typing import Any, Final, Literal, Self

from .exceptions import TelegramError

FORMAT: Final = "iec21-trace"
VERSION: Final = 1

MAX_ENTRIES: Final = 4_000
"""Entries that are kept.

A readout of an hour at 300 Bd, which arrives in 108 000 pieces, has about 110; a
search over a noisy line may have more.
"""

FIRST_ENTRIES: Final = 2_000
"""Of these, how many of the first; the others are the last ones."""

JOINED_WITHIN: Final = 0.05
"""Seconds after which received bytes begin an entry of their own.

A character takes 0.033 s at 300 Bd.
"""

MAX_JOINED: Final = 1024
"""Bytes of an entry up to which more are joined to it."""

# What a file of any other content makes of the way it is read: an infinite speed
# is an arithmetic error, and brackets may be nested too deep.
_UNREADABLE: Final = (
    *(ValueError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, RecursionError),
)

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

    cut: bool = False
    """Whether entries behind the first `FIRST_ENTRIES` were lost."""

    entries: list[Entry] = field(default_factory=list)

    _received_at: float = field(
        default=-math.inf, init=False, repr=False, compare=False
    )
    """When the last bytes were received, which may have been joined to others."""

    def add(self, entry: Entry) -> None:
        """Record one more entry.

        Bytes that follow others without a pause are joined to them; the time of
        the first stays. Of too many entries those in the middle are lost.
        """
        if entry.kind == "receive":
            pause = entry.time - self._received_at
            self._received_at = entry.time
            if pause <= JOINED_WITHIN and self._join(entry.data):
                return
        self.entries.append(entry)
        if len(self.entries) > MAX_ENTRIES:
            del self.entries[FIRST_ENTRIES]
            self.cut = True

    def _join(self, data: bytes) -> bool:
        """Join `data` to the last entry, if that was received and is not full."""
        last = self.entries[-1]
        if last.kind != "receive" or len(last.data) + len(data) > MAX_JOINED:
            return False
        self.entries[-1] = replace(last, data=last.data + data)
        return True

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
        start = 0
        for entry in self.entries:
            if entry.kind == kind:
                end = start + len(entry.data)
                entries.append(replace(entry, data=data[start:end]))
                start = end
            else:
                entries.append(entry)
        return entries

    def to_json(self) -> str:
        """Write the trace, one entry per line."""
        head: dict[str, object] = {
            "format": FORMAT,
            "version": VERSION,
            "link": self.link,
            "framing": self.framing,
            "baud_rate": self.baud_rate,
        }
        if self.cut:
            head["cut"] = True
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
                cut=bool(document.get("cut", False)),
                entries=[_from_list(item) for item in document["entries"]],
            )
        except _UNREADABLE as error:
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
    seconds, kind, value = item
    time = float(seconds)
    if not 0 <= time < math.inf:
        raise ValueError(f"{time} s is no time")
    match kind:
        case "send" | "receive":
            return Entry(time, kind, value.encode("latin-1"))
        case "speed":
            return Entry(time, kind, baud_rate=int(value))
        case _:
            raise ValueError(f"{kind!r} is nothing that happens on a line")
