"""Features of an ISO 9660 or UDF image that our writer does not write, so that an update would lose them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fileset.media.image.bytes import ImageBytes
from fileset.media.image.names import Notes
from fileset.media.iso.reader import FIRST_DESCRIPTOR, SECTOR, SUPPLEMENTARY, IsoVolume, descriptors, is_joliet

BOOT_RECORD, PARTITION = 0, 3
_SHARING_PROTOCOL: Final = b"SP\7\1\xbe\xef"
"""The entry that begins the System Use Sharing Protocol, in the first record of the root (IEEE P1281 5.3)."""


def features(image: ImageBytes, volumes: Sequence[IsoVolume]) -> list[str]:
    """List these features of an image with these ISO 9660 volumes, in the words of a message.

    Call it after all folders were listed, because only then associated files are known.
    """
    found = list(descriptors(image, Notes()))
    roots = [image.read(volume.root.extents[0][0], SECTOR) for volume in volumes]
    is_there = {
        "the boot record (El Torito)": any(one[0] == BOOT_RECORD for one in found),
        "boot code or a partition table before the first descriptor": any(image.read(0, FIRST_DESCRIPTOR * SECTOR)),
        "the names, permissions and links of Rock Ridge": any(_SHARING_PROTOCOL in one[34 : one[0]] for one in roots),
        "another volume descriptor, with other names": any(
            one[0] == PARTITION or (one[0] == SUPPLEMENTARY and not is_joliet(one)) for one in found
        ),
        "associated files, such as the resource forks of a Macintosh": any(one.has_associated_files for one in volumes),
    }
    return [feature for feature, is_found in is_there.items() if is_found]
