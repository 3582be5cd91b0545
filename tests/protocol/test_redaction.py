"""Nothing that names a meter stays in what users show around; all else does."""

from decimal import Decimal
from pathlib import Path
import re
import time

from hypothesis import assume, given, strategies as st
import pytest

from iec21 import Check, DamagedCaptureError, DataSet, IecError, Readout, decode
from iec21.capture import normalise
from iec21.framing import add_parity, crc16, frame, strip_parity, xor_check
from iec21.reading import interpret, meter_number
from iec21.redaction import mask, redact_text, redact_trace, secrets_of
from iec21.traces import Entry, Trace
from tests.corpus import CORPUS, needs_corpus

NUMBER = "00987654"
BLOCK = (
    b"F.F(00000000)\r\n0.0.0(00987654)\r\n0.0.1(1ABC0000987654)\r\n"
    b"1.8.0(000123.456*kWh)\r\n"
)
IDENTIFICATION = b"/ABC5METER-987654\r\n"
METER = b"/ISk5MT174-0001\r\n"


def trace_of(
    received: bytes, sent: bytes = b"/?00987654!\r\n", piece: int = 10
) -> Trace:
    """Return a trace whose bytes came in pieces."""
    pieces = [received[i : i + piece] for i in range(0, len(received), piece)]
    entries = [Entry(0.1 * i, "receive", data) for i, data in enumerate(pieces)]
    return Trace(entries=[Entry(0.0, "send", sent), *entries])


def redacted(received: bytes, sent: bytes = b"/?!\r\n") -> bytes:
    """Return what a redacted trace says was received."""
    return redact_trace(trace_of(received, sent)).received


def dsmr(*lines: str, identification: str = r"/ABC5\2METER", width: int = 4) -> bytes:
    """Return a telegram with the check of DSMR, of so many digits."""
    telegram = "\r\n".join([identification, "", *lines, "!"]).encode()
    return telegram + f"{crc16(telegram):0{width}X}\r\n".encode()


def decoded(data: bytes) -> tuple[Readout, bool]:
    """Decode a telegram; the second value says whether its check is right."""
    try:
        return decode(data), True
    except DamagedCaptureError as error:
        return error.readout, False


# -- the trace stays one ------------------------------------------------------


@pytest.mark.parametrize("check", [Check.XOR, Check.SUM, Check.NONE])
@pytest.mark.parametrize("parity", [False, True])
def test_a_redacted_trace_is_still_a_valid_one(check: Check, *, parity: bool) -> None:
    """Same lengths, same cuts, same values, right check; only no number."""
    received = IDENTIFICATION + frame(BLOCK, check)
    trace = trace_of(add_parity(received) if parity else received)
    copy = redact_trace(trace)
    assert b"987654" not in bytes(byte & 0x7F for byte in copy.received)
    assert copy.sent == b"/?XXXXXXXX!\r\n"
    assert [len(entry.data) for entry in copy.entries] == [
        len(entry.data) for entry in trace.entries
    ]
    before, after = decode(trace.received), decode(copy.received)
    assert after.check is before.check is check
    assert after.data_sets[0] == before.data_sets[0]
    assert after.data_sets[3] == before.data_sets[3]
    assert meter_number(after.data_sets) == "XXXXXXXX"
    if parity:
        assert copy.received == add_parity(copy.received)


def test_a_redacted_telegram_has_a_right_crc() -> None:
    """DSMR's check covers the number as well."""
    after = redacted(dsmr("0-0:96.1.1(4530303435303033)"))
    assert b"4530303435303033" not in after
    assert decode(after).check is Check.CRC16


@pytest.mark.parametrize("last", range(100, 116))
def test_a_redacted_crc_fits_into_its_place(last: int) -> None:
    """Some meters leave out the zeros in front of it."""
    for number in range(1000, 2000):
        telegram = dsmr(f"0-0:96.1.1({number:06}{last})", width=1)
        if telegram[-6:-5] == b"!":
            break
    else:
        pytest.fail("no CRC has three digits")
    after = redacted(telegram)
    assert len(after) == len(telegram)
    assert decode(after).check is Check.CRC16
    assert after.upper().replace(b"Y", b"X").count(b"(XXXXXXXXX)") == 1


@pytest.mark.parametrize(
    "damaged",
    [
        IDENTIFICATION + frame(BLOCK).replace(b"kWh", b"kWi"),
        dsmr("0-0:96.1.1(12345678)", "1-0:1.8.0(1*kWh)").replace(b"kWh", b"kWi"),
        dsmr("0-0:96.1.1(12345678)").replace(b"METER", b"METAL"),
    ],
)
def test_what_was_damaged_stays_damaged(damaged: bytes) -> None:
    """A redacted trace shows the trouble of the original."""
    after = redacted(damaged)
    with pytest.raises(DamagedCaptureError):
        decode(after)
    assert b"987654" not in after
    assert b"12345678" not in after


