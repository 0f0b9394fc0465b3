"""Rules for the files of a file-set: which are there, and whether they are what their records say (PS3.3 F.2.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import cached_property
from typing import Final

from attrs import define, field

from fileset.check.dicomdir.directory import Directory
from fileset.check.dicomdir.levels import UpperRecords
from fileset.check.dicomdir.names import Listing, clashes, find, listing_of
from fileset.check.inspect import Seen
from fileset.check.looking import Looking
from fileset.check.manifest import Manifest
from fileset.check.places import Collector
from fileset.dicomdir.write.layout import NONE
from fileset.errors import FormatError, MediumError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import LinkError, ReadableMedium
from fileset.media.folder.work_folder import WORK
from fileset.plan.scan import Progress
from fileset.profiles.facts import Facts
from fileset.standard import tags

OnFacts = Callable[[str, int, Facts], None]
"""Called with the name of a DICOM file, the record that references it, and what application profiles ask of it."""

_LEFT: Final = "belongs to a write that is under way, or was interrupted"


@define
class FileCheck:
    """Checks all files of a medium against the records of its DICOMDIR."""

    medium: ReadableMedium
    to: Collector
    directory: Directory
    manifest: Manifest | None = None
    on_facts: OnFacts | None = None
    _names: list[str] = field(factory=list)
    _unlisted: dict[str, bytes] = field(factory=dict)
    _others: set[str] = field(factory=set)

    def check(self, *, jobs: int | None, executor: Executor | None, progress: Progress | None) -> int:
        """Look at every file once, and return how many there are."""
        names = list(self.medium.names())
        self._names = names
        clashes(names, self.to)
        record_of = self._match(names)
        if self.manifest is not None:
            self.manifest.check_names(names, self.to)
        own = self._own_name(names)
        names = [name for name in names if name != own]
        upper = UpperRecords(self.to)
        digests = self.manifest.digests if self.manifest is not None else {}
        references, facts = self.directory.references, self.on_facts is not None
        looking = Looking(self.medium, self.to.contents, references, record_of, digests, facts)
        for name, seen in looking.at_all(names, jobs=jobs, executor=executor, progress=progress):
            self._report(name, record_of.get(name, NONE), seen, upper)
        upper.report()
        self._report_unlisted()
        self._leftovers()
        return len(names)

    @cached_property
    def _listing(self) -> Listing:
        """The names of the medium in all their forms: wanted only where a name is not what it should be."""
        return listing_of(self._names)

    # ------------------------------------------------------------ names and records

    def _match(self, names: Sequence[str]) -> dict[str, int]:
        """Name on the medium -> the record that references it; what is missing, or oddly named, is a finding."""
        there, matched = set(names), {}
        lost = []
        for path, index in self.directory.references.index_of.items():
            if path in there:
                matched[path] = index
            else:
                lost.append((path, index))
        for path, index in lost:
            name = find(path, self._listing)
            if name is None or name in matched:
                self._missing(path, index)
            else:
                matched[name] = index
                self.to.at_file("FS-NAME-FORM", f"lies here instead of under its File ID {path}", name, index)
        self._check_descriptor(matched)
        return matched

    def _missing(self, path: str, index: int) -> None:
        try:
            self.medium.inquire_file(FileId.tolerant(path))
        except FormatError as problem:
            rule = "FS-FILE-MISSING" if isinstance(problem, LinkError) else "FS-FILE-UNREADABLE"
            self.to.at_file(rule, problem.text(known_path=path), path, index, tag=tags.REFERENCED_FILE_ID)
        except MediumError:
            self.to.at_file("FS-FILE-MISSING", "not on the medium", path, index, tag=tags.REFERENCED_FILE_ID)

    def _check_descriptor(self, matched: dict[str, int]) -> None:
        descriptor = self.directory.descriptor
        if descriptor is None:
            return
        if descriptor.path in matched:
            message = f"the descriptor file {descriptor} is referenced by a record"
            self.to.add("FS-DESCRIPTOR", message, tag=tags.DESCRIPTOR_FILE_ID)
        elif find(descriptor.path, self._listing) is None:
            self.to.add(
                "FS-DESCRIPTOR", f"the descriptor file {descriptor} is not on the medium", tag=tags.DESCRIPTOR_FILE_ID
            )

    def _own_name(self, names: Sequence[str]) -> str | None:
        """The name of the DICOMDIR itself, which may lie under another form of it."""
        dicomdir = self.to.dicomdir
        own = dicomdir if dicomdir in names else find(dicomdir, self._listing)
        if own and own != DICOMDIR.value:
            self.to.at_file("FS-NAME-FORM", f"this DICOMDIR is not called {DICOMDIR}", own)
        if own and self.manifest is not None:
            self.manifest.check_contents(own, self.to.flat.data, self.to)
        return own

    # ------------------------------------------------------------ each file

    def _report(self, name: str, index: int, seen: Seen, upper: UpperRecords) -> None:
        for fault in seen.faults:
            self.to.at_file(fault.rule, fault.message, name, index, offset=fault.offset, tag=fault.tag)
        if seen.facts is not None and self.on_facts is not None:
            self.on_facts(name, index, seen.facts)
        if index != NONE:
            if seen.chain is not None:
                upper.count(index, seen.chain, name)
            self._report_listed(name, index, seen)
        else:
            self._report_stray(name, seen)

    def _report_listed(self, name: str, index: int, seen: Seen) -> None:
        if seen.rule == "FS-FILE-LINK":
            self.to.at_file("FS-FILE-MISSING", "not on the medium, only a link that leads out of it", name, index)
        if seen.rule in ("FS-FILE-NOT-DICOM", "FS-FILE-IS-DICOMDIR"):
            self.to.at_file("FS-REFERENCE-NOT-DICOM", seen.reason or "not a DICOM file", name, index)
        elif seen.rule and (seen.rule != "FS-SOP-CLASS-NO-RECORD" or self.to.contents.type_name(index) != "PRIVATE"):
            self.to.at_file(seen.rule, seen.reason, name, index)

    def _report_stray(self, name: str, seen: Seen) -> None:
        """A file that no record references."""
        if seen.rule in ("FS-FILE-LINK", "FS-FILE-UNREADABLE"):
            self.to.at_file(seen.rule, seen.reason, name)
        elif seen.rule == "FS-FILE-IS-DICOMDIR":
            self.to.at_file(
                "FS-DICOMDIR-SECOND", "another DICOMDIR: what lies below its folder is taken for its own", name
            )
            self._others.add(name.rpartition("/")[0])
        elif seen.prefix and self.directory.complete:
            self._unlisted[name] = seen.uid

    def _report_unlisted(self) -> None:
        """DICOM files of this file-set that are in no record; last, when all other DICOMDIRs are known."""
        self._others.discard("")
        leftovers = self._announced()
        for name, uid in self._unlisted.items():
            if name in leftovers:
                self.to.at_file("FS-WRITE-LEFTOVER", _LEFT, name)
            elif not self._is_elsewhere(name):
                known = self.directory.once.instances.get(uid, NONE)
                other = f"; its SOP Instance UID is that of {self.to.path(known)}" if known != NONE else ""
                self.to.at_file("FS-FILE-UNLISTED", f"no record references this DICOM file{other}", name)

    def _announced(self) -> frozenset[str]:
        """The names in the journal of an interrupted change."""
        try:
            return self.medium.announced()
        except MediumError as problem:
            self.to.at_file("FS-FILE-UNREADABLE", problem.text(known_path=WORK), WORK)
            return frozenset()

    def _is_elsewhere(self, name: str) -> bool:
        """Whether a file lies in the folder of another DICOMDIR."""
        folder = name
        while self._others and "/" in folder:
            folder = folder.rpartition("/")[0]
            if folder in self._others:
                return True
        return False

    def _leftovers(self) -> None:
        """What an interrupted write left on the medium."""
        for name in self.medium.leftovers():
            self.to.at_file("FS-WRITE-LEFTOVER", _LEFT, name)
