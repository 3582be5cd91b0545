"""Every capture of real meters decodes, with the checks that it carries.

The captures stay in the capture collection, outside this project; nothing of
their text is repeated here.
"""

import csv
from pathlib import Path

import pytest

from iec21 import Check, DamagedCaptureError, Readout, decode
from tests.corpus import CORPUS, needs_corpus

READOUTS = {"readout", "notation", "hex"}


def rows() -> list[dict[str, str]]:
    """Return the index of the collection, nothing where it is absent."""
    index = CORPUS / "INDEX.tsv"
    if not index.exists():
        return []
    with index.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def read(path: Path) -> tuple[Readout, bool]:
    """Decode a capture; the second value says whether its check is right."""
    try:
        return decode(path.read_bytes()), True
    except DamagedCaptureError as error:
        return error.readout, False


@needs_corpus
def test_the_corpus_is_there() -> None:
    """A folder that is silently empty would test nothing."""
    assert len(rows()) > 80


@needs_corpus
@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id=row["file"]) for row in rows() if row["kind"] in READOUTS],
)
def test_every_readout_decodes(row: dict[str, str]) -> None:
    """With the number of data sets and the check verdict of the index."""
    readout, right = read(CORPUS / row["file"])
    if row["data_sets"]:
        assert len(readout.data_sets) == int(row["data_sets"])
    match row["check"].split():
        case ["none"]:
            # The collection's index counts a CRC of three digits as none.
            assert right
            assert readout.check is Check.NONE or row["file"].startswith("NWA")
        case [check, verdict]:
            assert right is (verdict == "ok")
            assert readout.check == (check if right else Check.NONE)
        case verdict:
            raise AssertionError(verdict)


@needs_corpus
@pytest.mark.parametrize(
    "name", [row["file"] for row in rows() if row["check"] in {"xor ok", "crc16 ok"}]
)
@pytest.mark.parametrize("position", [0.2, 0.4, 0.6, 0.8])
def test_a_changed_character_never_goes_unnoticed(name: str, position: float) -> None:
    """One digit of a checked readout is enough to refuse it."""
    data = bytearray((CORPUS / name).read_bytes())
    digits = [i for i, byte in enumerate(data) if chr(byte).isdigit() and i > 40]
    index = digits[int(len(digits) * position)]
    data[index] ^= 1
    with pytest.raises(DamagedCaptureError):
        decode(bytes(data))
