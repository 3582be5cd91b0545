"""The client's side of programming mode, in modes A, B and C.

Rule 1: as in `session`, nothing here waits, opens or logs anything. That session
leads here as well: it wakes the meter, signs on and finds the speed.

Rule 2: what was asked is sent at most three times, in all. What may do harm twice
is sent again only when the meter says that it did not understand it; a password is
never sent again.

    OPENING ──► OPERAND ──► OPEN ──ask──► REACTING ──► ANSWER ──► OPEN
                                             ▲            │
                                             └──next block, repetition
    any of them ──B0 from the meter, sign-off──► ENDED

Answers belong to commands by their order: some come without an address, and others
with another one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from enum import Enum
from typing import Final

from .command_reader import AnswerReader
from .commands import (
    SIGN_OFF,
    SIGN_OFF_BATTERY,
    Answer,
    Command,
    Damaged,
    DataMessage,
    ErrorMessage,
    Operand,
    Receipt,
    SignOff,
    error_text,
)
from .concealing import conceal
from .const import REACTION_TIME_MIN
from .exceptions import (
    ChecksumError,
    CommandRefusedError,
    IecError,
    MeterRefusedError,
    MeterTimeoutError,
    SessionEndedError,
    TelegramError,
)
from .framing import MAX_NOISE, add_parity
from .messages import Identification
from .profiles import MeterProfile, profile_for
from .session import ReadoutSession, State as OpeningState
from .settings import Settings
from .steps import (
    BlockReceived,
    ClientStep,
    CommandDone,
    ProgrammingOpened,
    ProgrammingStep,
    ReadoutReceived,
    Send,
    SetBaudRate,
    StartTimer,
)
from .telegram import Check, Readout

MAX_TRANSMISSIONS: Final = 3
"""How often the same message is sent at most (clause 6.4.7, Figs. 21 to 23)."""

_IN_BLOCKS: Final = frozenset({"R3", "R4", "R6"})
"""Commands whose answers come in blocks."""


class State(Enum):
    """Where a session can be. Each name says what it waits for."""

    OPENING = "somebody in programming mode"
    OPERAND = "operand"
    OPEN = "command"
    REACTING = "time to send"
    ANSWER = "answer"
    ENDED = "nothing more"


class ProgrammingSession:
    """One session in programming mode, from sign-on to sign-off.

    It begins with `start`, and with `ProgrammingOpened` it is open for commands.
    Modes A and B send their readout first; nobody gets to see it. The other
    arguments are those of `ReadoutSession`.

    If any method raises something that is not an `IecError`, that is a bug.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        can_switch: bool = True,
        left_at: int | None = None,
    ) -> None:
        """Prepare a session; nothing is sent before `start`."""
        self.state = State.OPENING
        self._settings = settings
        self._opening = ReadoutSession(
            settings, can_switch=can_switch, left_at=left_at, programming=True
        )
        self._baud_rate = settings.first_baud_rate
        self._reader = AnswerReader(settings.check)
        self._commands: deque[Command] = deque()
        self._command = SIGN_OFF
        self._once = False
        self._outgoing = b""
        self._transmissions = 0
        self._blocks = 0
        self._final: BlockReceived | None = None
        self._noise = 0
        self.answered = False
        """Whether the meter has answered a command, whatever it said."""

    @property
    def identification(self) -> Identification | None:
        """Who answered. None: nobody has said yet."""
        return self._opening.identification

    @property
    def profile(self) -> MeterProfile:
        """How the meter departs from the norm."""
        return profile_for(self.identification)

    @property
    def baud_rate(self) -> int:
        """The speed of the line in baud."""
        return self._baud_rate

    @property
    def reaction_time(self) -> float:
        """Seconds that the meter needs before it hears again."""
        if self.identification is None:
            return REACTION_TIME_MIN
        return self.identification.reaction_time

    @property
    def learned(self) -> Settings:
        """The settings with what this session has found out about the link."""
        learned = self._opening.learned
        if self._reader.check in {Check.XOR, Check.SUM}:
            learned = replace(learned, check=self._reader.check)
        return learned

    def start(self) -> list[ProgrammingStep]:
        """Return the first steps: the sign-on, or the wake-up before it."""
        return self._from_opening(self._opening.start())

    def ask(self, *blocks: Command, once: bool = False) -> list[ProgrammingStep]:
        """Send a command, in several blocks where it is a long write.

        What was asked before is given up, which ends an answer in blocks. `once`
        says that nothing makes it be sent again, as with every password.

        The steps end with `CommandDone`, or with the `BlockReceived` that is the
        last of its answer. Until then `receive_data` and `handle_timeout` raise
        whatever happens instead.

        Raises:
            SessionEndedError: there is no session any more.

        """
        if self.state is State.ENDED:
            raise SessionEndedError
        self._commands = deque(blocks)
        self._once = once
        return self._begin_command()

    def sign_off(self) -> list[ProgrammingStep]:
        """End the session, wherever it is.

        A meter that has signed off itself, or never answered, hears nothing.
        """
        state, self.state = self.state, State.ENDED
        if state is State.OPENING:
            return self._from_opening(self._opening.leave())
        if state is State.ENDED:
            return []
        return [self._send(self._sign_off)]

    def receive_data(self, data: bytes) -> list[ProgrammingStep]:
        """Take what arrived, in pieces of any size, and return what follows.

        Raises:
            CommandRefusedError: the meter does not carry the command out.
            SessionEndedError: it has signed off.
            ChecksumError: its answer came damaged every time.
            TelegramError: what came is no answer, or nothing could be opened.
            MeterRefusedError: it does not open programming mode.

        """
        if self.state is State.OPENING:
            return self._from_opening(self._opening.receive_data(data))
        answers = self._reader.receive_data(data)
        steps: list[ProgrammingStep] = []
        try:
            for answer in answers:
                steps += self._take(answer)
        finally:
            if SignOff() in answers:
                self.state = State.ENDED
        if not answers:
            steps += self._be_patient(len(data))
        return steps

    def handle_timeout(self) -> list[ProgrammingStep]:
        """Go on after the time of the last `StartTimer` has passed.

        Raises:
            MeterTimeoutError: the meter does not answer.
            TelegramError: its answer broke off every time.
            SessionEndedError: the meter signed off in the middle of its answer.

        """
        steps: list[ProgrammingStep] = []
        match self.state:
            case State.OPENING:
                steps = self._from_opening(self._opening.handle_timeout())
            case State.OPERAND:
                received = self._reader.received
                steps = self._open_again(MeterTimeoutError("operand", received))
            case State.REACTING:
                steps = self._transmit()
            case State.ANSWER:
                steps = self._handle_silence()
            case State.ENDED:
                raise SessionEndedError
            case _:
                pass
        return steps

    # -- the way there --------------------------------------------------------

    def _from_opening(self, steps: list[ClientStep]) -> list[ProgrammingStep]:
        """Pass on the steps of the opening, and take over at its end."""
        self._baud_rate = self._opening.baud_rate
        passed: list[ProgrammingStep] = []
        for step in steps:
            if isinstance(step, ReadoutReceived):
                passed += self._open_behind(step.readout)
            else:
                passed.append(step)
        if self._opening.state is OpeningState.PROGRAMMING:
            self.state = State.OPERAND
            self._read_on()
            passed += [
                StartTimer(self._settings.timeout),
                *self.receive_data(self._opening.operand),
            ]
        return passed

    def _open_behind(self, readout: Readout) -> list[ProgrammingStep]:
        """Go on behind a readout, which in modes A and B comes first.

        Raises:
            MeterRefusedError: programming mode was asked for in place of it.

        """
        if readout.mode not in {"A", "B"}:
            words = error_text("".join(map(str, readout.data_sets)))
            raise MeterRefusedError(
                words or "it sent its readout instead of opening programming mode"
            )
        self.state = State.OPEN
        self._read_on()
        steps: list[ProgrammingStep] = []
        first = self._settings.first_baud_rate
        if self._baud_rate != first:
            # Commands go at the first speed (clause 6.4.2.1, Fig. 10).
            self._baud_rate = first
            steps.append(SetBaudRate(first))
        return [*steps, ProgrammingOpened("")]

    def _read_on(self) -> None:
        """Read answers in the way of the meter that has said who it is."""
        check = self._reader.check
        if check is Check.AUTO and self.profile.check is not Check.AUTO:
            check = self.profile.check
        if check is not Check.AUTO or self.profile.plain_errors:
            self._reader = AnswerReader(check, plain_errors=self.profile.plain_errors)

    def _open_again(self, error: IecError) -> list[ProgrammingStep]:
        """Sign off and on again, because the operand cannot be used."""
        self.state = State.OPENING
        steps: list[ProgrammingStep] = []
        if self._reader.check is Check.AUTO:
            # Nobody knows yet whether the meter wants the sum instead.
            steps.append(self._send(SIGN_OFF.to_bytes(Check.SUM)))
        return steps + self._from_opening(self._opening.begin_again(error))

    # -- what is sent ---------------------------------------------------------

    def _begin_command(self) -> list[ProgrammingStep]:
        self._command = self._commands.popleft()
        self._transmissions = 0
        self._blocks = 0
        self._final = None
        return self._prepare(self._command.to_bytes(self._check))

    def _prepare(self, message: bytes) -> list[ProgrammingStep]:
        """Send `message` once the meter is ready to hear it (tr)."""
        self._outgoing = message
        self._noise = 0
        self.state = State.REACTING
        return [StartTimer(self.reaction_time)]

    def _transmit(self) -> list[ProgrammingStep]:
        self._reader.sent(self._outgoing)
        send = self._send(self._outgoing)
        if self._final is not None:
            self.state = State.OPEN
            return [send, self._final]
        self._transmissions += 1
        self.state = State.ANSWER
        return [send, StartTimer(self._settings.timeout)]

    def _send(self, message: bytes) -> Send:
        return Send(add_parity(message) if self._opening.software_parity else message)

    @property
    def _check(self) -> Check:
        """The block check to send."""
        return Check.SUM if self._reader.check is Check.SUM else Check.XOR

    @property
    def _sign_off(self) -> bytes:
        command = SIGN_OFF_BATTERY if self._settings.fast_wake_up else SIGN_OFF
        return command.to_bytes(self._check)

    # -- what comes back ------------------------------------------------------

    def _be_patient(self, received: int) -> list[ProgrammingStep]:
        """Give an answer that has begun more time, and nothing to noise."""
        match self.state:
            case State.ANSWER | State.OPERAND if self._reader.received:
                limit = self._settings.character_timeout
                return [StartTimer(limit or self._settings.timeout)]
            case State.REACTING if received and self._noise <= MAX_NOISE:
                # A meter that is still sending hears nothing.
                self._noise += received
                return [StartTimer(self.reaction_time)]
            case _:
                return []

    def _take(self, answer: Answer) -> list[ProgrammingStep]:
        """Go on as one answer says."""
        match self.state:
            case State.OPERAND:
                return self._take_operand(answer)
            case State.ANSWER:
                return self._take_answer(answer)
            case _:
                # A message that comes twice, or nobody asked for.
                return self._be_patient(1)

    def _take_operand(self, answer: Answer) -> list[ProgrammingStep]:
        match answer:
            case Operand(seed):
                self.state = State.OPEN
                return [ProgrammingOpened(seed)]
            case Damaged(received):
                return self._open_again(
                    ChecksumError("the operand arrived damaged", received)
                )
            case SignOff():
                raise SessionEndedError
            case _:
                return []

    def _take_answer(self, answer: Answer) -> list[ProgrammingStep]:
        if isinstance(answer, Damaged):
            error = ChecksumError("the answer arrived damaged", answer.received)
            return self._repeat(Receipt.NAK.to_bytes(), error)
        self.answered = True
        match answer:
            case SignOff():
                raise SessionEndedError
            case ErrorMessage(text):
                self.state = State.OPEN
                raise CommandRefusedError(text)
            case DataMessage(text, last):
                return self._take_block(BlockReceived(text, last))
            case Receipt.ACK:
                return self._take_acknowledgement()
            case Receipt.NAK:
                message = self._outgoing
                if self._blocks == 0:
                    message = self._command.to_bytes(self._check)
                return self._repeat(message, CommandRefusedError("NAK"))
            case _:
                # The operand that opened the session, once more.
                return []

    def _take_block(self, block: BlockReceived) -> list[ProgrammingStep]:
        if self._command.name[0] in "PW":
            self.state = State.OPEN
            raise TelegramError(
                "data came where a command was to be acknowledged",
                block.text.encode("ascii"),
            )
        self._transmissions = 0
        self._blocks += 1
        if not block.last:
            return [block, *self._prepare(Receipt.ACK.to_bytes())]
        in_blocks = self._blocks > 1 or self._command.name in _IN_BLOCKS
        if in_blocks and self._settings.acknowledge_last_block:
            self._final = block
            return self._prepare(Receipt.ACK.to_bytes())
        self.state = State.OPEN
        return [block]

    def _take_acknowledgement(self) -> list[ProgrammingStep]:
        self.state = State.OPEN
        if self._command.name[0] == "R":
            # EMH's meters do that with commands that they do not know.
            raise CommandRefusedError("ACK")
        if self._commands:
            return self._begin_command()
        return [CommandDone()]

    def _handle_silence(self) -> list[ProgrammingStep]:
        # It may be the echo of a password.
        if received := conceal(self._reader.received):
            error = TelegramError("the answer broke off", received)
            return self._repeat(Receipt.NAK.to_bytes(), error)
        silent = MeterTimeoutError("answer")
        if self._command.name[0] == "R" and not self._blocks:
            # Twice is enough: a meter that has dropped the session stays silent. One
            # that does not know NAK hears the command once more.
            asked = self._outgoing != Receipt.NAK.to_bytes()
            limit = MAX_TRANSMISSIONS - asked
            return self._repeat(self._command.to_bytes(self._check), silent, limit)
        # The next block, or the one before it? Was it done, or not heard?
        self.state = State.OPEN
        raise silent

    def _repeat(
        self, message: bytes, error: IecError, limit: int = MAX_TRANSMISSIONS
    ) -> list[ProgrammingStep]:
        """Send `message` because of `error`, or give up with it."""
        once = self._once or self._command.name[0] == "P"
        if once or self._transmissions >= limit:
            self.state = State.OPEN
            raise error
        return self._prepare(message)