def test_every_attempt_keeps_its_own_check() -> None:
    """A block that was cut off does not take the next one with it."""
    after = redacted(METER + frame(BLOCK)[:40] + METER + frame(BLOCK))
    assert decode(after[-len(METER + frame(BLOCK)) :]).check is Check.XOR


def test_in_a_frame_there_is_no_crc() -> None:
    """Even where a line looks like one."""
    received = METER + frame(BLOCK + b"!bad\r\n")
    assert decode(redacted(received)).bad_lines == ("!bad",)


def test_a_trace_without_telegram_keeps_its_bytes() -> None:
    """There is nothing in noise to hide; the address of the sign-on is hidden."""
    copy = redact_trace(trace_of(b"\x7f\xffnoise)\r\n)\r\n"))
    assert copy.received == b"\x7f\xffnoise)\r\n)\r\n"
    assert b"987654" not in copy.sent


# -- what is hidden -----------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "hidden"),
    [
        (b"0.0.0(12345678)\r\n1.8.0(1*kWh)", b"0.0.0(XXXXXXXX)\r\n1.8.0(1*kWh)"),
        (b"0.0.0(12345678)(ABC987654)", b"0.0.0(XXXXXXXX)(XXXXXXXXX)"),
        (b"0.0.0(  12345678 )", b"0.0.0(  XXXXXXXX )"),
        (b"0.0.0(12345678*x)\r\n0.0.1(12*x)", b"0.0.0(XXXXXXXX*x)\r\n0.0.1(12*x)"),
        (
            b"C.1.0(12 345 678)\r\n7.7(12-345.678)",
            b"C.1.0(XX XXX XXX)\r\n7.7(XX-XXX.XXX)",
        ),
        (
            b"0.0.0\r\n(12345678)\r\n1.8.0(1*kWh)",
            b"0.0.0\r\n(XXXXXXXX)\r\n1.8.0(1*kWh)",
        ),
        (b"0.0.0(1234\x005\x7f678)", b"0.0.0(XXXX\x00X\x7fXXX)"),
        (
            b"0.0.1(1ABC0000987654)\r\nF.F(Z987654.)",
            b"0.0.1(XXXXXXXXXXXXXX)\r\nF.F(ZXXXXXX.)",
        ),
        (
            b"0.0.0(00001234)\r\n0.2.2(1234)(01234)",
            b"0.0.0(XXXXXXXX)\r\n0.2.2(XXXX)(XXXXX)",
        ),
        (b"0-1:96.1.0(12AB34CD56EF780C)", b"0-1:96.1.0(XXXXXXXXXXXXXXXX)"),
        (b"0.0.0(12345678 A)", b"0.0.0(XXXXXXXX A)"),
        (b"0.0.0(abc123)\r\n0.2.2(ABC123)", b"0.0.0(XXXXXX)\r\n0.2.2(XXXXXX)"),
        (b"0.p.0(12345678)", b"0.p.0(XXXXXXXX)"),
        (
            b"HELLO(2,CE301,12,00123456,12.3456789)",
            b"HELLO(2,CE301,12,XXXXXXXX,12.3456789)",
        ),
        (b"(12345678)(2401311200)", b"(XXXXXXXX)(2401311200)"),
        (b"0.0.0(12345678i\r\n1.8.0(1*kWh)", b"0.0.0(XXXXXXXXX\r\n1.8.0(1*kWh)"),
        (b"0.0.0(1234(678)", b"0.0.0(XXXX(XXX)"),
        (b"0.0.0(ABCDEFGH", b"0.0.0(XXXXXXXX"),
        (b"0.0.0812345678)", b"0.0.XXXXXXXXXX)"),
        (b"9.9.9(12345678", b"9.9.9(XXXXXXXX"),
        (
            b"1.8.0(000123.456*kWh\r\n1.8.0(012345.6",
            b"1.8.0(000123.456*kWh\r\n1.8.0(012345.6",
        ),
    ],
)
def test_a_number_is_hidden(block: bytes, hidden: bytes) -> None:
    """In data sets of every shape, damaged ones among them."""
    assert redacted(METER + frame(block)).startswith(METER + b"\x02" + hidden)
    assert redacted(METER + block).removeprefix(METER) == hidden


