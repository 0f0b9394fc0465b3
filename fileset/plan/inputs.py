"""Find the sources of a Creator or Updater: the files of folders, images and archives that the user names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

from fileset.dicom.preamble import is_part_10
from fileset.errors import FilesetError, FormatError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding
from fileset.media.base import ReadableMedium, in_reading_order
from fileset.media.folder.medium import FolderMedium
from fileset.media.image.subfolder import Below
from fileset.media.names import ARCHIVES
from fileset.media.open import file_set_in, image_at
from fileset.media.remote.access import is_url
from fileset.media.system.files import path_of
from fileset.media.system.walk import OpenFile, leads_out, walk
from fileset.plan.choice import Choice
from fileset.plan.header_values import Opened, reading_of
from fileset.plan.presence import holds_file_set, is_dicomdir
from fileset.plan.source_files import SourceFiles
from fileset.records.describe import Instance
from fileset.report import Skipped
from fileset.standard.uids import DIRECTORY_CLASS

if TYPE_CHECKING:
    from fileset.secure.security import Security


TELL_EVERY: Final = 256
"""The progress is reported each time this many more files are found."""

_NOT_FROM_AFAR: Final = "an image or archive in a remote folder is not read: download it first"


class Sources(SourceFiles):
    """The sources of a Creator or Updater: the files found at paths, images and archives included, and data sets."""

    def __init__(self, security: Security | None = None, found: Callable[[int, int], None] | None = None) -> None:
        super().__init__()
        self._security = security  # opens encrypted sources
        self._zip_password = security.zip_password if security else b""
        self._found = found  # called now and then with the number of files found so far, and 0
        self.images: list[ReadableMedium] = []  # also the archives, and the media that decrypt their files
        self.origins: list[ReadableMedium] = []  # the file-sets among the sources
        self.read_again: list[ReadableMedium] = []  # the file-set that is updated, if its own files are sources
        self._outside: list[tuple[str, str]] = []
        self._unlistable: dict[str, str] = {}
        self.chosen: dict[int, Choice] = {}  # the choice that took a source by its values
        self.documents: dict[int, Instance] = {}  # native HL7 documents, by index
        self.left_out = 0
        self.searched: list[str] = []  # the paths that the user named
        self._patterns: dict[str, bool] = {}  # each pattern of a choice -> whether it matched
        self._asked: dict[str, bool] = {}  # the conditions of a choice that were compared -> whether a file matched

    def damage(self) -> Iterator[tuple[str, str]]:
        """List the damage of images found so far, with their names."""
        images = ((image.name, note) for image in self.images for note in image.damage())
        return chain(images, self._unlistable.items())

    def choice_findings(self) -> Iterator[Finding]:
        """Yield a finding if a choice left out some files, and one for each pattern that matched nothing."""
        if self.left_out:
            yield Finding("FS-SOURCE-LEFT-OUT", f"{self.left_out} files were left out, as requested")
        for pattern in (pattern for pattern, matched in self._patterns.items() if not matched):
            yield Finding("FS-SOURCE-PATTERN", f"no file or folder matches {pattern!r}, so nothing is left out for it")

    @property
    def unmatched(self) -> str:
        """The sentence that no source meets its conditions; "" if one does, or if none could be compared."""
        return "" if any(self._asked.values()) or not self._asked else f"nothing matches {' or '.join(self._asked)}"

    def nothing_listed(self, done: str, *, dry_run: bool) -> str:
        """Return the sentence that nothing is `done`, with the reason."""
        reason = self.unmatched or "there is no file that a DICOMDIR can list"
        return f"nothing {'would be' if dry_run else 'was'} {done}: {reason}"

    def nothing_found(self) -> list[Skipped]:
        """Report each path that the user named, because there is no source in any of them, unless conditions are the reason."""
        damaged = {name for name, _ in self.damage()}
        wanted = "none of its files is wanted: --exclude leaves all out"
        other = wanted if self.left_out else "no files were found there"
        return [
            Skipped(name, "FS-SOURCE-EMPTY", "none of its files can be read" if name in damaged else other)
            for name in dict.fromkeys(self.searched)
            if name in damaged or not self.unmatched
        ]

    def outside(self) -> Iterator[str]:
        """List the skipped links that lead out of their folder, by the names that `name` would give them."""
        return (path if self._named > 1 else relative for path, relative in self._outside)

    def close(self) -> None:
        """Release the images: their contents can no longer be read."""
        for image in self.images:
            image.close()

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
        self.searched.append(path_of(source))
        image = image_at(source, self._zip_password)
        if self._security is not None and self._security.opens:
            return self._add_secure(source, image, self._security, choice)
        if image is not None:
            return self._add_image(image, choice)
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
            elif choice is not None and self.leaves_out(choice, relative, partial(OpenFile, path)):
                continue
            elif contained or not self._add_archive(path, relative, choice):
                self._note_choice(self.add_file(path, relative), choice)
        self.origins += [folder] if found else []
        return folder if found else None

    def add_document(self, path: str, instance: Instance) -> None:
        """Add a native HL7 document with its record, because nothing in the file gives one."""
        self.documents[self.add_file(path, os.path.basename(path))] = instance

    def _add_secure(
        self, source: str | os.PathLike[str], image: ReadableMedium | None, security: Security, choice: Choice | None
    ) -> ReadableMedium | None:
        """Add files that may be encrypted; a medium decrypts them when they are read."""
        from fileset.secure.medium import SecureView

        folder, name = os.path.split(source)
        if image is not None or os.path.isdir(source):
            return self._add_image(SecureView(image or FolderMedium(source), security), choice)
        view = SecureView(FolderMedium(folder or "."), security)
        view.around.inquire_file(FileId.tolerant(name))
        self.images.append(view)
        self._offer_member(view, FileId.tolerant(name), name, choice)
        return None

    def _add_archive(self, path: str, relative: str, choice: Choice | None) -> bool:
        """Add the files of an archive or image in a folder, and return whether it is one."""
        if not relative.lower().endswith(ARCHIVES):
            return False
        try:
            image = image_at(path, self._zip_password)
        except FilesetError as problem:
            self._unlistable[path] = problem.text(known_path=path, command=True)
            return True
        if image is None:
            return False
        self.images.append(image)
        self.origins += file_sets_in(image)
        for name in in_reading_order(image, image.names()):
            if not is_dicomdir(name):
                self._offer_member(image, FileId.tolerant(name), f"{relative}/{name}", choice)
        return True

    def leaves_out(self, choice: Choice, relative: str, opened: Opened) -> bool:
        """Check whether a choice leaves out a file, and count it. An unreadable file stays, so that the scan reports it."""
        matching = choice.excluding(relative)
        self._patterns |= dict.fromkeys(matching, True)
        left_out = bool(matching)
        if not left_out:
            with suppress(OSError, FilesetError), opened() as read:
                matches = choice.takes(read)
                left_out = matches is False
                if matches is not None:
                    self._asked[choice.asked] = matches or self._asked.get(choice.asked, False)
        self.left_out += left_out
        return left_out

    def _offer_member(self, medium: ReadableMedium, file_id: FileId, relative: str, choice: Choice | None) -> None:
        """Add a file of a medium unless the choice leaves it out."""
        if choice is None or not self.leaves_out(choice, relative, partial(reading_of, medium, file_id)):
            self._note_choice(self.add_member(medium, file_id, relative), choice)

    def _note_choice(self, index: int, choice: Choice | None) -> None:
        if choice is not None and choice.conditions:
            self.chosen[index] = choice

    def expect_matches(self, choice: Choice | None) -> None:
        """Report the patterns of a choice that match nothing."""
        for pattern, _ in choice.patterns if choice else ():
            self._patterns.setdefault(pattern, False)

    def _add_image(self, image: ReadableMedium, choice: Choice | None) -> ReadableMedium | None:
        self.images.append(image)
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
                self._offer_member(image, FileId.tolerant(name), relative, choice)
        return found

    def add_in_place(self, medium: ReadableMedium) -> None:
        """Add all files of a medium under their names, except its DICOMDIR. Closing the sources closes the medium."""
        self._named += 1
        self.images.append(medium)
        for name in medium.names():
            if name.upper() != DICOMDIR.value:
                self.add_member(medium, FileId.tolerant(name), name)

    def add_file(self, path: str, relative: str) -> int:
        """Add a file with its name, and return its index."""
        index = super().add_file(path, relative)
        if self._found is not None and not len(self.paths) % TELL_EVERY:
            self._found(len(self.paths), 0)
        return index


_OF_DICOMDIR: Final = (DIRECTORY_CLASS, b"\4\0\x30\x11", b"\4\0\0\x12")
"""Marks of a DICOMDIR: its SOP class, which some writers get wrong, and its first elements (0004,1130) and (0004,1200)."""


def _is_plain_instance(path: str) -> bool:
    """Decide whether a file that is named like a DICOMDIR, such as DICOMDIR.dcm, is an instance and so a source."""
    with suppress(OSError), OpenFile(path) as read:
        head = read(0, 1024)
        return is_part_10(head) and not any(mark in head for mark in _OF_DICOMDIR)
    return False


def file_sets_in(image: ReadableMedium) -> Iterator[ReadableMedium]:
    """Find each folder of an image that has a DICOMDIR, as a medium."""
    for folder in sorted({name.rpartition("/")[0] for name in image.names() if holds_file_set(name)}):
        yield below(image, folder)


def below(medium: ReadableMedium, folder: str) -> ReadableMedium:
    """Return a folder of a medium as a medium of its own."""
    if medium.folder:
        return FolderMedium(os.path.join(medium.folder, folder))
    return Below(medium, folder) if folder else medium
