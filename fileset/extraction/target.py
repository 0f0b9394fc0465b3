"""The folder for the copies. Nothing outside of it is written, and no existing file is overwritten.

A file gets its name only when it is complete and reads back correctly. So a second run copies only the missing files.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import BinaryIO, Final

from fileset.errors import MediumError, RefusedError
from fileset.extraction.layout import PathTemplate
from fileset.extraction.names import (
    LONGEST,
    LONGEST_PATH,
    SHORTEST,
    ending_of,
    fitted,
    hashed_name,
    safe_name,
)
from fileset.extraction.report import Copy
from fileset.media.open import file_set_around
from fileset.media.system.calls import system
from fileset.media.system.files import blamed_on, real_path, restricted
from fileset.media.system.hashing import COPY_SIZE
from fileset.media.system.walk import is_part, leads_out, open_regular, place_below
from fileset.plan.instances import InstanceRecord

Source = Callable[[], Iterator[bytes]]
"""Returns the chunks of a file; may be called several times."""

_writing = partial(blamed_on, advice=". The copies stay; run it again")

_SAME: Final = "same"
_PART: Final = "part"
_OTHER: Final = "other"


def refuse_inside(folder: str, medium: str) -> None:
    """Raise `RefusedError` for a folder in a file-set: it may hold only DICOM files with a record (PS3.3 F.2.1).

    The folder may not be in `medium` either, the path of the files that are copied, "" if it is unknown.
    """
    inner, outer = real_path(folder), real_path(medium) if medium else ""
    is_within = os.path.isdir(outer) and place_below(inner, outer) is not None
    if around := outer if is_within else file_set_around(folder):
        reason = "is a file-set itself" if inner == around else f"is inside the file-set {around}"
        raise RefusedError(reason, path=folder, advice="Choose another folder")


class Target:
    """The folder `root`, made if it does not exist; `layout` names its files.

    With `ascii_only`, names have only ASCII characters. `shortened` counts the paths that were too long.
    """

    def __init__(self, root: str, layout: PathTemplate, *, ascii_only: bool = False) -> None:
        self.root = root
        self.shortened = 0
        self.layout = layout
        self._longest = LONGEST_PATH if layout.keeps_names else LONGEST
        self._ascii = ascii_only
        self._made: set[str] = set()
        self._owners: dict[str, str] = {}
        with _writing(root):
            os.makedirs(root, exist_ok=True)
        _sweep(root)

    def require_space(self, sizes: Callable[[], Iterator[int]]) -> None:
        """Raise `MediumError` if files of these sizes, in bytes, do not fit beside the existing ones."""
        missing = sum(sizes()) - shutil.disk_usage(self.root).free
        if missing > 0 and missing > _size_of(self.root):  # an earlier run may have copied some of them
            raise MediumError(
                f"{missing:,} bytes more are needed than are free; nothing was copied",
                path=self.root,
                advice="Free some space, or choose another folder",
            )

    def path(self, record: InstanceRecord) -> str:
        """Choose the path for the file of a record, and make the folders of it."""
        folder, cut = self.root, False
        texts = list(self.layout.folder_names(record))
        room = self._room(texts)
        for text in texts:
            folder, shorter = self._folder(folder, text, room)
            cut |= shorter
        text = self.layout.file_name(record)
        ending = ending_of(text) if self.layout.keeps_names else ""
        whole = safe_name(text, ascii_only=self._ascii, longest=self._longest, ending=ending)
        left = LONGEST_PATH - len(os.path.abspath(folder)) - 1 - len(self.layout.suffix)
        name = fitted(whole, text, left, ending)
        self.shortened += cut or name != whole
        return os.path.join(folder, name + self.layout.suffix)

    def _room(self, texts: Sequence[str]) -> int:
        """Compute the largest length of each folder name, so that the whole path with a UID as file name is short enough."""
        sizes = [len(safe_name(text, ascii_only=self._ascii, longest=self._longest)) + 1 for text in texts]
        left = LONGEST_PATH - len(os.path.abspath(self.root)) - 1 - LONGEST - len(self.layout.suffix)
        room = self._longest
        while sum(sizes) > left and room > SHORTEST:
            room -= 4
            sizes = [min(size, room + 1) for size in sizes]
        return room

    def _folder(self, parent: str, text: str, room: int) -> tuple[str, bool]:
        whole = safe_name(text, ascii_only=self._ascii, longest=self._longest)
        name = fitted(whole, text, room)
        path = os.path.join(parent, name)
        # Two values may differ in case alone, or in characters that no file name has.
        if self._owners.setdefault(path.casefold(), text) != text:
            hashed = hashed_name(text, ascii_only=self._ascii, longest=self._longest)
            path = os.path.join(parent, fitted(hashed, text, room))
        if path not in self._made:
            self._make(path)
            self._made.add(path)
        return path, name != whole

    def _make(self, path: str) -> None:
        with _writing(path):
            try:
                os.mkdir(path)
            except FileExistsError:
                _sweep(path)
        if leads_out(path, self.root):
            raise RefusedError(f"a symbolic link leads out of {self.root}; not followed", path=path)

    def put(self, path: str, source: Source, file_id: str, mode: int | None = None) -> Copy:
        """Copy a file to `path`, or to a similar name if another file has that name; an equal file is not copied again.

        `mode` are the permissions of the source, if known: the copy has no others.
        Raises `MediumError` if the folder cannot be written, and the errors of `source`.
        """
        state, copy = _compared(path, source) if os.path.lexists(path) else (_PART, None)
        already_there, beside = copy is not None, state == _OTHER
        if copy is None:
            with _temporary(os.path.dirname(path)) as temporary:
                copy = _write(temporary, source, restricted(0o666, mode))
                if beside:
                    path = self._beside(path, copy[1])
                    already_there = os.path.lexists(path) and _compared(path, source)[0] == _SAME
                if not already_there:
                    with _writing(path):
                        system.patiently(partial(os.replace, temporary, path), path)
        name = os.path.relpath(path, self.root).replace(os.sep, "/")
        return Copy(file_id, name, *copy, already_there=already_there, beside=beside)

    def _beside(self, path: str, digest: str) -> str:
        """Choose another name for a file whose name is taken."""
        ending = ending_of(path) if self.layout.keeps_names else self.layout.suffix
        return f"{path.removesuffix(ending)}-{digest[:16]}{ending}"


def _compared(path: str, source: Source) -> tuple[str, tuple[int, str] | None]:
    """Compare the file at `path` with the source: the same, only its beginning, or another file.

    If it is the same, also return size and SHA-256. A symbolic link counts as another file.
    """
    if os.path.islink(path):
        return _OTHER, None
    digest, size = hashlib.sha256(), 0
    try:
        with open_regular(path) as file:  # a FIFO in the place of a copy must not hang
            for chunk in source():
                there = file.read(len(chunk))
                if there != chunk:
                    # An earlier run lost power while it wrote this file. Replacing it loses nothing.
                    return (_PART if chunk.startswith(there) and not file.read(1) else _OTHER), None
                digest.update(chunk)
                size += len(chunk)
            return (_OTHER, None) if file.read(1) else (_SAME, (size, digest.hexdigest()))
    except OSError:
        return _OTHER, None  # not ours to read, so not ours to replace


def _write(path: str, source: Source, mode: int) -> tuple[int, str]:
    """Write a new file and read it back; return its size in bytes and its SHA-256."""
    digest, size = hashlib.sha256(), 0
    with _writing(path), _new_file(path, mode) as file:
        for chunk in source():
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        file.seek(0)
        back = hashlib.sha256()
        while data := file.read(COPY_SIZE):
            back.update(data)
    if back.digest() != digest.digest():
        raise MediumError("reads back different from the written data", path=path)
    return size, digest.hexdigest()


def _new_file(path: str, mode: int) -> BinaryIO:
    """Make a file and lock it; try again if another run removes it before the lock."""
    while True:
        file = open(path, "x+b", opener=partial(os.open, mode=mode))  # noqa: SIM115  # the caller closes it
        _lock(file.fileno())
        if os.path.lexists(path):
            return file
        file.close()


def _lock(descriptor: int) -> None:
    """Lock a new file; wait while another run removes leftovers. On file systems without locks, no run removes them."""
    with suppress(OSError):
        for _ in range(_TRIES):
            try:
                system.lock(descriptor)
            except BlockingIOError:
                time.sleep(_WAIT)
            else:
                return


_TRIES: Final = 200
_WAIT: Final = 0.01
"""Seconds between two attempts; removing leftovers takes far less."""


@contextmanager
def _temporary(folder: str) -> Iterator[str]:
    """Choose a new name; remove its file afterwards, if possible."""
    path = os.path.join(folder, f".{secrets.token_hex(8)}.part")
    try:
        yield path
    finally:
        with suppress(OSError):  # an error would hide the one that led here
            os.unlink(path)


def _sweep(folder: str) -> None:
    """Remove the unfinished files of killed runs. A locked file belongs to a run that is still active."""
    with suppress(OSError):
        for name in filter(is_part, os.listdir(folder)):
            path = os.path.join(folder, name)
            with suppress(OSError):
                with open_regular(path) as file:
                    system.lock(file.fileno())
                os.unlink(path)  # after closing, because Windows removes no open file


def _size_of(folder: str) -> int:
    """Sum up the size of all files below a folder in bytes."""
    return sum(os.lstat(os.path.join(above, name)).st_size for above, _, names in os.walk(folder) for name in names)
