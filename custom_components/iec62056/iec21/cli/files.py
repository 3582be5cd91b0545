"""Files that the user names."""

from __future__ import annotations

from pathlib import Path

from .failures import UsageError


def contents_of(file: str) -> bytes:
    """Return what is in a file.

    Raises:
        UsageError: it cannot be read.

    """
    try:
        return Path(file).read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"{file} cannot be read: {reason}") from error


def writable(file: str) -> None:
    """Find out whether a file can be written, before much work goes into it.

    Raises:
        UsageError: it cannot.

    """
    path = Path(file)
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"{file} cannot be written: {reason}") from error
