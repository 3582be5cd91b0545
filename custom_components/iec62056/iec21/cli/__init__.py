"""The command line: `iec21`.

Its faces are stable, since scripts rely on them: commands, options, JSON
documents (`documents`) and exit statuses (`failures`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import logging
import sys

from ..exceptions import IecError
from . import output
from .arguments import parse_arguments
from .commands import COMMANDS
from .failures import BROKEN_PIPE, INTERRUPTED, WRONG_USAGE, UsageError, explain


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit status.

    Raises:
        SystemExit: help was asked for, and given.

    """
    argv = sys.argv[1:] if argv is None else argv
    as_json = "--json" in argv
    try:
        try:
            options = parse_arguments(argv)
            with _log(everything=options.verbose):
                status = COMMANDS[options.command](options)
        except UsageError as error:
            status = WRONG_USAGE
            output.print_failure(str(error), status, as_json=as_json)
        except IecError as error:
            text, status = explain(error)
            output.print_failure(text, status, as_json=as_json)
        output.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it, as `head` does.
        output.discard_output()
        return BROKEN_PIPE
    return status


@contextmanager
def _log(*, everything: bool) -> Iterator[None]:
    """Show what our own modules log, or leave that to whoever runs us."""
    if not everything:
        yield
        return
    # The package has another name inside the integration.
    logger = logging.getLogger(__package__.rpartition(".")[0])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
