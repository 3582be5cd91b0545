"""Every text that is used exists in every language, and is one that people can read.

Home Assistant's own checks of this are not part of its test plugin for custom
integrations.
"""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any

import pytest

from custom_components.iec62056 import config_flow, coordinator
from custom_components.iec62056.form import advanced_section
from custom_components.iec62056.iec21.catalog import (
    REGISTERS,
    TEXTS,
    TIMES,
    Measure,
    Quantity,
    Register,
)
from custom_components.iec62056.iec21.profiles import PROFILES

FOLDER = Path(config_flow.__file__).parent
LANGUAGES = sorted(path.stem for path in (FOLDER / "translations").glob("*.json"))


def texts(language: str) -> dict[str, Any]:
    """Return the translations of a language."""
    path = FOLDER / "translations" / f"{language}.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def flat(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """List the texts of a tree by their path."""
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flat(value, f"{path}.")
        else:
            yield path, value


def placeholders(text: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


ENGLISH = texts("en")
ENGLISH_TEXTS = dict(flat(ENGLISH))


def test_there_are_languages() -> None:
    """English is the one that every other falls back to."""
    assert {"en", "de"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_texts_of_english(language: str) -> None:
    """None is missing, none is left over, and the placeholders are the same."""
    translated = dict(flat(texts(language)))
    assert translated.keys() == ENGLISH_TEXTS.keys()
    for path, text in translated.items():
        assert placeholders(text) == placeholders(ENGLISH_TEXTS[path]), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_breaks_the_rules_of_home_assistant(language: str) -> None:
    """What hassfest would refuse: HTML, addresses, blanks, quoted placeholders."""
    for path, text in flat(texts(language)):
        assert text == text.strip(), path
        assert text, path
        assert not re.search(r"<[a-z/!]", text), path
        assert "://" not in text, path
        assert not re.search(r"'\{\w+\}'", text), path
        assert "[%key" not in text, path
        key = path.rpartition(".")[0].rpartition(".")[2]
        assert re.fullmatch(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?", key), path


# -- sensors ---------------------------------------------------------------------


def registers() -> Iterator[Register]:
    """List every register that may become a sensor."""
    yield from REGISTERS
    for profile in PROFILES:
        yield from profile.registers
        for parts in profile.lists.values():
            yield from parts


NAMED = [
    row
    for row in registers()
    if not row.identity and row.quantity is not Quantity.PROFILE
]
SENSORS = ENGLISH["entity"]["sensor"]


@pytest.mark.parametrize("key", sorted({row.name_key for row in NAMED}))
def test_every_register_has_a_name(key: str) -> None:
    """With the numbers that its key has left out, and no others."""
    for row in NAMED:
        if row.name_key == key:
            assert placeholders(SENSORS[key]["name"]) == set(row.placeholders)


def test_every_maximum_has_a_name_for_its_time() -> None:
    """The time is a sensor of its own."""
    for row in NAMED:
        if row.measure is Measure.MAXIMUM and row.quantity not in TEXTS | TIMES:
            name = SENSORS[f"{row.name_key}_timestamp"]["name"]
            assert placeholders(name) == set(row.placeholders)


WINDOWS = {
    f"active_energy_{flow}{tariff}_{window}"
    for flow in ("import", "export")
    for tariff in ("", "_tariff")
    for window in ("last", "since_reset")
}


def test_every_window_of_time_has_a_name() -> None:
    """The energy of the last days stands under the code of the total."""
    for key in WINDOWS:
        assert placeholders(SENSORS[key]["name"]) == {
            *(["tariff"] if "tariff" in key else []),
            *(["last"] if key.endswith("last") else []),
        }


def test_no_name_is_left_over() -> None:
    """A register that is gone takes its name with it."""
    used = {row.name_key for row in NAMED}
    used |= {f"{row.name_key}_timestamp" for row in NAMED}
    assert SENSORS.keys() <= used | WINDOWS | {"register"}
    assert placeholders(SENSORS["register"]["name"]) == {"code"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_registers_have_the_same_name(language: str) -> None:
    """A user could not tell them apart."""
    names = [one["name"] for one in texts(language)["entity"]["sensor"].values()]
    assert len(names) == len(set(names))


def test_one_thing_has_one_german_word() -> None:
    """The end of a billing period is a "Rückstellung" on every German meter."""
    for path, text in flat(texts("de")):
        assert not re.search(r"Reset|Rücksetz", text), path


def test_icons_belong_to_sensors() -> None:
    """An icon under a key that no sensor has shows nowhere."""
    icons = json.loads((FOLDER / "icons.json").read_text(encoding="utf-8"))
    assert icons["entity"].keys() == {"sensor"}
    for key, icon in icons["entity"]["sensor"].items():
        assert key in SENSORS
        assert icon["default"].startswith("mdi:")


# -- dialogs and errors ----------------------------------------------------------

FLOW_SOURCE = Path(config_flow.__file__).read_text(encoding="utf-8")
COORDINATOR_SOURCE = Path(coordinator.__file__).read_text(encoding="utf-8")
OTHER_PROTOCOLS = {"sml", "dlms", "dsmr"}


def test_every_error_of_the_dialog_has_a_text() -> None:
    """And no text is left over."""
    used = set(re.findall(r'key = "(\w+)"', FLOW_SOURCE))
    used |= set(re.findall(r'key = "(\w+)" if \w+ else "\w+"', FLOW_SOURCE))
    used |= set(re.findall(r'key = "\w+" if \w+ else "(\w+)"', FLOW_SOURCE))
    used |= OTHER_PROTOCOLS
    used |= set(re.findall(r'_errors\["?\w+"?\] = "(\w+)"', FLOW_SOURCE))
    used |= {
        # The other fields take no value that is out of range.
        "invalid_address",
        "invalid_baud_rate",
        "invalid_max_baud_rate",
        "invalid_gateway_baud_rate",
    }
    assert ENGLISH["config"]["error"].keys() == used


def test_every_end_of_the_dialog_has_a_text() -> None:
    """Those of Home Assistant's helpers included."""
    used = set(re.findall(r'AbortFlow\("(\w+)"', FLOW_SOURCE))
    assert used == {"already_configured"}
    assert ENGLISH["config"]["abort"].keys() == used


