"""The real DICOM files that pydicom brings, and how a file is read here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"


def reading(data: bytes) -> Callable[[int, int], bytes]:
    return lambda at, size: data[at : at + size]


def reading_file(name: str) -> Callable[[int, int], bytes]:
    return reading((FOLDER / name).read_bytes())
