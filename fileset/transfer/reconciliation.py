"""New values for patient and order, from the user, a table or a worklist (IHE Import Reconciliation).

UIDs stay unchanged. A file whose patient is unclear is not sent.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from attrs import define, evolve, field, frozen

from fileset.dicom.elements import EXPLICIT_LITTLE, Syntax, element_at, element_header
from fileset.dicom.header import DEFLATED, syntax_of
from fileset.errors import Advice, FilesetError, FormatError, RuleError, asked_for
from fileset.part10.values import fault
from fileset.standard import tags
from fileset.standard.dictionary import keyword_like, keyword_of, tag_of, vr_of
from fileset.transfer.coerce import UTF_8, Stamp, coerced
from fileset.transfer.payload import Payload, UnsendableError

_TEXT_VRS: Final = frozenset(["AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UT"])
_KEEP: Final = frozenset((tags.SPECIFIC_CHARACTER_SET,))
_PIXELS: Final = 0x7FE00000
"""From this tag on, elements are streamed without decoding."""
_WINDOW: Final = 1 << 16
_LARGEST: Final = 1 << 30
"""Most bytes before the pixels that are read into memory."""

Values = Mapping[int, str]
"""Tag -> new value."""


_LEAVE_OUT: Final = "Leave it out"
_CSV: Final = "Save the table as CSV, encoded in UTF-8"
_LINE: Final = "Give each line the same number of cells, empty ones too"
_ONE_PATIENT: Final = Advice(
    "Select one patient with `find(PatientID=...)`, or give a table",
    "Select one patient with PatientID=..., or give a table with --map",
)


def values_of(pairs: Mapping[str, str]) -> dict[int, str]:
    """Return new values by tag. Raises `RuleError` for a key that must not change, or a value that is not valid for it."""
    return {_changeable(keyword): _valid(keyword, value) for keyword, value in pairs.items()}


def _changeable(keyword: str) -> int:
    tag = tag_of(keyword)
    if tag is None:
        meant = keyword_like(keyword)
        advice = f"Did you mean {meant}?" if meant else ""
        raise RuleError(f"{keyword!r} is not the keyword of an attribute (PS3.6)", advice=advice)
    vr = vr_of(tag)
    if vr == "UI":
        raise RuleError(
            f"{keyword} is a UID, and UIDs must stay: other systems know the instances by them", advice=_LEAVE_OUT
        )
    if vr not in _TEXT_VRS or tag in _KEEP or tag >> 16 < 0x0008 or tag >> 16 >= _PIXELS >> 16 or tag >> 16 & 1:
        raise RuleError(f"{keyword} cannot be set: only text, numbers, dates and times can", advice=_LEAVE_OUT)
    return tag


def _valid(keyword: str, value: str) -> str:
    tag = tag_of(keyword) or 0
    wrong = fault(vr_of(tag), value.strip().encode("utf_8"), UTF_8) if value.strip() else ""
    if wrong:
        raise RuleError(f"{keyword}={value}: {wrong} (PS3.5 6.2)", advice=f"Give a value of VR {vr_of(tag)}")
    return value.strip()


def _cells(path: str) -> list[list[str]]:
    """Read the lines of a CSV file that are not empty."""
    try:
        with asked_for(path):
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        separator = next((one for one in ",;\t" if one in "".join(lines[:1])), ",")
        return [[cell.strip() for cell in line] for line in csv.reader(lines, delimiter=separator) if any(line)]
    except (UnicodeError, csv.Error) as problem:
        raise RuleError("is not a CSV file in UTF-8", path=path, advice=_CSV) from problem


@frozen
class NewValues:
    """New values for several patients or studies: `key` names the old value that selects them."""

    key: int
    rows: Mapping[str, Values]

    @classmethod
    def read(cls, path: str) -> NewValues:
        """Read the table in a CSV file: a first column OldPatientID or StudyInstanceUID, then keywords.

        Commas, semicolons or tabs separate the cells, because some versions of Excel write semicolons. An empty cell leaves
        the old value. Raises `RuleError` for another form, `NotFoundError` or `MediumError` if it cannot be read.
        """
        header, *lines = _cells(path) or [[]]
        key = _KEYS.get(header[0].replace(" ", "").casefold()) if header else None
        if key is None or len(header) < 2:
            raise RuleError(
                "the first line must name the columns: OldPatientID or StudyInstanceUID, then keywords such as PatientID",
                path=path,
            )
        rows: dict[str, Values] = {}
        for number, line in enumerate(lines, 2):
            if len(line) != len(header):
                raise RuleError(
                    f"line {number} has {len(line)} cells, the first line {len(header)}", path=path, advice=_LINE
                )
            values = values_of({name: cell for name, cell in zip(header[1:], line[1:], strict=True) if cell})
            if rows.setdefault(line[0], values) != values:
                raise RuleError(
                    f"line {number}: {line[0]!r} is there twice, with other values",
                    path=path,
                    advice="Keep one of them",
                )
        return cls(key, rows)


_KEYS: Final = {
    "oldpatientid": tags.PATIENT_ID,
    "studyinstanceuid": tags.STUDY_INSTANCE_UID,
}


@define
class Reconciliation:
    """New values for files that are sent or copied.

    Attributes:
        fixed: New values for all files, which must be of one patient.
        table: New values by old Patient ID or study.
        source: Source of Previous Values, "" if unknown.
        changes: The changes so far: by Study Instance UID, the keyword with the old and the new value.
    """

    fixed: Values = field(factory=dict)
    table: NewValues | None = None
    source: str = ""
    changes: dict[str, dict[str, tuple[str, str]]] = field(factory=dict)
    _patient: str | None = None

    def change(self, item: Payload) -> Payload:
        """Return the file to send instead, or the same one if nothing changes.

        Raises `UnsendableError` if the patient of the file is unclear, or the file cannot be changed.
        """
        values = self._values(item)
        syntax = syntax_of(item.transfer_syntax_uid.encode())
        stamp = Stamp(datetime.now(UTC).strftime("%Y%m%d%H%M%S.%f%z"), self.source)
        try:
            if item.transfer_syntax_uid.encode() in DEFLATED:
                return self._noted(*_changed_deflated(item, values, stamp))
            head = _head(item, syntax)
            changed, differences = coerced(head, syntax, values, stamp)
        except (FormatError, zlib.error) as problem:
            raise UnsendableError(
                f"the file cannot be changed, so it stays here: {problem}", advice="Send it alone, without new values"
            ) from problem
        if not differences:
            return item
        size = item.size - len(head) + len(changed)
        new = evolve(item, changed=changed, start=item.start + len(head), size=size)
        return self._noted(new, differences)

    def require_patient(self, patient: str, error: type[FilesetError]) -> None:
        """Raise `error` if there are fixed values, and earlier files had another Patient ID."""
        if not self.fixed:
            return
        if self._patient is None:
            self._patient = patient
        elif self._patient != patient:
            raise error(
                f"the file is of patient {patient!r}, others are of {self._patient!r}: one value cannot be right for both",
                advice=_ONE_PATIENT,
            )

    def _values(self, item: Payload) -> Values:
        self.require_patient(item.identity[tags.PATIENT_ID], UnsendableError)
        if self.table is None:
            return self.fixed
        row = self.table.rows.get(item.identity[self.table.key])
        if row is None:
            name = keyword_of(self.table.key)
            raise UnsendableError(
                f"the table has no row for {name} {item.identity[self.table.key]!r}", advice="Add one, and run it again"
            )
        return {**row, **self.fixed}

    def _noted(self, item: Payload, differences: Mapping[int, tuple[str, str]]) -> Payload:
        values = {keyword_of(tag): pair for tag, pair in differences.items()}
        if values:
            self.changes.setdefault(item.identity[tags.STUDY_INSTANCE_UID], {}).update(values)
        return evolve(item, values=values)


def _head(item: Payload, syntax: Syntax) -> bytes:
    """Read the elements before the pixels. Raises `FormatError` if they are damaged."""
    size = _WINDOW
    while True:
        with item.source.open() as file:
            file.seek(item.start)
            data = file.read(min(size, item.size))
        end = _end_of_head(data, syntax, whole=len(data) == item.size)
        if end is not None:
            return data[:end]
        size *= 4
        if size > _LARGEST:
            raise FormatError("the data before the pixels is too large")


def _end_of_head(data: bytes, syntax: Syntax, *, whole: bool) -> int | None:
    """Find the start of the pixels, or the end of the data set; None if more bytes are needed."""
    at = 0
    while at < len(data):
        try:
            if element_header(data, at, syntax)[0] >= _PIXELS:
                return at
            at = element_at(data, at, len(data), syntax).end
        except FormatError:
            if whole:
                raise
            return None
    return at if whole else None


def _changed_deflated(item: Payload, values: Values, stamp: Stamp) -> tuple[Payload, dict[int, tuple[str, str]]]:
    """Change a deflated data set, which must be in memory as a whole (PS3.5 A.5)."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflate.decompress(b"".join(item.data_set()), _LARGEST)
    if inflate.unconsumed_tail:
        raise FormatError("the data set is too large to be inflated")
    end = _end_of_head(data, EXPLICIT_LITTLE, whole=True) or 0
    changed, differences = coerced(data[:end], EXPLICIT_LITTLE, values, stamp)
    if not differences:
        return item, {}
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    content = deflate.compress(changed + data[end:]) + deflate.flush()
    return evolve(item, changed=content, size=len(content)), differences
