"""Conversations in programming mode, over a link in memory with its own clock.

The meter at its end is the simulated one; what goes over the line step by step is
in `test_programming`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
import logging
from typing import Any, override
from zoneinfo import ZoneInfo

import pytest

from iec21 import (
    ALGORITHMS,
    ArchiveRequest,
    ArchiveRow,
    ChecksumError,
    Command,
    CommandRefusedError,
    Conversation,
    Credentials,
    DataSet,
    LinkError,
    Lock,
    MeterRefusedError,
    MeterTimeoutError,
    Password,
    PasswordRefusedError,
    PasswordSpentError,
    ProfileRequest,
    ProfileRow,
    SessionEndedError,
    Settings,
    Standing,
    TelegramError,
    ask,
    client,
    programming,
    read_out,
)
from iec21.const import LINE_END
from iec21.framing import add_parity
from iec21.simulator import (
    CorrectorDevice,
    Fault,
    LoadProfile,
    ProgrammingMode,
    RegisterDevice,
    SimulatedLink,
    SimulatedMeter,
    Trouble,
)
from iec21.simulator.corrector import CUSTOMER_CODE, IDENTIFICATION, SEED
from iec21.simulator.household import WINTER_TIME
from iec21.simulator.programming import Lines
from iec21.steps import BlockReceived, ProgrammingEvent, ProgrammingOpened
from iec21.telegram import Check
from iec21.traces import Trace

PORT = "/dev/simulated"
BLOCK = b"0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n1.6.1(1.2*kW)(2611201215)\r\n"
CODE_WORD = "s3cr3t42"
SIGN_OFF = b"\x01B0\x03q"
BERLIN = ZoneInfo("Europe/Berlin")
DEVICE_TIME = datetime(2026, 11, 21, 10, 30)  # noqa: DTZ001  # It knows no zone.


@pytest.fixture(name="plug_in")
def fixture_plug_in(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[SimulatedMeter], SimulatedLink]]:
    """Make the client open a line to a meter, and see it closed."""
    links: list[SimulatedLink] = []

    async def open_link(port: str, settings: Settings) -> SimulatedLink:
        return await links[-1].open(port, settings)

    def lay(meter: SimulatedMeter, **options: Any) -> SimulatedLink:
        links.append(SimulatedLink(meter, **options))
        return links[-1]

    monkeypatch.setattr(client, "open_transport", open_link)
    yield lay
    assert all(link.closed for link in links)


type PlugIn = Callable[..., SimulatedLink]


def device() -> RegisterDevice:
    """Return a meter's registers, one of which can be written."""
    return RegisterDevice(content=BLOCK, writable=frozenset({"0.9.1", "C003", "FFFF"}))


def meter(
    mode: ProgrammingMode | None = None,
    identification: bytes = b"/ABC5METER",
    fault: Fault = Fault.NONE,
    check: Check = Check.XOR,
) -> SimulatedMeter:
    """Return a meter with programming mode."""
    return SimulatedMeter(
        identification=identification,
        content=BLOCK,
        fault=fault,
        check=check,
        programming=mode or ProgrammingMode(device=device()),
    )


def protected(**options: Any) -> ProgrammingMode:
    """Return programming mode with a password for everything."""
    return ProgrammingMode(
        device=device(), password=Password(CODE_WORD), protected="RWE", **options
    )


def corrector(**options: Any) -> SimulatedMeter:
    """Return a volume corrector."""
    mode = ProgrammingMode(
        device=CorrectorDevice(now=lambda: DEVICE_TIME, **options),
        seed=SEED,
    )
    return SimulatedMeter(identification=IDENTIFICATION, content=b"", programming=mode)


# -- reading and writing ------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 7, None])
@pytest.mark.parametrize(
    "identification", [b"/ABC METER", b"/ABCCMETER", b"/ABC5METER", b"/ABc5METER"]
)
async def test_each_mode_gives_its_registers(
    plug_in: PlugIn, identification: bytes, piece: int | None
) -> None:
    """Modes A and B send their readout first; nobody gets to see it."""
    link = plug_in(meter(identification=identification), piece=piece)
    async with programming(PORT) as opened:
        assert opened.identification is not None
        assert opened.identification.raw == identification.decode()
        assert await opened.read("1.8.0") == (DataSet("1.8.0", "000123.456", "kWh"),)
        assert await opened.read("1.6.1", command="R5") == (
            DataSet("1.6.1", "1.2", "kW"),
            DataSet("", "2611201215"),
        )
    assert link.sent[-1] == SIGN_OFF


async def test_what_is_written_can_be_read_back(plug_in: PlugIn) -> None:
    """In one message, in blocks, and with a password of its own."""
    plug_in(meter())
    async with programming(PORT) as opened:
        await opened.write("0.9.1", "120000")
        assert await opened.read("0.9.1") == (DataSet("0.9.1", "120000"),)
        await opened.write("FFFF", "0123456789" * 13, command="W3")
        assert await opened.read("FFFF") == (DataSet("FFFF", "0123456789" * 13),)
        await opened.write("C003", "2", command="W5", password=Password("1"))
        assert await opened.read("C003") == (DataSet("C003", "2"), DataSet("", "1"))
        with pytest.raises(CommandRefusedError) as caught:
            await opened.write("1.8.0", "0")
        assert caught.value.answer == "ER02"
        for register, value in (("C(1)", "1"), ("C", "1)(2")):
            with pytest.raises(ValueError, match="brackets"):
                await opened.write(register, value)


