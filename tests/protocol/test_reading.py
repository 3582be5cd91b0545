"""Readings: what the data sets of a readout mean."""

from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal

from hypothesis import given, strategies as st
import pytest

from iec21 import Check, DataSet, Identification, Readout
from iec21.profiles import PROFILES
from iec21.reading import Reading, interpret, meter_number


def readout(*texts: str, identification: bytes | None = None) -> Readout:
    """Return a readout of the data sets in `texts`, each as a meter prints it."""
    return Readout(
        identification=Identification.parse(identification) if identification else None,
        data_sets=tuple(map(DataSet.parse, texts)),
        check=Check.NONE,
    )


def read(*texts: str) -> tuple[Reading, ...]:
    """Interpret the data sets of a meter without a profile."""
    return interpret(readout(*texts))


def local(*parts: int) -> datetime:
    """Return a time of the meter's own clock."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def test_a_data_set_becomes_a_reading() -> None:
    """With everything that is known of it."""
    (reading,) = read("1-0:1.8.0*255(0001234.567*kWh)")
    assert reading == Reading(
        address="1-0:1.8.0*255",
        occurrence=0,
        code="1-0:1.8.0",
        key="active_energy_import",
        register=reading.register,
        value=Decimal("1234.567"),
        unit="kWh",
        timestamp=None,
        billing_period=None,
        age=None,
        precision=3,
        more=(),
    )
    assert reading.register is not None
    assert reading.register.key == reading.key


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.8.0(1*kWh)", "1-0:1.8.0"),
        ("1.8(1*kWh)", "1-0:1.8.0"),
        ("1-1:1.8.0*12(1*kWh)", "1-1:1.8.0"),
        ("1-0:21.7.255*255(1*W)", "1-0:21.7.0"),
        ("C.1.0(1)", "0-0:96.1.0"),
        ("F.F(00)", "0-0:97.97.0"),
        ("100700FF(1)", "1-0:16.7.0"),
        ("1-1:0.5.1.2(12.000*kW)", "1-1:0.5.1.2"),
        ("7-1:1.0(1*m3)", "7-1:1.0.0"),
        ("ET0PE(1)", "ET0PE"),
    ],
)
def test_a_code_gets_its_normal_form(text: str, code: str) -> None:
    """Groups that go without saying are filled in, the billing period goes."""
    assert read(text)[0].code == code


# -- values ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "unit", "precision"),
    [
        ("1.8.0(000000.0*kWh)", Decimal("0.0"), "kWh", 1),
        ("36.7.0(-000.12*kW)", Decimal("-0.12"), "kW", 2),
        ("56.7.0( 001.23*kW)", Decimal("1.23"), "kW", 2),
        ("1.6(000012,5*kW)", Decimal("12.5"), "kW", 1),
        ("1.8.0(012345 kWh)", Decimal(12345), "kWh", 0),
        ("1.8.0(123.34kWh)", Decimal("123.34"), "kWh", 2),
        ("1.8.1(0012345.678*KWh)", Decimal("12345.678"), "kWh", 3),
        ("13.7.0(0.95*P/S)", Decimal("0.95"), None, 2),
        ("81.7.6(  45*Deg)", Decimal(45), "°", 0),
        ("1.8.0(012345.5*)", Decimal("12345.5"), "kWh", 1),
        ("32.7.0(237)", Decimal(237), "V", 0),
        ("1.8.0(------.-*kWh)", None, "kWh", None),
        ("1.8.0()", None, "kWh", None),
        ("1.8.0(ER23)", "ER23", "kWh", None),
        ("0.1.0(26)", Decimal(26), None, 0),
        ("94.91.0(12*kWh)", Decimal(12), "kWh", 0),
    ],
)
def test_a_number_is_read(
    text: str, value: object, unit: str | None, precision: int | None
) -> None:
    """With its unit, sent or understood; no value is None and never zero."""
    (reading,) = read(text)
    assert reading.value == value
    assert reading.unit == unit
    assert reading.precision == precision


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("F.F(00000000)", "00000000"),
        ("C.5.0(0400)", "0400"),
        ("0.0.0(        12345678)", "12345678"),
        ("C.1.1(        )", None),
        ("0.2.0(ver.01,12AB,20200101)", "ver.01,12AB,20200101"),
        ("0.2.0(06BD)", "06BD"),
        ("0-0:96.14.0(0002)", "0002"),
        ("0-0:96.13.0()", None),
        ("0-0:96.13.0(486920796F75)", "Hi you"),
        ("0-0:96.1.1(45303031323334353637383930)", "E001234567890"),
        ("1-0:96.1.1(45303031323334353637383930)", "45303031323334353637383930"),
        ("0-0:96.3.10(1)", "1"),
        ("C.71(02)", "02"),
        ("94.91.0(0012)", "0012"),
        ("ET0PE(12345.6789)", "12345.6789"),
    ],
)
def test_a_text_stays_text(text: str, value: str | None) -> None:
    """Numbers of meters, states, versions, and what nobody knows."""
    (reading,) = read(text)
    assert reading.value == value
    assert reading.precision is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.9.1(101112)", time(10, 11, 12)),
        ("0.9.2(101112)", date(2010, 11, 12)),
        ("0.9.2(0261120)", date(2026, 11, 20)),
        ("0-0:1.0.0(261120121530W)", local(2026, 11, 20, 12, 15, 30)),
        ("0.1.2*12(2611010000)", local(2026, 11, 1)),
        ("0.1.2(0000)", time(0, 0)),
        ("0.1.2*00(0000000000)", None),
        ("0.1.0*12(26-11-01 00:00)", local(2026, 11, 1)),
        ("0.1.0*00(00-00-00 00:00)", None),
    ],
)
def test_a_time_is_read(text: str, value: object) -> None:
    """Also where a meter puts one in the place of a counter."""
    assert read(text)[0].value == value


def test_history_inherits_the_unit() -> None:
    """The unit stands with the present value only, for each code anew."""
    readings = read(
        "1-1:1.8.0(0000012.3*Wh)",
        "1-1:1.8.0*01(0000001.2)",
        "1-1:2.8.0*01(0000001.2)",
        "94.91.0(5 kWh)",
        "94.91.0*01(4)",
    )
    assert [one.unit for one in readings] == ["Wh", "Wh", "kWh", "kWh", "kWh"]
    assert readings[-1].value == Decimal(4)


def test_a_unit_of_another_quantity_is_another_register() -> None:
    """The ME383 prints 1.7.0 twice, once in kWh: that is no power."""
    energy, power = read("1-0:1.7.0(000123.45*kWh)", "1-0:1.7.0(000.000*kW)")
    assert (energy.key, energy.register, energy.unit) == ("obis_1_7_0", None, "kWh")
    assert energy.value == Decimal("123.45")
    assert (power.key, power.occurrence) == ("active_power_import", 1)


# -- billing periods and repetitions ---------------------------------------------


@pytest.mark.parametrize(
    ("text", "billing_period"),
    [
        ("1.8.0(1*kWh)", None),
        ("1.8.0*255(1*kWh)", None),
        ("100700FF(1)", None),
        ("1.8.0*12(1*kWh)", "*12"),
        ("1.8.0&12(1*kWh)", "&12"),
        ("1.6*1(1*kW)", "*1"),
        ("1.8.1*101(1*kWh)", "*101"),
        ("1.8.0*00(1*kWh)", "*00"),
        ("1.8.0* 02(1*kWh)", "*02"),
        ("10070001(1)", "*1"),
        ("1-1:0.5.1.2(12.000*kW)", None),
    ],
)
def test_the_billing_period_is_the_suffix(
    text: str, billing_period: str | None
) -> None:
    """As printed, since meters count in four ways; 255 is the present one."""
    assert read(text)[0].billing_period == billing_period


def test_repeated_codes_are_counted() -> None:
    """Unused billing periods come as often as there are slots."""
    readings = read(
        "1.8.0*00(0*kWh)", "1.8.0*00(0*kWh)", "1.8.0&00(0*kWh)", "1.8.0*00(0*kWh)"
    )
    assert [one.occurrence for one in readings] == [0, 1, 0, 2]


def read_by(name: str, *texts: str) -> dict[str, int | None]:
    """Return the ages of data sets by address, read with the profile of a name."""
    profile = next(one for one in PROFILES if one.name == name)
    return {one.address: one.age for one in interpret(readout(*texts), profile)}


def test_the_counter_tells_the_age() -> None:
    """0.1.0 names the youngest period, wherever it stands in the readout."""
    texts = (
        "1.8.0(3*kWh)",
        "1.8.0*12(2*kWh)",
        "1.8.0*11(1*kWh)",
        "1.8.0*00(0*kWh)",
        "1.6.0*11(1*kW)",
        "(2611201215)",
        "0.1.0(0012)",
        "0.1.0(11)",
    )
    assert [one.age for one in read(*texts)] == [None, 1, 2, None, 2, None, None]
    assert [one.age for one in read(*texts[:3])] == [None, 1, 2]
    assert [one.age for one in read(*texts[:2])] == [None, None]
    assert [one.age for one in read(*texts[:2], "0.1.0(--)")] == [None, None, None]
    assert [one.age for one in read(*texts[:2], "0.1.0(12.5)")] == [None, None, None]


def test_the_norm_has_numbers_that_are_ages() -> None:
    """101 is the last period, with any meter."""
    assert [one.age for one in read("1.8.1*101(1*kWh)", "1.8.1*102(1*kWh)")] == [1, 2]


def test_the_profile_tells_what_a_number_counts() -> None:
    """Ages with Iskraemeco and heat meters, months with the AS3000."""
    iskra = read_by("Iskraemeco MT17x", "1.8.0*01(2*kWh)", "1.8.0*15(1*kWh)")
    assert iskra == {"1.8.0*01": 1, "1.8.0*15": 15}
    heat = read_by(
        "Heat meter (Ultraheat, Multical)", "6.8(2*GJ)", "6.8*01(1*GJ)", "6.36*02(01)"
    )
    assert heat == {"6.8": None, "6.8*01": 1, "6.36*02": None}
    months = ("1.8.1*02(2*kWh)", "1.8.1*01(1*kWh)", "0.1.0(15)")
    clock = ("0.9.1(121530)", "0.9.2(260310)")
    assert read_by("Elster AS3000", *months)["1.8.1*02"] is None
    assert read_by("Elster AS3000", *months, *clock)["1.8.1*02"] == 1
    assert read_by("Elster AS3000", *months, *clock)["1.8.1*01"] == 2


def test_the_same_month_of_another_year_has_no_age() -> None:
    """Fifteen places and twelve months: which is which only the order knows."""
    profile = next(one for one in PROFILES if one.name == "Elster AS3000")
    texts = ("1.8.1*02(2*kWh)", "1.8.1*02(1*kWh)", "0.9.1(121530)", "0.9.2(260310)")
    assert [one.age for one in interpret(readout(*texts), profile)][:2] == [1, None]


def test_the_ends_of_the_periods_tell_the_age() -> None:
    """Where nothing else does, and Landis+Gyr's prints them under 0.1.0."""
    for code in ("0.1.2", "0.1.0"):
        readings = read(
            "1.8.0*12(2*kWh)",
            "1.8.0&12(1*kWh)",
            "1.8.0*00(0*kWh)",
            f"{code}*12(26-01-01 00:00)",
            f"{code}&12(25-12-30 16:02)",
            f"{code}*00(00-00-00 00:00)",
        )
        assert [one.age for one in readings] == [1, 2, None, 1, 2, None]


