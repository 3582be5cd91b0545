"""Where the capture collection is."""

import os
from pathlib import Path

import pytest

CORPUS = Path(
    os.environ.get("IEC21_CORPUS") or Path(__file__).parents[2] / "shared" / "telegrams"
)
"""Folder with real captures and their INDEX.tsv; absent on most machines."""

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(),
    reason=f"the capture collection is not at {CORPUS}; IEC21_CORPUS may name it",
)
"""Skips a test where the collection is absent."""