@pytest.mark.parametrize(
    "sent", [b"/?00471234!\r\n", b"/?471234!\r\n", b"/2471234!\r\n"]
)
@pytest.mark.parametrize("parity", [False, True])
def test_the_address_of_a_sign_on_is_hidden(sent: bytes, *, parity: bool) -> None:
    """In its echo too, whether anybody answered or not, whole or in parts."""
    for answer in (b"", METER + frame(b"1.8.0(1*kWh)\r\n7.7(471234)\r\n")):
        for echo in (sent, b"\xff" + sent[:-3] + b"\r\n", sent.replace(b"2", b"w")):
            received = add_parity(echo + answer) if parity else echo + answer
            copy = redact_trace(trace_of(received, sent))
            shown = bytes(byte & 0x7F for byte in copy.received)
            assert b"471" not in copy.sent + shown
            assert b"34" not in copy.sent + shown
            assert copy.sent[2:-3].strip(b"X") == b""


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        (rb"/LOG4LK13BE803039", rb"/LOG4LK13BEXXXXXX"),
        (rb"/FLU5\253769484_A", rb"/FLU5\2XXXXXXXX_A"),
        (b"/FLU5\x0253769484_A", b"/FLU5\x02XXXXXXXX_A"),
        (rb"/MCS5\@0050010067967", rb"/MCS5\@XXXXXXXXXXXXX"),
        (rb"/EGM5G3M144160724V1", rb"/EGM5G3MXXXXXXXXXV1"),
        (rb"/ABC5123456", rb"/ABC5XXXXXX"),
        (rb"/LGZ5\2ZMD3104407.B24", rb"/LGZ5\2ZMD3104407.B24"),
        (rb"/EBZ5DD32R06ETA_107", rb"/EBZ5DD32R06ETA_107"),
        (rb"1.8.0(01/EBZ5DD32R06ETA_107", rb"1.8.0(01/EBZ5DD32R06ETA_107"),
        (b"/ISk5MT174-0001", b"/ISk5MT174-0001"),
        (b"/ISk\x15MT174-123456", b"/ISk\x15MT174-XXXXXX"),
        (b"/\x00I\x7fSk5MT174-123456", b"/\x00I\x7fSk5MT174-XXXXXX"),
    ],
)
@pytest.mark.parametrize("rest", [b"\r\n", b"\r\n\r\n1.8.0(1*kWh)\r\n!\r\n"])
def test_a_number_in_an_identification_is_hidden(
    line: bytes, hidden: bytes, rest: bytes
) -> None:
    """The type stays, and so does what says what the meter can do."""
    assert redacted(line + rest) == hidden + rest


def test_the_operand_of_a_password_is_hidden() -> None:
    """MetCom's meters give their number there, behind an ETX of no block."""
    block = b"\x01P0\x02(10067967)\x03h"
    after = redacted(b"/MCS5\\@0050010067967\r\n\x03" + block)
    assert b"10067967" not in after
    assert b"\x01P0\x02(XXXXXXXX)\x03" in after


def test_a_message_of_the_supplier_is_hidden() -> None:
    """Nobody else is to read it, whatever it says."""
    secret = b"Call Miss Marple".hex().upper()
    after = redacted(
        dsmr(f"0-0:96.13.0({secret})", "0-0:96.13.1(3031)", "0-0:96.14.0(0002)")
    )
    assert secret.encode() not in after
    assert b"3031" not in after
    assert b"0-0:96.14.0(0002)" in after
    assert decode(after).check is Check.CRC16


@pytest.mark.parametrize(
    ("damaged", "kept"),
    [
        # A code may have become any other one, so only what is no number stays.
        (b"1.0.0(12345678)", b"1.0.0(XXXXXXXX)"),
        (b"0.8.0(12345678)", b"0.8.0(XXXXXXXX)"),
        (b"0.9.2(0170318)", b"0.9.2(0170318)"),
        (b"1.6.1(12.3*kW)(2401311200)", b"1.6.1(12.3*kW)(2401311200)"),
        (b"1.8.0(12345678*kWh)", b"1.8.0(12345678*kWh)"),
        (b"1.8.0(12345678.9)", b"1.8.0(12345678.9)"),
    ],
)
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda block: frame(block)[:-1] + b"~", id="wrong"),
        pytest.param(lambda block: frame(block)[:-2], id="cut"),
        pytest.param(lambda block: b"q" + frame(b"\r\n" + block)[1:], id="no STX"),
    ],
)
def test_in_a_damaged_block_long_numbers_are_hidden(
    damaged: bytes, kept: bytes, make: object
) -> None:
    """Whatever code stands before them."""
    assert callable(make)
    assert kept in redacted(METER + make(damaged + b"\r\n"))


def test_a_damaged_block_that_fits_the_sum_is_damaged() -> None:
    """It does so now and then, and its code would be believed."""
    damaged = frame(b"8.0.0(12345678)\r\n", Check.SUM)
    assert b"8.0.0(XXXXXXXX)" in redacted(METER + damaged)