def test_logs_and_windows_have_no_age() -> None:
    """Their numbers count something else, and do not disturb the billing periods."""
    readings = read("C.51.2*03(1)", "F.F*02(0)", "1.8.0*12(2*kWh)", "1.8.0*11(1*kWh)")
    assert [one.age for one in readings] == [None, None, 1, 2]
    assert read_by("Logarex LK13", "1.8.0*97(1*kWh)", "1.8.0*96(1*kWh)") == {
        "1.8.0*97": None,
        "1.8.0*96": None,
    }


# -- brackets without a code -----------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "timestamp"),
    [
        (("1.6.1(12.34*kW)", "(2611201215)"), local(2026, 11, 20, 12, 15)),
        (("1.6.1(0.123*kW)", "(1260711111500)"), local(2026, 7, 11, 11, 15)),
        (("1.6.1*02(01.23)", "(26-02-28,18:00)"), local(2026, 2, 28, 18)),
        (("1.6.0(12345*kW)", "(26-02-01 00:15)"), local(2026, 2, 1, 0, 15)),
        (("1.6.0(00.000)", "(0000000000)"), None),
        (
            ("1-0:1.6.0(260508101530S)", "(02.345*kW)"),
            local(2026, 5, 8, 10, 15, 30),
        ),
        (
            ("94.91.0(260508101530S)", "(02.345*kW)"),
            local(2026, 5, 8, 10, 15, 30),
        ),
    ],
)
def test_a_time_in_the_next_bracket_belongs_to_the_value(
    texts: tuple[str, ...], timestamp: datetime | None
) -> None:
    """Behind the value, or before it as DSMR has it; zeros are never."""
    (reading,) = read(*texts)
    assert isinstance(reading.value, Decimal)
    assert reading.unit == "kW"
    assert reading.timestamp == timestamp
    assert reading.more == ()
    assert reading.address == texts[0].partition("(")[0]


