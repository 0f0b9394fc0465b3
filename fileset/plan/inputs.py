"""The sources of a Creator or Updater: files of the operating system, data sets of pydicom, files of a medium."""

from __future__ import annotations

import os
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

from fileset.dicom.header import Reading
from fileset.dicom.preamble import NEEDED, cleared, is_part_10, needs_clearing
from fileset.errors import FilesetError, FormatError, MediumError, RefusedError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding
from fileset.media.base import FileInfo, ReadableMedium, in_reading_order
from fileset.media.folder.medium import FolderMedium
from fileset.media.image.subfolder import Below
from fileset.media.names import ARCHIVES
from fileset.media.open import file_set_in, image_at
from fileset.media.remote.access import is_url
from fileset.media.system.files import named
from fileset.media.system.hashing import chunks_of, digest_of
from fileset.media.system.walk import (
    NO_STAMP,
    OpenFile,
    Stamp,
    contents,
    inquire,
    leads_out,
    random_access,
    same_contents,
    stamp_of,
    walk,
)
from fileset.plan.choice import Choice
from fileset.plan.dataset_source import encode_dataset
from fileset.plan.presence import holds_file_set, is_dicomdir
from fileset.plan.secured import view_of
from fileset.records.describe import Instance
from fileset.records.packed import PackedTexts
from fileset.standard.uids import DIRECTORY_CLASS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from fileset.secure.security import Security


Result = TypeVar("Result")
TELL_EVERY: Final = 256
"""The progress is reported each time this many more files are found."""

_NOT_FROM_AFAR: Final = "an image or archive in a remote folder is not read: download it first"


class LostSourceError(MediumError):
    """A part of a source cannot be read: a bad sector, a wrong checksum, an image that was cut off."""