def test_every_progress_has_a_text() -> None:
    """It is all that a user sees for half a minute."""
    used = set(re.findall(r'progress_action="(\w+)"', FLOW_SOURCE))
    assert ENGLISH["config"]["progress"].keys() == used


@pytest.mark.parametrize("step", ["serial", "network"])
def test_every_field_has_a_label_and_a_hint(step: str) -> None:
    """In the folded part of the form as well."""
    fields = {str(key) for key in advanced_section(collapsed=True).schema.schema}
    form = ENGLISH["config"]["step"][step]
    assert form["sections"]["advanced"]["data"].keys() == fields
    assert form["sections"]["advanced"]["data_description"].keys() == fields
    assert form["data"].keys() == form["data_description"].keys()


def test_every_choice_has_a_text() -> None:
    """Of every field that offers some."""
    section = advanced_section(collapsed=True).schema.schema
    offered = {
        field.config["translation_key"]: set(field.config["options"])
        for field in section.values()
        if "translation_key" in field.config
    }
    offered["gateway"] = set(config_flow.GATEWAYS)
    assert {
        name: set(selector["options"]) for name, selector in ENGLISH["selector"].items()
    } == offered


def test_every_failed_readout_has_a_text() -> None:
    """And no text is left over."""
    used = set(re.findall(r'key = "(\w+)"', COORDINATOR_SOURCE))
    used |= {"other_meter", "number_missing"}
    assert ENGLISH["exceptions"].keys() == used