def test_further_brackets_are_kept() -> None:
    """A log is its first bracket and more; nothing is lost."""
    log, other, text = read(
        "1-0:99.97.0(1)",
        "(0-0:96.7.19)",
        "(260508101530S)",
        "(0000000120*s)",
        "94.91.0(1*kWh)",
        "(2)",
        "(2611201215)",
        "(3*kWh)",
        "0.0.0(1234567890)",
        "(x)",
    )
    assert (log.key, log.value) == ("power_failure_log", "1")
    assert log.more == ("0-0:96.7.19", "260508101530S", "0000000120*s")
    assert other.value == Decimal(1)
    assert other.timestamp == local(2026, 11, 20, 12, 15)
    assert other.more == ("2", "3*kWh")
    assert (text.value, text.more) == ("1234567890", ("x",))


def test_a_bracket_may_have_no_code_before_it() -> None:
    """A meter was seen to begin with its type in brackets."""
    first, second = read("(/XX330)", "1.8.0(1*kWh)")
    assert (first.address, first.code, first.key) == ("", "", "code")
    assert first.value == "/XX330"
    assert second.key == "active_energy_import"


# -- other meters behind this one ------------------------------------------------


def test_a_channel_counts_what_its_device_type_says() -> None:
    """DSMR gives the type in 0-n:24.1.0 and the counter in 0-n:24.2.1."""
    readings = read(
        "0-1:24.1.0(003)",
        "0-1:24.2.1(260508101530S)",
        "(00123.456*m3)",
        "0-2:24.2.1(260508101530S)",
        "(00876.543*m3)",
        "0-2:24.1.0(007)",
        "0-3:24.1.0(099)",
        "0-3:24.2.1(260508101530S)",
        "(00001.000*m3)",
        "0-4:24.1.0(x)",
        "0-4:24.1.0(003)",
        "0-4:24.2.1(632525252525S)",
        "(00000.000)",
        "0-x:24.2.1(1*m3)",
    )
    counters = [one for one in readings if one.code.endswith("24.2.1")]
    assert [one.key for one in counters] == [
        "gas_volume_channel_1",
        "water_volume_channel_2",
        "obis_24_2_1",
        "gas_volume_channel_4",
        "code_0_x_24_2_1",
    ]
    assert [one.unit for one in counters] == ["m³"] * 5
    assert counters[0].value == Decimal("123.456")
    assert counters[0].timestamp == local(2026, 5, 8, 10, 15, 30)
    assert (counters[3].value, counters[3].timestamp) == (Decimal("0.000"), None)