def test_a_good_block_says_what_is_no_secret() -> None:
    """Numbers that it has under another code stay in a damaged one too."""
    block = b"0.0.0(12345678)\r\n2.8.0(0654321)\r\n"
    damaged = frame(block.replace(b"0.0.0", b"1.0.0"))[:-1] + b"~"
    after = redacted(METER + damaged + METER + frame(block))
    assert b"12345678" not in after
    assert after.count(b"2.8.0(0654321)") == 2
    assert b"2.8.0(XXXXXXX)" in redacted(METER + damaged)


@pytest.mark.parametrize(
    "code",
    [
        *("0.p.0", "p.0.0", "0.0/0", "0,0.0", "0.0.0w"),
        *("0.1.0", "0.2.0", "0.8.0", "0.0.1.0", "1.0.0", "4.0.0"),
        *("C.9.0", "C.1.70", "1-0:96.77.3*255", "1-0:0.2.1*255", "9.1.0"),
    ],
)
@pytest.mark.parametrize("end", [b"!\r\n", b""])
def test_without_a_check_a_code_that_may_be_damaged_is_not_believed(
    code: str, end: bytes
) -> None:
    """One character more or less, and it was the one of the meter's number."""
    values = b"1.8.0(000123.456*kWh)\r\n"
    after = redacted(METER + f"{code}(12345678)\r\n".encode() + values + end)
    assert b"12345678" not in after
    assert after.startswith(METER)
    assert after.endswith(values + end)


@pytest.mark.parametrize(
    "line",
    [
        b"F.F(00100200)",
        b"F.F.1(12345678)",
        b"1.8.0(12345678)",
        b"1-0:2.8.1*255(12345678*Wh)",
        b"0.2.0(12345.678)",
        b"0.9.1(123456)",
        b"0.9.2(1260110)",
        b"0.9.1(12:34:56)",
        b"1.0.0(2026-01-10 12:34:56)",
        b"0.1.2(2601101234)",
        b"C.2.1(2601101234)",
        b"7.7(12:34:56)",
        b"C.5.0(0401)",
        b"C.8.0(12345678*min)",
        b"C.8.0(12345678 min)",
        b"C.6.3(3.123456)",
    ],
)
def test_without_a_check_what_is_known_to_be_harmless_stays(line: bytes) -> None:
    """Values with a unit, times, and what is under a code like no number's."""
    received = METER + line + b"\r\n!\r\n"
    assert redacted(received) == received


def test_a_right_check_says_what_a_code_is() -> None:
    """Then nothing has to be guessed."""
    block = b"1-0:96.77.3*255(12345678)\r\n1-0:0.2.1*255(12345678)\r\n"
    assert block in redacted(METER + frame(block))


@pytest.mark.parametrize(
    ("damaged", "hidden"),
    [
        (b"F.F(12345670)", b"F.F(XXXXXXXX)"),
        (b"F.F(1234p678)", b"F.F(XXXXXXXX)"),
        (b"F.F(00012345x78)", b"F.F(XXXXXXXXXXX)"),
        (b"F.F(1234!678)", b"F.F(XXXX!XXX)"),
        (b"F.F(1234:678)", b"F.F(XXXX:XXX)"),
        (b"F.F(1234.678)", b"F.F(XXXX.XXX)"),
        (b"F.F(1234\x7f678)", b"F.F(XXXX\x7fXXX)"),
        (b"F.F(1234*678)", b"F.F(XXXX*XXX)"),
        (b"F.F(1234(678)", b"F.F(XXXX(XXX)"),
        (b"F.F(1234567*)", b"F.F(XXXXXXX*)"),
        (b"F.F((2345678)", b"F.F((XXXXXXX)"),
        (b"F.F((2345678", b"F.F((XXXXXXX"),
        (b"F.Fx2345678)", b"X.XXXXXXXXX)"),
        (b"F.F(112345670)", b"F.F(112345670)"),
        (b"F.F(123456701)", b"F.F(123456701)"),
        (b"F.F(12305670)", b"F.F(12305670)"),
        (b"1.8.0(12345670*kWh)", b"1.8.0(12345670*kWh)"),
        (b"1.8.0(1234.678*kWh)", b"1.8.0(1234.678*kWh)"),
        (b"1.8.0(12345670.9)", b"1.8.0(12345670.9)"),
        (b"1.8.0(9.12345670)", b"1.8.0(9.12345670)"),
    ],
)
def test_a_number_with_one_damaged_digit_is_hidden(
    damaged: bytes, hidden: bytes
) -> None:
    """Under whatever code; two digits make another number."""
    block = b"0.0.0(12345678)\r\n" + damaged + b"\r\n"
    assert redacted(METER + block) == METER + b"0.0.0(XXXXXXXX)\r\n" + hidden + b"\r\n"
    readout = decode(METER + block)
    assert redact_text(damaged.decode(), secrets_of(readout)) == hidden.decode()


