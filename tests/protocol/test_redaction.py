"""Nothing that names a meter stays in what users show around; all else does."""

import pytest

from iec21 import Check, DamagedCaptureError, decode
from iec21.framing import add_parity, crc16, frame
from iec21.reading import meter_number
from iec21.redaction import mask, redact_text, redact_trace, secrets_of
from iec21.traces import Entry, Trace

NUMBER = "00987654"
BLOCK = (
    b"F.F(00000000)\r\n0.0.0(00987654)\r\n0.0.1(1ABC0000987654)\r\n"
    b"1.8.0(000123.456*kWh)\r\n"
)
IDENTIFICATION = b"/ABC5METER-987654\r\n"


def trace_of(
    received: bytes, sent: bytes = b"/?00987654!\r\n", piece: int = 10
) -> Trace:
    """Return a trace whose bytes came in pieces."""
    pieces = [received[i : i + piece] for i in range(0, len(received), piece)]
    entries = [Entry(0.1 * i, "receive", data) for i, data in enumerate(pieces)]
    return Trace(entries=[Entry(0.0, "send", sent), *entries])


@pytest.mark.parametrize("check", [Check.XOR, Check.SUM, Check.NONE])
@pytest.mark.parametrize("parity", [False, True])
def test_a_redacted_trace_is_still_a_valid_one(check: Check, *, parity: bool) -> None:
    """Same lengths, same cuts, same values, right check; only no number."""
    received = IDENTIFICATION + frame(BLOCK, check)
    trace = trace_of(add_parity(received) if parity else received)
    redacted = redact_trace(trace)
    assert b"987654" not in bytes(byte & 0x7F for byte in redacted.received)
    assert redacted.sent == b"/?XXXXXXXX!\r\n"
    assert [len(entry.data) for entry in redacted.entries] == [
        len(entry.data) for entry in trace.entries
    ]
    before, after = decode(trace.received), decode(redacted.received)
    assert after.check is before.check is check
    assert after.data_sets[0] == before.data_sets[0]
    assert after.data_sets[3] == before.data_sets[3]
    assert meter_number(after.data_sets) == "XXXXXXXX"
    if parity:
        assert redacted.received == add_parity(redacted.received)


def test_a_redacted_telegram_has_a_right_crc() -> None:
    """DSMR's check covers the number as well."""
    telegram = b"/ABC5\\2METER\r\n\r\n0-0:96.1.1(4530303435303033)\r\n!"
    telegram += f"{crc16(telegram):04X}\r\n".encode()
    redacted = redact_trace(trace_of(telegram, b""))
    assert b"4530303435303033" not in redacted.received
    assert decode(redacted.received).check is Check.CRC16


def test_what_was_damaged_stays_damaged() -> None:
    """A redacted trace shows the trouble of the original."""
    damaged = IDENTIFICATION + frame(BLOCK).replace(b"kWh", b"kWi")
    redacted = redact_trace(trace_of(damaged))
    with pytest.raises(DamagedCaptureError):
        decode(redacted.received)
    assert b"987654" not in redacted.received


def test_a_trace_without_telegram_keeps_its_bytes() -> None:
    """There is nothing in noise to hide; the address of the sign-on is hidden."""
    redacted = redact_trace(trace_of(b"\x7f\xffnoise\r\n"))
    assert redacted.received == b"\x7f\xffnoise\r\n"
    assert b"987654" not in redacted.sent


def test_short_numbers_are_no_secrets() -> None:
    """They name nobody, and would make half of a telegram unreadable."""
    readout = decode(b"0.0.0(12)\r\nC.1.0(123456)\r\n!\r\n")
    assert secrets_of(readout) == {"123456"}


def test_separators_stay_where_they_are() -> None:
    """The shape of a number helps to understand a meter."""
    assert mask("1ABC 0098-76.54") == "XXXX XXXX-XX.XX"
    assert redact_text("a 123456 b 1234567", frozenset({"123456", "1234567"})) == (
        "a XXXXXX b XXXXXXX"
    )
