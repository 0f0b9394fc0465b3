"""The forms of records: a record with the element headers of one that was parsed needs no parsing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from struct import Struct
from typing import Final, NamedTuple

from attrs import define, field

from fileset.dicom.elements import Element
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.standard import tags
from fileset.standard.dictionary import vr_of

_MOST: Final = 512
"""Largest number of record lengths in the cache."""
_EACH: Final = 16
"""Largest number of forms for one length: a UID of 62 characters and a number of 4 are as long as one of 64 and one of 2."""


class RecordForm(NamedTuple):
    """The element headers of a whole record, where its File ID is, and whether it has a file but no SOP Instance UID.

    Other elements of the reference add nothing that the file does not have: old discs lack (0004,1512). Offsets count from the
    start of the record. `misplaced`: an element out of order and the one before it, if PS3.6 does not have one of them: its tag
    is damaged, so the record has lost an element.
    """

    headers: Callable[[bytes, int], tuple[bytes, ...]]
    expected: tuple[bytes, ...]
    has_file: bool
    file_id: tuple[int, int]
    is_anonymous: bool
    misplaced: tuple[int, int] | None


@define
class RecordForms:
    """The forms of the records of a DICOMDIR, by their length."""

    flat: FlatDirectory
    _forms: defaultdict[int, list[RecordForm]] = field(factory=lambda: defaultdict(list))

    def find(self, index: int) -> RecordForm | None:
        """Return the form of a record; None if it is damaged, or if another record has its file reference."""
        flat = self.flat
        start = flat.start[index]
        length = flat.end[index] - start
        known = self._forms.get(length, ())
        for form in known:
            if form.headers(flat.data, start) == form.expected:
                return form
        parts = flat.elements(index)
        if flat.damage(index) or any(part.tag == tags.MRDR_OFFSET for part in parts):
            return None
        form = _form(flat, index, parts)
        if len(known) >= _EACH:
            del self._forms[length]
        elif len(self._forms) >= _MOST:
            self._forms.clear()
        self._forms[length].append(form)
        return form


def _form(flat: FlatDirectory, index: int, parts: list[Element]) -> RecordForm:
    start, end = flat.start[index], flat.end[index]
    first, last = flat.content(index)
    fixed = [
        (start, first),
        *(span for part in parts for span in ((part.at, _decided(part)), (part.value_end, part.end))),
    ]
    pieces, at = [], start
    for begin, stop in (*fixed, (last, end)):
        pieces.append(f"{begin - at}x{stop - begin}s")
        at = stop
    headers = Struct("".join(pieces)).unpack_from
    values = {part.tag: (part.value_at - start, part.value_end - start) for part in reversed(parts)}
    filled = {tag for tag, (begin, stop) in values.items() if flat.data[start + begin : start + stop].strip(b" \0")}
    is_anonymous = tags.REFERENCED_FILE_ID in filled and tags.REFERENCED_SOP_INSTANCE_UID not in filled
    file_id = values.get(tags.REFERENCED_FILE_ID, (0, 0))
    has_file = tags.REFERENCED_FILE_ID in values
    return RecordForm(headers, headers(flat.data, start), has_file, file_id, is_anonymous, _misplaced(parts))


def _decided(part: Element) -> int:
    """Return where the bytes of an element end that records of one form share: after the header of the element.

    For the SOP Instance UID that is after its first character, so that a blank one makes another form.
    """
    return min(part.value_at + (part.tag == tags.REFERENCED_SOP_INSTANCE_UID), part.value_end)


def _misplaced(parts: list[Element]) -> tuple[int, int] | None:
    pairs = ((part.tag, before.tag) for before, part in pairwise(parts) if part.tag <= before.tag)
    return next((pair for pair in pairs if any(not tag & 0x10000 and vr_of(tag) == "UN" for tag in pair)), None)