def test_a_right_check_says_that_no_digit_is_damaged() -> None:
    """A number that is nearly that of the meter is another one."""
    received = METER + frame(b"0.0.0(12345678)\r\nF.F(12345670)\r\n")
    assert b"F.F(12345670)" in redacted(received)
    assert "12345670" not in secrets_of(decode(received))


def test_numbers_in_long_noise_are_compared_in_bounded_time() -> None:
    """It may hold any number of secrets that have a half in common."""
    received = b"".join(b"0.0.0(1234%04d)\r\n" % i for i in range(6_000))
    started = time.process_time()
    assert b"(1" not in redacted(METER + received)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("damaged", "hidden"),
    [
        (b"0.0.0(1ABC\r5678)", b"0.0.0(XXXX\rXXXX)"),
        (b"0.0.0(1ABC)5678)", b"0.0.0(XXXX)XXXX)"),
        (b"0.0.0(*ABC45678)", b"0.0.0(*XXXXXXXX)"),
        (b"0.0.0(1ABC*45678)", b"0.0.0(XXXX*XXXXX)"),
        (b"0p0.0(1234!678)", b"0p0.0(XXXX!XXX)"),
        (b"0.0.0q12345678\x11\r\n", b"0.0.XXXXXXXXXX\x11\r\n"),
        (b"0.0.0q12345678{1.8.0(1*kWh)", b"0.0.XXXXXXXXXX{X.8.0(1*kWh)"),
    ],
)
def test_a_number_whose_brackets_are_damaged_is_hidden(
    damaged: bytes, hidden: bytes
) -> None:
    """What is left of it may stand anywhere on the line."""
    for make in (lambda block: block, lambda block: frame(block)[:-1] + b"~"):
        after = redacted(METER + make(damaged + b"\r\n2.8.0(1*kWh)\r\n"))
        assert hidden + b"\r\n2.8.0(1*kWh)\r\n" in after


# -- sessions that failed -----------------------------------------------------

STREAM = b"/XMP3EX\r\n\r\n0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n!\r\n"


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"", id="silence"),
        pytest.param(b"\xfe\x00~\x81(\r\n", id="noise"),
        pytest.param(b"/?12345678!\r\n", id="echo"),
        pytest.param(b"o?12345678!\r\n", id="damaged echo"),
        pytest.param(b"o?1234x678!\r\n", id="echo with two damaged characters"),
        pytest.param(b"/?12345678!\r\n" + METER, id="only an identification"),
        pytest.param(METER + frame(b"0.0.0(12345678)\r\n")[:14], id="cut"),
        pytest.param(METER + frame(b"C.1.0\r\n0.0.0(12345678)")[:20], id="cut later"),
        pytest.param(
            (METER + frame(b"0.0.0(12345678)\r\n")[:-2]) * 2
            + (METER + frame(b"0.0.0(12345678)\r\n")),
            id="attempts",
        ),
        pytest.param(STREAM[30:] + STREAM, id="stream entered in a number"),
        pytest.param(STREAM[20:] + STREAM[:30], id="stream entered in a code"),
    ],
)
@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_nothing_of_a_session_that_failed_names_the_meter(
    received: bytes, piece: int, *, parity: bool
) -> None:
    """However little came, and however many pieces it came in."""
    data = add_parity(received) if parity else received
    copy = redact_trace(trace_of(data, b"/?12345678!\r\n", piece))
    assert copy.sent == b"/?XXXXXXXX!\r\n"
    assert len(copy.entries) == 1 + -(-len(received) // piece)
    shown = bytes(byte & 0x7F for byte in copy.received)
    for start in range(4):
        assert b"12345678"[start : start + 5] not in shown


@pytest.mark.parametrize("parity", [False, True])
def test_what_a_command_gives_away_is_hidden(*, parity: bool) -> None:
    """Passwords and what is written, in their echo too; what is asked for stays."""
    sent = b"".join(
        b"\x01%b\x03%c" % (body, xor_check(body + b"\x03"))
        for body in (b"P1\x02(Ab.1!23x)", b"W1\x02C.96(4711-815)", b"R1\x020.9.1()")
    )
    damaged = sent.replace(b"\x01P1\x02", b"\x11P1\x02")
    if parity:
        sent, damaged = add_parity(sent), add_parity(damaged)
    copy = redact_trace(trace_of(sent + damaged, sent))
    shown = strip_parity(copy.sent)
    assert b"\x01P1\x02(XXXXXXXX)\x03" in shown
    assert b"\x01W1\x02C.96(XXXXXXXX)\x03" in shown
    assert b"\x01R1\x020.9.1()\x03" in shown
    for body, check in re.findall(rb"\x01([^\x03]*\x03)(.)", shown, re.DOTALL):
        assert check[0] == xor_check(body)
    echo = strip_parity(copy.received)
    assert echo.startswith(shown)
    assert b"Ab" not in echo
    assert b"4711" not in echo


def test_what_another_session_has_told_is_hidden() -> None:
    """A session that failed may not say what it shows a part of."""
    known = secrets_of(decode(STREAM))
    trace = trace_of(METER + b"F.F(12345678)\r\nF.F(1234x678)\r\n7.7(1234")
    assert b"F.F(12345678)" in redact_trace(trace).received
    assert redact_trace(trace, known).received == (
        METER + b"F.F(XXXXXXXX)\r\nF.F(XXXXXXXX)\r\n7.7(1234"
    )


def test_a_gap_ends_a_line() -> None:
    """What stood before and behind it is no value, and half a number is hidden."""
    trace = Trace(
        entries=[
            Entry(0.0, "receive", METER + b"1.8.0(000123.456*kWh)\r\n1.8.0(00"),
            Entry(1.0, "gap", missing=3000),
            Entry(2.0, "receive", b"345678)\r\n2.8.0(000001.000*kWh)\r\n!\r\n"),
        ]
    )
    copy = redact_trace(trace)
    assert copy.entries == [
        trace.entries[0],
        trace.entries[1],
        Entry(2.0, "receive", b"XXXXXX)\r\n2.8.0(000001.000*kWh)\r\n!\r\n"),
    ]
    readout = decode(copy.to_json().encode())
    assert [data_set.address for data_set in readout.data_sets] == ["1.8.0", "2.8.0"]
    assert readout.bad_lines == ("1.8.0(00", "XXXXXX)")


# -- what is not --------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        b"0.0.0(00000000)\r\n1.8.0(00000000.123*kWh)\r\n8.26.1(00000000*m3)\r\n",
        b"0.0.1(0000)\r\n0.0.2(0001)\r\n1.8.0(0000123.456*kWh)\r\n0.9.1(000012)\r\n",
        b"0.0.0(1.8.0)\r\n1.8.0(001234.567*kWh)\r\n",
        b"0.0.0(MT174)\r\n0.2.0(MT174)\r\n",
        b"0.0.0(ER23)\r\n0.2.0(ER23)\r\n0.0.1(ERROR23)\r\n",
        b"0.0.0(------)\r\n0.0.1()\r\n0.0.2(12)\r\n",
        b"0.2.1(12345678)\r\n0.9.2(0170318)\r\nC.5.0(0000E0F0)\r\n",
    ],
)
def test_what_names_nobody_stays(block: bytes) -> None:
    """Numbers that were never set, error words, and the type."""
    assert redacted(METER + frame(block)) == METER + frame(block)


