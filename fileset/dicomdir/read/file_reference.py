"""The file that a directory record references, by its Referenced File ID (0004,1500)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from attrs import frozen

from fileset.dicom.character_sets import decode
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.file_id import MAX_COMPONENTS, SEPARATOR, FileId
from fileset.part10.values import shown
from fileset.standard import tags


@frozen
class FileReference:
    """A File ID as a DICOMDIR holds it: the bytes of a value, legal or not (PS3.10 8.2)."""

    value: bytes

    @classmethod
    def of(cls, flat: FlatDirectory, index: int) -> Self | None:
        """Read the reference of a record, None without one."""
        return next(cls.all_of(flat, index), None)

    @classmethod
    def all_of(cls, flat: FlatDirectory, index: int) -> Iterator[Self]:
        """Yield the references of a record, which must have one at most. A file that any of them names is in use."""
        for part in flat.elements(index):
            if part.tag == tags.REFERENCED_FILE_ID:
                yield cls(flat.data[part.value_at : part.value_end])

    @property
    def file_id(self) -> FileId:
        """The File ID, read tolerantly. Raises `FormatError` for one that could lead out of the file-set."""
        return FileId.tolerant(self.text)

    @property
    def text(self) -> str:
        """The value as text."""
        return decode(self.value)

    @property
    def path(self) -> str:
        """The path in upper case, also of a hostile File ID, for comparison with names on a medium."""
        return "/".join(component.strip(" \0") for component in self.text.upper().split(SEPARATOR))

    @property
    def fault(self) -> str:
        """The reason why this is not a File ID (PS3.10 8.2), "" if it is one. Raises `FormatError` as `file_id`."""
        file_id = self.file_id
        parts = [part.strip(b" \0") for part in self.value.split(b"\\")]
        if b"/" in self.value or b"" in parts or b"." in parts:
            return f"{shown(self.value)} is not a File ID: components are separated by one backslash each"
        if file_id.conformant:
            return ""
        count = len(file_id.components)
        if count > MAX_COMPONENTS:
            return f"{file_id.path!a} is not a File ID: it has {count} components, {MAX_COMPONENTS} are allowed"
        return f"{file_id.path!a} is not a File ID: components are 1 to 8 of A-Z, 0-9 and _"
