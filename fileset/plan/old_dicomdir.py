"""Read the old DICOMDIR of a medium as far as possible; if it is unreadable, use an empty one with its File-set UID."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from attrs import evolve, frozen

from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.header import DESCRIPTOR_CHARACTER_SETS, Identification, new_frame, new_uid
from fileset.dicomdir.write.layout import Directory, encode
from fileset.errors import INDEX_AGAIN, FormatError, RefusedError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding, Where
from fileset.media.base import UpdatableMedium
from fileset.plan.dicomdir_file import read_dicomdir
from fileset.plan.secured import is_locked
from fileset.standard import tags

_UID: Final = re.compile(rb"\x02\x00\x03\x00UI.\x00([0-9.]{1,64})", re.DOTALL).search
_ID: Final = re.compile(rb"\x04\x00\x30\x11CS.\x00([A-Z0-9_]{0,16})", re.DOTALL).search
FileIsThere = Callable[[FileId], bool]
_CHANGED: Final = ("FS-SECURE-DIGEST", "FS-SECURE-SIGNATURE", "FS-SECURE-FORM")
"""Faults of an encrypted DICOMDIR that make it unreadable even with the right key."""
_NOT_ALLOWED: Final = re.compile(r"[^A-Z0-9_]")


@frozen
class State:
    """The contents of the DICOMDIR, empty if it is missing or cannot be read. `basis` is the basis of a `Plan`."""

    contents: Contents
    basis: bytes | None
    findings: tuple[Finding, ...] = ()

    @property
    def was_read(self) -> bool:
        """Whether there is a DICOMDIR that could be read."""
        return not self.findings


def read_state(medium: UpdatableMedium) -> State:
    """Read the DICOMDIR.

    Raises `RefusedError` if it has no Directory Information Module, `FormatError` if it is encrypted and no key opens it,
    `MediumError` if the medium fails.
    """
    try:
        found = read_dicomdir(medium) if medium.has_dicomdir() else None
    except FormatError as problem:
        if problem.rule not in _CHANGED:
            raise
        return evolve(_lost(b"", problem.reason), basis=None)  # the bytes of the old one cannot be compared
    data = found or b""
    try:
        contents = Contents(data)
    except FormatError as problem:
        if is_locked(problem):
            raise problem.moved(path=medium.name) from problem
        return _lost(data, problem.reason if found is not None else "there is no DICOMDIR")
    rules = {finding.rule for finding in contents.findings}
    if "FS-DIRECTORY-ABSENT" not in rules:
        return State(contents, data)
    if "FS-DICOMDIR-TRUNCATED" in rules:
        return _lost(data, "the DICOMDIR ends before its records")
    raise RefusedError(
        "the DICOMDIR has no Directory Information Module, and none may be added (PS3.4 I.3.3)",
        path=medium.name,
        advice=INDEX_AGAIN,
    )


def _lost(data: bytes, reason: str) -> State:
    finding = Finding("FS-DICOMDIR-LOST", f"{reason}: the records are made only from the files", Where(DICOMDIR.value))
    return State(_empty(data), data, (finding,))


def _empty(data: bytes) -> Contents:
    """Build a directory without records, with as much of its identification as the damaged bytes show."""
    uid, name = _UID(data), _ID(data)
    file_set_id = name[1].decode("ascii") if name else ""
    try:
        identification = Identification(uid[1].decode("ascii") if uid else "", file_set_id)
    except RuleError:
        identification = Identification(new_uid(), file_set_id)
    return Contents(b"".join(encode(Directory(new_frame(identification), []))))


def mended_identification(contents: Contents, is_there: FileIsThere) -> dict[int, bytes | None]:
    """Find the changes that make the File-set Identification legal (PS3.3 F.3.2.1, PS3.10 8.1)."""
    changes: dict[int, bytes | None] = {}
    try:
        Identification(contents.file_set_uid)
    except RuleError:
        changes[tags.MEDIA_STORAGE_SOP_INSTANCE_UID] = new_uid().encode("ascii")
    name = contents.file_set_id
    legal = _NOT_ALLOWED.sub("_", name.upper())[:16]
    if legal != name or tags.FILE_SET_ID not in contents.flat.top:
        changes[tags.FILE_SET_ID] = legal.encode("ascii")
    return changes | _mended_descriptor(contents, is_there)


def _mended_descriptor(contents: Contents, is_there: FileIsThere) -> dict[int, bytes | None]:
    name, character_set = contents.text(tags.DESCRIPTOR_FILE_ID), contents.text(tags.DESCRIPTOR_CHARACTER_SET)
    if not name and not character_set:
        return {}
    try:
        legal = FileId.tolerant(name).value.upper()
        FileId(legal)
    except (FormatError, RuleError):
        legal = ""
    if not legal or not is_there(FileId(legal)):
        return {tags.DESCRIPTOR_FILE_ID: None, tags.DESCRIPTOR_CHARACTER_SET: None}
    changes: dict[int, bytes | None] = {} if legal == name else {tags.DESCRIPTOR_FILE_ID: legal.encode("ascii")}
    if character_set and character_set not in DESCRIPTOR_CHARACTER_SETS:
        changes[tags.DESCRIPTOR_CHARACTER_SET] = None
    return changes