def test_dsmr_2_wraps_the_counter_in_a_profile() -> None:
    """Code, unit and value each stand in brackets of their own."""
    _type, gas = read(
        "0-1:24.1.0(03)",
        "0-1:24.3.0(260212160000)",
        "(00)",
        "(60)",
        "(1)",
        "(0-1:24.2.1)",
        "(m3)",
        "(00001.001)",
    )
    assert (gas.address, gas.code) == ("0-1:24.3.0", "0-1:24.2.1")
    assert gas.key == "gas_volume_channel_1"
    assert (gas.value, gas.unit) == (Decimal("1.001"), "m³")
    assert gas.timestamp == local(2026, 2, 12, 16)


# -- objects of LIS-200 ----------------------------------------------------------


def read_objects(*texts: str) -> tuple[Reading, ...]:
    """Interpret answers of a volume corrector."""
    return interpret(readout(*texts, identification=b"/Els6EK280"))


@pytest.mark.parametrize(
    ("text", "code", "key", "value", "unit"),
    [
        (
            "7-2:300.0(0006827.6012*m3)",
            *("2:300", "gas_volume_converted", Decimal("6827.6012"), "m³"),
        ),
        ("2:300.0(12)", "2:300", "gas_volume_converted", Decimal(12), "m³"),
        ("04:0300.0(12* m3)", "4:300", "gas_volume", Decimal(12), "m³"),
        ("6:310_1.0(9.5*{C)", "6:310", "gas_temperature", Decimal("9.5"), "°C"),
        ("7:310_1.0(5.5*bar)", "7:310", "gas_pressure", Decimal("5.5"), "bar"),
        ("7:310.0(550*kPa)", "7:310", "gas_pressure", Decimal(550), "kPa"),
        ("8:310.0(0.9912)", "8:310", "gas_compressibility", Decimal("0.9912"), None),
        ("1:404.0(65)", "1:404", "battery_remaining", Decimal(65), "mo"),
        ("1:100.0(0)", "1:100", "operating_status", "0", None),
        ("2:141.0(06:00)", "2:141", "gas_day_start", time(6), None),
        ("1:180.0(00011111)", "1:180", "serial_number", "00011111", None),
        (
            "7-1:400.0(2026-11-20,12:15:30)",
            *("1:400", "meter_clock", local(2026, 11, 20, 12, 15, 30), None),
        ),
        # Values under other attributes, as some devices print them.
        (
            "7-2:302.2(0006827.6012*m3)",
            *("2:302", "gas_volume_converted_total", Decimal("6827.6012"), "m³"),
        ),
        ("6:310.1(292.05*K)", "6:310", "gas_temperature", Decimal("292.05"), "K"),
        # What else there is of an object.
        ("7:310.2(p.Abs)", "7:310.2", "object_7_310_2", "p.Abs", None),
        ("7:310.3(bar)", "7:310.3", "object_7_310_3", "bar", None),
        ("7:310.8(12*bar)", "7:310.8", "object_7_310_8", Decimal(12), "bar"),
        # Objects that nobody has described, or with another unit.
        ("11:1A0_2.0(7*bar)", "11:1A0_2", "object_11_1a0_2", Decimal(7), "bar"),
        ("2:300.0(12*bar)", "2:300", "object_2_300", Decimal(12), "bar"),
        ("1.8.0(12*kWh)", "1.8.0", "obis_1_8_0", Decimal(12), "kWh"),
        ("(12)", "", "code", "12", None),
    ],
)
def test_an_object_is_read(
    text: str, code: str, key: str, value: object, unit: str | None
) -> None:
    """Whatever spelling its address has."""
    (reading,) = read_objects(text)
    assert (reading.code, reading.key) == (code, key)
    assert (reading.value, reading.unit) == (value, unit)
    assert (reading.register is None) is key.startswith(("object", "obis", "code"))
    assert (reading.billing_period, reading.age) == (None, None)


