"""A recorded session is a file that can be read back, decoded and shown around."""

import json
import math

from hypothesis import given, strategies as st
import pytest

from iec21 import TelegramError, decode
from iec21.framing import frame
from iec21.traces import ENTRY_SIZE, MAX_JOINED, Entry, Trace

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
    st.builds(
        Entry, TIMES, st.just("gap"), missing=st.integers(min_value=0, max_value=10**9)
    ),
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


def test_bytes_can_be_replaced_by_as_many() -> None:
    """They are cut where the others were; what went the other way stays."""
    received = TRACE.received.replace(b"METER", b"OTHER")
    trace = Trace(entries=TRACE.replaced("receive", received))
    assert trace.received == received
    assert trace.sent == TRACE.sent == b"/?!\r\n\x06050\r\n"
    assert [(entry.time, entry.kind, len(entry.data)) for entry in trace.entries] == [
        (entry.time, entry.kind, len(entry.data)) for entry in TRACE.entries
    ]


@given(st.lists(ENTRIES, max_size=10))
def test_reading_and_writing_a_trace_are_inverses(entries: list[Entry]) -> None:
    """Whatever bytes passed over the line."""
    trace = Trace(link="socket", framing="auto", baud_rate=300, entries=entries)
    assert Trace.from_json(trace.to_json()) == trace


def recorded(*entries: Entry, limit: int = 1_000_000) -> Trace:
    """Return a trace into which entries were recorded one by one."""
    trace = Trace(limit=limit)
    for entry in entries:
        trace.add(entry)
    return trace


def test_what_arrives_without_a_pause_is_one_entry() -> None:
    """At 300 Bd every character is read for itself, 33 ms after the one before."""
    trace = recorded(
        Entry(0.0, "send", b"/?!\r\n"),
        *(Entry(0.5 + i / 30, "receive", b"%d" % i) for i in range(10)),
        Entry(2.0, "receive", b"later"),
    )
    assert trace.entries == [
        Entry(0.0, "send", b"/?!\r\n"),
        Entry(0.5, "receive", b"0123456789"),
        Entry(2.0, "receive", b"later"),
    ]


def test_what_happens_between_keeps_receives_apart() -> None:
    """Replaying a trace needs the order of things."""
    entries = [
        Entry(0.0, "receive", b"a"),
        Entry(0.01, "send", b"b"),
        Entry(0.01, "send", b"c"),
        Entry(0.02, "receive", b"d"),
        Entry(0.03, "speed", baud_rate=9600),
        Entry(0.04, "receive", b"e"),
    ]
    assert recorded(*entries).entries == entries


def test_a_trace_that_was_read_is_continued() -> None:
    """How long ago its last bytes came is not known, so they stay apart."""
    trace = Trace.from_json(recorded(Entry(0.0, "receive", b"a")).to_json())
    trace.add(Entry(0.01, "receive", b"b"))
    trace.add(Entry(0.02, "receive", b"c"))
    assert [entry.data for entry in trace.entries] == [b"a", b"bc"]


def test_an_hour_at_300_baud_fits() -> None:
    """It arrives in 108 000 pieces."""
    trace = recorded(*(Entry(i / 30, "receive", b"x") for i in range(108_000)))
    assert len(trace.received) == 108_000
    assert len(trace.entries) < 200
    assert max(len(entry.data) for entry in trace.entries) == MAX_JOINED


def test_a_readout_at_300_baud_fits_into_little() -> None:
    """One of five minutes is read byte by byte, and kept as a few entries."""
    trace = recorded(
        *(Entry(i / 30, "receive", b"x") for i in range(9_540)), limit=12_000
    )
    assert len(trace.received) == 9_540
    assert len(trace.entries) == 10


def test_a_trace_has_a_limit() -> None:
    """It keeps how it began and how it ended, and says what is missing."""
    entries = [Entry(i, "receive", b"%03d" % i) for i in range(100)]
    limit = 20 * (ENTRY_SIZE + 3)
    trace = recorded(*entries[:20], limit=limit)
    assert trace.entries == entries[:20]
    trace = recorded(*entries, limit=limit)
    gap = Entry(10.0, "gap", missing=3 * 81)
    assert trace.entries == [*entries[:10], gap, *entries[-9:]]
    assert ' [10, "gap", 243],' in trace.to_json().splitlines()
    assert trace.received == (
        b"000001002003004005006007008009\r\n091092093094095096097098099"
    )
    assert trace.sent == b"\r\n"


def test_the_last_entry_is_always_kept() -> None:
    """How a session ended is what a report is about, however small the limit."""
    entries = [Entry(i, "receive", bytes(2000)) for i in range(5)]
    assert recorded(*entries, limit=10).entries == [
        Entry(0, "gap", missing=8000),
        entries[-1],
    ]
    assert recorded(entries[0], limit=10).entries == entries[:1]


@given(
    st.lists(ENTRIES.filter(lambda entry: entry.kind != "gap")), st.integers(500, 4000)
)
def test_a_trace_never_grows_beyond_its_limit(entries: list[Entry], limit: int) -> None:
    """Nothing is lost unsaid, and there is one gap at most."""
    trace = recorded(*entries, limit=limit)
    assert sum(entry.size for entry in trace.entries) <= limit
    gaps = [entry for entry in trace.entries if entry.kind == "gap"]
    assert len(gaps) <= 1
    kept = sum(len(entry.data) for entry in trace.entries)
    missing = sum(gap.missing for gap in gaps)
    assert kept + missing == sum(len(entry.data) for entry in entries)


def test_a_gap_that_was_read_grows_on() -> None:
    """A trace is continued with the gap that it had."""
    text = recorded(*(Entry(i, "send", b"x") for i in range(9)), limit=500).to_json()
    trace = Trace.from_json(text)
    assert trace.entries[2] == Entry(2.0, "gap", missing=6)
    trace.limit = 500
    trace.add(Entry(10.0, "send", b"y"))
    assert trace.entries[2] == Entry(2.0, "gap", missing=7)
    assert len(trace.entries) == 4


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
        (changed(entries=[[0, "gap", "x"]]), "not a readable trace"),
        (changed(entries=None), "not a readable trace"),
        (changed(baud_rate="fast"), "not a readable trace"),
        (changed(baud_rate=math.inf), "not a readable trace"),
        (changed(entries=[[1, "speed", math.inf]]), "not a readable trace"),
        (changed(entries=[[math.nan, "send", ""]]), "nan s is no time"),
        (changed(entries=[[math.inf, "send", ""]]), "inf s is no time"),
        (changed(entries=[["1e999", "speed", 300]]), "inf s is no time"),
        (changed(entries=[[-0.5, "receive", ""]]), "-0.5 s is no time"),
        (changed(entries=[[10**400, "receive", ""]]), "not a readable trace"),
        ("[" * 200_000, "not a readable trace"),
        (b"{\xff}", "not a readable trace"),
    ],
)
def test_what_is_no_trace_is_refused(text: str | bytes, said: str) -> None:
    """One sentence says what is wrong with the file."""
    with pytest.raises(TelegramError, match=said):
        Trace.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(list(json.loads(TRACE.to_json()))), inner)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["baud_rate", "entries", "link"]), JSON))
def test_a_strange_file_never_costs_more_than_a_telegram_error(
    document: dict[str, object],
) -> None:
    """Files come from strangers, in bug reports."""
    try:
        trace = Trace.from_json(changed(**document))
    except TelegramError:
        return
    assert Trace.from_json(trace.to_json()) == trace
