"""What a reading is in Home Assistant's eyes; no Home Assistant runs here."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.iec62056.const import (
    CONF_BILLING_PERIODS,
    CONF_CURRENT_RATIO,
    CONF_UNITS,
    CONF_VOLTAGE_RATIO,
)
from custom_components.iec62056.iec21.catalog import UNITS, Quantity
from custom_components.iec62056.iec21.messages import Identification
from custom_components.iec62056.iec21.reading import Reading, interpret
from custom_components.iec62056.iec21.telegram import (
    Check,
    DataSet,
    Readout,
    parse_data_lines,
)
from custom_components.iec62056.looks import (
    LOOKS,
    UNADJUSTED,
    Adjustments,
    describe,
    describe_moment,
    has_sensor,
    key_of_past,
    long_text,
    with_unit,
)


def readings(text: str, identification: bytes = b"/XXX5TEST") -> tuple[Reading, ...]:
    """Interpret data lines."""
    data_sets = tuple(one for one in parse_data_lines(text) if isinstance(one, DataSet))
    return interpret(
        Readout(
            identification=Identification.parse(identification),
            data_sets=data_sets,
            check=Check.NONE,
        )
    )


def reading(text: str, identification: bytes = b"/XXX5TEST") -> Reading:
    """Interpret one data line."""
    return readings(text, identification)[0]


# -- how quantities look ---------------------------------------------------------


def test_every_quantity_has_a_look() -> None:
    """A new one is noticed here, not by a user."""
    assert set(LOOKS) == set(Quantity)


@pytest.mark.parametrize("quantity", [one for one in UNITS if LOOKS[one].device_class])
def test_the_usual_unit_of_a_quantity_has_its_device_class(quantity: Quantity) -> None:
    """At least one unit of each quantity is one that Home Assistant takes."""
    device_class = LOOKS[quantity].device_class
    assert device_class is not None
    units = UNITS[quantity] or {None}
    # "l" is "L" in Home Assistant, and every volume comes in m³ as well.
    assert units & DEVICE_CLASS_UNITS[device_class]
    assert device_class in DEVICE_CLASS_STATE_CLASSES


@pytest.mark.parametrize(
    ("text", "device_class", "state_class", "unit", "precision"),
    [
        ("1.8.0(01.5*kWh)", "energy", "total_increasing", "kWh", 1),
        ("1.8.0(0015*Wh)", "energy", "total_increasing", "Wh", 0),
        ("1.9.1(01.5*kWh)", "energy", "total_increasing", "kWh", 1),
        ("16.8.0(01.5*kWh)", "energy", "total", "kWh", 1),
        ("15.8.0(01.5*kWh)", "energy", "total_increasing", "kWh", 1),
        ("3.8.0(01.5*kvarh)", "reactive_energy", "total_increasing", "kvarh", 1),
        # Units that Home Assistant does not know for the class.
        ("3.8.0(01.5*Mvarh)", None, "total_increasing", "Mvarh", 1),
        ("9.8.0(01.5*kVAh)", None, "total_increasing", "kVAh", 1),
        ("31.7.0(01.5*kA)", None, "measurement", "kA", 1),
        ("1.6.0(01.5*kW)", "power", "measurement", "kW", 1),
        ("1.2.0(01.5*kW)", "power", None, "kW", 1),
        ("13.7.0(0.98)", "power_factor", "measurement", None, 2),
        ("81.7.4(032*deg)", None, "measurement_angle", "°", 0),
        ("0.1.0(33)", None, "total_increasing", None, 0),
        ("0.3.0(5000)", None, None, None, 0),
        ("0.6.0(230*V)", "voltage", None, "V", 0),
        # Codes that nobody knows.
        ("94.8.7(01.5*kWh)", "energy", "total_increasing", "kWh", 1),
        ("94.8.7(01.5*kvarh)", "reactive_energy", "total_increasing", "kvarh", 1),
        ("94.8.7(01.5*kVAh)", None, "total_increasing", "kVAh", 1),
        ("94.7.7(01.5*kWh)", None, None, "kWh", 1),
        # They go up and down: import less export, windows of time, a fourth group.
        ("36.8.0(01.5*kWh)", "energy", "total", "kWh", 1),
        ("76.8.1(01.5*kWh)", "energy", "total", "kWh", 1),
        ("1.8.0.5(01.5*kWh)", None, None, "kWh", 1),
        ("ETPE(01.5*kWh)", None, None, "kWh", 1),
        ("94.7.7(01.5*bar)", None, None, "bar", 1),
        ("94.7.7(ABC)", None, None, None, None),
        # Times.
        ("0.9.1(135907)", None, None, None, None),
        ("0.9.2(261121)", "date", None, None, None),
        ("0.9.2()", "date", None, None, None),
        ("0.1.2(2611010000)", "timestamp", None, None, None),
        ("0.1.2()", "timestamp", None, None, None),
        ("0.1.2(261101)", "date", None, None, None),
    ],
)
def test_how_a_reading_looks(
    text: str,
    device_class: SensorDeviceClass | None,
    state_class: SensorStateClass | None,
    unit: str | None,
    precision: int | None,
) -> None:
    """Device class, state class, unit and digits follow from what comes."""
    description = describe(reading(text))
    assert (
        description.device_class,
        description.state_class,
        description.native_unit_of_measurement,
        description.suggested_display_precision,
    ) == (device_class, state_class, unit, precision)


@pytest.mark.parametrize(
    ("text", "device_class", "state_class", "unit"),
    [
        ("6.8(0012.345*GJ)", "energy", "total_increasing", "GJ"),
        ("6.26(00123.45*m3)", "volume", "total_increasing", "m³"),
        ("6.26(00123*l)", "volume", "total_increasing", "L"),
        ("6.33(00123*l/h)", "volume_flow_rate", "measurement", "L/h"),
        ("6.31(00123*h)", "duration", "total_increasing", "h"),
        ("9.4(090*C&060*C)", "temperature", "measurement", "°C"),
        ("9.4(020*K&060*C)", "temperature_delta", "measurement", "K"),
    ],
)
def test_how_a_heat_meter_looks(
    text: str, device_class: str, state_class: str, unit: str
) -> None:
    """Litres are spelled as Home Assistant does, kelvins are differences."""
    description = describe(reading(text, b"/LUGCUH50"))
    assert description.device_class == device_class
    assert description.state_class == state_class
    assert description.native_unit_of_measurement == unit


@pytest.mark.parametrize(
    ("text", "device_class", "state_class", "unit", "enabled"),
    [
        ("7-2:300.0(6827.6012*m3)", "gas", "total_increasing", "m³", True),
        ("7-4:300.0(1204.5*m3)", "gas", "total_increasing", "m³", True),
        # Other counters of the same volumes.
        ("7-2:302.0(6830.1122*m3)", "gas", "total_increasing", "m³", False),
        ("7-4:301.0(0.625*m3)", "gas", "total_increasing", "m³", False),
        ("7-2:310.0(12.2*m3|h)", "volume_flow_rate", "measurement", "m³/h", True),
        ("7-7:310.0(5.66* bar)", "pressure", "measurement", "bar", True),
        ("7-7:310.0(566*kPa)", "pressure", "measurement", "kPa", True),
        ("7-6:310_1.0(11.9*{C)", "temperature", "measurement", "°C", True),
        ("7-6:310.1(292.05*K)", "temperature", "measurement", "K", True),
        ("7-5:310.0(5.66821)", None, "measurement", None, False),
        # Home Assistant knows no duration in months.
        ("7-1:404.0(87*Mon)", None, "measurement", "mo", True),
        ("7-2:141.0(06:00)", None, None, None, False),
        ("7-1:100.0(0)", None, None, None, False),
        ("7-11:160.0(1.013*bar)", None, None, "bar", False),
    ],
)
def test_how_a_volume_corrector_looks(
    text: str,
    device_class: str | None,
    state_class: str | None,
    unit: str | None,
    *,
    enabled: bool,
) -> None:
    """Gas has absolute temperatures, so kelvins are no differences here."""
    one = reading(text, b"/Els6EK280")
    assert has_sensor(one)
    description = describe(one)
    assert description.device_class == device_class
    assert description.state_class == state_class
    assert description.native_unit_of_measurement == unit
    assert description.entity_registry_enabled_default is enabled


def test_the_number_of_a_volume_corrector_is_no_sensor() -> None:
    """It names the meter."""
    assert not has_sensor(reading("7-1:180.0(00011111)", b"/Els6EK280"))


def test_a_window_of_time_makes_no_sum() -> None:
    """The energy of the last seven days goes up and down."""
    week, *others = readings(
        "1-0:1.8.0*97(00158.7*kWh)\r\n"
        "1-0:3.8.0*97(00158.7*kvarh)\r\n"
        "1-0:16.8.0*97(00158.7*kWh)\r\n"
        "1-0:21.8.0*97(00158.7*kWh)\r\n",
        b"/LOG5LK123",
    )
    description = describe(week)
    assert description.state_class is None
    assert not description.entity_registry_enabled_default
    assert description.translation_key == "active_energy_import_last"
    assert description.translation_placeholders == {"last": "7"}
    # Nobody has named these.
    assert {describe(one).translation_key for one in others} == {"register"}
    assert {describe(one).state_class for one in others} == {None}


@pytest.mark.parametrize(
    ("text", "enabled", "category"),
    [
        ("1.8.0(1*kWh)", True, None),
        ("1.8.63(1*kWh)", True, None),
        ("21.8.0(1*kWh)", False, None),
        ("3.8.0(1*kvarh)", False, None),
        ("1.6.0(1*kW)", True, None),
        ("1.6.1(1*kW)", False, None),
        ("94.91.0(1*kWh)", False, None),
        ("94.91.0(ABC)", False, EntityCategory.DIAGNOSTIC),
        ("F.F(00000000)", True, EntityCategory.DIAGNOSTIC),
        ("C.5(00000000)", False, EntityCategory.DIAGNOSTIC),
        ("0.2.0(1.03)", False, EntityCategory.DIAGNOSTIC),
        ("0.6.0(230*V)", False, EntityCategory.DIAGNOSTIC),
    ],
)
def test_what_is_worth_a_sensor(
    text: str, *, enabled: bool, category: EntityCategory | None
) -> None:
    """The rest waits in the registry."""
    description = describe(reading(text))
    assert description.entity_registry_enabled_default is enabled
    assert description.entity_category == category


# -- values ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.8.0(0000000.000*kWh)", Decimal(0)),
        ("1.8.0()", None),
        ("0.9.1(135907)", "13:59:07"),
        ("0.9.2(261121)", date(2026, 11, 21)),
        ("0.1.2(261101)", date(2026, 11, 1)),
        ("F.F(00000000)", "00000000"),
        ("94.7.7(" + 300 * "A" + ")", 255 * "A"),
        ("94.7.7()", None),
    ],
)
def test_what_a_value_becomes(text: str, value: object) -> None:
    """Zero is a reading, nothing is unknown, and no state is too long."""
    one = reading(text)
    assert describe(one).value_fn(one) == value


async def test_times_are_those_of_the_home(hass: HomeAssistant) -> None:
    """Meters know no time zones, and hang where Home Assistant is."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    maximum = reading("1.6.0(02.468*kW)(2611200930)")
    moment = describe_moment(maximum).value_fn(maximum)
    assert isinstance(moment, datetime)
    assert moment.astimezone(UTC) == datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

    reset = reading("0.1.2(2607010000)")
    moment = describe(reset).value_fn(reset)
    assert isinstance(moment, datetime)
    assert moment.astimezone(UTC) == datetime(2026, 6, 30, 22, 0, tzinfo=UTC)
    dt_util.set_default_time_zone(UTC)