def test_the_inputs_of_a_logger_have_no_meaning() -> None:
    """Its second input is whatever hangs on it; of itself it knows the number."""
    number, volume = interpret(
        readout("1:180.0(00011111)", "2:300.0(12*m3)", identification=b"/Els6DL240")
    )
    assert number.key == "serial_number"
    assert (volume.register, volume.key) == (None, "object_2_300")
    assert (volume.value, volume.unit) == (Decimal(12), "m³")


def test_an_address_of_the_norm_is_no_object() -> None:
    """And the other way round: 1:180.0 could be electricity with C = 180."""
    assert read_objects("7-1:1.0(5*m3)")[0].register is None
    assert read("7-1:1.0(5*m3)")[0].key == "gas_volume"
    assert read("1:180.0(00011111)")[0].register is None


# -- the whole -------------------------------------------------------------------


def test_the_identification_chooses_the_profile() -> None:
    """And a profile that is given overrides it."""
    heat = readout("6.8(0123.456*GJ)", identification=b"/LUGCUH50\r\n")
    assert interpret(heat)[0].key == "heat_energy"
    norm = next(one for one in PROFILES if one.name == "Kamstrup 382")
    assert interpret(heat, norm)[0].register is None


TEXT = st.text(st.sampled_from("0123456789.:-*&CFLPkWh?,_ "), max_size=100)


