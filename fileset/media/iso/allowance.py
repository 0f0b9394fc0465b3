"""Limit the total size of the files of an image, against directories that reference the same bytes again and again."""

from __future__ import annotations

from threading import Lock
from typing import Final

from fileset.errors import FormatError
from fileset.media.image.names import Entry

SMALL_IMAGE: Final = 1 << 30
"""Total size in bytes that the files of any image may have, however small the image is."""


class OverlapAllowance:
    """The limit for the total size of the opened files of an image of `size` bytes: in a sound image no files overlap.

    Several names for one file, on the same extents, are allowed: up to twenty for each, or `SMALL_IMAGE` bytes in all.
    """

    def __init__(self, size: int) -> None:
        self._distinct = size
        self._named = max(SMALL_IMAGE, 20 * size)
        # Hashes instead of the values: an image may have a million files.
        self._names: set[int] = set()
        self._places: set[int] = set()
        self._lock = Lock()

    def spend(self, path: str, entry: Entry) -> None:
        """Raise `FormatError` if an opened file must overlap others, because the total exceeds the image."""
        name, place, size = hash(path), hash(entry.extents), entry.size
        with self._lock:
            if name in self._names:
                return
            new = 0 if place in self._places else size
            if new > self._distinct or size > self._named:
                raise FormatError("the files of the image overlap: together they are larger than the image; not read")
            self._names.add(name)
            self._places.add(place)
            self._distinct -= new
            self._named -= size
