"""Write docs/meters.md. Run through `scripts/update_docs`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
import sys
import tomllib
from typing import Any

from iec21.profiles import PROFILES

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests" / "fixtures" / "telegrams"
METERS = ROOT / "docs" / "meters.md"

INTRODUCTION = """\
# Meters

<!-- Written by scripts/update_docs. Change the profiles or the samples instead. -->

Every meter that follows IEC 62056-21 can be read: electricity, heat, water, gas.
Codes that nobody has described yet become sensors as well.

Some families depart from the norm. These are known, and each has a sample in
`tests/fixtures/telegrams` that proves the departure is taken care of. The numbers in
the samples are made up.

"""

CONCLUSION = """
Modes: **A** and **B** send after the sign-on, **C** waits for an acknowledgement,
**D** sends by itself.

"Known by" is the manufacturer's code and how the type begins in the identification,
as a regular expression. "The data" means that the codes and units in the readout
decide.

Your meter is not read as it should be? `iec21 record PORT` writes down what it says
([command line](cli.md)). Send the file along.
"""


def main() -> int:
    """Write the file, or only compare it; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/update_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    wanted = INTRODUCTION + "\n".join(table()) + "\n" + CONCLUSION
    if METERS.exists() and METERS.read_text(encoding="utf-8") == wanted:
        return 0
    if options.check:
        print("docs/meters.md is out of date; run scripts/update_docs", file=sys.stderr)
        return 1
    METERS.write_text(wanted, encoding="utf-8")
    return 0


def table() -> Iterator[str]:
    """Yield the lines of the table, in the order of the manufacturers."""
    yield "| manufacturer | type | mode | known by | what is special |"
    yield "|---|---|---|---|---|"
    rows = [(meta(folder.name), known_by(folder.name)) for folder in SAMPLES.iterdir()]
    for about, known in sorted(
        rows, key=lambda row: (row[0]["manufacturer"].lower(), row[0]["model"])
    ):
        cells = [about["manufacturer"], about["model"], about["mode"], known]
        cells.append(about["departures"])
        yield "| " + " | ".join(cells) + " |"


def meta(sample: str) -> dict[str, Any]:
    """Return what is said about a sample."""
    return tomllib.loads((SAMPLES / sample / "meta.toml").read_text(encoding="utf-8"))


def known_by(sample: str) -> str:
    """Return how the family of a sample is recognised."""
    for profile in PROFILES:
        if sample in profile.samples:
            if profile.identification == r"(?!)":
                return "the data"
            pattern = profile.identification.replace("|", "\\|")
            text = f" `{pattern}`" if pattern else ""
            return f"{', '.join(profile.manufacturers)}{text}"
    return "needs no profile"


if __name__ == "__main__":
    sys.exit(main())
