"""Every text that is used exists in every language, and is one that people can read.

Home Assistant's own checks of this are not part of its test plugin for custom
integrations.
"""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass
import pytest

from custom_components.iec62056 import diagnostic_sensor
from custom_components.iec62056.button import READ_NOW
from custom_components.iec62056.clock import Habit
from custom_components.iec62056.diagnostic_sensor import RecordSensorDescription
from custom_components.iec62056.form import GATEWAYS, advanced_section
from custom_components.iec62056.iec21.catalog import (
    REGISTERS,
    TEXTS,
    TIMES,
    Measure,
    Quantity,
    Register,
)
from custom_components.iec62056.iec21.nameplate import Supply
from custom_components.iec62056.iec21.profiles import PROFILES
from custom_components.iec62056.schedule import Kind
from custom_components.iec62056.search import Stage

FOLDER = Path(diagnostic_sensor.__file__).parent
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
    used |= {str(one.translation_key) for one in RECORD_SENSORS}
    assert SENSORS.keys() <= used | WINDOWS | {"register"} | PAST
    assert placeholders(SENSORS["register"]["name"]) == {"code"}


def test_no_register_takes_the_name_of_a_diagnostic_sensor() -> None:
    """They share the texts, and the unique ids begin alike."""
    keys = {row.name_key for row in NAMED} | {
        f"{row.name_key}_timestamp" for row in NAMED
    }
    assert not keys & {str(one.translation_key) for one in RECORD_SENSORS}
    assert not keys & PAST


PAST = {"last_period", "past_period"}


def test_every_billing_period_can_be_named() -> None:
    """The name of any register goes into the text, and how long ago it was."""
    assert placeholders(SENSORS["last_period"]["name"]) == {"name"}
    assert placeholders(SENSORS["past_period"]["name"]) == {"name", "age"}


RECORD_SENSORS = [
    one
    for one in vars(diagnostic_sensor).values()
    if isinstance(one, RecordSensorDescription)
]


def test_every_diagnostic_sensor_has_a_name() -> None:
    """And every state of one that knows only some."""
    assert RECORD_SENSORS
    for one in RECORD_SENSORS:
        texts = SENSORS[str(one.translation_key)]
        assert texts["name"]
        assert set(texts.get("state", ())) == {str(key) for key in one.options or ()}


def test_the_button_has_a_name() -> None:
    """It is the only one."""
    assert ENGLISH["entity"]["button"].keys() == {READ_NOW.translation_key}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_registers_have_the_same_name(language: str) -> None:
    """A user could not tell them apart."""
    names = [one["name"] for one in texts(language)["entity"]["sensor"].values()]
    assert len(names) == len(set(names))


def test_one_thing_has_one_german_word() -> None:
    """The end of a billing period is a "Rückstellung" on every German meter."""
    for path, text in flat(texts("de")):
        assert not re.search(r"Reset|Rücksetz", text), path


ICONS = json.loads((FOLDER / "icons.json").read_text(encoding="utf-8"))


def test_icons_belong_to_entities() -> None:
    """An icon under a key that no entity has shows nowhere."""
    assert ICONS.keys() == {"entity", "services"}
    for platform, icons in ICONS["entity"].items():
        for key, icon in icons.items():
            texts = ENGLISH["entity"][platform][key]
            assert icon["default"].startswith("mdi:")
            for state, state_icon in icon.get("state", {}).items():
                assert state in texts["state"]
                assert state_icon.startswith("mdi:")


def test_what_has_no_device_class_has_an_icon() -> None:
    """Of those that every meter has; a device class brings its own."""
    for one in RECORD_SENSORS:
        has_class = one.device_class not in (None, SensorDeviceClass.ENUM)
        assert (one.translation_key in ICONS["entity"]["sensor"]) is not has_class
    assert ICONS["entity"]["button"].keys() == ENGLISH["entity"]["button"].keys()


# -- dialogs and errors ----------------------------------------------------------


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Parse the modules of the integration, without those of the protocol."""
    for path in sorted(FOLDER.glob("*.py")):
        yield path.stem, ast.parse(path.read_text(encoding="utf-8"))


TREES = dict(trees())


def strings(node: ast.AST) -> Iterator[str]:
    """List the texts that an expression may be."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from strings(body)
            yield from strings(other)
        case ast.List(elts=elements):
            for element in elements:
                yield from strings(element)
        case _:
            pass


