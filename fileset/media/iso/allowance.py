"""A limit for the bytes that the files of an image have together, against directories that lead to the same bytes again and again."""

from __future__ import annotations

from threading import Lock
from typing import Final

from fileset.errors import FormatError
from fileset.media.image.names import Entry, Extents

SMALL_IMAGE: Final = 1 << 30
"""Bytes that the files of an image may have together, however small it is."""


class OverlapAllowance:
    """How many bytes the opened files of an image of `size` bytes may have together: in a sound image no two overlap.

    Names of one file, on the same extents, are allowed: up to twenty for each, or `SMALL_IMAGE` bytes in all.
    """

    def __init__(self, size: int) -> None:
        self._distinct = size
        self._named = max(SMALL_IMAGE, 20 * size)
        self._names: set[str] = set()
        self._places: set[Extents] = set()
        self._lock = Lock()

    def spend(self, path: str, entry: Entry) -> None:
        """Raise `FormatError` if a file that is opened can only overlap others."""
        with self._lock:
            if path in self._names:
                return
            size = entry.size
            new = 0 if entry.extents in self._places else size
            if new > self._distinct or size > self._named:
                raise FormatError("the files of the image overlap: together they are larger than the image; not read")
            self._names.add(path)
            self._places.add(entry.extents)
            self._distinct -= new
            self._named -= size
