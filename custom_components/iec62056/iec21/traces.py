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

Of a session that is too long the middle is left out: `[80.5, "gap", 4711]` stands
there, with the bytes that were sent and received in it. Where data are put together,
a gap is a line end, so that nobody takes what stood before and behind it for one
value; a block that spans it fails its check.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
import json
import math
from typing import Any, Final, Literal, Self, assert_never

from .const import LINE_END
from .exceptions import TelegramError

FORMAT: Final = "iec21-trace"
VERSION: Final = 1

DEFAULT_LIMIT: Final = 1_000_000
"""Size up to which all of a session is kept.

An hour at 300 Bd has 120 000, a quarter of an hour at 9600 Bd 970 000; a search
over a noisy line may have more.
"""

ENTRY_SIZE: Final = 100
"""What an entry counts besides its bytes: about what it takes in memory."""

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

type EntryKind = Literal["send", "receive", "speed", "gap"]


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

    missing: int = 0
    """How many bytes are missing in a gap."""

    @property
    def size(self) -> int:
        """What the entry counts against the limit of its trace."""
        return ENTRY_SIZE + len(self.data)


@dataclass(slots=True, kw_only=True)
class Trace:
    """What passed over the line in one session, or in several after each other."""

    link: str = ""
    """The kind of link ("serial", "socket", "rfc2217" …), never its address."""

    framing: str = ""
    baud_rate: int = 0
    """The first speed in baud."""

    entries: list[Entry] = field(default_factory=list)

    limit: int = field(default=DEFAULT_LIMIT, repr=False, compare=False)
    """Size up to which `add` keeps everything, in bytes and entries of `ENTRY_SIZE`.

    Beyond it, one half is for the beginning, and the other for the end. Only the
    last entry is always kept.
    """

    _size: int = field(default=0, init=False, repr=False, compare=False)

    _received_at: float = field(
        default=-math.inf, init=False, repr=False, compare=False
    )
    """When the last bytes were received, which may have been joined to others."""

    def __post_init__(self) -> None:
        """Measure what is there already."""
        self._size = sum(entry.size for entry in self.entries)

    def add(self, entry: Entry) -> None:
        """Record one more entry.

        Bytes that follow others without a pause are joined to them; the time of
        the first stays. Of what is too much the middle is left out.
        """
        self._size += entry.size
        if entry.kind != "receive" or not self._join(entry):
            self.entries.append(entry)
        if self._size > self.limit:
            self._leave_out()

    def _join(self, entry: Entry) -> bool:
        """Join what was received to the last entry, if nothing keeps them apart."""
        pause = entry.time - self._received_at
        self._received_at = entry.time
        if pause > JOINED_WITHIN:
            return False
        last = self.entries[-1]
        data = last.data + entry.data
        if last.kind != "receive" or len(data) > MAX_JOINED:
            return False
        self.entries[-1] = replace(last, data=data)
        self._size -= ENTRY_SIZE
        return True

    def _leave_out(self) -> None:
        """Put a gap in the place of what is too much."""
        begin, kept = 0, self.entries[0].size
        while self.entries[begin].kind != "gap" and 2 * kept <= self.limit:
            begin += 1
            kept += self.entries[begin].size
        end, missing = begin, 0
        # The gap itself counts as well.
        while self._size + ENTRY_SIZE > self.limit and end < len(self.entries) - 1:
            lost = self.entries[end]
            self._size -= lost.size
            missing += lost.missing + len(lost.data)
            end += 1
        if begin < end:
            gap = Entry(self.entries[begin].time, "gap", missing=missing)
            self.entries[begin:end] = [gap]
            self._size += gap.size

    @property
    def received(self) -> bytes:
        """All bytes that came from the meter, parity bits and noise included.

        A gap is a line end.
        """
        return self._joined("receive")

    @property
    def sent(self) -> bytes:
        """All bytes that went to the meter. A gap is a line end."""
        return self._joined("send")

    def _joined(self, kind: EntryKind) -> bytes:
        return b"".join(_part(entry, kind) for entry in self.entries)

    def replaced(self, kind: EntryKind, data: bytes) -> list[Entry]:
        """Return the entries with `data` in place of all bytes of one kind.

        `data` is as long as what it replaces, and is cut in the same places.
        """
        entries = []
        start = 0
        for entry in self.entries:
            end = start + len(_part(entry, kind))
            if entry.kind == kind:
                entries.append(replace(entry, data=data[start:end]))
            else:
                entries.append(entry)
            start = end
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
        except _UNREADABLE as error:
            raise TelegramError(f"not a readable trace: {error}") from error


def is_trace(data: bytes) -> bool:
    """Whether `data` looks like the file of a trace."""
    return data.lstrip().startswith(b"{") and FORMAT.encode() in data[:200]


def _part(entry: Entry, kind: EntryKind) -> bytes:
    """Return what an entry adds to all bytes of one kind."""
    if entry.kind == "gap":
        return LINE_END
    return entry.data if entry.kind == kind else b""


def _to_list(entry: Entry) -> list[float | int | str]:
    value: int | str
    match entry.kind:
        case "send" | "receive":
            value = entry.data.decode("latin-1")
        case "speed":
            value = entry.baud_rate
        case "gap":
            value = entry.missing
        case _:
            assert_never(entry.kind)
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
        case "gap":
            return Entry(time, kind, missing=int(value))
        case _:
            raise ValueError(f"{kind!r} is nothing that happens on a line")
