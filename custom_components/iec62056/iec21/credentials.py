"""A password, and whether it may still be sent.

Rule: a password that the meter has not accepted is never sent twice by itself.
Meters lock up after a few wrong ones, and some open only at the utility. So it
counts as refused from the moment before it is sent until the meter has said
otherwise: an answer that gets lost changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from inspect import isawaitable

from .commands import Command
from .exceptions import PasswordSpentError
from .lis200 import Lock
from .messages import Identification
from .passwords import PLAIN, Algorithm, Password


class Standing(StrEnum):
    """What has become of a password so far."""

    UNTRIED = "untried"
    """It was never sent, and may be once."""

    ACCEPTED = "accepted"
    """The meter took it the last time; it may go with every session."""

    DOUBTFUL = "doubtful"
    """It was accepted, and what became of it the last time is not known.

    It may be sent once more.
    """

    SPENT = "spent"
    """It was refused, or nobody knows. It is never sent again by itself."""


_WHILE_SENDING = {
    Standing.UNTRIED: Standing.SPENT,
    Standing.ACCEPTED: Standing.DOUBTFUL,
    Standing.DOUBTFUL: Standing.SPENT,
}
"""What a password is from just before it is sent until the meter has answered."""

type Remember = Callable[[Standing], Awaitable[None] | None]
"""Puts a standing where it outlives the program; returns once it is there."""


class Credentials:
    """The password of one meter, for as many sessions as it is good for.

    Keep the object as long as the password: a new one knows nothing of what has
    been sent. `standing` may be one that was remembered before.
    """

    def __init__(
        self,
        password: Password,
        *,
        algorithm: Algorithm = PLAIN,
        lock: Lock | None = None,
        standing: Standing = Standing.UNTRIED,
        remember: Remember | None = None,
    ) -> None:
        """Take a password, or the code of a `lock` of an LIS-200 device.

        `remember` is called with each new standing: before the password is sent,
        as if it had failed already, and once the meter has answered. What it raises
        before that stops the sending.
        """
        self.lock = lock
        self._password = password
        self._algorithm = algorithm
        self._standing = standing
        self._remember = remember

    def __repr__(self) -> str:
        """Show what may be shown."""
        return f"Credentials(…, standing={self._standing.value!r})"

    @property
    def standing(self) -> Standing:
        """What has become of the password so far."""
        return self._standing

    def check(self) -> None:
        """Make sure that the password may be sent.

        Raises:
            PasswordSpentError: it may not.

        """
        if self._standing is Standing.SPENT:
            raise PasswordSpentError

    def answer_to(self, seed: str, identification: Identification | None) -> Command:
        """Return the command that answers the operand of a meter.

        Raises:
            TelegramError: the seed is none that the algorithm knows.
            UnusablePasswordError: neither is the password.

        """
        return self._algorithm.solve(seed, self._password, identification)

    def open_command(self, lock: Lock) -> Command:
        """Return the command that opens a lock of an LIS-200 device."""
        return lock.open_command(self._password)

    async def before_sending(self) -> None:
        """Count the password as refused, and remember that; then it may be sent.

        Raises:
            PasswordSpentError: it may not be sent.

        """
        self.check()
        before = self._standing
        try:
            await self._become(_WHILE_SENDING[before])
        except BaseException:
            # It was not sent.
            self._standing = before
            raise

    async def accepted(self) -> None:
        """Note that the meter took the password."""
        await self._become(Standing.ACCEPTED)

    async def refused(self) -> None:
        """Note that the meter did not."""
        await self._become(Standing.SPENT)

    async def _become(self, standing: Standing) -> None:
        self._standing = standing
        if self._remember is not None:
            done = self._remember(standing)
            if isawaitable(done):
                await done