def assigned(module: str, name: str) -> Iterator[str]:
    """List the texts that a module puts into a variable, or under a key of one."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                inner = target.value if isinstance(target, ast.Subscript) else target
                if ast.unparse(inner) == name:
                    yield from strings(node.value)


def passed(module: str, function: str, argument: int | str) -> Iterator[str]:
    """List the texts that a module hands to a function."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(function):
            if isinstance(argument, int):
                values = node.args[argument : argument + 1]
            else:
                values = [one.value for one in node.keywords if one.arg == argument]
            for value in values:
                yield from strings(value)


OTHER_PROTOCOLS = {"sml", "dlms", "dsmr"}


def test_every_error_of_the_dialog_has_a_text() -> None:
    """And no text is left over."""
    used = set(assigned("config_flow", "self._errors"))
    used |= set(assigned("explain", "key")) | OTHER_PROTOCOLS
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
    used = set(passed("config_flow", "AbortFlow", 0))
    used |= set(assigned("config_flow", "self._reason"))
    assert used
    assert ENGLISH["config"]["abort"].keys() == used


def test_every_progress_has_a_text() -> None:
    """It is all that a user sees for half a minute."""
    assert ENGLISH["config"]["progress"].keys() == {str(stage) for stage in Stage}


@pytest.mark.parametrize("flow", ["config", "options"])
def test_every_step_of_a_dialog_has_a_text(flow: str) -> None:
    """And each of them is a step."""
    source = TREES[f"{flow}_flow"]
    methods = {
        node.name.removeprefix("async_step_")
        for node in ast.walk(source)
        if isinstance(node, ast.AsyncFunctionDef)
    }
    shown = set(passed(f"{flow}_flow", "async_show_form", "step_id"))
    shown |= set(passed(f"{flow}_flow", "async_show_menu", "step_id"))
    shown |= set(passed(f"{flow}_flow", "self._show", 0))
    assert shown <= methods
    assert ENGLISH[flow]["step"].keys() == shown


@pytest.mark.parametrize("flow", ["config", "options"])
def test_every_choice_of_a_menu_has_a_text(flow: str) -> None:
    """It says what it leads to."""
    for step, menu in ENGLISH[flow]["step"].items():
        for choice in menu.get("menu_options", ()):
            assert choice in {*ENGLISH[flow]["step"], "accept"}, step


@pytest.mark.parametrize("flow", ["config", "options"])
def test_every_field_has_a_label_and_a_hint(flow: str) -> None:
    """In the folded parts of the forms as well."""
    fields = {str(key) for key in advanced_section(collapsed=True).schema.schema}
    for step, form in ENGLISH[flow]["step"].items():
        for part in (form, *form.get("sections", {}).values()):
            labels, hints = part.get("data", {}), part.get("data_description", {})
            assert labels.keys() == hints.keys(), step
        if advanced := form.get("sections", {}).get("advanced"):
            asked = {"address"} & form.get("data", {}).keys()
            assert advanced["data"].keys() == fields - asked, step


def test_every_choice_has_a_text() -> None:
    """Of every field that offers some."""
    section = advanced_section(collapsed=True).schema.schema
    offered = {
        field.config["translation_key"]: set(field.config["options"])
        for field in section.values()
        if "translation_key" in field.config
    }
    offered |= {
        "gateway": set(GATEWAYS),
        "supply": {str(one) for one in Supply},
        "schedule": {str(one) for one in Kind},
        "clock": {str(one) for one in Habit},
    }
    assert {
        name: set(selector["options"]) for name, selector in ENGLISH["selector"].items()
    } == offered


def test_every_failure_has_a_text() -> None:
    """And no text is left over."""
    used = {
        text
        for module in TREES
        for text in (
            *passed(module, "ReadoutFailed", 1),
            *passed(module, "HomeAssistantError", "translation_key"),
            *passed(module, "ServiceValidationError", "translation_key"),
        )
    }
    assert used
    assert ENGLISH["exceptions"].keys() == used