@pytest.mark.parametrize(
    ("number", "data_set"),
    [
        ("1234", "1.8.0(001234.567*kWh)"),
        ("1234", "1.8.0(001234*kWh)"),
        ("12345", "1.8.0(12345 kWh)"),
        ("123456", "1.8.0(123456.7*kWh)"),
        ("123456", "1.8.0(123456.7)"),
        ("123456", "1.8.0(7.123456)"),
        ("123456", "1.8.0(91234567*kWh)"),
        ("123456", "1.8.0(91234567)"),
        ("123456", "1.8.0(12 123456*kWh)"),
        ("10070100", "10070100(1*kWh)"),
        ("1234", "1-0:1.8.0*255(1*A1234)"),
        ("ABC1", "0.2.0(ABC12)"),
    ],
)
def test_a_secret_is_a_number_of_its_own(number: str, data_set: str) -> None:
    """Never part of a code, of a measured value or of a longer number."""
    block = f"0.0.0({number})\r\n{data_set}\r\n".encode()
    assert data_set.encode() in redacted(METER + frame(block))


def test_a_number_of_a_value_is_hidden_if_it_is_all_of_it() -> None:
    """Better one value too few than the number of the meter."""
    assert redact_text("1.8.0( 00123456 *kWh)", frozenset({"123456"})) == (
        "1.8.0( XXXXXXXX *kWh)"
    )


# -- texts --------------------------------------------------------------------


def test_short_numbers_are_no_secrets() -> None:
    """They name nobody, and would make half of a telegram unreadable."""
    readout = decode(b"0.0.0(12)\r\nC.1.0(123456)\r\n!\r\n")
    assert secrets_of(readout) == {"123456"}


def test_secrets_are_known_as_sent_and_as_read() -> None:
    """DSMR's numbers are texts in hexadecimal digits."""
    readout = decode(
        b"/ABC5x\r\n\r\n0-0:96.1.1(4B384547303034303436333935353037)\r\n!\r\n"
    )
    assert {"4B384547303034303436333935353037", "K8EG004046395507"} <= secrets_of(
        readout
    )


def test_secrets_are_found_without_the_raw_block() -> None:
    """A readout may have been put together by hand."""
    readout = Readout(
        identification=None,
        data_sets=(DataSet("0.0.0", "12345678"), DataSet("", "ABC987654")),
        bad_lines=("0.0.812345679)",),
        check=Check.XOR,
    )
    assert {"12345678", "ABC987654", "812345679"} <= secrets_of(readout)


