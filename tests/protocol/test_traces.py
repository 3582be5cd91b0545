"""A recorded session is a file that can be read back, decoded and shown around."""

import json

from hypothesis import given, strategies as st
import pytest

from iec21 import TelegramError, decode
from iec21.framing import frame
from iec21.traces import MAX_ENTRIES, Entry, Trace

BLOCK = b"0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n"
TRACE = Trace(
    link="serial",
    framing="7e1",
    baud_rate=300,
    entries=[
        Entry(0.0, "send", b"/?!\r\n"),
        Entry(0.62, "receive", b"/ABC5MET"),
        Entry(0.8, "receive", b"ER\r\n"),
        Entry(1.05, "send", b"\x06050\r\n"),
        Entry(1.3, "speed", baud_rate=9600),
        Entry(1.5, "receive", frame(BLOCK)),
    ],
)
TIMES = st.floats(min_value=0, max_value=1e5).map(lambda value: round(value, 4))
ENTRIES = st.one_of(
    st.builds(
        Entry, TIMES, st.sampled_from(["send", "receive"]), st.binary(max_size=40)
    ),
    st.builds(Entry, TIMES, st.just("speed"), st.just(b""), st.integers(50, 1_000_000)),
)


def test_a_trace_is_readable_by_people() -> None:
    """One entry per line, text as text."""
    lines = TRACE.to_json().splitlines()
    assert lines[0] == (
        '{"format": "iec21-trace", "version": 1, "link": "serial",'
        ' "framing": "7e1", "baud_rate": 300,'
    )
    assert lines[2] == ' [0.0, "send", "/?!\\r\\n"],'
    assert lines[6] == ' [1.3, "speed", 9600],'


def test_a_trace_is_decoded_like_any_capture() -> None:
    """Its bytes are those of the line."""
    readout = decode(TRACE.to_json().encode())
    assert readout.identification is not None
    assert readout.identification.text == "METER"
    assert len(readout.data_sets) == 2


@given(st.lists(ENTRIES, max_size=10))
def test_reading_and_writing_a_trace_are_inverses(entries: list[Entry]) -> None:
    """Whatever bytes passed over the line."""
    trace = Trace(link="socket", framing="auto", baud_rate=300, entries=entries)
    assert Trace.from_json(trace.to_json()) == trace


def test_a_trace_has_a_limit() -> None:
    """A meter that never stops does not fill the memory."""
    trace = Trace()
    for _ in range(MAX_ENTRIES + 5):
        trace.add(Entry(0.0, "receive", b"x"))
    assert len(trace.entries) == MAX_ENTRIES


def changed(**changes: object) -> str:
    """Return the file of a trace with other values at its head."""
    return json.dumps(json.loads(TRACE.to_json()) | changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a readable trace"),
        ("[]", "not a readable trace"),
        ("{}", "not a readable trace"),
        (changed(format="other"), "not a trace but 'other'"),
        (changed(version=2), "version 2, which this program does not know"),
        (changed(entries=[[0, "shout", "x"]]), "'shout'"),
        (changed(entries=[[0, "send", "\u20ac"]]), "not a readable trace"),
        (changed(entries=[[0, "send"]]), "not a readable trace"),
        (changed(entries=None), "not a readable trace"),
        (changed(baud_rate="fast"), "not a readable trace"),
    ],
)
def test_what_is_no_trace_is_refused(text: str, said: str) -> None:
    """One sentence says what is wrong with the file."""
    with pytest.raises(TelegramError, match=said):
        Trace.from_json(text)
