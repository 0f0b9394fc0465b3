"""File-set Reader (PS3.10 8.3): opens any file-set, even a damaged one, and changes nothing.

Opening a file-set decodes the DICOMDIR into flat arrays and follows the links. The keys of a record are decoded on first
use, so that a hundred thousand records cost little.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from attrs import define

from fileset.dicom.header import read_header
from fileset.dicomdir.read.directory import conditions
from fileset.dicomdir.read.query import attribute
from fileset.dicomdir.read.raw import FlatDirectory
from fileset.dicomdir.read.tree import Tree
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FilesetError, FindingsError, FormatError
from fileset.file_id import DICOMDIR, FileId
from fileset.findings import Finding
from fileset.media.base import FileInfo, FileSetInfo, MediumFormat
from fileset.media.open import readable, scannable
from fileset.media.system.files import path_of
from fileset.media.system.walk import random_access
from fileset.plan.dicomdir_file import absent_from, read_contents
from fileset.plan.header_values import wanted_tags
from fileset.plan.instances import BelowLevels
from fileset.plan.secured import secure_findings, secure_format
from fileset.plan.virtual import virtual_contents
from fileset.standard import tags
from fileset.tables import FoundRecords, Table, select
from fileset.tables.select import TableLevel
from fileset.tables.table import text_of

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

    from fileset.media.base import Format
    from fileset.secure.security import Security


_ABSENT: Final = object()
_SHOWN: Final = (
    *("PatientID", "PatientName", "StudyDate", "StudyDescription", "Modality", "SeriesNumber", "InstanceNumber"),
)
"""Keys that `repr` shows."""


@define(unsafe_hash=True, weakref_slot=False)
class Record(BelowLevels["Record"]):
    """One directory record (PS3.3 F.3.2.2): a view that decodes keys on demand.

    `record["PatientID"]`, `record.get(...)` and `record.keys()` give the keys as str, int, float, lists of these, or
    lists of dictionaries for sequences; None for a key without a value.
    """

    _reader: Reader
    _index: int

    def __repr__(self) -> str:
        shown = {keyword: self.get(keyword) for keyword in _SHOWN}
        values = "".join(f" {keyword}={value!r}" for keyword, value in shown.items() if value is not None)
        return f"<{self.record_type} record at offset {self.offset}{values}>"

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th>{escape(key)}</th><td>{escape(text_of(value))}</td></tr>" for key, value in self.keys().items()
        )
        return f"<p>{escape(repr(self))}</p><table>{''.join(rows)}</table>"

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, keyword: object) -> bool:
        return isinstance(keyword, str) and self.get(keyword, _ABSENT) is not _ABSENT

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.keys())

    @property
    def record_type(self) -> str:
        """Directory Record Type (0004,1430)."""
        return self._reader.contents.type_name(self._index)

    @property
    def offset(self) -> int:
        """Position of the record in the DICOMDIR, in bytes from the start of the file."""
        return self._reader.flat.start[self._index]

    # ------------------------------------------------------------ the tree

    @property
    def children(self) -> FoundRecords[Record]:
        """The records of the lower-level directory entity, in order."""
        reader = self._reader
        return FoundRecords("records", lambda: (Record(reader, index) for index in reader.tree.children(self._index)))

    @property
    def parent(self) -> Record | None:
        """The record above, None in the root entity."""
        index = self._reader.tree.parent[self._index]
        return None if index == NONE else Record(self._reader, index)

    def _level(self, record_type: str) -> Record | None:
        found = self._reader.contents.at_level(self._index, record_type)
        return None if found == NONE else Record(self._reader, found)

    # ------------------------------------------------------------ keys

    def keys(self) -> dict[str, Any]:
        """Return all keys of the record with their values, by keyword; by tag in hexadecimal if there is no keyword."""
        return self._reader.contents.keys(self._index)

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return the value of one key, `default` if the record has no such key.

        Raises `RuleError` if there is no attribute of this name.
        """
        contents = self._reader.contents
        found = contents.element(self._index, attribute(keyword))
        return default if found is None else contents.value(self._index, found)

    def __getitem__(self, keyword: str) -> Any:
        """Return the value of one key. Raises `KeyError` if this record lacks the key, even if a record above has it."""
        value = self.get(keyword, _ABSENT)
        if value is _ABSENT:
            owners = {"series": self.series, "study": self.study, "patient": self.patient}
            above = next((name for name, one in owners.items() if one and one.get(keyword) is not None), None)
            hint = f": it is a key of record.{above}" if above else ""
            raise KeyError(f"{keyword} is not in the {self.record_type} record{hint}")
        return value

    # ------------------------------------------------------------ the referenced file

    @property
    def file_id(self) -> FileId | None:
        """Referenced File ID (0004,1500); None if the record references no file, or the File ID is hostile."""
        return self._reader.contents.file_id(self._index)

    @property
    def path(self) -> str | None:
        """Path of the referenced file in the file system; the file may be missing.

        None if the record references no file, or the medium is an image or archive.
        """
        file_id = self.file_id
        try:
            return (self._reader.medium.path(file_id) or None) if file_id is not None else None
        except FilesetError:
            return None

    @property
    def sop_class_uid(self) -> str:
        """Referenced SOP Class UID in File (0004,1510) of the record, else the value from the file, else ""."""
        return self._reader.reference(self._index, tags.REFERENCED_SOP_CLASS_UID)

    @property
    def sop_instance_uid(self) -> str:
        """Referenced SOP Instance UID in File (0004,1511) of the record, else the value from the file, else ""."""
        return self._reader.reference(self._index, tags.REFERENCED_SOP_INSTANCE_UID)

    @property
    def transfer_syntax_uid(self) -> str:
        """Referenced Transfer Syntax UID in File (0004,1512) of the record, else the value from the file, else ""."""
        return self._reader.reference(self._index, tags.REFERENCED_TRANSFER_SYNTAX_UID)

    def open(self) -> BinaryIO:
        """Open the referenced file (M-READ, PS3.10 8.3).

        Raises `MediumError` if it is missing, `FormatError` if the record names no file.
        """
        return self._reader.medium.open(self._named())

    def position(self) -> int:
        """Return the offset of the file on the medium in bytes, 0 if unknown. Reading in this order avoids seeks."""
        return self._reader.medium.position(self.file_id) if self.file_id else 0

    def inquire(self) -> FileInfo:
        """Return size, date and time of the referenced file (M-INQUIRE FILE, PS3.10 8.3). Raises the errors of `open`."""
        return self._reader.medium.inquire_file(self._named())

    def dataset(self) -> FileDataset:
        """Read the data set of the referenced file.

        Raises the errors of `open`, and `FormatError` if pydicom cannot read the file.
        """
        import pydicom

        name = self._named()
        with self._reader.medium.open(name) as file:
            try:
                return pydicom.dcmread(file)
            except FilesetError:
                raise
            except pydicom.errors.InvalidDicomError as problem:  # its message advises an option of pydicom
                raise FormatError("not a DICOM file", path=name) from problem
            except Exception as problem:  # pydicom raises nearly anything on damaged input
                raise FormatError(f"not readable as DICOM: {problem}", path=name) from problem

    def _named(self) -> FileId:
        file_id = self.file_id
        if file_id is None:
            raise FormatError(f"the {self.record_type} record at offset {self.offset} references no file")
        return file_id


