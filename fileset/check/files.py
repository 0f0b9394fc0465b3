"""Check the files of a file-set: which exist, and whether they match their records (PS3.3 F.2.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Final

from attrs import define, field

from fileset.check.all_files import MediumInspector
from fileset.check.names import NameTree, check_names, find, name_tree
from fileset.check.one_file import Inspection
from fileset.check.record_differences import AGAINST_THE_FILE
from fileset.check.upper_records import UpperRecords
from fileset.dicomdir.check.collector import Collector
from fileset.dicomdir.check.directory import CheckedDirectory
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId, folders_above
from fileset.media.base import LinkError, ReadableMedium
from fileset.media.system.walk import WORK
from fileset.plan.manifest import Manifest
from fileset.plan.self_check import SECOND
from fileset.plan.workers import Workers
from fileset.profiles.facts import Facts
from fileset.standard import tags
from fileset.standard.record_types import HL7_DOCUMENT, HL7_SYNTAXES

OnFacts = Callable[[str, int, Facts], None]
"""Called with the name of a DICOM file, the record that references it, and the facts that application profiles need."""
_MOST_COMPARED: Final = 8
"""Further records of one file that are compared with it: each comparison reads the file again."""
_LEFTOVER: Final = "belongs to a write that is under way or was interrupted"


@define
class FileCheck:
    """Checks all files of a medium against the records of its DICOMDIR."""

    medium: ReadableMedium
    collector: Collector
    directory: CheckedDirectory
    manifest: Manifest | None = None
    on_facts: OnFacts | None = None
    show_values: bool = False
    profile: str = ""
    adopts: bool = False
    """Whether files of an interrupted change count as files without a record."""
    _names: list[str] = field(factory=list)
    _unlisted: dict[str, bytes] = field(factory=dict)
    _other_folders: set[str] = field(factory=set)

    def check(self, workers: Workers) -> int:
        """Check every file once, and count the files."""
        self._names = list(self.medium.names())
        check_names(self._names, self.collector)
        record_of = self._match()
        if self.manifest is not None:
            self._check_manifest(self.manifest)
        dicomdir = self._check_dicomdir()
        names = [name for name in self._names if name != dicomdir]
        upper = UpperRecords(self.collector, self.show_values)
        digests = self.manifest.digests if self.manifest is not None else {}
        inspector = MediumInspector(
            self.medium, self.collector.contents, self.directory.references, record_of, digests, self.profile
        )
        for name, result in inspector.inspect_all(names, workers):
            self._report(name, record_of.get(name, NONE), result, upper)
        self._compare_shared(inspector, record_of)
        upper.report()
        self._report_unlisted()
        for name in self.medium.leftovers():
            self.collector.add_at_file("FS-WRITE-LEFTOVER", _LEFTOVER, name)
        return len(names)

    @cached_property
    def _name_tree(self) -> NameTree:
        """The tree of all names and their forms. Built only if a name differs from its File ID."""
        return name_tree(self._names)

    # ------------------------------------------------------------ names and records

    def _match(self) -> dict[str, int]:
        """Map names on the medium to the records that reference them; report files that are missing or misnamed."""
        present, matched = set(self._names), dict[str, int]()
        unmatched = []
        for path, index in self.directory.references.index_of.items():
            if path in present:
                matched[path] = index
            else:
                unmatched.append((path, index))
        for path, index in unmatched:
            name = find(path, self._name_tree)
            if name is None or name in matched:
                self._report_missing(path, index)
            else:
                matched[name] = index
                message = f"the name on the medium differs from the File ID {path}"
                self.collector.add_at_file("FS-NAME-FORM", message, name, index)
        self._check_descriptor(matched)
        return matched

    def _report_missing(self, path: str, index: int) -> None:
        try:
            self.medium.inquire_file(FileId.tolerant(path))
        except FormatError as problem:
            rule = "FS-FILE-MISSING" if isinstance(problem, LinkError) else "FS-FILE-UNREADABLE"
            self.collector.add_at_file(rule, problem.text(known_path=path), path, index, tag=tags.REFERENCED_FILE_ID)
        except MediumError as problem:
            unknown = isinstance(problem.__cause__, OSError)  # its folder cannot be listed
            rule, message = (
                ("FS-FILE-UNREADABLE", str(problem)) if unknown else ("FS-FILE-MISSING", "not on the medium")
            )
            self.collector.add_at_file(rule, message, path, index, tag=tags.REFERENCED_FILE_ID)

    def _check_descriptor(self, matched: dict[str, int]) -> None:
        descriptor = self.directory.descriptor
        if descriptor is None:
            return
        if descriptor.path in matched:
            problem = "referenced by a record"
        elif find(descriptor.path, self._name_tree) is None:
            problem = "not on the medium"
        else:
            return
        message = f"the descriptor file {descriptor} is {problem}"
        self.collector.add("FS-DESCRIPTOR", message, tag=tags.DESCRIPTOR_FILE_ID)

    def _check_manifest(self, manifest: Manifest) -> None:
        for name in manifest.unlisted(self._names):
            self.collector.add_at_file("FS-HASH-UNLISTED", "not in the manifest", name)
        for name in manifest.missing(self._names):
            self.collector.add_at_file("FS-HASH-MISSING", "in the manifest, but not on the medium", name)

    def _check_dicomdir(self) -> str | None:
        """Check name and digest of the DICOMDIR; return its name on the medium, which may be another form."""
        path = self.collector.dicomdir
        name = path if path in self._names else find(path, self._name_tree)
        if name and name != DICOMDIR.value:
            self.collector.add_at_file("FS-NAME-FORM", f"the name of this DICOMDIR should be {DICOMDIR}", name)
        if name and self.manifest is not None:
            problem = self.manifest.problem(name, self.collector.flat.data)
            if problem:
                self.collector.add_at_file("FS-HASH-DIFFERS", problem, name)
        return name

    # ------------------------------------------------------------ each file

    def _report(self, name: str, index: int, result: Inspection, upper: UpperRecords) -> None:
        for fault in result.faults:
            other = self._same_instance(result.uid) if fault.rule == "FS-UID-DIFFERS" else ""
            message = f"{fault.message}{other}"
            self.collector.add_at_file(fault.rule, message, name, index, offset=fault.offset, tag=fault.tag)
        if result.facts is not None and self.on_facts is not None:
            self.on_facts(name, index, result.facts)
        if index != NONE:
            if result.chain is not None:
                for below in self.collector.contents.sharing.get(index, (index,)):
                    upper.count(below, result.chain, name)
            self._report_listed(name, index, result)
        else:
            self._report_unreferenced(name, result)

    def _compare_shared(self, inspector: MediumInspector, record_of: dict[str, int]) -> None:
        """Compare the further records of a file with it, but not any number that a hostile DICOMDIR has."""
        compared = Counter[str]()
        for path, index in self.directory.references.shared:
            name = path if path in record_of else find(path, self._name_tree) or ""
            compared[name] += 1
            if not name or compared[name] > _MOST_COMPARED:
                continue
            for fault in inspector.inspect_for(name, index).faults:
                if fault.rule in AGAINST_THE_FILE:
                    self.collector.add_at_file(fault.rule, fault.message, name, index, tag=fault.tag)

    def _report_listed(self, name: str, index: int, result: Inspection) -> None:
        add = self.collector.add_at_file
        if result.rule == "FS-FILE-LINK":
            add("FS-FILE-MISSING", "only a symbolic link that leads out of the medium", name, index)
        if self.collector.contents.type_name(index) == HL7_DOCUMENT:
            self._report_document(name, index, result)
        elif result.rule in ("FS-FILE-NOT-DICOM", "FS-FILE-EMPTY", "FS-FILE-IS-DICOMDIR"):
            add("FS-REFERENCE-NOT-DICOM", result.reason or "not a DICOM file", name, index)
        elif not result.rule or any(fault.rule == result.rule for fault in result.faults):
            return  # reported, and with its place
        elif result.rule != "FS-SOP-CLASS-NO-RECORD" or self.collector.contents.type_name(index) != "PRIVATE":
            add(result.rule, result.reason, name, index)

    def _report_document(self, name: str, index: int, result: Inspection) -> None:
        """Check a native HL7 document: an XML or MIME file without preamble and header (PS3.10-2011 Annex B)."""
        add = self.collector.add_at_file
        syntax = self.collector.contents.reference(index, tags.REFERENCED_TRANSFER_SYNTAX_UID)
        if syntax not in HL7_SYNTAXES:
            message = f"the transfer syntax of a native HL7 document is {syntax or 'missing'}, not XML or MIME"
            add("FS-SYNTAX-DIFFERS", message, name, index, tag=tags.REFERENCED_TRANSFER_SYNTAX_UID)
        if result.rule == "FS-FILE-EMPTY":
            add("FS-REFERENCE-NOT-DICOM", "the HL7 document is empty", name, index)
        elif result.prefix:
            add("FS-REFERENCE-NOT-DICOM", "a native HL7 document must not begin like a DICOM file", name, index)
        elif result.rule not in ("", "FS-FILE-NOT-DICOM", "FS-FILE-NO-META"):
            add(result.rule, result.reason, name, index)

    def _report_unreferenced(self, name: str, result: Inspection) -> None:
        if result.rule in ("FS-FILE-LINK", "FS-FILE-UNREADABLE", "FS-FILE-NO-PREFIX") or result.rule.startswith(
            "FS-SECURE-"
        ):
            self.collector.add_at_file(result.rule, result.reason, name)
        elif result.rule == "FS-FILE-IS-DICOMDIR":
            self.collector.add_at_file("FS-DICOMDIR-SECOND", SECOND, name)
            self._other_folders.add(name.rpartition("/")[0])
        elif result.prefix and self.directory.complete:
            self._unlisted[name] = result.uid

    def _report_unlisted(self) -> None:
        """Report DICOM files without a record. Runs last, because it needs the folders of all other DICOMDIRs."""
        self._other_folders.discard("")
        leftovers = frozenset() if self.adopts else self._announced()
        for name, uid in self._unlisted.items():
            if name in leftovers:
                self.collector.add_at_file("FS-WRITE-LEFTOVER", _LEFTOVER, name)
            elif not self._belongs_to_other(name):
                message = f"no record references this DICOM file{self._same_instance(uid)}"
                self.collector.add_at_file("FS-FILE-UNLISTED", message, name)

    def _same_instance(self, uid: bytes) -> str:
        """Name the record with the SOP Instance UID of a file that it does not reference: the file may be a copy."""
        index = self.directory.identities.instances.get(uid, NONE)
        return f"; {self.collector.path(index)} has the same SOP Instance UID" if index != NONE else ""

    def _announced(self) -> frozenset[str]:
        """Read the names in the journal of an interrupted change."""
        try:
            return self.medium.announced()
        except MediumError as problem:
            self.collector.add_at_file("FS-FILE-UNREADABLE", problem.text(known_path=WORK), WORK)
            return frozenset()

    def _belongs_to_other(self, name: str) -> bool:
        """Return whether a file is below the folder of another DICOMDIR."""
        return bool(self._other_folders) and not self._other_folders.isdisjoint(folders_above(name, "/"))