def test_a_time_with_a_zone_keeps_it() -> None:
    """A season digit of 2 says that a clock shows UTC."""
    one = reading("0-0:1.0.0(2260701120000)")
    assert describe(one).value_fn(one) == datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def test_a_time_beyond_all_times_is_unknown() -> None:
    """With some meters it says that there was none, and a date has to be before."""
    dt_util.set_default_time_zone(ZoneInfo("America/Los_Angeles"))
    one = reading("0.1.2(2611010000)")
    never = replace(one, value=datetime(9999, 12, 31, 23, 59, 59))  # noqa: DTZ001  # Meters know no zones.
    assert describe(one).value_fn(never) is None
    dt_util.set_default_time_zone(UTC)


def test_a_date_that_comes_with_a_time_later_stays_a_date() -> None:
    """The class of a sensor does not change."""
    day, moment = readings("0.1.3(261101)\r\n0.1.2(2611010000)\r\n")
    assert describe(day).value_fn(moment) == date(2026, 11, 1)
    assert describe(moment).value_fn(day) is None
    assert describe(day).value_fn(reading("F.F(0)")) is None


def test_a_text_that_is_too_long_is_kept_whole_beside_its_state() -> None:
    """Home Assistant takes 255 characters, and meters send more."""
    whole = 300 * "A"
    assert long_text(reading(f"94.7.7({whole})")) == whole
    assert long_text(reading(f"94.7.7({255 * 'A'})")) is None
    assert long_text(reading("1.8.0(1*kWh)")) is None


