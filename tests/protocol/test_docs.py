"""What is documented is what is there."""

from pathlib import Path
import subprocess
import sys

from iec21.cli.commands import COMMANDS
from iec21.cli.help_texts import EXAMPLES

ROOT = Path(__file__).parents[2]


def test_the_table_of_meters_is_up_to_date() -> None:
    """It is made from the profiles and the samples; scripts/update_docs does it."""
    process = subprocess.run(  # noqa: S603  # Our own program.
        [sys.executable, str(ROOT / "scripts" / "update_docs.py"), "--check"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")


def test_every_command_is_documented() -> None:
    """With a heading of its own."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"\n## `iec21 {command}" in text, command


def test_every_exit_status_is_documented() -> None:
    """In the documentation and in the help."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for status in (0, 2, 3, 4, 5, 6):
        assert f"\n| {status} | " in text
        assert f" {status} " in EXAMPLES
