"""Features of an ISO 9660 or UDF image that our writer does not write, so that an update would lose them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fileset.media.image.bytes import ImageBytes
from fileset.media.image.names import Notes
from fileset.media.iso.reader import FIRST_DESCRIPTOR, SECTOR, SUPPLEMENTARY, IsoVolume, descriptors, is_joliet

BOOT_RECORD, PARTITION = 0, 3
_SHARING_PROTOCOL: Final = b"SP\7\1\xbe\xef"
"""The entry that begins the System Use Sharing Protocol, in the first record of the root (IEEE P1281 5.3)."""


def _boots(image: ImageBytes, _volumes: Sequence[IsoVolume]) -> bool:
    return any(descriptor[0] == BOOT_RECORD for descriptor in descriptors(image, Notes()))


def _has_system_area(image: ImageBytes, _volumes: Sequence[IsoVolume]) -> bool:
    return any(image.read(0, FIRST_DESCRIPTOR * SECTOR))


def _has_rock_ridge(image: ImageBytes, volumes: Sequence[IsoVolume]) -> bool:
    roots = (image.read(volume.root.extents[0][0], SECTOR) for volume in volumes)
    return any(_SHARING_PROTOCOL in record[34 : record[0]] for record in roots)


def _has_other_volumes(image: ImageBytes, _volumes: Sequence[IsoVolume]) -> bool:
    return any(
        descriptor[0] == PARTITION or (descriptor[0] == SUPPLEMENTARY and not is_joliet(descriptor))
        for descriptor in descriptors(image, Notes())
    )


def _has_associated_files(_image: ImageBytes, volumes: Sequence[IsoVolume]) -> bool:
    return any(volume.has_associated_files for volume in volumes)


FEATURES: Final[dict[str, Callable[[ImageBytes, Sequence[IsoVolume]], bool]]] = {
    "the boot record (El Torito)": _boots,
    "boot code or a partition table before the first descriptor": _has_system_area,
    "the names, permissions and links of Rock Ridge": _has_rock_ridge,
    "another volume descriptor, with other names": _has_other_volumes,
    "associated files, such as the resource forks of a Macintosh": _has_associated_files,
}
"""Functions that detect a feature, by the words that name it in a message. They get the ISO 9660 volumes, if there are any.

Call them after all folders were listed, because only then associated files are known.
"""