async def test_things_can_be_carried_out(plug_in: PlugIn) -> None:
    """Some of them send a readout (Annex C.5)."""
    registers = device()
    plug_in(meter(ProgrammingMode(device=registers)))
    async with programming(PORT) as opened:
        assert await opened.execute("0001") == ()
        assert registers.executed == [("0001", "")]
        found = await opened.execute("0000", "0000")
        assert [item.address for item in found] == ["0.0.0", "1.8.0", "1.6.1", ""]


async def test_an_unknown_register_costs_nothing_but_itself(plug_in: PlugIn) -> None:
    """The session goes on; the text is the meter's own."""
    plug_in(meter())
    async with programming(PORT) as opened:
        with pytest.raises(CommandRefusedError, match="ER01") as caught:
            await opened.read("9.9.9")
        assert isinstance(caught.value, MeterRefusedError)
        assert await opened.read("0.0.0") == (DataSet("0.0.0", "12345678"),)


async def test_registers_in_a_row_come_in_one_answer(plug_in: PlugIn) -> None:
    """A number in the brackets counts them, in hexadecimal digits."""
    registers = RegisterDevice(registers={f"{i:04d}": str(i) for i in range(20)})
    plug_in(meter(ProgrammingMode(device=registers)))
    async with programming(PORT) as opened:
        found = await opened.read("0003(10)")
        assert [item.value for item in found] == [str(i) for i in range(3, 19)]
        blocks = [block async for block in opened.blocks(Command("R3", "0000(0A)"))]
        assert [block.last for block in blocks] == [False, True]


@pytest.mark.parametrize(
    ("identification", "known", "sent"),
    [
        (b"/ABC5METER", "R1", ["R1"]),
        (b"/ABC5METER", "R5", ["R1", "R5"]),
        (b"/ABC5\\@METER", "R5", ["R5"]),
        (b"/ABC5\\@METER", "R1", ["R5", "R1"]),
    ],
)
async def test_the_command_for_reading_is_found_out_once(
    plug_in: PlugIn, identification: bytes, known: str, sent: list[str]
) -> None:
    """What the identification announces comes first; a meter says ACK to the other."""
    registers = RegisterDevice(content=BLOCK, commands=frozenset({known}))
    link = plug_in(meter(ProgrammingMode(device=registers), identification))
    async with programming(PORT) as opened:
        for _ in range(2):
            assert len(await opened.read("0.0.0")) == 1
    assert [data[1:3].decode() for data in link.sent if data[1:2] == b"R"] == [
        *sent,
        known,
    ]


async def test_an_answer_has_a_data_set_or_nothing(plug_in: PlugIn) -> None:
    """Text alone means nothing."""

    class WordyDevice(RegisterDevice):
        """A meter that answers with a word, or not even with that."""

        @override
        def read(self, name: str, address: str, value: str) -> Lines:
            return Lines([address] if address == "hello" else [])

    plug_in(meter(ProgrammingMode(device=WordyDevice())))
    async with programming(PORT) as opened:
        with pytest.raises(TelegramError, match="without a data set"):
            await opened.read("hello")
        assert await opened.read("") == ()


async def test_answers_without_address_belong_to_what_was_asked(
    plug_in: PlugIn,
) -> None:
    """Iskra's meters leave it out."""
    plug_in(
        meter(
            ProgrammingMode(device=device(), trouble=Trouble(without_address=True)),
        )
    )
    async with programming(PORT) as opened:
        assert await opened.read("1.8.0") == (DataSet("", "000123.456", "kWh"),)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.ECHO,
        Fault.NOISE,
        Fault.PARITY_BIT,
        Fault.ANSWERS_TWICE,
        Fault.DEAF_ONCE,
        Fault.ECHO | Fault.NOISE | Fault.PARITY_BIT,
    ],
)
async def test_a_conversation_survives(plug_in: PlugIn, fault: Fault) -> None:
    """Ordinary trouble costs time and nothing else, in answers in blocks as well."""
    registers = RegisterDevice(
        registers={f"{i:04d}": str(i) for i in range(20)},
        writable=frozenset({"0000"}),
    )
    plug_in(meter(ProgrammingMode(device=registers), fault=fault))
    async with programming(PORT) as opened:
        assert await opened.read("0007") == (DataSet("0007", "7"),)
        await opened.write("0000", "x")
        asked = opened.blocks(Command("R3", "0000(14)"))
        text = "\n".join([block.text async for block in asked])
        assert text.startswith("0000(x)")
        assert len(text.split()) == 20


async def test_a_gateway_without_speed_asks_the_meter_to_stay(plug_in: PlugIn) -> None:
    """And the meter behind one at 8N1 hears only what has parity."""
    link = plug_in(meter(fault=Fault.PARITY_WANTED), can_switch=False)
    async with programming(PORT) as opened:
        assert await opened.read("0.0.0")
        assert opened.learned.software_parity is True
    assert add_parity(b"\x06001\r\n") in link.sent
    assert link.sent[-1] == add_parity(SIGN_OFF)


async def test_a_meter_with_sums_is_spoken_to_in_sums(plug_in: PlugIn) -> None:
    """The check is learned, and the next session knows it from the settings."""
    mode = ProgrammingMode(device=device(), check=Check.SUM)
    plug_in(meter(mode, check=Check.SUM))
    async with programming(PORT) as opened:
        assert await opened.read("0.0.0")
        learned = opened.learned
    assert learned.check is Check.SUM
    link = plug_in(meter(mode, check=Check.SUM))
    async with programming(PORT, learned) as opened:
        assert await opened.read("0.0.0")
    assert link.sent.count(b"/?!\r\n") == 1


