"""What is kept of a meter over a restart."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import UnsupportedStorageVersionError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .book import Book
from .const import DOMAIN, LOGGER
from .failures import Failure
from .meter import Meter
from .schedule import Budget

VERSION: Final = 1

SAVE_DELAY: Final = 300
"""Seconds for which news wait to be written: a memory card wears out by writing.

What a crash loses is read again from the meter.
"""

_COUNTS: Final = ("readouts", "check_errors", "refused_values")
_TIMES: Final = ("last_readout", "last_attempt", "stepped_down_at")


@dataclass(slots=True, kw_only=True)
class Record:
    """What is measured and counted while a meter is read."""

    last_readout: datetime | None = None
    """When the latest readout that was booked had arrived."""

    last_attempt: datetime | None = None
    """When the meter was last asked, with or without success."""

    duration: float | None = None
    """Seconds that the latest readout took."""

    last_error: Failure | None = None
    """Why the latest readout failed. None: it did not."""

    readouts: int = 0
    """Readouts that were begun; each one costs a meter a bit of its battery."""

    check_errors: int = 0
    """Answers whose check was wrong, in whatever attempt."""

    refused_values: int = 0
    """Values that were too unlikely to be booked."""

    clock_deviation: timedelta | None = None
    """By how much the meter's clock is ahead. None: it has not been read."""

    stepped_down_to: int | None = None
    """Speed in baud at which the meter could be read when a higher one failed."""

    stepped_down_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Write it for the storage; what is measured anew each time is left out."""
        saved = asdict(self)
        del saved["clock_deviation"]
        for name in _TIMES:
            if saved[name] is not None:
                saved[name] = saved[name].isoformat()
        return saved

    @classmethod
    def from_json(cls, saved: Mapping[str, Any], now: datetime) -> Self:
        """Read what `as_json` has written; no time in it is later than `now`.

        Without a clock of its own this machine may have lived in the future.

        Raises:
            AttributeError, LookupError, ValueError, TypeError: it was something else.

        """
        times: dict[str, Any] = {name: _time(saved.get(name), now) for name in _TIMES}
        error, duration = saved["last_error"], saved["duration"]
        counts: dict[str, Any] = {name: int(saved[name]) for name in _COUNTS}
        speed = saved["stepped_down_to"]
        return cls(
            **times,
            **counts,
            duration=None if duration is None else float(duration),
            last_error=None if error is None else Failure(error),
            stepped_down_to=None if speed is None else int(speed),
        )


def _time(text: str | None, now: datetime) -> datetime | None:
    """Read a time, or None.

    Raises:
        ValueError, TypeError: it is none, or without a time zone.

    """
    if text is None:
        return None
    return min(datetime.fromisoformat(text), now)


class MeterStore:
    """The readings of one meter, and what is known about reading it."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Begin with nothing; `async_load` brings what there is."""
        self._store: Store[dict[str, Any]] = Store(
            hass, VERSION, f"{DOMAIN}.{entry_id}"
        )
        self._waiting = False
        self._closed = False
        self.book = Book()
        self.record = Record()
        self.budget = Budget()
        self.meter: Meter | None = None
        """Who it was at the latest readout. None: nothing was ever booked."""

    async def async_load(self) -> None:
        """Read what was saved; what cannot be read is read from the meter again."""
        try:
            saved = await self._store.async_load()
        except UnsupportedStorageVersionError:
            LOGGER.warning(
                "What a newer version has stored cannot be read; beginning anew"
            )
            return
        if not isinstance(saved, Mapping):
            return
        self.book = Book.from_json(saved.get("book"))
        self.budget = Budget.from_json(saved.get("budget"))
        with suppress(AttributeError, LookupError, ValueError, TypeError):
            self.record = Record.from_json(saved["record"], dt_util.utcnow())
        with suppress(LookupError, TypeError):
            self.meter = Meter(**saved["meter"])

    @callback
    def save(self) -> None:
        """Write the news down before long."""
        # Each call of the storage's own delay begins the delay anew.
        if not self._waiting and not self._closed:
            self._waiting = True
            self._store.async_delay_save(self._as_json, SAVE_DELAY)

    async def async_save(self) -> None:
        """Write the news down now."""
        await self._store.async_save(self._as_json())

    async def async_close(self) -> None:
        """Write the news down; what comes later is not of this run any more."""
        self._closed = True
        await self.async_save()

    async def async_remove(self) -> None:
        """Forget the meter."""
        await self._store.async_remove()

    def _as_json(self) -> dict[str, Any]:
        self._waiting = False
        return {
            "saved_at": dt_util.utcnow().isoformat(),
            "meter": self.meter and asdict(self.meter),
            "record": self.record.as_json(),
            "budget": self.budget.as_json(),
            "book": self.book.as_json(),
        }
