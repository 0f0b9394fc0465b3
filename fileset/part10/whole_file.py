"""Check a DICOM file as such, whatever its values say: file meta information, data set and pixel data (PS3.10 7)."""

from __future__ import annotations

from fileset.dicom.header import LARGEST_META, Reading
from fileset.dicom.header_cache import FIRST_READ, Recognised
from fileset.dicom.preamble import PREAMBLE, is_part_10
from fileset.part10.data_set import content_faults, sequence_faults
from fileset.part10.faults import Fault
from fileset.part10.file_meta import MetaCache, check_meta
from fileset.part10.structures import CACHE_SIZE, StructureKey, Structures

_NO_PREFIX = 'no preamble and no "DICM" prefix: other programs refuse this file'


class FileChecker:
    """Checks DICOM files one after the other, and caches correct File Meta Information and structures."""

    def __init__(self) -> None:
        self._metas = MetaCache()
        self._structures = Structures()
        self._sequences: set[bytes] = set()

    def faults(
        self, read: Reading, size: int, first: bytes | None = None, header: Recognised | None = None
    ) -> list[Fault]:
        """Return the faults of a DICOM file of `size` bytes.

        `first`: its first bytes, if already read. `header`: its header, if a layout recognised it: then only the elements
        after it need a comparison.
        """
        if first is None:
            first = read(0, FIRST_READ)
        if not is_part_10(first):
            return [Fault("FS-FILE-NO-PREFIX", _NO_PREFIX, 0)]
        key: StructureKey = ()
        known = header is not None and first.startswith(PREAMBLE)
        if known and header is not None:
            known = not header.layout.sequences or all(map(self._is_correct, header.sequences))
            key = (size, header.shape) if known else ()
            if key and self._structures.holds(key, read, first):
                return []
        meta = self._metas.check(first)
        if meta.data_set_at >= len(first) and len(first) < size:
            meta = check_meta(read(0, LARGEST_META))
        start = header.end if header is not None and key else meta.data_set_at
        key = key or (size, meta.data_set_at, meta.transfer_syntax)
        if not known and self._structures.holds(key, read, first):
            return meta.faults
        faults, spans = content_faults(read, size, first, meta.data_set_at, meta.transfer_syntax)
        if spans and not (known and meta.faults):
            self._structures.learn(key, [span for span in spans if span[0] >= start], read, first)
        return meta.faults + faults

    def _is_correct(self, sequence: bytes) -> bool:
        """Return whether the value of a sequence has no fault; caches correct ones."""
        if sequence not in self._sequences:
            if sequence_faults(sequence):
                return False
            if len(self._sequences) >= CACHE_SIZE:
                self._sequences.clear()
            self._sequences.add(sequence)
        return True