async def test_trouble_with_single_messages_is_mended(plug_in: PlugIn) -> None:
    """NAK repeats the command, and damage the answer."""
    trouble = Trouble(
        misunderstood=lambda number: number == 1,
        damaged=lambda number: number == 1,
    )
    mode = ProgrammingMode(device=device(), trouble=trouble)
    plug_in(meter(mode))
    async with programming(PORT) as opened:
        assert await opened.read("0.0.0") == (DataSet("0.0.0", "12345678"),)
    assert (mode.commands, mode.blocks) == (3, 2)


async def test_damage_that_stays_is_an_error(plug_in: PlugIn) -> None:
    """Nothing of a damaged answer is ever handed out."""
    trouble = Trouble(damaged=lambda number: number <= 3)
    plug_in(meter(ProgrammingMode(device=device(), trouble=trouble)))
    async with programming(PORT) as opened:
        with pytest.raises(ChecksumError):
            await opened.read("0.0.0")
        assert await opened.read("0.0.0")


# -- sessions -----------------------------------------------------------------


async def test_events_tell_how_it_goes(plug_in: PlugIn) -> None:
    """Who answered, and that programming mode is open."""
    plug_in(meter(ProgrammingMode(device=device(), seed="1234")))
    events: list[ProgrammingEvent] = []
    async with programming(PORT, on_event=events.append) as opened:
        assert opened.seed == "1234"
    assert events[-1] == ProgrammingOpened("1234")
    assert len(events) == 2


@pytest.mark.parametrize("limit", [1.5, 3.0])
async def test_a_dropped_session_is_opened_again(plug_in: PlugIn, limit: float) -> None:
    """Once for a command that reads; the caller notices nothing but the time."""
    mode = ProgrammingMode(device=device(), trouble=Trouble(idle_limit=limit))
    link = plug_in(meter(mode))
    async with programming(PORT) as opened:
        assert await opened.read("0.0.0")
        await opened.wait(5)
        assert await opened.read("1.8.0")
    assert link.sent.count(b"/?!\r\n") == 2
    assert link.baud_rates == [9600, 300, 9600]


async def test_what_writes_is_not_sent_into_nowhere_twice(plug_in: PlugIn) -> None:
    """Nobody knows whether it was done."""
    mode = ProgrammingMode(device=device(), trouble=Trouble(idle_limit=1.5))
    link = plug_in(meter(mode))
    async with programming(PORT) as opened:
        assert await opened.read("0.0.0")
        await opened.wait(5)
        with pytest.raises(MeterTimeoutError):
            await opened.write("0.9.1", "1")
    assert sum(data[1:3] == b"W1" for data in link.sent) == 1


async def test_a_session_that_is_known_to_be_over_is_opened_for_a_write(
    plug_in: PlugIn,
) -> None:
    """It has not been sent yet."""
    trouble = Trouble(broken_off=lambda number: number == 2)
    registers = device()
    plug_in(meter(ProgrammingMode(device=registers, trouble=trouble)))
    async with programming(PORT) as opened:
        assert await opened.read("0.0.0")
        with pytest.raises(SessionEndedError):
            await opened.write("0.9.1", "1")
        await opened.write("0.9.1", "1")
    assert registers.registers == {"0.9.1": "1"}


async def test_a_session_is_kept_alive(plug_in: PlugIn) -> None:
    """With what was read last, or with the address where nothing was."""
    mode = ProgrammingMode(device=device(), trouble=Trouble(idle_limit=3.0))
    link = plug_in(meter(mode))
    async with programming(PORT, Settings(keep_alive=1.0)) as opened:
        await opened.wait(4)
        assert await opened.read("1.8.0")
        await opened.wait(4)
        assert await opened.read("1.8.0")
    assert link.sent.count(b"/?!\r\n") == 1
    registers = [data[4:9] for data in link.sent if data[1:3] == b"R1"]
    assert registers == [b"0.0.0"] * 4 + [b"1.8.0"] * 6


async def test_what_goes_wrong_meanwhile_is_the_next_commands_business(
    plug_in: PlugIn,
) -> None:
    """Waiting raises nothing but a lost link."""
    trouble = Trouble(
        misunderstood=lambda number: number in {2, 3, 4},
        unanswered=lambda number: number in {5, 6},
        broken_off=lambda number: number == 7,
    )
    link = plug_in(meter(ProgrammingMode(device=device(), trouble=trouble)))
    async with programming(PORT, Settings(keep_alive=1.0)) as opened:
        assert await opened.read("0.0.0")
        await opened.wait(4)
        assert await opened.read("1.8.0")
    assert link.sent.count(b"/?!\r\n") == 2


async def test_a_sign_off_is_noticed_while_waiting(plug_in: PlugIn) -> None:
    """The next command opens a new session without asking in vain."""
    mode = ProgrammingMode(device=device())
    link = plug_in(meter(mode))
    async with programming(PORT) as opened:
        assert await opened.read("0.0.0")
        # The meter closes the session behind its answer.
        link._received += SIGN_OFF  # noqa: SLF001  # No simulated meter speaks up.
        link._wire.meter.reset()  # noqa: SLF001
        link._wire.baud_rate = 300  # noqa: SLF001
        await opened.wait(1)
        sent = len(link.sent)
        assert await opened.read("0.0.0")
    assert link.sent[sent] == b"/?!\r\n"


