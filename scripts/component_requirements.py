"""Print what components of Home Assistant ask to have installed.

Home Assistant's own package brings only what its core needs. Each component
names the rest in its manifest, and Home Assistant installs that at the first
start. An environment that is locked has to have it beforehand.

Usage: component_requirements.py FOLDER DOMAIN…

FOLDER is the `homeassistant` package of the version in question.
"""

import json
from pathlib import Path
import sys


def requirements(components: Path, domains: list[str]) -> set[str]:
    """Collect the requirements of domains and of all that they depend on."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(domains)
    while waiting:
        domain = waiting.pop()
        if domain in seen:
            continue
        seen.add(domain)
        manifest = json.loads((components / domain / "manifest.json").read_text())
        found.update(manifest.get("requirements", ()))
        waiting.extend(manifest.get("dependencies", ()))
    return found


def main() -> None:
    """Print one requirement a line, in an order that does not change."""
    folder, *domains = sys.argv[1:]
    for line in sorted(requirements(Path(folder) / "components", domains)):
        print(line)


if __name__ == "__main__":
    main()