def test_a_value_without_a_code_makes_no_sensor() -> None:
    """It could not be found again in the next readout."""
    one = reading("(0012345)")
    assert one.address == ""
    assert not has_sensor(one)


# -- transformers ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "precision"),
    [
        # 40 is 200 A to 5 A, and 100 is 10 kV to 100 V.
        ("1.8.0(0001.001*kWh)", "4004.000", 0),
        ("3.8.0(0001.5*kvarh)", "6000.0", 0),
        ("9.8.0(0001.5*kVAh)", "6000.0", 0),
        ("1.7.0(00.0015*kW)", "6.0000", 1),
        ("1.6.0(01.5*kW)", "6000.0", 0),
        ("1.2.0(01.5*kW)", "6000.0", 0),
        ("4.7.0(01.5*kvar)", "6000.0", 0),
        ("9.7.0(01.5*kVA)", "6000.0", 0),
        ("31.7.0(001.25*A)", "50.00", 1),
        ("32.7.0(057.5*V)", "5750.0", 0),
        # Codes that nobody knows count all the same.
        ("94.8.7(01.5*kWh)", "6000.0", 0),
        # What transformers do not divide, and what the meter itself is made for.
        ("13.7.0(0.98)", "0.98", 2),
        ("14.7.0(49.9*Hz)", "49.9", 1),
        ("0.1.0(33)", "33", 0),
        ("0.6.0(230*V)", "230", 0),
        ("94.7.7(01.5*kWh)", "1.5", 1),
    ],
)
def test_transformers_multiply_what_they_divide(
    text: str, value: str, precision: int
) -> None:
    """Energy and power by both, to the last digit; a coarser step shows fewer."""
    adjustments = Adjustments.from_options(
        {CONF_CURRENT_RATIO: 40.0, CONF_VOLTAGE_RATIO: 100}
    )
    one = reading(text)
    description = describe(one, adjustments)
    assert str(description.value_fn(one)) == value
    assert description.suggested_display_precision == precision


