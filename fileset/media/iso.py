"""ISO 9660 images as a medium (PS3.12 F, P): read at random without mounting, written and changed as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

from attrs import evolve, frozen

from fileset.errors import FormatError, MediumError
from fileset.file_id import FileId
from fileset.media.base import FileInfo, FileSetInfo, Footprint, ReadableMedium
from fileset.media.discs import smallest_disc
from fileset.media.extents import ImageBytes
from fileset.media.image import Image, NoImage
from fileset.media.iso_hierarchy import SECTOR
from fileset.media.iso_reader import IsoVolume, descriptors, is_joliet
from fileset.media.iso_writer import FIRST_DESCRIPTOR, LARGEST_FILE, PADDING, IsoBuilder, IsoOptions
from fileset.media.namespace import Entry, Namespace, Notes
from fileset.media.system import creation_time
from fileset.media.volume import inquire_volume

_MAGIC_AT: Final = 16 * 2048 + 1
_MAGIC: Final = b"CD001"


class IsoMedium:
    """An image, or a disc in a drive, that is open for reading. What is wrong with it is in `damage`.

    Names are looked up in the primary hierarchy, then in Joliet. Raises `FormatError` if it is no ISO 9660 image,
    `MediumError` if it cannot be read.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._image = ImageBytes(path)
        self._notes = Notes()
        try:
            self._volumes = self._opened()
        except FormatError as problem:
            self.close()
            raise FormatError(f"{path}: {problem}") from problem
        except BaseException:
            self.close()
            raise
        self._namespaces = [Namespace(volume, self._notes, self._image.size) for volume in self._volumes]
        if self._volumes[0].size > self._image.size:
            self._notes.add(f"cut off: {self._image.size} of {self._volumes[0].size} bytes are there")

    def _opened(self) -> list[IsoVolume]:
        found = list(descriptors(self._image))
        primary = [one for one in found if one[0] == 1][:1]
        if not primary:
            raise FormatError("not an ISO 9660 image (PS3.12 F.1): it has no primary volume descriptor")
        return [IsoVolume(self._image, one, self._notes) for one in (*primary, *filter(is_joliet, found))]

    @property
    def name(self) -> str:
        """The image as the user named it."""
        return self._path

    @property
    def label(self) -> str:
        """Volume Identifier: the File-set ID, on a disc that keeps to PS3.12 F.1.1."""
        return self._volumes[0].label

    @property
    def joliet(self) -> bool:
        """Whether there is a Joliet hierarchy."""
        return len(self._volumes) > 1

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file for reading, at random and only what is asked for."""
        try:
            return self._image.open(self._entry(file_id).extents, file_id.path)
        except FormatError as problem:
            raise FormatError(f"{file_id}: {problem}") from problem

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Size, and recording date and time. Raises `FormatError` if not all of the file can be there."""
        entry = self._entry(file_id)
        try:
            self._image.check(entry.extents)
        except FormatError as problem:
            raise FormatError(f"{file_id}: {problem}") from problem
        return FileInfo(entry.size, entry.modified)

    def _entry(self, file_id: FileId) -> Entry:
        for namespace in self._namespaces:
            if entry := namespace.find(file_id):
                return entry
        raise MediumError(f"{file_id}: not on the medium {self._path} (PS3.10 8.2)")

    def inquire_file_set(self) -> FileSetInfo:
        """The size of the image, the disc that takes it, and the volume that it lies on."""
        size, disc = self._image.size, smallest_disc(self._image.size)
        return evolve(
            inquire_volume(os.path.dirname(os.path.abspath(self._path))),
            format="ISO 9660 with Joliet" if self.joliet else "ISO 9660",
            largest_file=LARGEST_FILE,
            used=size,
            disc=disc.name if disc else "",
            disc_capacity=disc.capacity if disc else None,
            caveat="",
        )

    def names(self) -> Iterator[str]:
        """The paths of all files; where the primary hierarchy has a made-up name, the long one."""
        long: dict[tuple[tuple[int, int], ...], str] | None = None
        for path, entry in self._namespaces[0].walk():
            if _is_file_id(path):
                yield path
            else:
                long = self._long_names() if long is None else long
                yield long.get(entry.extents) or path

    def _long_names(self) -> dict[tuple[tuple[int, int], ...], str]:
        """The names of other hierarchies by where the files lie; "" for files that share a place."""
        found: dict[tuple[tuple[int, int], ...], str] = {}
        for namespace in self._namespaces[1:]:
            for path, entry in namespace.walk():
                found[entry.extents] = "" if entry.extents in found else path
        return found

    def damage(self) -> tuple[str, ...]:
        """What was found wrong with the image so far."""
        return tuple(self._notes)

    def close(self) -> None:
        """Release the image; files that were opened stay open."""
        self._image.close()


def _is_file_id(path: str) -> bool:
    return FileId.tolerant(path).conformant


@frozen
class Iso:
    """The format of ISO 9660 images (PS3.12 F, P): Level 1, with `joliet` on request."""

    joliet: bool = False

    name = "iso"
    suffix = ".iso"

    @property
    def footprint(self) -> Footprint:
        """Files in whole sectors; of each hierarchy its descriptor, path tables, directories and their records."""
        hierarchies = 1 + self.joliet
        return Footprint(
            fixed=(FIRST_DESCRIPTOR + 1 + 4 * hierarchies + PADDING) * SECTOR,
            folder=hierarchies * (SECTOR + 128),
            entry=hierarchies * 64,
            unit=SECTOR,
        )

    def recognises(self, path: str) -> bool:
        """Whether the file, or disc drive, at `path` has a volume descriptor where ISO 9660 has the first."""
        if os.path.isdir(path):
            return False
        try:
            with open(path, "rb", buffering=0) as file:
                file.seek(_MAGIC_AT)
                return file.read(len(_MAGIC)) == _MAGIC
        except OSError:
            return False

    def readable(self, path: str) -> IsoMedium:
        """The image at `path`."""
        return IsoMedium(path)

    def writable(self, path: str, label: str) -> Image:
        """A new image at `path`, with `label` as its volume identifier (PS3.12 F.1.1)."""
        return _image(path, NoImage(path), label, self)

    def updatable(self, path: str) -> Image:
        """The image at `path`, to be made anew with what it has: its label, and Joliet if it has that."""
        former = IsoMedium(path)
        return _image(path, former, former.label, evolve(self, joliet=self.joliet or former.joliet))


def _image(path: str, former: ReadableMedium, label: str, options: Iso) -> Image:
    wanted = IsoOptions(label, creation_time(), joliet=options.joliet)
    return Image(
        path,
        former,
        build=partial(IsoBuilder, options=wanted),
        read=IsoMedium,
        format_name="ISO 9660",
        largest_file=LARGEST_FILE,
    )
