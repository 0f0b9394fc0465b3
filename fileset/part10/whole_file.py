"""Check a DICOM file as such, whatever its values say: file meta information, data set and pixel data (PS3.10 7)."""

from __future__ import annotations

from typing import Final, TypeVar

from fileset.dicom.header import LARGEST_META, Reading
from fileset.dicom.header_cache import FIRST_READ, Recognised
from fileset.dicom.preamble import PREAMBLE, is_part_10
from fileset.part10.data_set import content_faults, sequence_faults
from fileset.part10.faults import Fault
from fileset.part10.file_meta import check_meta
from fileset.part10.structures import CACHE_SIZE, Span, Structures
from fileset.part10.values import uid_fault

Value = TypeVar("Value")
_START: Final = PREAMBLE + b"DICM"
_NO_PREFIX: Final = 'no preamble and no "DICM" prefix: other programs refuse this file'


class FileChecker:
    """Checks DICOM files one after the other, and caches correct File Meta Information and structures."""

    def __init__(self) -> None:
        self._structures = Structures()
        self._meta_shapes: set[tuple[object, ...]] = set()
        self._sequences: set[bytes] = set()
        self._judged: set[tuple[object, ...]] = set()  # correct pairs of both

    def faults(
        self, read: Reading, size: int, first: bytes | None = None, header: Recognised | None = None
    ) -> list[Fault]:
        """Find the faults of a DICOM file of `size` bytes.

        `first`: its first bytes, if already read. `header`: its header, if a layout recognised it: then only the elements
        after it need a comparison.
        """
        if first is None:
            first = read(0, FIRST_READ)
        if not is_part_10(first):
            return [Fault("FS-FILE-NO-PREFIX", _NO_PREFIX, 0)]
        if header is not None and self.knows(header, read, size, first):
            return []
        if header is not None and not (first.startswith(PREAMBLE) and self._are_correct(header.sequences)):
            header = None
        meta = check_meta(first)
        if meta.data_set_at >= len(first) and len(first) < size:
            meta = check_meta(read(0, LARGEST_META))
        start, kind = (meta.data_set_at, meta.transfer_syntax) if header is None else (header.end, header.layout)
        if header is not None and not meta.faults:
            _remember(self._meta_shapes, header.meta_shape)
        key = size - start, kind
        if self._structures.holds(key, read, first, start):
            return meta.faults
        faults, spans = content_faults(read, size, first, meta.data_set_at, meta.transfer_syntax)
        if spans:
            self._structures.learn(key, [span for span in spans if span[0] >= start], read, first, start)
        return meta.faults + faults

    def knows(self, header: Recognised, read: Reading, size: int, first: bytes) -> bool:
        """Check whether the caches have the start, sequences and structure of a file, so that all of them are correct."""
        end = header.end
        return (
            first.startswith(_START)
            and not uid_fault(header.stored_uid.rstrip(b"\0"))
            and (header.judged in self._judged or self._judges_correct(header))
            and self._structures.holds((size - end, header.layout), read, first, end)
        )

    def spans(self, header: Recognised, size: int) -> list[Span]:
        """Return the spans of all element headers after the header of a file that `knows` returned true for."""
        return self._structures.spans((size - header.end, header.layout), header.end)

    def _judges_correct(self, header: Recognised) -> bool:
        """Decide whether File Meta Information and sequences are correct by their own caches; cache the two together."""
        is_correct = header.meta_shape in self._meta_shapes and self._are_correct(header.sequences)
        if is_correct:
            _remember(self._judged, header.judged)
        return is_correct

    def _are_correct(self, sequences: list[bytes]) -> bool:
        """Check whether the values of sequences have no fault; caches correct ones."""
        return self._sequences.issuperset(sequences) or all(map(self._is_correct, sequences))

    def _is_correct(self, sequence: bytes) -> bool:
        if sequence not in self._sequences:
            if sequence_faults(sequence):
                return False
            _remember(self._sequences, sequence)
        return True


def _remember(cache: set[Value], value: Value) -> None:
    if len(cache) >= CACHE_SIZE:
        cache.clear()
    cache.add(value)
