"""Decode the same telegrams with this project and with its Python peers.

Like is compared with like. Of a whole telegram, all begin with its bytes, and frame
and check are found and verified too. A peer that knows only data lines, because the
telegram has no frame, because it cannot verify its CRC or because it looks for
neither sender nor CRC, is compared on the lines alone, which all get as text, cut out
beforehand. A peer takes part where it finds every data set.

All take turns within every round, so that a busy machine hurts all alike, and
the medians of many rounds are compared. Only the time that this process has the
processor counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
import csv
from dataclasses import dataclass, field, replace
from functools import partial
import gc
from importlib import import_module
from importlib.metadata import version
import logging
import os
from pathlib import Path
from statistics import geometric_mean, median
from time import process_time
from typing import Any, Final

from iec21 import Check, DataSet, IecError, Readout, decode
from iec21.capture import normalise
from iec21.framing import frame
from iec21.reading import Reading, interpret
from iec21.simulator.sample import read_sample
from iec21.telegram import BadLine, parse_data_lines

SAMPLE: Final = "iskra_mt174"

CORPUS: Final = Path(
    os.environ.get("IEC21_CORPUS") or Path(__file__).parents[2] / "shared" / "telegrams"
)
"""Folder with real captures and their INDEX.tsv; absent on most machines."""

MEANING_LIMIT: Final = 3.0
"""Decoding with meaning over the data sets of the fastest peer."""

ROUND_TIME: Final = 0.002
"""Seconds that a turn takes at least, so that the clock is exact enough."""

DSMR_HEADER: Final = "P1_MESSAGE_HEADER"
"""Under which dsmr-parser keeps the identification."""

OURS: Final = "iec21"
OURS_WITH_MEANING: Final = "iec21 + meaning"

type Job = Callable[[], object]


@dataclass(slots=True)
class Case:
    """One telegram and all who decode it."""

    name: str
    scope: str
    """"telegram" or "lines"."""

    data_sets: int
    jobs: dict[str, Job]
    times: dict[str, float] = field(default_factory=dict)
    """Median in seconds by name."""

    @property
    def peers(self) -> dict[str, float]:
        """The times of the others."""
        return {
            name: seconds
            for name, seconds in self.times.items()
            if name not in {OURS, OURS_WITH_MEANING}
        }

    @property
    def ratio(self) -> float:
        """Time for the data sets over that of the fastest peer."""
        return self.times[OURS] / min(self.peers.values())

    @property
    def ratio_with_meaning(self) -> float:
        """Time with meaning over the fastest peer's without."""
        return self.times[OURS_WITH_MEANING] / min(self.peers.values())


def bench_decode(rounds: int) -> bool:
    """Compare on every telegram; return whether both targets are met."""
    # Peers say much about telegrams that they do not understand.
    logging.disable()
    peers = ", ".join(f"{name} {version(name)}" for name in TELEGRAM_PEERS)
    cases = [case for name, data in telegrams() for case in make_cases(name, data)]
    for case in cases:
        measure(case, rounds)
    print_table(cases)
    print(f"\n{len(cases)} comparisons, {rounds} rounds; {peers}")
    if not CORPUS.is_dir():
        print(f"The capture collection is not at {CORPUS}; IEC21_CORPUS may name it.")
    return print_verdict(cases)


# -- telegrams ----------------------------------------------------------------


