"""Build a DICOMDIR in memory for the files of a medium without one, whatever their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fileset.dicom.header import HeaderError, Reading
from fileset.dicomdir.read.directory import Contents
from fileset.dicomdir.write.header import Identification, new_frame
from fileset.dicomdir.write.layout import encode
from fileset.dicomdir.write.new import build
from fileset.errors import FilesetError, FormatError
from fileset.file_id import FileId
from fileset.findings import Finding, Where
from fileset.media.base import ReadableMedium
from fileset.media.system.walk import random_access, same_bytes
from fileset.plan.scan import NO_INSTANCE, describe
from fileset.plan.secured import no_readable_file, unopened
from fileset.records.describe import Describer, Instance, Policy
from fileset.records.tree import SHOW, TreeBuilder
from fileset.report import Skipped

_NO_UID: Final = "2.25.0"
_EXTRACT: Final = "`fileset extract` copies both files"


class VirtualContents(Contents):
    """The contents of a DICOMDIR in memory, where a name that is not a File ID is not a fault."""

    def report(self, rule: str, index: int, message: str, tag: int | None) -> None:
        """Note a finding, unless it is about the form of a name."""
        if rule != "FS-FILE-ID-FORM":
            super().report(rule, index, message, tag)


def virtual_contents(medium: ReadableMedium) -> tuple[Contents, list[Finding]]:
    """Make records for all DICOM files on a medium, and list the files that cannot have one, with the reason.

    The records do not use a DICOMDIR on the medium at all. Raises `FormatError` if there is no DICOM file.
    """
    names: list[str] = []
    findings: list[Finding] = []
    tree = TreeBuilder(
        names.__getitem__, lambda one, other: _same(medium, names[one], names[other]), patient_conflict=SHOW
    )
    for name, instance in _instances(medium, findings):
        names.append(name)
        try:
            tree.add(instance, len(names) - 1)
        except HeaderError as problem:
            findings.append(Finding(problem.rule, problem.reason, Where(name)))
    if not len(tree):
        raise no_readable_file(medium, findings)
    records = tree.arranged()
    file_ids = [names[source].replace("/", "\\").encode("utf_8", "surrogateescape") for source in records.sources()]
    directory = build(new_frame(Identification(_NO_UID, "")), records, file_ids)
    return VirtualContents(b"".join(encode(directory)), file=medium.name), findings + tree.findings


def _instances(medium: ReadableMedium, findings: list[Finding]) -> Iterator[tuple[str, Instance]]:
    describer = Describer(Policy())
    names = frozenset(medium.names())
    for name in medium.names():
        try:
            file_id = FileId.tolerant(name)
            if file_id.path != name and file_id.path in names:
                raise FormatError(f"its name differs from {file_id.path!r} in spaces alone", advice=_EXTRACT)
            with medium.open(file_id) as file:
                read, size = random_access(file)
                try:
                    yield name, describe(read, describer)[0]
                except HeaderError as problem:
                    findings += _lost(name, problem, read, size)
        except (FilesetError, OSError) as problem:
            reason = problem.text(known_path=name) if isinstance(problem, FilesetError) else str(problem)
            findings.append(unopened(problem, name) or Finding("FS-FILE-UNREADABLE", reason, Where(name)))


def _lost(name: str, problem: HeaderError, read: Reading, size: int) -> Iterator[Finding]:
    """Report a file without an instance, unless it neither is nor claims to be a DICOM file, nor holds any."""
    from fileset.media.inner_archive import inner_archive

    if problem.rule not in NO_INSTANCE:
        yield Finding(problem.rule, problem.reason, Where(name))
    elif problem.rule == "FS-FILE-NOT-DICOM" and (archive := inner_archive(read, size)):
        yield Finding("FS-FILE-UNREADABLE", archive, Where(name))
    elif problem.rule != "FS-FILE-IS-DICOMDIR" and not Skipped(name, problem.rule, problem.reason).foreign:
        yield Finding("FS-FILE-UNREADABLE", f"a DICOM file by its name, but {problem.reason}", Where(name))


def _same(medium: ReadableMedium, one: str, other: str) -> bool:
    """Check whether two files hold the same bytes."""
    with medium.open(FileId.tolerant(one)) as first, medium.open(FileId.tolerant(other)) as second:
        return same_bytes(first, second)
