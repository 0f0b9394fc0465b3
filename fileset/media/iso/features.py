"""Features of an ISO 9660 image that the writer of this package does not write, so that an update would lose them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fileset.media.image.bytes import ImageBytes
from fileset.media.iso.reader import FIRST_DESCRIPTOR, SECTOR, SUPPLEMENTARY, IsoVolume, descriptors, is_joliet

BOOT_RECORD, PARTITION = 0, 3
_SHARING_PROTOCOL: Final = b"SP\7\1\xbe\xef"
"""The entry that begins the System Use Sharing Protocol, in the first record of the root (IEEE P1281 5.3)."""


def _boots(image: ImageBytes, _volume: IsoVolume) -> bool:
    return any(descriptor[0] == BOOT_RECORD for descriptor in descriptors(image))


def _has_system_area(image: ImageBytes, _volume: IsoVolume) -> bool:
    return any(image.read(0, FIRST_DESCRIPTOR * SECTOR))


def _has_rock_ridge(image: ImageBytes, volume: IsoVolume) -> bool:
    (position, _), *_ = volume.root.extents
    record = image.read(position, SECTOR)
    return _SHARING_PROTOCOL in record[34 : record[0]]


def _has_other_volumes(image: ImageBytes, _volume: IsoVolume) -> bool:
    return any(
        descriptor[0] == PARTITION or (descriptor[0] == SUPPLEMENTARY and not is_joliet(descriptor))
        for descriptor in descriptors(image)
    )


def _has_associated_files(_image: ImageBytes, volume: IsoVolume) -> bool:
    return volume.has_associated_files


FEATURES: Final[dict[str, Callable[[ImageBytes, IsoVolume], bool]]] = {
    "the boot record (El Torito)": _boots,
    "boot code or a partition table before the first descriptor": _has_system_area,
    "the names, permissions and links of Rock Ridge": _has_rock_ridge,
    "another volume descriptor, with names of its own": _has_other_volumes,
    "associated files, such as the resource forks of a Macintosh": _has_associated_files,
}
"""Features by the words that name them in a message; associated files are known after all folders were listed."""