class Reader:
    """Open and read the file-set at `medium` (File-set Reader, PS3.10 8.3).

    Use it as a context manager, or call `close`. `findings` has the faults of the medium and the DICOMDIR.

    Args:
        medium: A folder, the DICOMDIR in it, an ISO 9660 image or a ZIP archive.
        strict: Raise all findings as one `FindingsError`, a group of `FormatError`.
        scan: Look into every file, whatever its name. The DICOMDIR is neither needed nor read.
        medium_format: "folder", "iso" or "zip"; by default name and contents of the medium decide.
        security: Keys and passwords that open Secure DICOM Files (PS3.15 D.1). The Reader verifies digest or signature of a
            file before it returns any of its contents.

    Raises:
        FormatError: There is no DICOMDIR that can be read; with `scan`, no DICOM file.
        MediumError: The medium fails.
    """

    def __init__(
        self,
        medium: str | os.PathLike[str],
        *,
        scan: bool = False,
        strict: bool = False,
        medium_format: Format | MediumFormat | None = None,
        security: Security | None = None,
    ) -> None:
        self.given = path_of(medium)
        wanted = secure_format(medium_format, security)
        self.medium, dicomdir = (scannable(medium, wanted), DICOMDIR) if scan else readable(medium, wanted)
        try:
            self.contents, self._found_by_scan = (
                virtual_contents(self.medium) if scan else (read_contents(self.medium, dicomdir), [])
            )
            if strict and self.findings:
                found = [_error(one) for one in self.findings]
                raise FindingsError(f"{self.medium.name}: the first finding: {found[0]}", found)
        except FilesetError:
            self.close()
            raise
        self.flat: FlatDirectory = self.contents.flat
        self.tree: Tree = self.contents.tree
        self._said_by_files: dict[int, dict[int, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the medium."""
        self.medium.close()

    @property
    def findings(self) -> list[Finding]:
        """Faults of the medium and the DICOMDIR found so far."""
        damage = [Finding("FS-MEDIUM-DAMAGED", note) for note in self.medium.damage()]
        return damage + self._found_by_scan + self.contents.findings + secure_findings(self.medium)

    def __repr__(self) -> str:
        counts = ", ".join(f"{number:,} {one if number == 1 else more}" for number, one, more in self._counted())
        return f"<Reader of {self.medium.name}: {counts}>"

    def _counted(self) -> Iterator[tuple[int, str, str]]:
        yield len(self.patients), "patient", "patients"
        yield len(self.studies), "study", "studies"
        yield len(self.series), "series", "series"
        yield len(self.instances), "instance", "instances"

    def _repr_html_(self) -> str:
        table = self.table("SERIES")
        return f"<p>{escape(repr(self))}</p>{table._repr_html_()}"

    # ------------------------------------------------------------ the file-set

    @property
    def file_set_id(self) -> str:
        """File-set ID (0004,1130), "" if there is none."""
        return self.contents.file_set_id

    @property
    def file_set_uid(self) -> str:
        """File-set UID: Media Storage SOP Instance UID of the DICOMDIR (PS3.10 8.6), "" if there is none."""
        return self.contents.file_set_uid

    @property
    def descriptor_file_id(self) -> FileId | None:
        """File-set Descriptor File ID (0004,1141), None if there is none or its name is hostile."""
        raw = self.contents.text(tags.DESCRIPTOR_FILE_ID)
        try:
            return FileId.tolerant(raw) if raw else None
        except FormatError:
            return None

    @property
    def character_set(self) -> str:
        """Specific Character Set (0008,0005) of the DICOMDIR as a whole: not in the Standard, but some writers give it."""
        return self.contents.character_set

    def medium_info(self) -> FileSetInfo:
        """Measure free space and capacity of the medium in bytes (M-INQUIRE FILE-SET, PS3.10 8.3)."""
        return self.medium.inquire_file_set()

    def __len__(self) -> int:
        """Count the records in the DICOMDIR."""
        return len(self.flat)

    # ------------------------------------------------------------ records

    @property
    def roots(self) -> FoundRecords[Record]:
        """The records of the root directory entity, in order."""
        return FoundRecords(
            "root records", lambda: (Record(self, index) for index in self.tree.entity(self.tree.first))
        )

    @property
    def records(self) -> FoundRecords[Record]:
        """All active records, each before its children."""
        return FoundRecords("records", lambda: (Record(self, index) for index in self.tree.walk()))

    @property
    def patients(self) -> FoundRecords[Record]:
        """All PATIENT records."""
        return FoundRecords("patients", lambda: self.find(level="PATIENT"))

    @property
    def studies(self) -> FoundRecords[Record]:
        """All STUDY records."""
        return FoundRecords("studies", lambda: self.find(level="STUDY"))

    @property
    def series(self) -> FoundRecords[Record]:
        """All SERIES records."""
        return FoundRecords("series", lambda: self.find(level="SERIES"))

    @property
    def instances(self) -> FoundRecords[Record]:
        """All records that reference a file, or whose type requires it."""
        return FoundRecords("instances", self.find)

    def find(self, level: str | None = None, **keys: object) -> Iterator[Record]:
        """Find the records that match all `keys`, as a DICOM query matches (PS3.4 C.2.2.2).

        Args:
            level: "PATIENT", "STUDY" or "SERIES" for records of that type; None or "IMAGE" for all instances.
            keys: A single value, a list, the wild cards `*` and `?`, or a range of dates or times such as
                `20200101-20201231`. A backslash separates the values of one attribute. If the patient, study or series
                has the key, its value counts for all records below. For a key of a lower level, a record matches if at
                least one record below it does.

        Raises:
            RuleError: A keyword is not an attribute, the level is unknown, or a value is None or not valid for its attribute.
        """
        wanted = None if level == "IMAGE" else level  # as `table` names the level of all instances
        return (Record(self, index) for index in self.contents.holding(wanted, conditions(keys)))

    def table(self, level: TableLevel = "IMAGE", columns: Sequence[str] | None = None, **keys: object) -> Table:
        """List all records of `level` that match `keys`, as a table.

        Args:
            level: PATIENT, STUDY, SERIES or IMAGE, which is every record that references a file.
            columns: Keywords (PS3.6). Each value is from the record, else from the nearest record above that has one, else
                None. Default: the keys that identify a record, and the number of records below it.
            keys: As for `find`.

        Raises:
            RuleError: The level is unknown, a column is not an attribute, or a key is wrong as in `find`.
        """
        return select(self.contents, level, columns, keys)

    def paths(self) -> Iterator[str]:
        """List the paths of all referenced files relative to the root, with "/" between components; the fast way."""
        return self.contents.paths()

    def absent(self, keywords: Iterable[str]) -> dict[str, int]:
        """Find the keywords whose key no record has, so that nothing can match it, each with its tag."""
        return absent_from(self.contents, keywords)

    def reference(self, index: int, tag: int) -> str:
        """Look up a UID of the file reference of a record by its index, else the UID from the file."""
        said = self.contents.reference(index, tag)
        if said:
            return said
        if index not in self._said_by_files:
            self._said_by_files[index] = self._said_by_file(index)
        found = self._said_by_files[index].get(tag, "")
        if found:
            self.contents.report("FS-RECORD-REFERENCE", index, f"incomplete; the file has {found}", tag)
        return found

    def _said_by_file(self, index: int) -> dict[int, str]:
        file_id = self.contents.file_id(index)
        if file_id is None:
            return {}
        try:
            with self.medium.open(file_id) as file:
                header = read_header(random_access(file)[0], _UIDS)
        except (FilesetError, OSError):
            return {}
        found = {tag: header.values.get(own) or header.meta.get(meta, b"") for tag, own, meta in _IDENTITY}
        return {tag: raw.decode("ascii", "replace").strip(" \0") for tag, raw in found.items()}


_IDENTITY: Final = (
    (tags.REFERENCED_SOP_CLASS_UID, tags.SOP_CLASS_UID, tags.MEDIA_STORAGE_SOP_CLASS_UID),
    (tags.REFERENCED_SOP_INSTANCE_UID, tags.SOP_INSTANCE_UID, tags.MEDIA_STORAGE_SOP_INSTANCE_UID),
    (tags.REFERENCED_TRANSFER_SYNTAX_UID, tags.TRANSFER_SYNTAX_UID, tags.TRANSFER_SYNTAX_UID),
)
"""Each fact about a file has three tags: in the record, in the data set, and in the File Meta Information."""
_UIDS: Final = wanted_tags((tags.SOP_CLASS_UID, tags.SOP_INSTANCE_UID))


def _error(finding: Finding) -> FormatError:
    """Return a finding as an error."""
    where = finding.where
    place = ", ".join(filter(None, (where.file, where.record)))
    reason = f"{finding.message} [{finding.rule}]"
    return FormatError(reason, path=place, offset=where.offset, tag=where.tag, rule=finding.rule)
