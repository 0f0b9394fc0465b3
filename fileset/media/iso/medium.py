"""ISO 9660 images as a medium (PS3.12 F, P): random access without mounting; written and changed as a whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import BinaryIO

from attrs import evolve, frozen

from fileset.errors import FilesetError, FormatError, MediumError
from fileset.file_id import FileId
from fileset.media.base import FileInfo, FileSetInfo, Footprint, ReadableMedium
from fileset.media.image.bytes import ImageBytes
from fileset.media.image.medium import Image, NoImage
from fileset.media.image.names import Entry, FileNames
from fileset.media.image.opened import OpenImage
from fileset.media.iso.allowance import OverlapAllowance
from fileset.media.iso.directories import SECTOR, sectors
from fileset.media.iso.features import features
from fileset.media.iso.reader import STANDARD_ID, IsoVolume, descriptors, is_joliet, is_primary
from fileset.media.iso.tree import MAX_DEPTH
from fileset.media.iso.udf import RECOGNITION
from fileset.media.iso.udf_reader import UdfVolume, has_udf
from fileset.media.iso.udf_writer import FIRST_BLOCK
from fileset.media.iso.writer import FIRST_DESCRIPTOR, LARGEST_FILE, PADDING, TEXTS, IsoBuilder, IsoOptions
from fileset.media.system.discs import smallest_disc
from fileset.media.system.files import creation_time, is_pipe

ISO_9660, JOLIET, UDF = "ISO 9660", "Joliet", "UDF"

Place = tuple[tuple[int, int], ...] | str
"""Position of a file, or its upper-case path: an empty file of UDF has no position."""


class IsoMedium(OpenImage):
    """An image, or a disc in a drive, that is open for reading. `damage` has its faults.

    `kinds` are its hierarchies of names: any of `ISO_9660`, `JOLIET` and `UDF`. A name is looked up in the primary hierarchy
    of ISO 9660, then in Joliet, then in UDF. Raises `FormatError` if it is not an image of a disc, `MediumError` if it
    cannot be read.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        with self._closed_on_error():
            self._volumes = self._opened()
        self.kinds = tuple(self._volumes)
        self._trees = [FileNames(volume, self._notes, self._image.size) for volume in self._volumes.values()]
        self._allowance = OverlapAllowance(self._image.size)
        self._first = self._volumes[self.kinds[0]]
        self._image.whole = self._first.size
        if self._image.cut:
            self._notes.add(self._image.cut)

    def _opened(self) -> dict[str, IsoVolume | UdfVolume]:
        """Open the readable hierarchies, at most one of each kind; note the faults of others."""
        volumes: dict[str, IsoVolume | UdfVolume] = {}
        problems: list[str] = []
        for kind, open_ in self._hierarchies().items():
            try:
                volumes[kind] = open_()
            except (FormatError, MediumError) as problem:
                problems.append(f"{kind}: {problem}")
        if not volumes:
            raise FormatError(next(iter([*problems, *self._notes]), _no_volume(self._image.size)))
        for note in problems:
            self._notes.add(note)
        return volumes

    def _hierarchies(self) -> dict[str, Callable[[], IsoVolume | UdfVolume]]:
        """Find each hierarchy of the image: its kind and a function that opens it."""
        found: dict[str, Callable[[], IsoVolume | UdfVolume]] = {}
        for descriptor in descriptors(self._image, self._notes):
            for kind, is_one in ((ISO_9660, is_primary), (JOLIET, is_joliet)):
                if is_one(descriptor) and kind not in found:
                    found[kind] = partial(IsoVolume, self._image, descriptor, self._notes)
        if has_udf(self._image):
            found[UDF] = partial(UdfVolume, self._image, self._notes)
        return found

    @property
    def form(self) -> str:
        """The form by the hierarchies: "iso", "iso+udf" or "udf"."""
        return "+".join(name for kind, name in ((ISO_9660, "iso"), (UDF, "udf")) if kind in self.kinds)

    @property
    def label(self) -> str:
        """Volume Identifier; it equals the File-set ID on a disc that follows PS3.12 F.1.1."""
        return self._first.label

    def whole_sectors(self) -> int:
        """Count the sectors of the volume by its descriptor (Volume Space Size, ISO 9660 8.4.8).

        Raises `FormatError` if the image was cut off.
        """
        if self._image.cut:
            raise FormatError(self._image.cut, path=self._path)
        return sectors(self._image.whole)

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file for random access; nothing more is read than requested."""
        entry = self._entry(file_id)
        try:
            self._image.check(entry.extents)
            self._allowance.spend(file_id.path, entry)
            return self._image.open(entry.extents, f"{self._path}: {file_id.path}")
        except FormatError as problem:
            raise problem.moved(path=file_id.path) from problem

    def position(self, file_id: FileId) -> int:
        """Find the byte of the image at which a file begins, 0 if it is empty or absent."""
        entry = next(filter(None, (tree.find(file_id) for tree in self._trees)), None)
        return entry.extents[0][0] if entry and entry.extents else 0

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Look up size, recording date and time. Raises `FormatError` if the file cannot be completely in the image."""
        entry = self._entry(file_id)
        try:
            self._image.check(entry.extents)
        except FormatError as problem:
            raise problem.moved(path=file_id.path) from problem
        return FileInfo(entry.size, entry.modified)

    def _entry(self, file_id: FileId) -> Entry:
        for tree in self._trees:
            if entry := tree.find(file_id):
                return entry
        raise MediumError(f"not on the medium {self._path} (PS3.10 8.2)", path=file_id)

    def inquire_file_set(self) -> FileSetInfo:
        """Look up the size of the image, the disc that it fits, and the volume that holds it."""
        size, disc = self._image.size, smallest_disc(self._image.size)
        return self._volume(
            format=", ".join(map(self._versioned, self.kinds)),
            file_systems=tuple(self._versioned(kind) for kind in self.kinds if kind != JOLIET),
            largest_file=LARGEST_FILE,
            used=size,
            disc=disc.name if disc else "",
            disc_capacity=disc.capacity if disc else None,
        )

    def _versioned(self, kind: str) -> str:
        """Format the name of a hierarchy, for UDF with its revision."""
        return f"{kind} {self._volumes[kind].revision}".rstrip()

    def names(self) -> Iterator[str]:
        """List the paths of all files; the long name if Joliet or UDF has one that is not a File ID."""
        long = self._long_names()
        for path, entry in self._trees[0].walk():
            yield long.get(entry.extents) or long.get(path.upper()) or path

    def texts(self) -> dict[int, bytes]:
        """Read the texts of the primary and the Joliet descriptor, by the type of the descriptor."""
        return {
            descriptor[0]: descriptor[TEXTS]
            for descriptor in reversed(list(descriptors(self._image, self._notes)))
            if is_primary(descriptor) or is_joliet(descriptor)
        }

    def empty_folders(self) -> tuple[list[str], list[str]]:
        """List the paths of empty folders that a new image can have, and a sentence for each that it cannot have."""
        first, *others = ({path.upper(): path for path in tree.empty_folders()} for tree in self._trees)
        kept = {key: path for key, path in first.items() if _may_be_empty(path) and all(key in one for one in others)}
        named = first if len(first) >= max(map(len, others), default=0) else max(others, key=len)
        return list(kept.values()), [f"the empty folder {path}" for key, path in named.items() if key not in kept]

    def features(self) -> list[str]:
        """List the features of the image, other than names, files and texts, that our writer does not write."""
        return features(self._image, [volume for volume in self._volumes.values() if isinstance(volume, IsoVolume)])

    def _long_names(self) -> dict[Place, str]:
        """Collect the names in other hierarchies that are not File IDs, by position; "" for files that share a position."""
        found: dict[Place, str] = {}
        for tree in self._trees[1:]:
            here: dict[Place, str] = {}
            for path, entry in tree.walk():
                if not _is_file_id(path):
                    place = _place(path, entry)
                    here[place] = "" if place in here else path
            if here:
                places = (_place(path, entry) for path, entry in tree.walk() if _is_file_id(path))
                here.update((place, "") for place in places if place in here)
            found = here | found
        return found