async def test_a_meter_that_never_answers_a_command_is_not_asked_for_ever(
    plug_in: PlugIn,
) -> None:
    """Without any answer in the session, a new one promises nothing."""
    link = plug_in(
        meter(ProgrammingMode(device=device(), trouble=Trouble(unanswered=bool)))
    )
    with pytest.raises(MeterTimeoutError):
        async with programming(PORT) as opened:
            await opened.read("0.0.0", command="R1")
    assert link.sent.count(b"/?!\r\n") == 1
    assert link.sent[-1] == SIGN_OFF


# -- the way out --------------------------------------------------------------


async def test_an_error_signs_off(plug_in: PlugIn) -> None:
    """Whatever raises in the body."""
    link = plug_in(meter())
    with pytest.raises(RuntimeError):
        async with programming(PORT):
            raise RuntimeError
    assert link.sent[-1] == SIGN_OFF


@pytest.mark.parametrize("rounds", [3, 8, 20, 30, 40, 60])
async def test_cancellation_signs_off_within_a_second(
    plug_in: PlugIn, rounds: int
) -> None:
    """Wherever it strikes once the meter has said who it is."""
    link = plug_in(meter(), piece=8)

    task = asyncio.create_task(read_for_ever())
    for _ in range(rounds):
        await asyncio.sleep(0)
    cancelled = link.clock
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert link.clock - cancelled < 1
    received = b"".join(entry.data for entry in link.log if entry.kind == "read")
    identified = received.startswith(b"/ABC5METER\r\n")
    assert (link.sent[-1] == SIGN_OFF) == identified


async def test_leaving_an_answer_early_is_allowed(plug_in: PlugIn) -> None:
    """The next command gives up the rest of it."""
    registers = RegisterDevice(registers={f"{i:04d}": str(i) for i in range(40)})
    plug_in(meter(ProgrammingMode(device=registers)))
    async with programming(PORT) as opened:
        async for block in opened.blocks(Command("R3", "0000(28)")):
            assert isinstance(block, BlockReceived)
            break
        assert await opened.read("0001") == (DataSet("0001", "1"),)


async def test_a_lost_link_is_a_link_error(plug_in: PlugIn) -> None:
    """There is nobody left to sign off with."""
    plug_in(meter(), lose_after=60)
    with pytest.raises(LinkError):
        await read_for_ever()


async def read_for_ever() -> None:
    """Read one register after the other."""
    async with programming(PORT) as opened:
        while True:
            await opened.read("1.8.0")


# -- passwords ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "seed", "secret", "sent"),
    [
        ("plain", "", CODE_WORD, b"\x01P1\x02(s3cr3t42)\x03"),
        ("energomera", "12345678", "777777", b"\x01P2\x02(5ED5C89A)\x03"),
        ("dzg", "1A2B3C4D", "222222", b"\x01P1\x02(E5E51717F9F9)\x03"),
    ],
)
async def test_a_password_opens_what_it_protects(
    plug_in: PlugIn, algorithm: str, seed: str, secret: str, sent: bytes
) -> None:
    """It goes in the way of its manufacturer, once per session."""
    password = Password(secret)
    mode = ProgrammingMode(
        device=device(),
        seed=seed,
        password=password,
        protected="RWE",
        algorithm=ALGORITHMS[algorithm],
    )
    credentials = Credentials(password, algorithm=ALGORITHMS[algorithm])
    for sessions in (1, 2):
        link = plug_in(meter(mode))
        async with programming(PORT, credentials=credentials) as opened:
            assert await opened.read("0.0.0")
        assert mode.passwords == sessions
        assert [data[:-1] for data in link.sent if data[1:2] == b"P"] == [sent]
    assert credentials.standing is Standing.ACCEPTED


async def test_without_the_password_the_meter_says_no(plug_in: PlugIn) -> None:
    """An error message, as to anything else that it does not do."""
    plug_in(meter(protected()))
    async with programming(PORT) as opened:
        with pytest.raises(CommandRefusedError, match="ERR04"):
            await opened.read("0.0.0")


async def test_a_wrong_password_reaches_the_meter_once(plug_in: PlugIn) -> None:
    """Whatever is tried afterwards, until somebody enters another one."""
    mode = protected(locked_after=3)
    credentials = Credentials(Password("wrong"))
    link = plug_in(meter(mode))
    with pytest.raises(PasswordRefusedError, match="it ended the session"):
        async with programming(PORT, credentials=credentials):
            pytest.fail("it is not open")
    for _ in range(5):
        with pytest.raises(PasswordSpentError):
            async with programming(PORT, credentials=credentials):
                pytest.fail("it is not open")
    assert mode.passwords == 1
    assert link.opened == 1
    link = plug_in(meter(mode))
    async with programming(
        PORT, credentials=Credentials(Password(CODE_WORD))
    ) as opened:
        assert await opened.read("0.0.0")


