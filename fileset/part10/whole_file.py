"""Check a DICOM file as such, whatever its values say: file meta information, data set and pixel data (PS3.10 7)."""

from __future__ import annotations

from fileset.dicom.header import LARGEST_META, Reading
from fileset.dicom.header_cache import FIRST_READ
from fileset.part10.data_set import content_faults
from fileset.part10.faults import Fault
from fileset.part10.file_meta import MetaCache, check_meta
from fileset.part10.structures import Structures


class FileChecker:
    """Checks DICOM files one after the other, and caches correct File Meta Information and structures."""

    def __init__(self) -> None:
        self._metas = MetaCache()
        self._structures = Structures()

    def faults(self, read: Reading, size: int, first: bytes | None = None) -> list[Fault]:
        """Return the faults of a DICOM file of `size` bytes. `first`: its first bytes, if already read."""
        if first is None:
            first = read(0, FIRST_READ)
        meta = self._metas.check(first)
        if meta.data_set_at >= len(first) and len(first) < size:
            meta = check_meta(read(0, LARGEST_META))
        content = content_faults(read, size, first, meta.data_set_at, meta.transfer_syntax, self._structures)
        return meta.faults + content if content else meta.faults