@given(
    st.lists(st.builds(DataSet, TEXT, TEXT, st.none() | TEXT)),
    st.sampled_from((None, *PROFILES)),
)
def test_nothing_raises_and_nothing_is_lost(
    data_sets: list[DataSet], profile: object
) -> None:
    """Whatever the data sets hold, every address becomes a reading."""
    whole = replace(readout(), data_sets=tuple(data_sets))
    readings = interpret(whole, profile)  # type: ignore[arg-type]
    assert {one.address for one in readings} == {
        one.address for one in data_sets[:1]
    } | {one.address for one in data_sets if one.address}
    places = [(one.address, one.occurrence) for one in readings]
    assert len(set(places)) == len(places)


# -- the number of the meter -----------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "number"),
    [
        (("F.F(00)", "C.1.0(12345678)", "0.0(00012345        )"), "12345678"),
        (("0.0(          345678)", "C.1.0(12345678)"), "345678"),
        (("0.0.0( 45678)",), "45678"),
        (("0.0.0()", "C.1.0(12345678)"), "12345678"),
        (("0.0.0(00000000)", "0-0:96.1.0(04712)"), "04712"),
        (("0-0:96.1.0(ER23)", "1-0:0.0.0(12345678)"), "12345678"),
        (("0.0.0(--------)",), None),
        (("0.0.0(1)", "C.1.0(12345678)"), "12345678"),
        (("C.1(1122334455667788)",), "1122334455667788"),
        (("1-0:96.1.0*255(001LOG0012345678)",), "001LOG0012345678"),
        (("0-0:96.1.255*255(1ESY1160000000)",), "1ESY1160000000"),
        (("0-0:42.0.0(XXX1030000000000)", "0-0:96.1.0(1234)"), "XXX1030000000000"),
        (("0-0:96.1.1(45303031323334353637383930)",), "E001234567890"),
        (("0-1:96.1.0(4730303031323334353637383930)",), None),
        (("0-0:96.1.4(50300)", "0-0:96.1.1(12345678)"), "12345678"),
        (("C.1.1(99999999)", "C.1.0(12345678)"), "12345678"),
        (("0.0.2(234567)", "0.0.0(12345678)"), "12345678"),
        (("9.21(00045678)", "9.20(12345678)", "0.0(00045678)"), "12345678"),
        (("C.90.1(0000000012345678)",), "0000000012345678"),
        (("600100FF(12345678)",), "12345678"),
        (("7-1:181.0(EK280)", "7-1:180.2(SNo.)", "7-1:180.0(12345678)"), "12345678"),
        (("01:0180.0(12345678)", "1:180.0(87654321)"), "12345678"),
        (("HELLO(12345678)", "1.8.0(12345678*kWh)"), None),
        ((), None),
    ],
)
def test_the_number_of_the_meter_is_found(
    texts: tuple[str, ...], number: str | None
) -> None:
    """The first real one of those that meters send."""
    assert meter_number(map(DataSet.parse, texts)) == number


@given(
    st.lists(
        st.builds(
            DataSet,
            st.sampled_from(["0.0.0", "C.1.0", "0.0.1", "1.8.0", "0-0:96.1.1", "9.20"]),
            st.sampled_from(["", "12345678", "87654321", "0000", "ER01", "  4711 "]),
        )
    )
)
def test_a_number_that_was_found_stays(data_sets: list[DataSet]) -> None:
    """A readout that is still arriving never contradicts itself later."""
    whole = meter_number(data_sets)
    for count in range(len(data_sets)):
        assert meter_number(data_sets[:count]) in (None, whole)


def test_an_endless_address_is_no_number() -> None:
    """And is not kept in memory either."""
    address = "0" * 100_000 + ".0.0"
    assert meter_number([DataSet(address, "12345678")]) is None
    assert read(f"{address}(1*kWh)")[0].register is None