def _no_volume(size: int) -> str:
    """Explain why a file of `size` bytes without any volume is not an image."""
    if size <= FIRST_DESCRIPTOR * SECTOR:
        return f"not an image of a disc, or cut off: it has {size} bytes, a volume begins after {FIRST_DESCRIPTOR * SECTOR}"
    return "not an image of a disc: it has neither an ISO 9660 nor a UDF volume (PS3.12 F, P)"


def _place(path: str, entry: Entry) -> Place:
    return entry.extents or path.upper()


def _is_file_id(path: str) -> bool:
    return FileId.tolerant(path).conformant


def _may_be_empty(path: str) -> bool:
    """Decide whether a new image can have an empty folder of this name: no deeper than the folder of a file."""
    return _is_file_id(path) and path.count("/") + 2 <= MAX_DEPTH


def _image(
    path: str, former: ReadableMedium, options: IsoOptions, losses: Callable[[], Sequence[str]] = tuple
) -> Image:
    """Make the image of a disc that a change writes again."""
    return Image(
        path,
        former,
        build=lambda file, label: IsoBuilder(file, evolve(options, label=label)),
        read=IsoMedium,
        label=options.label,
        format_name=ISO_9660,
        largest_file=LARGEST_FILE,
        footprint=Iso(options.joliet, options.udf).footprint,
        losses=losses,
    )


