"""What a meter was built for, as far as it says so."""

from decimal import Decimal

import pytest

from iec21 import Check, DataSet, Identification, Readout
from iec21.nameplate import Supply, rated_power, supply_of, transformer_ratio
from iec21.reading import Reading, interpret


def read(*texts: str) -> tuple[Reading, ...]:
    """Interpret the data sets of a meter without a profile."""
    return interpret(
        Readout(
            identification=None,
            data_sets=tuple(map(DataSet.parse, texts)),
            check=Check.NONE,
        )
    )


@pytest.mark.parametrize(
    ("line", "texts", "supply"),
    [
        (b"/ISk5MT174-0001", (), Supply.MAINS),
        (b"/LUGCUH50", (), Supply.BATTERY),
        (b"/Els6EK280", (), Supply.BATTERY),
        # As a code of the norm it would be one of electricity.
        (b"/Els6EK280", ("1:180.0(00011111)",), Supply.BATTERY),
        (None, (), Supply.MAINS),
        (b"/XXX5ANYTHING", ("0.0.0(1)", "C.1.0(1)", "HELLO(1)"), Supply.MAINS),
        (b"/XXX5ANYTHING", ("0.0(1)", "6.8(0123.456*GJ)"), Supply.BATTERY),
        (b"/XXX5ANYTHING", ("C.1.0(1)", "7-1:1.0(1*m3)"), Supply.BATTERY),
        (b"/XXX5ANYTHING", ("8-0:1.0.0(1*m3)", "0-0:1.0.0(1)"), Supply.BATTERY),
        # It counts for others as well.
        (b"/XXX5ANYTHING", ("1.8.0(1*kWh)", "7-1:1.0(1*m3)"), Supply.MAINS),
        (b"/XXX5ANYTHING", ("1-0:1.8.0(1*kWh)", "8-0:1.0(1*m3)"), Supply.MAINS),
        (b"/XXX5ANYTHING", ("0-1:24.2.1(1*m3)",), Supply.MAINS),
        # Nobody knows what this is about.
        (b"/XXX5ANYTHING", ("4-0:1.0.0(1)",), Supply.MAINS),
    ],
)
def test_electricity_comes_with_mains(
    line: bytes | None, texts: tuple[str, ...], supply: Supply
) -> None:
    """And everything else is measured on a battery."""
    identification = None if line is None else Identification.parse(line)
    assert supply_of(identification, list(map(DataSet.parse, texts))) is supply


@pytest.mark.parametrize(
    ("texts", "ratio"),
    [
        ((), None),
        (("0.4.2(00040)",), 40),
        (("1-0:0.4.3*255(100.0)",), 100),
        (("0.4.2(40)", "0.4.3(100)"), 4000),
        (("0.4.2(0)", "0.4.3(100)"), 100),
        (("0.4.2(200/5)",), None),
        (("0.4.2*01(40)",), None),
        (("0-1:0.4.2(40)",), None),
        (("HELLO(1*A)", "0.4.2(40)", "1-1:0.4.2(50)"), 40),
    ],
)
def test_transformers_multiply(texts: tuple[str, ...], ratio: int | None) -> None:
    """Current by voltage, as far as the meter sends them; zero is no ratio."""
    assert transformer_ratio(read(*texts)) == ratio


@pytest.mark.parametrize(
    ("texts", "power"),
    [
        (("0.6.0(230)", "0.6.3(100*A)"), 69),
        (("1-0:0.6.3*255(0.1*kA)", "1-0:0.6.0*255(0.23*kV)"), 69),
        (("0.6.0(230*V)", "0.6.3(6*A)", "0.4.2(40)"), Decimal("165.6")),
        # What is nominal is exceeded all the time.
        (("0.6.0(230*V)", "0.6.1(5*A)"), None),
        (("0.6.3(100*A)",), None),
        ((), None),
    ],
)
def test_the_rating_is_voltage_by_current(
    texts: tuple[str, ...], power: Decimal | int | None
) -> None:
    """In all three phases, and the highest current, not the nominal one."""
    assert rated_power(read(*texts)) == power