@pytest.mark.parametrize(
    ("ratio", "value", "precision"),
    [
        (1, "8048.375", 3),
        (2.5, "20120.9375", 3),
        (40, "321935.000", 2),
        (0.5, "4024.1875", 4),
        (100_000, "804837500.000", 0),
    ],
)
def test_a_ratio_keeps_every_digit(ratio: float, value: str, precision: int) -> None:
    """Those that are shown are those in which a step can be seen."""
    one = reading("1.8.0(0008048.375*kWh)")
    description = describe(one, Adjustments.from_options({CONF_CURRENT_RATIO: ratio}))
    assert str(description.value_fn(one)) == value
    assert description.suggested_display_precision == precision


def test_what_is_no_number_is_not_multiplied() -> None:
    """It is unknown, as without transformers."""
    one = reading("1.8.0(0008048.375*kWh)")
    description = describe(one, Adjustments(current_ratio=Decimal(40)))
    assert description.value_fn(replace(one, value="ERROR")) is None


def test_heat_knows_no_transformers() -> None:
    """Nor does anything else that is no electricity."""
    heat = reading("6.8(0012.345*MWh)", b"/LUGCUH50")
    description = describe(heat, Adjustments(current_ratio=Decimal(40)))
    assert description.value_fn(heat) == Decimal("12.345")


