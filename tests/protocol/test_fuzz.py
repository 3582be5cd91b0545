"""No input makes the package raise anything but its own errors, or hang."""

from hypothesis import given, strategies as st

from iec21 import IecError, Settings, decode
from iec21.framing import frame
from iec21.session import ReadoutSession, State

BLOCK = b"0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n"
# Bytes that mean something to the protocol, so that random input gets far.
TELLING = st.sampled_from(
    [b"/ABC5X\r\n", b"/ABC X\r\n", b"/LUGCX\r\n", b"\x02", b"\x03", b"!\r\n", b"(",
     b")", b"*", b"\r", b"\n", b"\x00", b"\x01B0\x03q", b"/?!\r\n", b"\x06050\r\n",
     b"1.8.0(1*kWh)\r\n", frame(BLOCK), b"!1F2A\r\n", b"\x15", b"\x04"]
)  # fmt: skip
STREAM = st.lists(st.one_of(TELLING, st.binary(max_size=12)), max_size=30)


@given(st.one_of(STREAM.map(b"".join), st.binary(max_size=400)))
def test_any_file_is_decoded_or_refused(data: bytes) -> None:
    """Whatever a user drops on it."""
    try:
        readout = decode(data)
    except IecError:
        return
    assert readout.data_sets or readout.identification


@given(pieces=STREAM, can_switch=st.booleans())
def test_any_meter_ends_a_session(pieces: list[bytes], *, can_switch: bool) -> None:
    """Each piece is followed by silence every now and then, as on a real line."""
    session = ReadoutSession(Settings(), can_switch=can_switch)
    session.start()
    try:
        for number, piece in enumerate(pieces):
            session.receive_data(piece)
            if number % 3 == 0:
                session.handle_timeout()
        for _ in range(50):
            session.handle_timeout()
    except IecError:
        pass
    assert session.state is State.DONE


@given(STREAM.map(b"".join), st.integers(min_value=1, max_value=9))
def test_how_the_bytes_arrive_makes_no_difference(data: bytes, piece: int) -> None:
    """Cut anywhere, the session ends in the same place with the same data."""

    def outcome(size: int) -> object:
        session = ReadoutSession(Settings(attempts=1))
        session.start()
        sets: list[object] = []
        try:
            for index in range(0, len(data), size):
                for step in session.receive_data(data[index : index + size]):
                    sets.extend(getattr(step, "data_sets", ()))
            for step in session.handle_timeout():
                sets.extend(getattr(step, "data_sets", ()))
        except IecError as error:
            return type(error)
        return session.state, sets

    assert outcome(piece) == outcome(max(1, len(data)))
