"""A few values of a DICOM file, read from its header."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any, Self

from attrs import define

from fileset.dicom.elements import EXPLICIT_LITTLE, Element
from fileset.dicom.header import Reading, Wanted, WantedTags, read_header
from fileset.dicomdir.read.values import value_of
from fileset.file_id import FileId
from fileset.media.base import ReadableMedium
from fileset.media.system.walk import random_access
from fileset.standard import tags
from fileset.standard.dictionary import tag_of, vr_of

Opened = Callable[[], AbstractContextManager[Reading]]
"""Opens a file for random access."""


@define(slots=False)
class HeaderValues:
    """The values of a few top-level elements of a file, File Meta Information included."""

    raw: Mapping[int, bytes]

    @classmethod
    def read(cls, read: Reading, wanted: Wanted) -> Self:
        """Read the wanted values. Raises `HeaderError` if the file is not DICOM."""
        header = read_header(read, wanted)
        return cls({**header.meta, **header.values})

    @cached_property
    def character_set(self) -> str:
        """Specific Character Set (0008,0005)."""
        return self.raw.get(tags.SPECIFIC_CHARACTER_SET, b"").decode("ascii", "replace").strip(" \0")

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of a keyword (PS3.6), `default` if the file has no such element."""
        tag = tag_of(keyword)
        return default if tag is None else self.value(tag, default)

    def value(self, tag: int, default: Any = None) -> Any:
        """Decode the value of a tag, `default` if the file has no such element."""
        raw = self.raw.get(tag)
        if raw is None:
            return default
        element = Element(tag, vr_of(tag).encode("ascii"), 0, 0, len(raw), len(raw))
        return value_of(raw, element, EXPLICIT_LITTLE, self.character_set)


def wanted_tags(found: Iterable[int]) -> Wanted:
    """Return the argument of `HeaderValues.read` for these tags."""
    wanted = {tags.SPECIFIC_CHARACTER_SET, *(tag for tag in found if tag >> 16 >= 8)}
    return Wanted(WantedTags(frozenset(wanted), max(wanted)), {}, frozenset())


@contextmanager
def reading_of(medium: ReadableMedium, file_id: FileId) -> Iterator[Reading]:
    """Open a file of a medium for random access."""
    with medium.open(file_id) as file:
        yield random_access(file)[0]