def test_separators_stay_where_they_are() -> None:
    """The shape of a number helps to understand a meter."""
    assert mask("1ABC 0098-76.54") == "XXXX XXXX-XX.XX"
    assert redact_text("a 123456 b 1234567", frozenset({"123456", "1234567"})) == (
        "a XXXXXX b XXXXXXX"
    )


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("ISK 00123456.", "ISK XXXXXXXX."),
        ("isk_123456", "isk_XXXXXX"),
        ("Meter 123456 (cellar)", "Meter XXXXXX (cellar)"),
        ("Meter (no. 123456)", "Meter (no. XXXXXX)"),
        ("the meter ABC123456 is silent", "the meter ABCXXXXXX is silent"),
        ("see 1 and 123 456", "see 1 and 123 456"),
        ("", ""),
    ],
)
def test_secrets_are_found_in_sentences(text: str, hidden: str) -> None:
    """Titles and errors are shown around as well."""
    assert redact_text(text, frozenset({"00123456", "1", ""})) == hidden


def test_a_long_secret_is_found_in_parts() -> None:
    """Of a message nothing may stay, wherever it is repeated."""
    message = "The price is 0.25 from 1 April on, says your supplier in writing"
    text = f"0-0:96.13.0({message})"
    assert redact_text(text, frozenset({message})) == f"0-0:96.13.0({mask(message)})"


def test_a_block_is_redacted_as_a_whole() -> None:
    """As diagnostics show it."""
    readout = decode(METER + frame(b"0.0.0(1234\x005678)\r\n7.7(12345678)\r\n"))
    block = readout.raw.decode("ascii")
    assert redact_text(block, secrets_of(readout)) == (
        "0.0.0(XXXX\x00XXXX)\r\n7.7(XXXXXXXX)\r\n"
    )


# -- properties ---------------------------------------------------------------

NUMBERS = st.from_regex(r"[0-9]{0,4}[1-9][0-9]{5,9}", fullmatch=True)
IDS = st.one_of(
    NUMBERS, st.from_regex(r"1[A-Z]{3}[0-9]{4}[1-9][0-9]{5}", fullmatch=True)
)
IDENTITY_CODES = st.sampled_from(
    ["0.0.0", "0.0.1", "1-0:0.0.0*255", "C.1.0", "0-0:96.1.0*255", "C.90.1"]
)
OTHER_SETS = st.lists(
    st.one_of(
        st.from_regex(
            r"(1-0:)?[1-8]\.[78]\.[0-4](\*[0-9]{2})?\([0-9]{4,7}\.[0-9]{1,3}\*kWh\)",
            fullmatch=True,
        ),
        st.from_regex(r"0\.9\.2\(2[0-9]0[1-9]1[0-9]\)", fullmatch=True),
        st.from_regex(
            r"1\.6\.1\([0-9]{2}\.[0-9]\*kW\)\(240[1-9]1[0-9]1200\)", fullmatch=True
        ),
        st.sampled_from(["F.F(00000000)", "0.2.0(1.03)", "C.5.0(0401)", "~bad"]),
    ),
    max_size=8,
)
CHECKS = st.sampled_from([Check.XOR, Check.SUM, Check.NONE])