class Sources:
    """An ordered collection of sources, by index; kept as columns because there may be a million."""

    def __init__(self, security: Security | None = None, found: Callable[[int, int], None] | None = None) -> None:
        self._security = security  # opens encrypted sources
        self._found = found  # called now and then with the number of files found so far, and 0
        self.paths = PackedTexts()
        self._relative_at = array("I")  # where in each path the part below the named source begins
        self._stamps = array("q")  # two numbers for each path that was stamped
        self._contents: dict[int, bytes] = {}
        self._numbers: dict[int, int] = {}  # of the data sets, from 1
        self._images: list[ReadableMedium] = []
        self.origins: list[ReadableMedium] = []  # the file-sets among the sources
        self.read_again: list[ReadableMedium] = []  # the file-set that is updated, if its own files are sources
        self._members: dict[int, tuple[ReadableMedium, FileId, str]] = {}
        self._named = 0
        self._cleared: set[int] = set()
        self._replaced: dict[int, str] = {}  # paths of the files that replace sources
        self._spool = ""
        self._outside: list[tuple[str, str]] = []
        self.lost: dict[int, str] = {}  # with reasons
        self._unlistable: dict[str, str] = {}
        self._choice: Choice | None = None
        self.chosen: dict[int, Choice] = {}  # the choice that took a source by its values
        self.documents: dict[int, Instance] = {}  # native HL7 documents, by index
        self.left_out = 0

    def in_reading_order(self, items: Iterable[Result], source: Callable[[Result], int]) -> list[Result]:
        """Sort items in the order in which their sources lie on an image, so that a drive reads forward; else unchanged."""
        return sorted(items, key=source) if self._members else list(items)

    def without_lost(self, write: Callable[[], Result], *, again: bool) -> Result:
        """Return the result of `write`; after a `LostSourceError`, call it again without the sources that are unreadable.

        Raises `LostSourceError` unless `again`, or if the second call finds no further source to leave out.
        """
        while True:
            known = len(self.lost)
            try:
                return write()
            except LostSourceError:
                if not again or len(self.lost) == known:
                    raise

    def damage(self) -> Iterator[tuple[str, str]]:
        """List the damage of images found so far, with their names."""
        images = ((image.name, note) for image in self._images for note in image.damage())
        return chain(images, self._unlistable.items())

    def choice_findings(self) -> Iterator[Finding]:
        """Yield a finding if a choice left out some files."""
        if self.left_out:
            yield Finding("FS-SOURCE-LEFT-OUT", f"{self.left_out} files were left out, as requested")

    def outside(self) -> Iterator[str]:
        """List the skipped links that lead out of their folder, by the names that `name` would give them."""
        return (path if self._named > 1 else relative for path, relative in self._outside)

    def close(self) -> None:
        """Release the images: their contents can no longer be read."""
        for image in self._images:
            image.close()

    def __len__(self) -> int:
        return len(self.paths)

    def add_path(
        self,
        source: str | os.PathLike[str],
        *,
        skip: frozenset[str] = frozenset(),
        contained: bool = False,
        choice: Choice | None = None,
    ) -> ReadableMedium | None:
        """Add a file, all files below a folder, or all files in an image or archive; return the file-set there, if any.

        Two kinds of files are not added: the DICOMDIR of a file-set, and files outside of it to which its links lead; with
        `contained`, the second holds for every folder. With a `choice`, only files that it takes are added, and `left_out`
        counts the others. Raises `MediumError` if the source does not exist, `FormatError` for an image that cannot be read.
        """
        self._named += 1
        self._choice = choice
        try:
            return self._add_path(source, skip=skip, contained=contained)
        finally:
            self._choice = None

    def add_document(self, path: str, instance: Instance) -> None:
        """Add a native HL7 document with its record, because nothing in the file gives one."""
        self.documents[self.add_file(path, os.path.basename(path))] = instance

    def _add_path(
        self, source: str | os.PathLike[str], *, skip: frozenset[str], contained: bool
    ) -> ReadableMedium | None:
        image = image_at(source, self._security.zip_password if self._security else b"")
        if self._security is not None and self._security.opens:
            return self._add_secure(source, image, self._security)
        if image is not None:
            return self._add_image(image)
        folder = FolderMedium(source)
        found = folder.has_dicomdir()

        def note_unlistable(relative: str, reason: str) -> None:
            self._unlistable[os.path.join(folder.root, relative)] = reason

        skip = skip | folder.not_sources() if found else skip
        for path, relative, linked, _ in walk(source, skip=skip, unlistable=note_unlistable):
            if holds_file_set(relative) and not _is_plain_instance(path):
                self.origins.append(FolderMedium(os.path.dirname(path)))
            if linked and leads_out(path, folder.root):
                self._outside.append((path, relative))
            elif self._excludes(relative):
                self.left_out += 1
            elif contained or not self._add_archive(path, relative):
                self._offer_file(path, relative)
        self.origins += [folder] if found else []
        return folder if found else None

    def _add_secure(
        self, source: str | os.PathLike[str], image: ReadableMedium | None, security: Security
    ) -> ReadableMedium | None:
        """Add files that may be encrypted; a medium decrypts them when they are read."""
        from fileset.secure.medium import SecureView

        folder, _, name = os.fspath(source).rpartition(os.sep)
        if image is not None or os.path.isdir(source):
            return self._add_image(SecureView(image or FolderMedium(source), security))
        view = SecureView(FolderMedium(folder or "."), security)
        view.around.inquire_file(FileId.tolerant(name))
        self._images.append(view)
        self._offer_member(view, FileId.tolerant(name), name)
        return None

    def views(self) -> Iterator[ReadableMedium]:
        """Yield the images, archives and media that decrypt their files."""
        return iter(self._images)

    def _add_archive(self, path: str, relative: str) -> bool:
        """Add the files of an archive or image in a folder, and return whether it is one."""
        if not relative.lower().endswith(ARCHIVES):
            return False
        try:
            image = image_at(path, self._security.zip_password if self._security else b"")
        except FilesetError as problem:
            self._unlistable[path] = problem.text(known_path=path, command=True)
            return True
        if image is None:
            return False
        self._images.append(image)
        self.origins += file_sets_in(image)
        for name in in_reading_order(image, image.names()):
            if not is_dicomdir(name):
                self._offer_member(image, FileId.tolerant(name), f"{relative}/{name}")
        return True

    def _excludes(self, relative: str) -> bool:
        return self._choice is not None and self._choice.excludes(relative)

    def _offer_file(self, path: str, relative: str) -> None:
        """Add a file unless the choice leaves it out. Add an unreadable file too, so that the scan reports it."""
        if self._choice is not None:
            with suppress(OSError), OpenFile(path) as read:
                if not self._choice.takes(read):
                    self.left_out += 1
                    return
        self.add_file(path, relative)

    def _offer_member(self, medium: ReadableMedium, file_id: FileId, relative: str) -> None:
        """Add a file of a medium unless the choice leaves it out."""
        if self._choice is not None:
            with suppress(OSError, FilesetError), medium.open(file_id) as file:
                if self._excludes(relative) or not self._choice.takes(random_access(file)[0]):
                    self.left_out += 1
                    return
        self.add_member(medium, file_id, relative)

    def _add_image(self, image: ReadableMedium) -> ReadableMedium | None:
        self._images.append(image)
        self.origins += file_sets_in(image)
        try:
            found = file_set_in(image)
        except FormatError:
            found = None  # files of no file-set, or of several
        root = found.subfolder + "/" if isinstance(found, Below) and found is not image else ""
        for name in in_reading_order(image, image.names()):
            relative = name.removeprefix(root)
            if is_url(image.name) and name.lower().endswith(ARCHIVES):
                self._unlistable[f"{image.name}/{name}"] = _NOT_FROM_AFAR
            elif found is None or relative.upper() != DICOMDIR.value:
                self._offer_member(image, FileId.tolerant(name), relative)
        return found

    def add_in_place(self, medium: ReadableMedium) -> None:
        """Add all files of a medium under their names, except its DICOMDIR. Closing the sources closes the medium."""
        self._named += 1
        self._images.append(medium)
        for name in medium.names():
            if name.upper() != DICOMDIR.value:
                self.add_member(medium, FileId.tolerant(name), name)

    def add_dataset(self, dataset: Dataset) -> None:
        """Encode a pydicom data set and add it. Raises `RuleError` if that is impossible, `TypeError` for any other object."""
        if not hasattr(dataset, "to_json_dict"):  # pydicom is not loaded to look
            raise TypeError(f"a source is a path or a pydicom data set, not {type(dataset).__name__}")
        self._contents[len(self.paths)] = encode_dataset(dataset)
        self._numbers[len(self.paths)] = len(self._contents)
        self.paths.append("")
        self._relative_at.append(0)

    def add_file(self, path: str, relative: str) -> int:
        """Add a file with its name, and return its index."""
        self.paths.append(path)
        self._relative_at.append(len(path) - len(relative))
        if self._found is not None and not len(self.paths) % TELL_EVERY:
            self._found(len(self.paths), 0)
        if self._choice is not None and self._choice.conditions:
            self.chosen[len(self.paths) - 1] = self._choice
        return len(self.paths) - 1

    def add_member(self, medium: ReadableMedium, file_id: FileId, relative: str = "") -> int:
        """Add a file of a medium that is not a file of the operating system, with its name, and return its index."""
        self._members[len(self.paths)] = medium, file_id, relative or file_id.path
        return self.add_file("", "")

    def relative(self, index: int) -> str:
        """Return the path of a file relative to the source that the user named; "" for a data set."""
        path = self.paths[index]
        if not path:
            return self._members[index][2] if index in self._members else ""
        relative = path[self._relative_at[index] :]
        return relative if os.sep == "/" else relative.replace(os.sep, "/")

    def relatives(self, indexes: Sequence[int]) -> Iterator[str]:
        """Yield the same for several sources; faster than one by one."""
        if self._members or self._contents or os.sep != "/":
            return map(self.relative, indexes)
        paths = zip(self.paths.take(indexes), map(self._relative_at.__getitem__, indexes), strict=True)
        return (path[at:] for path, at in paths)

    def name(self, index: int) -> str:
        """Name a source for messages: the full path if the user named several sources, else the relative one."""
        if self._named > 1 and index not in self._contents:
            member = self._members.get(index)
            return f"{member[0].name}/{member[1].path}" if member else self.paths[index]
        return self.relative(index) or f"data set {self._numbers[index]}"

    def replace(self, index: int, data: bytes) -> None:
        """Replace the bytes of a source by other bytes, kept in a temporary file; the name of the source stays."""
        write_spooled(self.spooled(index), (data,))
        self.use_spooled(index)

    def spooled(self, index: int) -> str:
        """Return the path of the temporary file for the bytes that replace a source."""
        self._refuse_decrypted(index)
        if not self._spool:
            import shutil
            import tempfile

            self._spool = tempfile.mkdtemp(prefix="fileset-")
            weakref.finalize(self, shutil.rmtree, self._spool, ignore_errors=True)
        return os.path.join(self._spool, f"{index}.dcm")

    def _refuse_decrypted(self, index: int) -> None:
        """Raise `RefusedError` for an encrypted source, because its decrypted bytes must not be in a temporary file."""
        medium, file_id, _ = self._members.get(index, (None, None, ""))
        view = view_of(medium)
        if view is not None and file_id is not None and view.is_secure_file(file_id):
            raise RefusedError(
                "is encrypted, and a temporary file would hold its changed copy without encryption",
                path=self.name(index),
                advice="Extract the files first, and change the copies",
            )

    def use_spooled(self, index: int) -> None:
        """Replace the bytes of a source by the bytes of its temporary file."""
        self._replaced[index] = self.spooled(index)

    def is_replaced(self, index: int) -> bool:
        """Return whether other bytes replace a source."""
        return index in self._replaced

    def read_paths(self) -> Sequence[str]:
        """Return the path of each source that is a file of the operating system, as it is to be read; "" for others."""
        if not self._replaced:
            return self.paths
        return [self._replaced.get(index, path) for index, path in enumerate(self.paths)]

    def path(self, index: int) -> str:
        """Return the path of the file that a source is read from, "" if it is none of the operating system."""
        return self._replaced.get(index) or self.paths[index]

    def place(self, index: int) -> str:
        """Return the path of a source, or that of its medium and its name there; "" for a data set."""
        if index in self._members:
            medium, file_id, _ = self._members[index]
            return f"{medium.name}/{file_id.path}"
        return self.paths[index]

    def is_file(self, index: int) -> bool:
        """Return whether a source is a file of the operating system, which any process can read."""
        return bool(self.path(index))

    def are_files(self) -> bool:
        """Return whether all sources are files of the operating system, which any process can read."""
        return self._replaced.keys() >= self._contents.keys() | self._members.keys()

    @contextmanager
    def opened(self, index: int, *, original: bool = False) -> Iterator[Reading]:
        """Open a source for random access; with `original`, as it was before it was replaced."""
        data = self._contents.get(index)
        replaced = "" if original else self._replaced.get(index, "")
        if data is not None and not replaced:
            yield lambda at, size: data[at : at + size]
            return
        path = replaced or self.paths[index]
        if path:
            with OpenFile(path) as read:
                yield read
            return
        medium, file_id, _ = self._members[index]
        with medium.open(file_id) as file:
            yield lambda at, size: file.read(size) if file.seek(at) == at else b""

    def stamp(self) -> None:
        """Note size and modification time of all files before the scan; copying a file that changes afterwards is an error.

        Otherwise the record would describe another state of the file than the copy.
        """
        self._stamps = array("q")  # a second look, as after a dry run, sees the current files
        for path in self.paths:
            self._stamps.extend(stamp_of(path) if path else NO_STAMP)

    def _stamp(self, index: int) -> Stamp:
        if index in self._replaced:
            return NO_STAMP
        stamp = self._stamps[2 * index : 2 * index + 2]
        return (stamp[0], stamp[1]) if stamp else NO_STAMP

    def inquire(self, index: int) -> FileInfo:
        """Return size and date of a source. Raises `MediumError` if the file has vanished."""
        if self.is_file(index):
            return inquire(self.path(index))
        if index in self._contents:
            return FileInfo(len(self._contents[index]), None)
        medium, file_id, _ = self._members[index]
        return medium.inquire_file(file_id)

    def clear_preambles(self, indexes: Iterable[int]) -> None:
        """Replace preambles that are neither zero nor TIFF by zeros when these sources are read."""
        self._cleared.update(filter(self._needs_clearing, indexes))

    def is_cleared(self, index: int) -> bool:
        """Return whether zeros replace a preamble of a source that is not zero."""
        return index in self._cleared

    def _needs_clearing(self, index: int) -> bool:
        with named(self.name(index)), self.opened(index) as read:
            return needs_clearing(read(0, NEEDED))

    def chunks(self, index: int) -> Iterator[bytes | bytearray]:
        """Read the bytes of a source in chunks. A chunk is valid only until the next one, which may reuse its memory."""
        return cleared(self._chunks(index)) if index in self._cleared else self._chunks(index)

    def _chunks(self, index: int) -> Iterator[bytes | bytearray]:
        """Read the bytes of a source. If a part is unreadable, note the source in `lost` and raise `LostSourceError`."""
        try:
            yield from self._read_chunks(index)
        except FilesetError as problem:
            if self.is_file(index) and not isinstance(problem.__cause__, OSError):
                raise  # the file is being changed by another program, so a second try would not help
            self.lost[index] = problem.text(known_path=self.name(index))
            raise LostSourceError(self.lost[index], path=self.name(index)) from problem

    def _read_chunks(self, index: int) -> Iterator[bytes | bytearray]:
        if self.is_file(index):
            return contents(self.path(index), self._stamp(index))
        return iter((self._contents[index],)) if index in self._contents else _chunks(*self._members[index][:2])

    def same(self, one: int, other: int) -> bool:
        """Return whether two sources hold the same bytes."""
        if self.is_file(one) and self.is_file(other):
            return same_contents(self.path(one), self.path(other))
        return self._digest(one) == self._digest(other)

    def _digest(self, index: int) -> str:
        return digest_of(self.chunks(index))

    def is_on(self, medium: ReadableMedium, file_id: FileId, index: int) -> bool:
        """Return whether a file of `medium` has the bytes of a source. Raises `FilesetError` if it cannot be read."""
        if medium.inquire_file(file_id).size != self.inquire(index).size:
            return False
        with named(file_id.path), medium.open(file_id) as file:
            return all(chunk == file.read(len(chunk)) for chunk in self.chunks(index)) and not file.read(1)


