"""Volume correctors and data loggers with LIS-200 (Elster, now Honeywell).

Of a corrector, V is the volume of gas as it flowed, Vb what it would be under base
conditions: that is what is paid for. Of each there are four counters. The plain one
stands still while the device is disturbed, another one counts just then, a third
counts always, and the fourth can be set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ..catalog import Measure, Medium, Quantity, Register
from .base import MeterProfile


def _gas(
    code: str,
    key: str,
    quantity: Quantity,
    unit: str | None = None,
    measure: Measure = Measure.INSTANT,
) -> Register:
    """Row of what is measured."""
    return Register(
        code=code,
        key=f"gas_{key}",
        quantity=quantity,
        measure=measure,
        unit=unit,
        medium=Medium.GAS,
    )


def _counters(instance: int, key: str) -> Iterator[Register]:
    """Rows of the four counters of a volume."""
    plain = _gas(
        f"{instance}:300", key, Quantity.GAS_VOLUME, "m³", measure=Measure.TOTAL
    )
    yield plain
    for number, name in ((301, "disturbed"), (302, "total"), (303, "adjustable")):
        yield replace(
            plain,
            code=f"{instance}:{number}",
            key=f"{plain.key}_{name}",
            variant_of=plain.key,
        )


def _device(
    code: str,
    key: str,
    quantity: Quantity,
    unit: str | None = None,
    measure: Measure = Measure.FIXED,
) -> Register:
    """Row of what the device says of itself."""
    return Register(code=code, key=key, quantity=quantity, measure=measure, unit=unit)


_SYSTEM: Final = (
    replace(_device("1:180", "serial_number", Quantity.IDENTIFIER), identity=True),
    _device("1:181", "device_type", Quantity.TEXT),
    _device("2:190", "firmware_version", Quantity.TEXT),
    _device("1:400", "meter_clock", Quantity.TIMESTAMP, measure=Measure.INSTANT),
    _device("1:404", "battery_remaining", Quantity.DURATION, "mo", Measure.INSTANT),
)

_DOCUMENTS: Final = (
    "LIS-200 Readout, Appendix 2: EK260",
    "Annotated transcript of a session with an EK260",
)

LIS200_CORRECTOR: Final = MeterProfile(
    name="Elster EK (LIS-200)",
    manufacturers=("ELS",),
    identification=r"EK\d",
    documents=_DOCUMENTS,
    samples=("elster_ek280", "elster_ek280_archive"),
    lis200=True,
    registers=(
        *_SYSTEM,
        *_counters(2, "volume_converted"),
        *_counters(4, "volume"),
        _gas("2:310", "flow_converted", Quantity.VOLUME_FLOW, "m³/h"),
        _gas("4:310", "flow", Quantity.VOLUME_FLOW, "m³/h"),
        _gas("7:310", "pressure", Quantity.PRESSURE, "bar"),
        _gas("6:310", "temperature", Quantity.TEMPERATURE, "°C"),
        # C and K: how V becomes Vb, and what part the gas's own nature has in it.
        _gas("5:310", "conversion_factor", Quantity.RATIO),
        _gas("8:310", "compressibility", Quantity.RATIO),
        _device("1:100", "operating_status", Quantity.STATUS, measure=Measure.INSTANT),
        _device(
            "2:100",
            "operating_status_number_2",
            Quantity.STATUS,
            measure=Measure.INSTANT,
        ),
        _device("2:141", "gas_day_start", Quantity.TIME),
        _device("4:150", "load_profile_period", Quantity.DURATION, "min"),
    ),
)

LIS200_LOGGER: Final = MeterProfile(
    name="Elster DL (LIS-200)",
    manufacturers=("ELS",),
    identification=r"DL\d",
    documents=_DOCUMENTS,
    samples=("elster_dl240",),
    lis200=True,
    # What hangs on the inputs of a logger is its owner's affair: 2:300 may be
    # anything there. It stays without a meaning.
    registers=_SYSTEM,
)
