"""Sign-on, identification and acknowledgement, to bytes and back."""

from hypothesis import given, strategies as st
import pytest

from iec21 import Identification, TelegramError
from iec21.messages import OptionSelect, SignOn


@pytest.mark.parametrize(
    ("sign_on", "data"),
    [
        (SignOn(), b"/?!\r\n"),
        (SignOn("00123"), b"/?00123!\r\n"),
        (SignOn("035 0000101"), b"/?035 0000101!\r\n"),
        (SignOn("7", selector="2"), b"/27!\r\n"),
    ],
)
def test_a_sign_on_is_written_and_read(sign_on: SignOn, data: bytes) -> None:
    """The address may hold blanks; the selector stands where the norm has "?"."""
    assert sign_on.to_bytes() == data
    assert SignOn.parse(data) == sign_on


@pytest.mark.parametrize("data", [b"", b"/ISk5MT174\r\n", b"?!\r\n", b"/?1"])
def test_what_is_no_sign_on_is_none(data: bytes) -> None:
    """A meter stays silent then."""
    assert SignOn.parse(data) is None


@pytest.mark.parametrize(
    ("called", "own", "answers"),
    [
        ("", "", True),
        ("", "123", True),
        ("123", "123", True),
        ("0123", "123", True),
        ("123", "00123", True),
        ("000", "0", True),
        ("124", "123", False),
        ("1230", "123", False),
        ("123", "", False),
    ],
)
def test_leading_zeros_of_an_address_do_not_count(
    called: str, own: str, *, answers: bool
) -> None:
    """Neither in the request nor in the meter (clause 6.3.14, item 22)."""
    assert SignOn(called).calls(own) is answers


def test_an_identification_tells_who_answers_and_how_fast() -> None:
    """Manufacturer in capitals, speed by its character, type without escapes."""
    assert Identification.parse(b"/ISk5\\2M550T-2006\r\n") == Identification(
        raw="/ISk5\\2M550T-2006",
        manufacturer="ISK",
        baud_character="5",
        text="M550T-2006",
        escapes="2",
        fast=True,
    )


@pytest.mark.parametrize(
    ("line", "manufacturer", "character", "escapes", "text"),
    [
        (b"/ISk5MT174-0001\r\n", "ISK", "5", "", "MT174-0001"),
        (b"/EMH5\\@\\201LZQJL001VE\r\n", "EMH", "5", "@2", "01LZQJL001VE"),
        (b"/KAM 685-382-QR-10\r\n", "KAM", " ", "", "685-382-QR-10"),
        (b"/LUGCUH50\r", "LUG", "C", "", "UH50"),
        (b"/MKS6<2>ADM(M550.2251)\r\n", "MKS", "6", "", "<2>ADM(M550.2251)"),
        (b"/LGZ52ZMD120APt.G03\r\n", "LGZ", "5", "", "2ZMD120APt.G03"),
        (b"\x00\x7f/?!\r\n/ELS5\\@V9.30 \n", "ELS", "5", "@", "V9.30 "),
        (b"/ISK5\x02MT382-1000\r\n", "ISK", "5", "", "\x02MT382-1000"),
        (b"/ABC5a text of far more than sixteen\r\n", "ABC", "5", "", None),
    ],
)
def test_identifications_are_read_as_meters_send_them(
    line: bytes, manufacturer: str, character: str, escapes: str, text: str | None
) -> None:
    """Long ones, blanks, brackets, several or no escapes, any line end."""
    found = Identification.parse(line)
    assert found.manufacturer == manufacturer
    assert found.baud_character == character
    assert found.escapes == escapes
    assert found.text == (text or "a text of far more than sixteen")


@pytest.mark.parametrize(
    "line", [b"", b"/?!\r\n", b"/?ABC!\r\n", b"/AB5\r\n", b"1.8.0"]
)
def test_what_is_no_identification_is_refused(line: bytes) -> None:
    """Our own sign-on that a head echoes above all."""
    with pytest.raises(TelegramError, match="not an identification"):
        Identification.parse(line)
    assert Identification.find(line) is None


def test_an_identification_is_found_once_its_line_has_ended() -> None:
    """Noise before it is skipped, and what follows it is left alone."""
    data = b"\x7f/?!\r\n/LGZ4ZMF100AC.M23\r\n0.0(1)"
    assert Identification.find(data[:20]) is None
    found = Identification.find(data)
    assert found is not None
    assert found[0].text == "ZMF100AC.M23"
    assert data[found[1] : found[2]] == b"/LGZ4ZMF100AC.M23\r\n"


@pytest.mark.parametrize(
    ("character", "mode", "baud_rate"),
    [
        ("0", "C", 300),
        ("5", "C", 9600),
        ("6", "C", 19200),
        ("9", "C", 300),
        ("A", "B", 600),
        ("C", "B", 2400),
        ("F", "B", 19200),
        (" ", "A", 300),
        ("G", "A", 300),
        (":", "A", 300),
    ],
)
def test_the_baud_rate_character_says_mode_and_speed(
    character: str, mode: str, baud_rate: int
) -> None:
    """Characters outside the norm's tables offer nothing but 300 Bd."""
    found = Identification.parse(f"/ABC{character}X\r\n".encode())
    assert (found.mode, found.baud_rate) == (mode, baud_rate)


def test_a_lower_case_third_letter_makes_a_meter_fast() -> None:
    """It may answer after 20 ms instead of 200 ms (clause 6.3.14, item 12)."""
    assert Identification.parse(b"/Els6EK270\r\n").reaction_time == 0.02
    assert Identification.parse(b"/ELS6EK270\r\n").reaction_time == 0.2


def test_an_identification_is_written_as_it_came() -> None:
    """The meter's own bytes, not a new line made of the parts."""
    line = b"/ISk5\\2M550T-2006\r\n"
    assert Identification.parse(line).to_bytes() == line


@given(
    st.from_regex(r"/[A-Za-z]{3}[ -.0-~]([ -.0-~]{0,16})", fullmatch=True),
)
def test_reading_and_writing_an_identification_are_inverses(line: str) -> None:
    """Whatever printable text the meter chose."""
    data = line.encode() + b"\r\n"
    assert Identification.parse(data).to_bytes() == data


@pytest.mark.parametrize(
    ("select", "data"),
    [
        (OptionSelect(baud_character="5"), b"\x06050\r\n"),
        (OptionSelect(baud_character="0", mode="1"), b"\x06001\r\n"),
        (OptionSelect(baud_character="5", protocol="2", mode="2"), b"\x06252\r\n"),
    ],
)
def test_an_acknowledgement_is_written_and_read(
    select: OptionSelect, data: bytes
) -> None:
    """Protocol, speed and kind of session, in this order (clause 6.3.3)."""
    assert select.to_bytes() == data
    assert OptionSelect.parse(data) == select


@pytest.mark.parametrize("data", [b"", b"050\r\n", b"\x0605\r\n", b"\x06\xff50\r\n"])
def test_what_is_no_acknowledgement_is_none(data: bytes) -> None:
    """A meter then reads out at 300 Bd."""
    assert OptionSelect.parse(data) is None