# -- units that only the user knows ----------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "unit"),
    [
        ("1.8.0(0008048.3)", "1-0:1.8.0", "Wh"),
        ("94.8.8(0008048.3)", "0-0:94.8.8", "kWh"),
        ("1-0:94.8.8*255(0008048.3)", "1-0:94.8.8", "kWh"),
        # It counts although its code does not say so.
        ("94.7.7(0008048.3)", "0-0:94.7.7", "Wh"),
    ],
)
def test_a_counter_without_unit_gets_the_one_that_the_user_knows(
    text: str, code: str, unit: str
) -> None:
    """Then it is energy, as if the meter had sent the unit."""
    adjustments = Adjustments.from_options({CONF_UNITS: {code: unit}})
    one = with_unit(reading(text), adjustments.units)
    description = describe(one, adjustments)
    assert description.value_fn(one) == Decimal("8048.3")
    assert description.native_unit_of_measurement == unit
    assert description.device_class is SensorDeviceClass.ENERGY
    assert description.state_class is SensorStateClass.TOTAL_INCREASING
    assert description.suggested_display_precision == 1


@pytest.mark.parametrize(
    "text", ["1.8.0(0008.3*MWh)", "94.8.8(0008.3*MWh)", "2.8.0(0008.3)"]
)
def test_a_unit_of_the_meter_stays(text: str) -> None:
    """As does a register of which the user has said nothing."""
    one = reading(text)
    units = {"1-0:1.8.0": "Wh", "0-0:94.8.8": "Wh"}
    assert with_unit(one, units) is one


# -- billing periods that are over -----------------------------------------------


def past(text: str) -> Reading:
    """Interpret the value of a billing period that the norm gives an age."""
    return next(one for one in readings(text) if one.age is not None)


@pytest.mark.parametrize(
    ("periods", "wanted"), [(0, []), (1, [1]), (2, [1, 2]), (9, [1, 2, 3])]
)
def test_billing_periods_make_sensors_only_if_they_are_wanted(
    periods: int, wanted: list[int]
) -> None:
    """The youngest ones first."""
    adjustments = Adjustments.from_options({CONF_BILLING_PERIODS: float(periods)})
    several = readings("1.8.0*101(3*kWh)\r\n1.8.0*102(2*kWh)\r\n1.8.0*103(1*kWh)\r\n")
    assert [one.age for one in several if has_sensor(one, adjustments)] == wanted


def test_a_billing_period_of_unknown_age_makes_no_sensor() -> None:
    """It could not be found again after the next reset."""
    one = reading("1.8.0*126(3*kWh)")
    assert (one.billing_period, one.age) == ("*126", None)
    assert not has_sensor(one, Adjustments(billing_periods=24))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1.8.0*101(3*kWh)", "1.8.0@1"),
        ("1-0:1.8.0*102(3*kWh)", "1-0:1.8.0@2"),
        ("1-2:1.8.0&103(3*kWh)", "1-2:1.8.0@3"),
    ],
)
def test_a_billing_period_is_known_by_its_age(text: str, key: str) -> None:
    """What is printed behind the code is another number after each reset."""
    assert key_of_past(past(text)) == key


def test_a_billing_period_that_is_printed_twice_has_two_keys() -> None:
    """Its running number tells them apart, as with current values."""
    first, second = readings("1.8.0*101(3*kWh)\r\n1.8.0*101(2*kWh)\r\n")
    assert (key_of_past(first), key_of_past(second)) == ("1.8.0@1", "1.8.0#1@1")


@pytest.mark.parametrize(
    ("text", "state_class"),
    [
        ("1.8.0*101(3*kWh)", "total"),
        ("16.8.0*101(3*kWh)", "total"),
        ("90.8.7*101(3*kWh)", "total"),
        # It starts at zero in each period.
        ("1.9.0*101(3*kWh)", None),
        ("1.6.0*101(3*kW)", "measurement"),
        ("1.2.0*101(3*kW)", None),
    ],
)
def test_how_a_billing_period_makes_statistics(
    text: str, state_class: SensorStateClass | None
) -> None:
    """A stored value is not taken for a new start when it is smaller."""
    assert describe(past(text)).state_class == state_class


def test_nothing_is_adjusted_by_default() -> None:
    """An entry without options shows what its meter sends."""
    assert Adjustments.from_options({}) == UNADJUSTED
