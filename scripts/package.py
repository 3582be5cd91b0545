"""Write the zip that HACS installs to dist/iec62056.zip.

Usage: package.py VERSION

The zip holds what git knows of the integration's folder, without the folder
itself, and the version goes into its manifest. The same commit gives the same
zip, byte for byte, whoever builds it.
"""

import json
from pathlib import Path
import re
import subprocess
import sys
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT: Final = Path(__file__).resolve().parent.parent
INTEGRATION: Final = ROOT / "custom_components" / "iec62056"
ARCHIVE: Final = ROOT / "dist" / "iec62056.zip"

# Three numbers, and a pre-release in the spelling that HACS sorts rightly.
VERSION: Final = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")

# The earliest time that a zip can hold. The true ones differ between checkouts.
LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


def tracked_files() -> list[Path]:
    """List what git knows of the integration, in an order that never changes."""
    output = subprocess.run(
        ["git", "ls-files", "-z", "."],  # noqa: S607  # The git that checked it out.
        cwd=INTEGRATION,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(Path(name) for name in output.split("\0") if name)


def content(file: Path, version: str) -> bytes:
    """Read a file, and put the version in if it is the manifest."""
    data = (INTEGRATION / file).read_bytes()
    if file != Path("manifest.json"):
        return data
    manifest = json.loads(data) | {"version": version}
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()


def main() -> None:
    """Build the zip."""
    version = sys.argv[1] if len(sys.argv) == 2 else ""
    if not VERSION.fullmatch(version):
        sys.exit("package.py: name a version, such as 1.2.3 or 1.2.3b1.")
    ARCHIVE.parent.mkdir(exist_ok=True)
    with ZipFile(ARCHIVE, "w", ZIP_DEFLATED) as archive:
        for file in tracked_files():
            entry = ZipInfo(file.as_posix(), LONG_AGO)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content(file, version))


if __name__ == "__main__":
    main()