@given(IDENTITY_CODES, IDS, OTHER_SETS, OTHER_SETS, CHECKS, st.booleans())
def test_only_the_number_is_redacted(
    code: str,
    number: str,
    before: list[str],
    after: list[str],
    check: Check,
    parity: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    """Whatever else the meter sends, and whatever its number looks like."""
    assume(number.lstrip("0") not in "".join([*before, *after]))
    lines = [*before, f"{code}({number})", *after]
    block = "".join(f"{line}\r\n" for line in lines).encode()
    received = METER + frame(block, check)
    copy = redact_trace(
        trace_of(
            add_parity(received) if parity else received, f"/?{number}!\r\n".encode()
        )
    )
    shown = bytes(byte & 0x7F for byte in copy.received)
    assert number.lstrip("0").encode() not in shown + copy.sent
    assert copy.sent == b"/?" + b"X" * len(number) + b"!\r\n"
    original, result = decode(received), decode(copy.received)
    # A redacted sum may happen to be what the norm's check is too, which is tried
    # first.
    assert result.check in {original.check, Check.XOR}
    assert [data_set for data_set in result.data_sets if "X" not in data_set.value] == [
        data_set for data_set in original.data_sets if number not in data_set.value
    ]


@given(
    st.from_regex(r"[1-9]{6,12}", fullmatch=True),
    st.integers(0, 70),
    st.integers(0, 6),
    st.booleans(),
)
def test_one_damaged_bit_never_shows_the_number(
    number: str,
    position: int,
    bit: int,
    twice: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    """Not even five digits of it, whichever character the damage has hit."""
    line = f"0.0.0({number})\r\n".encode()
    received = bytearray(METER + frame(b"F.F(00)\r\n" + line * (1 + twice)))
    received[min(position, len(received) - 1)] ^= 1 << bit
    shown = redacted(bytes(received)).replace(b"\x00", b"")
    for start in range(len(number) - 4):
        assert number[start : start + 5].encode() not in shown


SAMPLES = sorted(Path(__file__).parents[1].glob("fixtures/telegrams/*/readout.raw"))


@given(st.sampled_from(SAMPLES), st.floats(0, 1, exclude_max=True), st.integers(0, 127))
def test_one_damaged_character_shows_no_number_of_a_sample(
    path: Path, place: float, character: int
) -> None:
    """In telegrams of every family; half of the places are near the number."""
    received = normalise(path.read_bytes())
    before, _ = decoded(received)
    number = (meter_number(before.data_sets) or "").lstrip("0").encode()
    assume(number)
    start = max(0, received.find(number) - 16) if place < 0.5 else 0
    span = 48 if place < 0.5 else len(received)
    position = min(start + int(2 * (place % 0.5) * span), len(received) - 1)
    damaged = bytearray(received)
    damaged[position] = character
    assert number not in redacted(bytes(damaged)).replace(b"\x00", b"")


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from(
                [
                    *(METER, frame(BLOCK), BLOCK, b"0.0.0(12345678", b"!12AB\r\n"),
                    *(b"\r\n", b"(", b")", b"*", b"/?", b"!", b"\x02", b"\x03", b"."),
                    *(b"1234", b"56", b"0", b"C.1.0", b"/ABC5", b"\\2", b"kWh", b" "),
                ]
            ),
        ),
        max_size=12,
    ),
    st.binary(max_size=20),
)
def test_any_bytes_keep_their_number(pieces: list[bytes], sent: bytes) -> None:
    """Nothing raises; what was letter, digit or check may change, nothing else."""
    received = b"".join(pieces)
    trace = Trace(entries=[Entry(0, "send", sent), Entry(1, "receive", received)])
    copy = redact_trace(trace)
    assert len(copy.received) == len(received)
    assert len(copy.sent) == len(sent)
    for old, new in zip(sent, copy.sent, strict=True):
        assert old == new or new & 0x7F == ord("X")


@pytest.mark.parametrize(
    "piece",
    [
        *(b"/", b"/AAAx", b"\x02", b"\x02a", b"\x03", b"(", b")", b"()", b"(a(b)"),
        *(b"*", b"0", b"1234567890", b"123456 ", b"0.0.0(12345678)", b"/?", b"/1a"),
        *(b"0.", b"0.p", b")!1\r", b"\\2", b"/ABC5\\2", b"a ", b"1*", b"1 "),
        *(b"\x01P1\x02", b"\x01P1\x02(", b"123456\r\n", b"0.0.0(1234567*"),
    ],
)
@pytest.mark.parametrize("before", [b"", b"0.0.0(", b"0.0.0(123456)\r\n1.8.0("])
def test_redaction_takes_no_longer_than_it_is_long(before: bytes, piece: bytes) -> None:
    """A trace of pure noise is redacted in the time of any other."""
    received = before + piece * (100_000 // len(piece))
    trace = Trace(entries=[Entry(0.0, "receive", received)])
    started = time.process_time()
    redact_trace(trace)
    assert time.process_time() - started < 5


# -- real meters --------------------------------------------------------------


@needs_corpus
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.name)
        for path in sorted(CORPUS.glob("*.*"))
        if path.suffix in {".txt", ".hex"}
    ],
)
def test_no_real_number_survives(path: Path) -> None:
    """And every measured value does."""
    try:
        received = normalise(path.read_bytes())
        before, right = decoded(received)
    except IecError:
        pytest.skip("there is no readout in it")
    shown = redacted(received)
    after, still_right = decoded(shown)
    assert still_right is right
    assert after.check is before.check
    assert len(after.bad_lines) == len(before.bad_lines)
    number = (meter_number(before.data_sets) or "").lstrip("0")
    # Some collectors of captures have made the numbers unreadable themselves.
    if number.strip("X"):
        assert number not in shown.decode("ascii")
        block = before.raw.decode("ascii")
        assert number not in redact_text(block, secrets_of(before))
    for old, new in zip(interpret(before), interpret(after), strict=True):
        assert (new.address, new.unit) == (old.address, old.unit)
        if isinstance(old.value, Decimal):
            assert new.value == old.value
        elif old.register is not None and old.register.identity:
            for number in re.findall("[1-9][0-9]{5,}", str(old.value)):
                assert number not in str(new.value)