@frozen
class Iso:
    """The format of ISO 9660 images (PS3.12 F, P): Level 1, with `joliet` or a `udf` bridge on request."""

    joliet: bool = False
    udf: bool = False

    name = "iso"
    suffix = ".iso"

    @property
    def form(self) -> str:
        """The form: "iso", with UDF "iso+udf"."""
        return "iso+udf" if self.udf else "iso"

    @property
    def footprint(self) -> Footprint:
        """The room for files in whole sectors, and for the structures of each hierarchy.

        These are descriptor, path tables, directories and their records; in UDF also a sector for the File Entry of each
        file and folder.
        """
        hierarchies = 1 + self.joliet
        begin = FIRST_BLOCK if self.udf else FIRST_DESCRIPTOR + 1
        return Footprint(
            fixed=(begin + 4 * hierarchies + 2 * self.udf + PADDING) * SECTOR,
            folder=hierarchies * (SECTOR + 128) + self.udf * (2 * SECTOR + 64),
            entry=hierarchies * 64 + self.udf * (SECTOR + 64),
            unit=SECTOR,
        )

    def recognises(self, path: str) -> bool:
        """Test whether the file or disc drive at `path` has descriptors where ISO 9660 and UDF begin."""
        if os.path.isdir(path) or is_pipe(path):
            return False
        with suppress(FilesetError), closing(ImageBytes(path)) as image:
            try:
                return image.read(FIRST_DESCRIPTOR * SECTOR, 6)[1:] in (STANDARD_ID, RECOGNITION[0])
            except MediumError:  # a bad sector just there: the name decides, and a drive holds nothing else
                return path.lower().endswith(self.suffix) or not os.path.isfile(path)
        return False

    def readable(self, path: str) -> IsoMedium:
        """Open the image at `path`."""
        return IsoMedium(path)

    def writable(self, path: str, label: str) -> Image:
        """Return a new image at `path`, with `label` as its volume identifier (PS3.12 F.1.1)."""
        return _image(path, NoImage(path), IsoOptions(label, creation_time(), joliet=self.joliet, udf=self.udf))

    def updatable(self, path: str) -> Image:
        """Open the image at `path`, to be written again with its label, texts, empty folders, Joliet and UDF."""
        former = IsoMedium(path)
        empty_folders, lost_folders = former.empty_folders()
        options = IsoOptions(
            former.label,
            creation_time(),
            joliet=self.joliet or JOLIET in former.kinds,
            udf=self.udf or UDF in former.kinds,
            texts=former.texts(),
            empty_folders=empty_folders,
        )
        return _image(path, former, options, lambda: (*former.features(), *lost_folders))
