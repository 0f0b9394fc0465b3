"""File IDs: the names of the files of a file-set, PS3.10 8.2 and 8.5.

A File ID is data, not a path: one to eight components of one to eight characters of A-Z, 0-9 and _.
`FileId` is the only name that crosses into `media`, and cannot lead out of a file-set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from attrs import field, frozen

from fileset.errors import FormatError, RuleError

SEPARATOR: Final = "\\"
"""Separates components: the value delimiter of the CS attribute (0004,1500), PS3.10 8.2 note 3."""

MAX_COMPONENTS: Final = 8
MAX_LENGTH: Final = 8
"""Components of a File ID, and characters of a component, PS3.10 8.2."""

MAX_READ_COMPONENTS: Final = 64
MAX_READ_LENGTH: Final = 255
"""Limits of reading only: far more than any real disc has, no more than any file system takes in one name."""

_PATTERN: Final = rf"[A-Z0-9_]{{1,{MAX_LENGTH}}}"
_COMPONENT: Final = re.compile(_PATTERN).fullmatch
is_path: Final = re.compile(r"[A-Z0-9_]{1,8}(?:/[A-Z0-9_]{1,8}){0,7}").fullmatch
"""Quick test whether a path with "/" between its components is a File ID."""
_FILE_ID: Final = re.compile(rf"{_PATTERN}(?:\\{_PATTERN}){{0,{MAX_COMPONENTS - 1}}}").fullmatch
_PADDING: Final = " \0"
_LEADING: Final = re.compile(r"(?:\.\\)+|\\").match
"""What some writers put before a File ID: the folder itself, or the root."""

# Forbidden in a component, though we read almost anything. Nothing but dots and spaces means "here",
# "above" or nothing on one system or another; a colon names a drive or a stream. Surrogates outside U+DC80..DCFF
# (the bytes of an undecodable name) are no text, and no system takes them in a name.
_HOSTILE: Final = re.compile(r"[. ]*\Z|.*[\x00-\x1f\x7f-\x9f:\ud800-\udc7f\udd00-\udfff]", re.DOTALL).match
_UNDECODED: Final = re.compile(r"[\udc80-\udcff]").search


def is_component(text: str) -> bool:
    """Return whether `text` is a legal File ID Component, PS3.10 8.2 and 8.5."""
    return _COMPONENT(text) is not None


def folders_above(path: str, separator: str = SEPARATOR) -> Iterator[str]:
    """Yield the folders that a path is in, the innermost first."""
    while separator in path:
        path = path.rpartition(separator)[0]
        yield path


class SupportsPosix(Protocol):
    """A `pathlib` path of any kind. A protocol, since this room knows no file system."""

    def as_posix(self) -> str:
        """Return the path with "/" between its components."""


def _check(_file_id: FileId, _field: object, value: str) -> None:
    if _FILE_ID(value) is None:
        raise _illegal(tuple(value.split(SEPARATOR)))


@frozen(order=True, weakref_slot=False)
class FileId:
    r"""A File ID, such as ``FileId(r"DICOM\IM000001")``.

    `value` is the components joined by a backslash, as a directory record holds them. Construction is strict and
    raises `RuleError`; only `FileId.tolerant`, for names from a medium, makes one that is not `conformant`.
    """

    value: str = field(validator=_check)

    @classmethod
    def of(cls, *components: str) -> FileId:
        """Join components; `RuleError` if they do not make a File ID."""
        value = SEPARATOR.join(components)
        if value.count(SEPARATOR) != len(components) - 1:
            raise _illegal(components)
        return cls(value)

    @classmethod
    def from_path(cls, path: str | SupportsPosix) -> FileId:
        """Make a File ID of a path relative to the root of the file-set, "/" between its components.

        Raises `RuleError` if the path is absolute or empty, holds "." or "..", or any name that the Standard
        does not allow.
        """
        return cls.of(*(path if isinstance(path, str) else path.as_posix()).split("/"))

    @classmethod
    def tolerant(cls, value: str) -> FileId:
        """Read the File ID of a directory record, legal or not, as long as it cannot do harm.

        Padding is stripped, "/" separates too, and one separator at the start or end and "." at the start are dropped. Raises
        `FormatError` for a name that could lead out of the file-set or upset a file system: with a component that is empty
        or made of dots, control characters, a colon, more than 64 components, or a component of more than 255 characters.
        """
        stripped = value.strip(_PADDING)
        if _FILE_ID(stripped) is not None:
            return _unchecked(stripped)
        components = _components(stripped)
        if fault := _fault(components):
            raise _hostile(value, fault)
        return _unchecked(SEPARATOR.join(components))

    @property
    def components(self) -> tuple[str, ...]:
        """The File ID Components, in order."""
        return tuple(self.value.split(SEPARATOR))

    @property
    def path(self) -> str:
        """The components joined by "/": for people, URLs and archives."""
        return self.value.replace(SEPARATOR, "/")

    @property
    def name(self) -> str:
        """The last component."""
        return self.value.rpartition(SEPARATOR)[2]

    @property
    def conformant(self) -> bool:
        """Whether this is a File ID by PS3.10 8.2 and 8.5; false only for a name read tolerantly."""
        return _FILE_ID(self.value) is not None

    def text(self) -> str:
        """Return the path for a medium that stores names as text. Raises `RuleError` for one with bytes that are no UTF-8."""
        if _UNDECODED(self.value):
            raise RuleError(
                "its name is not text in UTF-8, and only a folder can hold it", path=self, advice="Rename the file"
            )
        return self.path

    def __str__(self) -> str:
        return self.path


def harm_of(name: str) -> str:
    """Return the reason why a file of this name on a medium is not opened, "" if it can be: `FileId.tolerant` accepts it."""
    fault = _fault(_components(name.strip(_PADDING)))
    return f"a name that can do harm: {fault}" if fault else ""


def _components(stripped: str) -> list[str]:
    """Split a name that may not be a legal File ID."""
    whole = stripped.replace("/", SEPARATOR).removesuffix(SEPARATOR)
    leading = _LEADING(whole)
    whole = whole[leading.end() :] if leading else whole
    return [part.strip(_PADDING) for part in whole.split(SEPARATOR, MAX_READ_COMPONENTS)]


def _fault(components: Sequence[str]) -> str:
    """Find the reason why components cannot be followed safely, "" if they can."""
    if len(components) > MAX_READ_COMPONENTS:
        return f"it has more than {MAX_READ_COMPONENTS} components"
    for component in components:
        if len(component) > MAX_READ_LENGTH:
            return f"a component is longer than {MAX_READ_LENGTH} characters"
        if _HOSTILE(component):
            return f"the component {component!r} names no file"
    return ""


def _unchecked(value: str) -> FileId:
    file_id = object.__new__(FileId)
    object.__setattr__(file_id, "value", value)
    return file_id


def _illegal(components: tuple[str, ...]) -> RuleError:
    offenders = [part for part in components if not is_component(part)]
    fault = repr(offenders[0]) if offenders else f"its {len(components)} components"
    because = "" if len(components) == 1 else f" because of {fault}"
    rule = f"each component has 1 to {MAX_LENGTH} of A-Z, 0-9 and _" if offenders else f"it has 1 to {MAX_COMPONENTS}"
    return RuleError(
        f"{SEPARATOR.join(components)!r} is not a File ID{because}: {rule} (PS3.10 8.2, 8.5)",
        advice="Rename the file, or copy it with `fileset create`, which gives legal names",
    )


def _hostile(value: str, fault: str) -> FormatError:
    shown = value if len(value) <= MAX_READ_LENGTH else value[:MAX_READ_LENGTH] + "..."
    return FormatError(
        f"the File ID {shown!r} cannot be followed: {fault} (PS3.10 8.2)",
        advice="The file of the record stays unread; look for it on the medium by hand",
    )


DICOMDIR: Final = FileId("DICOMDIR")
"""The reserved File ID of the directory itself, PS3.10 8.6."""
