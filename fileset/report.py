"""The report of a role: added, skipped and removed files, and findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, overload

from attrs import define, evolve, field, frozen

from fileset.file_id import FileId
from fileset.findings import ERROR, RULES, WARNING, Finding, Where
from fileset.records.packed import PackedBytes, PackedTexts
from fileset.standard.tags import PATIENT_ID

if TYPE_CHECKING:
    from fileset.media.base import FileSetInfo, Written


_NO_LOSS: Final = frozenset(("FS-INSTANCE-DUPLICATE", "FS-FILE-IS-DICOMDIR"))
_INCOMPLETE: Final = frozenset(
    (
        *("FS-FILE-TRUNCATED", "FS-FILE-LINK", "FS-NOTHING-ADDED"),
        *("FS-UID-DIFFERS", "FS-STUDY-TWO-PATIENTS", "FS-SERIES-TWO-STUDIES"),
    )
)
_DICOM_SUFFIXES: Final = (".dcm", ".dicom", ".dic", ".ima")
"""Suffixes by which a file claims to be a DICOM file, in lower case."""


@frozen
class Added:
    """An instance in the file-set: its source, and its File ID."""

    source: str
    file_id: FileId
    sop_instance_uid: str
    record_type: str


@frozen
class Skipped:
    """A source that is not in the file-set, with the rule and the reason."""

    source: str
    rule: str
    reason: str

    @property
    def foreign(self) -> bool:
        """Whether the file neither is nor claims to be a DICOM file: a viewer, a document, a thumbnail.

        An empty file without a suffix may be a DICOM file whose copy failed. macOS puts its attributes for IM1.dcm into ._IM1.dcm.
        """
        name = self.source.replace("\\", "/").rpartition("/")[2].lower()
        claims = name.endswith(_DICOM_SUFFIXES) or (self.rule == "FS-FILE-EMPTY" and "." not in name)
        return self.rule in ("FS-FILE-NOT-DICOM", "FS-FILE-EMPTY") and (name.startswith("._") or not claims)


@frozen
class Removed:
    """An instance that is no longer in the file-set; `deleted` if its file was deleted too."""

    file_id: FileId
    sop_instance_uid: str
    record_type: str
    deleted: bool


@frozen
class Replaced:
    """A file-set on `medium` that a new one replaced.

    `instances`: their number, None if it could not be read. `kept`: how many of their files the new one has too, None if
    they are unknown and so all stay.
    """

    medium: str
    instances: int | None
    kept: int | None


@define
class AddedList(Sequence[Added]):
    """The added instances as columns, so that a hundred thousand of them need little memory."""

    sources: PackedTexts = field(factory=PackedTexts)
    file_ids: PackedTexts = field(factory=PackedTexts)
    uids: PackedBytes = field(factory=PackedBytes)
    record_types: list[str] = field(factory=list)

    def append(self, source: str, file_id: str, uid: bytes, record_type: str) -> None:
        """Add an instance. A source with the same name as its File ID is stored once."""
        self.sources.append("" if source.replace("/", "\\") == file_id else source)
        self.file_ids.append(file_id)
        self.uids.append(uid)
        self.record_types.append(record_type)

    def extend_by(
        self, sources: Iterable[str], file_ids: Iterable[str], uids: Sequence[bytes], record_types: Iterable[str]
    ) -> None:
        """Add several instances, faster than one by one; `sources` are "" where they have the names of the File IDs."""
        self.sources.extend(sources)
        self.file_ids.extend(file_ids)
        self.uids.extend(uids)
        self.record_types.extend(record_types)

    def extend(self, other: AddedList) -> None:
        """Add all of another list."""
        self.extend_by(other.sources, other.file_ids, other.uids, other.record_types)

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Added: ...
    @overload
    def __getitem__(self, index: slice) -> list[Added]: ...
    def __getitem__(self, index: int | slice) -> Added | list[Added]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        uid = self.uids[index].decode("ascii", "replace")
        file_id = FileId.tolerant(self.file_ids[index])
        return Added(self.sources[index] or file_id.path, file_id, uid, self.record_types[index])


@frozen
class Volume:
    """One of several media: its report, its capacity, the bytes `planned` at most, and the bytes `used`, None before it
    is written.
    """

    report: Report
    capacity: int
    planned: int
    used: int | None


ASKED_FOR: Final = frozenset(("FS-FILE-UNLISTED", "FS-PATIENT-TWICE", "FS-STUDY-TWICE", "FS-SERIES-TWICE"))
"""Errors that follow from an option: files without a record, and patients, studies or series with two records."""


@define(repr=False)
class Report:
    """The outcome of a create, index or update.

    `refreshed` are the instances whose keys were read again from their files. `written` are the written files, with
    its SHA-256 if `hashes`, in the order of writing; the DICOMDIR is the last. It is empty if nothing changed. A
    `removable` medium may be taken out after the report.
    `leftovers`: number of files of an interrupted write that a repair removed.
    `replaced` are the earlier file-sets in the same place; `identified` is true if an update changed the File-set
    Identification.
    `volumes`: the volumes, if there may be several media, each with its own report.
    `planned`: whether there was anything to write. `patients`: the number of patients in a new file-set.
    """

    medium: str
    file_set_id: str = ""
    file_set_uid: str = ""
    added: AddedList = field(factory=AddedList)
    removed: list[Removed] = field(factory=list)
    refreshed: AddedList = field(factory=AddedList)
    skipped: list[Skipped] = field(factory=list)
    findings: list[Finding] = field(factory=list)
    written: list[Written] = field(factory=list)
    replaced: list[Replaced] = field(factory=list)
    leftovers: int = 0
    mended: int = 0
    identified: bool = False
    removable: bool = False
    volumes: list[Volume] = field(factory=list)
    dry_run: bool = False
    planned: bool = False
    patients: int = 0
    hashes: bool = False

    def __repr__(self) -> str:
        names = ("added", "removed", "refreshed", "skipped", "findings")
        counts = [f"{number:,} {name}" for name in names if (number := len(getattr(self, name)))]
        nothing = "only the DICOMDIR written" if self.written else "nothing changed"
        of = " of a dry run" if self.dry_run else ""
        return f"<Report{of} on {self.medium}: {', '.join(counts) or nothing}>"

    def _repr_html_(self) -> str:
        from html import escape

        told = [*(f"{one.source}: {one.reason}" for one in self.skipped), *map(str, self.findings)]
        items = "".join(f"<li>{escape(text)}</li>" for text in told[:20])
        more = f"<p>and {len(told) - 20:,} more</p>" if len(told) > 20 else ""
        return f"<p>{escape(repr(self))}</p><ul>{items}</ul>{more}"

    def note_medium(self, info: FileSetInfo) -> None:
        """Add the facts of M-INQUIRE FILE-SET that a user must know."""
        self.removable = info.removable
        if info.caveat:
            self.findings.append(Finding("FS-MEDIUM-FILE-SYSTEM", info.caveat, Where(self.medium)))

    def note_changes(self, record_type: str, changes: Iterable[tuple[int, str, str]]) -> None:
        """Add a finding for each key of an old record that changed: tag, old value, new value."""
        for tag, old, new in changes:
            message = f"{old or 'missing'} -> {new or 'left out'}"
            self.findings.append(Finding("FS-KEY-CHANGED", message, Where("DICOMDIR", record_type, None, tag)))

    def note_undeleted(self, findings: Iterable[Finding]) -> None:
        """Add the findings about files of removed instances that could not be deleted."""
        stuck = {finding.where.file: finding for finding in findings}
        self.findings += stuck.values()
        for at, removed in enumerate(self.removed if stuck else ()):
            self.removed[at] = evolve(removed, deleted=removed.deleted and removed.file_id.path not in stuck)

    def note_links(self, names: Iterable[str]) -> None:
        """Add symbolic links that were skipped because they lead out of their folder."""
        self.skipped += [Skipped(name, "FS-FILE-LINK", RULES["FS-FILE-LINK"].title) for name in names]

    @property
    def complete(self) -> bool:
        """Whether the file-set has everything that was given.

        Three kinds of sources are listed but do not count: the same bytes twice, a DICOMDIR, and files that are not DICOM. A
        DICOM file that was cut off before it was given does count, and so does a file-set without any instance, or with an
        error that a check would find; but not the first `mended` findings, which a repair has put right.
        """
        return not self.lost and not any(
            finding.rule in _INCOMPLETE
            or (finding.rule == "FS-KEY-DIFFERS" and finding.where.tag == PATIENT_ID)
            or (at >= self.mended and finding.severity == ERROR and finding.rule not in ASKED_FOR)
            for at, finding in enumerate(self.findings)
        )

    @property
    def foreign(self) -> list[Skipped]:
        """The sources that neither are nor claim to be DICOM files."""
        return [skipped for skipped in self.skipped if skipped.foreign]

    @property
    def lost(self) -> list[Skipped]:
        """The skipped sources that are missing from the file-set."""
        return [skipped for skipped in self.skipped if not (skipped.foreign or skipped.rule in _NO_LOSS)]

    @property
    def warnings(self) -> list[Finding]:
        """The findings of severity warning or error."""
        return [finding for finding in self.findings if finding.severity in (WARNING, ERROR)]