async def test_a_meter_that_is_locked_refuses_the_right_one(plug_in: PlugIn) -> None:
    """That is what all the care is for."""
    mode = protected(locked_after=1)
    for password in ("wrong", CODE_WORD):
        plug_in(meter(mode))
        with pytest.raises(PasswordRefusedError):
            async with programming(PORT, credentials=Credentials(Password(password))):
                pytest.fail("it is not open")


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Trouble(misunderstood=bool), PasswordRefusedError),
        (Trouble(broken_off=bool), PasswordRefusedError),
        (Trouble(unanswered=bool), MeterTimeoutError),
    ],
)
async def test_no_outcome_but_acceptance_allows_another_try(
    plug_in: PlugIn, trouble: Trouble, error: type[Exception]
) -> None:
    """NAK, a sign-off and silence all count as refused."""
    mode = protected(trouble=trouble)
    credentials = Credentials(Password(CODE_WORD))
    link = plug_in(meter(mode))
    with pytest.raises(error):
        async with programming(PORT, credentials=credentials):
            pytest.fail("it is not open")
    assert credentials.standing is Standing.SPENT
    assert sum(data[1:3] == b"P1" for data in link.sent) == 1


async def test_a_link_cut_behind_the_password_counts_as_refused(
    plug_in: PlugIn,
) -> None:
    """What was remembered before it was sent holds."""
    credentials = Credentials(Password(CODE_WORD))
    # The identification and the operand are all that gets through.
    link = plug_in(meter(protected()), lose_after=12 + 8)
    with pytest.raises(LinkError):
        async with programming(PORT, credentials=credentials):
            pytest.fail("it is not open")
    assert credentials.standing is Standing.SPENT
    assert link.opened == 1


async def test_an_accepted_password_survives_one_unknown_outcome(
    plug_in: PlugIn,
) -> None:
    """Two in a row stop it, and so does the first refusal."""
    silent = Trouble(unanswered=bool)
    credentials = Credentials(Password(CODE_WORD), standing=Standing.ACCEPTED)
    standings = []
    for trouble in (silent, Trouble(), silent, silent):
        plug_in(meter(protected(trouble=trouble)))
        try:
            async with programming(PORT, credentials=credentials):
                pass
        except MeterTimeoutError:
            pass
        standings.append(credentials.standing)
    assert standings == [
        Standing.DOUBTFUL,
        Standing.ACCEPTED,
        Standing.DOUBTFUL,
        Standing.SPENT,
    ]
    credentials = Credentials(Password("old"), standing=Standing.ACCEPTED)
    plug_in(meter(protected()))
    with pytest.raises(PasswordRefusedError):
        async with programming(PORT, credentials=credentials):
            pytest.fail("it is not open")
    assert credentials.standing is Standing.SPENT


async def test_a_standing_is_remembered_before_the_password_is_sent(
    plug_in: PlugIn,
) -> None:
    """As if it had failed already; then as it turned out."""
    link = plug_in(meter(protected()))
    remembered: list[tuple[Standing, bool]] = []

    def remember(standing: Standing) -> Awaitable[None]:
        sent = any(data[1:3] == b"P1" for data in link.sent)
        remembered.append((standing, sent))
        return asyncio.sleep(0)

    credentials = Credentials(Password(CODE_WORD), remember=remember)
    async with programming(PORT, credentials=credentials):
        pass
    assert remembered == [(Standing.SPENT, False), (Standing.ACCEPTED, True)]


async def test_remembering_may_take_no_time(plug_in: PlugIn) -> None:
    """A plain function will do."""
    plug_in(meter(protected()))
    remembered: list[Standing] = []
    credentials = Credentials(Password(CODE_WORD), remember=remembered.append)
    async with programming(PORT, credentials=credentials):
        pass
    assert remembered == [Standing.SPENT, Standing.ACCEPTED]


async def test_what_cannot_be_remembered_is_not_sent(plug_in: PlugIn) -> None:
    """The storage may be full; the password is as good as before."""
    link = plug_in(meter(protected()))

    def remember(_standing: Standing) -> None:
        raise OSError

    credentials = Credentials(Password(CODE_WORD), remember=remember)
    with pytest.raises(OSError, match=r"^$"):
        async with programming(PORT, credentials=credentials):
            pytest.fail("it is not open")
    assert credentials.standing is Standing.UNTRIED
    assert not any(data[1:3] == b"P1" for data in link.sent)
    assert link.sent[-1] == SIGN_OFF


async def test_a_new_session_needs_an_accepted_password(plug_in: PlugIn) -> None:
    """Then it is sent again, which is what accepted ones are for."""
    mode = protected(trouble=Trouble(idle_limit=1.5))
    plug_in(meter(mode))
    async with programming(
        PORT, credentials=Credentials(Password(CODE_WORD))
    ) as opened:
        assert await opened.read("0.0.0")
        await opened.wait(5)
        assert await opened.read("0.0.0")
    assert mode.passwords == 2


