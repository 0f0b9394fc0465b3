"""The form of a medium, as the rules of application profiles need it: a folder, or which kind of image or archive."""

from __future__ import annotations

from fileset.media.base import Format, ReadableMedium
from fileset.media.image.medium import Image
from fileset.media.image.subfolder import Below
from fileset.media.iso.medium import ISO_9660, UDF, Iso, IsoMedium
from fileset.media.zip.reader import ZipMedium


def form_of(medium: ReadableMedium) -> str:
    """Return "folder", "iso", "iso+udf", "udf" or "zip" for a medium that is open."""
    if isinstance(medium, Below):
        return form_of(medium.around)
    if isinstance(medium, Image):
        return form_of(medium.former)
    if isinstance(medium, IsoMedium):
        return "+".join(name for kind, name in ((ISO_9660, "iso"), (UDF, "udf")) if kind in medium.kinds)
    return "zip" if isinstance(medium, ZipMedium) else "folder"


def form_of_format(chosen: Format) -> str:
    """Return the same for a medium that is to be written."""
    return "iso+udf" if isinstance(chosen, Iso) and chosen.udf else chosen.name
