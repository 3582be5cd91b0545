"""Everything the protocol package can raise.

Callers branch on four questions, and each has one class: is the link gone
(`LinkError`), is the meter silent (`MeterTimeoutError`), did it say something
we cannot use (`TelegramError`), or did it say no (`MeterRefusedError`)?

Nothing else leaves the package because of what a meter sends: any other
exception is a bug in it.
"""


class IecError(Exception):
    """Base of all errors of this package; never raised itself."""


class LinkError(IecError):
    """The port cannot be used, or was lost on the way.

    The text names the port and the cause. Retry once the cause is removed: the
    cable, the gateway, the permission, or the program that holds the port.
    """


class UnsupportedSettingsError(LinkError):
    """The port is there, and its adapter refuses the speed or the framing.

    Other settings may work.
    """


class MeterTimeoutError(IecError):
    """The meter did not finish its answer in time.

    Worth one retry: optical heads lose the first sign-on to a sleeping meter
    often enough that a single silence says nothing.

    `waiting_for` names what stayed unanswered ("identification", "readout"),
    and `received` holds what had arrived by then, which for a badly aligned
    head is usually a few garbled bytes.
    """

    def __init__(self, waiting_for: str, received: bytes = b"") -> None:
        """Record which part of the conversation stayed unanswered."""
        super().__init__(
            f"the meter sent no complete {waiting_for} ({len(received)} bytes received)"
        )
        self.waiting_for = waiting_for
        self.received = received


class EchoOnlyError(MeterTimeoutError):
    """Only our own sign-on came back.

    The head or the two-wire loop works, and no meter is in front of it: put
    the head on the meter, or turn it.
    """

    def __init__(self, received: bytes) -> None:
        """Record the echo."""
        super().__init__("identification", received)
        self.args = ("only our own sign-on came back, no meter answered",)


class TelegramError(IecError):
    """What arrived is not a usable IEC 62056-21 telegram.

    One retry is worth it, since noise looks the same; if it stays, the baud
    rate, the framing or the kind of meter is wrong. `received` holds the bytes.
    """

    def __init__(self, problem: str, received: bytes = b"") -> None:
        """Record what is wrong and the bytes that show it."""
        super().__init__(problem)
        self.received = received


class ChecksumError(TelegramError):
    """The check does not match. Nothing in the telegram may be used."""


_READERS = {
    "SML": "Home Assistant reads it with the integration EDL21",
    "DSMR": "Home Assistant reads it with the integration DSMR Smart Meter",
    "DLMS": "it takes a reader for DLMS/COSEM",
}


class OtherProtocolError(TelegramError):
    """The meter speaks another protocol; the text says who reads it.

    Trying again is of no use. `protocol` is "SML", "DLMS" or "DSMR".
    """

    def __init__(self, protocol: str, received: bytes = b"") -> None:
        """Record which protocol it is."""
        super().__init__(
            f"the meter speaks {protocol}, not IEC 62056-21; {_READERS[protocol]}",
            received,
        )
        self.protocol = protocol


class MeterRefusedError(IecError):
    """The meter understood and said no: an error message or a sign-off.

    Repeating the same request does not help. `answer` is the meter's own text.
    """

    def __init__(self, answer: str) -> None:
        """Record the meter's own words."""
        super().__init__(f"the meter refused: {answer}")
        self.answer = answer


class CommandRefusedError(MeterRefusedError):
    """The meter does not do what it was told; programming mode goes on.

    `answer` is its error message ("ER01", "#0018"), "NAK" if it did not understand
    the command in any transmission, or "ACK" if that was all it had to say.
    """


class SessionEndedError(MeterRefusedError):
    """The meter has ended the session, by itself or because of what it was told.

    Where no password is missing, a new session goes on.
    """

    def __init__(self) -> None:
        """Record that it signed off."""
        super().__init__("it ended the session")


class PasswordRefusedError(MeterRefusedError):
    """The meter does not take the password. It is not sent again.

    Ask for another one. `answer` is what the meter said.
    """

    def __init__(self, answer: str) -> None:
        """Record the meter's own words."""
        super().__init__(answer)
        self.args = (f"the meter refused the password: {answer}",)


class PasswordSpentError(IecError):
    """The password was not sent, because the meter has not accepted it before.

    Meters lock up after a few wrong ones. Ask for another one, or for the same one
    once more: only a person may decide that.
    """

    def __init__(self) -> None:
        """Say what is not done."""
        super().__init__(
            "the password was sent before and not accepted; it is not sent again"
        )


class UnusablePasswordError(IecError):
    """The password is none that this meter can take; it was not sent.

    Ask for another one. The text says what is expected, never what was given.
    """