def telegrams() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of the sample and of every capture."""
    yield f"sample {SAMPLE}", read_sample(SAMPLE)
    index = CORPUS / "INDEX.tsv"
    if index.exists():
        with index.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if row["kind"] == "readout":
                    yield row["file"], (CORPUS / row["file"]).read_bytes()


def make_cases(name: str, data: bytes) -> Iterator[Case]:
    """Find out who decodes a telegram, or its lines; yield what can be compared."""
    telegram = normalise(data)
    try:
        readout = decode(telegram)
    except IecError:
        return
    text = readout.raw.decode("ascii")

    def lines() -> list[DataSet | BadLine]:
        return list(parse_data_lines(text))

    def lines_with_meaning() -> tuple[Reading, ...]:
        found = tuple(item for item in lines() if isinstance(item, DataSet))
        # Meaning needs to know who sent the lines, which only a readout says.
        return interpret(replace(readout, data_sets=found))

    scopes: tuple[tuple[str, Job, Job, dict[str, Prepare]], ...] = (
        (
            "telegram",
            lambda: decode(telegram),
            lambda: interpret(decode(telegram)),
            TELEGRAM_PEERS,
        ),
        ("lines", lines, lines_with_meaning, LINE_PEERS),
    )
    for scope, data_sets, meaning, peers in scopes:
        found = {peer: job(telegram, readout) for peer, job in peers.items()}
        jobs: dict[str, Job] = {OURS: data_sets, OURS_WITH_MEANING: meaning}
        jobs.update((peer, job) for peer, job in found.items() if job is not None)
        if len(jobs) > 2:
            yield Case(name, scope, len(readout.data_sets), jobs)


# -- peers --------------------------------------------------------------------


def message_by_iec62056_21(_telegram: bytes, readout: Readout) -> Job | None:
    """Let it decode the messages of a readout, cut apart as its client does it."""
    messages = import_module("iec62056_21.messages")
    if readout.check is not Check.XOR:
        return None
    identification = readout.identification
    line = identification.to_bytes() if identification else b""
    message = frame(readout.raw)

    def job() -> Any:
        if line:
            messages.IdentificationMessage.from_bytes(line)
        return messages.ReadoutDataMessage.from_bytes(message).data_block

    return job if same_data_sets(job, readout) else None


def lines_by_iec62056_21(_telegram: bytes, readout: Readout) -> Job | None:
    """Let it decode data lines without frame."""
    messages = import_module("iec62056_21.messages")
    if readout.check is Check.XOR:
        return None
    block = readout.raw.decode("latin-1")

    def job() -> Any:
        return messages.DataBlock.from_representation(block)

    return job if same_data_sets(job, readout) else None


def same_data_sets(job: Callable[[], Any], readout: Readout) -> bool:
    """Return whether iec62056-21 finds the data sets that we find."""

    def found() -> list[DataSet]:
        sets = [item for line in job().data_lines for item in line.data_sets]
        return [DataSet(item.address or "", item.value, item.unit) for item in sets]

    return attempt(found) == list(readout.data_sets)


def telegram_by_iec62056(telegram: bytes, readout: Readout) -> Job | None:
    """Let it decode a whole telegram; it refuses what it does not know."""
    parser = import_module("iec62056.parser").Parser()
    job = parsing(parser, with_line_ends(telegram))
    found = attempt(job)
    whole = found is not None and len(found.objects) == registers(readout)
    return job if whole else None


def telegram_by_dsmr_parser(telegram: bytes, readout: Readout) -> Job | None:
    """Let it decode a telegram by a specification that knows more than its lines."""
    data = with_line_ends(telegram)
    for parser in dsmr_parsers():
        job = parsing(parser, data)
        found = attempt(job)
        if found is None or objects(found) < registers(readout):
            continue
        if parser.telegram_specification["checksum_support"] or hasattr(
            found, DSMR_HEADER
        ):
            return job
    return None


def lines_by_dsmr_parser(telegram: bytes, readout: Readout) -> Job | None:
    """Let it decode data lines, where no specification knows the telegram."""
    if telegram_by_dsmr_parser(telegram, readout) is not None:
        return None
    text = with_line_ends(readout.raw).decode("latin-1")
    for parser in dsmr_parsers():
        job = partial(parser.parse, text)
        found = attempt(job)
        if found is not None and objects(found) >= registers(readout):
            return job
    return None


def dsmr_parsers() -> Iterator[Any]:
    """Yield a parser of dsmr-parser for each specification that it has."""
    specifications = import_module("dsmr_parser.telegram_specifications")
    parsers = import_module("dsmr_parser.parsers")
    for name in dir(specifications):
        specification = getattr(specifications, name)
        if isinstance(specification, dict) and "objects" in specification:
            yield parsers.TelegramParser(specification)


def parsing(parser: Any, data: bytes) -> Callable[[], Any]:
    """Return the job of parsing `data`, for a parser that wants text."""
    return lambda: parser.parse(data.decode("latin-1"))


def objects(telegram: Any) -> int:
    """Return how many lines of data a telegram of dsmr-parser has understood.

    It drops what its specification does not name.
    """
    count = 0
    for name, item in telegram:
        if name == "MBUS_DEVICES":
            count += sum(len(list(device)) for device in item)
        elif name != DSMR_HEADER:
            count += 1
    return count


def registers(readout: Readout) -> int:
    """Return how many addresses a readout has; values may share one."""
    return sum(bool(item.address) for item in readout.data_sets)


def with_line_ends(telegram: bytes) -> bytes:
    """Return a telegram as the peers want it: with CR LF."""
    return telegram.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def attempt[T](job: Callable[[], T]) -> T | None:
    """Return what a peer makes of a telegram; None if it raises, whatever it is."""
    try:
        return job()
    except Exception:  # noqa: BLE001  # Peers raise everything there is.
        return None


type Prepare = Callable[[bytes, Readout], Job | None]

TELEGRAM_PEERS: Final[dict[str, Prepare]] = {
    "iec62056-21": message_by_iec62056_21,
    "iec62056": telegram_by_iec62056,
    "dsmr-parser": telegram_by_dsmr_parser,
}
LINE_PEERS: Final[dict[str, Prepare]] = {
    "iec62056-21": lines_by_iec62056_21,
    "dsmr-parser": lines_by_dsmr_parser,
}


# -- measuring ----------------------------------------------------------------


def measure(case: Case, rounds: int) -> None:
    """Let all take turns, and keep the median of each."""
    repeats: dict[str, int] = {}
    for name, job in case.jobs.items():
        job()
        repeats[name] = max(1, int(ROUND_TIME / turn(job, 1)))
    seconds: dict[str, list[float]] = {name: [] for name in case.jobs}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, job in case.jobs.items():
                seconds[name].append(turn(job, repeats[name]))
    finally:
        gc.enable()
    case.times = {name: median(values) for name, values in seconds.items()}


def turn(job: Job, repeats: int) -> float:
    """Return the seconds that one call takes."""
    started = process_time()
    for _ in range(repeats):
        job()
    return (process_time() - started) / repeats


# -- telling ------------------------------------------------------------------


def print_table(cases: list[Case]) -> None:
    """Print the medians in microseconds, and how we compare with the fastest peer."""
    names = (OURS, OURS_WITH_MEANING, *TELEGRAM_PEERS)
    head = "".join(f"{name:>16}" for name in names)
    print(f"{'telegram':34}{'scope':9}{'sets':>5}{head}{'ratio':>8}{'meaning':>9}")
    for case in cases:
        times = "".join(
            f"{case.times[name] * 1e6:13.0f} µs" if name in case.times else f"{'–':>16}"
            for name in names
        )
        print(
            f"{case.name[:33]:34}{case.scope:9}{case.data_sets:5}{times}"
            f"{case.ratio:8.2f}{case.ratio_with_meaning:9.2f}"
        )


def print_verdict(cases: list[Case]) -> bool:
    """Say whether the targets are met; they are for the sample, the first case."""
    met = True
    for what, limit, ratios in (
        ("data sets", 1.0, [case.ratio for case in cases]),
        ("with meaning", MEANING_LIMIT, [case.ratio_with_meaning for case in cases]),
    ):
        met = met and ratios[0] <= limit
        verdict = "met" if ratios[0] <= limit else "MISSED"
        within = sum(ratio <= limit for ratio in ratios)
        print(
            f"{what}: {ratios[0]:.2f} × the fastest peer on the sample, at most"
            f" {limit} wanted: {verdict}; within it on {within} of {len(ratios)},"
            f" {geometric_mean(ratios):.2f} on average"
        )
    return met
