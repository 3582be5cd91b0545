"""What hassfest and HACS check, as far as it can be checked without a network."""

import json
from pathlib import Path
import re
from typing import Any

from awesomeversion import AwesomeVersion
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration
from PIL import Image
import pytest
import yaml

from custom_components import iec62056
from custom_components.iec62056.const import DOMAIN

FOLDER = Path(iec62056.__file__).parent
REPOSITORY = FOLDER.parent.parent


def load(path: Path) -> dict[str, Any]:
    """Read a JSON file."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


MANIFEST = load(FOLDER / "manifest.json")


def test_the_manifest_is_in_order() -> None:
    """Domain and name first, the rest by the alphabet."""
    keys = list(MANIFEST)
    assert keys == ["domain", "name", *sorted(set(keys) - {"domain", "name"})]


def test_the_manifest_says_what_home_assistant_and_hacs_want() -> None:
    """The fields without which an integration is refused."""
    assert MANIFEST["domain"] == DOMAIN == FOLDER.name
    assert MANIFEST["name"] == "IEC 62056-21 Meter"
    assert AwesomeVersion(MANIFEST["version"]).valid
    assert MANIFEST["codeowners"] == ["@iec62056"]
    assert MANIFEST["documentation"].startswith("https://")
    assert MANIFEST["issue_tracker"].startswith(MANIFEST["documentation"])
    assert MANIFEST["integration_type"] == "device"
    assert MANIFEST["iot_class"] == "local_polling"
    assert MANIFEST["config_flow"] is True
    # The picker of ports and serialx come with it.
    assert MANIFEST["dependencies"] == ["usb"]


def test_only_heads_that_are_made_for_meters_are_discovered() -> None:
    """The chips of other heads are in many a thing; a match of those would annoy."""
    for head in MANIFEST["usb"]:
        assert head.keys() == {"vid", "pid", "known_devices"}
        for number in (head["vid"], head["pid"]):
            assert re.fullmatch(r"[0-9A-F]{4}", number)
    assert ("10C4", "EA60") not in {(one["vid"], one["pid"]) for one in MANIFEST["usb"]}


def test_no_requirement_is_pinned() -> None:
    """Home Assistant decides which serialx there is."""
    assert not [one for one in MANIFEST["requirements"] if "==" in one]


async def test_home_assistant_takes_the_integration(hass: HomeAssistant) -> None:
    """Its loader has the last word."""
    integration = await async_get_integration(hass, DOMAIN)
    assert integration.name == MANIFEST["name"]
    assert not integration.is_built_in


def test_hacs_takes_the_repository() -> None:
    """HACS refuses a file with any other key."""
    hacs = load(REPOSITORY / "hacs.json")
    assert hacs["name"] == MANIFEST["name"]
    assert hacs.keys() <= {
        "content_in_root",
        "country",
        "filename",
        "hacs",
        "hide_default_branch",
        "homeassistant",
        "name",
        "persistent_directory",
        "render_readme",
        "zip_release",
    }
    assert AwesomeVersion(hacs["homeassistant"]) >= AwesomeVersion("2026.10.0")
    assert hacs["zip_release"] == ("filename" in hacs)


@pytest.mark.parametrize(("name", "size"), [("icon.png", 256), ("icon@2x.png", 512)])
def test_the_icon_has_its_size(name: str, size: int) -> None:
    """With a transparent background, since pages are light and dark."""
    with Image.open(FOLDER / "brand" / name) as icon:
        assert icon.size == (size, size)
        assert icon.mode == "RGBA"
        assert icon.getchannel("A").getpixel((0, 0)) == 0


RULES = 54
"""Of the quality scale in 2026; see its page in the developers' documentation."""


def test_the_quality_scale_is_kept_honestly() -> None:
    """Every rule is there; what does not apply says why."""
    text = (FOLDER / "quality_scale.yaml").read_text(encoding="utf-8")
    rules = yaml.safe_load(text)["rules"]
    assert len(rules) == RULES
    for rule, state in rules.items():
        if isinstance(state, dict):
            assert state["status"] in ("exempt", "todo", "done"), rule
            assert state["comment"], rule
        else:
            assert state in ("done", "todo"), rule