def _chunks(medium: ReadableMedium, file_id: FileId) -> Iterator[bytes]:
    with named(file_id.path), medium.open(file_id) as file:
        yield from chunks_of(file)


def write_spooled(path: str, chunks: Iterable[bytes]) -> None:
    """Write a temporary file in our own folder. It replaces the former one, because a source may be changed twice."""
    with open(f"{path}.new", "wb") as file:
        file.writelines(chunks)
    os.replace(f"{path}.new", path)


_OF_DICOMDIR: Final = (DIRECTORY_CLASS, b"\4\0\x30\x11", b"\4\0\0\x12")
"""Marks of a DICOMDIR: its SOP class, which some writers get wrong, and its first elements (0004,1130) and (0004,1200)."""


def _is_plain_instance(path: str) -> bool:
    """Return whether a file that is named like a DICOMDIR, such as DICOMDIR.dcm, is an instance and so a source."""
    with suppress(OSError), OpenFile(path) as read:
        head = read(0, 1024)
        return is_part_10(head) and not any(mark in head for mark in _OF_DICOMDIR)
    return False


def file_sets_in(image: ReadableMedium) -> Iterator[ReadableMedium]:
    """Yield each folder of an image that has a DICOMDIR, as a medium."""
    for folder in sorted({name.rpartition("/")[0] for name in image.names() if holds_file_set(name)}):
        yield below(image, folder)


def below(medium: ReadableMedium, folder: str) -> ReadableMedium:
    """Return a folder of a medium as a medium of its own."""
    if medium.folder:
        return FolderMedium(os.path.join(medium.folder, folder))
    return Below(medium, folder) if folder else medium