async def test_a_password_shows_nowhere(
    plug_in: PlugIn, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in logs, traces and texts, not even in the echo of a head."""
    caplog.set_level(logging.DEBUG)
    trace = Trace()
    credentials = Credentials(Password(CODE_WORD))
    link = plug_in(meter(protected(), fault=Fault.ECHO), piece=3)
    async with programming(PORT, credentials=credentials, trace=trace) as opened:
        await opened.write("0.9.1", CODE_WORD)
        assert await opened.read("0.0.0")
    assert CODE_WORD in repr(link.sent)
    for text in (caplog.text, trace.to_json(), repr(credentials), repr(opened)):
        assert CODE_WORD not in text
        assert "s3c" not in text
    masked = Command("P1", "(XXXXXXXX)").to_bytes()
    assert masked in trace.sent
    assert masked in trace.received


# -- load profiles ------------------------------------------------------------


def profile(
    now: datetime, zone: tzinfo = WINTER_TIME, trouble: Trouble | None = None
) -> SimulatedMeter:
    """Return a meter with two years of quarters of an hour."""
    found = LoadProfile(now=lambda: now, zone=zone)
    registers = RegisterDevice(content=BLOCK, profiles={"P.01": found})
    mode = ProgrammingMode(device=registers, trouble=trouble or Trouble())
    return meter(mode, b"/ABC6\\@METER")


async def rows_of(
    opened: Conversation, request: ProfileRequest, command: str = "R6"
) -> list[ProfileRow]:
    """Read a load profile that has nothing but rows."""
    rows: list[ProfileRow] = []
    async for row in opened.load_profile(request, command=command, zone=BERLIN):
        assert isinstance(row, ProfileRow)
        rows.append(row)
    return rows


@pytest.mark.parametrize("command", ["R5", "R6"])
@pytest.mark.parametrize(
    ("day", "quarters"),
    [((2026, 11, 20), 96), ((2026, 3, 29), 92), ((2026, 10, 25), 100)],
)
async def test_a_day_has_its_quarters_of_an_hour(
    plug_in: PlugIn, day: tuple[int, int, int], quarters: int, command: str
) -> None:
    """96 of them, but for the two days on which the clock changes."""
    plug_in(profile(datetime(2026, 11, 21, 12, tzinfo=UTC), BERLIN))
    start = datetime(*day, 0, 15, tzinfo=BERLIN)
    end = datetime(*day, tzinfo=BERLIN) + timedelta(days=1)
    async with programming(PORT) as opened:
        rows = await rows_of(opened, ProfileRequest("P.01", start, end), command)
    assert len(rows) == quarters
    first = start.astimezone(UTC)
    assert [row.end.astimezone(UTC) for row in rows] == [
        first + i * timedelta(minutes=15) for i in range(quarters)
    ]


async def test_a_year_arrives_complete_once_and_in_order(plug_in: PlugIn) -> None:
    """35,040 rows over a line that damages every hundredth block."""
    trouble = Trouble(damaged=lambda number: number % 100 == 0)
    plug_in(profile(datetime(2026, 11, 21, tzinfo=UTC), BERLIN, trouble))
    start = datetime(2025, 11, 1, 0, 15, tzinfo=BERLIN)
    end = datetime(2026, 11, 1, tzinfo=BERLIN)
    count = 0
    last: datetime | None = None
    async with programming(PORT) as opened:
        request = ProfileRequest("P.01", start, end)
        async for row in opened.load_profile(request, command="R6", zone=BERLIN):
            assert isinstance(row, ProfileRow)
            moment = row.end.astimezone(UTC)
            assert moment - timedelta(minutes=15) == (
                last or start.astimezone(UTC) - timedelta(minutes=15)
            )
            assert len(row.values) == 2
            last = moment
            count += 1
    assert count == 35_040
    assert last == end.astimezone(UTC)


async def test_a_day_that_is_interrupted_is_asked_for_again(plug_in: PlugIn) -> None:
    """By silence, a sign-off, or damage that stays; no row comes twice."""
    trouble = Trouble(
        damaged=lambda number: 5 <= number < 8,
        unanswered=lambda number: number in {4, 5},
        broken_off=lambda number: number == 6,
    )
    plug_in(profile(datetime(2026, 11, 21, tzinfo=UTC), trouble=trouble))
    start = datetime(2026, 11, 17, 0, 15, tzinfo=BERLIN)
    end = datetime(2026, 11, 20, tzinfo=BERLIN)
    async with programming(PORT) as opened:
        rows = await rows_of(opened, ProfileRequest("P.01", start, end))
    assert len(rows) == 3 * 96
    assert all(b.end - a.end == timedelta(minutes=15) for a, b in pairwise(rows))


async def test_damage_that_stays_ends_the_load_profile(plug_in: PlugIn) -> None:
    """Three times three transmissions are enough."""
    plug_in(profile(datetime(2026, 11, 21, tzinfo=UTC), trouble=Trouble(damaged=bool)))
    async with programming(PORT) as opened:
        with pytest.raises(ChecksumError):
            await rows_of(opened, ProfileRequest("P.01"))


async def test_days_without_rows_are_no_error(plug_in: PlugIn) -> None:
    """A meter says so for days that it has not recorded; others have rows."""
    plug_in(profile(datetime(2026, 11, 20, 12, tzinfo=UTC)))
    async with programming(PORT) as opened:
        start = datetime(2026, 11, 20, 12, tzinfo=BERLIN)
        request = ProfileRequest("P.01", start, start + timedelta(days=3))
        assert len(await rows_of(opened, request)) == 5
        with pytest.raises(CommandRefusedError, match="ER01"):
            await rows_of(opened, ProfileRequest("P.02", start, start))


# -- LIS-200 ------------------------------------------------------------------


async def test_a_lock_is_opened_verified_and_closed(plug_in: PlugIn) -> None:
    """The operand is no challenge, and P1 never goes out."""
    simulated = corrector(lock_for_reading=True)
    link = plug_in(simulated)
    credentials = Credentials(CUSTOMER_CODE, lock=Lock.CUSTOMER)
    async with programming(PORT, credentials=credentials) as opened:
        assert opened.seed == SEED
        assert await opened.read("2:302.0") == (
            DataSet("7-2:302.0", "6830.1122", "m3"),
        )
        await opened.write("4:150.0", "30")
        assert await opened.read("4:150.0") == (DataSet("7-4:150.0", "30", "Minutes"),)
        with pytest.raises(CommandRefusedError, match="#0009"):
            await opened.write("2:302.0", "0")
    assert credentials.standing is Standing.ACCEPTED
    assert link.sent[2:4] == [
        Command("W1", "4:171.0(11111111)").to_bytes(),
        Command("R1", "4:170.0(1)").to_bytes(),
    ]
    assert link.sent[-2:] == [b"\x01W1\x024:170.0(0)\x03p", SIGN_OFF]


async def test_without_a_lock_some_read_nothing(plug_in: PlugIn) -> None:
    """The number says what would help."""
    plug_in(corrector(lock_for_reading=True))
    async with programming(PORT) as opened:
        with pytest.raises(CommandRefusedError, match="#0018"):
            await opened.read("2:302.0")


@pytest.mark.parametrize("acknowledges", [True, False])
async def test_a_wrong_code_reaches_the_device_once(
    plug_in: PlugIn,
    acknowledges: bool,  # noqa: FBT001  # It is a parameter.
) -> None:
    """Even where the device acknowledges any: the lock is still closed."""
    simulated = corrector(acknowledges_any_code=acknowledges)
    link = plug_in(simulated)
    credentials = Credentials(Password("00000001"))
    for error in (PasswordRefusedError, PasswordSpentError):
        with pytest.raises(error):
            async with programming(PORT, credentials=credentials):
                pytest.fail("it is not open")
    assert sum(b"171.0" in data for data in link.sent) == 1
    assert link.sent[-1] == SIGN_OFF


async def test_the_code_of_a_lock_is_written_once_as_well(plug_in: PlugIn) -> None:
    """Whoever writes it as a value gets the same care."""
    simulated = corrector()
    assert simulated.programming is not None
    simulated.programming.trouble.misunderstood = bool
    link = plug_in(simulated)
    async with programming(PORT) as opened:
        with pytest.raises(CommandRefusedError, match="NAK"):
            await opened.write("04:0171.0", "1")
    assert sum(b"171.0" in data for data in link.sent) == 1


async def test_an_error_closes_the_lock_as_well(plug_in: PlugIn) -> None:
    """There is time for it at this speed, and for the sign-off."""
    link = plug_in(corrector())
    began = await fail_at(link, Settings())
    assert link.sent[-2:] == [b"\x01W1\x024:170.0(0)\x03p", SIGN_OFF]
    assert link.clock - began < 1


async def fail_at(link: SimulatedLink, settings: Settings) -> float:
    """Fail once a lock is open; return when that was."""
    began = 0.0
    with suppress(RuntimeError):
        async with programming(PORT, settings, Credentials(CUSTOMER_CODE)):
            began = link.clock
            raise RuntimeError
    return began


async def test_where_time_is_short_the_lock_stays_open(plug_in: PlugIn) -> None:
    """At 300 Bd the sign-off is all that fits into a second."""
    link = plug_in(corrector())
    began = await fail_at(link, Settings(max_baud_rate=300))
    assert link.sent[-1] == SIGN_OFF
    assert not any(b"170.0(0)" in data for data in link.sent)
    assert link.clock - began < 1


@pytest.mark.parametrize("acknowledge", [True, False])
async def test_an_archive_comes_with_its_headings(
    plug_in: PlugIn,
    acknowledge: bool,  # noqa: FBT001  # It is a parameter.
) -> None:
    """Each row once, in blocks, whatever is damaged on the way."""
    simulated = corrector()
    assert simulated.programming is not None
    simulated.programming.trouble.damaged = lambda number: number % 5 == 0
    plug_in(simulated)
    request = ArchiveRequest(
        archive=3,
        start=datetime(2026, 11, 20),  # noqa: DTZ001  # The clock has no zone.
        end=datetime(2026, 11, 21),  # noqa: DTZ001
        rows=4,
    )
    async with programming(
        PORT, Settings(acknowledge_last_block=acknowledge)
    ) as opened:
        rows = [row async for row in opened.archive(request)]
        assert await opened.read("3:V.A(3;2026-11-20,00:00:00;;1)")
    assert len(rows) == 25
    times = [row.time for row in rows if isinstance(row, ArchiveRow)]
    assert times == [
        datetime(2026, 11, 20) + i * timedelta(hours=1)  # noqa: DTZ001
        for i in range(25)
    ]
    first = rows[0]
    assert isinstance(first, ArchiveRow)
    assert first.intact
    assert [column.heading for column in first.columns][:4] == [
        "GONo",
        "AONo",
        "Time",
        "Vb",
    ]
    assert first.columns[7].unit == "°C"


async def test_an_archive_that_is_interrupted_goes_on_behind_its_last_row(
    plug_in: PlugIn,
) -> None:
    """The answer comes again from its beginning."""
    simulated = corrector()
    assert simulated.programming is not None
    simulated.programming.trouble.damaged = lambda number: 5 <= number <= 7
    plug_in(simulated)
    request = ArchiveRequest(archive=3, start="2026-11-20,00:00:00", rows=4)
    async with programming(PORT) as opened:
        rows = [row async for row in opened.archive(request)]
    numbers = [str(row.values[0]) for row in rows if isinstance(row, ArchiveRow)]
    assert numbers == [str(number) for number in range(323 * 24, 323 * 24 + 35)]


async def test_an_archive_that_loses_rows_meanwhile_is_an_error(
    plug_in: PlugIn,
) -> None:
    """Where the last row is not found again, nobody knows what is missing."""
    clock = [DEVICE_TIME]
    simulated = corrector()
    assert simulated.programming is not None
    corrected = simulated.programming.device
    assert isinstance(corrected, CorrectorDevice)
    corrected.now = lambda: clock[0]

    def damaged(number: int) -> bool:
        if number == 7:
            clock[0] -= timedelta(days=1)
        return 5 <= number <= 7

    simulated.programming.trouble.damaged = damaged
    plug_in(simulated)
    request = ArchiveRequest(archive=3, start="2026-11-20,12:00:00", rows=4)
    async with programming(PORT) as opened:
        with pytest.raises(TelegramError, match="overwritten"):
            await rows_in(opened, request)


async def rows_in(opened: Conversation, request: ArchiveRequest) -> int:
    """Return how many rows an archive has."""
    return len([row async for row in opened.archive(request)])


async def test_rows_that_are_refused_are_an_error(plug_in: PlugIn) -> None:
    """Unlike a range with nothing in it."""
    simulated = corrector()
    assert simulated.programming is not None
    simulated.programming.trouble.misunderstood = lambda number: number > 2
    plug_in(simulated)
    async with programming(PORT) as opened:
        with pytest.raises(CommandRefusedError, match="NAK"):
            await rows_in(opened, ArchiveRequest(archive=3))


async def test_an_archive_may_have_nothing_there(plug_in: PlugIn) -> None:
    """That is no error; an archive that is none is one."""
    plug_in(corrector())
    late = ArchiveRequest(archive=3, start="2027-01-01,00:00:00")
    async with programming(PORT) as opened:
        assert await rows_in(opened, late) == 0
        with pytest.raises(CommandRefusedError, match="#0100"):
            await anext(opened.archive(ArchiveRequest(archive=9)))


async def test_an_archive_that_stays_damaged_is_an_error(plug_in: PlugIn) -> None:
    """After three requests."""
    simulated = corrector()
    assert simulated.programming is not None
    simulated.programming.trouble.damaged = lambda number: number > 3
    plug_in(simulated)
    async with programming(PORT) as opened:
        with pytest.raises(ChecksumError):
            await rows_in(opened, ArchiveRequest(archive=3, rows=1))


# -- battery meters, lists, and what no norm knows ----------------------------


async def test_a_battery_meter_is_woken_slowly(plug_in: PlugIn) -> None:
    """In one message, and silence behind it."""
    simulated = meter(fault=Fault.WAKE_UP_WANTED)
    plug_in(simulated)
    async with programming(PORT, Settings(wake_up=66)) as opened:
        assert await opened.read("0.0.0")
    assert simulated.wake_ups == 1


@pytest.mark.parametrize("baud_rate", [300, 2400])
async def test_a_battery_meter_is_woken_fast(plug_in: PlugIn, baud_rate: int) -> None:
    """It answers between two bursts, and goes to sleep with B1."""
    simulated = meter(fault=Fault.BURSTS_WANTED)
    simulated.first_baud_rate = baud_rate
    simulated.__post_init__()
    link = plug_in(simulated)
    settings = Settings(fast_wake_up=True, baud_rate=baud_rate)
    async with programming(PORT, settings) as opened:
        assert await opened.read("0.0.0")
    assert simulated.wake_ups == 1
    assert link.sent[-1] == b"\x01B1\x03p"
    assert link.sent[:3] == [bytes(round(0.055 * baud_rate))] * 3


async def test_lists_of_a_manufacturer_are_asked_for_in_the_acknowledgement(
    plug_in: PlugIn,
) -> None:
    """Makel's meters have the outages under 9."""
    simulated = meter()
    simulated.options = {"9": b"C.7.0(3)\r\n"}
    link = plug_in(simulated)
    readout = await read_out(PORT, Settings(option="9"))
    assert readout.data_sets == (DataSet("C.7.0", "3"),)
    assert b"\x06059\r\n" in link.sent


async def test_anything_can_be_asked(plug_in: PlugIn) -> None:
    """What comes is returned as it is, up to the silence behind it."""
    link = plug_in(meter())
    answer = await ask(PORT, Settings(), b"/?!\r\n")
    assert answer.startswith(b"/ABC5METER\r\n\x020.0.0(12345678)")
    assert link.sent == [b"/?!\r\n"]
    with pytest.raises(MeterTimeoutError, match="answer"):
        await ask(PORT, Settings(), b"/?CTIME!")


async def test_a_sleeping_meter_is_woken_before_it_is_asked_anything(
    plug_in: PlugIn,
) -> None:
    """And parity is put on where it has to be."""
    fault = Fault.WAKE_UP_WANTED | Fault.PARITY_WANTED | Fault.ECHO
    simulated = meter(fault=fault)
    link = plug_in(simulated)
    settings = Settings(wake_up=66, software_parity=True, timeout=3)
    answer = await ask(PORT, settings, b"/?!" + LINE_END)
    assert answer.startswith(b"/?!\r\n/ABC5METER")
    assert link.sent[1] == add_parity(b"/?!\r\n")


async def test_what_does_not_end_is_no_answer(
    plug_in: PlugIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise on a line would otherwise be collected for ever."""
    plug_in(meter())
    monkeypatch.setattr(client, "MAX_READOUT", 20)
    with pytest.raises(TelegramError, match="20 bytes"):
        await ask(PORT, Settings(), b"/?!\r\n")
